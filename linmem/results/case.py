"""A case: what one result is about. Its id is made here and nowhere else, and nothing takes an id apart."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import asdict


class Case(Struct, frozen=True):
    """A scenario, on a runtime (by its label), with a guest (None: inline), through a view kind (None: no matter)."""

    suite: str
    scenario: str
    runtime: str
    guest: str | None = None
    view: str | None = None

    @property
    def cell(self) -> str:
        """Whom the scenario is played on: ``go-wasmtime``."""
        return "-".join(part for part in (self.guest, self.runtime, self.view) if part)

    @property
    def name(self) -> str:
        """Its name in its suite: ``grows[go-wasmtime]``."""
        return f"{self.scenario}[{self.cell}]"

    @property
    def place(self) -> str:
        """Its scenario: ``suites/memory/growth.yaml::grows``."""
        return f"{self.suite}::{self.scenario}"

    @property
    def id(self) -> str:
        """As pytest names it, so that it can be pasted into a command line."""
        return f"{self.suite}::{self.name}"

    def on(self, runtime: str) -> Case:
        """The same on the runtime with this label."""
        return Case(self.suite, self.scenario, runtime, self.guest, self.view)

    @property
    def case(self) -> Case:
        """The case alone, where this is one with more to it."""
        return self.on(self.runtime)


class CaseEntry(Case, frozen=False, kw_only=True):  # type: ignore[misc]  # msgspec has it, mypy does not know
    """A case as files have it: with its id."""

    id: str


def entry(case: Case) -> dict[str, Any]:
    """The fields of a case in a file: its own, and its id."""
    return {"id": case.id, **asdict(case)}
