from __future__ import annotations

from collections.abc import Callable

import pytest

from linmem.protocol import CallFailed
from linmem.scenario import happened
from linmem.scenario.expectations import Expected, Failure, Literals, NoValue, impossible, shown
from linmem.scenario.expressions import FloatBits
from linmem.scenario.happened import Bytes, Done, Happened, Nothing, Number, Numbers, Refused
from linmem.scenario.model import Suite

Load = Callable[[str], Suite]
SCOPE = {"x": 24, "big": (1 << 64) - 1, "pi": FloatBits("f32", 0x40490FDB)}


def refused(kind: str, message: str = "", type: str = "", text: str = "") -> Refused:
    return Refused(CallFailed(-32000, message, {"kind": kind, "message": message, "type": type, "text": text}))


U8, I32, F32 = Number("u8", 24), Number("i32", 0xFFFF_FFFF), Number("f32", 0x3FC0_0000)
OOB = refused("trap", "out of bounds memory access", "Trap", "wasm trap: out of bounds")

HOLDS = [
    ("24", U8),
    ("0x18", U8),
    ("x", U8),
    ("x + 1", Number("u8", 25)),
    ("-1", I32),
    ("4294967295", I32),
    ("-1", Number("i64", (1 << 64) - 1)),
    ("big", Number("i32", 0xFFFF_FFFF)),  # what is computed wraps, as the type's numbers do
    ("1.5", F32),
    ("0x1.8p0", F32),
    ("pi", Number("f32", 0x40490FDB)),
    ("x", Number("f64", 0x4038_0000_0000_0000)),
    ("-0.0", Number("f32", 0x8000_0000)),
    ("-0", Number("f64", 1 << 63)),
    ("nan:0x200000", Number("f32", 0x7FA0_0000)),
    ("[1, x]", Numbers((Number("i32", 1), Number("i64", 24)))),
    ("[-1]", I32),
    ("[]", Done()),
    ("[]", Bytes(b"", 0)),
    ("[0x18, 255]", Bytes(b"\x18\xff", 2)),
    ("{hex: 18 ff}", Bytes(b"\x18\xff", 2)),
    ("{text: hé}", Bytes("hé".encode(), 3)),
    ("{trap: out of bounds memory access}", OOB),
    ("{trap: 'wasm trap: out of bounds'}", OOB),  # the runtime's own words
    ("{trap: true}", OOB),
    ("{error: true}", OOB),
    ("{error: true}", refused("host", "no", "RangeError")),
    ("{host_error: true}", refused("host", "no", "RangeError")),
    ("{host_error: RangeError}", refused("host", "no", "RangeError")),
    ("{link_error: true}", refused("link", "unknown import")),
    ("{compile_error: true}", refused("compile", "unknown opcode")),
    ("{exit: true}", refused("exit", "3")),
    ("{exit: 3}", refused("exit", "3", "ExitTrap")),
    ("{no_value: true}", Nothing("undefined")),
    ("{no_value: true}", Bytes(b"", 1)),
    ("{no_value: true}", refused("host", "no", "IndexError")),
    ("{no_value: true}", refused("skipped")),  # of a view that could not be opened
    ("{nan: any}", Number("f32", 0x7F80_0001)),
    ("{nan: canonical}", Number("f64", 0xFFF8_0000_0000_0000)),
    ("{at_least: 24}", U8),
    ("{at_least: x}", U8),
    ("{at_least: 1}", I32),  # unsigned
    ("{any_of: [1, {trap: true}, 24]}", U8),
    ("{any_of: [1, {trap: true}]}", OOB),
]

