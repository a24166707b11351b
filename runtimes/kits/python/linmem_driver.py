"""What a Python driver is made of: the class to subclass, what it may raise, its channel, a cache for compiled code.

A driver is a subclass of `Driver` whose methods do to one runtime what the harness asks; `linmem_session.serve` runs
it and does the rest of the protocol (docs/driver-protocol.md). The kit runs on CPython 3.7 and later with the standard
library alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import zlib
from collections import deque
from typing import Any, NamedTuple, NoReturn

from linmem_values import Refused as Refused
from linmem_values import string_json

_MAGIC = b"linmem1\n"
_PARSE_ERROR, _INVALID_REQUEST = -32700, -32600
_parse = json.JSONDecoder().raw_decode  # half the time of json.loads


class HostThrow(Exception):
    """What a host function raises when the scenario says that it throws; the text is the scenario's."""


class Import(NamedTuple):
    """One import of a new instance. ``kind`` says what ``value`` is.

    ``func``: a Python callable with ``params`` and ``results`` (value types); it takes and gives ints (signed) and
    floats, None for no result, a tuple for several. ``memory``, ``global``: one that the driver made. ``export``:
    ``(instance, name)``. ``new``: a global to be made, as ``(type, value, mutable)``; agents only.
    """

    module: str
    name: str
    kind: str
    value: Any
    params: tuple[str, ...] = ()
    results: tuple[str, ...] = ()


class Wasi(NamedTuple):
    """What a guest is to find through the runtime's own WASI: arguments, environment variables, directories.

    ``version`` is ``preview1`` or, for a module that imports ``wasi_unstable``, ``unstable``. ``preopens`` are pairs of
    the path that the guest sees and the folder behind it. Standard input is empty, standard output and error are the
    process's: `Channel` has them lead to standard error.
    """

    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    preopens: tuple[tuple[str, str], ...]
    version: str = "preview1"


class ViewKind(NamedTuple):
    """A way into memory that a host API has: bytes that one index counts, and the memory types it does."""

    unit: int
    types: tuple[str, ...]


class Driver:
    """What a driver must be. A protocol method whose hook a subclass lacks is answered *method not found*.

    Hooks, named after the protocol's methods (objects are whatever the driver returned when it made them)::

        module_compile(data: bytes) -> module
        instance_create(module, imports: list[Import]) -> instance
        wasi_instance_create(module, imports: list[Import], wasi: Wasi) -> instance     where the runtime brings WASI
        function_call(instance, name, args: list[int | float], results: list[str]) -> sequence of values
        function_export(instance, name) -> function
        function_apply(function, args, results) -> sequence of values      a function that was taken before
        memory_export(instance, name) -> memory
        memory_caller(name) -> memory                                      of the instance that calls a host function
        memory_create(min, max, shared, index) -> memory                   pages; max may be None; index i32 or i64;
                                                                           see also `custom_page_sizes`
        memory_size(memory) -> pages
        memory_grow(memory, delta) -> pages before, or None
        global_create(value_type, value: int | float, mutable) -> global   ints are signed
        global_export(instance, name) -> global
        global_get(global) -> int or float
        global_set(global, value)
        view_open(memory, kind, offset, length) -> view                    bytes and units; None where not given
        agent_create(module, imports) -> agent                             in the agent's own thread, one at a time
        agent_call(agent, name, args, results) -> sequence of values       in the agent's own thread, all at once
        release_all()                                                      nothing of the scenario is needed any more

    A view has ``read(index, type, count)`` -> bytes, int, float or None; ``write(index, type, value)`` -> bytes written
    or None, where value is an int (for floats the bit pattern: see `linmem_values.number` and `packed`) or bytes; and
    ``length()`` -> units. An index counts units; between two elements it is a float, which the API refuses or not.
    ``hand(index, type, value)`` gives the API any Python value as it is; ``write`` may pack it. Where the API has them:
    ``part(start, stop)`` -> a view of a part, in units, and ``object()`` -> what the API gave, to be handed on.
    ``memory.read`` and ``memory.write`` open a fresh one.

    Hooks let every exception of the runtime through: `classify` says what it means.
    """

    #: `initialize` answers with these. ``runtime`` has name, version and engine.
    runtime: dict[str, str]
    views: dict[str, ViewKind]
    default_views: dict[str, str]
    #: The versions of WASI that `wasi_instance_create` can give.
    wasi_versions: tuple[str, ...] = ("preview1",)
    #: Whether the host API makes memories whose pages are not 65,536 bytes: `memory_create` then takes ``page_size``.
    custom_page_sizes = False

    def __init__(self, variant: str | None, cache: str | None) -> None:
        raise NotImplementedError

    def default_view(self, memory: Any, memory_type: str) -> str | None:
        """The view kind a user would try first."""
        return self.default_views.get(memory_type)

    def classify(self, method: str, error: BaseException) -> tuple[str, str]:
        """The protocol's error kind and message for an exception that came out of a hook."""
        raise NotImplementedError

    def host_error(self, kind: str, message: str) -> BaseException:
        """What a host function raises where the scenario says `kind`: ``host`` or ``trap``."""
        return HostThrow(message)


