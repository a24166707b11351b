"""Each step of a scenario as code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from linmem.repro.goal import ReproError
from linmem.repro.recipe import fill
from linmem.repro.writing import Code, View, Writing, atom
from linmem.scenario import model, values
from linmem.scenario.expectations import Literal
from linmem.scenario.model import GUEST, Step
from linmem.wasm.types import PAGE

FORMATS = {"u8": "<B", "s8": "<b", "u16": "<H", "s16": "<h", "u32": "<I", "s32": "<i", "u64": "<Q", "s64": "<q"}
FORMATS |= {"f32": "<f", "f64": "<d"}
ACCESSORS = {"u8": "Uint8", "s8": "Int8", "u16": "Uint16", "s16": "Int16", "u32": "Uint32", "s32": "Int32"}
ACCESSORS |= {"u64": "BigUint64", "s64": "BigInt64", "f32": "Float32", "f64": "Float64"}


class Steps(Writing):
    """Writes single steps."""

    def instantiate(self, name: str, bound: str, imports: Mapping[str, model.ImportSpec], out: list[str]) -> Code:
        """A new instance; what must stand before it goes to `out`."""
        raise NotImplementedError

    # ------------------------------------------------------------------- steps

    def code(self, step: Step, out: list[str]) -> Code:
        if isinstance(step, model.Call):
            return self.call(step)
        if isinstance(step, model.Read):
            return self.read(step, out)
        if isinstance(step, model.Write):
            return self.written(step, out)
        if isinstance(step, model.Grow | model.Size):
            return self.pages(step, out)
        if isinstance(step, model.OpenView):
            return self.open(step, out)
        if isinstance(step, model.ViewLength):
            return self.length(step)
        if isinstance(step, model.MakeMemory):
            return self.make_memory(step)
        if isinstance(step, model.Instantiate):
            assert step.bind is not None
            return self.instantiate(step.module, step.bind, {**self.scenario.imports, **step.imports}, out)
        if isinstance(step, model.TakeExport):
            return self.take_export(step)
        if isinstance(step, model.MakeGlobal | model.GetGlobal | model.SetGlobal):
            return self.variable_step(step, out)
        if isinstance(step, model.Same):
            one, other = (self.either(name, out) for name in step.objects)
            return Code([], self.language.choice(self.language.same(one, other)))
        if isinstance(step, model.Negative):
            return Code([], self.language.choice(f"{self.names[step.name]}_negative"))
        if isinstance(step, model.Release):
            return Code(self.released(step), '"done"')
        if isinstance(step, model.ReleaseStore):
            return Code(self.released_store(), '"done"')
        if isinstance(step, model.Collect):
            return Code([self.statement(self.snippet("collect"))], '"done"')
        raise ReproError(f"{step.where}: {step.text}: no reproducer can express this step yet")

    def call(self, step: model.Call) -> Code:
        if step.on is None and step.export in self.functions:
            function, signature = self.objects[step.export], self.functions[step.export]
        else:
            instance, _ = self.owner(f"{step.on or GUEST}.{step.export}", step)
            found = instance.types.function(step.export) if instance.types is not None else None
            if found is None:
                raise ReproError(f"{step.where}: the guest exports no function '{step.export}' whose type can be read")
            signature = found
            if self.scenario.wasi is not None and step.export == "_start":
                raise ReproError(f"{step.where}: {step.text}: no reproducer can start a WASI command yet")
            function = self.snippet("function", instance=instance.variable, name=self.language.text(step.export))
        args = [self.argument(literal, kind) for literal, kind in zip(step.args, signature.params, strict=True)]
        more = "".join(f", {arg}" for arg in args)
        text = self.snippet("call", function=function, args=", ".join(args), more=more)
        return self.called(step, text, signature.results)

    def called(self, step: Step, text: str, results: Sequence[str]) -> Code:
        """What an expression that calls a function gives, for a step that may bind it."""
        if not results:
            return Code([self.statement(text)], '"done"')
        target = self.target(step)
        lines = [self.statement(f"{target} = {text}")]
        if len(results) > 1:
            return Code(lines, self.language.show_all(results, target))
        (kind,) = results
        return Code(lines, self.show(kind, target), self.bound(step, kind, target))

    def argument(self, literal: Literal, kind: str) -> str:
        self.foresee(literal.names)
        return self.language.argument(literal, kind, self.names, self.floats)

    def way(self, step: model.Read | model.Write, out: list[str]) -> tuple[str, str]:
        """The view that a step goes through, as an expression, and its kind."""
        if step.through is not None:
            kept = self.kept(step.through)
            return kept.variable, kept.kind
        memory = self.memory(step.memory, step, out)
        kind = self.view if step.kind == "each" else step.kind
        kind = kind or self.recipe.default_view(step.type, self.is_shared(memory))
        return self.opened(kind, memory), kind

    def kept(self, name: str) -> View:
        """A kept view; a host function may use one that is opened further down, before it is called."""
        if name not in self.views and self.nested and name in self.foreseen:
            step = self.foreseen[name]
            return View(self.language.variable(name), self.kind_of(step, False))
        return self.views[name]

    def kind_of(self, step: model.OpenView, shared: bool) -> str:
        kind = self.view if step.kind == "each" else None if step.kind == "default" else step.kind
        return kind or self.recipe.default_view("u8", shared)

    def opened(self, kind: str, memory: str) -> str:
        how = self.recipe.view(kind, "open_shared") if self.is_shared(memory) else None
        return fill(how or self.recipe.view(kind, "open") or "", {"memory": memory, "kind": kind})

    def access(self, kind: str, what: str, step: model.Read | model.Write, view: str, count: str, width: int) -> str:
        how = self.recipe.view(kind, what, step.type)
        if how is None:
            raise ReproError(f"{step.where}: {step.text}: {kind} has no way to do this")
        unit = self.units.get(kind, 1)
        at, known = self.scaled(step.at, unit)
        span = int(count) if count.isdigit() else None
        end = self.number(known + span) if known is not None and span is not None else f"{atom(at)} + {atom(count)}"
        words = {"view": view, "at": at, "end": end, "count": count, "width": str(width)}
        words |= {"format": FORMATS.get(step.type, ""), "accessor": ACCESSORS.get(step.type, "")}
        if isinstance(step, model.Write):
            words |= self.given(step)
        return fill(how, words)

    def read(self, step: model.Read, out: list[str]) -> Code:
        view, kind = self.way(step, out)
        width = values.MEMORY_TYPES.get(step.type, 0)
        count, asked = str(width), ""
        if step.count is not None:
            count, _ = self.scaled(step.count, self.units.get(kind, 1))
            asked = self.integer(step.count)
        target = self.target(step)
        lines = [self.statement(f"{target} = {self.access(kind, 'read', step, view, count, width)}")]
        after = self.bound(step, step.type, target) if step.bind is not None else []
        return Code(lines, self.show(step.type, target, asked), after)

    def written(self, step: model.Write, out: list[str]) -> Code:
        view, kind = self.way(step, out)
        width = values.MEMORY_TYPES.get(step.type, 0)
        count = str(len(step.value)) if isinstance(step.value, bytes) else str(width)
        what = "hand" if isinstance(step.value, model.HostValue) else "write"
        return Code([self.statement(self.access(kind, what, step, view, count, width))], '"done"')

    def given(self, step: model.Write) -> dict[str, str]:
        """The value of a write, as a number and packed into bytes."""
        value, kind, width = step.value, step.type, values.MEMORY_TYPES.get(step.type, 0)
        if isinstance(value, bytes):
            return {"value": self.language.data(value), "packed": self.language.data(value)}
        if isinstance(value, model.HostValue):
            return {"value": self.language.host_value(value)}
        if values.is_float(kind):
            if not value.names:
                bits = value.bits(kind, {})
                return {
                    "value": self.argument(value, kind),
                    "packed": self.language.data(bits.to_bytes(width, "little")),
                }
            return {
                "value": self.argument(value, kind),
                "packed": f'struct.pack("{FORMATS[kind]}", {self.argument(value, kind)})',
            }
        if value.expression is None:
            raise ReproError(f"{step.where}: '{value.raw}' is no integer")
        known = self.constant(value.expression)
        text = self.integer(value.expression)
        signed = ", signed=True" if kind[0] == "s" else ""
        number = self.language.number(kind, known) if known is not None else self.language.of_type(kind, text)
        return {"value": number, "packed": f'({text}).to_bytes({width}, "little"{signed})'}

    def pages(self, step: model.Grow | model.Size, out: list[str]) -> Code:
        memory = self.memory(step.memory, step, out)
        prefix = "shared_" if self.is_shared(memory) else ""
        words = {"memory": memory}
        name = "size"
        if isinstance(step, model.Grow):
            name, words["delta"] = "grow", self.integer(step.delta)
        name = prefix + name if self.recipe.has(prefix + name) else name
        target = self.target(step)
        lines = [self.statement(f"{target} = {self.snippet(name, **words)}")]
        came = self.show("u64", target)
        if isinstance(step, model.Grow) and self.recipe.has("grown"):
            came = self.snippet("grown", value=target, shown=came)
        return Code(lines, came, self.bound(step, "u64", target))

    def open(self, step: model.OpenView, out: list[str]) -> Code:
        assert step.bind is not None
        memory = self.memory(step.memory, step, out)
        kind = self.kind_of(step, self.is_shared(memory))
        variable = self.bind(step.bind)
        if step.offset is None and step.count is None:
            text = self.opened(kind, memory)
        else:
            how = self.recipe.view(kind, "open_part")
            if how is None:
                raise ReproError(f"{step.where}: {step.text}: {kind} has no parts")
            unit = self.units.get(kind, 1) if self.recipe.view(kind, "offset_unit") else 1
            nothing = "None" if self.language.name == "python" else "undefined"
            offset = self.scaled(step.offset, unit)[0] if step.offset is not None else None
            length = self.integer(step.count) if step.count is not None else nothing
            stop = f"{atom(offset or '0')} + {atom(length)}" if step.count is not None else nothing
            words = {"memory": memory, "kind": kind, "length": length, "stop": stop}
            words["offset"] = offset or self.recipe.view(kind, "no_offset") or "0"
            text = fill(how, words)
        self.views[step.bind] = View(variable, kind)
        self.objects[step.bind] = variable
        return Code([self.statement(f"{variable} = {text}")], '"done"')

    def length(self, step: model.ViewLength) -> Code:
        view = self.kept(step.view)
        how = self.recipe.view(view.kind, "length")
        if how is None:
            raise ReproError(f"{step.where}: {step.text}: {view.kind} has no length")
        target, unit = self.target(step), self.units.get(view.kind, 1)
        text = fill(how, {"view": view.variable}) + (f" * {unit}" if unit != 1 else "")
        lines = [self.statement(f"{target} = {text}")]
        return Code(lines, self.show("u64", target), self.bound(step, "u64", target))

    def make_memory(self, step: model.MakeMemory) -> Code:
        assert step.bind is not None
        variable = self.bind(step.bind)
        low = self.integer(step.min)
        high = self.integer(step.max) if step.max is not None else "None"
        options = [self.snippet("option_i64")] if step.index == "i64" else []
        if step.page_size != PAGE:
            options.append(self.snippet("option_page_size", log=str(step.page_size.bit_length() - 1)))
        maximum = self.snippet("maximum", max=high) if step.max is not None and self.recipe.has("maximum") else ""
        words = {"min": low, "max": high, "maximum": maximum, "options": "".join(f", {item}" for item in options)}
        text = self.snippet("shared_memory" if step.shared else "memory", **words)
        self.objects[step.bind] = variable
        if step.shared:
            self.shared.add(variable)
        return Code([self.statement(f"{variable} = {text}")], '"done"')

    def take_export(self, step: model.TakeExport) -> Code:
        assert step.bind is not None
        instance, export = self.owner(f"{step.instance}.{step.export}", step)
        variable = self.objects[step.bind] = self.bind(step.bind)
        if step.kind == "func":
            found = instance.types.function(export) if instance.types is not None else None
            if found is None:
                raise ReproError(f"{step.where}: the type of '{export}' can't be read")
            self.functions[step.bind] = found
        if step.kind == "global" and instance.types is not None:
            self.globals[step.bind] = instance.types.exports[export].value_type
        text = self.exported(instance, export)
        return Code([self.statement(f"{variable} = {text}")], '"done"')

    def variable_step(self, step: model.MakeGlobal | model.GetGlobal | model.SetGlobal, out: list[str]) -> Code:
        if isinstance(step, model.MakeGlobal):
            assert step.bind is not None
            variable = self.objects[step.bind] = self.bind(step.bind)
            self.globals[step.bind] = step.type
            return Code(
                [self.statement(f"{variable} = {self.new_global(step.type, step.value, step.mutable)}")], '"done"'
            )
        if step.variable in self.objects:
            variable, kind = self.objects[step.variable], self.globals[step.variable]
        else:
            instance, export = self.owner(step.variable, step)
            variable = self.take(instance, export, out)
            kind = instance.types.exports[export].value_type if instance.types is not None else "i32"
        if isinstance(step, model.SetGlobal):
            host = isinstance(step.value, model.HostValue)
            given = self.language.host_value(step.value) if host else self.argument(step.value, kind)  # type: ignore[arg-type]
            return Code([self.statement(self.snippet("global_set", variable=variable, value=given))], '"done"')
        target = self.target(step)
        lines = [self.statement(f"{target} = {self.snippet('global_get', variable=variable)}")]
        return Code(lines, self.show(kind, target), self.bound(step, kind, target))

    def new_global(self, kind: str, value: Literal, mutable: bool) -> str:
        truth = self.language.truth(mutable)
        return self.snippet("global", kind=kind, mutable=truth, value=self.argument(value, kind))

    def either(self, name: str, out: list[str]) -> str:
        if name in self.objects:
            return self.objects[name]
        instance, export = self.owner(name, None)
        return self.exported(instance, export)

    def released(self, step: model.Release) -> list[str]:
        gone: list[str] = []
        for name in step.objects:
            if name in self.objects:
                gone.append(self.objects.pop(name))
            elif name in self.instances:
                instance = self.instances.pop(name)
                gone += [instance.variable, *instance.taken.values()]
        return self.dropped(gone)

    def released_store(self) -> list[str]:
        """Let go of all but views, and of the store where the API has one."""
        gone = [self.objects.pop(name) for name in list(self.objects) if name not in self.views]
        while self.instances:
            _, instance = self.instances.popitem()
            gone += [instance.variable, *instance.taken.values()]
        new = [self.statement(self.snippet("release_store"))] if self.recipe.has("release_store") else []
        return [*self.dropped(gone), *new]

    def dropped(self, gone: list[str]) -> list[str]:
        for variable in gone:
            self.assign(variable)
        if self.language.name == "python":
            return [f"del {', '.join(gone)}"] if gone else []
        return [f"{variable} = undefined;" for variable in gone]