DOES_NOT = [
    ("25", U8),
    ("24", Nothing("undefined")),
    ("0", Nothing("undefined")),
    ("24", Bytes(b"\x18", 2)),
    ("24", OOB),
    ("24", Done()),
    ("24", Numbers((Number("i32", 24), Number("i32", 24)))),
    ("0.0", Number("f32", 0x8000_0000)),
    ("-0.0", Number("f32", 0)),
    ("0.0", Number("f64", 1 << 63)),
    ("1.5", Number("f32", 0x3FC0_0001)),
    ("nan:0x200000", Number("f32", 0x7FC0_0000)),
    ("[1]", Numbers((Number("i32", 1), Number("i32", 2)))),
    ("[1, 2]", Numbers((Number("i32", 1),))),
    ("[1, 2]", Numbers((Number("i32", 2), Number("i32", 1)))),
    ("[]", OOB),
    ("{hex: '18'}", Bytes(b"\x18\x18", 2)),
    ("{text: h}", OOB),
    ("{trap: unreachable}", OOB),
    ("{trap: out of bounds}", OOB),  # a part of the words
    ("{trap: true}", refused("host", "out of bounds memory access")),
    ("{trap: true}", U8),
    ("{error: true}", U8),
    ("{error: true}", Nothing("undefined")),
    ("{error: true}", refused("skipped")),  # what was never tried was not refused
    ("{host_error: RangeError}", refused("host", "RangeError", "TypeError")),
    ("{host_error: true}", OOB),
    ("{link_error: true}", refused("compile")),
    ("{link_error: true}", OOB),
    ("{compile_error: true}", refused("link")),
    ("{exit: 3}", refused("exit", "30")),
    ("{exit: true}", refused("trap", "3")),
    ("{trap: true}", refused("exit", "3")),
    ("{no_value: true}", U8),
    ("{no_value: true}", Bytes(b"\0", 1)),
    ("{no_value: true}", Bytes(b"\0\0", 1)),  # more than asked for
    ("{no_value: true}", OOB),
    ("{nan: any}", F32),
    ("{nan: any}", I32),
    ("{nan: canonical}", Number("f32", 0x7FC0_0001)),
    ("{at_least: 25}", U8),
    ("{at_least: 1}", F32),
    ("{any_of: [1, 2]}", U8),
]


def check_of(load: Load, written: str) -> Expected:
    steps = "{call: f, as: x}, {call: f, as: big}, {call: f, as: pi}"
    last = f"{{read: bytes, at: 0, count: 1, expect: {written}}}" if "hex" in written or "text" in written else ""
    last = "{read: u8, at: 0, expect: {no_value: true}}" if "no_value" in written else last
    last = last or f"{{call: f, expect: {written}}}"
    suite = load(f"title: T\nwat: (module)\nscenarios:\n  - name: one\n    steps: [{steps}, {last}]\n")
    check = suite.scenarios[0].steps[-1].expect
    assert check is not None
    return check


@pytest.mark.parametrize(("written", "what"), HOLDS)
def test_what_holds(written: str, what: Happened, load: Load) -> None:
    assert check_of(load, written).holds(what, SCOPE)


@pytest.mark.parametrize(("written", "what"), DOES_NOT)
def test_what_does_not(written: str, what: Happened, load: Load) -> None:
    assert not check_of(load, written).holds(what, SCOPE)


@pytest.mark.parametrize(
    ("written", "kind", "words"),
    [
        ("256", "u8", "256 is out of range for u8"),
        ("4294967296", "i32", "4294967296 is out of range for i32"),
        ("1.5", "i32", "1.5 is not an integer, as i32 needs"),
        ("inf", "i64", "inf is not an integer"),
        ("1e39", "f32", r"1e\+39 is too large for f32"),
        ("pi", "i32", "'pi' is an f32: it can be passed on and compared, not computed with"),
        ("pi", "f64", "'pi' is an f32"),
        ("pi + 1", "f32", "'pi' is an f32"),
        ("x // 0", "i32", "division by zero"),
    ],
)
def test_what_can_t_be_compared(written: str, kind: str, words: str, load: Load) -> None:
    check = check_of(load, written)
    with pytest.raises(ValueError, match=words):
        check.holds(Number(kind, 0), SCOPE)


@pytest.mark.parametrize(("written", "what"), HOLDS)
def test_what_can_hold_is_never_called_impossible(written: str, what: Happened, load: Load) -> None:
    check = check_of(load, written)
    if isinstance(check, Failure):
        kinds = ["u8", "f64", "bytes", "results", "nothing"]
    elif isinstance(check, NoValue):
        kinds = ["u8", "f64", "bytes"]
    elif isinstance(what, Bytes):
        kinds = ["bytes"]
    elif isinstance(what, Number) and not isinstance(check, Literals):
        kinds = ["results", what.kind]
    else:
        kinds = ["results"]
    for kind in kinds:
        assert impossible(check, kind) is None


