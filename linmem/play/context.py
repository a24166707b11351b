"""What playing a step may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from linmem.play.findings import Findings
from linmem.play.guest import Guest
from linmem.play.imports import Imports
from linmem.play.pipeline import Pipeline
from linmem.play.scope import Module, Scope
from linmem.play.wasi import Provision
from linmem.protocol import Runtime
from linmem.scenario.model import Scenario, Step


@dataclass
class Context:
    """One scenario on one runtime, and the parts that play it.

    ``view`` is the view kind that ``each`` stands for. ``poster`` posts a step: `linmem.play.steps.post`, which
    stands above this module.
    """

    scenario: Scenario
    runtime: Runtime
    modules: Mapping[str, Module]
    guest: Guest | None
    view: str | None
    poster: Callable[[Context, Step], None]
    wasi: Provision | None = field(init=False)
    scope: Scope = field(init=False)
    findings: Findings = field(init=False)
    pipeline: Pipeline = field(init=False)
    imports: Imports = field(init=False)

    def __post_init__(self) -> None:
        self.wasi = Provision(self.scenario.wasi) if self.scenario.wasi is not None else None
        self.scope = Scope()
        self.findings = Findings(self.scope)
        self.pipeline = Pipeline(self.runtime, self.scope, self.findings)
        self.imports = Imports(self.pipeline, self.findings, self.post)

    def post(self, step: Step) -> None:
        """Post a step's request; its answer becomes due."""
        self.poster(self, step)

    def close(self) -> None:
        """Serve no more host functions, and remove what the scenario's guests had on disk."""
        self.runtime.on_import = None
        self.imports.close()
        if self.wasi is not None:
            self.wasi.close()
