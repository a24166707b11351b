"""A runtime's session: one driver process after another, as faults demand, and what is kept between scenarios."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from linmem.drivers.client import Driver
from linmem.errors import Unavailable
from linmem.protocol import CallFailed, DriverDied, DriverGarbage, DriverTimeout
from linmem.provision.environments import Provided
from linmem.run.session import LATER, MAX_MODULES, PAUSES, NotStarted, Session

FAKE = Path(__file__).parents[1] / "fakes" / "fake_driver.py"
PROBES = {"threads": b"threads", "memory64": b"memory64"}
Make = Callable[..., Session]
Processes = Callable[..., "list[str]"]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes sessions with fake drivers, and closes them."""
    monkeypatch.setenv("LINMEM_CACHE", str(tmp_path / "cache"))
    sessions: list[Session] = []

    def make(*args: str, timeout: float = 20.0, env: dict[str, str] | None = None) -> Session:
        provided = Provided([sys.executable, str(FAKE), *args], env or {}, "1.0", "here")
        sessions.append(Session("fake", None, lambda: provided, PROBES, timeout))
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()


def compiled(session: Session, module: bytes) -> int | CallFailed:
    return session.compiled(session.compile(module))


def call(session: Session, name: str) -> object:
    return session.reply(session.post("function.call", {"name": name, "results": []}))


def test_the_driver_is_started_when_it_is_needed(make: Make) -> None:
    session = make()
    assert (session.pid, session.alive, session.take_stderr()) == (None, False, "")
    assert call(session, "plain") == {"values": []}
    assert session.alive
    pid = session.pid
    assert session.start().runtime["version"] == "1.0"
    assert session.pid == pid
    session.close()
    assert (session.pid, session.alive) == (None, False)


def test_what_the_driver_offers(make: Make) -> None:
    session = make()
    assert (session.unit("bytewise"), session.unit("DataView")) == (1, None)
    assert (session.view_for("u8"), session.view_for("f64")) == ("bytewise", None)
    assert not session.runs_glue("go")
    assert session.features() == {"threads": True, "memory64": True}


@pytest.mark.parametrize(("fault", "kind"), [("sigkill", DriverDied), ("prints", DriverGarbage)])
def test_after_a_fault_the_next_use_gets_a_new_process(fault: str, kind: type[Exception], make: Make) -> None:
    session = make()
    session.start()
    first = session.pid
    request = session.post("function.call", {"name": fault, "results": []})
    with pytest.raises(kind):
        session.reply(request)
    assert not session.alive
    assert call(session, "plain") == {"values": []}
    assert session.pid not in (None, first)


def test_an_answer_that_was_due_from_a_lost_process_is_not_waited_for(make: Make) -> None:
    session = make()
    lost = session.post("function.call", {"name": "sigkill", "results": []})
    with pytest.raises(DriverDied):
        session.reply(lost)
    with pytest.raises(DriverDied, match="the runtime's process is not running"):
        session.reply(lost + 1)


def test_another_process_gets_ready_while_other_runtimes_play(make: Make, processes_of_group: Processes) -> None:
    session = make()
    with pytest.raises(DriverDied):
        call(session, "exits")
    assert session.take_stderr() == "I had enough\n"  # of the one that is gone
    [spare] = session._spares
    pid = spare.pid
    assert session.start().runtime["name"] == "fake"
    assert session.pid == pid
    [spare] = session._spares  # who has lost one may lose another
    next_pid = spare.pid
    session.discard()
    assert session.pid is None
    assert session.start().runtime["name"] == "fake"
    assert session.pid == next_pid
    assert not processes_of_group(pid)
    [last] = [spare.pid for spare in session._spares]
    session.close()
    assert not processes_of_group(next_pid)
    assert not processes_of_group(last)


def test_as_many_processes_are_at_hand_as_were_asked_for(make: Make, processes_of_group: Processes) -> None:
    session = make()
    session.prepare(3)
    session.prepare(2)
    pids = [spare.pid for spare in session._spares]
    assert len(set(pids)) == 3
    used = []
    for _ in pids:
        session.start()
        used.append(session.pid)
        session.discard()
    assert used == pids
    session.close()
    assert not any(map(processes_of_group, pids))


def test_processes_that_ended_while_nobody_looked_are_passed_over(make: Make) -> None:
    session = make()
    session.prepare(2)
    for spare in session._spares:
        os.kill(spare.pid, signal.SIGKILL)
    assert session.start().runtime["name"] == "fake"
    session.close()


def test_a_timeout_ends_the_process(make: Make) -> None:
    session = make(timeout=0.3)
    with pytest.raises(DriverTimeout, match=r"no answer within 0\.3 s"):
        call(session, "hangs")
    session.start()
    assert session._live is not None
    session._live.timeout = 20.0
    assert call(session, "plain") == {"values": []}


