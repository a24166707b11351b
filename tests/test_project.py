"""The project file: each key, what is wrong with one, and what a run and the commands make of it."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from linmem import project
from linmem.errors import UserError
from linmem.plugin import options
from linmem.project import find

Fake = Callable[..., Path]
SCENARIO = """\
title: Mine
wat: (module (memory (export "memory") 1))
scenarios:
  - name: the memory has a page
    steps: [{{size: memory, expect: {pages}}}]
  - name: it is there
    steps: [{{instantiate: guest}}]
"""
EVERY_KEY = """\
runtimes = ["wasmtime", "./my-runtime"]
suites = ["memory", "more.yaml"]
modules = "build"
known = ["known.yaml", "lists/more.yaml"]
baseline = "baseline.yaml"
report-dir = "out/linmem"
step-timeout = 2.5
step-mib = 1.5
step-calls = 10
scenario-mib = 20
scenario-calls = 1000
"""
LIMITS = {"step_mib": 1.5, "step_calls": 10, "scenario_mib": 20, "scenario_calls": 1000}


pytestmark = pytest.mark.usefixtures("project_read_anew")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    made = tmp_path / "project"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


def write(folder: Path, text: str, name: str = "linmem.toml") -> None:
    (folder / name).write_text(text, encoding="utf-8")


# ---------------------------------------------------------------------------------------------------------- the keys


def test_without_a_file_nothing_is_set(folder: Path) -> None:
    found = find()
    assert (found.folder, found.file, found.keys) == (folder, None, frozenset())
    assert (found.runtimes, found.suites, found.known, found.baseline, found.step_timeout) == ((), (), (), None, None)
    assert (found.out, found.partial) == (Path("reports/out"), Path("reports/out/partial"))


def test_every_key(folder: Path) -> None:
    write(folder, EVERY_KEY)
    (folder / "memory").mkdir()
    (folder / "more.yaml").touch()
    found = find()
    assert found.file == folder / "linmem.toml"
    assert found.runtimes == ("wasmtime", "./my-runtime")
    assert found.suites == ("./memory", "./more.yaml")
    assert found.modules == (folder / "build",)
    assert found.known == (folder / "known.yaml", folder / "lists" / "more.yaml")
    assert found.baseline == folder / "baseline.yaml"
    assert (found.report_dir, found.out) == (folder / "out/linmem", Path("out/linmem"))
    assert found.step_timeout == 2.5
    assert found.limits == LIMITS
    assert found.keys == set(project.SCHEMA.document["properties"])


def test_a_single_text_stands_for_a_list_of_it(folder: Path) -> None:
    write(folder, 'runtimes = "node"\nsuites = "a.yaml"\nknown = "known.yaml"\n')
    found = find()
    assert (found.runtimes, found.suites, found.known) == (("node",), ("a.yaml",), (folder / "known.yaml",))


def test_paths_are_relative_to_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, EVERY_KEY)
    (folder / "memory").mkdir()
    (folder / "below" / "deep").mkdir(parents=True)
    monkeypatch.chdir(folder / "below" / "deep")
    found = find()
    assert found.folder == folder
    assert found.runtimes == ("wasmtime", f"{folder}/my-runtime")
    assert found.suites == (f"{folder}/memory", "more.yaml")  # the second leads nowhere: the run will say so
    assert found.known[0] == folder / "known.yaml"
    assert (found.baseline, found.out) == (folder / "baseline.yaml", folder / "out/linmem")
    assert find(folder.parent).file is None


def test_a_runtime_s_variant_and_version_and_a_scenario_s_name_stay(folder: Path) -> None:
    (folder / "rt").mkdir()
    (folder / "a.yaml").touch()
    write(folder, 'runtimes = ["rt/:fast@1.2", "wasmer:llvm@1.1.0", "wasmtime@>=45"]\nsuites = "a.yaml::one[node]"\n')
    assert find().runtimes == ("./rt:fast@1.2", "wasmer:llvm@1.1.0", "wasmtime@>=45")
    assert find().suites == ("./a.yaml::one[node]",)


# --------------------------------------------------------------------------------------------------------- the files


def test_linmem_toml_comes_before_pyproject_toml(folder: Path) -> None:
    write(folder, '[tool.linmem]\nruntimes = "node"\n', "pyproject.toml")
    assert (find().runtimes, find().file) == (("node",), folder / "pyproject.toml")
    project._find.cache_clear()
    write(folder, 'runtimes = "wasmtime"\n')
    assert (find().runtimes, find().file) == (("wasmtime",), folder / "linmem.toml")


def test_a_pyproject_toml_without_the_table_is_passed_over(folder: Path) -> None:
    write(folder, 'runtimes = "wasmtime"\n')
    inner = folder / "package"
    inner.mkdir()
    write(inner, '[project]\nname = "package"\n', "pyproject.toml")
    assert find(inner).file == folder / "linmem.toml"


def test_the_nearest_file_counts_alone(folder: Path) -> None:
    write(folder, 'runtimes = "wasmtime"\nstep-timeout = 3\n')
    inner = folder / "package"
    inner.mkdir()
    write(inner, "[tool.linmem]\nstep-timeout = 4\n", "pyproject.toml")
    assert (find(inner).runtimes, find(inner).step_timeout, find(folder).step_timeout) == ((), 4.0, 3.0)


def test_limits_of_the_command_line_win(folder: Path) -> None:
    write(folder, EVERY_KEY)
    given = argparse.Namespace(**{**dict.fromkeys(LIMITS), "step_calls": 0})
    assert dataclasses.asdict(options.limits(given, find())) == {**LIMITS, "step_calls": 0}


WRONG = [
    ('runtime = "node"', "linmem.toml: unknown key 'runtime' in the file; did you mean 'runtimes'?"),
    (
        "x = 1",
        "linmem.toml: unknown key 'x' in the file; known: runtimes, suites, modules, known, baseline, report-dir, step-timeout, step-mib",
    ),
    ("report_dir = 'x'", "linmem.toml: unknown key 'report_dir' in the file; did you mean 'report-dir'?"),
    ("runtimes = 1", "linmem.toml: 'runtimes' must be text or a list of texts, found 1"),
    ("suites = [1]", "linmem.toml: an item of 'suites' must be text, found 1; put it in quotes"),
    ("known = ['']", "linmem.toml: an item of 'known' must not be empty"),
    ("baseline = ['a.yaml']", "linmem.toml: 'baseline' must be the path of one file or folder, found a list of 1"),
    ("report-dir = ''", "linmem.toml: 'report-dir' must not be empty"),
    ('known = "a\\u0000b"', "linmem.toml: 'known' must be text or a list of texts, found 'a\\x00b'"),
    ('report-dir = "a\\u0000b"', "linmem.toml: 'report-dir' must be the path of one file or folder, found 'a\\x00b'"),
    ("step-timeout = 0", "linmem.toml: 'step-timeout' must be a number of seconds, more than 0"),
    ("step-timeout = '5'", "linmem.toml: 'step-timeout' must be a number of seconds, more than 0"),
    ("step-timeout = true", "linmem.toml: 'step-timeout' must be a number of seconds, more than 0"),
    ("step-timeout = nan", "linmem.toml: 'step-timeout' must be a number of seconds, more than 0"),
    ("step-timeout = inf", "linmem.toml: 'step-timeout' must be a number of seconds, more than 0"),
    ("step-mib = 0", "linmem.toml: 'step-mib' must be a number of MiB, more than 0"),
    ("scenario-calls = 1.5", "linmem.toml: 'scenario-calls' must be a whole number of calls"),
    ("runtimes = [", "linmem.toml: is not TOML: "),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_a_mistake_is_one_line_with_the_file(folder: Path, text: str, words: str) -> None:
    write(folder, f"{text}\n")
    with pytest.raises(UserError) as caught:
        find()
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


def test_a_mistake_in_pyproject_toml_names_the_table(folder: Path) -> None:
    write(folder, "[tool.linmem]\nsuite = 'a'\n", "pyproject.toml")
    with pytest.raises(
        UserError, match=r"^pyproject\.toml: \[tool\.linmem\]: unknown key 'suite' in the table; did you mean"
    ):
        find()
    project._find.cache_clear()
    write(folder, "[tool]\nlinmem = 1\n", "pyproject.toml")
    with pytest.raises(UserError, match=r"^pyproject\.toml: \[tool\.linmem\]: the table must be a mapping, found 1$"):
        find()


def test_a_file_that_is_no_text_or_can_not_be_read(folder: Path) -> None:
    (folder / "linmem.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"^linmem\.toml: is not UTF-8 text"):
        find()


# ---------------------------------------------------------------------------------------------------------- in a run


def linmem(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, in a folder."""
    return python(folder, "linmem", *words)


