"""Agents: several instances that run at once, each in a thread or worker of the host's own.

For the harness it is one request, or two where the host does something meanwhile. The answer has what every call gave
in every round. Steps of an agent's own host are requests like any other, which the driver serves in the agent's thread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from linmem.play import decoding, instances
from linmem.play.context import Context
from linmem.play.findings import Findings, due, expected
from linmem.play.pipeline import Pending, understood
from linmem.play.scope import Instance, Scope, check_arity, signature
from linmem.play.steps.calls import results
from linmem.play.stop import Stop, trace
from linmem.protocol import CallFailed, DriverFault, Reply
from linmem.results.outcome import StepTrace
from linmem.scenario import model
from linmem.scenario.expectations import Literal
from linmem.scenario.happened import Done, Happened, Number
from linmem.scenario.model import Step
from linmem.wasm.types import FuncType

Round = dict[str, Number]


def run(context: Context, step: model.Agents) -> None:
    """Run all agents of a step (`agents.run`), or start and finish them, with steps in between."""
    pipeline = context.pipeline
    pipeline.must_wait()
    pipeline.collect()
    agents, due_of = [], []
    for agent in step.agents:
        check(context, agent, step)
    for agent in step.agents:
        module = context.modules[agent.module]
        compiled = pipeline.compiled(module.data, step)
        if isinstance(compiled, CallFailed):
            instances.refused(context, compiled, step)
            return
        imports = {**context.scenario.imports, **agent.imports}
        entries = context.imports.entries(Instance(0, module.types), module.types, imports, None, step)
        instances.must_be_given(context, module.types, entries, None, step)
        calls = planned(context, agent, step)
        due_of.append([pending for pending, _ in calls])
        agents.append({"module": compiled, "imports": entries, "calls": [wire for _, wire in calls]})

    def understand(reply: dict[str, Any]) -> Happened:
        judge(context, step, due_of, reply)
        return Done()

    if step.meanwhile:
        start = Step(step.where, f"start {' and '.join(agent.name for agent in step.agents)}", None, None, None)
        running = pipeline.due(start, "agents.start", {"agents": agents}, decoding.done)
        pipeline.collect()
        for inner in step.meanwhile:
            context.post(inner)
        pipeline.due(step, "agents.finish", {"agents": running}, understand)
    else:
        pipeline.due(step, "agents.run", {"agents": agents, "rounds": step.rounds}, understand)
    try:
        pipeline.collect()  # what agents bind is no result that a later request could refer to
    except Stop as stop:
        raise (beyond(context, step, due_of) if stop.outcome == "fail" else None) or stop from None


def beyond(context: Context, step: model.Agents, due_of: Sequence[Sequence[Pending]]) -> Stop | None:
    """What an agent could not be asked, where the host's steps meanwhile failed: they may have built on it."""
    pipeline = context.pipeline
    try:
        while pipeline.pending:
            item = pipeline.pending.popleft()
            reply = pipeline.reply(item.request)
            if item.step is step and not isinstance(reply, CallFailed):
                for _ in happenings(step, due_of, reply):
                    pass
    except Stop as stop:
        return stop if stop.outcome == "unsupported" else None
    except DriverFault:  # the host's failure came first
        pass
    return None


def check(context: Context, agent: model.Agent, step: model.Agents) -> None:
    """Raises `Stop` for what an agent can't call or import."""
    module = context.modules[agent.module].types
    imports = {**context.scenario.imports, **agent.imports}
    for wanted in module.imports if module is not None else ():
        name = f"{wanted.module}.{wanted.name}"
        if wanted.kind == "func" and isinstance(imports.get(name), model.HostFunction):
            raise Stop("error", f"{agent.name} imports the host function {name}, which an agent can't call", step)
    for call in agent.calls:
        if isinstance(call, model.AgentCall):
            takes = signature(module, call.export, step, agent.name)
            check_arity(call.export, takes, len(call.args), call.bind is not None, step)


def planned(context: Context, agent: model.Agent, step: model.Agents) -> list[tuple[Pending, dict[str, Any]]]:
    """What an agent does: each step with what its answer means, and as the protocol has it."""
    found: list[tuple[Pending, dict[str, Any]]] = []
    with context.pipeline.apart() as asked:
        for call in agent.calls:
            if isinstance(call, model.AgentCall):
                takes = signature(context.modules[agent.module].types, call.export, step, agent.name)
                found.append(called(context, call, takes))
            else:
                context.post(call)
                own = asked[-1]
                wire = {"id": own.pending.request, "method": own.method, "params": own.params}
                found.append((own.pending, wire))
    return found


