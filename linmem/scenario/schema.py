"""The schema of scenario files, and its check of their data."""

from __future__ import annotations

from pathlib import Path

from linmem.scenario.source import Map, Seq, SourceError
from linmem.schema import Schema, line_of

SCHEMA = Schema(
    Path(__file__).with_name("schema.json"), {"scenarios": "a scenario", "steps": "a step", "cases": "a case"}
)
STEPS: tuple[str, ...] = tuple(form["required"][0] for form in SCHEMA.document["$defs"]["step"]["oneOf"])
"""The keys that say what a step does, one for each kind of step."""


def validate(data: Map) -> None:
    """Raises `SourceError` for the first fault in the file, in the file's order."""
    _check(data, None, "the file")


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
