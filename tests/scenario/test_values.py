from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linmem.scenario import values
from linmem.scenario.values import ValueNotation, float_bits, from_wire, integer_bits, is_nan, show, signed, to_wire

INTEGERS = ("u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "i32", "i64")
f32_bits, f64_bits = st.integers(0, (1 << 32) - 1), st.integers(0, (1 << 64) - 1)


def of(*kinds: str) -> st.SearchStrategy[tuple[str, int]]:
    return st.one_of(*(st.tuples(st.just(kind), st.integers(0, (1 << 8 * values.WIDTHS[kind]) - 1)) for kind in kinds))


typed_bits = of(*INTEGERS, "f32", "f64")


@given(typed_bits)
def test_bits_survive_the_wire(item: tuple[str, int]) -> None:
    kind, bits = item
    assert from_wire(to_wire(kind, bits)) == (kind, bits)
    assert from_wire({"type": "anything", "value": str(bits)}, kind) == (kind, bits)


@given(typed_bits)
def test_a_host_may_say_integers_signed(item: tuple[str, int]) -> None:
    kind, bits = item
    assert from_wire({"type": kind, "value": str(signed(kind, bits))}) == (kind, bits)


@given(typed_bits)
def test_what_a_report_shows_reads_back_bit_by_bit(item: tuple[str, int]) -> None:
    kind, bits = item
    shown = show(kind, bits)
    assert (float_bits(kind, shown) if values.is_float(kind) else integer_bits(kind, int(shown))) == bits


@given(f64_bits)
def test_f64_as_struct_has_it(bits: int) -> None:
    (number,) = struct.unpack("<d", struct.pack("<Q", bits))
    if not math.isnan(number):
        assert float_bits("f64", number) == bits
        assert float_bits("f64", repr(number)) == bits
        assert float_bits("f64", number.hex() if math.isfinite(number) else repr(number)) == bits


@given(f32_bits)
def test_f32_as_struct_has_it(bits: int) -> None:
    (number,) = struct.unpack("<f", struct.pack("<I", bits))
    if not math.isnan(number):
        assert float_bits("f32", number) == bits
        assert float_bits("f32", repr(number)) == bits


@pytest.mark.parametrize(
    ("kind", "written", "bits"),
    [
        ("f32", 0, 0),
        ("f32", "-0", 0x8000_0000),
        ("f32", -0.0, 0x8000_0000),
        ("f32", 1, 0x3F80_0000),
        ("f32", 1.5, 0x3FC0_0000),
        ("f32", "0x1.8p0", 0x3FC0_0000),
        ("f32", "-0x1p-3", 0xBE00_0000),
        ("f32", "0x1p-149", 1),  # the smallest subnormal
        ("f32", "0x0.fffffep-126", 0x007F_FFFF),  # the largest
        ("f32", 3.4028234663852886e38, 0x7F7F_FFFF),
        ("f32", "inf", 0x7F80_0000),
        ("f32", "-inf", 0xFF80_0000),
        ("f32", "+inf", 0x7F80_0000),
        ("f32", "nan", 0x7FC0_0000),
        ("f32", "-nan", 0xFFC0_0000),
        ("f32", "nan:0x200000", 0x7FA0_0000),
        ("f32", "-nan:0x1", 0xFF80_0001),
        ("f32", "nan:0x7f_ffff", 0x7FFF_FFFF),
        ("f32", 16777217, 0x4B80_0000),  # ties to even
        ("f64", "-0", 1 << 63),
        ("f64", "-0x0", 1 << 63),
        ("f64", 1, 0x3FF0_0000_0000_0000),
        ("f64", "1_000.5", 0x408F_4400_0000_0000),
        ("f64", "1e3", 0x408F_4000_0000_0000),
        ("f64", "0x1p-1074", 1),
        ("f64", 5e-324, 1),
        ("f64", 2.2250738585072009e-308, 0x000F_FFFF_FFFF_FFFF),
        ("f64", "nan:0x8000000000000", 0x7FF8_0000_0000_0000),
        ("f64", "nan:0x1", 0x7FF0_0000_0000_0001),
        ("f64", (1 << 53) + 1, 0x4340_0000_0000_0000),
    ],
)
def test_float_notation(kind: str, written: int | float | str, bits: int) -> None:
    assert float_bits(kind, written) == bits


@pytest.mark.parametrize(
    ("kind", "written", "words"),
    [
        ("f32", "nan:0x0", "'nan:0x0': a NaN's payload has 23 bits in f32 and is not 0"),
        ("f32", "nan:0x800000", "has 23 bits in f32"),
        ("f64", "nan:0x10000000000000", "has 52 bits in f64"),
        ("f32", 1e39, "1e+39 is too large for f32"),
        ("f32", "0x1p128", "0x1p128 is too large for f32"),
        ("f64", "0x1p1024", "0x1p1024 is too large for f64"),
        ("f64", "1e999", "1e999 is too large for f64"),
        ("f64", 10**400, "is too large for f64"),
        ("f64", "one", "'one' is not a number in the text format's notation"),
        ("f64", "infinity", "is not a number"),
        ("f64", "nan:quiet", "is not a number"),
        ("f64", "1.5.5", "is not a number"),
        ("f64", "0x", "is not a number"),
        ("f64", "", "is not a number"),
        ("f64", "١", "is not a number"),
    ],
)
def test_what_is_no_float(kind: str, written: int | float | str, words: str) -> None:
    with pytest.raises(ValueNotation) as caught:
        float_bits(kind, written)
    assert words in str(caught.value)


@pytest.mark.parametrize("kind", INTEGERS)
def test_the_ends_of_every_integer_type(kind: str) -> None:
    width = 8 * values.WIDTHS[kind]
    for value in (0, 1, -1, (1 << width) - 1, -(1 << (width - 1)), (1 << (width - 1)) - 1):
        assert values.in_range(kind, value)
        assert from_wire({"type": kind, "value": str(value)}) == (kind, value % (1 << width))
    for value in (1 << width, -(1 << (width - 1)) - 1):
        assert not values.in_range(kind, value)
        with pytest.raises(ValueNotation, match=f"which is no value of type {kind}"):
            from_wire({"type": kind, "value": str(value)})


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"type": "i32"},
        {"value": "1"},
        {"type": "i33", "value": "1"},
        {"type": "i32", "value": 1},
        {"type": "i32", "value": 1.5},
        {"type": "i32", "value": "1.5"},
        {"type": "i32", "value": "0x1"},
        {"type": "i32", "value": "1_0"},
        {"type": "i32", "value": " 1"},
        {"type": "i32", "value": "١"},
        {"type": "i32", "value": ""},
        {"type": "i32", "value": None},
        {"type": "i32", "value": True},
        {"type": "f32", "value": "1.5"},
        {"type": "i64", "value": "1" * 5000},
        {"type": ["i32"], "value": "1"},
        [],
        None,
        "1",
        1,
    ],
)
def test_what_is_no_typed_value(given: object) -> None:
    with pytest.raises(ValueNotation, match=r"^the driver gave .* which is no value of type"):
        from_wire(given)  # type: ignore[arg-type]
    with pytest.raises(ValueNotation) as caught:
        from_wire({"type": "i32", "value": "x" * 1_000_000})
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("kind", "bits", "shown"),
    [
        ("u8", 255, "255"),
        ("s8", 255, "-1"),
        ("i32", 0xFFFF_FFFF, "4294967295"),
        ("s64", 1 << 63, "-9223372036854775808"),
        ("f32", 0x3FC0_0000, "1.5"),
        ("f32", 0x8000_0000, "-0.0"),
        ("f32", 1, "0x1.0000000000000p-149"),
        ("f64", 0x3FB9_9999_9999_999A, "0.1"),
        ("f64", 0x3FD5_5555_5555_5555, "0x1.5555555555555p-2"),
        ("f64", 0x7FF0_0000_0000_0000, "inf"),
        ("f32", 0xFFC0_0001, "-nan:0x400001"),
    ],
)
def test_what_reports_show(kind: str, bits: int, shown: str) -> None:
    assert show(kind, bits) == shown


