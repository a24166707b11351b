"""Build typed steps and imports from a scenario's data: one function for each kind of step, in the table `KINDS`."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from msgspec.structs import replace

from linmem.scenario import expectations, expressions, model, parts, pictures, schema, values
from linmem.scenario.expectations import AllBytes, Literal
from linmem.scenario.host_apis import HOST_APIS
from linmem.scenario.limits import BYTES, ROUNDS, SCENARIO_STEPS, STEPS, TIMES, Budget, integer
from linmem.scenario.model import GUEST, MEMORY
from linmem.scenario.parameters import fill_items
from linmem.scenario.source import Map, Seq, SourceError, Where
from linmem.schema import describe
from linmem.text import clip
from linmem.wasm.types import PAGE

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_TOO_MANY = f"a scenario may have {SCENARIO_STEPS:,} steps; this %s unrolls to more"
_LONGEST = 1000  # characters of a step as reports show it
_Step = TypeVar("_Step", bound=model.Step)


@dataclass
class Building:
    """What the steps of one scenario share while they are built.

    ``count`` is how many there are so far; ``checked`` are the loops, with a kind of value, whose steps fit the schema.
    ``views`` has the kinds of kept views, by their names. ``faults`` are what is wrong with steps, one of each.
    """

    observations: Mapping[str, model.Observation]
    budget: Budget
    count: int = 0
    checked: set[tuple[int, object]] = field(default_factory=set)
    views: dict[str, str] = field(default_factory=dict)
    faults: list[SourceError] = field(default_factory=list)


@dataclass(frozen=True)
class Draft:
    """A step to be built: its data, and the building that it is part of."""

    item: Map
    building: Building

    def make(self, kind: Callable[..., _Step], text: str, /, **fields: Any) -> _Step:
        """The step of this kind. What all steps have comes from the data, unless it is among the fields."""
        item = self.item
        if "as" in item:
            check_name(item["as"], item.where("as"))
        common = {
            "bind": item.get("as"),
            "expect": parts.expectation(item, self.building.budget),
            "observe": parts.observe(item, self.building.observations, self.building.budget),
        }
        step = kind(where=item.where(), text=clip(text, _LONGEST, ""), **{**common, **fields})
        gives = step.type if isinstance(step, model.Read | model.Use) else step.gives
        reason = expectations.impossible(step.expect, gives) if step.expect is not None else None
        if reason is not None:
            raise item.error(reason, "expect")
        return step


Kind = Callable[[Draft], model.Step]
KINDS: dict[str, Kind] = {}
"""How each kind of step is built, by the key that names it in the schema."""


def _kind(key: str) -> Callable[[Kind], Kind]:
    def register(build: Kind) -> Kind:
        KINDS[key] = build
        return build

    return register


def _about_name(key: str, made: Callable[..., model.Step], text: str, field: str) -> None:
    """Register a kind of step that has a name under its key and nothing else of its own."""
    KINDS[key] = lambda draft: draft.make(made, text.format(draft.item[key]), **{field: draft.item[key]})


_about_name("size", model.Size, "size of {} in pages", "memory")
_about_name("length", model.ViewLength, "length of {} in bytes", "view")
_about_name("get", model.GetGlobal, "get {}", "variable")
_about_name("negative", model.Negative, "whether the host had {} as a negative number", "name")


def steps(items: Seq, building: Building) -> tuple[model.Step, ...]:
    """The steps of a list, with every `for` unrolled."""
    built: list[model.Step] = []
    for item in items:
        try:
            built += _built(item, building)
        except SourceError as fault:
            if building.budget.spent or building.count > SCENARIO_STEPS:  # each step after it would say the same
                raise
            building.faults.append(fault)
    return tuple(built)


def _built(item: Map, building: Building) -> Iterable[model.Step]:
    """The step of an item, or the steps of a loop."""
    if "for" in item:
        return _loop(item, building)
    building.count += 1
    building.budget.spend(STEPS, 1, item)
    if building.count > SCENARIO_STEPS:
        raise item.error(_TOO_MANY % "one")
    kind = next(key for key in schema.STEPS if key in item)
    return [KINDS[kind](Draft(item, building))]


def _loop(item: Map, building: Building) -> Iterable[model.Step]:
    ((name, given),) = item["for"].items()
    turns: Iterable[Any]
    if isinstance(given, Map):
        turns, count = given["in"], len(given["in"])
    else:
        first, last = given
        if type(first) is not int or type(last) is not int:  # to the schema, 1.0 is an integer
            raise item.error(f"'for' counts in integers, found {first} and {last}", "for")
        if last < first:
            raise item.error(f"'for' goes up: {first} to {last} is empty", "for")
        turns, count = range(first, last + 1), last + 1 - first  # which may be too many for len()
    if count * len(item["steps"]) > SCENARIO_STEPS:
        raise item.error(_TOO_MANY % "loop", "for")
    for value in turns:
        filled = fill_items(item["steps"], {name: value}, building.budget)
        kind = (item.line, value if isinstance(value, str) else type(value))
        if kind not in building.checked:  # of numbers, one shows whether all may stand there; text differs
            schema.validate_steps(filled)
            building.checked.add(kind)
        yield from steps(filled, building)


def check_name(name: str, where: Where) -> None:
    """Raises `SourceError` for a name that could not be used in expressions."""
    if _NAME.fullmatch(name) is None:  # a parameter's value made it so
        raise where.error(f"'{name}' can't be a name: it has letters, digits and _")
    if values.is_word(name):
        raise where.error(f"'{name}' can't be a name: it is a floating-point value")
    if keyword.iskeyword(name):
        raise where.error(f"'{name}' can't be a name: expressions keep the word for themselves")


def _repeated(names: Sequence[str]) -> str | None:
    """The first name that is there twice."""
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)  # type: ignore[func-returns-value]


def _shown_call(export: str, args: Iterable[Literal]) -> str:
    return f"{export}({', '.join(map(str, args))})"


@_kind("call")
def _call(draft: Draft) -> model.Step:
    item = draft.item
    args, on = parts.literals(item, "args"), item.get("on")
    text = f"call {_shown_call(item['call'], args)}" + ("" if on in (None, GUEST) else f" on {on}")
    return draft.make(model.Call, text, export=item["call"], args=args, on=on)


def _access(draft: Draft) -> tuple[str, dict[str, Any]]:
    """How a step gets at memory, in words and as fields: through a kept view, or with a fresh one."""
    item = draft.item
    if "through" in item and ("kind" in item or "in" in item):
        raise item.error("'through' names a view opened before; 'kind' and 'in' are for a fresh one")
    words = "".join(f" {word} {item[key]}" for key, word in (("in", "in"), ("through", "through")) if key in item)
    if kept := draft.building.views.get(item.get("through", "")):
        words += f", which is {kept}"
    if "kind" in item:
        words += f" through {'each view kind' if item['kind'] == 'each' else item['kind']}"
    target = {"memory": item.get("in", MEMORY), "through": item.get("through"), "kind": item.get("kind")}
    at = parts.expression(item, "at")
    return f" at {at}{words}", {"at": at, **target}


@_kind("read")
def _read(draft: Draft) -> model.Step:
    item = draft.item
    kind, count = item["read"], parts.optional(item, "count")
    if (kind == "bytes") is (count is None):
        problem = "'read: bytes' needs 'count'" if count is None else f"'count' goes with bytes, not with {kind}"
        raise item.error(problem)
    words, fields = _access(draft)
    what = f"{count} bytes" if count else kind
    return draft.make(model.Read, f"read {what}{words}", type=kind, count=count, **fields)


@_kind("picture")
def _picture(draft: Draft) -> model.Step:
    item = draft.item
    width, height = parts.expression(item, "width"), parts.expression(item, "height")
    layout = item.get("format", "rgba8")
    if not width.names and not height.names:
        problem = pictures.impossible_size(width.value({}), height.value({}))
        if problem is not None:
            raise item.error(problem)
    words, fields = _access(draft)
    return draft.make(
        model.Read,
        f"read a picture of {width} × {height} pixels{words}",
        type="bytes",
        count=expressions.parse(f"({width}) * ({height}) * {pictures.FORMATS[layout]}"),
        expect=parts.expectation(item, draft.building.budget) or AllBytes(),
        picture=model.PictureLayout(item["picture"], width, height, layout),
        **fields,
    )


@_kind("write")
def _write(draft: Draft) -> model.Step:
    item = draft.item
    kind, raw, where = item["write"], item["value"], item.where("value")
    value: Literal | bytes | model.BoundBytes | model.HostValue
    if isinstance(raw, Map) and "host" in raw:
        if kind == "bytes":
            raise where.error("a value of the host's language is written as one number, not as bytes")
        value = parts.host_value(raw)
    elif kind == "bytes" and isinstance(raw, str):
        value = model.BoundBytes(raw)
    elif kind == "bytes":
        value = parts.data(raw, where, draft.building.budget)
    elif isinstance(raw, list | dict):
        raise where.error(f"'value' is {describe(raw)}, but the step writes one {kind}")
    else:
        value = parts.literal(raw, where)
        if values.is_float(kind) or value.expression is None:  # an integer may be of any size: hosts differ there
            parts.typed(kind, value, where)
    words, fields = _access(draft)
    shown = parts.shown_data(raw) if isinstance(value, bytes) else value
    return draft.make(model.Write, f"write {kind} {shown}{words}", type=kind, value=value, **fields)


@_kind("grow")
def _grow(draft: Draft) -> model.Step:
    memory, delta = draft.item.get("in", MEMORY), parts.expression(draft.item, "grow")
    return draft.make(model.Grow, f"the host grows {memory} by {delta} pages", delta=delta, memory=memory)


@_kind("view")
def _view(draft: Draft) -> model.Step:
    item = draft.item
    kind, offset, through = item["view"], parts.optional(item, "offset"), item.get("through")
    if (kind == "part") is (through is None) or (through is not None and "in" in item):
        raise item.error("'view: part' needs 'through', the view that it is a part of; other views have 'in'")
    count = parts.optional(item, "count")
    place = f" at {offset}" if offset else ""
    place += f", {count} {'byte' if str(count) == '1' else 'bytes'}," if count else ""
    what = f"a part of {through}" if kind == "part" else "a view" if kind == "default" else kind
    what += f" in {item['in']}" if "in" in item else ""
    views = draft.building.views
    views[item["as"]] = views.get(through or "", "") if kind == "part" else "" if kind in model.VIEW_WORDS else kind
    return draft.make(
        model.OpenView,
        f"open {what}{place} as {item['as']}",
        kind=kind,
        memory=item.get("in", MEMORY),
        through=through,
        offset=offset,
        count=count,
    )


@_kind("use")
def _use(draft: Draft) -> model.Step:
    item = draft.item
    name = item["use"]
    api = HOST_APIS[name]
    if "on" not in item and api.on != MEMORY:
        raise item.error(f"{name} needs 'on', the view that it is used on", "use")
    if (api.takes is None) is ("value" in item):
        raise item.error(f"{name} takes {'no value' if api.takes is None else f'a value: {api.takes}'}", "use")
    if "as" in item and api.gives == "nothing":
        raise item.error(f"{name} gives nothing that 'as' could bind", "as")
    on = item.get("on", MEMORY)
    value = item.get("value")
    if api.takes == "integer":
        value = parts.expression(item, "value")
    elif api.takes == "text" and not isinstance(value, str):
        raise item.error(f"{name} takes text, found {describe(value)}", "value")
    if isinstance(value, str):
        draft.building.budget.spend(BYTES, len(value.encode()), item, "value")
    shown = f" with {value!r}" if isinstance(value, str) else f" with {value}" if value is not None else ""
    return draft.make(model.Use, f"use {name} on {on}{shown}", api=name, on=on, type=api.gives, value=value)


@_kind("instantiate")
def _instantiate(draft: Draft) -> model.Step:
    item = draft.item
    module = item["instantiate"]
    text = f"instantiate {module}" + (f" as {item['as']}" if "as" in item else "")
    imports = import_specs(item.get("imports", {}), draft.building)
    return draft.make(model.Instantiate, text, bind=item.get("as", module), module=module, imports=imports)


def _taken(draft: Draft, kind: str, spec: Map) -> model.Step:
    instance, _, export = spec["export"].partition(".")
    text = f"take {spec['export']} as {draft.item['as']}"
    return draft.make(model.TakeExport, text, kind=kind, instance=instance, export=export)


@_kind("memory")
def _memory(draft: Draft) -> model.Step:
    spec = draft.item["memory"]
    if "export" in spec:
        return _taken(draft, "memory", spec)
    low, high = parts.expression(spec, "min"), parts.optional(spec, "max")
    return draft.make(
        model.MakeMemory,
        f"make a memory of {low} to {high or 'any number of'} pages as {draft.item['as']}",
        min=low,
        max=high,
        shared=spec.get("shared", False),
        index=spec.get("index", "i32"),
        page_size=integer(spec, "page_size", 1, 1 << 32, PAGE),
    )


@_kind("function")
def _function(draft: Draft) -> model.Step:
    return _taken(draft, "func", draft.item["function"])


def _new_global(spec: Map, kind: str) -> dict[str, Any]:
    """The fields of a new global, for a step or an import."""
    where = spec.where("value")
    value = parts.typed(kind, parts.literal(spec.get("value", 0), where), where)
    return {"type": kind, "value": value, "mutable": spec.get("mutable", False)}


@_kind("global")
def _global(draft: Draft) -> model.Step:
    spec = draft.item["global"]
    if "export" in spec:
        return _taken(draft, "global", spec)
    made = _new_global(spec, spec["type"])
    mutable = "mutable " if made["mutable"] else ""
    text = f"make a {mutable}global {made['type']} of {made['value']} as {draft.item['as']}"
    return draft.make(model.MakeGlobal, text, **made)


@_kind("set")
def _set(draft: Draft) -> model.Step:
    item = draft.item
    raw, variable = item["value"], item["set"]
    value = parts.host_value(raw) if isinstance(raw, Map) else parts.literal(raw, item.where("value"))
    return draft.make(model.SetGlobal, f"set {variable} to {value}", variable=variable, value=value)


@_kind("same")
def _same(draft: Draft) -> model.Step:
    one, other = draft.item["same"]
    if one == other and "." not in one:
        raise draft.item.error(f"'{one}' is one object; an export is asked for twice: guest.{one}", "same")
    return draft.make(model.Same, f"whether {one} and {other} are one object", objects=(one, other))


@_kind("collect")
def _collect(draft: Draft) -> model.Step:
    return draft.make(model.Collect, "the host collects garbage")


@_kind("release")
def _release(draft: Draft) -> model.Step:
    given = draft.item["release"]
    if isinstance(given, Map):
        return draft.make(model.ReleaseStore, "release all but views, and the store")
    names = given if isinstance(given, list) else [given]
    return draft.make(model.Release, f"release {', '.join(names)}", objects=tuple(names))


@_kind("agents")
def _agents(draft: Draft) -> model.Step:
    item = draft.item
    agents = tuple(_agent(name, spec, draft.building) for name, spec in item["agents"].items())
    bound = [call.bind for agent in agents for call in agent.calls if call.bind is not None]
    twice = _repeated(bound)
    if twice is not None:
        raise item.error(f"two calls of these agents are both bound to '{twice}'")
    rounds = integer(item, "rounds", 1, ROUNDS, 1)
    calls = sum(len(agent.calls) for agent in agents)
    own = next((call for agent in agents for call in agent.calls if not isinstance(call, model.AgentCall)), None)
    if rounds > 1 and own is not None:
        raise item.error(f"agents whose host has steps of its own run one round, found {rounds}: {own.text}", "rounds")
    if rounds * calls > 2 * ROUNDS:
        raise item.error(f"agents may make {2 * ROUNDS:,} calls in all rounds, found {rounds:,} × {calls}", "rounds")
    meanwhile = _meanwhile(draft, rounds) if "meanwhile" in item else ()
    return draft.make(
        model.Agents,
        f"{' and '.join(agent.name for agent in agents)} run at once" + (f", {rounds} rounds" if rounds > 1 else ""),
        agents=agents,
        rounds=rounds,
        meanwhile=meanwhile,
        allowed=_combinations(item.get("allowed", ()), bound),
        forbidden=_combinations(item.get("forbidden", ()), bound),
    )


def _meanwhile(draft: Draft, rounds: int) -> tuple[model.Step, ...]:
    """What the host does while agents run."""
    item = draft.item
    for key in ("expect", "observe"):
        if key in item:
            raise item.error(f"agents with 'meanwhile' must begin: they have no '{key}'", key)
    if rounds > 1:
        raise item.error(f"agents with 'meanwhile' run one round, found {rounds}", "rounds")
    played = steps(item["meanwhile"], draft.building)
    for step in played:
        if isinstance(step, model.Agents | model.Instantiate | model.Release | model.ReleaseStore):
            raise step.where.error(f"'{step.text}' stands before or after agents, not among what happens meanwhile")
    return played


def _agent(name: str, spec: Map, building: Building) -> model.Agent:
    imports = import_specs(spec.get("imports", {}), building)
    for key, given in imports.items():
        if isinstance(given, model.HostFunction):
            message = "an agent's imports can't be host functions: it runs apart from the host"
            raise spec["imports"].error(message, key)
    calls = tuple(_agent_step(name, Draft(item, building)) for item in spec["calls"])
    return model.Agent(spec.where(), name, spec.get("instantiate", GUEST), imports, calls)


def _agent_step(agent: str, draft: Draft) -> model.Step:
    """What an agent does: a call of its guest, or a step that its own host plays."""
    item = draft.item
    draft.building.budget.spend(STEPS, 1, item)
    if "call" not in item:
        kind = next(key for key in schema.STEPS if key in item)
        step = KINDS[kind](draft)
        return replace(step, text=clip(f"{agent}: {step.text}", _LONGEST, ""))
    args, times = parts.literals(item, "args"), integer(item, "times", 1, TIMES, 1)
    text = f"{agent} calls {_shown_call(item['call'], args)}" + (f" {times} times" if times > 1 else "")
    return draft.make(model.AgentCall, text, export=item["call"], args=args, times=times)


def _combinations(rows: Sequence[Map], bound: Sequence[str]) -> tuple[Mapping[str, Literal], ...]:
    """Results of one round, by the names that the agents' calls bind them to."""
    for row in rows:
        for name in row:
            if name not in bound:
                known = ", ".join(bound) or "none"
                raise row.error(f"no call of these agents is bound to '{name}'; bound by 'as': {known}", name)
    return tuple({name: parts.literal(raw, row.where(name)) for name, raw in row.items()} for row in rows)


