"""The pytest plugin that a measured run loads (`tests/bench.py`): when things happen, and items to compare with.

It only wraps the protocol of items, so that scenarios are run as they are without it.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

from linmem.plugin.items import ScenarioItem

TIMES = "LINMEM_BENCH_TIMES"  # names the file that gets what was measured
BEGAN = "LINMEM_BENCH_BEGAN"  # when the process was started, in seconds since 1970
NO_OPS = "LINMEM_BENCH_NO_OPS"  # how many items that do nothing are put between the others
SOUND = "LINMEM_BENCH_SOUND"  # leave out cases with known defects
CHECKS = "LINMEM_BENCH_CHECKS"  # a module's file: put items beside each check that do its calls in this process
BLOCK = 25  # items of one kind in a row, as a suite has them, before the next kind has its turn

_spent: dict[str, list[float]] = defaultdict(list)
_moments: dict[str, float] = {}


class NoOp(pytest.Item):
    """An item that does nothing."""

    def runtest(self) -> None:
        pass


class InProcess(pytest.Item):
    """A check's API calls, by wasmtime-py in this process."""

    def runtest(self) -> None:
        store = self.api.Store(self.engine)
        exports = self.api.Instance(store, self.module, []).exports(store)
        memory = exports["memory"]
        exports["store"](store, 24)
        assert memory.read(store, 0, 1) == b"\x18"
        memory.write(store, b"\x19", 1)
        assert exports["load"](store) == 25


def note(moment: str) -> None:
    """Note that something happens for the first time."""
    _moments.setdefault(moment, time.time() - float(os.environ[BEGAN]))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Put items beside those of the run, as it is asked for."""
    if SOUND in os.environ:
        items[:] = [item for item in items if item.parent.bench.known(item.planned) is None]
    if CHECKS in os.environ:
        items[:] = compared(items, Path(os.environ[CHECKS]).read_bytes())
    count = int(os.environ.get(NO_OPS, 0))
    every = max(len(items) // count, 1) if count else 0
    for place in range(len(items) - 1, 0, -every) if every else ():
        items.insert(place, NoOp.from_parent(session, name=f"no-op-{place}"))


def compared(items: list[pytest.Item], binary: bytes) -> list[pytest.Item]:
    """Checks on each runtime, items that do nothing and checks in this process, by turns."""
    import wasmtime

    engine = wasmtime.Engine()
    module = wasmtime.Module(engine, binary)
    groups: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        groups[item.planned.case.runtime].append(item)
    first = next(iter(groups.values()))
    for item in first:
        groups["no-op"].append(NoOp.from_parent(item.parent, name="no-op"))
        other = InProcess.from_parent(item.parent, name="in-process")
        other.api, other.engine, other.module = wasmtime, engine, module
        groups["in-process"].append(other)
    return [
        item
        for start in range(0, len(first), BLOCK)
        for group in groups.values()
        for item in group[start : start + BLOCK]
    ]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop() -> Generator[None, object, object]:
    """When items begin to run, and when they have."""
    note("collected")
    found = yield
    note("played")
    return found


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Time every item."""
    began = time.perf_counter()
    found = yield
    spent = time.perf_counter() - began
    if isinstance(item, ScenarioItem):
        note("first")
        _spent[item.planned.case.runtime].append(spent)
    else:
        _spent[type(item).__name__].append(spent)
    return found


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Hand over what was measured. The first tenth of each kind's items warm up."""
    if hasattr(config, "workerinput"):
        return
    note("ended")
    medians = {kind: statistics.median(times[len(times) // 10 :]) for kind, times in _spent.items()}
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    found = {"items": medians, "mib": mib, **_moments}
    Path(os.environ[TIMES]).write_text(json.dumps(found), encoding="utf-8")
