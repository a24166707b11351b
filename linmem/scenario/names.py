"""Check that every name a scenario uses is bound, before anything runs.

A name stands for a value (an integer: a step's result, a host function's argument), for bytes, or for an object (an
instance, memory, function, global or view). What a host function binds is visible everywhere, because only the run
knows when it is called.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from linmem.errors import nearest
from linmem.scenario import model, values
from linmem.scenario.expectations import Literal
from linmem.scenario.expressions import Expression
from linmem.scenario.host_apis import HOST_APIS
from linmem.scenario.model import CALLER, GUEST, MEMORY
from linmem.scenario.source import SourceError, Where

_COMPARABLE = ("memory", "function", "global")
_OBJECTS = (*_COMPARABLE, "view", "instance")
_REMEDIES = {
    "module": "give it under 'modules'",
    "bytes": "bind it with 'as' in an earlier 'read: bytes', or give a list, {hex: …} or {text: …}",
}


class _Names:
    """The names that are bound, by what they stand for."""

    def __init__(self, bound: Mapping[str, set[str]] | None = None) -> None:
        self.bound = {kind: set(bound[kind]) if bound else set() for kind in ("value", "bytes", *_OBJECTS)}

    def __getitem__(self, kind: str) -> set[str]:
        return self.bound[kind]

    def bind(self, step: model.Step) -> None:
        if isinstance(step, model.Agents):
            for inner in step.meanwhile:
                self.bind(inner)
            for agent in step.agents:
                for call in agent.calls:
                    if model.bound_as(call) in ("value", "bytes"):  # its views are its own
                        self.bind(call)
        if step.bind == CALLER:
            raise step.where.error(f"'{CALLER}' is the instance that calls a host function: take another name")
        if step.bind is not None:
            self[model.bound_as(step)].add(step.bind)

    def of(self, *kinds: str) -> set[str]:
        return set().union(*(self[kind] for kind in kinds))

    def has(self, name: str, kinds: Iterable[str]) -> bool:
        return any(name in self[kind] for kind in kinds)

    def forget(self, names: Collection[str], kinds: Iterable[str] = _OBJECTS) -> None:
        for kind in kinds:
            self[kind].difference_update(names)


def makes_own_instances(scenario: model.Scenario) -> bool:
    """Whether the scenario instantiates by its own steps, so that no instance is made for it."""
    return any(isinstance(step, model.Instantiate) for step in scenario.steps)


def calls_back(scenario: model.Scenario) -> bool:
    """Whether a guest may call the scenario's own host functions."""
    return next(host_functions(scenario), None) is not None


def import_tables(scenario: model.Scenario) -> list[Mapping[str, model.ImportSpec]]:
    """What a scenario gives for imports: its own table, and one for each instance that its steps make."""
    return [scenario.imports, *(step.imports for step in scenario.steps if isinstance(step, model.Instantiate))]


def host_functions(scenario: model.Scenario) -> Iterator[model.HostFunction]:
    """The host functions that a scenario gives as steps."""
    for table in import_tables(scenario):
        yield from (spec for spec in table.values() if isinstance(spec, model.HostFunction))


def every_step(scenario: model.Scenario) -> Iterator[model.Step]:
    """Its steps, each with what the host and agents do in it, then those of its host functions."""
    for step in scenario.steps:
        yield step
        if isinstance(step, model.Agents):
            yield from step.meanwhile
            for agent in step.agents:
                yield from agent.calls
    for function in host_functions(scenario):
        yield from function.steps


def name_faults(scenario: model.Scenario, own_imports: Collection[str] = ()) -> Iterator[SourceError]:
    """The names that nothing binds before they are used: the first of each step.

    ``own_imports`` are the imports that the scenario itself gives; others stand for all the file's scenarios, and may
    name what only some of them bind.
    """
    functions = list(host_functions(scenario))
    shared = _Names()
    for function in functions:
        shared["value"].update(function.params)
        for step in function.steps:
            shared.bind(step)
    if not makes_own_instances(scenario):
        shared["instance"].add(GUEST)
    names, everything = _Names(shared.bound), _Names(shared.bound)
    for step in scenario.steps:
        try:
            _check_step(scenario, step, names)
            names.bind(step)
            everything.bind(step)
        except SourceError as fault:
            yield fault
        if isinstance(step, model.Release):
            names.forget(step.objects)
        if isinstance(step, model.ReleaseStore):
            names.forget(names.of(*_OBJECTS), (*_COMPARABLE, "instance"))
    for function in functions:
        for step in function.steps:
            try:
                _check_step(scenario, step, everything, called=True)
            except SourceError as fault:
                yield fault
    given = {name: scenario.imports[name] for name in own_imports}
    try:
        for function in functions:
            for literal in function.returns:
                _need(function.where, literal.names, everything["value"], "value")
        _check_imports(given, everything if makes_own_instances(scenario) else shared)
    except SourceError as fault:
        yield fault


def _check_imports(table: Mapping[str, model.ImportSpec], names: _Names) -> None:
    for spec in table.values():
        if isinstance(spec, model.ImportedMemory):
            if spec.memory.partition(".")[0] not in names["instance"]:
                _need(spec.where, [spec.memory], names["memory"], "memory")
        elif isinstance(spec, model.ImportedExport):
            _need(spec.where, [spec.instance], names["instance"], "instance")
        elif isinstance(spec, model.BoundGlobal):
            _need(spec.where, [spec.variable], names["global"], "global")
        elif isinstance(spec, model.ImportedGlobal):
            _need(spec.where, spec.value.names, names["value"], "value")


