"""Values on their way between the driver protocol's JSON and a Python host API.

*Memory types* are ``u8 s8 u16 s16 u32 s32 u64 s64 f32 f64 bytes``, all little-endian; *value types* are ``i32 i64 f32
f64``. Inside a driver a memory value is an int (for ``f32`` and ``f64`` its bit pattern) or bytes; `number` and
`packed` make of it what an API wants that takes numbers, or bytes. Nothing here clamps or wraps: a value that does not
fit its type is refused by Python (`OverflowError`) or by the API that gets it.
"""

from __future__ import annotations

import json
import struct
from binascii import b2a_base64
from typing import Any

INTEGER_TYPES = ("u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64")
MEMORY_TYPES = INTEGER_TYPES + ("f32", "f64", "bytes")
VALUE_TYPES = ("i32", "i64", "f32", "f64")

#: Bytes that a value of the type takes. ``bytes`` counts single ones.
WIDTH = {"u8": 1, "s8": 1, "u16": 2, "s16": 2, "u32": 4, "s32": 4, "u64": 8, "s64": 8, "f32": 4, "f64": 8}
WIDTH.update(i32=4, i64=8, bytes=1)

#: `struct` formats of the memory types: little-endian, unaligned.
FORMAT = {"u8": "<B", "s8": "<b", "u16": "<H", "s16": "<h", "u32": "<I", "s32": "<i", "u64": "<Q", "s64": "<q"}
FORMAT.update(f32="<f", f64="<d")

_SAFE_INTEGER = 2**53
_encode_string = json.encoder.encode_basestring_ascii


class Refused(Exception):
    """An answer of the driver itself, where the runtime was not asked.

    ``kind`` and ``type`` are those of the protocol's errors; kind ``unsupported`` says what the API has no way to do.
    """

    def __init__(self, message: str, kind: str = "unsupported", type: str = "Refused") -> None:
        super().__init__(message)
        self.kind, self.type = kind, type


def in_units(count: int, unit: int) -> Any:
    """A number of bytes in units of a view kind, as a host's user gets it who divides: a float between two elements."""
    return count // unit if count % unit == 0 else count / unit


def to_number(value_type: str, bits: int) -> float:
    """The float that a bit pattern stands for. CPython makes a signalling ``f32`` NaN quiet; ``f64`` is exact."""
    return struct.unpack(FORMAT[value_type], bits.to_bytes(WIDTH[value_type], "little"))[0]  # type: ignore[no-any-return]


def to_bits(value_type: str, value: float) -> int:
    """The bit pattern of a float that the host gave."""
    return int.from_bytes(struct.pack(FORMAT[value_type], value), "little")


def to_signed(value: int, width: int) -> int:
    """The two's complement reading of an unsigned integer of `width` bytes; one that is out of range stays as it is."""
    half = 1 << (8 * width - 1)
    return value - 2 * half if half <= value < 2 * half else value


def number(memory_type: str, value: int) -> int | float:
    """A memory value for an API that takes numbers."""
    return to_number(memory_type, value) if memory_type in ("f32", "f64") else value


def packed(memory_type: str, value: int | bytes) -> bytes:
    """A memory value for an API that takes bytes. Raises `Refused` for an integer that no bytes of the type stand for:
    Python would refuse to make them, and the API would not be asked.
    """
    if isinstance(value, bytes):
        return value
    try:
        return value.to_bytes(WIDTH[memory_type], "little", signed=memory_type[0] == "s")
    except OverflowError:
        raise Refused("the host API takes bytes, and %d is no %s" % (value, memory_type)) from None


def host_value(given: dict[str, Any]) -> Any:
    """A value of the host's language: a float by its bits, an integer by its decimal text, the rest as it is."""
    kind, value = given["host"], given.get("value")
    if kind == "float":
        return to_number("f64", int(given["value"]))
    return int(given["value"]) if kind == "integer" else value


def unsigned(value_type: str | None, value: float | int | bytes | None) -> int | None:
    """A result as references use it: an unsigned integer of its type's width, or None where it is no number.

    Bytes count as the little-endian integer that they hold, if there are just as many as the type takes.
    """
    if isinstance(value, float):
        return to_bits(value_type or "f64", value)
    width = WIDTH.get(value_type or "", 0)
    if isinstance(value, int):
        return value % (1 << (8 * width)) if width else value
    if value is None or value_type == "bytes" or len(value) != width:
        return None
    return int.from_bytes(value, "little")


def string_json(text: str) -> str:
    """A JSON string, ASCII only. Lone surrogates, which are no Unicode text, become ``?``."""
    return _encode_string(text.encode("utf-8", "replace").decode("utf-8"))


def integer_json(value: int) -> str:
    """An address, count or number of pages: a JSON integer, or a decimal string from 2**53 on."""
    return "%d" % value if -_SAFE_INTEGER < value < _SAFE_INTEGER else '"%d"' % value


def typed_json(value_type: str, value: Any) -> str:
    """A typed value as the host has it: integers with the host's sign, floats as their bit pattern."""
    if isinstance(value, float):
        value = to_bits(value_type, value)
    if isinstance(value, int):
        return '{"type":"%s","value":"%d"}' % (value_type, value)
    return '{"type":%s,"value":%s}' % (string_json(value_type), string_json("null" if value is None else repr(value)))


def reading_json(memory_type: str, value: Any) -> str:
    """What a read gave: bytes, a number, or Python's ``None``. Raises `TypeError` for anything else."""
    if isinstance(value, (bytes, bytearray)):
        return '{"bytes":"%s"}' % b2a_base64(value, newline=False).decode("ascii")
    if isinstance(value, (int, float)):
        return '{"value":%s}' % typed_json(memory_type, value)
    if value is None:
        return '{"nothing":"None"}'
    raise TypeError("a view gave %r for %s" % (type(value), memory_type))
