"""The parts of steps: numbers, expressions, bytes, memory types, checks, observations, from a scenario's data."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from linmem.errors import unknown
from linmem.scenario import expectations, expressions, model, values
from linmem.scenario.expectations import Check, Literal
from linmem.scenario.model import MEMORY
from linmem.scenario.source import Map, SourceError
from linmem.schema import describe

HOST_VALUES = {
    "float": "a number",
    "integer": "an integer",
    "text": "text",
    "boolean": "true or false",
    "nothing": "given without a value",
}
"""The kinds of values that a host's language has, and how a scenario gives one."""
MAX_BYTES = 16 << 20  # that one step writes or expects
_FAILURES = ("trap", "link_error", "compile_error", "host_error", "exit")


class PartBuilder:
    """Builds what steps are made of. Faults are `SourceError`s with the line."""

    def __init__(self, file: str, observations: Mapping[str, model.Observation]) -> None:
        self.file, self.observations = file, observations

    def fail(self, line: int, message: str) -> SourceError:
        return SourceError(self.file, line, message)

    def memory_type(self, item: Map, key: str) -> str:
        kind = item[key]
        if kind not in values.MEMORY_TYPES and kind != "bytes":
            raise self.fail(
                item.lines[key], unknown("memory type", str(kind), [*values.MEMORY_TYPES, "bytes"], "a step")
            )
        return str(kind)

    def value_type(self, item: Map, key: str) -> str:
        kind = item[key]
        if kind not in values.NUMBER_TYPES:
            raise self.fail(item.lines[key], unknown("value type", str(kind), [*values.NUMBER_TYPES], "a step"))
        return str(kind)

    def target(self, item: Map) -> dict[str, Any]:
        if "through" in item and ("kind" in item or "in" in item):
            raise self.fail(item.line, "'through' names a view opened before; 'kind' and 'in' are for a fresh one")
        return {"memory": item.get("in", MEMORY), "through": item.get("through"), "kind": item.get("kind")}

    def way(self, item: Map) -> str:
        if "through" in item:
            return f" through {item['through']}"
        memory = f" in {item['in']}" if "in" in item else ""
        return memory + (f" with a fresh {item['kind']}" if "kind" in item else "")

    def expression(self, item: Map, key: str) -> expressions.Expression:
        try:
            return expressions.parse(item[key])
        except expressions.ExpressionError as error:
            raise self.fail(item.lines[key], f"'{key}': {error}") from None

    def literal(self, raw: Any, line: int) -> Literal:
        """A number or expression whose type is not known yet."""
        if isinstance(raw, float):
            return Literal(raw, None)
        try:
            if values.is_word(raw):
                values.float_bits("f64", raw)
                return Literal(raw, None)
            return Literal(raw, expressions.parse(raw))
        except values.ValueNotation as error:
            raise self.fail(line, str(error)) from None
        except expressions.ExpressionError as error:
            try:
                values.float_bits("f64", raw)
            except values.ValueNotation:
                raise self.fail(line, str(error)) from None
            return Literal(raw, None)

    def fits(self, kind: str, literal: Literal, line: int) -> None:
        """Whether a constant can be of this type at all."""
        try:
            if not literal.names:
                literal.bits(kind, {})
        except (values.ValueNotation, expressions.ExpressionError) as error:
            raise self.fail(line, str(error)) from None

    def data(self, raw: Any, line: int) -> bytes:
        """The bytes that a list, ``{hex: …}`` or ``{text: …}`` stands for, as often as ``times`` says."""
        if isinstance(raw, dict) and "times" in raw:
            once = self.data({key: value for key, value in raw.items() if key != "times"}, line)
            if len(once) * raw["times"] > MAX_BYTES:
                raise self.fail(line, f"a step may have {MAX_BYTES:,} bytes, found {len(once)} × {raw['times']:,}")
            return once * int(raw["times"])
        if isinstance(raw, list):
            wrong = [item for item in raw if type(item) is not int or not 0 <= item <= 255]
            if wrong:
                raise self.fail(line, f"a byte is 0 to 255, found {describe(wrong[0])}")
            return bytes(raw)
        if isinstance(raw, dict) and "text" in raw:
            return str(raw["text"]).encode()
        if isinstance(raw, dict) and "hex" in raw:
            try:
                return bytes.fromhex(str(raw["hex"]))
            except ValueError:
                shown = describe(raw["hex"])
                raise self.fail(line, f"{shown} is not hexadecimal: two digits for each byte") from None
        raise self.fail(line, "bytes are given as a list, {hex: …} or {text: …}")

    def host_value(self, item: Map) -> model.HostValue:
        """A value of the host's language."""
        kind, raw, line = item["host"], item.get("value"), item.line
        if kind not in HOST_VALUES:
            raise self.fail(line, unknown("kind of value", str(kind), list(HOST_VALUES), "a language"))
        if kind == "nothing" and raw is None:
            return model.HostValue(kind, None, "nothing")
        if kind == "text" and isinstance(raw, str):
            return model.HostValue(kind, raw, f"the text {raw!r}")
        if kind == "boolean" and isinstance(raw, bool):
            return model.HostValue(kind, raw, str(raw).lower())
        if kind in ("float", "integer") and raw is not None and not isinstance(raw, bool):
            return model.HostValue(kind, self.host_number(kind, raw, line), f"the {kind} {raw}")
        found = describe(raw)
        raise self.fail(line, f"'{kind}' of the host's language is {HOST_VALUES[kind]}, found {found}")

    def host_number(self, kind: str, raw: int | float | str, line: int) -> int:
        try:
            return values.float_bits("f64", raw) if kind == "float" else expressions.parse(str(raw)).value({})
        except (values.ValueNotation, expressions.ExpressionError) as error:
            raise self.fail(line, str(error)) from None

    def observe(self, item: Map) -> model.Observe:
        raw, line = item["observe"], item.lines["observe"]
        name = raw["id"] if isinstance(raw, dict) else raw
        if name not in self.observations:
            known = sorted(self.observations)
            raise self.fail(line, unknown("observation", name, known, "this file's 'observations'"))
        answers = dict(self.observations[name].answers)
        if isinstance(raw, dict):
            answers.update(raw.get("answers", {}))
        computed: dict[expressions.Expression, str] = {}
        for key, word in answers.items():
            with contextlib.suppress(expressions.ExpressionError):
                expression = expressions.parse(key)
                if expression.names and isinstance(raw, dict) and key in raw.get("answers", {}):
                    computed[expression] = word
        return model.Observe(name, answers, computed)

    def check(self, raw: Any, line: int) -> Check:
        if isinstance(raw, list):
            return expectations.Literals(tuple(self.literal(item, line) for item in raw))
        if isinstance(raw, bool):
            return expectations.Holds(raw)
        if not isinstance(raw, dict):
            return self.literal(raw, line)
        key, value = next(iter(raw.items()))
        if key in _FAILURES:
            kind = expectations.FAILURE_KINDS[key]
            return expectations.Failure(kind, None if value is True else str(value))
        if key == "error":
            return expectations.Failure(None, None)
        if key == "nan":
            return expectations.Nan(value)
        if key == "no_value":
            return expectations.NoValue()
        if key == "at_least":
            return expectations.AtLeast(self.literal(value, line))
        if key == "any_of":
            return expectations.AnyOf(tuple(self.check(item, line) for item in value))
        return expectations.ExactBytes(self.data(raw, line), self.shown_data(raw))

    def shown_data(self, raw: Mapping[str, Any]) -> str:
        """Bytes as reports word them."""
        word = f"text {raw['text']!r}" if "text" in raw else f"bytes {raw['hex']}"
        return f"{word} × {raw['times']:,}" if "times" in raw else word
