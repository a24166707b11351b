"""pytest as linmem's command line: selection, ids, what a wrong option says, and the same report from two processes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
DoRun = Callable[..., Any]
Fake = Callable[..., Path]


def ids(text: str) -> list[str]:
    return [line for line in text.splitlines() if "::" in line]


def test_ids_and_collecting_starts_no_runtime(run: DoRun, fake_runtime: Fake, tmp_path: Path) -> None:
    state = tmp_path / "starts"
    fake = fake_runtime("noted", "dies once it is known to work", env={"FAKE_STATE": str(state)})
    options = ["--runtime=wasmtime,node", f"--runtime={fake}", "--guest=go", "--guest=inline"]
    played = run("--collect-only", "-q", *options, "suites/memory/shared_buffer.yaml", "suites/memory/growth.yaml")
    assert played.status == 0
    found = ids(played.text)
    assert "suites/memory/shared_buffer.yaml::wasm-writes-24-at-index-0[go-wasmtime]" in found
    assert "suites/memory/shared_buffer.yaml::wasm-writes-24-at-index-0[go-noted]" in found
    assert "suites/memory/growth.yaml::wasm-grows-by-0-pages[node]" in found
    assert "suites/memory/shared_buffer.yaml::a-view-taken-before-the-host-grew-the-memory[go-node-DataView]" in found
    assert len(set(found)) == len(found)
    assert not [name for name in found if "wasmer" in name or "[wat-" in name]
    assert not state.exists()
    assert not played.folder.exists()


@pytest.mark.slow
def test_selection(run: DoRun, fake_runtime: Fake, tmp_path: Path) -> None:
    """By -k, by node id, by folder, by a file anywhere; what follows --suites takes the place of suites/."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.yaml").write_text(
            f"title: {name}\nwat: (module)\nscenarios:\n  - {{name: {name} one, steps: [{{instantiate: guest}}]}}\n"
            f"  - {{name: {name} two, steps: [{{instantiate: guest}}]}}\n"
        )
    (folder / "notes.txt").write_text("no suite")
    fake = f"--runtime={fake_runtime()}"
    played = run(f"--suites={folder}", fake, "-k", "two and fake", "suites")
    assert played.status == 0
    assert sorted(played.results) == ["a-two[fake]", "b-two[fake]"]
    assert played.report["complete"]
    played = run(fake, f"--suites={folder}/b.yaml::b-one[fake]", folder="second")
    assert (played.status, list(played.results)) == (0, ["b-one[fake]"])
    assert "1 passed" in played.text


WRONG = [
    (["--runtime=wasmtim"], "there is no runtime 'wasmtim'; did you mean 'wasmtime'?"),
    (["--runtime=Wasmtime"], "'Wasmtime' does not name a runtime: write name[:variant][@version]"),
    (["--runtime=wasmer:gcc"], "wasmer has no variant 'gcc'; known: "),
    (["--runtime=./nowhere/at/all"], "./nowhere/at/all: there is no such folder"),
    (["--runtime="], "--runtime '' names no runtime"),
    (["--guest= , "], "--guest ' , ' names no guest"),
    (["--guest=golang"], "unknown guest 'golang' in --guest (or give PROGRAM=MODULE); "),
    (["--guest=shared_bufer=a.wasm"], "unknown program 'shared_bufer' in fixtures; did you mean 'shared_buffer'?"),
    (["--guest=shared_buffer=none.wasm"], "none.wasm can't be read: No such file or directory"),
    (["--glue=wasm_exec.js"], "--glue goes with --guest PROGRAM=MODULE"),
    (["--suites=nowhere"], "--suites nowhere: there is no such file or folder"),
    (["--suites=README.md"], "--suites README.md: a scenario file's name ends in .yaml or .yml"),
]
USAGE = [
    (["--step-timeout=long"], 4, "argument --step-timeout: invalid seconds value: 'long'"),
    (["--step-timeout=0"], 4, "argument --step-timeout: 0 is no time to wait: give seconds, more than 0"),
    (["--step-timeout=nan"], 4, "argument --step-timeout: nan is no time to wait"),
    (["--step-mib=0"], 4, "argument --step-mib: 0 is no size: give a number more than 0"),
    (["--scenario-calls=-1"], 4, "argument --scenario-calls: -1 is no count"),
    (["--runtime=wasmtime", "suites/memory/growth.yaml::no-such-scenario[node]"], 4, "not found: "),
    (["--runtime=wasmtime", "suites/memory/growth.yaml", "-k", "no_such_scenario"], 5, "deselected"),
    (
        ["suites/memory/growth.yaml", "--report-dir=README.md"],
        4,
        "--report-dir README.md: can't be written: File exists",
    ),
    (
        ["suites/memory/growth.yaml", "--report-dir=README.md/x"],
        4,
        "--report-dir README.md/x: can't be written: Not a dir",
    ),
    (["--help"], 0, "linmem: WebAssembly linear memory across runtimes:\n  --runtime=NAME[:VARIANT][@VERSION]"),
]
MANY = """
import json, pytest, sys
for args in json.loads(sys.argv[1]):
    status = pytest.main(["-p", "no:cacheprovider", *args])
    print(f"<status {int(status)}>", flush=True)
"""


