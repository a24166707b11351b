"""Agents: several instances that run at once, each in a thread or worker of the host's own.

For the harness it is one request. Its answer has what every call gave in every round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from linmem.play import decoding
from linmem.play.conversation import Instance, Stop, trace
from linmem.play.global_steps import GlobalSteps
from linmem.protocol import CallFailed
from linmem.results.outcome import StepTrace
from linmem.scenario import expressions, model, values
from linmem.scenario.expectations import Literal
from linmem.scenario.happened import Done, Happened, Number, Numbers, Refused
from linmem.wasm.types import FuncType, ModuleTypes

Round = dict[str, Number]


class AgentSteps(GlobalSteps):
    """Posts `agents` and judges what came of them."""

    def post_agents(self, step: model.Agents) -> None:
        self.collect()
        agents = []
        signatures = [self.agent_signatures(agent, step) for agent in step.agents]
        for agent, types in zip(step.agents, signatures, strict=True):
            self.blamed = step
            compiled = self.runtime.compiled(self.modules[agent.module].data)
            self.blamed = None
            if isinstance(compiled, CallFailed):
                self.refused(compiled, step)
                return
            imports = {**self.scenario.imports, **agent.imports}
            module = self.modules[agent.module].types
            entries = self.imports(Instance(0, module, {}), module, imports, None, step)
            calls = [self.agent_call(call, kind) for call, kind in zip(agent.calls, types, strict=True)]
            agents.append({"module": compiled, "imports": entries, "calls": calls})

        def understand(reply: dict[str, Any]) -> Happened:
            self.judge_agents(step, signatures, reply)
            return Done()

        self.due(step, "agents.run", {"agents": agents, "rounds": step.rounds}, understand)
        self.collect()  # what agents bind is no result that a later request could refer to

    def agent_signatures(self, agent: model.Agent, step: model.Agents) -> list[FuncType]:
        types: ModuleTypes | None = self.modules[agent.module].types
        if types is None:
            raise Stop("error", "the module's types can't be read, so its functions can't be called", step)
        for name in (f"{wanted.module}.{wanted.name}" for wanted in types.imports if wanted.kind == "func"):
            if isinstance({**self.scenario.imports, **agent.imports}.get(name), model.HostFunction):
                raise Stop("error", f"{agent.name} imports the host function {name}, which an agent can't call", step)
        found = []
        for call in agent.calls:
            signature = types.function(call.export)
            if signature is None:
                known = ", ".join(types.names("func")) or "none"
                raise Stop("error", f"{agent.name} exports no function '{call.export}'; it exports: {known}", step)
            if len(signature.params) != len(call.args):
                given = f"takes {len(signature.params)} arguments, the step gives {len(call.args)}"
                raise Stop("error", f"'{call.export}' {given}", step)
            if call.bind is not None and len(signature.results) != 1:
                raise Stop("error", f"'{call.export}' gives {len(signature.results)} results, and 'as' binds one", step)
            found.append(signature)
        return found

    def agent_call(self, call: model.AgentCall, signature: FuncType) -> dict[str, Any]:
        args = [self.argument(literal, kind) for literal, kind in zip(call.args, signature.params, strict=True)]
        return {"name": call.export, "args": args, "results": signature.results, "times": call.times}

    # --------------------------------------------------------------- judging

    def judge_agents(
        self, step: model.Agents, signatures: Sequence[Sequence[FuncType]], reply: Mapping[str, Any]
    ) -> None:
        """Hold every call against its own check, in every round, then the rounds against what they may come to."""
        rounds: list[Round] = [{} for _ in range(step.rounds)]
        for call, happened in self.happenings(step, signatures, reply):
            for index, one in enumerate(happened):
                if index < step.rounds - 1 and not self.good(call, one):
                    text = f" in round {index + 1}" if step.rounds > 1 else ""
                    raise Stop(
                        "fail", f"{call.text}: {self.wanted(call)}got {one}{text}", call, trace(call, one, "failed")
                    )
                if call.bind is not None and isinstance(one, Number):
                    rounds[index][call.bind] = one
            self.judge(call, happened[-1])
        for words, counted in self.broken(step, rounds):
            shown = ", ".join(
                f"{outcome} in {count} of {step.rounds} rounds" for outcome, count in counted.most_common(3)
            )
            failed = StepTrace(step.text, str(step.where), "failed", words, shown)
            raise Stop("fail", f"{step.text}: expected {words}, got {shown}", step, failed)

    def happenings(
        self, step: model.Agents, signatures: Sequence[Sequence[FuncType]], reply: Mapping[str, Any]
    ) -> Iterator[tuple[model.AgentCall, list[Happened]]]:
        """Each call, and what it came to in each round."""
        answers = reply.get("agents")
        wanted = [[step.rounds] * len(agent.calls) for agent in step.agents]
        try:
            found = [[len(call) for call in agent] for agent in answers]  # type: ignore[union-attr]
        except TypeError:
            found = []
        if found != wanted or answers is None:
            raise decoding.BadAnswer(f"for each agent and call, {step.rounds} results were due")
        for agent, types, calls in zip(step.agents, signatures, answers, strict=True):
            for call, signature, results in zip(agent.calls, types, calls, strict=True):
                yield call, [self.result(one, signature, step) for one in results]

    def result(self, reply: Mapping[str, Any], signature: FuncType, step: model.Agents) -> Happened:
        error = reply.get("error") if isinstance(reply, dict) else {}
        if error is None:
            numbers = decoding.numbers(reply, signature.results)
            return numbers[0] if len(numbers) == 1 else Numbers(tuple(numbers)) if numbers else Done()
        try:
            failure = CallFailed(error["code"], error["message"], error["data"])
        except (KeyError, TypeError):
            raise decoding.BadAnswer(f"a result has 'values' or 'error', found {decoding.shorten(reply)}") from None
        if failure.unsupported:
            raise Stop("unsupported", failure.message or "the driver can't do this", step)
        return Refused(failure)

    def good(self, call: model.AgentCall, happened: Happened) -> bool:
        if call.expect is not None:
            try:
                return call.expect.holds(happened, self.integers)
            except (values.ValueNotation, expressions.ExpressionError) as error:
                raise Stop("error", f"'expect' can't be compared: {error}", call) from None
        return call.observe is not None or not isinstance(happened, Refused)

    def wanted(self, call: model.AgentCall) -> str:
        return f"expected {call.expect}, " if call.expect is not None else ""

    def broken(self, step: model.Agents, rounds: Sequence[Round]) -> Iterator[tuple[str, Counter[str]]]:
        """Which of `allowed` and `forbidden` was broken: in words, and by what, how often."""
        if step.allowed:
            others = [found for found in rounds if not any(self.matches(row, found) for row in step.allowed)]
            if others:
                yield f"{' or '.join(map(shown, step.allowed))} only", Counter(map(shown, others))
        for row in step.forbidden:
            found_so = [found for found in rounds if self.matches(row, found)]
            if found_so:
                yield f"never {shown(row)}", Counter(map(shown, found_so))

    def matches(self, row: Mapping[str, Literal], found: Round) -> bool:
        return all(name in found and literal.holds(found[name], self.integers) for name, literal in row.items())


def shown(row: Mapping[str, object]) -> str:
    """``r1 = 0, r2 = 1``."""
    return ", ".join(f"{name} = {value}" for name, value in row.items()) or "nothing"
