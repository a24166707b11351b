"""What a `use` step can use: parts of the host's API and of its language's library that take a memory or a view."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class HostApi(Struct, frozen=True):
    """One of them. ``on`` is what it takes: a ``memory`` or a ``view``.

    ``takes`` is the sort of its value (``integer``, ``text``; None: it has none), ``gives`` what it results in:
    ``nothing``, ``bytes`` (also a text, in UTF-8) or ``u64``, a number.
    """

    on: str = "view"
    takes: str | None = None
    gives: str = "nothing"


HOST_APIS: Mapping[str, HostApi] = {
    # JavaScript. What takes a buffer takes that of the view.
    "Memory.toResizableBuffer": HostApi(on="memory"),
    "Memory.toFixedLengthBuffer": HostApi(on="memory"),
    "ArrayBuffer.resize": HostApi(takes="integer"),
    "ArrayBuffer.transfer": HostApi(),
    "SharedArrayBuffer.grow": HostApi(takes="integer"),
    "structuredClone": HostApi(),
    "MessagePort.postMessage": HostApi(),
    "TextDecoder.decode": HostApi(gives="bytes"),
    "TextEncoder.encodeInto": HostApi(takes="text", gives="u64"),
    "crypto.getRandomValues": HostApi(),
    # Python
    "bytes": HostApi(gives="bytes"),
    "BytesIO.readinto": HostApi(takes="text", gives="u64"),
}
