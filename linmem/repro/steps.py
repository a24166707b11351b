"""Steps as code, a function for each kind. Those of instances and agents have modules of their own."""

from __future__ import annotations

from collections.abc import Sequence

from linmem.repro.goal import ReproError
from linmem.repro.templates import fill
from linmem.repro.writer import ScriptWriter, StepCode, ViewVariable, atom, cannot
from linmem.scenario import model, values
from linmem.scenario.expectations import Literal
from linmem.scenario.host_apis import HOST_APIS
from linmem.scenario.model import GUEST
from linmem.wasm.types import PAGE

FORMATS = {"u8": "<B", "s8": "<b", "u16": "<H", "s16": "<h", "u32": "<I", "s32": "<i", "u64": "<Q", "s64": "<q"}
FORMATS |= {"f32": "<f", "f64": "<d"}
ACCESSORS = {"u8": "Uint8", "s8": "Int8", "u16": "Uint16", "s16": "Int16", "u32": "Uint32", "s32": "Int32"}
ACCESSORS |= {"u64": "BigUint64", "s64": "BigInt64", "f32": "Float32", "f64": "Float64"}


# ----------------------------------------------------------------------- calls


def call(script: ScriptWriter, step: model.Call) -> StepCode:
    """A call of an export, or of a function that was taken."""
    if step.on is None and step.export in script.objects.functions:
        function, signature = script.objects.variables[step.export], script.objects.functions[step.export]
    else:
        instance, _ = script.objects.owner(f"{step.on or GUEST}.{step.export}")
        found = instance.function(step.export)
        if found is None:
            raise ReproError(f"{step.where}: the guest exports no function '{step.export}' whose type can be read")
        signature = found
        if script.scenario.wasi is not None and step.export == "_start":
            raise cannot(step, "no reproducer can start a WASI command yet")
        name = script.language.constant(step.export)
        function = script.templates.snippet("function", instance=instance.variable, name=name)
    args = [script.names.argument(literal, kind) for literal, kind in zip(step.args, signature.params, strict=True)]
    more = "".join(f", {arg}" for arg in args)
    text = script.templates.snippet("call", function=function, args=", ".join(args), more=more)
    return called(script, step, text, signature.results)


def called(script: ScriptWriter, step: model.Step, text: str, results: Sequence[str]) -> StepCode:
    """What an expression that calls a function gives, for a step that may bind it."""
    if not results:
        return StepCode([script.language.statement(text)])
    if len(results) > 1:
        target = script.target(step)
        return StepCode(
            [script.assignment(target, text)], script.language.text("show_all", kinds=tuple(results), value=target)
        )
    return script.gives(step, results[0], text)


# ---------------------------------------------------------- memories and views


def read(script: ScriptWriter, step: model.Read) -> StepCode:
    """A read through a view that is opened for it, or was kept."""
    view = _view(script, step)
    count, asked = str(values.MEMORY_TYPES.get(step.type, 0)), ""
    if step.count is not None:
        count, _ = script.names.scaled(step.count, script.units.get(view.kind, 1))
        asked = script.names.integer(step.count)
    text = _access(script, step, "read", view, count)
    return script.gives(step, step.type, text, asked)


def write(script: ScriptWriter, step: model.Write) -> StepCode:
    """A write through a view that is opened for it, or was kept."""
    if isinstance(step.value, model.BoundBytes):
        count = script.language.length.format(script.language.variable(step.value.name))
    else:
        count = str(len(step.value) if isinstance(step.value, bytes) else values.MEMORY_TYPES.get(step.type, 0))
    what = "hand" if isinstance(step.value, model.HostValue) else "write"
    return StepCode([script.language.statement(_access(script, step, what, _view(script, step), count))])


def _view(script: ScriptWriter, step: model.Read | model.Write) -> ViewVariable:
    """The view that a step goes through; its variable may be an expression."""
    if step.through is not None:
        return _kept(script, step.through)
    memory = script.memory(step.memory)
    kind = script.view if step.kind == "each" else step.kind
    kind = kind or script.templates.default_view(step.type, memory in script.objects.shared)
    return ViewVariable(_opened(script, kind, memory), kind)


def _kept(script: ScriptWriter, name: str) -> ViewVariable:
    """A kept view; a host function may use one that is opened further down, before it is called."""
    if name not in script.objects.views and script.output.nested:
        for step in script.scenario.steps:
            if isinstance(step, model.OpenView) and step.bind == name:
                return ViewVariable(script.language.variable(name), _kind_of(script, step, False))
    return script.objects.views[name]


def _kind_of(script: ScriptWriter, step: model.OpenView, shared: bool) -> str:
    kind = script.view if step.kind == "each" else None if step.kind == "default" else step.kind
    return kind or script.templates.default_view("u8", shared)


def _opened(script: ScriptWriter, kind: str, memory: str) -> str:
    how = script.templates.view(kind, "open_shared") if memory in script.objects.shared else None
    return fill(how or script.templates.view(kind, "open") or "", {"memory": memory, "kind": kind})


