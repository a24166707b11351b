"""Agents that run at once: how a scenario says it, what is asked, and how what came of it is judged."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from toyruntime import ToyRuntime, refused

from linmem.protocol import CallFailed, DriverTimeout
from linmem.results.outcome import Result
from linmem.scenario.model import Agents, Suite
from linmem.scenario.source import SourceError

Play = Callable[..., Result]
Load = Callable[[str], Suite]


def suite(steps: str, more: str = "") -> str:
    """A suite whose guest exports a shared memory, and whose module `worker` agents instantiate."""
    body = "".join(f"      {line}\n" for line in steps.strip().splitlines())
    return f"""title: t
wat: (module (memory (export "memory") 1 1 shared))
modules:
  worker:
    wat: |
      (module
        (import "env" "memory" (memory 1 1 shared))
        (func (export "next") (result i32) unreachable)
        (func (export "take") (param i32 i64) (result i64) unreachable)
        (func (export "trap") unreachable)
        (func (export "two") (result i32 i32) unreachable))
imports:
  env.memory: {{export: guest.memory}}
observations:
  seen: {{question: What?, answers: {{3: three}}}}
{more}scenarios:
  - name: s
    steps:
{body}"""


def counting() -> ToyRuntime:
    """`next` gives 0, 1, 2 and so on, whoever calls; `take` gives its sum."""
    numbers = itertools.count()

    def trap() -> int:
        raise refused("trap", "unreachable", "Trap")

    return ToyRuntime({"next": lambda: next(numbers), "take": lambda a, b: a + b, "trap": trap})


# What is asked


def test_one_request_says_it_all(play: Play) -> None:
    toy = counting()
    steps = """
- agents:
    one: {instantiate: worker, calls: [{call: next}, {call: take, args: [-1, 7], times: 3}]}
    other: {instantiate: worker, calls: [{call: next}]}
  rounds: 2
"""
    assert play(suite(steps), toy).outcome == "pass"
    imports = [{"module": "env", "name": "memory", "instance": toy.number("instance.create"), "export": "memory"}]
    (first, second) = toy.params("agents.run")["agents"]
    assert toy.params("agents.run")["rounds"] == 2
    assert first["imports"] == second["imports"] == imports
    assert first["module"] == second["module"]
    assert first["calls"] == [
        {"name": "next", "args": [], "results": ("i32",), "times": 1},
        {
            "name": "take",
            "args": [{"type": "i32", "value": "4294967295"}, {"type": "i64", "value": "7"}],
            "results": ("i64",),
            "times": 3,
        },
    ]


def test_results_are_bound_by_the_last_round(play: Play) -> None:
    toy = counting()
    steps = """
- agents:
    one: {instantiate: worker, calls: [{call: next, as: x, expect: {any_of: [0, 2, 4]}}]}
    other: {instantiate: worker, calls: [{call: next, as: y, times: 1}]}
  rounds: 3
- agents:
    one: {instantiate: worker, calls: [{call: take, args: [x, y], expect: x + y, as: z}]}
- {read: u8, at: z * 0, expect: 0}
"""
    assert play(suite(steps), toy).outcome == "pass"
    assert [arg["value"] for arg in toy.params("agents.run", 1)["agents"][0]["calls"][0]["args"]] == ["4", "5"]


MEANWHILE = """
- agents:
    one: {instantiate: worker, calls: [{call: next, as: x}]}
  meanwhile:
    - {view: default, as: v}
    - {write: u8, at: 3, value: 7, through: v}
    - {read: u8, at: 3, as: n, expect: %d}
- {read: u8, at: n + x - 4, through: v, expect: 7}
"""


def test_what_the_host_does_meanwhile_is_asked_between_start_and_finish(play: Play) -> None:
    toy = counting()
    assert play(suite(MEANWHILE % 7), toy).outcome == "pass"
    begin = toy.posted.index("agents.start")
    found = [method for method in toy.posted[begin:] if method != "memory.export"]
    asked = ["agents.start", "view.open", "view.write", "memory.read", "agents.finish", "view.read", "object.release"]
    assert found == asked
    assert toy.params("agents.finish") == {"agents": toy.number("agents.start")}
    assert toy.events.index("wait agents.start") < toy.events.index("post view.open")


def test_a_step_that_fails_meanwhile_ends_the_scenario(play: Play) -> None:
    toy = counting()
    result = play(suite(MEANWHILE % 8), toy)
    assert (result.outcome, result.message) == ("fail", "read u8 at 3: expected 8, got 7")
    assert toy.posted[-1] == "object.release"


WRITES = """
- agents:
    one: {instantiate: worker, calls: [{write: u8, at: 3, value: 7}]}
  meanwhile: [{read: u8, at: 3, expect: %d}]