def called(context: Context, call: model.AgentCall, takes: FuncType) -> tuple[Pending, dict[str, Any]]:
    """The call of a guest's function."""
    argument = context.pipeline.argument
    args = [argument(literal, kind) for literal, kind in zip(call.args, takes.params, strict=True)]

    def understand(reply: dict[str, Any]) -> Happened:
        return results(decoding.numbers(reply, takes.results))

    wire = {"name": call.export, "args": args, "results": takes.results, "times": call.times}
    return Pending(call, 0, understand), wire


# ------------------------------------------------------------------- judging


def judge(context: Context, step: model.Agents, due_of: Sequence[Sequence[Pending]], reply: Mapping[str, Any]) -> None:
    """Judge every step of every agent in every round, then what the rounds came to."""
    findings: Findings = context.findings
    rounds: list[Round] = [{} for _ in range(step.rounds)]
    for call, happened in happenings(step, due_of, reply):
        for index, one in enumerate(happened):
            if index < step.rounds - 1 and not findings.good(call, one):
                text = f" in round {index + 1}" if step.rounds > 1 else ""
                wanted = expected(call, one, context.scope)
                message = f"{call.text}: {due(wanted)}got {one}{text}"
                raise Stop("fail", message, call, trace(call, one, "failed", wanted))
            if call.bind is not None and isinstance(one, Number):
                rounds[index][call.bind] = one
        findings.judge(call, happened[-1])
    for words, counted in broken(context.scope, step, rounds):
        found = ", ".join(f"{outcome} in {count} of {step.rounds} rounds" for outcome, count in counted.most_common(3))
        failed = StepTrace(step.text, str(step.where), "failed", words, found)
        raise Stop("fail", f"{step.text}: expected {words}, got {found}", step, failed)


def happenings(
    step: model.Agents, due_of: Sequence[Sequence[Pending]], reply: Mapping[str, Any]
) -> Iterator[tuple[Step, list[Happened]]]:
    """Each step of each agent, and what it came to in each round."""
    answers = reply.get("agents")
    wanted = [[step.rounds] * len(calls) for calls in due_of]
    try:
        found = [[len(call) for call in agent] for agent in answers]  # type: ignore[union-attr]
    except TypeError:
        found = []
    if found != wanted or answers is None:
        raise decoding.BadAnswer(f"for each agent and call, {step.rounds} results were due")
    for calls, given in zip(due_of, answers, strict=True):
        for pending, rounds in zip(calls, given, strict=True):
            yield pending.step, [understood(pending, answer(one)) for one in rounds]


def answer(reply: Mapping[str, Any]) -> Reply:
    """The answer to one step of an agent in one round."""
    error = reply.get("error") if isinstance(reply, dict) else {}
    if error is None:
        return dict(reply)
    try:
        return CallFailed(error["code"], error["message"], error["data"])
    except (KeyError, TypeError):
        raise decoding.BadAnswer(f"a result has 'values' or 'error', found {decoding.shorten(reply)}") from None


def broken(scope: Scope, step: model.Agents, rounds: Sequence[Round]) -> Iterator[tuple[str, Counter[str]]]:
    """Which of `allowed` and `forbidden` was broken: in words, and by what, how often."""
    if step.allowed:
        others = [found for found in rounds if not any(matches(scope, row, found) for row in step.allowed)]
        if others:
            yield f"{' or '.join(map(shown, step.allowed))} only", Counter(map(shown, others))
    for row in step.forbidden:
        found_so = [found for found in rounds if matches(scope, row, found)]
        if found_so:
            yield f"never {shown(row)}", Counter(map(shown, found_so))


def matches(scope: Scope, row: Mapping[str, Literal], found: Round) -> bool:
    """Whether a round came to what a row of `allowed` or `forbidden` names."""
    return all(name in found and literal.holds(found[name], scope.integers) for name, literal in row.items())


def shown(row: Mapping[str, object]) -> str:
    """``r1 = 0, r2 = 1``."""
    return ", ".join(f"{name} = {value}" for name, value in row.items()) or "nothing"