# The words that observations are grouped by


@pytest.mark.parametrize(
    ("what", "word", "shown"),
    [
        (U8, "24", "24"),
        (Number("s8", 255), "-1", "-1"),
        (F32, "1.5", "1.5"),
        (Numbers((U8, F32)), "[24, 1.5]", "[24, 1.5]"),
        (Numbers(()), "[]", "[]"),
        (Bytes(b"\x18\x19", 2), "18 19", "bytes 18 19"),
        (Bytes(b"\x18", 2), "1 of 2 bytes", "1 of 2 bytes: 18"),
        (Bytes(b"", 2), "0 of 2 bytes", "0 of 2 bytes"),
        (Bytes(b"\x18\x19", 1), "2 of 1 bytes", "2 of 1 bytes: 18 19"),
        (Nothing("undefined"), "undefined", "undefined"),
        (Done(), "done", "done"),
        (OOB, "trap", "trap: out of bounds memory access"),
        (refused("host", "no", "RangeError"), "error", "RangeError: no"),
        (refused("host", "", "RangeError"), "error", "RangeError"),
        (refused("host", "no"), "error", "error: no"),
        (refused("link", "no"), "link error", "link: no"),
        (refused("compile", "no"), "compile error", "compile: no"),
        (refused("exit", "3"), "exit", "exit: 3"),
        (refused("unsupported", "no"), "unsupported", "unsupported: no"),
        (Refused(CallFailed(-32602, "what?")), "error", "error: what?"),
    ],
)
def test_answers(what: Happened, word: str, shown: str) -> None:
    assert (happened.answer(what), str(what)) == (word, shown)


def test_long_bytes_are_shown_by_their_beginning() -> None:
    assert str(Bytes(bytes(100), 100)) == "bytes " + "00 " * 32 + "…"
    assert happened.answer(Bytes(bytes(100), 100)) == " ".join(["00"] * 100)


def test_what_a_name_is_bound_to() -> None:
    bound = U8.bound()
    assert isinstance(bound, happened.Bound)
    assert (bound, bound.kind, bound.negative) == (24, "u8", None)  # the host had bytes
    for kind, bits, said, value, negative in [
        ("i32", 0xFFFF_FFFE, "-2", 0xFFFF_FFFE, True),  # WebAssembly's integers have no sign, the host's may have one
        ("u32", 0xFFFF_FFFE, "4294967294", 0xFFFF_FFFE, False),
        ("s32", 0xFFFF_FFFE, "-2", -2, True),
        ("s32", 0xFFFF_FFFE, None, -2, None),
    ]:
        signed = Number(kind, bits, said).bound()
        assert isinstance(signed, happened.Bound)
        assert (signed, signed.negative) == (value, negative)
    bound_float = F32.bound()
    assert isinstance(bound_float, FloatBits)
    assert (bound_float, bound_float.kind) == (0x3FC0_0000, "f32")


@pytest.mark.parametrize(
    ("written", "what", "expected"),
    [
        ("24", Number("u8", 25), "24"),
        ("x", Number("u8", 25), "24 (x)"),
        ("x + 1", Number("u8", 24), "25 (x + 1)"),
        ("-1", Number("i32", 1), "4294967295 (-1)"),
        ("-1", Number("s8", 1), "-1"),
        ("pi", Number("f32", 0), "0x1.921fb60000000p+1 (pi)"),
        ("{at_least: x}", Number("u8", 3), "at least 24 (x)"),
        ("{any_of: [x, {trap: true}]}", Number("u8", 3), "24 (x) or trap"),
        ("[1, x]", Numbers((Number("i32", 1), Number("i64", 2))), "[1, 24 (x)]"),
        ("[1, x, 255]", Bytes(b"\1\2\3", 3), "bytes 01 18 ff"),
        ("{hex: 01 18}", Bytes(b"\1\2", 2), "bytes 01 18"),
        ("{text: hi}", Bytes(b"ho", 2), "bytes 68 69 (text 'hi')"),
        ("x", OOB, "24 (x)"),
        ("{trap: true}", U8, "trap"),
    ],
)
def test_messages_have_both_sides_in_one_form(written: str, what: Happened, expected: str, load: Load) -> None:
    assert shown(check_of(load, written), what, SCOPE) == expected
