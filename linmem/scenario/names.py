"""Check that every name a scenario uses is bound, before anything runs.

Names live in two worlds: integers (results of steps, arguments of host functions) and objects (instances, memories,
functions, globals, views). What a host function binds is visible everywhere, because only the run knows when it is
called.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from linmem.errors import nearest
from linmem.scenario import model
from linmem.scenario.model import GUEST, MEMORY
from linmem.scenario.source import SourceError


class _Names:
    def __init__(self) -> None:
        self.integers: set[str] = set()
        self.views: set[str] = set()
        self.memories: set[str] = set()
        self.functions: set[str] = set()
        self.globals: set[str] = set()
        self.instances: set[str] = set()

    def bind(self, step: model.Step) -> None:
        if isinstance(step, model.Agents):
            for agent in step.agents:
                self.integers.update(call.bind for call in agent.calls if call.bind is not None)
        if step.bind is None:
            return
        if isinstance(step, model.OpenView):
            self.views.add(step.bind)
        elif isinstance(step, model.MakeMemory):
            self.memories.add(step.bind)
        elif isinstance(step, model.TakeExport):
            {"memory": self.memories, "func": self.functions, "global": self.globals}[step.kind].add(step.bind)
        elif isinstance(step, model.MakeGlobal):
            self.globals.add(step.bind)
        elif isinstance(step, model.Instantiate):
            self.instances.add(step.bind)
        else:
            self.integers.add(step.bind)

    def forget(self, objects: Iterable[str]) -> None:
        for bound in (self.views, self.memories, self.functions, self.globals, self.instances):
            bound.difference_update(objects)

    def copy(self) -> _Names:
        copy = _Names()
        for kind, names in vars(self).items():
            setattr(copy, kind, set(names))
        return copy

    @property
    def objects(self) -> set[str]:
        return self.views | self.comparable | self.instances

    @property
    def comparable(self) -> set[str]:
        return self.memories | self.functions | self.globals


def makes_own_instances(scenario: model.Scenario) -> bool:
    """Whether the scenario instantiates by its own steps, so that no instance is made for it."""
    return any(isinstance(step, model.Instantiate) for step in scenario.steps)


def calls_back(scenario: model.Scenario) -> bool:
    """Whether a guest may call the scenario's own host functions."""
    return next(_host_functions(scenario), None) is not None


def check_names(scenario: model.Scenario, own_imports: Collection[str] = ()) -> None:
    """Raises `SourceError` for a name that nothing binds before it is used.

    ``own_imports`` are the imports that the scenario itself gives; others stand for all the file's scenarios, and may
    name what only some of them bind.
    """
    functions = list(_host_functions(scenario))
    shared = _Names()
    for function in functions:
        shared.integers.update(function.params)
        for step in function.steps:
            shared.bind(step)
    if not makes_own_instances(scenario):
        shared.instances.add(GUEST)
    names, everything = shared.copy(), shared.copy()
    for step in scenario.steps:
        _check_step(scenario, step, names)
        names.bind(step)
        everything.bind(step)
        if isinstance(step, model.Release):
            names.forget(step.objects)
        if isinstance(step, model.ReleaseStore):
            names.forget(names.objects - names.views)
    for function in functions:
        for step in function.steps:
            _check_step(scenario, step, everything)
        for literal in function.returns:
            _need(function.where, literal.names, everything.integers, "value")
    given = {name: scenario.imports[name] for name in own_imports}
    _check_imports(given, everything if makes_own_instances(scenario) else shared)


def _check_imports(table: Mapping[str, model.ImportSpec], names: _Names) -> None:
    for spec in table.values():
        if isinstance(spec, model.ImportedMemory):
            _check_memory(spec.where, spec.memory, names)
        elif isinstance(spec, model.ImportedExport):
            _need(spec.where, [spec.instance], names.instances, "instance")
        elif isinstance(spec, model.BoundGlobal):
            _need(spec.where, [spec.variable], names.globals, "global")
        elif isinstance(spec, model.ImportedGlobal):
            _need(spec.where, spec.value.names, names.integers, "value")


def _check_memory(where: model.Where, memory: str, names: _Names) -> None:
    """A memory to import is a bound one, or the export of an instance that is there."""
    if memory not in names.memories and memory.partition(".")[0] not in names.instances:
        _need(where, [memory], names.memories, "memory")