class Channel:
    """The protocol's two ends, on descriptors of its own: requests from descriptor 0, answers to 1.

    Afterwards descriptor 1 and `sys.stdout` lead to standard error and descriptor 0 to nothing, so that neither the
    runtime nor a guest can write into the protocol or read from it. Make it before the runtime is imported.
    """

    def __init__(self) -> None:
        self._in, self._out = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        os.close(nothing)
        sys.stdout = sys.stderr
        self._lines: deque[str] = deque()
        self._partial: list[bytes] = []

    def close(self) -> None:
        """Close both ends: another process has them."""
        os.close(self._in)
        os.close(self._out)

    def receive(self) -> dict[str, Any]:
        """The next message. At the end of input the process ends with status 0, wherever it is."""
        while True:
            while not self._lines:
                self._read()
            line = self._lines.popleft()
            try:
                message, end = _parse(line)
            except ValueError as error:
                self.send_error(None, _PARSE_ERROR, "not JSON: %s" % error)
                continue
            if type(message) is dict and type(message.get("id")) in (int, str) and not line[end:].strip():
                return message
            self.send_error(None, _INVALID_REQUEST, "not one JSON-RPC request or answer: %s" % line[:200])

    def _read(self) -> None:
        chunk = os.read(self._in, 65536)
        if not chunk:
            leave(0)
        whole, newline, rest = chunk.rpartition(b"\n")
        if newline:
            self._partial.append(whole)
            self._lines.extend(b"".join(self._partial).decode("utf-8", "replace").split("\n"))
            self._partial = []
        if rest:
            self._partial.append(rest)

    def send(self, text: str) -> None:
        """Write one line, at once: when the process dies, the last answer says which step it died after."""
        data = text.encode("ascii")
        written = os.write(self._out, data)
        while written < len(data):
            written += os.write(self._out, data[written:])

    def send_error(self, ident: int | None, code: int, message: str, *data: str) -> None:
        """Answer with an error; `data` is its kind, type, message and text."""
        error = error_json(code, message, *data)
        self.send('{"jsonrpc":"2.0","id":%s,"error":%s}\n' % ("null" if ident is None else "%d" % ident, error))


def error_json(code: int, message: str, *data: str) -> str:
    """An error object; `data` is its kind, type, message and text."""
    details = ""
    if data:
        details = ',"data":{"kind":%s,"type":%s,"message":%s,"text":%s}' % tuple(map(string_json, data))
    return '{"code":%d,"message":%s%s}' % (code, string_json(message), details)


def leave(status: int) -> NoReturn:
    """End the process from anywhere, also from inside a guest's call, where an exception would be caught."""
    sys.stderr.flush()
    os._exit(status)


class CodeCache:
    """A folder of compiled modules, by the module's SHA-256, the runtime's version and its configuration.

    Each file carries a checksum, because runtimes trust what they deserialise. A file that is damaged or can't be read
    is as good as none; a folder that can't be written is no error: the cache only saves time.
    """

    def __init__(self, folder: str | None, version: str, *configuration: str) -> None:
        self._folder = folder
        self._tag = "%s-%s" % (version, hashlib.sha256("\0".join(configuration).encode()).hexdigest()[:8])

    def load(self, module: bytes) -> bytes | None:
        """The compiled code kept for a module, or None."""
        if self._folder is None:
            return None
        try:
            with open(self._path(module), "rb") as file:
                content = file.read()
        except OSError:
            return None
        code = content[len(_MAGIC) + 4 :]
        return code if content.startswith(_MAGIC + _checksum(code)) else None

    def save(self, module: bytes, code: bytes) -> None:
        """Keep compiled code; a reader at the same time sees the old file or the whole new one."""
        if self._folder is None:
            return
        path = self._path(module)
        part = "%s.%d.part" % (path, os.getpid())
        try:
            os.makedirs(self._folder, exist_ok=True)
            with open(part, "wb") as file:
                file.write(_MAGIC + _checksum(code))
                file.write(code)
            os.replace(part, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(part)

    def _path(self, module: bytes) -> str:
        assert self._folder is not None
        return os.path.join(self._folder, "%s-%s.bin" % (hashlib.sha256(module).hexdigest(), self._tag))


def _checksum(code: bytes) -> bytes:
    return zlib.crc32(code).to_bytes(4, "little")