def import_specs(table: Mapping[str, Map], building: Building) -> dict[str, model.ImportSpec]:
    """What stands for the guest's imports, by ``module.name``."""
    return {name: _import_spec(item, building) for name, item in table.items()}


def _import_spec(item: Map, building: Building) -> model.ImportSpec:
    where = item.where()
    forms = [key for key in ("memory", "export", "global") if key in item]
    if len(forms) > 1 or (forms and {"params", "steps", "return", "throw", "trap"} & set(item)):
        raise item.error(f"an import is one thing: '{forms[0]}' stands alone")
    if "memory" in item:
        return model.ImportedMemory(where, item["memory"])
    if "export" in item:
        instance, dot, export = item["export"].partition(".")
        if not dot or not export:
            raise item.error(f"'{item['export']}' is not of the form instance.export", "export")
        return model.ImportedExport(where, instance, export)
    if "global" in item and item["global"] not in values.NUMBER_TYPES:
        extra = next((key for key in ("value", "mutable") if key in item), None)
        if extra is not None:
            raise item.error(f"'{extra}' is for a new global, not for '{item['global']}'", extra)
        return model.BoundGlobal(where, item["global"])
    if "global" in item:
        return model.ImportedGlobal(where, **_new_global(item, item["global"]))
    endings = [key for key in ("return", "throw", "trap") if key in item]
    if len(endings) > 1:
        raise item.error(f"a host function ends in one way, not in '{endings[0]}' and '{endings[1]}'", endings[1])
    params: list[str] = item.get("params", [])
    twice = _repeated(params)
    if twice is not None:
        raise item.error(f"two arguments are called '{twice}'", "params")
    for name in params:
        check_name(name, item.where("params"))
    body = steps(item["steps"], building) if "steps" in item else ()
    returns = parts.literals(item, "return")
    return model.HostFunction(where, tuple(params), body, returns, item.get("throw"), item.get("trap"))