def _check_step(scenario: model.Scenario, step: model.Step, names: _Names, called: bool = False) -> None:
    """``called`` is whether a guest calls this step, which then has a caller."""
    where = step.where
    for expression in _expressions(step):
        _need(where, expression, names["value"], "value")
    if isinstance(step, model.Write) and isinstance(step.value, model.BoundBytes):
        _need(where, [step.value.name], names["bytes"], "bytes")
    if isinstance(step, model.Agents):
        for inner in step.meanwhile:
            _check_step(scenario, inner, names)
            names.bind(inner)
        for agent in step.agents:
            _check_new_instance(scenario, agent, names)
            own = _Names(names.bound)
            for call in agent.calls:
                _check_step(scenario, call, own)
                if isinstance(call, model.OpenView):
                    if own.has(call.bind or "", own.bound):
                        raise call.where.error(f"'{call.bind}' is bound already: an agent's view has a name of its own")
                    own.bind(call)
    elif isinstance(step, model.Instantiate):
        _check_new_instance(scenario, step, names)
    elif isinstance(step, model.Call) and not (step.on is None and step.export in names["function"]):
        _need(where, [step.on or GUEST], names["instance"], "instance")
    elif isinstance(step, model.TakeExport):
        _need(where, [step.instance], names["instance"], "instance")
    elif isinstance(step, (model.GetGlobal, model.SetGlobal)):
        _need_object(where, step.variable, names, "global")
    elif isinstance(step, model.Negative):
        _need(where, [step.name], names["value"], "value")
    elif isinstance(step, model.Same):
        for name in step.objects:
            _need_object(where, name, names, *_COMPARABLE)
    elif isinstance(step, model.ViewLength):
        _need(where, [step.view], names["view"], "view")
    elif isinstance(step, model.Release):
        missing = [name for name in step.objects if not names.has(name, _OBJECTS)]
        if missing:
            _need(where, missing, names.of(*_OBJECTS), "object")
    elif isinstance(step, model.Use):
        _need_object(where, step.on, names, HOST_APIS[step.api].on)
    elif isinstance(step, (model.Read, model.Write, model.OpenView)) and step.through is not None:
        _need(where, [step.through], names["view"], "view")
    elif isinstance(step, (model.Read, model.Write, model.Grow, model.Size, model.OpenView)):
        if getattr(step, "kind", None) == "each":
            if scenario.each_view is None:
                raise where.error("'each' needs 'each_view' in the scenario")
            _check_span(step, scenario.each_view)
        if step.memory.partition(".")[0] == CALLER:
            if not called or step.memory == CALLER:
                raise where.error(f"'{CALLER}.EXPORT' is a memory of the instance that calls a host function")
        elif step.memory != MEMORY:
            _need_object(where, step.memory, names, "memory")
        elif MEMORY not in names["memory"]:
            _need(where, [GUEST], names["instance"], "instance")


def _check_span(step: model.Step, memory_type: str) -> None:
    """A part of memory that views of one type see has a whole number of its elements."""
    count = step.count if isinstance(step, model.OpenView) else None
    width = values.MEMORY_TYPES.get(memory_type, 1)
    if count is not None and count.offset is not None and not count.names and count.offset % width:
        raise step.where.error(f"'count' is in bytes: {count} are no whole number of {memory_type}, which has {width}")


def _check_new_instance(scenario: model.Scenario, new: model.Instantiate | model.Agent, names: _Names) -> None:
    _check_imports(new.imports, names)
    if new.module != GUEST:
        _need(new.where, [new.module], set(scenario.modules), "module")


def _expressions(step: model.Step) -> Iterator[frozenset[str]]:
    """The names in each of a step's expressions."""
    if step.expect is not None:
        yield step.expect.names
    parts: list[Any] = [
        getattr(step, field, None) for field in ("at", "count", "delta", "offset", "min", "max", "value")
    ]
    if isinstance(step, model.Read) and step.picture is not None:
        parts += [step.picture.width, step.picture.height]
    if isinstance(step, (model.Call, model.AgentCall)):
        parts += step.args
    if isinstance(step, model.Agents):
        parts += [literal for row in (*step.allowed, *step.forbidden) for literal in row.values()]
    yield from (part.names for part in parts if isinstance(part, (Expression, Literal)))


def _need_object(where: Where, name: str, names: _Names, *kinds: str) -> None:
    """The name is that of a bound object of one of these kinds, or of an export of an instance that is there."""
    if names.has(name, kinds):
        return
    if names.has(name, ("value", *_OBJECTS)):
        raise where.error(f"'{name}' is bound, but not to a {' or '.join(kinds)}")
    instance, dot, _ = name.partition(".")
    _need(where, [instance if dot else GUEST], names["instance"], "instance")


def _need(where: Where, wanted: Iterable[str], bound: Collection[str], what: str) -> None:
    for name in wanted:
        if name not in bound:
            hint = f"; {nearest(name, sorted(bound))}" if bound else ""
            remedy = _REMEDIES.get(what, "bind it with 'as' in an earlier step")
            raise where.error(f"unknown {what} '{name}' in this scenario{hint} ({remedy})")
