"""The messages of the driver protocol as types, and what a driver says of itself; ``docs/driver-protocol.md`` has them
in words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

PROTOCOL = 1
_PAIR = rb"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(rb"\\(?:" + _PAIR + rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)")


class ViewKind(msgspec.Struct, frozen=True):
    """A view kind: its name, the bytes one index counts, and the memory types it reads and writes."""

    kind: str
    unit: Annotated[int, msgspec.Meta(ge=1)]
    types: tuple[str, ...]


class Info(msgspec.Struct, frozen=True):
    """What a driver said of itself at ``initialize``. ``host`` has its ``language``, ``runtime`` its ``name`` and
    ``version``, and more that reports show.
    """

    protocol: int
    runtime: dict[str, str]
    host: dict[str, str]
    views: tuple[ViewKind, ...]
    default_views: dict[str, str]
    glue: tuple[str, ...] = ()
    wasi: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lacks = {"language"} - self.host.keys() | {"name", "version"} - self.runtime.keys()
        if lacks:
            raise ValueError(f"it lacks {', '.join(sorted(lacks))}")


class ErrorObject(msgspec.Struct, frozen=True):
    """The error of an answer."""

    code: int
    message: str = ""
    data: dict[str, Any] | None = None


class Message(msgspec.Struct, frozen=True):
    """What a driver sends: an answer, or a request of its own."""

    id: int | str | None = None
    method: str | None = None
    params: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    error: ErrorObject | None = None


class TypedValue(msgspec.Struct, frozen=True):
    """An argument of a host function: its value type, and a decimal text."""

    type: str
    value: str


class ImportCall(msgspec.Struct, frozen=True):
    """The parameters of ``import.call``."""

    func: str
    args: tuple[TypedValue, ...] = ()


_decode = msgspec.json.Decoder(Message).decode


class Request(msgspec.Struct, frozen=True):
    """What the harness asks."""

    id: int
    method: str
    params: Mapping[str, Any]
    jsonrpc: str = "2.0"


def decoded(line: bytes) -> Message:
    """The message in a line. JSON's grammar lets half of a surrogate pair stand in a text, and a runtime's own words
    may have one, but it is no character: U+FFFD is shown for it. Raises `msgspec.DecodeError` and its like.
    """
    try:
        return _decode(line)
    except msgspec.DecodeError:
        whole = _ESCAPE.sub(lambda match: rb"\ufffd" if match[1] else match[0], line)
        if whole == line:
            raise
        return _decode(whole)


def shorten(line: bytes, limit: int = 120) -> str:
    """A line as it can be shown in a message."""
    text = line.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= limit else text[:limit] + "…")
