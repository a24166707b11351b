"""The host's side: by which ways scenarios read and write each memory type, and which words of the language they use.

The words there are come from the published schema, so one that is new and that no scenario uses yet shows as uncovered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from linmem.coverage.reach import parts
from linmem.scenario import model, schema, values
from linmem.scenario.source import read

Found = dict[str, set[str]]  # what is covered → the scenarios that do
WAYS = ("default", "each kind", "kept")
_ACTS: Mapping[str, type[model.Read | model.Write]] = {"read": model.Read, "write": model.Write}
_NO_ENDING = ("params", "value", "mutable")  # keys of an import that belong to another key


def ways(scenarios: Mapping[str, model.Scenario]) -> Found:
    """``read u8 default``: through a fresh view of the runtime's default kind; ``each kind``: through a fresh view of
    each kind there is; ``kept``: through a view of each kind that was opened before.
    """
    kinds = [*values.MEMORY_TYPES, "bytes"]
    found: Found = {f"{act} {kind} {way}": set() for act in _ACTS for kind in kinds for way in WAYS}
    for name, scenario in scenarios.items():
        everything = list(parts((scenario.steps, scenario.imports)))
        each = {step.bind for step in everything if isinstance(step, model.OpenView) and step.kind == "each"}
        for step in everything:
            for act, kind in _ACTS.items():
                if isinstance(step, kind):
                    for way in _way(step, each):
                        found[f"{act} {step.type} {way}"].add(name)
    return found


def _way(step: model.Read | model.Write, each: set[str | None]) -> Iterator[str]:
    if step.through is not None:
        yield from ("kept",) if step.through in each else ()
    elif step.kind is None:
        yield "default"
    elif step.kind == "each":
        yield "each kind"


def words(suites: Sequence[tuple[Path, model.Suite]]) -> Mapping[str, Found]:
    """Steps, expectations and imports, by the keys that the schema has for them."""
    found: dict[str, Found] = {kind: {word: set() for word in known} for kind, known in vocabulary().items()}
    for path, suite in suites:
        names: dict[int, set[str]] = defaultdict(set)
        for scenario in suite.scenarios:
            names[scenario.where.line].add(f"{path.name}::{scenario.slug}")
        data = read(path, path.name)
        everyone = set().union(*names.values())
        for kind, word in _used({"imports": data.get("imports", {})}):
            found[kind][word] |= everyone
        for raw in data["scenarios"]:
            for kind, word in _used(raw):
                found[kind][word] |= names[raw.lines["name"]]
    return found


def vocabulary() -> Mapping[str, Sequence[str]]:
    """The words of the language, by kind."""
    definitions = schema.SCHEMA.document["$defs"]
    imports = definitions["imports"]["additionalProperties"]["properties"]
    return {
        "step": schema.STEPS,
        "expect": ["a value", "a list", *definitions["expect_form"]["properties"]],
        "import": [key for key in imports if key not in _NO_ENDING],
    }


def _used(data: Any) -> Iterator[tuple[str, str]]:
    """Every word of the language in raw data, as kind and word."""
    if isinstance(data, list):
        for item in data:
            yield from _used(item)
    elif isinstance(data, dict):
        for key, value in data.items():
            if key == "expect":
                yield from (("expect", word) for word in _forms(value))
            elif key == "imports":
                yield from (("import", word) for spec in value.values() for word in spec if word not in _NO_ENDING)
            elif key in ("steps", "meanwhile"):
                yield from (("step", word) for step in value for word in schema.STEPS if word in step)
            yield from _used(value)


def _forms(expected: Any) -> Iterator[str]:
    if isinstance(expected, list):
        yield "a list"
    elif isinstance(expected, dict):
        for key, value in expected.items():
            yield key
            if key == "any_of":
                yield from (form for item in value for form in _forms(item))
    else:
        yield "a value"