def _access(script: ScriptWriter, step: model.Read | model.Write, what: str, view: ViewVariable, count: str) -> str:
    how = script.templates.view(view.kind, what, step.type)
    if how is None:
        raise cannot(step, f"{view.kind} has no way to do this")
    at, known = script.names.scaled(step.at, script.units.get(view.kind, 1))
    if known is not None and count.isdigit():
        end = script.language.number("u32", known + int(count))
    else:
        end = f"{atom(at)} + {atom(count)}"
    words = {"view": view.variable, "at": at, "end": end, "count": count}
    words["width"] = str(values.MEMORY_TYPES.get(step.type, 0))
    words |= {"format": FORMATS.get(step.type, ""), "accessor": ACCESSORS.get(step.type, "")}
    if isinstance(step, model.Write):
        words |= _given(script, step)
    return fill(how, words)


def _given(script: ScriptWriter, step: model.Write) -> dict[str, str]:
    """The value of a write, as a number and packed into bytes."""
    language, value, kind = script.language, step.value, step.type
    width = values.MEMORY_TYPES.get(kind, 0)
    if isinstance(value, bytes):
        data = language.text("data", data=value)
        return {"value": data, "packed": data}
    if isinstance(value, model.BoundBytes):
        return {"value": language.variable(value.name), "packed": language.variable(value.name)}
    if isinstance(value, model.HostValue):
        return {"value": language.host_value(value)}
    if values.is_float(kind):
        number = script.names.argument(value, kind)
        if value.names:
            return {"value": number, "packed": f'struct.pack("{FORMATS[kind]}", {number})'}
        return {"value": number, "packed": language.text("data", data=value.bits(kind, {}).to_bytes(width, "little"))}
    if value.expression is None:
        raise ReproError(f"{step.where}: '{value.raw}' is no integer")
    text = script.names.integer(value.expression)
    signed = ", signed=True" if kind[0] == "s" else ""
    computed = bool(value.expression.names)
    number = language.converted(kind, text) if computed else language.number(kind, value.expression.value({}))
    return {"value": number, "packed": f'({text}).to_bytes({width}, "little"{signed})'}


def pages(script: ScriptWriter, step: model.Grow | model.Size) -> StepCode:
    """A memory grows, or is asked for its size."""
    memory = script.memory(step.memory)
    name, words = "size", {"memory": memory}
    if isinstance(step, model.Grow):
        name, words["delta"] = "grow", script.names.integer(step.delta)
    shared = f"shared_{name}"
    if memory in script.objects.shared and script.templates.has(shared):
        name = shared
    code = script.gives(step, "u64", script.templates.snippet(name, **words))
    if isinstance(step, model.Grow) and script.templates.has("grown"):
        code.came = script.templates.snippet("grown", value=script.target(step), shown=code.came)
    return code


def open_view(script: ScriptWriter, step: model.OpenView) -> StepCode:
    """A view is opened and kept."""
    assert step.bind is not None
    if step.through is not None:
        view = _kept(script, step.through)
        kind, how, words = view.kind, script.templates.view(view.kind, "part"), {"view": view.variable}
    else:
        memory = script.memory(step.memory)
        kind = _kind_of(script, step, memory in script.objects.shared)
        how, words = script.templates.view(kind, "open_part"), {"memory": memory, "kind": kind}
    script.objects.views[step.bind] = ViewVariable(script.bind(step), kind)
    if step.through is None and step.offset is None and step.count is None:
        return script.made(step, _opened(script, kind, memory))
    if how is None:
        raise cannot(step, f"{kind} has no parts")
    in_units = step.through is not None or script.templates.view(kind, "offset_unit")
    unit = script.units.get(kind, 1) if in_units else 1
    offset = script.names.scaled(step.offset, unit)[0] if step.offset is not None else None
    length = stop = script.language.absent
    if step.count is not None:
        length, _ = script.names.scaled(step.count, script.units.get(kind, 1))
        stop = f"{atom(offset or '0')} + {atom(length)}"
    words |= {"length": length, "stop": stop}
    words["offset"] = offset or script.templates.view(kind, "no_offset") or "0"
    return script.made(step, fill(how, words))


def use(script: ScriptWriter, step: model.Use) -> StepCode:
    """Another part of the host's API is used."""
    how = script.templates.use(step.api)
    if how is None:
        raise cannot(step, f"{script.templates.runtime} has no {step.api}")
    on_view = HOST_APIS[step.api].on == "view"
    words = {"on": _kept(script, step.on).variable if on_view else script.memory(step.on)}
    if step.value is not None:
        given = step.value
        words["value"] = script.language.constant(given) if isinstance(given, str) else script.names.integer(given)
    text = fill(how, words)
    if step.type == "nothing":
        return StepCode([script.language.statement(text)])
    asked = script.language.length.format(script.target(step)) if step.type == "bytes" else ""
    return script.gives(step, step.type, text, asked)