"""


@pytest.mark.parametrize(("expected", "outcome"), [(7, "unsupported"), (0, "unsupported")])
def test_what_fails_meanwhile_because_an_agent_could_not_do_its_part(expected: int, outcome: str, play: Play) -> None:
    """The agent's write is beyond the API, so nothing is known of what the host reads then."""
    toy = ToyRuntime(counting().functions, answers={"memory.write": refused("unsupported", "read only")})
    result = play(suite(WRITES % expected), toy)
    assert (result.outcome, result.message) == (outcome, "read only")
    assert toy.posted[-1] == "object.release"


def test_agents_that_can_t_begin(play: Play) -> None:
    toy = counting()
    toy.answers = {"agents.start": refused("link", "no such import", "LinkError")}
    result = play(suite(MEANWHILE % 7), toy)
    assert (result.outcome, result.message) == ("fail", "start one: got link: no such import")
    assert "view.open" not in toy.posted


def test_each_agent_may_import_something_else(play: Play) -> None:
    toy = counting()
    steps = """
- {memory: {min: 1, max: 1, shared: true}, as: made}
- instantiate: guest
- agents:
    one: {instantiate: worker, imports: {env.memory: {memory: made}}, calls: [{call: next}]}
    other: {instantiate: worker, calls: [{call: next}]}
"""
    assert play(suite(steps), toy).outcome == "pass"
    first, second = (agent["imports"][0] for agent in toy.params("agents.run")["agents"])
    assert first["object"] == toy.number("memory.create")
    assert second["instance"] == toy.number("instance.create")


# How it is judged


def agents(calls: str, rest: str = "") -> str:
    return f"- agents:\n    one: {{instantiate: worker, calls: [{calls}]}}\n{rest}"


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (agents("{call: next, expect: 1}"), "one calls next(): expected 1, got 0"),
        (agents("{call: next, expect: 0}", "  rounds: 3"), "one calls next(): expected 0, got 1 in round 2"),
        (agents("{call: next, expect: {any_of: [0, 1]}}", "  rounds: 3"), "one calls next(): expected 0 or 1, got 2"),
        (agents("{call: next, times: 3, expect: 3}"), "one calls next() 3 times: expected 3, got 2"),
        (agents("{call: trap}, {call: next}"), "one calls trap(): got trap: unreachable"),
        (agents("{call: trap, times: 2, expect: {trap: unreachable}}, {call: next, expect: 0}"), None),
        (agents("{call: trap, observe: seen}"), None),
        (
            agents("{call: next, as: x}", "  rounds: 3\n  forbidden: [{x: 7}, {x: 1}]"),
            "one run at once, 3 rounds: expected never x = 1, got x = 1 in 1 of 3 rounds",
        ),
        (
            agents("{call: next, as: x}, {call: next, as: y}", "  rounds: 3\n  allowed: [{x: 0, y: 1}, {y: 3}]"),
            "one run at once, 3 rounds: expected x = 0, y = 1 or y = 3 only, got x = 4, y = 5 in 1 of 3 rounds",
        ),
        (agents("{call: next, as: x}, {call: next, as: y}", "  rounds: 2\n  allowed: [{x: 0}, {y: 3}]"), None),
        (agents("{call: next, as: x}, {call: next, as: y}", "  forbidden: [{x: 0, y: 0}, {x: 1}]"), None),
        (agents("{call: take, args: [3, -4], as: x}", "  allowed: [{x: -1}]"), None),
    ],
)
def test_verdicts(steps: str, message: str | None, play: Play) -> None:
    result = play(suite(steps), ToyRuntime(counting().functions))
    assert (result.message or None) == message
    assert result.outcome == ("fail" if message else "pass")


def test_a_failure_shows_what_the_agents_did(play: Play) -> None:
    toy = counting()
    steps = agents("{call: next, as: x}, {call: take, args: [1, 2]}", "  forbidden: [{x: 0}]\n- {size: memory}")
    result = play(suite(steps), toy)
    assert [(step.text, step.status, step.actual) for step in result.steps] == [
        ("one calls next()", "ok", "0"),
        ("one calls take(1, 2)", "ok", "3"),
        ("one run at once", "failed", "x = 0 in 1 of 1 rounds"),
    ]
    assert "memory.size" not in toy.posted


HELD = """
- view: default
  as: given
- agents:
    one:
      instantiate: worker
      calls:
        - {view: default, as: held}
        - {write: u8, at: 3, value: 7, through: held}
        - {call: next}
        - {read: u8, at: 3, through: given, as: n, expect: %d}
        - {length: held, observe: seen}
- {read: u8, at: n - 4, through: given, expect: 7}
"""


