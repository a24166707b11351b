"""Which memory instructions a scenario reaches: those in the functions that its calls, by whatever way, lead to.

Read from the modules it is played with. A scenario's calls are its `call` steps, and those of host functions that they
lead to; a start function; what a language's glue calls to start a guest; and, where an instance imports another's
export, what that leads to. A call through a table is not followed, so what is listed is the least that is reached.
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


def parts(value: Any, but: type | None = None) -> Iterator[Any]:
    """Every dataclass within a scenario: its steps, those of its host functions, and whatever they are made of.

    What is of the type `but` is left out, with all in it.
    """
    if isinstance(value, Mapping):
        for item in value.values():
            yield from parts(item, but)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from parts(item, but)
    elif dataclasses.is_dataclass(value) and not isinstance(value, (type, but) if but else type):
        yield value
        for field in dataclasses.fields(value):
            yield from parts(getattr(value, field.name), but)


class _Reacher:
    def __init__(self, scenario: model.Scenario, played: Played) -> None:
        self.scenario, self.played = scenario, played
        steps = list(parts((scenario.steps, scenario.imports)))
        self.found: set[tuple[str, frozenset[str]]] = set()
        self.seen: set[tuple[str, int]] = set()
        self.hosts: set[model.Where] = set()
        self.instances: dict[str, model.Instantiate | None] = {}
        if not makes_own_instances(scenario):
            self.instances[GUEST] = None
        for step in steps:
            if isinstance(step, model.Instantiate) and step.bind is not None:
                self.instances[step.bind] = step
        taken = (step for step in steps if isinstance(step, model.TakeExport))
        self.kept = {step.bind: (step.instance, step.export) for step in taken}

    def instructions(self) -> Instructions:
        for name in self.instances:
            self.enter_start(name)
        self.enter_calls(self.scenario.steps)
        return frozenset(self.found)

    def enter_calls(self, steps: Sequence[model.Step]) -> None:
        """Every call in a list of steps, but those of host functions, which count when the guest calls them."""
        for step in parts(steps, model.HostFunction):
            if isinstance(step, model.Call):
                self.enter_export(*self.called(step))

    def called(self, step: model.Call) -> tuple[str, str]:
        """The instance and the export that a step calls."""
        return (step.on, step.export) if step.on is not None else self.kept.get(step.export, (GUEST, step.export))

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
            elif isinstance(spec, model.HostFunction) and spec.where not in self.hosts:
                self.hosts.add(spec.where)
                self.enter_calls(spec.steps)