def view_length(script: ScriptWriter, step: model.ViewLength) -> StepCode:
    """A kept view's length, in bytes."""
    view = _kept(script, step.view)
    how = script.templates.view(view.kind, "length")
    if how is None:
        raise cannot(step, f"{view.kind} has no length")
    unit = script.units.get(view.kind, 1)
    return script.gives(step, "u64", fill(how, {"view": view.variable}) + (f" * {unit}" if unit != 1 else ""))


def make_memory(script: ScriptWriter, step: model.MakeMemory) -> StepCode:
    """The host makes a memory."""
    variable = script.bind(step)
    low = script.names.integer(step.min)
    high, maximum = "None", ""
    if step.max is not None:
        high = script.names.integer(step.max)
        maximum = script.templates.snippet("maximum", max=high) if script.templates.has("maximum") else ""
    options = [script.templates.snippet("option_i64")] if step.index == "i64" else []
    if step.page_size != PAGE:
        options.append(script.templates.snippet("option_page_size", log=str(step.page_size.bit_length() - 1)))
    words = {"min": low, "max": high, "maximum": maximum, "options": "".join(f", {item}" for item in options)}
    if step.shared:
        script.objects.shared.add(variable)
    return script.made(step, script.templates.snippet("shared_memory" if step.shared else "memory", **words))


# --------------------------------------------------------------------- objects


def take_export(script: ScriptWriter, step: model.TakeExport) -> StepCode:
    """An export is taken and kept."""
    assert step.bind is not None
    instance, export = script.objects.owner(f"{step.instance}.{step.export}")
    if step.kind == "func":
        found = instance.function(export)
        if found is None:
            raise ReproError(f"{step.where}: the type of '{export}' can't be read")
        script.objects.functions[step.bind] = found
    kind = instance.global_type(export) if step.kind == "global" else None
    if kind is not None:
        script.objects.globals[step.bind] = kind
    return script.made(step, script.exported(instance, export))


def make_global(script: ScriptWriter, step: model.MakeGlobal) -> StepCode:
    """The host makes a global."""
    assert step.bind is not None
    script.objects.globals[step.bind] = step.type
    return script.made(step, new_global(script, "global", step.type, step.value, step.mutable))


def new_global(script: ScriptWriter, snippet: str, kind: str, value: Literal, mutable: bool) -> str:
    """A global that the host makes, as an expression."""
    words = {"mutable": script.language.constant(mutable), "value": script.names.argument(value, kind)}
    return script.templates.snippet(snippet, kind=kind, **words)


def get_global(script: ScriptWriter, step: model.GetGlobal) -> StepCode:
    """A global is read."""
    variable, kind = _global(script, step.variable)
    return script.gives(step, kind, script.templates.snippet("global_get", variable=variable))


def set_global(script: ScriptWriter, step: model.SetGlobal) -> StepCode:
    """A global is written."""
    variable, kind = _global(script, step.variable)
    if isinstance(step.value, model.HostValue):
        value = script.language.host_value(step.value)
    else:
        value = script.names.argument(step.value, kind)
    return StepCode([script.language.statement(script.templates.snippet("global_set", variable=variable, value=value))])


def _global(script: ScriptWriter, name: str) -> tuple[str, str]:
    """The variable of a global, and its value type."""
    if name in script.objects.variables:
        return script.objects.variables[name], script.objects.globals[name]
    instance, export = script.objects.owner(name)
    return script.take(instance, export), instance.global_type(export) or "i32"


def same(script: ScriptWriter, step: model.Same) -> StepCode:
    """Whether two objects are one."""
    one, other = (
        script.objects.variables.get(name) or script.exported(*script.objects.owner(name)) for name in step.objects
    )
    return StepCode([], script.language.text("choice", condition=f"{one} {script.language.same} {other}"))


def negative(script: ScriptWriter, step: model.Negative) -> StepCode:
    """Whether a number was negative when it was bound."""
    return StepCode([], script.language.text("choice", condition=f"{script.names.variables[step.name]}_negative"))


def release(script: ScriptWriter, step: model.Release) -> StepCode:
    """Objects are let go."""
    return StepCode(_forget(script, step.objects))


def release_store(script: ScriptWriter, step: model.ReleaseStore) -> StepCode:
    """Let go of all but views, and of the store where the API has one."""
    objects = [name for name in script.objects.variables if name not in script.objects.views]
    lines = _forget(script, [*objects, *reversed(script.objects.instances)])
    if script.templates.has("release_store"):
        lines.append(script.language.statement(script.templates.snippet("release_store")))
    return StepCode(lines)


def _forget(script: ScriptWriter, names: Sequence[str]) -> list[str]:
    gone: list[str] = []
    for name in names:
        if name in script.objects.variables:
            gone.append(script.objects.variables.pop(name))
        elif name in script.objects.instances:
            instance = script.objects.instances.pop(name)
            gone += [instance.variable, *instance.taken.values()]
    for variable in gone:
        script.output.assign(variable)
    return script.language.lines("forget", variables=gone)


def collect(script: ScriptWriter, step: model.Collect) -> StepCode:
    """The host's garbage collector runs."""
    return StepCode([script.language.statement(script.templates.snippet("collect"))])