def test_an_agent_s_host_has_views_of_its_own(play: Play) -> None:
    toy = counting()
    result = play(suite(HELD % 7), toy)
    assert (result.outcome, result.message) == ("pass", "")
    assert [(seen.id, seen.answer) for seen in result.observations] == [("seen", "65536")]
    ((opened, written, called, read, length),) = (agent["calls"] for agent in toy.params("agents.run")["agents"])
    memory, given = toy.number("memory.export"), toy.number("view.open")
    assert opened == {"id": -1, "method": "view.open", "params": {"memory": memory, "kind": None}}
    assert (written["id"], written["params"]["view"]) == (-2, -1)
    assert called["name"] == "next"
    assert (read["method"], read["params"]) == ("view.read", {"view": given, "at": 3, "type": "u8"})
    assert length == {"id": -4, "method": "view.length", "params": {"view": -1}}


def test_a_step_of_an_agent_s_host_that_fails(play: Play) -> None:
    result = play(suite(HELD % 8), counting())
    assert (result.outcome, result.message) == ("fail", "one: read u8 at 3 through given: expected 8, got 7")
    assert result.where == "f.yaml:28"


@pytest.mark.parametrize(
    ("answer", "outcome", "message"),
    [
        (refused("unsupported", "not here"), "unsupported", "not here"),
        (CallFailed(-32601, "no method"), "unsupported", "no method"),
        (refused("host", "closed"), "fail", "one: write u8 7 at 3 through held: got ToyError: closed"),
        (CallFailed(-32602, "no such view"), "error", "the driver refused it (-32602): no such view"),
    ],
)
def test_what_becomes_of_a_step_of_an_agent_s_host(answer: Any, outcome: str, message: str, play: Play) -> None:
    result = play(suite(HELD % 7), ToyRuntime(counting().functions, answers={"view.write": answer}))
    assert (result.outcome, result.message) == (outcome, message)


def test_what_is_observed(play: Play) -> None:
    result = play(suite(agents("{call: take, args: [1, 2], observe: seen}", "  rounds: 4")), counting())
    assert [(seen.id, seen.answer) for seen in result.observations] == [("seen", "three")]


@pytest.mark.parametrize(
    ("answer", "expect", "outcome", "message"),
    [
        (refused("link", "no memory"), "", "fail", "one run at once: got link: no memory"),
        (refused("link", "no memory"), "  expect: {link_error: true}", "pass", ""),
        (refused("host", "no", "DataCloneError"), "  expect: {host_error: DataCloneError}", "pass", ""),
        (CallFailed(-32601, "no method"), "", "unsupported", "no method"),
        (refused("unsupported", "not here"), "  expect: {error: true}", "unsupported", "not here"),
        (DriverTimeout("no answer within 1 s"), "", "timeout", "no answer within 1 s"),
    ],
)
def test_what_becomes_of_the_whole(answer: Any, expect: str, outcome: str, message: str, play: Play) -> None:
    result = play(suite(agents("{call: next}", expect)), ToyRuntime(answers={"agents.run": answer}))
    assert (result.outcome, result.message) == (outcome, message)
    if outcome == "timeout":
        assert result.where == "f.yaml:19"


@pytest.mark.parametrize("key", ["module.compile"])
def test_a_module_that_does_not_compile(key: str, play: Play) -> None:
    steps = "- instantiate: guest\n  expect: {compile_error: true}\n" + agents(
        "{call: next}", "  expect: {compile_error: true}"
    )
    toy = ToyRuntime(answers={key: refused("compile", "invalid")})
    assert play(suite(steps), toy).outcome == "pass"
    assert "agents.run" not in toy.posted


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"agents": None},
        {"agents": 5},
        {"agents": []},
        {"agents": [[]]},
        {"agents": [[[]]]},
        {"agents": [[[{}]]]},
        {"agents": [[["?"]]]},
        {"agents": [[[{"values": []}]]]},
        {"agents": [[[{"values": [{"type": "i32", "value": "one"}]}]]]},
        {"agents": [[[{"error": {"code": 1}}]]]},
        {"agents": [[[{"error": 7}]]]},
        {"agents": [[[{"values": [{"type": "i32", "value": "1"}]}] * 2]]},
    ],
)
def test_an_answer_that_makes_no_sense(answer: dict[str, Any], play: Play) -> None:
    result = play(suite(agents("{call: next}")), ToyRuntime(answers={"agents.run": answer}))
    assert result.outcome == "error"
    assert "the driver's answer makes no sense" in result.message


