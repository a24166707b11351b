"""Understand a driver's answers: from the protocol's JSON to what happened."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

from linmem.scenario import values
from linmem.scenario.happened import Bytes, Done, Happened, Nothing, Number, Short, Truth
from linmem.text import clip

_INTEGER = re.compile(r"-?[0-9]{1,40}")


class BadAnswer(Exception):
    """The answer is not of the form the method's answers have."""


class WrongInteger(Exception):
    """The host API gave an integer that the memory type does not have: -1 for a ``u8``."""


def done(reply: Mapping[str, Any]) -> Happened:
    """An answer without a value."""
    return Done()


def written(reply: Mapping[str, Any], asked: int | None) -> Happened:
    """A write's answer. Where the API says how many bytes it wrote, they must be those that it was given."""
    if asked is None or "count" not in reply:
        return Done()
    found = reply["count"]
    if type(found) is not int:
        raise BadAnswer(f"'count' is {shorten(found)}, not an integer")
    return Done() if found == asked else Short(found, asked)


def numbers(reply: Mapping[str, Any], kinds: Sequence[str]) -> list[Number]:
    """The typed values of a call."""
    found = reply.get("values")
    if not isinstance(found, list) or len(found) != len(kinds):
        raise BadAnswer(f"{len(kinds)} values were due, found {shorten(found)}")
    return [number(item, kind) for item, kind in zip(found, kinds, strict=True)]


def number(item: Mapping[str, str], kind: str) -> Number:
    """One typed value, taken as the type the harness knows it to have."""
    return Number(*values.from_wire(item, kind), said=item["value"])


def reading(reply: Mapping[str, Any], kind: str, asked: int) -> Happened:
    """A reading: bytes are decoded when there are as many as the type needs; fewer stay what they are.

    A memory type has a sign, other than the value types of WebAssembly. Raises `BadAnswer` and `WrongInteger`.
    """
    if "value" in reply:
        found = number(reply["value"], kind)
        named = reply["value"].get("type") == kind  # else it is an i32 or i64, which has no sign
        if named and not values.is_float(kind) and not values.has(kind, int(reply["value"]["value"])):
            raise WrongInteger(f"got {reply['value']['value']}, which is no {kind}")
        return found
    if "nothing" in reply:
        return Nothing(clip(str(reply["nothing"]), 200, ""))
    data = _bytes(reply)
    if kind != "bytes" and len(data) == asked:
        return Number(kind, int.from_bytes(data, "little"))
    return Bytes(data, asked)


def _bytes(reply: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(reply["bytes"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise BadAnswer(f"a reading has 'bytes', 'value' or 'nothing', found {shorten(reply)}") from None


def pages(reply: Mapping[str, Any]) -> Happened:
    """A number of pages, or nothing where the host API gives none."""
    return _count(reply, "pages", 1)


def length(reply: Mapping[str, Any], unit: int) -> Happened:
    """A view's length in bytes."""
    return _count(reply, "length", unit)


def same(reply: Mapping[str, Any]) -> Happened:
    """Whether two objects are one."""
    found = reply.get("same")
    if type(found) is not bool:
        raise BadAnswer(f"'same' is {shorten(found)}, not true or false")
    return Truth(found)


def used(reply: Mapping[str, Any], gives: str) -> Happened:
    """What another part of the host's API gave: bytes, a number, or nothing (``gives``)."""
    if gives == "nothing":
        return Done()
    if gives != "bytes":
        return _count(reply, "count", 1)
    return Bytes(data := _bytes(reply), len(data))


def _count(reply: Mapping[str, Any], key: str, unit: int) -> Happened:
    found = reply.get(key)
    if found is None and key in reply:
        return Nothing("none")
    if type(found) is not int and not (isinstance(found, str) and _INTEGER.fullmatch(found)):
        raise BadAnswer(f"'{key}' is {shorten(found)}, not an integer")
    count = int(found)
    if not values.in_range("u64", count * unit):
        raise BadAnswer(f"'{key}' is {found}, which no memory has")
    return Number("u64", values.integer_bits("u64", count * unit), str(found))


def shorten(value: object, limit: int = 200) -> str:
    """What a driver gave, as a message can show it."""
    text = repr(value)
    return text if len(text) <= limit else text[:limit] + "…"
