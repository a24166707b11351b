"""Bad input and faults, end to end: one clear message each, everything else runs, nothing is left behind or lost."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import time
import tracemalloc
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from linmem.guests import probes
from linmem.play.player import Player
from linmem.plugin import describe
from linmem.results.known import KnownDefects
from linmem.results.outcome import Result
from linmem.results.verdict import KnownFailure
from linmem.run.bench import Bench
from linmem.run.guests import Guests, modules
from linmem.run.runtimes import choose
from linmem.scenario.loader import load_suite

pytestmark = pytest.mark.slow

DoRun = Callable[..., Any]
Fake = Callable[..., Path]
Processes = Callable[..., "list[str]"]

GOOD = """\
title: Good
wat: |
  (module (memory (export "memory") 1) (func (export "plain")) (func (export "hangs")))
scenarios:
  - name: all is well
    steps: [{call: plain}, {read: u8, at: 0, expect: 0}]
"""
SCENARIO = "scenarios: [{name: one, steps: [{call: plain}]}]\n"
LEVELS = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 30))
BROKEN = {
    "bomb.yaml": ("l0: &l0 [lol]\n" + LEVELS, ":6: grows to more than 100,000 values"),
    "deep.yaml": ("title: " + "[" * 100_000, ":1: is nested more than 40 levels deep"),
    "duplicate.yaml": ("title: T\ntitle: U\n", ":2: key 'title' stands twice (first in line 1)"),
    "empty.yaml": ("", ":1: is empty"),
    "feature.yaml": (
        f"title: T\nwat: (module)\nrequires: [memory46]\n{SCENARIO}",
        ":4: 'requires' names 'memory46', for which there is no probe; known: ",
    ),
    "huge.yaml": ("title: " + "x" * 10_000_000, ": has 10.0 MB, but such a file may have 1 MB"),
    "environ.yaml": (
        f"title: T\nmodule: /proc/self/environ\n{SCENARIO}",
        ":2: module '/proc/self/environ' is outside of this file's folder",
    ),
    "key.yaml": (f"title: T\nwatt: x\n{SCENARIO}", ":2: unknown key 'watt' in the file; did you mean 'wat'?"),
    "latin.yaml": ("title: T\nabout: Gr\udcfc\udcdfe\n", ":2: is not UTF-8 text"),
    "loop.yaml": (
        "title: T\nwat: (module)\nscenarios: [{name: one, steps: [{for: {i: [0, 1"
        + "0" * 30
        + "]}, steps: [{call: f}]}]}]\n",
        ":3: a scenario may have 20,000 steps; this loop unrolls to more",
    ),
    "nul.yaml": (
        f'title: T\nmodule: "a\\0b"\n{SCENARIO}',
        ":2: module 'a\\x00b' can't be read: no file can have such a name",
    ),
    "name.yaml": (
        "title: T\nwat: (module)\nscenarios:\n  - name: one\n    steps:\n      - read: u8\n        at: buffer + 1\n",
        ":6: unknown value 'buffer' in this scenario (bind it with 'as' in an earlier step)",
    ),
    "program.yaml": (
        f"title: T\nprogram: shared_bufer\n{SCENARIO}",
        ":3: unknown program 'shared_bufer' in fixtures/; did you",
    ),
    "step.yaml": (
        "title: T\nwat: (module)\nscenarios:\n  - name: one\n    steps:\n      - reed: u8\n",
        ":6: unknown step 'reed' in a scenario; did you mean 'read'?",
    ),
    "tag.yaml": (
        "title: !!python/object/apply:os.system [id]\n",
        ":1: tag '!!python/object/apply:os.system' is not allowed",
    ),
    "twins.yaml": (
        "title: T\nwat: (module)\nscenarios:\n  - {name: One, steps: [{call: f}]}\n  - {name: one, steps: [{call: f}]}\n",
        ":5: scenario 'one' has the same name as the one in line 4",
    ),
    "type.yaml": (f"title: 24\n{SCENARIO}", ":1: 'title' must be text, found 24; put it in quotes"),
    "yaml.yaml": ("title: [T\nscenarios: x: y\n", ":2: is not YAML: "),
}


def test_broken_scenario_files(run: DoRun, fake_runtime: Fake, tmp_path: Path) -> None:
    """Each gives one line; a module's text that does not assemble is an error of its own scenarios; the rest plays."""
    folder = tmp_path / "suites"
    folder.mkdir()
    for name, (text, _) in BROKEN.items():
        (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    (folder / "good.yaml").write_text(GOOD)
    (folder / "wat.yaml").write_text("title: T\nwat: |\n  (module\n    (func (i32.cons 1)))\n" + SCENARIO)
    played = run(f"--suites={folder}", f"--runtime={fake_runtime()}")
    assert played.status == pytest.ExitCode.TESTS_FAILED
    assert "Traceback" not in played.text
    assert "INTERNALERROR" not in played.text
    for name, (_, words) in BROKEN.items():
        (line,) = [
            line
            for line in played.text.splitlines()
            if f"{name}:" in line and not line.startswith(("ERROR ", "_", "FAILED"))
        ]
        assert line.partition(name)[2].startswith(words), line
        assert len(line) < 400
    assert {Path(line["suite"]).name for line in played.lines("broken")} == set(BROKEN)
    assert {name: result["outcome"] for name, result in played.results.items()} == {
        "all-is-well[fake]": "pass",
        "one[fake]": "error",
    }
    wat = played.results["one[fake]"]
    assert wat["where"].endswith("wat.yaml:4")
    assert wat["message"].startswith("the module's text does not assemble: unknown operator or unexpected token")
    assert not played.report["complete"]
    assert [line["complete"] for line in played.lines("end")] == [True]


# Drivers

FAULTS = {
    "sigkill": ("crash", "the runtime's process was killed by SIGKILL"),
    "sigsegv": ("crash", "the runtime's process was killed by SIGSEGV"),
    "exits": ("crash", "the runtime's process ended with status 3"),
    "leaves_a_child": ("crash", "the runtime's process ended with status 4"),
    "hangs": ("timeout", "no answer within 3 s"),
    "prints": (
        "error",
        "the driver broke the protocol: it wrote a line that is not a message of the protocol: 'growing",
    ),
    "wrong_id": ("error", "the driver broke the protocol: it answered request"),
    "floods_stdout": ("error", "the driver sent more than 64 MiB for one step (see --step-mib)"),
    "floods_stderr": ("pass", ""),
    "huge_error": ("fail", "call huge_error(): got Verbose: xxx"),
    "wrong_values": ("error", "the driver's answer makes no sense: 0 values were due, found [24]"),
}


def faulty(names: list[str]) -> str:
    """A suite in which each fault is committed, and each time something else is played."""
    exports = "".join(f'    (func (export "{name}"))\n' for name in ["plain", *names])
    scenarios = "".join(
        f"  - name: {name}\n    steps:\n      - call: plain\n      - call: {name}\n      - size: memory\n"
        f"  - name: after {name}\n    steps: [{{call: plain}}, {{size: memory, expect: 1}}]\n"
        for name in names
    )
    return f'title: Faults\nwat: |\n  (module (memory (export "memory") 1)\n{exports}  )\nscenarios:\n{scenarios}'


def test_drivers_that_commit_every_fault(
    run: DoRun, fake_runtime: Fake, tmp_path: Path, processes_with: Processes
) -> None:
    """What hangs has its time; the others have all they need, for a busy machine takes its time over 100 MB."""
    suite = tmp_path / "faults.yaml"
    suite.write_text(faulty(list(FAULTS)))
    mark = f"LINMEM_TEST={uuid.uuid4()}"
    name, _, value = mark.partition("=")
    options = [f"--suites={suite}", f"--runtime={fake_runtime()}"]
    hung = run(*options, "--step-timeout=3", "-k", "hangs", folder="hung", env={name: value})
    assert set(hung.results) == {"hangs[fake]", "after-hangs[fake]"}
    assert hung.report["complete"]
    played = run(*options, "--step-timeout=60", "-k", "not hangs", env={name: value})
    assert len(played.results) == 2 * len(FAULTS) - 2
    assert played.report["complete"]
    results = hung.results | played.results
    for one in (hung, played):
        assert one.status == pytest.ExitCode.TESTS_FAILED
        assert "INTERNALERROR" not in one.text
        assert "Traceback" not in one.text
        assert len(one.text) < 100_000
    lines = suite.read_text().splitlines()
    for fault, (outcome, words) in FAULTS.items():
        result = results[f"{fault}[fake]"]
        assert (result["outcome"], result["message"][: len(words)]) == (outcome, words)
        if outcome != "pass":
            assert result["where"].endswith(f"faults.yaml:{lines.index(f'      - call: {fault}') + 1}")
            assert result["steps"][-1]["text"] == f"call {fault}()"
            assert result["steps"][-1]["status"] == "failed"
        assert results[f"after-{fault}[fake]"]["outcome"] == "pass"
    assert results["exits[fake]"]["stderr"].endswith("I had enough\n")
    assert processes_with(mark) == []


def test_a_listed_defect_that_does_not_show_costs_the_process_as_well(fake_runtime: Fake, tmp_path: Path) -> None:
    suite = tmp_path / "good.yaml"
    suite.write_text(GOOD)
    (scenario,) = load_suite(suite, "good.yaml").scenarios
    (chosen,) = choose([str(fake_runtime())])
    bench = Bench([chosen], Guests([], None), 60.0, describe.answered, KnownDefects([]))
    (planned,) = bench.cases(scenario)
    pids = []
    try:
        for listed in (None, None, KnownFailure("known.yaml", 1, "freed memory", outcome="sometimes"), None):
            result = Result.begun(planned.case, scenario.title, planned.version, listed)
            assert bench.play(planned, result).outcome == "pass", result
            pids.append(bench.session(planned.case.runtime).pid)
    finally:
        bench.close()
    assert pids[0] == pids[1]
    assert pids[2] is None
    assert pids[3] not in (None, pids[0])


def test_drivers_that_do_not_start(run: DoRun, fake_runtime: Fake, tmp_path: Path) -> None:
    suite = tmp_path / "good.yaml"
    suite.write_text(GOOD.replace("all is well", "number $n\n    cases: [{n: 1}, {n: 2}, {n: 3}, {n: 4}, {n: 5}]"))
    dead = run(f"--suites={suite}", f"--runtime={fake_runtime('dead', 'exits')}")
    assert dead.status == pytest.ExitCode.USAGE_ERROR
    said = "dead is not available: the driver does not start: the runtime's process ended with status 3 (I had enough)"
    assert dead.text.startswith(f"ERROR: {said}")
    assert len(dead.text.strip().splitlines()) == 1
    state = {"FAKE_STATE": str(tmp_path / "starts")}
    flaky = fake_runtime("flaky", "dies once it is known to work", env=state)
    played = run(f"--suites={suite}", f"--runtime={flaky}", f"--runtime={fake_runtime()}", folder="flaky")
    assert played.status == pytest.ExitCode.USAGE_ERROR
    why = "could not be started: the runtime's process ended with status 1 (it printed: no more today)"
    assert played.text == f"ERROR: flaky is not available: {why}\n\n"


@pytest.mark.parametrize("workers", [0, 2])
def test_a_driver_that_does_not_start_again(workers: int, run: DoRun, fake_runtime: Fake, tmp_path: Path) -> None:
    """It is told once, and its other checks are counted; other runtimes are played."""
    suite = tmp_path / "good.yaml"
    text = GOOD.replace("all is well", "number $n\n    cases: [{n: 1}, {n: 2}, {n: 3}, {n: 4}, {n: 5}, {n: 6}]")
    text = text.replace('(func (export "plain"))', '(func (export "plain")) (func (export "exits"))')
    suite.write_text(text + "  - name: dies\n    steps: [{call: exits}]\n")
    starts = {"FAKE_STATE": str(tmp_path / "starts"), "FAKE_STARTS": str(2 + workers)}
    flaky = fake_runtime("flaky", "dies once it is known to work", env=starts)
    options = [f"--suites={suite}", f"--runtime={flaky}", f"--runtime={fake_runtime()}", f"-n{workers}"]
    played = run(*options, "-p", "no:randomly", folder="flaky")
    assert played.status == pytest.ExitCode.TESTS_FAILED
    outcomes = Counter(result["outcome"] for name, result in played.results.items() if "flaky" in name)
    assert sum(outcomes.values()) == 7
    assert {result["outcome"] for name, result in played.results.items() if "fake" in name} == {"pass", "crash"}


# Guests, on the real runtimes

MODULES = """\
title: Modules
modules:
  good: {wat: '(module (func (export "f") (result i32) (i32.const 7)))'}
scenarios:
  - {name: truncated, module: truncated.wasm, steps: [{call: f}]}
  - {name: not wasm, wat: '(module binary "hello")', steps: [{call: f}]}
  - {name: expected to be refused, module: truncated.wasm, steps: [{instantiate: guest, expect: {compile_error: true}}]}
  - {name: missing export, wat: '(module (func (export "g")))', steps: [{call: f}]}
  - {name: wrong arity, wat: '(module (func (export "f") (param i32)))', steps: [{call: f, args: [1, 2]}]}
  - {name: missing import, wat: '(module (import "a" "b" (func)))', steps: [{call: f}]}
  - name: loops for ever
    wat: '(module (memory (export "memory") 1) (func (export "f") (loop (br 0))))'
    steps: [{size: memory, expect: 1}, {call: f}]
  - {name: all is well, steps: [{instantiate: good}, {call: f, on: good, expect: 7}], wat: (module)}
"""
PLAYED = {
    "truncated": ("fail", 5, "the module could not be compiled: "),
    "not-wasm": ("fail", 6, "the module could not be compiled: "),
    "expected-to-be-refused": ("pass", None, ""),
    "missing-export": ("error", 8, "the guest exports no function 'f'; it exports: g"),
    "wrong-arity": ("error", 9, "'f' takes 1 arguments, the step gives 2"),
    "missing-import": ("error", 10, "nothing gives the import a.b: "),
    "loops-for-ever": ("timeout", 13, "no answer within 3 s"),
    "all-is-well": ("pass", None, ""),
}


def test_damaged_and_endless_guests(run: DoRun, tmp_path: Path, processes_with: Processes) -> None:
    (tmp_path / "truncated.wasm").write_bytes(b"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\7\5\1\1f\0\0\x0a\4\1\2")
    suite = tmp_path / "modules.yaml"
    suite.write_text(MODULES)
    mark = f"LINMEM_TEST={uuid.uuid4()}"
    name, _, value = mark.partition("=")
    endless = run(f"--suites={suite}", "--step-timeout=3", "-k", "loops-for-ever", folder="endless", env={name: value})
    played = run(f"--suites={suite}", "--step-timeout=60", "-k", "not loops-for-ever", env={name: value})
    results = endless.results | played.results
    assert len(results) == 3 * len(PLAYED)
    for one in (endless, played):
        assert one.status == pytest.ExitCode.TESTS_FAILED
        assert "Traceback" not in one.text
    for scenario, (outcome, line, words) in PLAYED.items():
        for runtime in ("wasmtime", "wasmer", "node"):
            result = results[f"{scenario}[{runtime}]"]
            assert (result["outcome"], result["message"][: len(words)]) == (outcome, words), result
            assert result["where"] is None if line is None else result["where"].endswith(f"modules.yaml:{line}")
            assert "\n" not in result["message"]
    assert processes_with(mark) == []


# A run that is stopped


@pytest.fixture
def hanging(tmp_path: Path) -> Path:
    """A suite whose third scenario gives no answer."""
    suite = tmp_path / "hanging.yaml"
    rows = "cases: [{n: 1}, {n: 2}, {n: 3}, {n: 4}, {n: 5}, {n: 6}]\n"
    suite.write_text(
        GOOD.replace("all is well", f"number $n\n    {rows[:-1]}")
        + "  - name: hangs\n    steps: [{call: plain}, {call: hangs}]\n"
        + f"  - name: later $n\n    {rows}    steps: [{{call: plain}}]\n"
    )
    return suite


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a shell has started in the background ignores SIGINT, and what that starts would ignore it too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("workers", [0, 2])
def test_ctrl_c(workers: int, start_run: DoRun, fake_runtime: Fake, hanging: Path, processes_with: Processes) -> None:
    mark = f"LINMEM_TEST={uuid.uuid4()}"
    name, _, value = mark.partition("=")
    options = [f"--suites={hanging}", f"--runtime={fake_runtime()}", "--step-timeout=60", f"-n{workers}"]
    started = start_run(*options, env={name: value})
    started.wait_for(6)
    assert len(processes_with(mark, 0)) > 1  # else the look at what is left would prove nothing
    os.killpg(started.process.pid, signal.SIGINT)  # as a terminal does
    started.end()
    assert started.status == pytest.ExitCode.INTERRUPTED
    assert processes_with(mark) == []
    assert "INTERNALERROR" not in started.text
    (end,) = started.lines("end")
    assert (end["complete"], end["reason"]) == (False, "interrupted")
    assert not started.report["complete"]
    assert {result["outcome"] for result in started.results.values()} == {"pass"}
    assert "hangs[fake]" not in started.results
    whole_files(started.folder)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("workers", [0, 2])
def test_ctrl_c_under_tox(workers: int, start_run: DoRun, fake_runtime: Fake, hanging: Path) -> None:
    """tox sends a second SIGINT at once, SIGTERM after 0.3 s and SIGKILL after 0.2 s more."""
    options = [f"--suites={hanging}", f"--runtime={fake_runtime()}", "--step-timeout=60", f"-n{workers}"]
    started = start_run(*options)
    started.wait_for(6)
    os.killpg(started.process.pid, signal.SIGINT)
    for pause, number in ((0.02, signal.SIGINT), (0.3, signal.SIGTERM), (0.2, signal.SIGKILL)):
        time.sleep(pause)
        with contextlib.suppress(ProcessLookupError):
            os.kill(started.process.pid, number)
    started.process.wait()
    deadline = time.monotonic() + 30
    while len(started.report["results"]) < 6 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not started.report["complete"]
    assert {result["outcome"] for result in started.report["results"]} == {"pass"}
    assert len(started.report["results"]) >= 6
    whole_files(started.folder)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_killed_run(
    workers: int, start_run: DoRun, fake_runtime: Fake, hanging: Path, processes_with: Processes
) -> None:
    """One driver hangs and would never see its input end; workers are in the middle of something that will end."""
    if workers:
        naps = "cases:\n" + "".join(f"      - {{n: {number}}}\n" for number in range(200))
        scenario = f"  - name: number $n\n    {naps}    steps: [{{call: naps}}]\n"
        hanging.write_text(f'title: T\nwat: (module (func (export "naps")))\nscenarios:\n{scenario}')
    mark = f"LINMEM_TEST={uuid.uuid4()}"
    name, _, value = mark.partition("=")
    options = [f"--suites={hanging}", f"--runtime={fake_runtime()}", "--step-timeout=60", f"-n{workers}"]
    started = start_run(*options, env={name: value})
    started.wait_for(6)
    assert len(processes_with(mark, 0)) > 1
    os.kill(started.process.pid, signal.SIGKILL)
    started.end()
    assert processes_with(mark) == []
    assert started.lines("end") == []
    assert len(started.results) >= 6
    assert not started.report["complete"]  # the reports that were written when the run began say so
    whole_files(started.folder)


def whole_files(folder: Path) -> None:
    """No report is half-written, and none is left under another name."""
    json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert (folder / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert (folder / "report.md").stat().st_size > 0
    written = {"record.jsonl", "junit.xml", "report.json", "report.html", "report.md", "badges"}
    assert {path.name for path in folder.iterdir()} == written


# Nothing grows


@pytest.mark.parametrize("runtime", ["wasmtime", "node"])
def test_neither_harness_nor_driver_grows_with_the_number_of_scenarios(runtime: str, tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(
        "title: T\n"
        'wat: (module (memory (export "memory") 1 9) (func (export "f") (param i32) (result i32) (local.get 0)))\n'
        "scenarios:\n"
        "  - name: passes\n"
        "    steps:\n"
        "      - {call: f, args: [16], as: at}\n"
        "      - {write: u32, at: at, value: 24}\n"
        "      - {view: default, as: v}\n"
        "      - {grow: 2}\n"
        "      - {read: u32, at: at + 0, expect: 24}\n"
        "      - {read: bytes, at: 0, count: 1000}\n"
        "  - name: fails\n"
        "    steps: [{memory: {min: 4}, as: m}, {call: f, args: [16], expect: 17}, {size: m}, {size: memory}]\n"
    )
    suite = load_suite(path, "f.yaml")
    (chosen,) = choose([runtime])
    session = chosen.session(probes.features(), 20.0)
    parts = {scenario.slug: modules(scenario, None) for scenario in suite.scenarios}

    def play(count: int) -> None:
        for _ in range(count):
            for scenario, outcome in zip(suite.scenarios, ("pass", "fail"), strict=True):
                names = dict.fromkeys(["id", "suite", "scenario", "title", "runtime", "version"], "")
                result = Result(**names, guest=None, view=None, outcome="error")
                assert Player(scenario, session, parts[scenario.slug]).play(result).outcome == outcome, result

    try:
        play(150)
        first, pid = resident(session.pid), session.pid
        gc.collect()  # what only waits for the collector does not grow
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        play(850)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert session.pid == pid
        assert after - before < 50_000
        assert resident(pid) - first < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()
        session.close()


def resident(pid: int | None) -> int:
    """The bytes of memory that a process has."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("needs /proc")
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024