# What a file may say


def test_how_it_reads(load: Load) -> None:
    (step,) = load(suite(agents("{call: take, args: [1, 2], times: 5}", "  rounds: 7"))).scenarios[0].steps
    assert isinstance(step, Agents)
    assert step.text == "one run at once, 7 rounds"
    assert [call.text for call in step.agents[0].calls] == ["one calls take(1, 2) 5 times"]


@pytest.mark.parametrize(
    ("steps", "line", "words"),
    [
        (agents("{call: next, as: x}, {call: next, as: x}"), 19, "two calls of these agents are both bound to 'x'"),
        (agents("{call: next, as: x}", "  forbidden: [{y: 1}]"), 21, "no call of these agents is bound to 'y'"),
        (agents("{call: take, args: [q, 1]}"), 20, "unknown value 'q'"),
        (agents("{call: next, expect: q}"), 20, "unknown value 'q'"),
        (agents("{call: next, as: x}", "  allowed: [{x: q}]"), 19, "unknown value 'q'"),
        (agents('{call: next, expect: {hex: "00"}}'), 20, "the step gives numbers, not bytes"),
        (agents("{call: next}", "  expect: 5"), 21, "this step gives no value"),
        (
            agents("{call: next}", "  meanwhile: [{size: memory}]\n  rounds: 2"),
            22,
            "agents with 'meanwhile' run one round, found 2",
        ),
        (
            agents("{call: next}", "  meanwhile: [{size: memory}]\n  expect: {error: true}"),
            22,
            "agents with 'meanwhile' must begin: they have no 'expect'",
        ),
        (
            agents("{call: next}", "  meanwhile: [{instantiate: worker}]"),
            21,
            "'instantiate worker' stands before or after agents, not among what happens meanwhile",
        ),
        (agents("{call: next, as: x}", "  meanwhile: [{read: u8, at: x}]"), 21, "unknown value 'x'"),
        (agents("{call: next, as: x}, {read: u8, at: x}"), 20, "unknown value 'x'"),
        (agents("{view: default, as: v}") + "- {length: v}", 21, "unknown view 'v'"),
        ("- {view: default, as: v}\n" + agents("{view: default, as: v}"), 21, "an agent's view has a name of its own"),
        (agents("{read: u8, at: 0, in: caller.memory}"), 20, "'caller.EXPORT' is a memory of the instance that calls"),
        (agents("{size: memory}", "  rounds: 2"), 21, "agents whose host has steps of its own run one round, found 2"),
        (agents("{release: v}"), 20, "unknown step of an agent 'release'"),
        (agents("{call: next}", "  rounds: 0"), 21, "'rounds' must be an integer from 1 to 100,000, found 0"),
        (agents("{call: next, times: 0}"), 20, "'times' must be an integer from 1 to 1,000,000, found 0"),
        (agents(""), 20, "'calls' must not be empty"),
        ("- agents: {}", 19, "'agents' must not be empty"),
        ("- agents: {one: {instantiate: nobody, calls: [{call: next}]}}", 19, "unknown module 'nobody'"),
        (
            "- agents: {one: {imports: {env.f: {return: 1}}, calls: [{call: next}]}}",
            19,
            "an agent's imports can't be host functions",
        ),
    ],
)
def test_what_a_file_may_not_say(steps: str, line: int, words: str, load: Load) -> None:
    with pytest.raises(SourceError) as caught:
        load(suite(steps))
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"f.yaml:{line}:")


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (agents("{call: nothing}"), "one exports no function 'nothing'; it exports: next, take, trap, two"),
        (agents("{call: next, args: [1]}"), "'next' takes 0 arguments, the step gives 1"),
        (agents("{call: two, as: x}"), "'two' gives 2 results, and 'as' binds one"),
        (agents("{call: next, expect: 1.5}"), "'expect' can't be compared"),
    ],
)
def test_what_only_the_module_tells(steps: str, message: str, play: Play) -> None:
    result = play(suite(steps), counting())
    assert result.outcome == "error"
    assert message in result.message


def test_the_scenario_s_host_functions_are_not_for_agents(play: Play) -> None:
    text = suite(agents("{call: run}")).replace("  worker:", "  unused: {wat: (module)}\n  worker:")
    text = text.replace('(import "env" "memory"', '(import "env" "log" (func)) (import "env" "memory"')
    text = text.replace("{call: run}", "{call: next}").replace("imports:\n", "imports:\n  env.log: {}\n", 1)
    result = play(text, counting())
    assert (result.outcome, result.message) == (
        "error",
        "one imports the host function env.log, which an agent can't call",
    )
