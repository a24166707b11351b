"""A case of a run."""

from __future__ import annotations

from dataclasses import dataclass

from linmem.play.guest import Guest
from linmem.results.case import Case
from linmem.scenario.model import Scenario


@dataclass(frozen=True)
class Planned:
    """A case of this run with what it takes to play it. ``guest`` is None where it is inline."""

    case: Case
    scenario: Scenario
    guest: Guest | None
    version: str