def test_compiling_may_take_longer_than_a_step(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linmem.run.session.COMPILING", 600)
    session = make(timeout=0.2, env={"FAKE_COMPILING": "0.3"})
    assert isinstance(compiled(session, b"module"), int)
    with pytest.raises(DriverTimeout, match=r"no answer within 0\.2 s"):  # a step has its own time again
        call(session, "hangs")


def test_compiling_does_not_take_for_ever(make: Make) -> None:
    session = make(timeout=0.1, env={"FAKE_COMPILING": "600"})
    with pytest.raises(DriverTimeout, match=r"no answer within 0\.6"):
        compiled(session, b"module")


def test_the_last_words_of_a_lost_process_can_still_be_read(make: Make) -> None:
    session = make()
    with pytest.raises(DriverDied):
        call(session, "exits")
    assert session.take_stderr() == "I had enough\n"


def test_a_process_that_ended_between_scenarios_is_told_of_once(make: Make) -> None:
    session = make()
    assert call(session, "exits_after_the_answer") == {"values": []}
    while session.alive:
        pass
    with pytest.raises(
        DriverGarbage, match="after the scenario before this one, the runtime's process ended with status 0"
    ):
        session.start()
    session.start()
    assert session.alive


def test_after_an_error_of_the_harness_the_next_scenario_gets_a_new_process(make: Make) -> None:
    """The harness has ended the process, which is no failure of the scenario that comes next."""
    session = make()
    session.start()
    pid = session.pid

    def serve(func: str, args: list[dict[str, str]]) -> list[dict[str, str]]:
        raise KeyError("oops")

    session.on_import = serve
    session.reply(session.post("instance.create", {"imports": [{"func": "0.tick"}]}))
    with pytest.raises(KeyError):
        session.reply(session.post("function.call", {"name": "calls_for_ever", "results": []}))
    session.start()
    assert session.pid != pid
    assert session.reply(session.post("memory.size", {})) == {"pages": 1}


WHY = "fake could not be started: the runtime's process ended with status 1 (it printed: no more today)"


def test_a_start_that_fails_is_tried_again_with_growing_pauses(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "starts"
    state.write_text("started\n")
    pauses: list[float] = []
    now = [1000.0]
    monkeypatch.setattr("linmem.run.session.sleep", pauses.append)
    monkeypatch.setattr("linmem.run.session.monotonic", lambda: now[0])
    session = make("dies once it is known to work", env={"FAKE_STATE": str(state)})
    tries = len(PAUSES) + 1
    for later in (LATER, 2 * LATER):
        pauses.clear()
        before = state.read_text().count("started")
        with pytest.raises(NotStarted) as caught:
            session.start()
        assert (str(caught.value), caught.value.told) == (WHY, False)
        assert pauses == list(PAUSES)
        for _ in range(5):
            with pytest.raises(NotStarted) as caught:
                session.post("memory.size", {})
            assert (str(caught.value), caught.value.told) == (WHY, True)
        assert state.read_text().count("started") == before + tries
        now[0] += later


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_start_that_fails_once_costs_nothing(
    number: signal.Signals, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process of a runtime that was killed or stopped while it started is replaced."""
    session = make()
    launched = session._launched
    first: list[Driver] = []

    def launch() -> Driver:
        driver = launched()
        if not first:
            os.kill(driver.pid or 0, number)
        first.append(driver)
        return driver

    monkeypatch.setattr(session, "_launched", launch)
    assert session.start().runtime["name"] == "fake"
    assert len(first) == 2


def test_a_runtime_that_can_t_be_had() -> None:
    def provided() -> Provided:
        raise Unavailable("wasmer is not on PATH", "install it")

    session = Session("wasmer", None, provided, {}, 1.0)
    with pytest.raises(DriverGarbage, match=r"^wasmer is not available: wasmer is not on PATH \(install it\)$"):
        session.start()


# Compiled modules


def test_a_module_is_compiled_once_in_each_process(make: Make) -> None:
    session = make()
    first = compiled(session, b"one")
    assert compiled(session, b"two") != first
    assert compiled(session, b"one") == first
    with pytest.raises(DriverDied):
        call(session, "sigkill")
    request = compiled(session, b"one")
    assert isinstance(request, int)
    assert compiled(session, b"one") == request


def test_old_modules_are_let_go(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    session = make()
    session.start()
    released: list[object] = []
    driver = session._live
    assert driver is not None
    post = driver.post

    def noting(method: str, params: dict[str, object], factor: int = 1) -> int:
        if method == "object.release":
            released.append(params["objects"])
        return post(method, params, factor)

    monkeypatch.setattr(driver, "post", noting)
    requests = [compiled(session, str(number).encode()) for number in range(MAX_MODULES)]
    assert released == []
    compiled(session, b"0")  # was used just now, so it stays
    compiled(session, b"another")
    assert released == [[requests[1]]]


def test_a_module_that_is_refused_is_tried_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    session = make()
    refusal = CallFailed(-32000, "bad opcode", {"kind": "compile"})
    reply = session.reply
    monkeypatch.setattr(session, "reply", lambda request: (reply(request), refusal)[1])
    assert compiled(session, b"one") is refusal
    monkeypatch.undo()
    assert isinstance(compiled(session, b"one"), int)