def python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *words]
    env = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


def ids(folder: Path) -> list[str]:
    """The ids of the results in a report folder."""
    lines = map(json.loads, (folder / "record.jsonl").read_text(encoding="utf-8").splitlines())
    return [line["id"] for line in lines if line["type"] == "result"]


@pytest.fixture
def mine(folder: Path, fake_runtime: Fake) -> Path:
    """A project with a suite, a runtime in a folder, a baseline and a list of its own."""
    fake_runtime().rename(folder / "fake")
    (folder / "memory").mkdir()
    (folder / "memory" / "mine.yaml").write_text(SCENARIO.format(pages=1))
    (folder / "lists.yaml").write_text("[]\n")
    write(
        folder,
        'runtimes = "./fake"\nsuites = "memory"\nknown = "lists.yaml"\nbaseline = "base.yaml"\nreport-dir = "out"\n',
    )
    return folder


def test_a_wrong_file_ends_a_run_with_pytest_s_status_4(folder: Path) -> None:
    write(folder, "step-timeout = -1\n")
    done = linmem(folder, "run")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stdout + done.stderr == (
        "ERROR: linmem.toml: 'step-timeout' must be a number of seconds, more than 0, found -1\n\n"
    )
    shown = linmem(folder, "report", "show")
    said = "linmem: linmem.toml: 'step-timeout' must be a number of seconds, more than 0, found -1\n"
    assert (shown.returncode, shown.stdout, shown.stderr) == (2, "", said)