def _check_either(where: model.Where, name: str, names: _Names) -> None:
    """What is compared is a bound memory, function or global, or the export of an instance that is there."""
    instance, dot, _ = name.partition(".")
    if name in names.views | names.integers | names.instances:
        raise SourceError(where.file, where.line, f"'{name}' is bound, but to no memory, function or global")
    if name not in names.comparable:
        _need(where, [instance if dot else GUEST], names.instances, "instance")


def _host_functions(scenario: model.Scenario) -> Iterator[model.HostFunction]:
    tables = [scenario.imports, *(s.imports for s in scenario.steps if isinstance(s, model.Instantiate))]
    for table in tables:
        yield from (spec for spec in table.values() if isinstance(spec, model.HostFunction))


def _check_step(scenario: model.Scenario, step: model.Step, names: _Names) -> None:
    for expression in _expressions(step):
        _need(step.where, expression, names.integers, "value")
    if isinstance(step, model.Agents):
        _check_agents(scenario, step, names)
    if isinstance(step, model.Call) and not (step.on is None and step.export in names.functions):
        _need(step.where, [step.on or GUEST], names.instances, "instance")
    if isinstance(step, model.TakeExport):
        _need(step.where, [step.instance], names.instances, "instance")
    if isinstance(step, model.GetGlobal | model.SetGlobal) and step.variable not in names.globals:
        instance, dot, _ = step.variable.partition(".")
        if step.variable in names.integers | names.objects:
            raise SourceError(step.where.file, step.where.line, f"'{step.variable}' is bound, but not to a global")
        _need(step.where, [instance if dot else GUEST], names.instances, "instance")
    if isinstance(step, model.Negative):
        _need(step.where, [step.name], names.integers, "value")
    if isinstance(step, model.Same):
        for name in step.objects:
            _check_either(step.where, name, names)
    if isinstance(step, model.Read | model.Write) and step.through is not None:
        _need(step.where, [step.through], names.views, "view")
    if isinstance(step, model.ViewLength):
        _need(step.where, [step.view], names.views, "view")
    if isinstance(step, model.Release):
        _need(step.where, step.objects, names.objects, "object")
    if (
        isinstance(step, model.Read | model.Write | model.OpenView)
        and step.kind == "each"
        and scenario.each_view is None
    ):
        raise SourceError(step.where.file, step.where.line, "'each' needs 'each_view' in the scenario")
    memory = getattr(step, "memory", None)
    if isinstance(memory, str) and memory not in (names.memories | {MEMORY}):
        instance, dot, _ = memory.partition(".")
        if dot:
            _need(step.where, [instance], names.instances, "instance")
        elif memory in names.integers | (names.objects - names.memories):
            raise SourceError(step.where.file, step.where.line, f"'{memory}' is bound, but not to a memory")
        else:  # an export of the guest
            _need(step.where, [GUEST], names.instances, "instance")
    if memory == MEMORY and MEMORY not in names.memories and getattr(step, "through", None) is None:
        _need(step.where, [GUEST], names.instances, "instance")
    if isinstance(step, model.Instantiate):
        _check_new_instance(scenario, step, names)


def _check_new_instance(scenario: model.Scenario, new: model.Instantiate | model.Agent, names: _Names) -> None:
    _check_imports(new.imports, names)
    if new.module != GUEST:
        _need(new.where, [new.module], set(scenario.modules), "module")


def _check_agents(scenario: model.Scenario, step: model.Agents, names: _Names) -> None:
    for agent in step.agents:
        _check_new_instance(scenario, agent, names)
        for call in agent.calls:
            for expression in _expressions(call):
                _need(call.where, expression, names.integers, "value")


def _expressions(step: model.Step) -> Iterator[frozenset[str]]:
    if step.expect is not None:
        yield step.expect.names
    for field in ("at", "count", "delta", "offset", "min", "max", "value", "width", "height"):
        part = getattr(step, field, None)
        if part is not None and hasattr(part, "names"):
            yield part.names
    if isinstance(step, model.Call | model.AgentCall):
        yield from (argument.names for argument in step.args)
    if isinstance(step, model.Agents):
        for row in (*step.allowed, *step.forbidden):
            yield from (literal.names for literal in row.values())


def _need(where: model.Where, wanted: Iterable[str], bound: set[str], what: str) -> None:
    for name in wanted:
        if name not in bound:
            hint = f"; {nearest(name, sorted(bound))}" if bound else ""
            remedy = "give it under 'modules'" if what == "module" else "bind it with 'as' in an earlier step"
            raise SourceError(where.file, where.line, f"unknown {what} '{name}' in this scenario{hint} ({remedy})")