def test_a_wrong_option_is_one_line(tmp_path: Path) -> None:
    """In one process, because starting one for each would take most of the time."""
    commands = [[f"--report-dir={tmp_path / 'out'}", *case[0]] for case in (*WRONG, *USAGE)]
    command = [sys.executable, "-c", MANY, json.dumps(commands)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    texts, statuses = (re.split(r"<status (\d)>\n", done.stdout)[start::2] for start in (0, 1))
    answers = list(zip(map(int, statuses), texts[:-1], strict=True))
    for (options, words), (status, text) in zip(WRONG, answers[: len(WRONG)], strict=True):
        assert status == pytest.ExitCode.USAGE_ERROR, options
        assert text.startswith("ERROR: ")
        assert words in text
        assert len(text.strip().splitlines()) == 1
    for (options, expected, words), (status, text) in zip(USAGE, answers[len(WRONG) :], strict=True):
        assert status == expected, options
        assert words in text
        assert "Traceback (most" not in text
    assert not (tmp_path / "out").exists()


def test_commands_do_not_wait_for_pytest() -> None:
    """And pytest loads the plugin itself: of one that is there already it would warn at the end of each run."""
    code = "import sys, linmem.cli; print(*{'pytest', 'linmem.plugin'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE).stdout == b"\n"


MIXED = """\
title: Mixed
wat: |
  (module (memory (export "memory") 1) (func (export "plain")) (func (export "sigkill")))
observations: {size: {question: How large?, answers: {1: a page}}}
scenarios:
  - name: passes $n
    cases: [{n: 1}, {n: 2}, {n: 3}, {n: 4}, {n: 5}, {n: 6}]
    steps: [{size: memory, observe: size, expect: 1}]
  - name: fails
    steps: [{call: plain}, {size: memory, expect: 2}]
  - name: is unsupported
    steps: [{view: DataView, as: v}]
  - name: crashes
    steps: [{call: plain}, {call: sigkill}]
  - name: needs threads
    requires: [threads]
    steps: [{size: memory}]
"""


@pytest.mark.slow
def test_two_workers_give_the_same_report_as_one_process(run: DoRun, fake_runtime: Fake, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "mixed.yaml").write_text(MIXED)
    (folder / "broken.yaml").write_text("- nothing\n")
    known = tmp_path / "known.yaml"
    known.write_text("[]\n")
    options = [f"--suites={folder}", f"--runtime={fake_runtime()}", "--runtime=wasmtime", f"--known={known}"]
    one = run(*options, folder="one")
    two = run(*options, "-n2", folder="two")
    assert one.status == two.status == 1
    assert one.results["crashes[fake]"]["outcome"] == "crash"
    assert set(one.results) == set(two.results)
    assert same(one.report) == same(two.report)
    for played in (one, two):
        assert "2 failed" in played.text or "3 failed" in played.text
        assert "broken.yaml:1: a scenario file is a mapping with 'title' and 'scenarios'" in played.text


def same(report: dict[str, Any]) -> Any:
    """A report without what may differ between two runs of the same."""
    text = json.loads(json.dumps(report), object_pairs_hook=without_time)
    del text["command"]
    return text


def without_time(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in pairs if key not in ("started", "finished", "duration")}


def test_a_runtime_without_such_a_view_is_unsupported(run: DoRun, fake_runtime: Fake, tmp_path: Path) -> None:
    """It keeps its cell in the report: a gap there could be taken for a scenario that nobody asked it."""
    suite = tmp_path / "views.yaml"
    suite.write_text(
        'title: Views\nwat: (module (memory (export "memory") 1))\nscenarios:\n'
        "  - {name: each, each_view: f64, steps: [{read: f64, at: 0, kind: each, expect: 0}]}\n"
    )
    played = run(f"--suites={suite}", f"--runtime={fake_runtime()}", "--runtime=node")
    assert played.status == 0
    assert {name: result["outcome"] for name, result in played.results.items()} == {
        "each[fake]": "unsupported",
        "each[node-Float64Array]": "pass",
        "each[node-DataView]": "pass",
    }
    assert played.results["each[fake]"]["message"] == "fake has no view that reads and writes f64"


MISSING = """\
from linmem.guests.packages import Package
from linmem.errors import Unavailable


def fetch(package, progress=None):
    raise Unavailable(f"npm could not fetch {package.origin}", "check the network")


Package.folder, Package.fetch = (lambda package: None), fetch
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_a_package_that_can_not_be_had_is_told_and_the_rest_is_played(
    run: DoRun, fake_runtime: Fake, tmp_path: Path, workers: list[str]
) -> None:
    (tmp_path / "no_npm.py").write_text(MISSING)
    suite = tmp_path / "packages.yaml"
    suite.write_text(
        "title: P\nscenarios:\n  - {name: packed, package: llhttp, steps: [{size: memory}]}\n"
        "  - {name: other, wat: (module), steps: [{instantiate: guest}]}\n"
    )
    options = ["-p", "no_npm", f"--runtime={fake_runtime()}", f"--suites={suite}", *workers]
    env = {"PYTHONPATH": str(tmp_path)}
    played = run(*options, env=env)
    assert (played.status, list(played.results)) == (0, ["other[fake]"])
    assert "guest npm of llhttp not run: npm could not fetch undici 5.29.0" in " ".join(played.text.split())
    (guest,) = played.report["guests"]
    assert (guest["program"], guest["guest"], guest["status"], guest["remedy"]) == (
        "llhttp",
        "npm",
        "unavailable",
        "check the network",
    )
    insisted = run(*options, "--guest=npm", env=env, folder="insisted")
    assert insisted.status == 4
    assert "--guest npm: llhttp is not available: npm could not fetch undici 5.29.0" in insisted.text