@pytest.mark.slow
def test_a_folder_of_the_user_s_own_is_played_and_has_reproducers(mine: Path) -> None:
    """Also one that only the command line names, with a runtime that only the project file names."""
    write(mine, 'runtimes = "./fake"\nreport-dir = "out"\n')
    (mine / "other").mkdir()
    (mine / "other" / "wrong.yaml").write_text(SCENARIO.format(pages=2))
    done = linmem(mine, "run", "other")
    assert done.returncode == 1, done.stdout + done.stderr
    case = "other/wrong.yaml::the-memory-has-a-page[fake]"
    assert case in ids(mine / "out" / "partial")
    told = linmem(mine, "repro", case)
    assert "there is no runtime 'fake'" not in told.stderr
    assert "fake" in told.stderr  # the runtime is found; it has no way to write one


@pytest.mark.slow
def test_run_gate_known_and_report_need_nothing_more(mine: Path) -> None:
    first = linmem(mine, "run", "--record-baseline=base.yaml")  # which is not there yet
    assert first.returncode == 0, first.stdout + first.stderr
    assert ids(mine / "out") == [
        "memory/mine.yaml::the-memory-has-a-page[fake]",
        "memory/mine.yaml::it-is-there[fake]",
    ]
    assert "gate: recorded 2 cases in base.yaml" in first.stdout
    assert not (mine / "out" / "partial").exists()

    again = linmem(mine, "run")
    assert again.returncode == 0
    assert "gate: passed: 2 cases compared with base.yaml" in again.stdout
    gated = linmem(mine, "gate")
    assert (gated.returncode, gated.stdout) == (0, "gate: passed: 2 cases compared with base.yaml\n")
    shown = linmem(mine, "report", "show")
    assert shown.returncode == 0
    assert "report: out/report.html" in shown.stdout

    (mine / "memory" / "mine.yaml").write_text(SCENARIO.format(pages=2))
    worse = linmem(mine, "run")
    assert worse.returncode == 1
    assert "gate: FAILED: 1 regression; 2 cases compared with base.yaml" in worse.stdout
    gated = linmem(mine, "gate")
    assert gated.returncode == 1
    assert gated.stdout.startswith("REGRESSION memory/mine.yaml::the-memory-has-a-page[fake]: pass → fail: ")
    assert "record it: linmem gate out --record-baseline base.yaml" in gated.stdout

    added = linmem(mine, "known", "--add", "--reason", "It has one page.")
    assert (added.returncode, added.stdout.partition(":")[0]) == (0, "lists.yaml"), added.stderr
    known = linmem(mine, "run", "--record-baseline=base.yaml")
    assert known.returncode == 0, known.stdout
    assert linmem(mine, "known", "--stale").returncode == 0
    (mine / "memory" / "mine.yaml").write_text(SCENARIO.format(pages=1))
    assert linmem(mine, "run").returncode == 1
    stale = linmem(mine, "known", "--stale")
    assert stale.returncode == 1
    assert "lists.yaml:" in stale.stdout


