"""Agents as code: a thread for each, with an instance of its own that its thread makes."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from linmem.repro.goal import ReproError
from linmem.repro.instances import compiling, extern, imports_of
from linmem.repro.steps import called, new_global
from linmem.repro.writer import ScriptWriter, StepCode, cannot
from linmem.scenario import model


def agents(script: ScriptWriter, step: model.Agents) -> StepCode:
    """All agents at once; what each of their calls came to is a step after it."""
    if not script.templates.has("agent"):
        raise cannot(step, "only reproducers for Wasmtime have agents, each with a thread and a store of its own")
    if step.meanwhile:
        why = "a reproducer waits for its agents before it goes on, so it has no place for what the host does meanwhile"
        raise cannot(step, why)
    calls_of = [[call for call in agent.calls if isinstance(call, model.AgentCall)] for agent in step.agents]
    if calls_of != [list(agent.calls) for agent in step.agents]:
        why = "a reproducer's agents only call their guests, so it has no place for what an agent's own host does"
        raise cannot(step, why)
    by_rounds = _decided_by_rounds(script, step)
    if step.rounds > 1 and by_rounds:
        raise cannot(step, "a reproducer does not count what its rounds came to")
    compiled, running = [], []
    for index, (agent, its_calls) in enumerate(zip(step.agents, calls_of, strict=True)):
        compiled += compiling(script, agent.module)
        make = script.language.variable(f"make_{agent.name}")
        script.output.add(*_maker(script, make, agent), "")
        calls = [_agent_call(script, agent, call, f"given[{index}][{i}]") for i, call in enumerate(its_calls)]
        running.append(f"    ({make}, [{', '.join(calls)}]),")
    end = f"], rounds={step.rounds})" if step.rounds > 1 else "])"
    script.output.assign("given")
    doing = script.assignment("doing", '"link"')
    lines = [*compiled, doing, "given = run_agents([", *running, script.language.statement(end)]
    together = functools.partial(_together, script, step) if by_rounds else None
    return StepCode(lines, doing=None, calls=_calls(script, step, calls_of), together=together)


def _maker(script: ScriptWriter, name: str, agent: model.Agent) -> list[str]:
    """A function that makes the agent's instance."""
    imports = []
    types, instances = script.modules[agent.module].types, script.objects.instances
    for wanted, spec, words in imports_of(script, types, {**script.scenario.imports, **agent.imports}):
        if isinstance(spec, model.ImportedExport) and spec.export == wanted.name and spec.instance in instances:
            instance = instances[spec.instance].variable
            imports.append(script.templates.snippet("agent_import_instance", instance=instance, **words))
            continue
        if isinstance(spec, model.ImportedGlobal):
            item = new_global(script, "agent_global", spec.type, spec.value, spec.mutable)
        else:
            item = extern(script, wanted, spec)
        imports.append(script.templates.snippet("agent_import", item=item, **words))
    module = script.compiled[agent.module]
    text = script.templates.snippet("agent", make=name, module=module, imports="\n".join(imports))
    return text.rstrip("\n").split("\n")


def _agent_call(script: ScriptWriter, agent: model.Agent, call: model.AgentCall, given: str) -> str:
    types = script.modules[agent.module].types
    signature = types.function(call.export) if types is not None else None
    if signature is None:
        raise ReproError(f"{call.where}: {agent.name} exports no function '{call.export}' whose type can be read")
    script.outcomes[id(call)] = given, signature
    args = zip(call.args, signature.params, strict=True)
    more = "".join(f", {script.names.argument(literal, kind)}" for literal, kind in args)
    text = script.templates.snippet("agent_call", name=script.language.constant(call.export), more=more)
    return f"({call.times}, {text})"


# ----------------------------------------------------------------- what came of it


def call(script: ScriptWriter, step: model.AgentCall) -> StepCode:
    """What an agent's call came to."""
    given, signature = script.outcomes[id(step)]
    return called(script, step, f"result_of({given})", signature.results)


def _calls(
    script: ScriptWriter, step: model.Agents, calls_of: Sequence[Sequence[model.AgentCall]]
) -> Sequence[model.AgentCall]:
    """Calls whose outcomes are steps; there may be none where the agents themselves may be refused."""
    calls = [call for its_calls in calls_of for call in its_calls]
    refusable = step.expect is not None or step.observe is not None
    return [] if refusable and not any(script.goal.same(call) for call in calls) else calls


def _together(script: ScriptWriter, step: model.Agents) -> None:
    """Write what the calls of the only round came to together."""
    assert script.goal.result is not None
    language = script.language
    shown = []
    for call in (call for agent in step.agents for call in agent.calls):
        if call.bind is not None:
            kind = script.outcomes[id(call)][1].results[0]
            text = script.show(kind, script.names.variables[call.bind])
            shown.append(f"{language.constant(f'{call.bind} = ')} + {text}")
    script.announce(step, script.goal.result.steps[-1].expected or "")
    script.output.add(
        f'came = ", ".join([{", ".join(shown)}]) + " in 1 of 1 rounds"',
        language.text("print", label="  actual:  ", what="came"),
        language.statement("finish()"),
    )


def _decided_by_rounds(script: ScriptWriter, step: model.Agents) -> bool:
    """Whether a round decided the case: by `allowed` or `forbidden`, or by a call of many rounds."""
    goal = script.goal
    if goal.result is None or not goal.turn:
        return False
    if goal.same(step):
        return step.expect is None and goal.result.steps[-1].expected is not None
    return step.rounds > 1 and any(goal.same(call) for agent in step.agents for call in agent.calls)
