"""Write a scenario as a script in a runtime's own API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from linmem.repro.agents import AgentSteps
from linmem.repro.assemble import assemble
from linmem.repro.goal import ReproError
from linmem.repro.writing import Code, Instance
from linmem.scenario import model, values, wasi
from linmem.scenario.expressions import ExpressionError
from linmem.scenario.model import GUEST, Step
from linmem.scenario.names import makes_own_instances
from linmem.wasm.types import FuncType, ModuleTypes

_SHARED = re.compile(r"\(memory\b(?:[^()]|\([^()]*\))*\bshared\b")  # the harness reads no limits of memories


class Script(AgentSteps):
    """One script."""

    # ----------------------------------------------------------------- whole

    def text(self, head: Sequence[str], version: str, variant: str | None) -> str:
        """The script. Raises `ReproError` where the recipe or this module can't express a step."""
        body: list[str] = []
        if not makes_own_instances(self.scenario):
            code = self.instantiate(GUEST, GUEST, self.scenario.imports, body)
            body += [self.comment("the guest"), *code.lines, ""]
        if not self.play(self.scenario.steps, body) and self.goal.turn and not self.goal.reached:
            raise ReproError("the step at which the case was decided is not in this scenario any more: run it again")
        return assemble(self, head, body, version, variant)

    def play(self, steps: Sequence[Step], out: list[str]) -> bool:
        """Write steps; whether the deciding one is among them, outside of host functions."""
        for step in steps:
            if self.goal.skipped(step):
                out += [self.comment(f"{step.where}: {step.text}: an earlier step gave it nothing to use"), ""]
                continue
            final = self.goal.is_next(step, bool(self.nested))
            by_round = final and isinstance(step, model.Agents) and self.decided_by_rounds(step)
            self.write(step, final and not by_round, out)
            if isinstance(step, model.Agents) and (by_round or not final):
                if self.play(self.calls_of(step), out):
                    return True
                if by_round:
                    self.write_round(step, out)
            if final and not self.nested:
                return True
        return False

    def write(self, step: Step, final: bool, out: list[str]) -> None:
        try:
            code = self.code(step, out)
        except (values.ValueNotation, ExpressionError) as error:
            raise ReproError(f"{step.where}: {step.text}: {error}") from None
        except KeyError as error:
            raise ReproError(f"{step.where}: {step.text}: {error} is not known where this is written") from None
        out.append(self.comment(f"{step.where}: {step.text}"))
        if step.expect is None and step.observe is None and not final:
            out += [*code.lines, *code.after, ""]
            return
        expected = [self.language.text(str(step.expect))] if step.expect is not None else []
        what = self.language.text(f"{step.where}: {step.text}")
        out.append(self.statement(f"announce({', '.join([what, *expected])})"))
        if code.doing is None:
            out.append(self.statement('doing = "compile"'))
            self.assign("doing")
        self.assign("came")
        out += self.language.guarded([*code.lines], code.came, code.doing, code.after)
        if step.expect is not None or final:
            out.append(self.print("  actual:  ", "came"))
        if step.observe is not None:
            out.append(self.print(f"  {step.observe.id}:", "came"))
        if final and self.nested:
            out += self.language.condition(f"came == {self.language.text(self.goal.actual or '')}", "finish()")
        elif final:
            out.append(self.statement("finish()"))
        out.append("")

    # --------------------------------------------------------------- instances

    def instantiate(self, name: str, bound: str, imports: Mapping[str, model.ImportSpec], out: list[str]) -> Code:
        module = self.modules[name]
        lines = [*self.compiling(name), self.statement('doing = "link"')]
        self.assign("doing")
        variable = self.bind(bound)
        source = self.scenario.guest if name == GUEST else self.scenario.modules.get(name)
        shared = source is not None and source.wat is not None and _SHARED.search(source.wat) is not None
        self.instances[bound] = Instance(variable, module.types, shared)  # host functions may use it
        entries = self.entries(module.types, imports, out)
        words = {"module": self.compiled[name], "imports": ", ".join(entries)}
        if self.scenario.wasi is not None and wasi.concerns(module.types):
            text = self.snippet("wasi_instance", **words)
        else:
            needs = module.types is None or module.types.imports or entries
            text = self.snippet("linked" if needs else "instance", **words)
        lines.append(self.statement(f"{variable} = {text}"))
        return Code(lines, '"done"', [], None)

    def compiling(self, name: str) -> list[str]:
        if name in self.compiled:
            return []
        self.used[name] = self.language.variable(name.upper() + "_WASM")
        variable = self.compiled[name] = self.assign(self.language.variable(f"{name}_module"))
        return [self.statement(f"{variable} = {self.snippet('module', bytes=self.used[name])}")]

    def entries(self, types: ModuleTypes | None, specs: Mapping[str, model.ImportSpec], out: list[str]) -> list[str]:
        found = []
        for wanted in types.imports if types is not None else ():
            spec = specs.get(f"{wanted.module}.{wanted.name}")
            if spec is None:
                continue
            item = self.extern(f"{wanted.module}_{wanted.name}", spec, wanted.type, out)
            words = {"namespace": self.language.text(wanted.module), "name": self.language.text(wanted.name)}
            found.append(self.snippet("import", item=item, **words))
        return found

    def extern(self, name: str, spec: model.ImportSpec, signature: FuncType | None, out: list[str]) -> str:
        if isinstance(spec, model.ImportedMemory):
            return self.memory(spec.memory, None, out)
        if isinstance(spec, model.ImportedExport):
            if spec.instance not in self.instances:
                raise ReproError(f"{spec.where}: there is no instance '{spec.instance}' where this is written")
            return self.exported(self.instances[spec.instance], spec.export)
        if isinstance(spec, model.BoundGlobal):
            return self.objects[spec.variable]
        if isinstance(spec, model.ImportedGlobal):
            variable = self.assign(self.language.variable(f"{name}_global"))
            out.append(self.statement(f"{variable} = {self.new_global(spec.type, spec.value, spec.mutable)}"))
            return variable
        signature = signature or FuncType()
        function = self.hosted.get(id(spec))
        if function is None:
            function = self.hosted[id(spec)] = self.language.variable(name)
            out += [*self.host_function(function, spec, signature), ""]
        kinds = {
            "params": ", ".join(self.snippet("value_type", kind=kind, KIND=kind.upper()) for kind in signature.params),
            "results": ", ".join(
                self.snippet("value_type", kind=kind, KIND=kind.upper()) for kind in signature.results
            ),
        }
        return self.snippet("import_function", function=function, **kinds)

    def host_function(self, name: str, spec: model.HostFunction, signature: FuncType) -> list[str]:
        self.nested.append({})
        body: list[str] = []
        for param, kind in zip(spec.params, signature.params, strict=False):
            variable = self.names[param] = self.bind(param)
            if values.is_float(kind):
                self.floats[param] = kind
            if param in self.negatives:
                body.append(self.statement(f"{self.assign(variable + '_negative')} = {variable}_ < 0"))
            body.append(self.statement(f'{variable} = bits("{kind}", {variable}_)'))
        self.play(spec.steps, body)
        returned = [
            self.argument(literal, kind) for literal, kind in zip(spec.returns, signature.results, strict=False)
        ]
        if spec.throw is not None or spec.trap is not None:
            text = self.language.text(spec.throw or spec.trap or "")
            trap = spec.trap is not None and self.recipe.has("trap")
            body.append(self.language.throw(self.snippet("trap", text=text) if trap else self.language.new_throw(text)))
        elif returned:
            body.append(self.language.give_back(returned))
        scope = self.nested.pop()
        return self.language.function(
            name, [self.language.variable(param) for param in spec.params], body or [self.language.nothing], list(scope)
        )
