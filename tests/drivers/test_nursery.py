"""Drivers that are forked from a process with an imported runtime are as apart as those that are started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from linmem import paths
from linmem.drivers.client import Driver
from linmem.drivers.nursery import Nursery
from linmem.protocol import DriverDied, DriverTimeout
from linmem.provision.environments import Provided
from linmem.run.session import NotStarted, Session

FAKE = Path(__file__).parents[1] / "fakes" / "forkable.py"
COMMAND = [sys.executable, "-E", "-s", "-B", str(FAKE)]
KIT = str(paths.RUNTIMES / "kits" / "python")
Processes = Callable[..., "list[str]"]
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs the subreaper of Linux")


@pytest.fixture
def mark() -> str:
    return f"FAKE_FORKS={uuid.uuid4()}"


@pytest.fixture
def env(mark: str) -> dict[str, str]:
    name, _, value = mark.partition("=")
    return {"KIT": KIT, name: value}


@pytest.fixture
def nursery(env: dict[str, str]) -> Iterator[Nursery]:
    nursery = Nursery(COMMAND, env)
    yield nursery
    nursery.close()


@pytest.fixture
def make(nursery: Nursery) -> Iterator[Callable[[], Driver]]:
    drivers: list[Driver] = []

    def make() -> Driver:
        drivers.append(Driver(COMMAND, label="forkable", timeout=60.0, nursery=nursery))
        drivers[-1].start()
        drivers[-1].request("module.compile", {"bytes": b""})
        drivers[-1].request("instance.create", {"module": 2, "imports": [], "glue": None})
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.kill()


def call(driver: Driver, name: str) -> object:
    return driver.request("function.call", {"instance": 3, "name": name, "args": [], "results": []})


def told(driver: Driver) -> dict[str, Any]:
    call(driver, "tell")
    found: dict[str, Any] = json.loads(driver.take_stderr())
    return found


def test_each_driver_is_apart(make: Callable[[], Driver]) -> None:
    one, other = make(), make()
    first, second = told(one), told(other)
    for what in ("folder", "pid", "group", "random"):
        assert first[what] != second[what]
    for found, driver in ((first, one), (second, other)):
        assert found["temporary"] == found["folder"]
        assert Path(found["folder"]).is_dir()
        assert (found["pid"], found["calls"]) == (driver.pid, 1)
    with pytest.raises(DriverDied, match="the runtime's process was killed by SIGABRT"):
        call(one, "dies")
    assert not Path(first["folder"]).exists()
    assert told(other)["calls"] == 2
    other.close()
    assert not Path(second["folder"]).exists()


def test_a_forked_driver_ends_when_it_is_asked_to(make: Callable[[], Driver], processes_of_group: Processes) -> None:
    driver = make()
    pid = driver.pid
    assert driver.alive
    driver.close()
    assert not driver.alive
    assert not processes_of_group(pid)


def test_a_forked_driver_that_hangs_or_is_stopped_is_ended(make: Callable[[], Driver]) -> None:
    driver = make()
    driver.timeout = 0.5
    with pytest.raises(DriverTimeout, match=r"no answer within 0\.5 s"):
        call(driver, "hangs")
    driver = make()
    assert driver.pid is not None
    os.kill(driver.pid, signal.SIGSTOP)
    with pytest.raises(DriverTimeout, match="was stopped by SIGSTOP"):
        call(driver, "tell")


@linux
def test_what_left_the_session_ends_with_its_driver(
    make: Callable[[], Driver], mark: str, processes_with: Processes
) -> None:
    one, other = make(), make()
    call(one, "leaves a daemon")
    count = len(processes_with(mark, 0))
    one.close()
    assert len(processes_with(mark, 0)) == count - 3  # the keeper, the driver and the daemon
    assert told(other)["calls"] == 1


@linux
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_a_killed_harness(
    end: signal.Signals, mark: str, env: dict[str, str], processes_with: Processes
) -> None:
    script = (
        "import os\n"
        "from linmem.drivers.client import Driver\n"
        "from linmem.drivers.nursery import Nursery\n"
        f"nursery = Nursery({COMMAND!r}, {{}})\n"
        f"driver = Driver({COMMAND!r}, label='forkable', nursery=nursery)\n"
        "driver.start()\n"
        f"os.kill(os.getpid(), {int(end)})\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], env={**os.environ, **env}, check=False)
    assert ended.returncode == -end
    assert processes_with(mark) == []


def session(env: dict[str, str]) -> Session:
    return Session("forkable", None, lambda: Provided(COMMAND, env, "1.0", "here", True), {}, 60.0)


def test_a_new_process_is_forked(env: dict[str, str], mark: str, processes_with: Processes) -> None:
    runtime = session(env)
    runtime.start()
    assert runtime._nursery is not None
    before = runtime.pid
    runtime.discard()
    runtime.start()
    assert runtime.pid not in (None, before)
    assert runtime._nursery is not None
    runtime.close()
    assert processes_with(mark) == []


def test_a_library_with_threads_is_not_forked(env: dict[str, str]) -> None:
    runtime = session({**env, "FORKABLE": "starts a thread"})
    assert runtime.start().runtime["version"] == "1.0"
    assert runtime._nursery is None
    runtime.close()


def test_why_a_driver_does_not_start_is_told(env: dict[str, str]) -> None:
    runtime = session({**env, "FORKABLE": "fails"})
    words = r"could not be started: the runtime's process ended with status 1 \(it printed: no runtime here\)"
    with pytest.raises(NotStarted, match=words):
        runtime.start()


def test_a_nursery_that_is_lost_is_done_without(env: dict[str, str]) -> None:
    runtime = session(env)
    runtime.start()
    assert runtime._nursery is not None
    runtime._nursery._process.kill()
    runtime._nursery._process.wait()
    runtime.discard()
    assert runtime.start().runtime["version"] == "1.0"
    runtime.close()
