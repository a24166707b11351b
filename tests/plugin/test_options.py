"""What the command line and the project file come to, and where a run's reports go."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from _pytest.config import _prepareconfig

from linmem import paths
from linmem.cli.run import CONFIGURATION
from linmem.compare import inputs
from linmem.drivers.limits import Limits
from linmem.plugin import options
from linmem.plugin.options import Settings

Fake = Callable[..., Path]
Read = Callable[..., Settings]
SUITE = """\
title: Mine
wat: (module (memory (export "memory") 1))
scenarios:
  - {name: one, steps: [{size: memory, expect: 1}]}
  - {name: two, steps: [{instantiate: guest}]}
"""
PROJECT = """\
runtimes = ["./my-runtime", "node"]
suites = "memory"
known = "known.yaml"
baseline = "base.yaml"
report-dir = "out"
step-timeout = 3
step-calls = 7
"""


pytestmark = pytest.mark.usefixtures("project_read_anew")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one, with a suite in it."""
    made = tmp_path / "project"
    (made / "memory").mkdir(parents=True)
    (made / "memory" / "mine.yaml").write_text(SUITE)
    monkeypatch.chdir(made)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return made


@pytest.fixture
def read(folder: Path) -> Read:
    """The settings of ``linmem run`` with these words, in the folder."""

    def settings(*words: str) -> Settings:
        own = ["-p", "linmem.plugin", "-c", str(CONFIGURATION), "--noconftest", f"--rootdir={folder}"]
        config = _prepareconfig([*own, *words])
        try:
            return options.settings(config)
        finally:
            config._ensure_unconfigure()

    return settings


def test_with_neither_the_defaults_hold(read: Read) -> None:
    assert read() == Settings(
        runtimes=[], guests=[], glue=None, suites=[], report_dir=Path("reports/out"), known=[], baseline=None,
        record_baseline=None, step_timeout=10.0, limits=Limits(), slow=False, unsaid=[], part=False,
    )  # fmt: skip


def test_the_project_file_holds_where_the_command_line_is_silent(read: Read, folder: Path) -> None:
    (folder / "linmem.toml").write_text(PROJECT)
    assert read("--slow") == Settings(
        runtimes=["./my-runtime", "node"], guests=[], glue=None, suites=["./memory"], report_dir=Path("out"),
        known=[folder / "known.yaml"], baseline=Path("base.yaml"), record_baseline=None, step_timeout=3.0, limits=Limits(step_calls=7), slow=True,
        unsaid=["--runtime=./my-runtime", "--runtime=node"], part=False,
    )  # fmt: skip


def test_what_takes_minutes_has_more_time_for_a_step(read: Read) -> None:
    assert (read("--slow").step_timeout, read("--slow", "--step-timeout=5").step_timeout) == (600.0, 5.0)


def test_the_command_line_wins(read: Read, folder: Path) -> None:
    (folder / "linmem.toml").write_text(PROJECT)
    given = [
        "--runtime=wasmtime", "--suites=other", "--known=mine.yaml", "--known=more.yaml", "--baseline=b.yaml",
        "--report-dir=there", "--step-timeout=5", "--step-mib=2", "--record-baseline=new.yaml",
    ]  # fmt: skip
    assert read(*given) == Settings(
        runtimes=["wasmtime"], guests=[], glue=None, suites=["other"], report_dir=Path("there"),
        known=[Path("mine.yaml"), Path("more.yaml")], baseline=Path("b.yaml"), record_baseline=Path("new.yaml"),
        step_timeout=5.0, limits=Limits(step_mib=2, step_calls=7), slow=False, unsaid=[], part=False,
    )  # fmt: skip


def test_what_the_command_line_names_takes_the_place_of_the_project_s_suites(read: Read, folder: Path) -> None:
    (folder / "linmem.toml").write_text(PROJECT)
    assert read("memory/mine.yaml").suites == []


def test_the_first_baseline_is_recorded_though_the_project_file_names_it(read: Read, folder: Path) -> None:
    (folder / "linmem.toml").write_text(PROJECT)
    found = read("--record-baseline=base.yaml")
    assert (found.baseline, found.record_baseline) == (None, Path("base.yaml"))


# ------------------------------------------------------------------------------------------- where the reports go

PARTS = [
    ["-k", "grow"],
    ["-m", "slow"],
    ["--guest=go"],
    ["--runtime=wasmtime"],
    ["--runtime=wasmtime,node", "--runtime=wasmer:llvm"],
    ["--runtime=wasmtime@49.0.0", "--runtime=wasmer", "--runtime=node"],
    ["--suites=memory"],
    ["memory"],
    ["memory/mine.yaml::one"],
    ["--deselect=suites/memory/growth.yaml"],
    ["--ignore=suites/memory"],
    ["--lf"],
    ["--sw"],
]
WHOLE = [
    [],
    ["-n2"],
    ["--slow", "-q", "-x", "--ff"],
    ["--runtime=node", "--runtime=wasmtime,wasmer"],
    ["--runtime=all"],
    [str(paths.SUITES)],
    ["--known=known.yaml", "--step-timeout=5", "--step-mib=2"],
]


