"""Checks of agents: instances that run at once."""

from __future__ import annotations

from typing import Any

from linmem.check import modules
from linmem.check.driver import DriverUnderTest, Lacking, Untested, Wrong, i32, imported, said, same
from linmem.play import decoding
from linmem.protocol import INVALID_PARAMS, CallFailed
from linmem.scenario import values

RUN, START = "agents.run", "agents.start"


def count(driver: DriverUnderTest) -> None:
    """Two agents count up on one memory in turns of the machine's."""
    owner, agent = _owner(driver)
    one = {**agent, "calls": [_call("add", i32(0), i32(1), times=100)]}
    other = {**agent, "calls": [_call("add", i32(4), i32(2)), _call("add", i32(0), i32(1), times=100)]}
    answers = _run(driver, [one, other], rounds=3)
    for calls in answers:
        same(RUN, [3] * len(calls), [len(results) for results in calls])
    same(RUN, [0, 2, 4], [_value(result) for result in answers[1][0]])
    same(RUN, [600], driver.call(owner, "load", 0))
    same(RUN, [6], driver.call(owner, "load", 4))
    last = max(_value(calls[-1][-1]) for calls in answers)
    same(RUN, "599, the value before the last increment", f"{last}, the value before the last increment")


def wait(driver: DriverUnderTest) -> None:
    """One agent waits, the other wakes it."""
    _, agent = _owner(driver)
    sleeper, waker = ({**agent, "calls": [_call(name)]} for name in ("wait", "wake"))
    answers = _run(driver, [sleeper, waker], rounds=2)
    found = [[_value(result) for result in calls[0]] for calls in answers]
    same(RUN, [[0, 0], [1, 1]], found, "woken, and woke one, twice: agents run at once")


def trap(driver: DriverUnderTest) -> None:
    """A trap ends its call only."""
    owner, agent = _owner(driver)
    calls = [_call("unreachable", results=[], times=2), _call("add", i32(0), i32(7))]
    answers = _run(driver, [{**agent, "calls": calls}], rounds=1)
    error = answers[0][0][0].get("error", {})
    same(RUN, "trap", error.get("data", {}).get("kind"))
    same(RUN, 0, _value(answers[0][1][0]))
    same(RUN, [7], driver.call(owner, "load", 0))


def no_instance(driver: DriverUnderTest) -> None:
    """One agent can't be linked, so none runs."""
    owner, agent = _owner(driver)
    calls = [_call("add", i32(0), i32(1))]
    driver.refused(
        RUN,
        "link",
        agents=[{**agent, "calls": calls}, {"module": agent["module"], "imports": [], "calls": calls}],
        rounds=1,
    )
    same(RUN, [0], driver.call(owner, "load", 0))
    _run(driver, [{**agent, "calls": calls}], rounds=1)
    same(RUN, [1], driver.call(owner, "load", 0))


def own_view(driver: DriverUnderTest) -> None:
    """An agent's own host opens a view, writes and reads."""
    owner, agent = _owner(driver)
    memory, place = driver.make("memory.export", instance=owner, name="memory"), {"at": 8, "type": "u8"}
    steps = [
        {"id": -1, "method": "view.open", "params": {"memory": memory, "kind": None}},
        {"id": -2, "method": "view.write", "params": {"view": -1, **place, "value": {"type": "u8", "value": "24"}}},
        {"id": -3, "method": "view.read", "params": {"view": -1, **place}},
    ]
    ((opened, written, read),) = _run(driver, [{**agent, "calls": steps}], rounds=1)
    for result in (*opened, *written, *read):
        error = result.get("error", {})
        if error.get("data", {}).get("kind") == "unsupported":
            raise Untested(f"an agent's thread has no such view: {error.get('message')}")
    same(RUN, "24", str(decoding.reading(read[0], "u8", 1)))
    same(RUN, [24], driver.call(owner, "load", 8))


def meanwhile(driver: DriverUnderTest) -> None:
    """An agent that was started waits until another wakes it."""
    _, agent = _owner(driver)
    if driver.lacks(START):
        raise Lacking(START)
    sleeper, waker = ({**agent, "calls": [_call(name)]} for name in ("wait", "wake"))
    running, reply = driver.attempt(START, agents=[sleeper])
    if isinstance(reply, CallFailed):
        raise Wrong(START, "a result", said(reply))
    same(START, 1, _value(_run(driver, [waker], rounds=1)[0][0][0]))
    answers = driver.ask("agents.finish", agents=running).get("agents", [])
    same("agents.finish", [[[0]]], [[list(map(_value, results)) for results in calls] for calls in answers])


def _call(name: str, *args: Any, results: Any = ("i32",), times: int = 1) -> dict[str, Any]:
    return {"name": name, "args": list(args), "results": list(results), "times": times}


def _owner(driver: DriverUnderTest) -> tuple[int, dict[str, Any]]:
    """An instance with a shared memory, and an agent that imports it. Raises `Untested` where that can't be had."""
    if driver.lacks(RUN):
        raise Lacking(RUN)
    params = {"bytes": modules.encoded("shared")}
    module, _ = driver.request("module.compile", params, "the runtime compiles no shared memory")
    owner = driver.make("instance.create", module=module, imports=[], glue=None)
    memory = imported("memory", instance=owner, export="memory")
    return owner, {"module": driver.module("agent"), "imports": [memory]}


def _run(driver: DriverUnderTest, agents: list[dict[str, Any]], rounds: int) -> list[Any]:
    """What the agents' calls came to. Raises `Untested` where the host API can't give them the memory, and says so."""
    _, reply = driver.attempt(RUN, agents=agents, rounds=rounds)
    if isinstance(reply, CallFailed):
        if reply.kind == "unsupported" or (reply.kind == "host" and reply.type and reply.code != INVALID_PARAMS):
            raise Untested(f"the host API gives agents no shared memory: {reply.type}: {reply.message}")
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
