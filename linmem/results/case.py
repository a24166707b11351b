"""A case: what one result is about. Its id is made here and nowhere else, and nothing takes an id apart."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace


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
        return replace(self, runtime=runtime)
