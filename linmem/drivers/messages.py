"""The messages of the driver protocol as types, and what a driver says of itself; ``docs/driver-protocol.md`` has them
in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

PROTOCOL = 1


class ViewKind(msgspec.Struct, frozen=True):
    """A view kind: its name, the bytes one index counts, and the memory types it reads and writes."""

    kind: str
    unit: int
    types: tuple[str, ...]


class Info(msgspec.Struct, frozen=True):
    """What a driver said of itself at ``initialize``."""

    protocol: int
    runtime: dict[str, str]
    host: dict[str, str]
    views: tuple[ViewKind, ...]
    default_views: dict[str, str]
    glue: tuple[str, ...] = ()
    wasi: tuple[str, ...] = ()


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


class Request(msgspec.Struct, frozen=True):
    """What the harness asks."""

    id: int
    method: str
    params: Mapping[str, Any]
    jsonrpc: str = "2.0"


def shorten(line: bytes, limit: int = 120) -> str:
    """A line as it can be shown in a message."""
    text = line.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= limit else text[:limit] + "…")
