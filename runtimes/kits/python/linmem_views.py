"""Views of a Python buffer: what drivers share whose host API gives out a memory as one."""

from __future__ import annotations

import struct
from typing import Any

from linmem_driver import Refused
from linmem_values import FORMAT, number


def part(buffer: Any, offset: int | None, length: int | None) -> Any:
    """The slice that a view with an offset or a length is; without either, the buffer itself."""
    if offset is None and length is None:
        return buffer
    start = offset or 0
    return buffer[start : None if length is None else start + length]


class BufferView:
    """A view kind's access to a buffer: ``u8`` by index, ``bytes`` by slice, the rest by `struct` at a byte offset."""

    def __init__(self, buffer: Any) -> None:
        self._buffer = buffer

    def part(self, start: int, stop: int | None) -> BufferView:
        """A view of a part of it. Of Python's buffers only a memoryview has slices that are no copies."""
        if not isinstance(self._buffer, memoryview):
            raise Refused("a slice of a %s is a copy" % type(self._buffer).__name__)
        return type(self)(self._buffer[start:stop])

    def object(self) -> Any:
        """What the host API gave."""
        return self._buffer

    def read(self, index: int, memory_type: str, count: int) -> Any:
        if memory_type == "u8":
            return self._buffer[index]
        if memory_type == "bytes":
            return bytes(self._buffer[index : index + count])
        return struct.unpack_from(FORMAT[memory_type], self._buffer, index)[0]

    def write(self, index: int, memory_type: str, value: int | bytes) -> None:
        if isinstance(value, bytes):
            self._buffer[index : index + len(value)] = value
        elif memory_type == "u8":
            self._buffer[index] = value
        else:
            struct.pack_into(FORMAT[memory_type], self._buffer, index, number(memory_type, value))

    def length(self) -> int:
        return len(self._buffer)


class HandingBufferView(BufferView):
    """A view that also takes any Python value."""

    def hand(self, index: int, memory_type: str, value: Any) -> None:
        if memory_type == "u8":
            self._buffer[index] = value
        else:
            struct.pack_into(FORMAT[memory_type], self._buffer, index, value)
