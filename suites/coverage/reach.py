"""Which memory instructions a scenario reaches: those in the functions that its calls, by whatever way, lead to.

Read from the modules it is played with. A scenario's calls are its `call` steps, also those of host functions; a start
function; what a language's glue calls to start a guest; and, where an instance imports another's export, what that
leads to. A call through a table is not followed, so what is listed is the least that is reached.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suites import model
from suites.conversation import Module
from suites.coverage.code import Code, read_code
from suites.expectations import Failure
from suites.model import GUEST
from suites.names import makes_own_instances
from suites.wasm_types import UnreadableModule

ENTRIES = ("run", "_start", "_initialize")  # what a language's glue or host calls to start a guest


@dataclass(frozen=True)
class Played:
    """The modules of a scenario with one guest; ``started``: the guest's language starts it by one of `ENTRIES`."""

    modules: Mapping[str, Module]
    started: bool = False


Instructions = frozenset[tuple[str, frozenset[str]]]


def reached(scenario: model.Scenario, plays: Sequence[Played]) -> Instructions:
    """The memory instructions that a scenario reaches with any of its guests, each with its memory's peculiarities."""
    return frozenset().union(*(_Reacher(scenario, played).instructions() for played in plays))


def parts(value: Any) -> Iterator[Any]:
    """Every dataclass within a scenario: its steps, those of its host functions, and whatever they are made of."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from parts(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from parts(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield value
        for field in dataclasses.fields(value):
            yield from parts(getattr(value, field.name))


class _Reacher:
    def __init__(self, scenario: model.Scenario, played: Played) -> None:
        self.scenario, self.played = scenario, played
        self.steps = list(parts((scenario.steps, scenario.imports)))
        self.found: set[tuple[str, frozenset[str]]] = set()
        self.seen: set[tuple[str, int]] = set()
        self.instances: dict[str, model.Instantiate | None] = {}
        if not makes_own_instances(scenario):
            self.instances[GUEST] = None
        for step in self.steps:
            if isinstance(step, model.Instantiate) and step.bind is not None:
                self.instances[step.bind] = step

    def instructions(self) -> Instructions:
        for name in self.instances:
            self.enter_start(name)
        for step in self.steps:
            if isinstance(step, model.Call):
                self.enter_export(step.on, step.export)
        return frozenset(self.found)

    def code(self, instance: str) -> Code | None:
        """The module behind an instance, if it can be read."""
        if instance not in self.instances:
            return None
        step = self.instances[instance]
        module = self.played.modules.get(step.module if step is not None else GUEST)
        if module is None:
            return None
        try:
            return read_code(module.data)
        except UnreadableModule:
            return None

    def enter_start(self, instance: str) -> None:
        code, step = self.code(instance), self.instances[instance]
        refused = step is not None and isinstance(step.expect, Failure) and step.expect.kind != "trap"
        if code is None or refused:
            return
        if code.start is not None:
            self.enter(instance, code, code.start)
        if self.played.started and (step is None or step.module == GUEST):
            for name in ENTRIES:
                self.enter_export(instance, name)

    def enter_export(self, instance: str, export: str) -> None:
        code = self.code(instance)
        if code is not None and export in code.exported:
            self.enter(instance, code, code.exported[export])

    def enter(self, instance: str, code: Code, function: int) -> None:
        if (instance, function) in self.seen:
            return
        self.seen.add((instance, function))
        try:
            reach = code.reach(function)
        except UnreadableModule:
            return
        self.found |= reach.instructions
        step = self.instances[instance]
        given = {**self.scenario.imports, **(step.imports if step is not None else {})}
        for module, name in reach.imports:
            spec = given.get(f"{module}.{name}")
            if isinstance(spec, model.ImportedExport):
                self.enter_export(spec.instance, spec.export)
