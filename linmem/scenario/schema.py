"""Check a scenario file's data against the published schema, and say what is wrong in one line with its place."""

from __future__ import annotations

import contextlib
import difflib
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator

from linmem.scenario.source import Map, Seq, SourceError

SCHEMA_PATH = Path(__file__).with_name("schema.json")
STEPS = (
    "call",
    "read",
    "write",
    "grow",
    "size",
    "view",
    "length",
    "instantiate",
    "memory",
    "function",
    "global",
    "get",
    "set",
    "same",
    "negative",
    "release",
    "collect",
    "picture",
    "agents",
    "for",
)
_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
}
_CHOICES = ("anyOf", "oneOf")
_OTHER_FORM = ("type", "pattern", "const", "enum")  # these say that quite another form was meant
# Of several faults of one value, the one that is told: the earlier in this list.
_TELLING = ("type", "oneOf", "additionalProperties", "propertyNames", "required")


@functools.cache
def _schema(part: str | None) -> dict[str, Any]:
    """The whole schema, or one of its definitions by name."""
    schema: dict[str, Any] = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return schema if part is None else {"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]}


@functools.cache
def _judge(part: str | None) -> jsonschema_rs.Validator:
    """Says only whether data is right, a thousand times faster than the one that can say what is wrong."""
    return jsonschema_rs.validator_for(_schema(part))


@functools.cache
def _explainer(part: str | None) -> Draft202012Validator:
    return Draft202012Validator(_schema(part))


def validate(data: Any, shown: str) -> None:
    """Raises `SourceError` for the first fault in the file, in the file's order."""
    _check(None, data, shown)


def validate_scenario(data: Map, shown: str) -> None:
    """The same for one scenario, after its parameters were filled in."""
    _check("scenario", data, shown)


def validate_steps(data: Seq, shown: str) -> None:
    """The same for a list of steps."""
    _check("steps", data, shown)


def _check(part: str | None, data: Any, shown: str) -> None:
    with contextlib.suppress(ValueError):  # data that it can't take in, such as a lone surrogate
        if _judge(part).is_valid(data):
            return

    def order(error: Any) -> tuple[int, int, int]:
        return line_of(data, error.absolute_path), len(error.path), _rank(error)

    errors = sorted(_explainer(part).iter_errors(data), key=order)
    if errors:
        error = _deepest(errors[0])
        line = line_of(data, error.absolute_path, _key(error))
        others = len({tuple(error.absolute_path) for error in errors}) - 1
        more = f" (and {others} more {'fault' if others == 1 else 'faults'} after it)" if others else ""
        raise SourceError(shown, line, _explain(error) + more)


def _rank(error: Any) -> int:
    return _TELLING.index(error.validator) if error.validator in _TELLING else len(_TELLING)


def line_of(data: Any, path: Sequence[Any], key: str | None = None) -> int:
    """The line of the value at `path` (and there of `key`)."""
    line = getattr(data, "line", 1)
    for part in [*path, *([key] if key is not None else [])]:
        known = part in data if isinstance(data, Map) else part in range(len(data)) if isinstance(data, Seq) else False
        if known:
            line, data = data.lines[part], data[part]
    return line


def _deepest(error: Any) -> Any:
    """For a choice of forms, the fault of the form that was nearest to being meant."""
    while error.validator in _CHOICES and error.context and not _is_step(error):
        fitting = [e for e in error.context if e.validator not in _OTHER_FORM or e.relative_path]
        if not isinstance(error.instance, dict | list) or not fitting:
            return error
        error = max(fitting, key=lambda e: (len(e.absolute_path), -_rank(e)))
    return error


def _is_step(error: Any) -> bool:
    """Whether it is the choice among the steps, of which exactly one must be there."""
    return error.validator == "oneOf" and "call" in error.schema["oneOf"][0].get("required", ())


def _key(error: Any) -> str | None:
    """The key that is at fault, where it is one and not its value."""
    return str(error.instance) if _is_name(error) else _unknown_key(error)


def _is_name(error: Any) -> bool:
    return "propertyNames" in error.absolute_schema_path


def _unknown_key(error: Any) -> str | None:
    if error.validator != "additionalProperties" or not isinstance(error.instance, dict):
        return None
    known = error.schema.get("properties", {})
    return next((key for key in error.instance if key not in known), None)


def _explain(error: Any) -> str:
    place, found, rule = _place(error), error.instance, error.validator_value
    if (key := _unknown_key(error)) is not None:
        return unknown("key", key, list(error.schema["properties"]), place)
    if _is_step(error):
        return _explain_step(found)
    if error.validator == "required":
        missing = next(key for key in rule if key not in found)
        return f"{place} needs the key '{missing}'"
    if error.validator in ("minItems", "minLength", "minProperties") and rule == 1:
        return f"{place} must not be empty"
    if error.validator == "minItems" and "title" not in error.schema:
        return f"{place} must have at least {rule} items, found {len(found)}"
    if error.validator == "maxProperties":
        return f"{place} must have one key only, found {' and '.join(map(repr, found))}"
    if error.validator == "maxLength":
        return f"{place} may have {rule} characters, found {len(found)}"
    return f"{place} must be {_wanted(error)}, found {describe(found)}{_quotes(error)}"


def _wanted(error: Any) -> str:
    """What may stand there: the schema's own words, else what can be read from its rule."""
    said = error.schema.get("title")
    if isinstance(said, str):
        return said
    rule = error.validator_value
    if error.validator == "type":
        return " or ".join(_WORDS[kind] for kind in ([rule] if isinstance(rule, str) else rule))
    if error.validator == "enum":
        return "one of " + ", ".join(map(str, rule))
    if error.validator == "const":
        return json.dumps(rule)
    return "as 'linmem schema scenario' has it"


def _quotes(error: Any) -> str:
    wants_text = error.validator == "type" and error.validator_value == "string"
    return "; put it in quotes" if wants_text and isinstance(error.instance, bool | int | float) else ""


def _explain_step(step: dict[str, Any]) -> str:
    actions = [key for key in STEPS if key in step]
    if len(actions) > 1:
        return f"a step does one thing, but this one has both '{actions[0]}' and '{actions[1]}'"
    if not step:
        return f"a step must not be empty; known: {', '.join(STEPS)}"
    return unknown("step", next(iter(step)), list(STEPS), "a scenario")


def unknown(what: str, found: str, known: Sequence[str], place: str) -> str:
    """One line for a name that is not known, with the nearest known one, or all there are."""
    near = difflib.get_close_matches(found, known, 1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}" if known else "there is none"
    return f"unknown {what} '{found}' in {place}; {hint}"


def _place(error: Any) -> str:
    if _is_name(error):
        return "the key"
    parts = [str(part) for part in error.absolute_path if not isinstance(part, int)]
    if not parts:
        return "a scenario" if "steps" in error.schema.get("properties", {}) else "the file"
    last = error.absolute_path[-1]
    if isinstance(last, int):
        return {"scenarios": "a scenario", "steps": "a step", "cases": "a case"}.get(
            parts[-1], f"an item of '{parts[-1]}'"
        )
    return f"'{parts[-1]}'"


def describe(value: Any) -> str:
    """A value as an error message shows it."""
    if isinstance(value, dict):
        return "a mapping" + (f" with the key '{next(iter(value))}'" if value else "")
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
