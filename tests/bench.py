"""What a check costs: `tox -e bench`.

Everything is measured side by side in one run and given as ratios of medians, because machines differ and are noisy:

* *check*: one small scenario as a pytest item (a fresh instance, four steps, release), against an item that does
  nothing, in the same pytest session, by turns;
* *in process*: the same API calls made by wasmtime-py in the harness's own process, against the same no-op item;
* *process per scenario*: spawning `node` once, against a check on the Node.js driver that is already running.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCENARIO = """
title: Benchmark
wat: |
  (module
    (memory (export "memory") 1)
    (func (export "store") (param i32) (i32.store8 (i32.const 0) (local.get 0)))
    (func (export "load") (result i32) (i32.load8_u (i32.const 1))))
scenarios:
  - name: check $number
    cases: [CASES]
    steps:
      - {call: store, args: [24]}
      - {read: u8, at: 0, expect: 24}
      - {write: u8, at: 1, value: 25}
      - {call: load, expect: 25}
"""
BLOCK = 25  # items of one kind in a row, as a suite has them, before the next kind has its turn
REACH = {"wasmtime": 2.1, "node": 1.6}


class NoOp(pytest.Item):
    """An item that does nothing."""

    def runtest(self) -> None:
        pass


class InProcess(pytest.Item):
    """The scenario's API calls, by wasmtime-py in this process."""

    def runtest(self) -> None:
        store = self.api.Store(self.engine)
        exports = self.api.Instance(store, self.module, []).exports(store)
        memory = exports["memory"]
        exports["store"](store, 24)
        assert memory.read(store, 0, 1) == b"\x18"
        memory.write(store, b"\x19", 1)
        assert exports["load"](store) == 25


class Bench:
    """A pytest plugin: puts the compared items beside each scenario item, and times every item's whole protocol."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = defaultdict(list)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        import wasmtime

        engine = wasmtime.Engine()
        text = SCENARIO.partition("wat: |")[2].partition("scenarios:")[0]
        module = wasmtime.Module(engine, text)
        by_runtime: dict[str, list[pytest.Item]] = defaultdict(list)
        for scenario in items:
            by_runtime[scenario.planned.case.runtime].append(scenario)
            by_runtime["no-op"].append(NoOp.from_parent(scenario.parent, name="no-op"))
            other = InProcess.from_parent(scenario.parent, name="in-process")
            other.api, other.engine, other.module = wasmtime, engine, module
            by_runtime["in-process"].append(other)
        items.clear()
        for start in range(0, max(map(len, by_runtime.values())), BLOCK):
            for group in by_runtime.values():
                items += group[start : start + BLOCK]

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None]:
        began = time.perf_counter()
        yield
        planned = getattr(item, "planned", None)
        self.times[planned.case.runtime if planned else item.name].append(time.perf_counter() - began)


def checks(count: int) -> Bench:
    """Play `count` checks on each runtime, by turns with what they are compared with."""
    bench = Bench()
    with tempfile.TemporaryDirectory() as folder:
        suite = Path(folder, "bench.yaml")
        numbers = ", ".join(f"{{number: {number}}}" for number in range(count))
        suite.write_text(SCENARIO.replace("CASES", numbers))
        options = [f"--suites={suite}", f"--report-dir={folder}/out", "--runtime=wasmtime", "--runtime=node", "-qq"]
        options += [f"--rootdir={ROOT}", f"--confcutdir={ROOT}", "-p", "no:cacheprovider", str(ROOT / "suites")]
        status = pytest.main(options, plugins=[bench])
    if status != 0:
        sys.exit(f"the benchmark's own scenarios failed (status {int(status)})")
    return bench


def spawn_node(times: int) -> float:
    """The median time, in seconds, of starting Node.js and ending it at once."""
    sys.path.insert(0, str(ROOT))
    from linmem.provision.environments import provide
    from linmem.provision.manifest import load_manifest

    program = provide(load_manifest("node")).command[0]
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([program, "-e", ""], check=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=300, help="checks on each runtime (300)")
    count: int = parser.parse_args().count
    times = {name: values[len(values) // 10 :] for name, values in checks(count).times.items()}
    medians = {name: statistics.median(values) for name, values in times.items()}
    base = medians["no-op"]
    print(f"\n{'item':<14}{'median':>10}{'ratio':>9}   reach")
    for name in ("no-op", "in-process", "wasmtime", "node"):
        reach = f"{REACH[name]:.1f}" if name in REACH else ""
        print(f"{name:<14}{medians[name] * 1e6:>7.0f} µs{medians[name] / base:>8.2f}×   {reach}")
    spawn = spawn_node(20)
    share = (medians["node"] - base) / spawn
    print(
        f"\nspawning node once: {spawn * 1e3:.0f} ms; {count} checks on its driver cost {share:.3f} of {count} spawns"
    )
    print("(pytest's own part, the no-op item, is taken off; reach: under 0.05)")


if __name__ == "__main__":
    main()
