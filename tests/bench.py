"""What a run costs: `tox -e bench`. It prints Markdown tables, and what machine they are of.

Everything is measured by turns, several times, and given as medians, and as multiples of a pytest item that does nothing
and is run in the same session, because machines differ and are noisy. Measure on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import ctypes
import datetime
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import bench_plugin as plugin

ROOT = Path(__file__).parent.parent
MAIN = ("--runtime=wasmtime", "--runtime=wasmer", "--runtime=node")
WAT = """
  (module
    (memory (export "memory") 1)
    (func (export "store") (param i32) (i32.store8 (i32.const 0) (local.get 0)))
    (func (export "load") (result i32) (i32.load8_u (i32.const 1))))
"""
SUITE = """
title: Benchmark {file}
wat: |{wat}
scenarios:
  - name: check $number
    cases: [{cases}]
    steps:
      - {{call: store, args: [24]}}
      - {{read: u8, at: 0, expect: 24}}
      - {{write: u8, at: 1, value: 25}}
      - {{call: load, expect: 25}}
"""
IN_NODE = """
const {exports} = new WebAssembly.Instance(new WebAssembly.Module(require("fs").readFileSync(process.argv[1])));
const view = new Uint8Array(exports.memory.buffer);
exports.store(24);
if (view[0] !== 24) process.exit(1);
view[1] = 25;
if (exports.load() !== 25) process.exit(1);
"""
IN_PYTHON = """
import sys, wasmtime
store = wasmtime.Store()
module = wasmtime.Module(store.engine, open(sys.argv[1], "rb").read())
exports = wasmtime.Instance(store, module, []).exports(store)
exports["store"](store, 24)
assert exports["memory"].read(store, 0, 1) == b"\\x18"
exports["memory"].write(store, b"\\x19", 1)
assert exports["load"](store) == 25
"""
PER_FILE = 500  # checks in a file of the many
SPAWNED = 10  # processes of each kind in a round

Measured = dict[str, float]


@dataclass
class Job:
    """A run to be measured: pytest's and linmem's options, what the plugin is asked for, what is played."""

    title: str
    options: tuple[str, ...] = MAIN
    asked: dict[str, str] = field(default_factory=dict)
    seldom: bool = False  # it takes long, and is measured where it is named only


NO_OPS = {plugin.NO_OPS: "1000"}
JOBS = {
    "main": Job("the main job", asked=NO_OPS),
    "main-n2": Job("the main job, `-n 2`", (*MAIN, "-n", "2")),
    "sound": Job("the main job without cases that have known defects", asked={**NO_OPS, plugin.SOUND: "1"}),
    "wasmtime": Job("wasmtime alone", ("--runtime=wasmtime",), NO_OPS),
    "wasmer": Job("wasmer alone", ("--runtime=wasmer",), NO_OPS),
    "node": Job("node alone", ("--runtime=node",), NO_OPS),
    "collection": Job("the main job's collection (`--collect-only`)", (*MAIN, "--collect-only")),
    "report": Job("the main job's reports (`linmem report build`)"),
    "all": Job("`--runtime all`", ("--runtime=all",), NO_OPS, seldom=True),
    "all-n2": Job("`--runtime all -n 2`", ("--runtime=all", "-n", "2"), seldom=True),
    "items": Job("{items:,} small checks on wasmtime", ("--runtime=wasmtime",), NO_OPS, seldom=True),
}
CHECKS, SPAWN = "checks", "spawn"
ROWS = (CHECKS, SPAWN, *JOBS)


class Bench:
    """Measures jobs in a folder, where the binary module of a check is. ``paths`` are played in place of everything."""

    def __init__(self, folder: Path, paths: list[str], items: int, checks: int) -> None:
        self.folder, self.paths, self.items, self.checks = folder, paths, items, checks
        self.module = folder / "check.wasm"
        from linmem.wasm.wat import assemble

        self.module.write_bytes(assemble(WAT))

    def measure(self, row: str) -> Measured:
        """Measure a row once."""
        if row == SPAWN:
            return self.spawned()
        if row == CHECKS:
            asked = {plugin.CHECKS: str(self.module)}
            return self.run(Job("", MAIN, asked), [str(self.suites("checks", self.checks))])
        if row == "report":
            record = self.folder / "main"
            if not record.exists():
                self.measure("main")
            return timed([*LINMEM, "report", "build", str(record), f"--report-dir={self.folder / 'again'}"], {})
        paths = [str(self.suites("items", self.items))] if row == "items" else self.paths
        return self.run(JOBS[row], paths, row)

    def run(self, job: Job, paths: list[str], name: str = "run") -> Measured:
        """Do a run, and put together what was seen from outside and what its plugin noted."""
        out, times = self.folder / name, self.folder / "times.json"
        times.unlink(missing_ok=True)
        variables = {**job.asked, plugin.TIMES: str(times), plugin.BEGAN: str(time.time())}
        command = [*LINMEM, "run", *job.options, f"--report-dir={out}", "-qq", "-p", "no:cacheprovider"]
        found = timed([*command, "-p", "bench_plugin", *paths], variables)
        noted = json.loads(times.read_text(encoding="utf-8"))
        items = noted.pop("items")
        record = out / "record.jsonl"
        if record.exists() and "--collect-only" not in job.options:
            with record.open(encoding="utf-8") as lines:
                found["results"] = sum(line.startswith('{"type":"result"') for line in lines)
        if "played" in noted:
            found["report"] = noted["ended"] - noted["played"]
        return {**found, **items, **noted}

    def suites(self, name: str, count: int) -> Path:
        """A folder with so many checks."""
        place = self.folder / f"suites-{name}"
        if not place.exists():
            place.mkdir()
            for file, first in enumerate(range(0, count, PER_FILE)):
                numbers = range(first, min(first + PER_FILE, count))
                cases = ", ".join(f"{{number: {number}}}" for number in numbers)
                wat = WAT.replace("\n", "\n    ")
                (place / f"{file:04}.yaml").write_text(SUITE.format(file=file, wat=wat, cases=cases))
        return place

    def spawned(self) -> Measured:
        """Seconds of a check in a process of its own, started and ended for it: medians."""
        from linmem.provision.environments import provide
        from linmem.provision.manifest import load_manifest

        found = {}
        for runtime, script, option in (("node", IN_NODE, "-e"), ("wasmtime", IN_PYTHON, "-c")):
            program = provide(load_manifest(runtime)).command[0]
            taken = []
            for _ in range(SPAWNED):
                began = time.perf_counter()
                subprocess.run([program, option, script, str(self.module)], check=True)
                taken.append(time.perf_counter() - began)
            found[runtime] = statistics.median(taken)
        return found


LINMEM = [sys.executable, "-m", "linmem"]


def timed(command: list[str], variables: dict[str, str]) -> Measured:
    """Wall and CPU seconds of a command with all its processes."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), **variables}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # a warm run has its modules compiled
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, _ = process.communicate()
    wall = time.perf_counter() - began
    adopt_the_rest()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with status {process.returncode}:\n{said.decode()[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "cpu": cpu}


def adopt_the_rest(seconds: float = 5.0) -> None:
    """Wait for processes that their parents did not wait for, so that their time counts, too (Linux)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.02)
        except ChildProcessError:
            return


def machine() -> str:
    """What the figures are of."""
    model = next(
        (line.partition(":")[2].strip() for line in lines_of("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB; {platform.system()} {platform.release()}; "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def lines_of(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


# ------------------------------------------------------------------------------------------------------- the tables


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown; the columns behind the first are numbers."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(value: float | None, form: str, factor: float = 1) -> str:
    return "–" if value is None else f"{value * factor:{form}}"


def of_checks(found: dict[str, list[Measured]]) -> str:
    """The table of what one check costs, each item against one that does nothing in the same session."""
    rounds = found[CHECKS]
    names = {
        "NoOp": "an item that does nothing",
        "InProcess": "the same calls, in the test's own process (wasmtime-py)",
    }
    rows = []
    for key in ("NoOp", "wasmtime", "wasmer", "node", "InProcess"):
        each = [one[key] for one in rounds]
        ratio = statistics.median(one[key] / one["NoOp"] for one in rounds)
        rows.append([names.get(key, f"a check on {key}"), shown(statistics.median(each), ",.0f", 1e6), f"{ratio:.2f}"])
    for runtime, title in (("node", "Node.js"), ("wasmtime", "Python with wasmtime-py")):
        if SPAWN not in found:
            continue
        each = [one[runtime] for one in found[SPAWN]]
        # What a check costs beside pytest's own part, of which a process for each test has as much.
        pairs = zip(found[SPAWN], rounds, strict=True)
        times = statistics.median(spawn[runtime] / one["NoOp"] for spawn, one in pairs)
        median = statistics.median(each)
        rows.append([f"the same calls, in a process for each test ({title})", f"{median * 1e6:,.0f}", f"{times:.1f}"])
    return table(["item", "µs", "× nothing"], rows)


def of_jobs(found: dict[str, list[Measured]], items: int) -> str:
    """The table of what whole runs cost."""
    columns: list[tuple[str, str, float, Callable[[Measured], float | None]]] = [
        ("results", ",.0f", 1, lambda one: one.get("results")),
        ("wall s", ",.1f", 1, lambda one: one["wall"]),
        ("CPU s", ",.1f", 1, lambda one: one["cpu"]),
        ("ms a result", ".2f", 1e3, lambda one: one["wall"] / one["results"] if one.get("results") else None),
        ("× nothing", ".1f", 1, times_nothing),
        ("collected s", ".2f", 1, lambda one: one.get("collected")),
        ("first result s", ".2f", 1, lambda one: one.get("first")),
        ("reports s", ".1f", 1, lambda one: one.get("report")),
        ("harness MiB", ",.0f", 1, lambda one: one.get("mib")),
    ]
    rows = []
    for row in found:
        if row not in JOBS:
            continue
        cells = [JOBS[row].title.format(items=items)]
        for _, form, factor, value in columns:
            values = [each for one in found[row] if (each := value(one)) is not None]
            cells.append(shown(statistics.median(values) if values else None, form, factor))
        rows.append(cells)
    return table(["job", *(head for head, *_ in columns)], rows)


def times_nothing(one: Measured) -> float | None:
    """How many items that do nothing a result costs."""
    return one["wall"] / one["results"] / one["NoOp"] if "NoOp" in one and one.get("results") else None


def ratios(found: dict[str, list[Measured]]) -> list[str]:
    """Sentences about rows that belong together."""
    said = []
    for row in ("main", "all"):
        if row in found and f"{row}-n2" in found:
            each = [two["wall"] / one["wall"] for one, two in zip(found[row], found[f"{row}-n2"], strict=True)]
            said.append(f"With `-n 2`, {JOBS[row].title} takes {statistics.median(each):.2f} of the time.")
    if CHECKS in found and SPAWN in found:
        pairs = list(zip(found[SPAWN], found[CHECKS], strict=True))
        each = [spawn["node"] / one["node"] for spawn, one in pairs]
        said.append(f"A process for each test takes {statistics.median(each):,.0f} times as long as a check on node.")
    return said


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each row is measured (5)")
    usual = [row for row in ROWS if row not in JOBS or not JOBS[row].seldom]
    seldom = ", ".join(row for row in ROWS if row not in usual)
    parser.add_argument(
        "--row",
        action="append",
        default=[],
        choices=ROWS,
        help=f"measure this only; repeatable (default: all but {seldom}, which take long)",
    )
    parser.add_argument("--items", type=int, default=100_000, help="how many checks the row 'items' has (100000)")
    parser.add_argument("--checks", type=int, default=300, help="how many checks the row 'checks' has (300)")
    parser.add_argument("paths", nargs="*", help="what to play, in place of all suites")
    given = parser.parse_args()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: see `adopt_the_rest`
    load, began = os.getloadavg()[0], time.monotonic()
    rows = given.row or usual
    found: dict[str, list[Measured]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), given.paths, given.items, given.checks)
        for number in range(given.rounds):
            for row in rows:
                print(f"round {number + 1} of {given.rounds}: {row}", file=sys.stderr, flush=True)
                found[row].append(bench.measure(row))
    today = datetime.datetime.now(datetime.timezone.utc).date()
    minutes = (time.monotonic() - began) / 60
    print(f"{machine()}. {today}, medians of {given.rounds}, {minutes:.0f} minutes, load {load:.1f} before.\n")
    if CHECKS in found:
        print(f"{of_checks(found)}\n")
    if set(found) & set(JOBS):
        print(f"{of_jobs(found, given.items)}\n")
    print("\n".join(ratios(found)))


if __name__ == "__main__":
    main()
