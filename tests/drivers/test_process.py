"""Driver processes: what they start ends with them, and they end with the harness, however each of these comes about."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from linmem.drivers import process
from linmem.drivers.client import Driver
from linmem.protocol import DriverDied

FAKE = Path(__file__).parents[1] / "fakes" / "fake_driver.py"
Processes = Callable[..., "list[str]"]
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs the subreaper of Linux")


@pytest.fixture
def mark() -> str:
    return f"FAKE_DAEMON={uuid.uuid4()}"


@pytest.fixture
def driver(mark: str) -> Driver:
    name, _, value = mark.partition("=")
    driver = Driver([sys.executable, str(FAKE)], label="fake", env={name: value}, timeout=60.0)
    driver.start()
    return driver


def call(driver: Driver, name: str) -> object:
    return driver.request("function.call", {"instance": 1, "name": name, "args": [], "results": []})


def test_the_process_id_is_the_driver_s(driver: Driver, processes_of_group: Processes) -> None:
    pid = driver.pid
    assert pid is not None
    assert f"{FAKE}\0".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(DriverDied, match="killed by SIGKILL"):
        call(driver, "plain")
    assert not processes_of_group(pid)


@linux
def test_what_left_the_session_ends_with_its_driver(driver: Driver, mark: str, processes_with: Processes) -> None:
    assert call(driver, "leaves_a_daemon") == {"values": []}
    assert len(processes_with(mark, 0)) == 3  # the keeper, the driver and the daemon
    driver.close()
    assert processes_with(mark, 0) == []


@linux
def test_what_left_the_session_ends_when_its_driver_dies(driver: Driver, mark: str, processes_with: Processes) -> None:
    with pytest.raises(DriverDied, match="ended with status 4"):
        call(driver, "leaves_a_daemon_and_dies")
    assert processes_with(mark, 0) == []


@linux
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_nothing_outlives_a_killed_harness(end: signal.Signals, mark: str, processes_with: Processes) -> None:
    """Neither a daemon nor a driver that has been stopped and would never see its input end."""
    script = (
        "import os, sys\n"
        "from linmem.drivers.client import Driver\n"
        f"driver = Driver([sys.executable, {str(FAKE)!r}], label='fake')\n"
        "driver.start()\n"
        "def post(name):\n"
        "    return driver.post('function.call', {'instance': 1, 'name': name, 'args': [], 'results': []})\n"
        "driver.reply(post('leaves_a_daemon'))\n"
        "post('stops_itself')\n"
        "driver.flush()\n"
        "while driver._process.stopped is None: pass\n"
        f"os.kill(os.getpid(), {int(end)})\n"
    )
    name, _, value = mark.partition("=")
    ended = subprocess.run([sys.executable, "-c", script], env={**os.environ, name: value}, check=False)
    assert ended.returncode == -end
    assert processes_with(mark) == []


def test_a_driver_that_stops_its_keeper_is_ended_all_the_same(
    driver: Driver, mark: str, processes_with: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "KILL_SECONDS", 0.5)
    assert call(driver, "stops_its_parent") == {"values": []}
    assert driver.kill() == -signal.SIGKILL
    assert processes_with(mark) == []


def test_a_command_that_can_t_be_started_says_why() -> None:
    driver = Driver(["/nowhere/driver"], label="none")
    with pytest.raises(DriverDied, match="ended with status 127"):
        driver.start()
    assert driver.take_stderr() == "can't start /nowhere/driver: No such file or directory\n"
