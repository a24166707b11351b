"""Values: the text format's notation in scenarios, bit patterns inside, typed strings on the wire.

Everything is kept as an unsigned integer of its width (its *bits*), so that i64's range, -0.0 and a NaN's payload
survive. Source of the notation: core specification, *Text Format*, Values.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping

MEMORY_TYPES = {
    "u8": 1, "s8": 1, "u16": 2, "s16": 2, "u32": 4, "s32": 4, "u64": 8, "s64": 8, "f32": 4, "f64": 8,
}  # fmt: skip
NUMBER_TYPES = {"i32": 4, "i64": 8, "f32": 4, "f64": 8}
WIDTHS = {**MEMORY_TYPES, **NUMBER_TYPES}  # in bytes

_FLOAT = {"f32": ("<f", "<I", 23, 8), "f64": ("<d", "<Q", 52, 11)}  # formats, mantissa bits, exponent bits
_NAN = re.compile(r"([+-]?)nan(?::0x([0-9a-fA-F]+))?")
_INTEGER = re.compile(r"-?[0-9]{1,40}")
_WORD = re.compile(r"[+-]?(inf|nan)(:.*)?")
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_HEXADECIMAL = re.compile(r"[+-]?0x[0-9a-fA-F]+(\.[0-9a-fA-F]*)?([pP][+-]?[0-9]+)?")


class ValueNotation(ValueError):
    """The text is not a value of this type."""


def is_float(kind: str) -> bool:
    """Whether a value or memory type is a floating-point type."""
    return kind in _FLOAT


def is_signed(kind: str) -> bool:
    """Whether a type's integers have a sign: some memory types' have, WebAssembly's value types' have none."""
    return kind.startswith("s")


def is_plain(kind: str) -> bool:
    """Whether a driver and the harness bind a result of this type to the same integer, so that it can be referred to.

    A float is no integer, and references take a signed memory type's integers as unsigned.
    """
    return not is_float(kind) and not is_signed(kind)


def is_word(text: object) -> bool:
    """Whether the text is one of the notation's words for a float (``inf``, ``-nan:0x1``) and so no name."""
    return isinstance(text, str) and _WORD.fullmatch(text.strip()) is not None


def in_range(kind: str, value: int) -> bool:
    """Whether an integer type has this value, be it signed or unsigned."""
    width = 8 * WIDTHS[kind]
    return -(1 << (width - 1)) <= value < 1 << width


def has(kind: str, value: int) -> bool:
    """Whether an integer is one of a memory type's: -1 is an ``s8`` and no ``u8``, 255 the other way round."""
    width = 8 * MEMORY_TYPES[kind]
    return -(1 << (width - 1)) <= value < 1 << (width - 1) if is_signed(kind) else 0 <= value < 1 << width


def integer_bits(kind: str, value: int) -> int:
    """An integer as the bits of an integer type; it wraps as the host's conversion to that width does."""
    return value & ((1 << 8 * WIDTHS[kind]) - 1)


def float_bits(kind: str, value: int | float | str) -> int:
    """Bits of a number in the text format's notation (``1.5``, ``0x1p-3``, ``-0.0``, ``inf``, ``nan:0x200000``).

    A decimal is rounded to f64 first, then to the type. Raises `ValueNotation`.
    """
    number_format, bits_format, _, _ = _FLOAT[kind]
    text = value.replace("_", "").strip() if isinstance(value, str) else ""
    nan = _NAN.fullmatch(text)
    if nan:
        return _nan_bits(kind, nan)
    try:
        number = _number(text) if isinstance(value, str) else value
        (bits,) = struct.unpack(bits_format, struct.pack(number_format, number))
    except (OverflowError, struct.error):  # the latter for an integer that not even f64 can hold
        raise ValueNotation(f"{value} is too large for {kind}") from None
    return int(bits)


def _nan_bits(kind: str, nan: re.Match[str]) -> int:
    _, _, mantissa, exponent = _FLOAT[kind]
    payload = int(nan[2], 16) if nan[2] else 1 << (mantissa - 1)
    if not 0 < payload < 1 << mantissa:
        raise ValueNotation(f"'{nan[0]}': a NaN's payload has {mantissa} bits in {kind} and is not 0")
    sign = 1 if nan[1] == "-" else 0
    return (sign << (mantissa + exponent)) | (((1 << exponent) - 1) << mantissa) | payload


def _number(text: str) -> float:
    """A number in the notation. Raises `ValueNotation`, and `OverflowError` beyond f64."""
    if _HEXADECIMAL.fullmatch(text):
        return float.fromhex(text)
    if text in ("inf", "+inf", "-inf"):
        return float(text)
    if not _DECIMAL.fullmatch(text):
        raise ValueNotation(f"'{text}' is not a number in the text format's notation")
    number = float(text)
    if math.isinf(number):
        raise OverflowError
    return number


def to_wire(kind: str, bits: int) -> dict[str, str]:
    """A typed value as the driver protocol has it."""
    return {"type": kind, "value": str(bits)}


def from_wire(value: Mapping[str, str], kind: str | None = None) -> tuple[str, int]:
    """(type, bits) of a typed value that a driver gave; ``kind`` overrides its type. Raises `ValueNotation`."""
    try:
        kind = kind or value["type"]
        if _INTEGER.fullmatch(value["value"]):
            integer = int(value["value"])
            if in_range(kind, integer):
                return kind, integer_bits(kind, integer)
    except (KeyError, TypeError):
        pass
    raise ValueNotation(f"the driver gave {str(value)[:200]}, which is no value of type {kind}")


def signed(kind: str, bits: int) -> int:
    """The bits of an integer type as a signed integer."""
    width = 8 * WIDTHS[kind]
    return bits - (1 << width) if bits >> (width - 1) else bits


def show(kind: str, bits: int) -> str:
    """How a value reads in reports: decimal; floats in the notation above, so that every bit can be told."""
    if kind in _FLOAT:
        return _show_float(kind, bits)
    if is_signed(kind):
        return str(signed(kind, bits))
    return str(bits)


def _show_float(kind: str, bits: int) -> str:
    number_format, bits_format, mantissa, _ = _FLOAT[kind]
    (number,) = struct.unpack(number_format, struct.pack(bits_format, bits))
    if math.isnan(number):
        sign = "-" if bits >> (8 * WIDTHS[kind] - 1) else ""
        return f"{sign}nan:0x{bits & ((1 << mantissa) - 1):x}"
    if math.isinf(number) or number == int(number) or len(repr(number)) <= 12:
        return repr(number)
    return float(number).hex()


def is_nan(kind: str, bits: int, which: str) -> bool:
    """Whether the bits are a NaN: ``canonical`` (only the top payload bit), ``arithmetic`` (that bit) or ``any``."""
    _, _, mantissa, exponent = _FLOAT[kind]
    top = 1 << (mantissa - 1)
    payload = bits & ((1 << mantissa) - 1)
    if (bits >> mantissa) & ((1 << exponent) - 1) != (1 << exponent) - 1 or payload == 0:
        return False
    return which == "any" or (payload == top if which == "canonical" else bool(payload & top))
