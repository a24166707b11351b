"""What drivers may send: the harness stays small, and says which limit ended the conversation."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from linmem.drivers.client import Driver
from linmem.drivers.limits import Limits
from linmem.protocol import DriverFault, DriverLimit, ImportFailed

FAKE = Path(__file__).parents[1] / "fakes" / "fake_driver.py"
MIB = 1 << 20
Start = Callable[..., Driver]


@pytest.fixture
def start() -> Iterator[Start]:
    drivers = []

    def begin(**limits: float) -> Driver:
        driver = Driver([sys.executable, str(FAKE)], label="fake", timeout=60.0, limits=Limits(**limits))  # type: ignore[arg-type]
        drivers.append(driver)
        driver.start()
        driver.on_import = lambda func, args: []
        driver.request("instance.create", {"imports": [{"func": "0.tick"}]})
        return driver

    yield begin
    for driver in drivers:
        driver.close()


def post(driver: Driver, name: str) -> int:
    return driver.post("function.call", {"instance": 1, "name": name, "args": [], "results": []})


LIMITED = {
    "floods_stdout": "the driver sent more than 8 MiB for one step (see --step-mib)",
    "calls_in_a_storm": "host functions were called more than 1,000 times in one step (see --step-calls)",
    "calls_for_ever": "host functions were called more than 1,000 times in one step (see --step-calls)",
    "has_a_million_messages": "the driver sent more than 8 MiB for one step (see --step-mib)",
}


@pytest.mark.parametrize("fault", LIMITED)
def test_what_is_too_much_for_a_step(fault: str, start: Start) -> None:
    driver = start(step_mib=8, step_calls=1000)
    assert driver.reply(post(driver, "plain")) == {"values": []}
    request = post(driver, fault)
    with pytest.raises(DriverLimit) as caught:
        driver.reply(request)
    assert str(caught.value) == LIMITED[fault]
    assert caught.value.outcome == "error"
    assert not driver.alive


def test_a_message_of_very_many_values_is_not_decoded(start: Start) -> None:
    for fault in ("has_a_million_messages", "gives_empty_values"):
        driver = start()
        request = post(driver, fault)
        tracemalloc.start()
        try:
            with pytest.raises(DriverLimit, match="the driver sent a message of more than 200,000 values"):
                driver.reply(request)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 60 * MIB


def test_what_is_too_much_for_a_scenario(start: Start) -> None:
    """Each step is within its limit, and their sum is not; a new scenario has all of it again."""
    driver = start(step_mib=2, scenario_mib=4.5)
    for _ in range(3):
        driver.begin_scenario()
        for request in [post(driver, "gives_a_megabyte") for _ in range(4)]:
            driver.reply(request)
    driver.begin_scenario()
    requests = [post(driver, "gives_a_megabyte") for _ in range(5)]
    for request in requests[:4]:
        driver.reply(request)
    with pytest.raises(DriverLimit, match=r"more than 4\.5 MiB for one scenario \(see --scenario-mib\)"):
        driver.reply(requests[4])


def test_scenarios_that_were_posted_ahead_have_limits_of_their_own(start: Start) -> None:
    driver = start(step_mib=2, scenario_mib=2.5)
    requests = []
    for _ in range(4):
        driver.begin_scenario()
        requests += [post(driver, "gives_a_megabyte") for _ in range(2)]
    for request in requests:
        driver.reply(request)


def test_too_many_calls_in_a_scenario(start: Start) -> None:
    calls = []

    def serve(func: str, args: object) -> list[dict[str, str]]:
        calls.append(func)
        if len(calls) % 5 == 0:
            raise ImportFailed("host", "enough")
        return []

    driver = start(step_calls=5, scenario_calls=12)
    driver.on_import = serve
    driver.begin_scenario()
    for _ in range(2):
        driver.reply(post(driver, "calls_for_ever"))
    request = post(driver, "calls_for_ever")
    with pytest.raises(DriverLimit, match=r"more than 12 times in one scenario \(see --scenario-calls\)"):
        driver.reply(request)
    assert len(calls) == 12


def test_the_harness_does_not_grow_with_drivers_faults(start: Start) -> None:
    """Neither a buffer nor a traceback that holds one is kept, also where nothing collects cycles."""

    def commit(fault: str) -> None:
        driver = start(step_mib=8)
        try:
            driver.reply(post(driver, fault))
        except DriverFault as fault_:
            kept.append(fault_)

    kept: list[DriverFault] = []
    faults = ("floods_stdout", "floods_stdout_with_lines", "asks_for_much", "has_a_million_messages")
    for fault in faults:
        commit(fault)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for fault in faults:
            commit(fault)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert len(kept) == 2 * len(faults)
    assert after - before < MIB
