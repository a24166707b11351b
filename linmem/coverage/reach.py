"""Which memory instructions a scenario reaches: those in the functions that its calls lead to, directly or not.

They are read from the modules it is played with. A scenario's calls are its `call` steps, and those of host functions
that they lead to; a start function; what a language's glue calls to start a guest; and, where an instance imports
another's export, what that leads to. Calls through tables are not followed, so the list is a lower bound.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from linmem.play.scope import Module
from linmem.scenario import model
from linmem.scenario.expectations import Failure
from linmem.scenario.model import GUEST
from linmem.scenario.names import makes_own_instances
from linmem.scenario.source import Where
from linmem.wasm.code import Code, read_code
from linmem.wasm.types import UnreadableModule

_PLAIN = ("Where", "str", "str | None", "int", "bool", "Expression", "Expression | None", "Check | None", "Literal")
ENTRIES = ("run", "_start", "_initialize")  # what a language's glue or host calls to start a guest


@dataclass(frozen=True)
class Played:
    """The modules of a scenario with one guest; ``started``: the guest's language starts it by one of `ENTRIES`."""

    modules: Mapping[str, Module]
    started: bool = False


def reached(scenario: model.Scenario, plays: Sequence[Played]) -> Mapping[str, frozenset[str]]:
    """The memory instructions that a scenario reaches with any of its guests, each with the forms of its memories."""
    table: dict[str, frozenset[str]] = {}
    for played in plays:
        for name, forms in _Reacher(scenario, played).instructions():
            table[name] = table.get(name, frozenset()) | forms
    return table


def parts(value: Any, but: type | None = None) -> Iterator[Any]:
    """Every part of a scenario that has a type of its model: steps, host functions, agents, observations.

    Parts of the type `but` are left out, with all that they contain.
    """
    if isinstance(value, tuple):
        for item in value:
            yield from parts(item, but)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from parts(item, but)
    else:
        kind: Any = type(value)
        if kind is but or not _fields(kind):
            return
        yield value
        for name in _fields(kind):
            yield from parts(getattr(value, name), but)


@functools.cache
def _fields(kind: Any) -> tuple[str, ...]:
    """The fields of a part of the model that may hold further parts; none for other types."""
    if kind.__module__ != model.__name__ or not issubclass(kind, msgspec.Struct):
        return ()
    types = {name: given for base in kind.__mro__ for name, given in getattr(base, "__annotations__", {}).items()}
    return tuple(name for name in kind.__struct_fields__ if types[name] not in _PLAIN)


@dataclass(frozen=True)
class _Instance:
    """An instance that a scenario has: its module, what it is given on top of the scenario's imports, and whether its
    instantiation is to be refused, so that nothing of it runs.
    """

    module: str = GUEST
    imports: Mapping[str, model.ImportSpec] = field(default_factory=dict)
    refused: bool = False


class _Reacher:
    def __init__(self, scenario: model.Scenario, played: Played) -> None:
        self.scenario, self.played = scenario, played
        self.found: set[tuple[str, frozenset[str]]] = set()
        self.seen: set[tuple[str, int]] = set()
        self.hosts: set[Where] = set()
        self.kept: dict[str | None, tuple[str, str]] = {}
        self.instances: dict[str, _Instance] = {} if makes_own_instances(scenario) else {GUEST: _Instance()}
        for part in parts((scenario.steps, scenario.imports)):
            if isinstance(part, model.Instantiate) and part.bind is not None:
                refused = isinstance(part.expect, Failure) and part.expect.kind != "trap"
                self.instances[part.bind] = _Instance(part.module, part.imports, refused)
            elif isinstance(part, model.Agent):
                self.instances[_agent(part)] = _Instance(part.module, part.imports)
            elif isinstance(part, model.TakeExport):
                self.kept[part.bind] = part.instance, part.export

    def instructions(self) -> Collection[tuple[str, frozenset[str]]]:
        for name in self.instances:
            self.enter_start(name)
        self.enter_calls(self.scenario.steps)
        return self.found

    def enter_calls(self, steps: Sequence[model.Step]) -> None:
        """Every call in a list of steps, but those of host functions, which count when the guest calls them."""
        for part in parts(steps, model.HostFunction):
            if isinstance(part, model.Call):
                self.enter_export(*self.called(part))
            elif isinstance(part, model.Agent):
                for call in part.calls:
                    if isinstance(call, model.AgentCall):
                        self.enter_export(_agent(part), call.export)

    def called(self, step: model.Call) -> tuple[str, str]:
        """The instance and the export that a step calls."""
        return (step.on, step.export) if step.on is not None else self.kept.get(step.export, (GUEST, step.export))

    def code(self, instance: str) -> Code | None:
        """The module behind an instance, if it can be read."""
        known = self.instances.get(instance)
        module = self.played.modules.get(known.module) if known is not None else None
        if module is None:
            return None
        try:
            return read_code(module.data)
        except UnreadableModule:
            return None

    def enter_start(self, name: str) -> None:
        code, instance = self.code(name), self.instances[name]
        if code is None or instance.refused:
            return
        if code.start is not None:
            self.enter(name, code, code.start)
        if self.played.started and instance.module == GUEST:
            for entry in ENTRIES:
                self.enter_export(name, entry)

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
        given = {**self.scenario.imports, **self.instances[instance].imports}
        for module, name in reach.imports:
            spec = given.get(f"{module}.{name}")
            if isinstance(spec, model.ImportedExport):
                self.enter_export(spec.instance, spec.export)
            elif isinstance(spec, model.HostFunction) and spec.where not in self.hosts:
                self.hosts.add(spec.where)
                self.enter_calls(spec.steps)


def _agent(agent: model.Agent) -> str:
    """A name for an agent's instance, which no instance of the scenario has."""
    return f"{agent.where} {agent.name}"