@pytest.mark.parametrize("words", PARTS, ids=" ".join)
def test_a_run_of_a_part_leaves_the_whole_run_s_reports(read: Read, words: list[str]) -> None:
    assert read(*words).report_dir == Path("reports/out/partial")
    assert read(*words, "--report-dir=there").report_dir == Path("there")


@pytest.mark.parametrize("words", WHOLE, ids=" ".join)
def test_a_run_of_all_takes_their_place(read: Read, words: list[str]) -> None:
    assert read(*words).report_dir == Path("reports/out")


def test_what_is_all_the_project_file_says(read: Read, folder: Path) -> None:
    (folder / "linmem.toml").write_text(PROJECT)
    whole = [
        [],
        ["--runtime=node,my-runtime/"],
        [f"--runtime={folder}/my-runtime", "--runtime=node", "--runtime=wasmtime"],
        ["--suites=memory"],
        [str(folder / "memory")],
    ]
    parts = [
        ["--runtime=node"],
        ["--runtime=all"],  # which does not know the project's own
        ["memory/mine.yaml"],
        ["--suites=memory/mine.yaml"],
        ["--suites=memory", "--suites=more"],
        [str(paths.SUITES)],
    ]
    assert [read(*words).report_dir for words in whole] == [Path("out")] * len(whole)
    assert [read(*words).report_dir for words in parts] == [Path("out/partial")] * len(parts)


def linmem(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "linmem", *words]
    return subprocess.run(command, cwd=folder, env={**os.environ, "COLUMNS": "200"}, capture_output=True, text=True)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The last line before pytest's own."""
    return done.stdout.rstrip().splitlines()[-2]


def ids(folder: Path) -> list[str]:
    lines = map(json.loads, (folder / "record.jsonl").read_text(encoding="utf-8").splitlines())
    return [line["id"].partition("::")[2] for line in lines if line["type"] == "result"]


@pytest.mark.slow
def test_commands_take_the_newer_of_the_two_runs(folder: Path, fake_runtime: Fake) -> None:
    fake_runtime("my-runtime").rename(folder / "my-runtime")
    (folder / "linmem.toml").write_text('runtimes = "./my-runtime"\nsuites = "memory"\n')
    nothing = linmem(folder, "report", "show")
    assert (nothing.returncode, nothing.stderr.partition(": there")[0]) == (2, "linmem: reports/out")

    none = linmem(folder, "run", "-k", "three")
    assert none.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert not (folder / "reports").exists()  # nothing is left of folders that were made for it

    part = linmem(folder, "run", "-k", "two")
    assert last_line(part) == "report: reports/out/partial/report.html", part.stdout
    assert inputs.last() == Path("reports/out/partial")
    whole = linmem(folder, "run")
    assert last_line(whole) == "report: reports/out/report.html"
    assert inputs.last() == Path("reports/out")
    assert ids(folder / "reports" / "out") == ["one[my-runtime]", "two[my-runtime]"]

    base = linmem(folder, "gate", "--record-baseline=base.yaml")
    assert base.stdout == "gate: recorded 2 cases in base.yaml\n"
    part = linmem(folder, "run", "-k", "two")
    assert ids(folder / "reports" / "out") == ["one[my-runtime]", "two[my-runtime]"]
    assert ids(folder / "reports" / "out" / "partial") == ["two[my-runtime]"]
    gated = linmem(folder, "gate", "--baseline=base.yaml")
    assert gated.stdout.endswith("gate: passed: 1 case compared with base.yaml\n")
    shown = linmem(folder, "report", "show")
    assert shown.stdout.endswith("report: reports/out/partial/report.html\n")
    repro = linmem(folder, "repro", "memory/mine.yaml::one[my-runtime]")
    assert repro.stderr.startswith("linmem: reports/out/partial has no case memory/mine.yaml::one[my-runtime]: play it")
    assert linmem(folder, "known", "--stale").returncode == 0
    assert linmem(folder, "known", "--add").stdout.startswith("reports/out/partial: every failure is listed")


@pytest.mark.parametrize("option", ["--suites", "--runtime=./"])
def test_a_path_that_is_too_long_ends_in_a_line(run: Callable[..., Any], option: str) -> None:
    played = run(f"{option}{'x' * 3000}" if option.endswith("/") else f"{option}={'x' * 3000}")
    assert played.status == pytest.ExitCode.USAGE_ERROR
    assert "INTERNALERROR" not in played.text
    assert re.search(r"^ERROR: .*File name too long$|^ERROR: .*xx…$", played.text, re.MULTILINE)
