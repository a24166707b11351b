"""What whole runs cost: `tox -e bench` runs it behind the measurement of a single check.

Each job is run several times, by turns with the others, and the table has medians: wall time, CPU time of the harness
and of all processes below it, each for a result, and as multiples of a pytest item that does nothing and is run in the
same session. Measure on a machine that does nothing else: compare ratios of one run, not times of two.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TIMES = "LINMEM_BENCH_TIMES"
MAIN = ["--runtime=wasmtime", "--runtime=wasmer", "--runtime=node"]
JOBS = {
    "main job": MAIN,
    "report": [],
    "main job, -n 2": [*MAIN, "-n", "2"],
    "wasmtime": ["--runtime=wasmtime"],
    "wasmer": ["--runtime=wasmer"],
    "node": ["--runtime=node"],
    "collection": [*MAIN, "--collect-only"],
}
NO_OPS = 1000


class NoOp(pytest.Item):
    """An item that does nothing."""

    def runtest(self) -> None:
        pass


# ------------------------------------------------------------------------------- the plugin that a measured run loads

_spent: list[float] = []


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Spread items that do nothing among the others."""
    if TIMES not in os.environ or session.config.option.collectonly or not items:
        return
    every = max(len(items) // NO_OPS, 1)
    for place in range(len(items) - 1, 0, -every):
        items.insert(place, NoOp.from_parent(session, name=f"no-op-{place}"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Time the items that do nothing."""
    began = time.perf_counter()
    found = yield
    if isinstance(item, NoOp):
        _spent.append(time.perf_counter() - began)
    return found


def pytest_unconfigure(config: pytest.Config) -> None:
    """Hand the median over."""
    if TIMES in os.environ and _spent and not hasattr(config, "workerinput"):
        Path(os.environ[TIMES]).write_text(json.dumps(statistics.median(_spent)), encoding="utf-8")


# ----------------------------------------------------------------------------------------------------- the measurement


def measured(name: str, options: list[str], paths: list[str], folder: Path) -> dict[str, float]:
    """Run a job once: wall and CPU seconds, results, and seconds of an item that does nothing (0: unknown)."""
    out, times = folder / "out", folder / "times.json"
    times.unlink(missing_ok=True)
    variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    linmem = [sys.executable, "-m", "linmem"]
    command = [*linmem, "report", "build", str(out), f"--report-dir={folder / 'again'}"]
    if name != "report":
        command = [*linmem, "run", *options, f"--report-dir={out}", "-qq", "-p", "no:cacheprovider", *paths]
        if "-n" not in options and "--collect-only" not in options:
            command += ["-p", "bench_job"]
            variables[TIMES] = str(times)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ended = subprocess.run(
        command, env=variables, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with status {ended.returncode}:\n{ended.stdout.decode()[-2000:]}")
    record = out / "record.jsonl"
    results = record.read_text(encoding="utf-8").count('{"type":"result"') if record.exists() else 0
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "wall": wall,
        "cpu": cpu,
        "results": results,
        "no-op": json.loads(times.read_text(encoding="utf-8")) if times.exists() else 0.0,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each job is run (5)")
    parser.add_argument("paths", nargs="*", help="what to play, in place of everything")
    given = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {name: [] for name in JOBS}
    with tempfile.TemporaryDirectory() as name:
        for _ in range(given.rounds):
            for job, options in JOBS.items():
                found[job].append(measured(job, options, given.paths, Path(name)))
    print(f"\n{'job':<18}{'results':>8}{'wall s':>9}{'CPU s':>9}{'ms/result':>11}{'no-op ms':>10}{'× no-op':>9}")
    for job, rounds in found.items():
        wall, cpu, no_op = (statistics.median(one[key] for one in rounds) for key in ("wall", "cpu", "no-op"))
        results = int(rounds[-1]["results"])
        alone = job in ("collection", "report")
        each = "" if alone else f"{wall / max(results, 1) * 1e3:.2f}"
        ratios = [one["wall"] / one["results"] / one["no-op"] for one in rounds if one["no-op"] and one["results"]]
        ratio = f"{statistics.median(ratios):.1f}" if ratios else ""
        shown = f"{no_op * 1e3:.2f}" if no_op else ""
        print(f"{job:<18}{results:>8}{wall:>9.1f}{cpu:>9.1f}{each:>11}{shown:>10}{ratio:>9}")


if __name__ == "__main__":
    main()
