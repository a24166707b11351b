"""Agents on the drivers that have them: threads and workers that run at once on one memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nodekit import command as node_command
from rawclient import RawClient, i32, runtime_command, wasm

from linmem.drivers.client import Driver
from linmem.protocol import DriverTimeout

OWNER = """
(module
  (memory (export "memory") 1 2 shared)
  (func (export "get") (param i32) (result i32) (i32.atomic.load (local.get 0))))
"""
AGENT = """
(module
  (import "env" "memory" (memory 1 2 shared))
  (import "env" "step" (global $step i32))
  (func (export "add") (param $times i32)
    (loop $again
      (drop (i32.atomic.rmw.add (i32.const 0) (global.get $step)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))
  ;; The same in two steps, with a nap between them: increments of others get lost.
  (func (export "careless") (param $times i32) (local $value i32)
    (loop $again
      (local.set $value (i32.atomic.load (i32.const 0)))
      (drop (memory.atomic.wait32 (i32.const 64) (i32.const 0) (i64.const 1000000)))
      (i32.atomic.store (i32.const 0) (i32.add (local.get $value) (global.get $step)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))
  (func (export "next") (result i32) (i32.atomic.rmw.add (i32.const 4) (i32.const 1)))
  (func (export "sleep") (result i32) (memory.atomic.wait32 (i32.const 128) (i32.const 0) (i64.const -1)))
  ;; Whether the other has told, for some seconds at most.
  (func (export "await") (result i32) (local $looks i32)
    (loop $again
      (if (i32.atomic.load (i32.const 64)) (then (return (i32.const 1))))
      (drop (memory.atomic.wait32 (i32.const 128) (i32.const 0) (i64.const 1000000)))
      (br_if $again (i32.lt_u
        (local.tee $looks (i32.add (local.get $looks) (i32.const 1)))
        (i32.const 5000))))
    (i32.const 0))
  (func (export "tell") (i32.atomic.store (i32.const 64) (i32.const 1)))
  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
  (func (export "pair") (result i64 f32) (i64.const -1) (f32.const 0.5))
  (func (export "trap") (unreachable)))
"""


def commands(name: str) -> tuple[list[str], dict[str, str]]:
    return node_command() if name == "node" else runtime_command(name)


@pytest.fixture(params=["node", "wasmtime"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def driver(name: str) -> Iterator[RawClient]:
    command, env = commands(name)
    with RawClient(command, env) as client:
        client.call("initialize", protocol=1, variant=None, cache=None)
        yield client


def call(name: str, *args: dict[str, str], results: Any = (), times: int = 1) -> dict[str, Any]:
    return {"name": name, "args": list(args), "results": list(results), "times": times}


class Board:
    """An instance that owns a shared memory, and agents that import it."""

    def __init__(self, driver: RawClient) -> None:
        self.driver = driver
        self.module = driver.make("module.compile", bytes=wasm(AGENT))
        self.owner = driver.instance(OWNER)
        self.memory = {"module": "env", "name": "memory", "instance": self.owner, "export": "memory"}

    def agent(self, *calls: dict[str, Any], step: int = 1, memory: Any = None) -> dict[str, Any]:
        new = {"module": "env", "name": "step", "global": {"type": "i32", "mutable": False, "value": str(step)}}
        return {"module": self.module, "imports": [memory or self.memory, new], "calls": list(calls)}

    def run(self, *agents: dict[str, Any], rounds: int = 1) -> Any:
        return self.driver.call("agents.run", agents=list(agents), rounds=rounds)["agents"]

    def get(self, at: int) -> int:
        return int(self.driver.function(self.owner, "get", at, results=["i32"])[0])


@pytest.fixture
def board(driver: RawClient) -> Board:
    return Board(driver)


def test_nothing_is_lost_and_each_has_its_own_global(board: Board) -> None:
    one, other = (board.agent(call("add", i32(20_000)), step=step) for step in (1, 3))
    assert board.run(one, other, rounds=2) == [[[{"values": []}] * 2]] * 2
    assert board.get(0) == 160_000


def test_they_run_at_once(board: Board) -> None:
    """What is not safe loses increments: so a count that is right says something."""
    careless = board.agent(call("careless", i32(30)))
    board.run(careless, careless)
    assert 30 <= board.get(0) < 60


def test_rounds_begin_together(board: Board) -> None:
    answers = board.run(*(board.agent(call("next", results=["i32"])) for _ in range(3)), rounds=100)
    rounds = zip(*(calls[0] for calls in answers), strict=True)
    for index, results in enumerate(rounds):
        found = sorted(int(result["values"][0]["value"]) for result in results)
        assert found == [3 * index, 3 * index + 1, 3 * index + 2]


def test_results_have_their_types(board: Board) -> None:
    ((results,),) = board.run(board.agent(call("pair", results=["i64", "f32"])))
    assert results == [{"values": [{"type": "i64", "value": "-1"}, {"type": "f32", "value": str(0x3F000000)}]}]


def test_a_call_that_fails_is_not_the_last(board: Board) -> None:
    ((trap, missing, add),) = board.run(
        board.agent(call("trap", times=3), call("nowhere"), call("add", i32(2)), step=5)
    )
    assert trap[0]["error"]["data"]["kind"] == "trap"
    assert trap[0]["error"]["data"]["message"] == "unreachable"
    assert missing[0]["error"]["data"]["kind"] == "host"
    assert add == [{"values": []}]
    assert board.get(0) == 10


def test_none_begins_where_one_can_t(board: Board, driver: RawClient) -> None:
    good, bad = board.agent(call("add", i32(1))), {**board.agent(call("add", i32(1))), "imports": []}
    for agents in ([good, bad], [bad, good], [good, good, bad]):
        assert driver.refused("agents.run", agents=agents, rounds=1)["kind"] == "link"
    assert board.get(0) == 0
    board.run(good, good)
    assert board.get(0) == 2


def test_growth_by_an_agent_is_seen_by_the_host(board: Board, driver: RawClient, name: str) -> None:
    memory = driver.make("memory.export", instance=board.owner, name="memory")
    board.run(board.agent(call("grow", results=["i32"])))
    if name == "node":
        assert driver.call("memory.size", memory=memory) == {"pages": 2}
    assert driver.call("memory.read", memory=memory, at=131071, type="u8", view=None)["value"]["value"] == "0"


def own(ident: int, method: str, **params: Any) -> dict[str, Any]:
    return {"id": ident, "method": method, "params": params}


def test_an_agent_s_host_has_a_view_of_its_own(board: Board, driver: RawClient, name: str) -> None:
    memory = driver.make("memory.export", instance=board.owner, name="memory")
    given = driver.make("view.open", memory=memory, kind=None)
    value = {"type": "u8", "value": "24"}
    ((opened, written, read, bytes_, added, missing, after),) = board.run(
        board.agent(
            own(-1, "view.open", memory=memory, kind=None),
            own(-2, "view.write", view=-1, at=8, type="u8", value=value),
            own(-3, "view.read", view=given, at=8, type="u8"),
            own(-4, "memory.read", memory=memory, at=8, type="bytes", count=2, view=None),
            call("add", i32(7)),
            own(-5, "view.open", memory=memory, kind="nothing"),
            own(-6, "view.read", view=-5, at=8, type="u8"),
        )
    )
    assert (opened, written, read) == ([{}], [{}], [{"value": value}])
    assert (bytes_, added) == ([{"bytes": "GAA="}], [{"values": []}])
    assert missing[0]["error"]["data"]["kind"] == "unsupported"
    assert after[0]["error"]["data"]["kind"] == "skipped"
    assert driver.call("view.read", view=given, at=8, type="u8") == {"value": value}
    assert board.get(0) == 7


def test_a_memory_that_the_host_made(board: Board, driver: RawClient, name: str) -> None:
    made = driver.make("memory.create", min=1, max=2, shared=True, index="i32")
    agent = board.agent(call("add", i32(7)), memory={"module": "env", "name": "memory", "object": made})
    if name == "node":
        board.run(agent, agent)
        assert driver.call("memory.read", memory=made, at=0, type="u8", view=None)["value"]["value"] == "14"
    else:  # bytecodealliance/wasmtime-py#318
        refused = driver.refused("agents.run", agents=[agent], rounds=1)
        assert (refused["kind"], refused["type"]) == ("host", "TypeError")


def test_what_can_t_go_to_a_worker() -> None:
    command, env = node_command()
    with RawClient(command, env) as driver:
        driver.call("initialize", protocol=1, variant=None, cache=None)
        alone = driver.instance('(module (memory (export "memory") 1) (func (export "f")))')
        board = Board(driver)
        for export in "memory", "f":
            memory = {"module": "env", "name": "memory", "instance": alone, "export": export}
            refused = driver.refused("agents.run", agents=[board.agent(memory=memory)], rounds=1)
            assert (refused["kind"], refused["type"]) == ("host", "DOMException")
        board.run(board.agent(call("add", i32(1))))


@pytest.mark.slow
def test_a_hundred_runs_leave_nothing_behind(board: Board, driver: RawClient) -> None:
    status = Path(f"/proc/{driver.process.pid}/status")
    if not status.exists():
        pytest.skip("only Linux tells a process's threads")

    def threads() -> int:
        return int(next(line for line in status.read_text().splitlines() if line.startswith("Threads:")).split()[1])

    agents = [board.agent(call("add", i32(1))) for _ in range(3)]
    board.run(*agents)
    before = threads()
    for _ in range(100):
        board.run(*agents)
    assert board.get(0) == 303
    end = time.monotonic() + 60
    while threads() > before and time.monotonic() < end:  # one that was joined may be about to end
        time.sleep(0.02)
    assert threads() <= before


def test_the_host_acts_while_agents_run(board: Board, driver: RawClient) -> None:
    waiting = driver.make("agents.start", agents=[board.agent(call("await", results=["i32"]))])
    assert board.get(64) == 0
    board.run(board.agent(call("tell")))
    ended = driver.call("agents.finish", agents=waiting)["agents"]
    assert ended == [[[{"values": [i32(1)]}]]]
    driver.refused("agents.finish", agents=waiting)


def test_a_release_waits_for_agents(board: Board, driver: RawClient) -> None:
    driver.make("agents.start", agents=[board.agent(call("add", i32(200_000)))])
    driver.call("object.release", all=True)
    later = Board(driver)
    assert later.run(later.agent(call("next", results=["i32"]))) == [[[{"values": [i32(0)]}]]]


@pytest.mark.slow
def test_one_that_sleeps_for_ever_is_a_timeout(name: str) -> None:
    command, env = commands(name)
    driver = Driver(command, label=name, env=env, timeout=60.0)
    try:
        driver.start()
        board = Board(_Asking(driver))  # type: ignore[arg-type]
        driver.timeout = 1.0
        with pytest.raises(DriverTimeout):
            driver.request("agents.run", {"agents": [board.agent(call("sleep", results=["i32"]))], "rounds": 1})
        assert not driver.alive
    finally:
        driver.close()


class _Asking:
    """A `Driver` as `Board` uses a `RawClient`."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    def make(self, method: str, **params: Any) -> int:
        request = self.driver.post(method, params)
        assert isinstance(self.driver.reply(request), dict)
        return request

    def instance(self, text: str) -> int:
        return self.make("instance.create", module=self.make("module.compile", bytes=wasm(text)), imports=[], glue=None)


def test_not_inside_a_host_function() -> None:
    command, env = node_command()
    with RawClient(command, env) as driver:
        driver.call("initialize", protocol=1, variant=None, cache=None)
        board = Board(driver)
        host = {"module": "env", "name": "f", "func": "env.f", "type": {"params": [], "results": []}}
        caller = driver.instance('(module (import "env" "f" (func $f)) (func (export "call") (call $f)))', host)
        found: list[Any] = []

        def serve(params: dict[str, Any]) -> list[Any]:
            agents = [board.agent(call("add", i32(1)))]
            found.append(driver.refused("agents.run", agents=agents, rounds=1)["kind"])
            found.append(driver.refused("agents.start", agents=agents)["kind"])
            return []

        driver.on_import = serve
        driver.function(caller, "call", results=[])
        assert found == ["unsupported", "unsupported"]
