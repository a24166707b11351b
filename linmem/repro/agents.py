"""Agents as code: a thread for each, with an instance of its own that its thread makes."""

from __future__ import annotations

from collections.abc import Sequence

from linmem.repro.goal import ReproError
from linmem.repro.steps import Steps
from linmem.repro.writing import Code
from linmem.scenario import model
from linmem.scenario.model import Step
from linmem.wasm.types import FuncType


class AgentSteps(Steps):
    """Writes `agents`, and what each of their calls came to as a step after them."""

    def compiling(self, name: str) -> list[str]:
        """What compiles a module, where that is still to be done."""
        raise NotImplementedError

    def code(self, step: Step, out: list[str]) -> Code:
        if isinstance(step, model.Agents):
            return self.agents(step, out)
        if isinstance(step, model.AgentCall):
            return self.came_of(step)
        return super().code(step, out)

    def agents(self, step: model.Agents, out: list[str]) -> Code:
        if not self.recipe.has("agent"):
            raise ReproError(f"{step.where}: {step.text}: no reproducer can express this step yet")
        if step.rounds > 1 and self.decided_by_rounds(step):
            raise ReproError(f"{step.where}: {step.text}: no reproducer can count yet what their rounds came to")
        compiling, running = [], []
        for index, agent in enumerate(step.agents):
            compiling += self.compiling(agent.module)
            make = self.language.variable(f"make_{agent.name}")
            out += [*self.maker(make, agent, out), ""]
            calls = [self.agent_call(agent, call, f"given[{index}][{i}]") for i, call in enumerate(agent.calls)]
            running.append(f"    ({make}, [{', '.join(calls)}]),")
        rounds = f"], rounds={step.rounds})" if step.rounds > 1 else "])"
        self.assign("given")
        self.assign("doing")
        lines = [*compiling, self.statement('doing = "link"'), "given = run_agents([", *running, self.statement(rounds)]
        return Code(lines, '"done"', [], None)

    def maker(self, name: str, agent: model.Agent, out: list[str]) -> list[str]:
        """A function that makes the agent's instance."""
        types = self.modules[agent.module].types
        specs = {**self.scenario.imports, **agent.imports}
        imports = []
        for wanted in types.imports if types is not None else ():
            spec = specs.get(f"{wanted.module}.{wanted.name}")
            if spec is None:
                continue
            words = {"namespace": self.language.text(wanted.module), "name": self.language.text(wanted.name)}
            if (
                isinstance(spec, model.ImportedExport)
                and spec.export == wanted.name
                and spec.instance in self.instances
            ):
                instance = self.instances[spec.instance].variable
                imports.append(self.snippet("agent_import_instance", instance=instance, **words))
                continue
            if isinstance(spec, model.ImportedGlobal):
                value, truth = self.argument(spec.value, spec.type), self.language.truth(spec.mutable)
                item = self.snippet("agent_global", kind=spec.type, mutable=truth, value=value)
            else:
                item = self.extern(f"{wanted.module}_{wanted.name}", spec, wanted.type, out)
            imports.append(self.snippet("agent_import", item=item, **words))
        words = {"make": name, "module": self.compiled[agent.module], "imports": "\n".join(imports)}
        return self.snippet("agent", **words).rstrip("\n").split("\n")

    def extern(self, name: str, spec: model.ImportSpec, signature: FuncType | None, out: list[str]) -> str:
        """What is given for an import; what must stand before it goes to `out`."""
        raise NotImplementedError

    def agent_call(self, agent: model.Agent, call: model.AgentCall, given: str) -> str:
        types = self.modules[agent.module].types
        signature = types.function(call.export) if types is not None else None
        if signature is None:
            raise ReproError(f"{call.where}: {agent.name} exports no function '{call.export}' whose type can be read")
        self.outcomes[id(call)] = given, signature
        args = [self.argument(literal, kind) for literal, kind in zip(call.args, signature.params, strict=True)]
        more = "".join(f", {arg}" for arg in args)
        text = self.snippet("agent_call", name=self.language.text(call.export), more=more)
        return f"({call.times}, {text})"

    # ------------------------------------------------------------ what came of it

    def calls_of(self, step: model.Agents) -> Sequence[Step]:
        """Calls whose outcomes are steps; there may be none where the agents themselves may be refused."""
        calls = [call for agent in step.agents for call in agent.calls]
        refusable = step.expect is not None or step.observe is not None
        return [] if refusable and not any(self.goal.same(call.text, str(call.where)) for call in calls) else calls

    def came_of(self, call: model.AgentCall) -> Code:
        given, signature = self.outcomes[id(call)]
        return self.called(call, f"result_of({given})", signature.results)

    def write_round(self, step: model.Agents, out: list[str]) -> None:
        """What the calls of the only round came to together."""
        assert self.goal.result is not None
        expected = self.language.text(self.goal.result.steps[-1].expected or "")
        calls = [call for agent in step.agents for call in agent.calls if call.bind is not None]
        shown = [
            f"{self.language.text(f'{call.bind} = ')} + {self.show(self.outcomes[id(call)][1].results[0], name)}"
            for call in calls
            for name in [self.names[call.bind or ""]]
        ]
        out += [
            f"announce({self.language.text(f'{step.where}: {step.text}')}, {expected})",
            f'came = ", ".join([{", ".join(shown)}]) + " in 1 of 1 rounds"',
            self.print("  actual:  ", "came"),
            self.statement("finish()"),
        ]

    def decided_by_rounds(self, step: model.Agents) -> bool:
        """Whether a round decided the case: by `allowed` or `forbidden`, or by a call of many rounds."""
        if self.goal.result is None or not self.goal.turn:
            return False
        expected = self.goal.result.steps[-1].expected
        if self.goal.same(step.text, str(step.where)):
            return step.expect is None and expected is not None
        calls = (call for agent in step.agents for call in agent.calls)
        return step.rounds > 1 and any(self.goal.same(call.text, str(call.where)) for call in calls)