@pytest.mark.slow
def test_a_runtime_that_only_the_project_file_names_has_its_own_list(mine: Path) -> None:
    """The record's command line names it, so that what comes later finds its folder."""
    write(mine, 'runtimes = "./fake"\nsuites = "memory"\n')
    (mine / "memory" / "mine.yaml").write_text(SCENARIO.format(pages=2))
    assert linmem(mine, "run").returncode == 1
    added = linmem(mine, "known", "--add", "--reason", "It has one page.")
    assert (added.returncode, added.stderr) == (0, "")
    assert "runtime: fake" in (mine / "fake" / "known.yaml").read_text(encoding="utf-8")
    assert linmem(mine, "run").returncode == 0
    report = json.loads((mine / "reports" / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["command"][-1] == "--runtime=./fake"


@pytest.mark.slow
def test_in_a_folder_of_the_project_paths_lead_to_the_same(mine: Path) -> None:
    below = mine / "src"
    below.mkdir()
    done = linmem(below, "run", "--record-baseline=new.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(ids(mine / "out")) == 2
    assert (below / "new.yaml").exists()  # what the command line names is where the user is


@pytest.mark.slow
def test_names_are_relative_to_the_project_wherever_in_it_a_run_begins(mine: Path) -> None:
    (mine / "more.yaml").write_text(SCENARIO.format(pages=1))
    assert linmem(mine, "run", "--record-baseline=base.yaml").returncode == 0
    below = mine / "memory"
    again = linmem(below, "run", "mine.yaml")
    assert again.returncode == 0, again.stdout
    assert "gate: passed: 2 cases compared with " in again.stdout
    (one, _) = ids(mine / "out" / "partial")
    assert one == "memory/mine.yaml::the-memory-has-a-page[fake]"
    alone = linmem(below, "run", one)  # as a report names it
    assert alone.returncode == 0, alone.stdout
    assert ids(mine / "out" / "partial") == [one]
    by_option = linmem(below, "run", f"--suites={one}", "-n", "2")
    assert by_option.returncode == 0, by_option.stdout
    by_pytest = python(below, "pytest", "-p", "linmem.plugin", "--rootdir=.", "-c/dev/null", "mine.yaml")
    assert by_pytest.returncode == 0, by_pytest.stdout
    assert one in ids(mine / "out" / "partial")


@pytest.mark.slow
def test_a_part_that_the_project_s_baseline_lacks_is_played_and_told(mine: Path) -> None:
    other = mine / "other.yaml"
    other.write_text(SCENARIO.format(pages=1))
    assert linmem(mine, "run", "--record-baseline=base.yaml").returncode == 0
    alone = linmem(mine, "run", "other.yaml")
    assert alone.returncode == 0, alone.stdout
    assert "gate: nothing to compare: other.yaml is not in base.yaml\n" in alone.stdout
    both = linmem(mine, "run", "other.yaml", "memory/mine.yaml")
    assert both.returncode == 0, both.stdout
    assert "suite other.yaml: 2 cases, not in the baseline" in both.stdout
    assert "2 cases compared with base.yaml" in both.stdout

    insisted = linmem(mine, "run", "other.yaml", "--baseline=base.yaml")
    assert insisted.returncode == 2
    assert "gate: REFUSED: nothing of this run is in base.yaml" in insisted.stdout
    other.write_text(SCENARIO.format(pages=2))
    failed = linmem(mine, "run", "other.yaml")
    assert failed.returncode == 1
    assert "gate: FAILED: 1 regression" in failed.stdout


@pytest.mark.parametrize("words", [["suites/memory/growth.yaml"], ["--suites=suites"]])
def test_a_suite_can_not_have_the_name_of_one_of_linmem_s(mine: Path, words: list[str]) -> None:
    own = mine / "suites" / "memory" / "growth.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(SCENARIO.format(pages=1))
    done = linmem(mine, "run", *words)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert (done.stdout + done.stderr).strip() == (
        "ERROR: suites/memory/growth.yaml: linmem has a suite of the same name: rename the file or its folder"
    )
    own.rename(own.with_name("mine.yaml"))
    write(mine, 'runtimes = "./fake"\nreport-dir = "out"\n')
    assert linmem(mine, "run", "--suites=suites").returncode == 0
    assert [name.partition("::")[0] for name in ids(mine / "out" / "partial")] == ["suites/memory/mine.yaml"] * 2


def test_without_a_baseline_gate_asks_for_one(mine: Path) -> None:
    write(mine, 'runtimes = "./fake"\nsuites = "memory"\n')
    done = linmem(mine, "gate")
    assert done.returncode == 2
    assert done.stderr == (
        "linmem: gate: give --baseline FILE to hold the run against, or --record-baseline FILE to record it\n"
    )
