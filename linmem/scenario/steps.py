"""Build typed steps and imports from a scenario's data."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from linmem.scenario import expectations, expressions, model, pictures, schema, values
from linmem.scenario.agents import AgentParts
from linmem.scenario.expectations import Literal
from linmem.scenario.model import GUEST, MEMORY, Where
from linmem.scenario.source import Map, Seq
from linmem.schema import describe
from linmem.wasm import types as wasm_types

MAX_STEPS = 20_000
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


class StepBuilder(AgentParts):
    """Builds one scenario's steps. ``fill`` replaces parameters in raw data (for unrolling `for`)."""

    def __init__(
        self,
        file: str,
        observations: Mapping[str, model.Observation],
        fill: Callable[[Any, Mapping[str, Any]], Any],
    ) -> None:
        super().__init__(file, observations)
        self.fill = fill
        self.count = 0
        self.checked_loops: set[tuple[int, object]] = set()

    def steps(self, items: Seq) -> tuple[model.Step, ...]:
        """The steps of a list, with every `for` unrolled."""
        built: list[model.Step] = []
        for item in items:
            if "for" in item:
                built += self.loop(item)
            else:
                self.count += 1
                if self.count > MAX_STEPS:
                    raise self.fail(item.line, f"a scenario may have {MAX_STEPS:,} steps; this one unrolls to more")
                built.append(self.step(item))
        return tuple(built)

    def loop(self, item: Map) -> list[model.Step]:
        ((name, given),) = item["for"].items()
        turns = given["in"] if isinstance(given, Map) else self.range(given, item.lines["for"])
        if len(turns) * len(item["steps"]) > MAX_STEPS:
            raise self.fail(item.lines["for"], f"a scenario may have {MAX_STEPS:,} steps; this loop unrolls to more")
        built: list[model.Step] = []
        for value in turns:
            steps = self.fill(item["steps"], {name: value})
            kind = (item.line, value if isinstance(value, str) else type(value))
            if kind not in self.checked_loops:  # not every value may stand everywhere; one number tells for all
                schema.validate_steps(steps, self.file)
                self.checked_loops.add(kind)
            built += self.steps(steps)
        return built

    def range(self, bounds: Seq, line: int) -> Sequence[int]:
        first, last = bounds
        if last < first:
            raise self.fail(line, f"'for' goes up: {first} to {last} is empty")
        return range(first, last + 1)

    def step(self, item: Map) -> model.Step:
        kind = next(key for key in schema.STEPS if key in item)
        build: Callable[[Map, dict[str, Any]], model.Step] = getattr(self, f"_{kind}")
        common = {
            "where": Where(self.file, item.line),
            "bind": item.get("as"),
            "expect": self.check(item["expect"], item.lines["expect"]) if "expect" in item else None,
            "observe": self.observe(item) if "observe" in item else None,
        }
        if "as" in item:
            self.check_name(item["as"], item.lines["as"])
        step = build(item, common)
        if step.expect is not None:
            reason = expectations.impossible(step.expect, self.gives(step))
            if reason is not None:
                raise self.fail(item.lines["expect"], reason)
        return step

    def check_name(self, name: str, line: int) -> None:
        """Whether what is bound to a name could be used in expressions."""
        if _NAME.fullmatch(name) is None:  # a parameter's value made it so
            raise self.fail(line, f"'{name}' can't be a name: it has letters, digits and _")
        if values.is_word(name):
            raise self.fail(line, f"'{name}' can't be a name: it is a floating-point value")
        if keyword.iskeyword(name):
            raise self.fail(line, f"'{name}' can't be a name: expressions keep the word for themselves")

    def gives(self, step: model.Step) -> str:
        """What a step gives, as `expectations.impossible` wants to know it."""
        if isinstance(step, model.Read):
            return step.type
        if isinstance(step, model.Call | model.GetGlobal):
            return "results"
        if isinstance(step, model.Same | model.Negative):
            return "truth"
        return "u64" if isinstance(step, model.Grow | model.Size | model.ViewLength) else "nothing"

    # ------------------------------------------------------------ step kinds

    def _call(self, item: Map, common: dict[str, Any]) -> model.Step:
        args = tuple(self.literal(raw, item.lines["args"]) for raw in item.get("args", ()))
        on = item.get("on")
        text = f"call {item['call']}({', '.join(map(str, args))})" + ("" if on in (None, GUEST) else f" on {on}")
        return model.Call(**common, text=text, export=item["call"], args=args, on=on)

    def _read(self, item: Map, common: dict[str, Any]) -> model.Step:
        kind = self.memory_type(item, "read")
        count = self.expression(item, "count") if "count" in item else None
        if (kind == "bytes") is (count is None):
            problem = "'read: bytes' needs 'count'" if count is None else f"'count' goes with bytes, not with {kind}"
            raise self.fail(item.line, problem)
        if kind == "bytes" and "as" in item:
            raise self.fail(item.lines["as"], "'as' binds a number, and 'read: bytes' gives bytes")
        at = self.expression(item, "at")
        text = f"read {f'{count} bytes' if count else kind} at {at}" + self.way(item)
        return model.Read(**common, text=text, type=kind, at=at, count=count, **self.target(item))

    def _write(self, item: Map, common: dict[str, Any]) -> model.Step:
        kind = self.memory_type(item, "write")
        raw, line = item["value"], item.lines["value"]
        value: Literal | bytes | model.HostValue
        if isinstance(raw, Map) and "host" in raw:
            if kind == "bytes":
                raise self.fail(line, "a value of the host's language is written as one number, not as bytes")
            value = self.host_value(raw)
            shown = str(value)
        elif kind == "bytes":
            value = self.data(raw, line)
            shown = str(raw) if isinstance(raw, list) else raw.get("text", raw.get("hex"))
            shown += f" × {raw['times']:,}" if isinstance(raw, Map) and "times" in raw else ""
        elif isinstance(raw, list | dict):
            raise self.fail(line, f"'value' is {describe(raw)}, but the step writes one {kind}")
        else:
            value = self.literal(raw, line)
            if values.is_float(kind) or value.expression is None:  # an integer may be of any size: hosts differ there
                self.fits(kind, value, line)
            shown = str(value)
        at = self.expression(item, "at")
        text = f"write {kind} {shown} at {at}" + self.way(item)
        return model.Write(**common, text=text, type=kind, at=at, value=value, **self.target(item))

    def _grow(self, item: Map, common: dict[str, Any]) -> model.Step:
        delta = self.expression(item, "grow")
        text = f"the host grows {item.get('in', MEMORY)} by {delta} pages"
        return model.Grow(**common, text=text, delta=delta, memory=item.get("in", MEMORY))

    def _size(self, item: Map, common: dict[str, Any]) -> model.Step:
        return model.Size(**common, text=f"size of {item['size']} in pages", memory=item["size"])

    def _view(self, item: Map, common: dict[str, Any]) -> model.Step:
        offset = self.expression(item, "offset") if "offset" in item else None
        count = self.expression(item, "count") if "count" in item else None
        kind = item["view"]
        text = (
            f"open {'a' if kind == 'default' else kind} view"
            + (f" at {offset}" if offset else "")
            + f" as {item['as']}"
        )
        memory = item.get("in", MEMORY)
        return model.OpenView(**common, text=text, kind=kind, memory=memory, offset=offset, count=count)

    def _length(self, item: Map, common: dict[str, Any]) -> model.Step:
        return model.ViewLength(**common, text=f"length of {item['length']} in bytes", view=item["length"])

    def _instantiate(self, item: Map, common: dict[str, Any]) -> model.Step:
        module = item["instantiate"]
        common["bind"] = item.get("as", module)
        imports = {name: self.import_spec(spec) for name, spec in item.get("imports", {}).items()}
        text = f"instantiate {module}" + (f" as {item['as']}" if "as" in item else "")
        return model.Instantiate(**common, text=text, module=module, imports=imports)

    def _memory(self, item: Map, common: dict[str, Any]) -> model.Step:
        spec = item["memory"]
        if "export" in spec:
            return self.taken("memory", spec, item, common)
        low, high = self.expression(spec, "min"), self.expression(spec, "max") if "max" in spec else None
        text = f"make a memory of {low} to {high if high else 'any number of'} pages as {item['as']}"
        kind = {"shared": spec.get("shared", False), "index": spec.get("index", "i32")}
        return model.MakeMemory(
            **common, text=text, min=low, max=high, **kind, page_size=spec.get("page_size", wasm_types.PAGE)
        )

    def _function(self, item: Map, common: dict[str, Any]) -> model.Step:
        return self.taken("func", item["function"], item, common)

    def _global(self, item: Map, common: dict[str, Any]) -> model.Step:
        spec = item["global"]
        if "export" in spec:
            return self.taken("global", spec, item, common)
        kind, line = self.value_type(spec, "type"), spec.lines.get("value", spec.line)
        value, mutable = self.literal(spec.get("value", 0), line), spec.get("mutable", False)
        self.fits(kind, value, line)
        text = f"make a {'mutable ' if mutable else ''}global {kind} of {value} as {item['as']}"
        return model.MakeGlobal(**common, text=text, type=kind, value=value, mutable=mutable)

    def _get(self, item: Map, common: dict[str, Any]) -> model.Step:
        return model.GetGlobal(**common, text=f"get {item['get']}", variable=item["get"])

    def _set(self, item: Map, common: dict[str, Any]) -> model.Step:
        raw = item["value"]
        value = self.host_value(raw) if isinstance(raw, Map) else self.literal(raw, item.lines["value"])
        return model.SetGlobal(**common, text=f"set {item['set']} to {value}", variable=item["set"], value=value)

    def taken(self, kind: str, spec: Map, item: Map, common: dict[str, Any]) -> model.Step:
        instance, _, export = spec["export"].partition(".")
        text = f"take {spec['export']} as {item['as']}"
        return model.TakeExport(**common, text=text, kind=kind, instance=instance, export=export)

    def _same(self, item: Map, common: dict[str, Any]) -> model.Step:
        one, other = item["same"]
        if one == other and "." not in one:
            raise self.fail(item.lines["same"], f"'{one}' is one object; an export is asked for twice: guest.{one}")
        return model.Same(**common, text=f"whether {one} and {other} are one object", objects=(one, other))

    def _negative(self, item: Map, common: dict[str, Any]) -> model.Step:
        name = item["negative"]
        return model.Negative(**common, text=f"whether the host had {name} as a negative number", name=name)

    def _collect(self, item: Map, common: dict[str, Any]) -> model.Step:
        return model.Collect(**common, text="the host collects garbage")

    def _release(self, item: Map, common: dict[str, Any]) -> model.Step:
        if isinstance(item["release"], Map):
            return model.ReleaseStore(**common, text="release all but views, and the store")
        names = item["release"] if isinstance(item["release"], list) else [item["release"]]
        return model.Release(**common, text=f"release {', '.join(names)}", objects=tuple(names))

    def _picture(self, item: Map, common: dict[str, Any]) -> model.Step:
        width, height = self.expression(item, "width"), self.expression(item, "height")
        if not width.names and not height.names:
            problem = pictures.impossible_size(width.value({}), height.value({}))
            if problem is not None:
                raise self.fail(item.line, problem)
        kind = item.get("format", "rgba8")
        count = expressions.parse(f"({width}) * ({height}) * {pictures.FORMATS[kind]}")
        at = self.expression(item, "at")
        common["expect"] = common["expect"] or expectations.AllBytes()
        return model.Picture(
            **common,
            text=f"read a picture of {width} × {height} pixels at {at}" + self.way(item),
            type="bytes",
            at=at,
            count=count,
            **self.target(item),
            title=item["picture"],
            width=width,
            height=height,
            format=kind,
        )

    # --------------------------------------------------------------- imports

    def import_spec(self, item: Map) -> model.ImportSpec:
        """What stands for one of the guest's imports."""
        where = Where(self.file, item.line)
        forms = [key for key in ("memory", "export", "global") if key in item]
        if len(forms) > 1 or (forms and {"params", "steps", "return", "throw", "trap"} & set(item)):
            raise self.fail(item.line, f"an import is one thing: '{forms[0]}' stands alone")
        if "memory" in item:
            return model.ImportedMemory(where, item["memory"])
        if "export" in item:
            instance, dot, export = item["export"].partition(".")
            if not dot or not export:
                raise self.fail(item.lines["export"], f"'{item['export']}' is not of the form instance.export")
            return model.ImportedExport(where, instance, export)
        if "global" in item and item["global"] not in values.NUMBER_TYPES:
            extra = next((key for key in ("value", "mutable") if key in item), None)
            if extra is not None:
                raise self.fail(item.lines[extra], f"'{extra}' is for a new global, not for '{item['global']}'")
            return model.BoundGlobal(where, item["global"])
        if "global" in item:
            value = self.literal(item.get("value", 0), item.line)
            self.fits(item["global"], value, item.lines.get("value", item.line))
            return model.ImportedGlobal(where, item["global"], value, item.get("mutable", False))
        endings = [key for key in ("return", "throw", "trap") if key in item]
        if len(endings) > 1:
            raise self.fail(
                item.lines[endings[1]], f"a host function ends in one way, not in '{endings[0]}' and '{endings[1]}'"
            )
        returns = item.get("return", [])
        line = item.lines.get("return", item.line)
        params: list[str] = item.get("params", [])
        twice = next((name for index, name in enumerate(params) if name in params[:index]), None)
        if twice is not None:
            raise self.fail(item.lines["params"], f"two arguments are called '{twice}'")
        for name in params:
            self.check_name(name, item.lines["params"])
        return model.HostFunction(
            where,
            tuple(params),
            self.steps(item["steps"]) if "steps" in item else (),
            tuple(self.literal(raw, line) for raw in (returns if isinstance(returns, list) else [returns])),
            item.get("throw"),
            item.get("trap"),
        )
