"""The schema of scenario files, and its check of their data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from linmem.scenario.source import Map, Seq, SourceError
from linmem.schema import Schema, line_of

SCHEMA = Schema(
    Path(__file__).with_name("schema.json"),
    {"scenarios": "a scenario", "steps": "a step", "calls": "a step of an agent", "cases": "a case", "": "a step"},
)
COPY = "scenario.schema.json"  # the copy of the schema that a user's scenario files name, beside them
EDITORS = f"# yaml-language-server: $schema={COPY}"  # the first line of such a file
EXPLAINED = 200  # wrong steps of a file; to explain one takes 90 kB
STEPS: tuple[str, ...] = tuple(SCHEMA.document["$defs"]["act"]["enum"])
"""The keys that say what a step does, one for each kind of step."""


def validate(data: Map) -> None:
    """Raises `SourceError` for the first fault in the file, in the file's order."""
    _check(*_explained(data))


def faults(data: Map) -> list[SourceError]:
    """All that is wrong with the file's form, in the file's order; of a file full of wrong steps, the first of them."""
    told, part, root = _explained(data)
    return [
        SourceError(data.file, line_of(told, fault.path), fault.message) for fault in SCHEMA.faults(told, part, root)
    ]


def without_faulty(data: Map) -> Map:
    """A file with a fault without the scenarios that have it; without all of them if it is not theirs."""
    kept = Map(data.file, data.line)
    kept.update(data)
    kept.lines, kept.starts = data.lines, data.starts
    scenarios = data.get("scenarios")
    right = [item for item in scenarios if SCHEMA.fits(item, "scenario")] if isinstance(scenarios, list) else []
    kept["scenarios"] = right if SCHEMA.fits({**data, "scenarios": right}) else []
    return kept


def _explained(data: Map) -> tuple[Map | Seq, str | None, str]:
    """What of a file is checked, as which part of the schema, and what messages call it."""
    scenarios = data.get("scenarios")
    if isinstance(scenarios, Seq) and not SCHEMA.fits(data):
        wrong = [step for item in scenarios if isinstance(item, Map) for step in _wrong_steps(item.get("steps"))]
        if len(wrong) > EXPLAINED:
            first = Seq(data.file, wrong[0].line)
            first += wrong[:EXPLAINED]
            first.lines = [step.line for step in first]
            return first, "steps", "a scenario"
    return data, None, "the file"


def _wrong_steps(steps: Any) -> Iterator[Map]:
    """The steps that don't fit the schema, those of loops one by one."""
    for step in steps if isinstance(steps, Seq) else ():
        if isinstance(step, Map) and not SCHEMA.fits(step, "step"):
            inner = list(_wrong_steps(step.get("steps"))) if "for" in step else []
            yield from inner or [step]


def validate_scenario(data: Map) -> None:
    """The same for one scenario, after its parameters were filled in."""
    _check(data, "scenario", "a scenario")


def validate_steps(data: Seq) -> None:
    """The same for a list of steps."""
    _check(data, "steps", "a scenario")


def _check(data: Map | Seq, part: str | None, root: str) -> None:
    faults = SCHEMA.faults(data, part, root)
    if faults:
        others = len(faults) - 1
        more = f" (and {others} more {'fault' if others == 1 else 'faults'} after it)" if others else ""
        raise SourceError(data.file, line_of(data, faults[0].path), faults[0].message + more)
