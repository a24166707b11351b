"""Check a scenario file's data against the published schema, and say what is wrong in one line with its place."""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from suites.yamlsource import Map, Seq, SourceError

SCHEMA_PATH = Path(__file__).with_name("schema.json")
STEPS = ("call", "read", "write", "grow", "size", "view", "length", "instantiate", "memory", "release", "for")
_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
}


@functools.cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))


def validate(data: Any, shown: str) -> None:
    """Raises `SourceError` for the first fault in the file, in the file's order."""
    errors = sorted(
        _validator().iter_errors(data), key=lambda error: (line_of(data, error.absolute_path), len(error.path))
    )
    if errors:
        error = _deepest(errors[0])
        line = line_of(data, error.absolute_path, _unknown_key(error))
        more = f" (and {len(errors) - 1} more faults after it)" if len(errors) > 1 else ""
        raise SourceError(shown, line, _explain(error) + more)


def line_of(data: Any, path: Sequence[Any], key: str | None = None) -> int:
    """The line of the value at `path` (and there of `key`)."""
    line = getattr(data, "line", 1)
    for part in [*path, *([key] if key is not None else [])]:
        if (isinstance(data, Map) and part in data) or (isinstance(data, Seq) and isinstance(part, int) and part < len(data)):
            line, data = data.lines[part], data[part]
    return line


def _deepest(error: Any) -> Any:
    """For a choice of forms, the fault of the form that was nearest to being meant."""
    while error.validator in ("anyOf", "oneOf") and error.context:
        found = error.instance
        fitting = [
            e for e in error.context if e.validator not in ("type", "pattern", "const", "enum") or e.relative_path
        ]
        if not isinstance(found, dict | list) or not fitting:
            return error
        error = max(fitting, key=lambda e: len(e.absolute_path))
    return error


def _unknown_key(error: Any) -> str | None:
    if error.validator != "additionalProperties" or not isinstance(error.instance, dict):
        return None
    known = error.schema.get("properties", {})
    return next((key for key in error.instance if key not in known), None)


def _explain(error: Any) -> str:
    place = _place(error)
    if error.validator == "additionalProperties" and (key := _unknown_key(error)) is not None:
        return unknown("key", key, sorted(error.schema["properties"]), place)
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        return f"{place} needs the key '{missing}'"
    if error.validator == "oneOf" and list(error.schema_path)[-1:] == ["oneOf"] and isinstance(error.instance, dict):
        return _explain_step(error.instance)
    if error.validator == "type":
        kinds: list[str] = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        expected = " or ".join(_WORDS.get(kind, kind) for kind in kinds)
        return f"{place} must be {expected}, found {describe(error.instance)}"
    if error.validator in ("anyOf", "oneOf", "enum", "const", "pattern"):
        return f"{place} can't be {describe(error.instance)}; {_allowed(error)}"
    if error.validator in ("minItems", "minLength", "minProperties"):
        return f"{place} must not be empty"
    return f"{place}: {error.message[:200]}"


def _explain_step(step: dict[str, Any]) -> str:
    actions = [key for key in STEPS if key in step]
    if len(actions) > 1:
        return f"a step does one thing, but this one has both '{actions[0]}' and '{actions[1]}'"
    return unknown("step", next(iter(step), ""), list(STEPS), "a scenario")


def unknown(what: str, found: str, known: Sequence[str], place: str) -> str:
    """One line for a name that is not known, with the nearest known ones."""
    near = difflib.get_close_matches(found, known, 1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
    return f"unknown {what} '{found}' in {place}; {hint}"


def _place(error: Any) -> str:
    parts = [str(part) for part in error.absolute_path if not isinstance(part, int)]
    if not parts:
        return "the file"
    last = error.absolute_path[-1]
    if isinstance(last, int):
        return {"scenarios": "a scenario", "steps": "a step", "cases": "a case"}.get(
            parts[-1], f"an item of '{parts[-1]}'"
        )
    return f"'{parts[-1]}'"


def _allowed(error: Any) -> str:
    if error.validator == "enum":
        return "known: " + ", ".join(map(str, error.validator_value))
    if isinstance(error.schema.get("description"), str):
        return f"it is: {error.schema['description'].rstrip('.')}"
    if error.validator == "pattern":
        return "a name has letters, digits and _ and does not start with a digit"
    forms: list[Any] = (
        [form for form in error.validator_value if isinstance(form, dict)]
        if isinstance(error.validator_value, list)
        else []
    )
    words: list[str] = []
    for form in forms:
        words += [str(word) for word in form.get("enum", [])]
    return "known: " + ", ".join(words) if words else "see suites/schema.json"


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
