"""The parts of steps, from a scenario's data: expressions, numbers, bytes, values of the host's language, expectations.

Faults are `SourceError`s with the line.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from linmem.errors import unknown
from linmem.scenario import expectations, expressions, model, values
from linmem.scenario.expectations import Expected, Literal
from linmem.scenario.limits import BYTES, STEP_BYTES, TIMES, VALUES, Budget, integer
from linmem.scenario.source import Map, Seq, Where
from linmem.schema import describe

HOST_VALUES: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "float": ("a number", (int, float, str)),
    "integer": ("an integer", (int, float, str)),
    "text": ("text", (str,)),
    "boolean": ("true or false", (bool,)),
    "nothing": ("given without a value", (type(None),)),
}
"""The kinds of values that a host's language has: how a scenario gives one, and as which YAML types."""


@contextlib.contextmanager
def reported(where: Where, prefix: str = "") -> Iterator[None]:
    """Turn errors in a value's notation into `SourceError`s at this place."""
    try:
        yield
    except (values.ValueNotation, expressions.ExpressionError) as error:
        raise where.error(f"{prefix}{error}") from None


def expression(item: Map, key: str) -> expressions.Expression:
    """The integer or expression under a key."""
    with reported(item.where(key), f"'{key}': "):
        return expressions.parse(item[key])


def optional(item: Map, key: str) -> expressions.Expression | None:
    """The same, for a key that may be left out."""
    return expression(item, key) if key in item else None


def literal(raw: Any, where: Where) -> Literal:
    """A number or expression whose type is not known yet."""
    problem: Exception | None = None
    if not isinstance(raw, float) and not values.is_word(raw):
        try:
            return Literal(raw, expressions.parse(raw))
        except expressions.ExpressionError as error:
            problem = error
    try:
        values.float_bits("f64", raw)
    except values.ValueNotation as error:
        raise where.error(str(problem or error)) from None
    return Literal(raw, None)


def literals(item: Map, key: str) -> tuple[Literal, ...]:
    """The numbers or expressions in a list, or the one that is given instead of a list."""
    raw, where = item.get(key, []), item.where(key)
    return tuple(literal(each, where) for each in (raw if isinstance(raw, list) else [raw]))


def typed(kind: str, value: Literal, where: Where) -> Literal:
    """The literal, if it can be of this type: a constant must be in its range."""
    with reported(where):
        if not value.names:
            value.bits(kind, {})
    return value


def data(raw: Any, where: Where, budget: Budget) -> bytes:
    """The bytes that a list, ``{hex: …}`` or ``{text: …}`` stands for, as often as ``times`` says."""
    if isinstance(raw, Seq):
        budget.spend(BYTES, len(raw), raw)
        wrong = [item for item in raw if type(item) is not int or not 0 <= item <= 255]
        if wrong:
            raise where.error(f"a byte is 0 to 255, found {describe(wrong[0])}")
        return bytes(raw)
    if not isinstance(raw, Map):
        raise where.error("bytes are given as a list, {hex: …}, {text: …} or a name that bytes are bound to")
    try:
        once = raw["text"].encode() if "text" in raw else bytes.fromhex(raw["hex"])
    except ValueError:
        raise where.error(f"{describe(raw['hex'])} is not hexadecimal: two digits for each byte") from None
    times = integer(raw, "times", 1, TIMES, 1)
    if len(once) * times > STEP_BYTES:
        raise where.error(f"a step may have {STEP_BYTES:,} bytes, found {len(once)} × {times:,}")
    budget.spend(BYTES, len(once) * times, raw)
    return bytes(once * times)


def shown_data(raw: Any) -> str:
    """Bytes as they stand in the file, for the text of a step."""
    if isinstance(raw, list):
        return str(raw)
    return str(raw.get("text", raw.get("hex"))) + (f" × {raw['times']:,}" if "times" in raw else "")


def host_value(item: Map) -> model.HostValue:
    """A value of the host's language."""
    kind: str = item["host"]
    raw: Any = item.get("value")
    form, types = HOST_VALUES[kind]
    if type(raw) not in types:
        raise item.error(f"'{kind}' of the host's language is {form}, found {describe(raw)}")
    text = {"nothing": kind, "text": f"the text {raw!r}", "boolean": str(raw).lower()}.get(kind, f"the {kind} {raw}")
    with reported(item.where()):
        if kind == "float":
            raw = values.float_bits("f64", raw)
        elif kind == "integer":
            raw = expressions.parse(str(raw)).value({})
    return model.HostValue(kind, raw, text)


def observe(item: Map, known: Mapping[str, model.Observation], budget: Budget) -> model.Observe | None:
    """The observation that a step makes, if any: one of those that the file declares."""
    raw = item.get("observe")
    if raw is None:
        return None
    name, own = (raw["id"], raw.get("answers", {})) if isinstance(raw, dict) else (raw, {})
    if name not in known:
        raise item.error(unknown("observation", name, sorted(known), "this file's 'observations'"), "observe")
    computed: dict[expressions.Expression, str] = {}
    for key, word in own.items():
        with contextlib.suppress(expressions.ExpressionError):
            parsed = expressions.parse(key)
            if parsed.names:
                computed[parsed] = word
    if not own:
        return model.Observe(name, known[name].answers, {})
    budget.spend(VALUES, len(known[name].answers), item, "observe")
    return model.Observe(name, {**known[name].answers, **own}, computed)


def expectation(item: Map, budget: Budget) -> Expected | None:
    """What a step or call expects, if anything."""
    return _expectation(item["expect"], item.where("expect"), budget) if "expect" in item else None


def _expectation(raw: Any, where: Where, budget: Budget) -> Expected:
    if isinstance(raw, list):
        return expectations.Literals(tuple(literal(item, where) for item in raw))
    if isinstance(raw, bool):
        return expectations.Holds(raw)
    if not isinstance(raw, dict):
        return literal(raw, where)
    key, value = next(iter(raw.items()))
    if key in expectations.FAILURE_KINDS:
        return expectations.Failure(expectations.FAILURE_KINDS[key], None if value is True else str(value))
    if key == "error":
        return expectations.Failure(None, None)
    if key == "nan":
        return expectations.Nan(value)
    if key == "no_value":
        return expectations.NoValue()
    if key == "at_least":
        return expectations.AtLeast(literal(value, where))
    if key == "any_of":
        return expectations.AnyOf(tuple(_expectation(item, where, budget) for item in value))
    word = f"text {raw['text']!r}" if "text" in raw else f"bytes {raw['hex']}"
    return expectations.ExactBytes(data(raw, where, budget), word + (f" × {raw['times']:,}" if "times" in raw else ""))
