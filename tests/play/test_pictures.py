"""What a host saw as a picture."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import msgspec
import png
import pytest
from toyruntime import buffer, refused, suite

from linmem.play.picture import picture
from linmem.results.outcome import Picture, Result
from linmem.scenario import pictures
from linmem.scenario.model import Suite
from linmem.scenario.source import SourceError

Play = Callable[..., Result]


def pixels(picture: Picture) -> tuple[int, int, list[list[int]]]:
    """Width, height and rows of a picture, read back by the library's reader."""
    width, height, rows, _ = png.Reader(io.BytesIO(base64.b64decode(picture.png))).read()
    return width, height, [list(row) for row in rows]


@pytest.mark.parametrize(("format", "channels"), pictures.FORMATS.items())
def test_every_format_keeps_each_byte(format: str, channels: int) -> None:
    data = bytes(range(6 * channels))
    made = picture("p", 3, 2, format, data)
    rows = [list(data[: 3 * channels]), list(data[3 * channels :])]
    assert (made.title, made.width, made.height) == ("p", 3, 2)
    assert pixels(made) == (3, 2, rows)


def test_a_scenario_gives_its_pictures_in_order(play: Play) -> None:
    toy = buffer()
    toy.memory[1024:1040] = bytes(range(16))
    steps = """
- {call: pointer, as: at}
- {picture: first, at: at, width: 2, height: 2}
- {write: u8, at: 1024, value: 99}
- {picture: then, at: at, width: at // 512, height: 1, format: gray8}
"""
    result = play(suite(steps), toy)
    assert result.outcome == "pass"
    assert [(found.title, *pixels(found)) for found in result.pictures] == [
        ("first", 2, 2, [list(range(8)), list(range(8, 16))]),
        ("then", 2, 1, [[99, 1]]),
    ]
    assert toy.params("memory.read") == {"memory": toy.number("memory.export"), "at": {"$ref": 2}, "type": "bytes", "view": None, "count": 16}  # fmt: skip
    assert msgspec.json.decode(msgspec.json.encode(result), type=Result) == result


def test_a_picture_can_be_taken_through_a_kept_view(play: Play) -> None:
    toy = buffer()
    steps = "- {view: wordwise, as: v}\n- {picture: p, at: 8, width: 2, height: 1, through: v}"
    assert play(suite(steps), toy).outcome == "pass"
    assert (toy.params("view.read")["at"], toy.params("view.read")["count"]) == (8, 8)


def test_what_can_t_be_read_whole_is_no_picture(play: Play) -> None:
    toy = buffer()
    result = play(suite("- {picture: p, at: 65534, width: 1, height: 1}"), toy)
    assert (result.outcome, result.pictures) == ("fail", [])
    assert "expected all bytes that were asked for, got 2 of 4 bytes" in result.message
    result = play(suite("- {picture: p, at: 0, width: 1, height: 1}"), buffer(**{"memory.read": refused("host")}))
    assert (result.outcome, result.pictures) == ("fail", [])


def test_wrong_pixels_fail_and_are_shown(play: Play) -> None:
    steps = "- {picture: p, at: 0, width: 1, height: 1, expect: {hex: 01 02 03 04}}"
    result = play(suite(steps), buffer())
    assert result.outcome == "fail"
    assert [pixels(found)[2] for found in result.pictures] == [[[0, 0, 0, 0]]]


@pytest.mark.parametrize(("width", "height"), [("0", 1), ("1", -1), ("513", 512)])
def test_a_picture_of_no_size_is_refused_with_its_line(width: str, height: int, load: Callable[[str], Suite]) -> None:
    with pytest.raises(SourceError, match=f"1 to 262,144 pixels, and this one has {width} × {height}") as caught:
        load(suite(f"- {{picture: p, at: 0, width: {width}, height: {height}}}"))
    assert caught.value.line == 5


def test_a_size_that_only_the_run_knows_is_held_to_the_same(play: Play) -> None:
    result = play(suite("- {call: pointer, as: n}\n- {picture: p, at: 0, width: n, height: n}"), buffer())
    assert result.outcome == "error"
    assert "this one has 1024 × 1024" in result.message
