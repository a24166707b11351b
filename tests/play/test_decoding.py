from __future__ import annotations

import base64

import pytest

from linmem.play import decoding
from linmem.play.decoding import BadAnswer
from linmem.scenario.happened import Bytes, Done, Happened, Nothing, Number, Short
from linmem.scenario.values import ValueNotation


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("reply", "kind", "asked", "what"),
    [
        ({"value": {"type": "u8", "value": "24"}}, "u8", 1, Number("u8", 24, "24")),
        ({"value": {"type": "i32", "value": "-1"}}, "u32", 4, Number("u32", 0xFFFF_FFFF, "-1")),
        ({"bytes": b64(b"\x18")}, "u8", 1, Number("u8", 24)),
        ({"bytes": b64(b"\1\2\3\4")}, "u32", 4, Number("u32", 0x04030201)),
        ({"bytes": b64(b"\0\0\xc0\x3f")}, "f32", 4, Number("f32", 0x3FC0_0000)),
        ({"bytes": b64(b"\1\2\3")}, "u32", 4, Bytes(b"\1\2\3", 4)),  # a short read stays one
        ({"bytes": b64(b"")}, "u8", 1, Bytes(b"", 1)),
        ({"bytes": b64(b"\1\2\3\4\5")}, "u32", 4, Bytes(b"\1\2\3\4\5", 4)),
        ({"bytes": b64(b"\1\2")}, "bytes", 2, Bytes(b"\1\2", 2)),
        ({"bytes": b64(b"\1")}, "bytes", 2, Bytes(b"\1", 2)),
        ({"nothing": "undefined"}, "u8", 1, Nothing("undefined")),
    ],
)
def test_readings(reply: dict[str, object], kind: str, asked: int, what: Happened) -> None:
    assert decoding.reading(reply, kind, asked) == what


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"bytes": 24},
        {"bytes": None},
        {"bytes": "a"},
        {"bytes": "Grüße"},
        {"bytes": "YQ==\n"},
        {"value": 24},
        {"value": None},
        {"value": {}},
        {"value": {"type": "u8", "value": "256"}},
        {"value": {"type": "u8", "value": "1.5"}},
        {"x" * 100_000: 1},
    ],
)
def test_what_is_no_reading(reply: dict[str, object]) -> None:
    with pytest.raises((BadAnswer, ValueNotation)) as caught:
        decoding.reading(reply, "u8", 1)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"values": None},
        {"values": []},
        {"values": [1]},
        {"values": [None]},
        {"values": ["24"]},
        {"values": [{"type": "i32", "value": 24}]},
        {"values": [{"type": "i32", "value": "1"}, {"type": "i32", "value": "2"}]},
        {"values": "24"},
    ],
)
def test_what_are_no_results(reply: dict[str, object]) -> None:
    with pytest.raises((BadAnswer, ValueNotation)):
        decoding.numbers(reply, ["i32"])


def test_results() -> None:
    reply = {"values": [{"type": "i32", "value": "-1"}, {"type": "f32", "value": "1069547520"}]}
    assert decoding.numbers(reply, ["i32", "f32"]) == [
        Number("i32", 0xFFFF_FFFF, "-1"),
        Number("f32", 0x3FC0_0000, "1069547520"),
    ]


def test_counts() -> None:
    assert decoding.pages({"pages": 3}) == Number("u64", 3, "3")
    assert decoding.pages({"pages": "3"}) == Number("u64", 3, "3")
    assert decoding.pages({"pages": -1}) == Number("u64", (1 << 64) - 1, "-1")
    assert decoding.pages({"pages": None}) == Nothing("none")
    assert decoding.length({"length": 3}, 4) == Number("u64", 12, "3")
    assert decoding.done({"count": 1}) == Done()


@pytest.mark.parametrize("pages", [1.0, 1.5, True, "1.5", "", [], {}, "1_0", 1 << 64, "9" * 39])
def test_what_is_no_count(pages: object) -> None:
    with pytest.raises(BadAnswer, match="'pages' is"):
        decoding.pages({"pages": pages})
    with pytest.raises(BadAnswer):
        decoding.pages({})


@pytest.mark.parametrize(("kind", "said"), [("u8", "-1"), ("s8", "255"), ("u64", "-1"), ("s32", "4294967295")])
def test_an_integer_of_the_other_sign_is_no_reading(kind: str, said: str) -> None:
    """A view of bytes that gives -1 is wrong, though the byte is right: a program sees the number."""
    with pytest.raises(decoding.WrongInteger, match=f"got {said}, which is no {kind}"):
        decoding.reading({"value": {"type": kind, "value": said}}, kind, 1)


@pytest.mark.parametrize(
    ("reply", "asked", "what"),
    [
        ({}, 4, Done()),
        ({"count": 4}, 4, Done()),
        ({"count": 2}, 4, Short(2, 4)),
        ({"count": 0}, 1, Short(0, 1)),
        ({"count": 7}, None, Done()),  # a value of the host's language: as long as the API makes it
    ],
)
def test_writes(reply: dict[str, object], asked: int | None, what: Happened) -> None:
    assert decoding.written(reply, asked) == what


def test_a_count_that_is_none() -> None:
    with pytest.raises(BadAnswer, match="'count' is 'four'"):
        decoding.written({"count": "four"}, 4)
