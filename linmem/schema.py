"""Check data against the JSON Schema of a file format, and say in one line for each fault what is wrong."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs

from linmem.errors import unknown

_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
}
_OTHER_FORM = ("type", "pattern", "const", "enum")  # in a choice: the value is not meant to have this form
# Of several faults of one value, the one whose rule is first in this list is reported.
_TELLING = ("type", "oneOf", "additionalProperties", "required")

Keys = tuple[str | int, ...]
"""The keys and indices that lead to a value."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, in words, and where."""

    path: Keys
    message: str


class Schema:
    """The JSON Schema in the file at ``path``. In messages, a schema's ``title`` says what must stand in its place.

    ``items`` is what messages call the items of a list, by its key (``{"steps": "a step"}``; the file's key is "").
    """

    def __init__(self, path: Path, items: Mapping[str, str] | None = None) -> None:
        self.path = path
        self._items = items or {}
        self._validators: dict[str | None, jsonschema_rs.Validator] = {}

    @functools.cached_property
    def document(self) -> dict[str, Any]:
        """The schema itself."""
        found: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return found

    def fits(self, data: Any, part: str | None = None) -> bool:
        """Whether nothing is wrong with the data; see `faults`."""
        validator = self._validators.get(part)
        if validator is None:
            schema = {"$ref": f"#/$defs/{part}", "$defs": self.document["$defs"]} if part else self.document
            validator = self._validators[part] = jsonschema_rs.validator_for(schema)
        return validator.is_valid(data)

    def faults(self, data: Any, part: str | None = None, root: str = "the file") -> list[Fault]:
        """What is wrong with the data, in the file's order: each missing, unknown or wrong value.

        ``part`` is the name of the definition that the data must fit; None: the whole schema. ``root`` is what
        messages call the data.
        """
        if self.fits(data, part):  # much the faster question
            return []
        validator = self._validators[part]
        errors = [_Error(self.document, data, error) for error in validator.iter_errors(data)]
        errors.sort(key=lambda error: error.rank)
        told: dict[Keys, str] = {}
        found = [
            fault
            for error in errors
            if told.setdefault(error.path, error.rule) == error.rule
            for fault in error.deepest().explain(functools.partial(_name, self._items, root))
        ]
        return sorted(dict.fromkeys(found), key=lambda fault: (line_of(data, fault.path), len(fault.path)))


class _Error:
    """A rule that the value at ``path`` breaks, or, if ``is_key``, the last key of ``path``."""

    def __init__(self, document: dict[str, Any], data: Any, error: Any) -> None:
        self.path: Keys = ()
        self.found = data
        for part in error.instance_path:
            key: Any = str(part) if isinstance(self.found, dict) else part  # the validator has the key '24' as 24
            self.path, self.found = (*self.path, key), self.found[key]
        self.kind = error.kind
        self.is_key: bool = error.kind.name == "propertyNames"
        *way, self.rule = map(str, error.schema_path)
        self.schema: Any = document
        for word in way:
            self.schema = self.schema[int(word) if isinstance(self.schema, list) else word]
        self.limit, self.message = self.schema[self.rule], error.message
        if self.is_key and self.rule != "enum":  # of a mapping that has none of the keys that it should begin with, all
            self.found = self.kind.error.instance
            self.path += (self.found,)
        names = self.schema.get("propertyNames", {}).get("$ref", "")
        self.first_keys: list[str] = document["$defs"][names.rpartition("/")[2]].get("enum", []) if names else []
        self.rank = _TELLING.index(self.rule) if self.rule in _TELLING else len(_TELLING)
        self.forms = [_Error(document, data, inner) for form in getattr(error.kind, "context", ()) for inner in form]

    @property
    def actions(self) -> list[str]:
        """Where exactly one of some keys must be given: these keys."""
        forms = self.limit if self.rule == "oneOf" else ()
        return [form["required"][0] for form in forms if form.keys() == {"required"}]

    def deepest(self) -> _Error:
        """For a choice of forms, the fault of the form that the value is nearest to."""
        near = [error for error in self.forms if error.rule not in _OTHER_FORM or error.path != self.path]
        if self.actions or not near or not isinstance(self.found, dict | list):
            return self
        return max(near, key=lambda error: (len(error.path), -error.rank)).deepest()

    def explain(self, name: Callable[[Keys], str]) -> Iterator[Fault]:
        """The fault in words; for unknown keys, one for each. ``name`` words a place."""
        place = "the key" if self.is_key and self.rule != "enum" else name(self.path)
        if self.rule == "additionalProperties":
            known = list(self.schema.get("properties", ()))
            for key in self.found:
                if key not in known:
                    yield Fault((*self.path, key), unknown("key", key, known, place))
        else:
            yield Fault(self.path, self._words(place, name))

    def _words(self, place: str, name: Callable[[Keys], str]) -> str:
        limit, found = self.limit, self.found
        if self.actions:
            given = [key for key in self.actions if key in found]
            return f"{place} does one thing, but this one has both '{given[0]}' and '{given[1]}'"
        if self.is_key and self.rule == "enum":
            return unknown(place.removeprefix("a "), next(iter(found)), limit, name(self.path[:-2]))
        if self.first_keys and not found:
            return f"{place} must not be empty; known: {', '.join(self.first_keys)}"
        if self.rule == "required":
            return f"{place} needs the key '{self.kind.property}'"
        if self.rule in ("minItems", "minLength", "minProperties") and limit == 1:
            return f"{place} must not be empty"
        if self.rule == "maxProperties":
            allowed = "must have one key only" if limit == 1 else f"may have {limit} keys"
            return f"{place} {allowed}, found {' and '.join(map(repr, found))}"
        if self.rule == "maxLength":
            return f"{place} may have {limit} characters, found {len(found)}"
        wanted = self._wanted()
        if wanted is None:
            return f"{place}: {self.message}"
        hint = "; put it in quotes" if limit == "string" and isinstance(found, bool | int | float) else ""
        return f"{place} must be {wanted}, found {describe(found)}{hint}"

    def _wanted(self) -> str | None:
        """What must stand there: the schema's own words, else what its rule says."""
        limit = self.limit
        if "title" in self.schema and "$schema" not in self.schema:  # the whole schema's is a title of its own
            return str(self.schema["title"])
        if self.rule == "type":
            return " or ".join(_WORDS[kind] for kind in ([limit] if isinstance(limit, str) else limit))
        if self.rule == "enum":
            return "one of " + ", ".join(map(str, limit))
        if self.rule == "const":
            return json.dumps(limit)
        if self.rule == "minItems":
            return f"a list of at least {limit}"
        return f"text that matches {limit}" if self.rule == "pattern" else None


def _name(items: Mapping[str, str], root: str, path: Keys) -> str:
    """What messages call the value at a path."""
    if not path:
        return root
    keys = [part for part in path if isinstance(part, str)]
    key = keys[-1] if keys else ""
    if isinstance(path[-1], int):
        return items.get(key, f"an item of '{key}'")
    return f"'{key}'"


def line_of(data: Any, path: Sequence[str | int]) -> int:
    """The line of the value at `path`, or of the last one on the way to it that is there; 1 for data without lines."""
    line: int = getattr(data, "line", 1)
    for part in path:
        lines = getattr(data, "lines", None)
        known = lines if isinstance(lines, Mapping) else range(len(lines or ()))
        if lines is None or part not in known:
            break
        line, data = lines[part], data[part]
    return line


def describe(value: Any) -> str:
    """A value as messages show it."""
    if isinstance(value, dict):
        return "a mapping" + (f" with the key '{next(iter(value))}'" if value else "")
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
