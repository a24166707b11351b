"""Bytes that names are bound to, parts of views, and `use`: what the player asks for and how it takes the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from toyruntime import buffer, refused, suite

from linmem.results.outcome import Result
from linmem.scenario import schema
from linmem.scenario.host_apis import HOST_APIS

Play = Callable[..., Result]


def test_the_schema_names_every_api() -> None:
    name = schema.SCHEMA.document["$defs"]["step_use"]["properties"]["use"]
    assert name["anyOf"][0]["enum"] == list(HOST_APIS)


def test_bytes_are_read_and_written(play: Play) -> None:
    toy = buffer()
    toy.memory[16:20] = b"wasm"
    steps = """
- {read: bytes, at: 16, count: 4, as: word}
- {write: bytes, at: 64, value: word}
- {read: bytes, at: 60, count: 4, as: word}
- {write: bytes, at: 16, value: word}
"""
    assert play(suite(steps), toy).outcome == "pass"
    assert [toy.params("memory.write", nth)["value"]["bytes"] for nth in (0, 1)] == [b"wasm", bytes(4)]


def test_fewer_bytes_than_asked_for_are_bound_as_they_came(play: Play) -> None:
    toy = buffer(**{"memory.read": {"bytes": "AQI="}})
    steps = (
        "- {read: bytes, at: 65534, count: 4, as: rest, expect: {no_value: true}}\n- {write: bytes, at: 0, value: rest}"
    )
    assert play(suite(steps), toy).outcome == "pass"
    assert toy.params("memory.write")["value"]["bytes"] == b"\1\2"


def test_bytes_that_did_not_come_can_t_be_written(play: Play) -> None:
    more = "    imports: {}\n"
    text = suite(
        "- {read: bytes, at: 0, count: 4, as: b, observe: q}\n- {write: bytes, at: 0, value: b}", more=more
    ).replace("scenarios:", "observations: {q: {question: What?}}\nscenarios:")
    result = play(text, buffer(**{"memory.read": refused("host")}))
    assert (result.outcome, result.message) == ("error", "nothing is bound to 'b'")


def test_a_part_of_a_view(play: Play) -> None:
    toy = buffer()
    steps = """
- {view: wordwise, as: whole}
- {view: part, through: whole, offset: 8, count: 16, as: part}
- {length: part}
"""
    assert play(suite(steps), toy).outcome == "pass"
    assert toy.params("view.open", 1) == {"view": toy.number("view.open"), "offset": 8, "length": 16}


def test_a_part_has_whole_elements(play: Play) -> None:
    steps = "- {view: wordwise, as: whole}\n- {view: part, through: whole, count: 3, as: part}"
    result = play(suite(steps), buffer())
    assert (result.outcome, result.message) == (
        "error",
        "'count' is in bytes: 3 are no whole number for this view, whose elements have 4 bytes",
    )


@pytest.mark.parametrize(
    ("step", "answer", "message"),
    [
        ("{use: TextDecoder.decode, on: v, expect: {text: hi}}", {"bytes": "aGk="}, ""),
        (
            "{use: TextDecoder.decode, on: v, expect: {text: ha}}",
            {"bytes": "aGk="},
            "expected bytes 68 61 (text 'ha'), got bytes 68 69",
        ),
        ("{use: TextEncoder.encodeInto, on: v, value: hi, expect: 2}", {"count": 2}, ""),
        ("{use: TextEncoder.encodeInto, on: v, value: hi, expect: 2}", {}, "'count' is None, not an integer"),
        ("{use: ArrayBuffer.resize, on: v, value: 1 + 1}", {}, ""),
        ("{use: Memory.toResizableBuffer}", refused("host", type="TypeError"), "got TypeError: no"),
        ("{use: structuredClone, on: v, expect: {host_error: true}}", {}, "expected host error, got done"),
    ],
)
def test_what_a_use_came_to(step: str, answer: Any, message: str, play: Play) -> None:
    result = play(suite(f"- {{view: default, as: v}}\n- {step}"), buffer(**{"object.use": answer}))
    assert result.outcome == ("fail" if message else "pass") or "integer" in message
    assert message in result.message


def test_an_api_that_is_not_there_is_unsupported(play: Play) -> None:
    toy = buffer(**{"object.use": refused("unsupported", "Python has no structuredClone")})
    result = play(suite("- {view: default, as: v}\n- {use: structuredClone, on: v, expect: {host_error: true}}"), toy)
    assert (result.outcome, result.message) == ("unsupported", "Python has no structuredClone")


def test_what_is_handed_over(play: Play) -> None:
    toy = buffer(**{"object.use": {"count": 3}})
    steps = """
- {view: default, as: v}
- {use: TextEncoder.encodeInto, on: v, value: abc, as: n}
- {use: ArrayBuffer.resize, on: v, value: n + 1}
- {use: Memory.toResizableBuffer, on: memory}
"""
    assert play(suite(steps), toy).outcome == "pass"
    view = toy.number("view.open")
    assert toy.params("object.use") == {"object": view, "api": "TextEncoder.encodeInto", "value": "abc"}
    reference = {"$ref": toy.number("object.use"), "+": 1}
    assert toy.params("object.use", 1) == {"object": view, "api": "ArrayBuffer.resize", "value": reference}
    assert toy.params("object.use", 2)["object"] == toy.number("memory.export")
