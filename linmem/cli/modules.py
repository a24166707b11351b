"""Modules that commands are given."""

from __future__ import annotations

from pathlib import Path

from linmem import reading
from linmem.errors import UserError
from linmem.wasm.types import ModuleTypes, UnreadableModule, read_types


def read(path: Path) -> tuple[bytes, ModuleTypes]:
    """A module and its types. Raises `UserError`."""
    try:
        data = reading.read_bytes(path, reading.MAX_MODULE)
        return data, read_types(data)
    except reading.Unreadable as error:
        raise UserError(f"{path}: {error.message}") from None
    except UnreadableModule as error:
        raise UserError(f"{path}: not a module that can be read: {error}") from None
