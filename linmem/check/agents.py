"""Checks of agents: instances that run at once."""

from __future__ import annotations

from typing import Any

from linmem.check import modules
from linmem.check.bench import Bench, Checks, Lacking, Untested, Wrong, i32, said, same
from linmem.play import decoding
from linmem.protocol import INVALID_PARAMS, METHOD_NOT_FOUND, CallFailed
from linmem.scenario import values

CHECKS = Checks()
RUN = "agents.run"


@CHECKS.of(RUN, "two agents, three rounds, each call several times")
def _count(bench: Bench) -> None:
    owner, agent = _owner(bench)
    one = {**agent, "calls": [_call("add", i32(0), i32(1), times=100)]}
    other = {**agent, "calls": [_call("add", i32(4), i32(2)), _call("add", i32(0), i32(1), times=100)]}
    answers = _run(bench, [one, other], rounds=3)
    for calls in answers:
        same(RUN, [3] * len(calls), [len(results) for results in calls])
    same(RUN, [0, 2, 4], [_value(result) for result in answers[1][0]])
    same(RUN, [600], bench.call(owner, "load", i32(0), results=["i32"]))
    same(RUN, [6], bench.call(owner, "load", i32(4), results=["i32"]))
    last = max(_value(calls[-1][-1]) for calls in answers)
    same(RUN, "599, the value before the last increment", f"{last}, the value before the last increment")


@CHECKS.of(RUN, "one waits, and another notifies it")
def _wait(bench: Bench) -> None:
    _, agent = _owner(bench)
    sleeper, waker = ({**agent, "calls": [_call(name)]} for name in ("wait", "wake"))
    answers = _run(bench, [sleeper, waker], rounds=2)
    found = [[_value(result) for result in calls[0]] for calls in answers]
    if found != [[0, 0], [1, 1]]:
        raise Wrong(RUN, "0 (woken) and 1 (woke one), twice: agents run at once", str(found))


@CHECKS.of(RUN, "a trap is what its call came to, and the next call is made")
def _trap(bench: Bench) -> None:
    owner, agent = _owner(bench)
    calls = [_call("unreachable", results=[], times=2), _call("add", i32(0), i32(7))]
    answers = _run(bench, [{**agent, "calls": calls}], rounds=1)
    error = answers[0][0][0].get("error", {})
    same(RUN, "trap", error.get("data", {}).get("kind"))
    same(RUN, 0, _value(answers[0][1][0]))
    same(RUN, [7], bench.call(owner, "load", i32(0), results=["i32"]))


@CHECKS.of(RUN, "an instance that can't be made is what it all comes to")
def _no_instance(bench: Bench) -> None:
    owner, agent = _owner(bench)
    calls = [_call("add", i32(0), i32(1))]
    failure = bench.refused(
        RUN, "link", agents=[{**agent, "calls": calls}, {**agent, "imports": [], "calls": calls}], rounds=1
    )
    same(RUN, "link", failure.kind)
    same(RUN, [0], bench.call(owner, "load", i32(0), results=["i32"]))
    _run(bench, [{**agent, "calls": calls}], rounds=1)
    same(RUN, [1], bench.call(owner, "load", i32(0), results=["i32"]))


@CHECKS.of(RUN, "on a module that is not there")
def _no_module(bench: Bench) -> None:
    bench.unknown(RUN, RUN, agents=[{"module": 987654, "imports": [], "calls": []}], rounds=1)


def _call(name: str, *args: Any, results: Any = ("i32",), times: int = 1) -> dict[str, Any]:
    return {"name": name, "args": list(args), "results": list(results), "times": times}


def _owner(bench: Bench) -> tuple[int, dict[str, Any]]:
    """An instance with a shared memory, and an agent that imports it. Raises `Untested` where that can't be had."""
    if bench.lacks(RUN):
        raise Lacking(RUN)
    request = bench.post("module.compile", {"bytes": modules.base64_of(modules.SHARED)})
    reply = bench.settle(request, "module.compile")
    if isinstance(reply, CallFailed) and reply.code == METHOD_NOT_FOUND:
        raise Lacking("module.compile")
    if isinstance(reply, CallFailed):
        raise Untested("the runtime compiles no shared memory")
    owner = bench.make("instance.create", module=request, imports=[], glue=None)
    memory = {"module": "env", "name": "memory", "instance": owner, "export": "memory"}
    return owner, {"module": bench.module(modules.AGENT), "imports": [memory]}


def _run(bench: Bench, agents: list[dict[str, Any]], rounds: int) -> list[Any]:
    """What the agents' calls came to. Raises `Untested` where the host API can't give them the memory, and says so."""
    request = bench.post(RUN, {"agents": agents, "rounds": rounds})
    reply = bench.settle(request, RUN)
    if isinstance(reply, CallFailed):
        if reply.code == METHOD_NOT_FOUND:
            raise Lacking(RUN)
        if reply.kind == "unsupported" or (reply.kind == "host" and reply.type and reply.code != INVALID_PARAMS):
            raise Untested(f"agents get no shared memory: {reply.type}: {reply.message}")
        raise Wrong(RUN, "a result", said(reply))
    answers = reply.get("agents")
    if not isinstance(answers, list) or [len(calls) for calls in answers] != [len(agent["calls"]) for agent in agents]:
        raise Wrong(RUN, "for each agent a list for each of its calls", str(reply))
    return answers


def _value(result: Any) -> int:
    try:
        return decoding.numbers(result, ["i32"])[0].bits
    except (decoding.BadAnswer, values.ValueNotation, AttributeError, TypeError) as error:
        raise Wrong(RUN, "one i32", f"{result} ({error})") from None
