"""Assemble WebAssembly text to its binary form.

The harness runs no WebAssembly itself, but scenarios and guests are written as text and drivers take binary modules.
The assembler is `wasmtime.wat2wasm`, from the one PyPI package that knows the whole current text format; this is the
only use the harness makes of it. It is imported late, because loading its native library takes longer than everything
else while scenarios are collected. What was assembled once is read from the cache, if its
SHA-256 is right.

Nothing is validated here: well-formed text of an invalid module gives that invalid module, for the runtimes to judge.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import re

from linmem import cache
from linmem.errors import Unavailable

_PLACE = re.compile(r"\n\s*--> .*?:(\d+):(\d+)\n")


class WatError(Exception):
    """The text is not in the text format. ``line`` and ``column`` count from 1, in the text as given."""

    def __init__(self, message: str, line: int, column: int) -> None:
        self.message, self.line, self.column = message, line, column
        super().__init__(f"{message} (line {line}, column {column})")


def assemble(text: str, *, fresh: bool = False) -> bytes:
    """The binary form of the module `text`, from the cache unless `fresh` is asked for. Raises `WatError`."""
    try:
        source = text.encode()
    except UnicodeEncodeError as error:
        before = text[: error.start]
        line = before.count("\n") + 1
        raise WatError("a lone surrogate is not text", line, error.start - before.rfind("\n")) from None
    path = None
    with contextlib.suppress(Unavailable):  # a cache saves time, and is not needed
        path = cache.subfolder(f"wat/{assembler_version()}") / f"{hashlib.sha256(source).hexdigest()}.sum-wasm"
    if path is not None and not fresh and (cached := cache.read_summed(path)) is not None:
        return cached
    module = _assemble(text)
    if path is not None:
        with contextlib.suppress(OSError):
            cache.write_summed(path, module)
    return module


@functools.cache
def assembler_version() -> str:
    """The version of the wasmtime package, whose assembler it is."""
    return importlib.metadata.version("wasmtime")


def _assemble(text: str) -> bytes:
    import wasmtime

    try:
        return bytes(wasmtime.wat2wasm(text))
    except wasmtime.WasmtimeError as error:
        raise _wat_error(str(error)) from None


def _wat_error(words: str) -> WatError:
    """The first line is the message; an arrow with file, line and column follows, then a drawing."""
    place = _PLACE.search(words)
    line, column = (int(place[1]), int(place[2])) if place else (1, 1)
    return WatError(words.splitlines()[0].replace("`", "'"), line, column)