@pytest.mark.parametrize(
    ("kind", "bits", "canonical", "arithmetic", "any_"),
    [
        ("f32", 0x7FC0_0000, True, True, True),
        ("f32", 0xFFC0_0000, True, True, True),
        ("f32", 0x7FC0_0001, False, True, True),
        ("f32", 0x7F80_0001, False, False, True),
        ("f32", 0x7F80_0000, False, False, False),
        ("f32", 0x3F80_0000, False, False, False),
        ("f64", 0x7FF8_0000_0000_0000, True, True, True),
        ("f64", 0xFFF8_0000_0000_0001, False, True, True),
        ("f64", 0x7FF4_0000_0000_0000, False, False, True),
        ("f64", 0xFFF0_0000_0000_0000, False, False, False),
    ],
)
def test_kinds_of_nan(kind: str, bits: int, canonical: bool, arithmetic: bool, any_: bool) -> None:
    found = tuple(is_nan(kind, bits, which) for which in ("canonical", "arithmetic", "any"))
    assert found == (canonical, arithmetic, any_)


@given(of("f32", "f64"))
def test_a_nan_is_what_math_calls_one(item: tuple[str, int]) -> None:
    kind, bits = item
    number_format, bits_format = {"f32": ("<f", "<I"), "f64": ("<d", "<Q")}[kind]
    (number,) = struct.unpack(number_format, struct.pack(bits_format, bits))
    assert is_nan(kind, bits, "any") is math.isnan(number)


@pytest.mark.parametrize("text", ["inf", "-inf", "+nan", "nan:0x1", "nan:nonsense"])
def test_words_of_the_notation_are_no_names(text: str) -> None:
    assert values.is_word(text)


@pytest.mark.parametrize("text", ["info", "nano", "buffer", "24", 24, None])
def test_other_words_are(text: object) -> None:
    assert not values.is_word(text)
