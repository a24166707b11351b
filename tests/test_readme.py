"""What the README and the report tell their readers to run finds something to play, with linmem's own known defects."""

from __future__ import annotations

import fnmatch
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linmem import project
from linmem.guests import catalogue
from linmem.scenario.loader import load_suite

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLAYS = "tox -e report -- "
ASKED = [row for row in re.findall(r"^\| .+\? \| `(.+)` \|$", README, re.MULTILINE) if row.startswith(PLAYS)]
SCENARIO = """\
title: Mine
wat: (module (memory (export "memory") 1))
scenarios:
  - {name: the memory has a page, steps: [{size: memory, expect: 1}]}
"""
DoRun = Callable[..., Any]


@pytest.fixture
def files(tmp_path: Path, fake_runtime: Callable[..., Path]) -> dict[str, str]:
    """The reader's own files, by what the README calls them."""
    mine = tmp_path / "mine.yaml"
    mine.write_text(SCENARIO, encoding="utf-8")
    module = tmp_path / "main.wasm"
    guest = next(guest for guest in catalogue.guests("shared_buffer") if guest.label == "go")
    shutil.copy(guest.module, module)  # type: ignore[union-attr]
    glue = tmp_path / "wasm_exec.js"
    glue.write_text("", encoding="utf-8")
    return {
        "mine.yaml": str(mine),
        "path/to/main.wasm": str(module),
        "path/to/wasm_exec.js": str(glue),
        "./my-runtime": str(fake_runtime("mine")),
    }


def main_job(*words: str) -> list[str]:
    """The ids that the main job would play: its command is ``linmem run``, with what follows ``--``."""
    command = [sys.executable, "-m", "linmem", "run", *words, "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return ids(done.returncode, done.stdout + done.stderr)


def test_there_is_something_to_ask() -> None:
    assert len(ASKED) >= 12


@pytest.mark.slow
@pytest.mark.parametrize("command", ASKED)
def test_what_it_can_be_asked_collects_something(command: str, files: dict[str, str]) -> None:
    words = shlex.split(command.removeprefix(PLAYS))
    for name, path in files.items():
        words = [re.sub(rf"(?<![^=]){re.escape(name)}$", path, word) for word in words]
    assert main_job(*words)


def test_the_project_file_of_the_page_is_read(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (tmp_path / project.NAME).write_text(text, encoding="utf-8")
    shown = project.find(tmp_path)
    assert shown.file == tmp_path / project.NAME
    table = README.partition("| Key | Same as |")[2].partition("\n\n")[0]
    keys = {key for row in re.findall(r"^\|(.*?)\|", table, re.MULTILINE) for key in re.findall(r"`([\w-]+)`", row)}
    assert shown.keys < keys == set(project.SCHEMA.document["properties"])


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name
)
def test_a_scenario_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(r"(\bsuites/\w+/)?\b(\w+\.yaml)::([a-z0-9_*?-]+)(?:\[([\w.@-]+)\])?", page.read_text("utf-8"))
    for folder, name, slug, _ in named:
        paths = [ROOT / folder / name] if folder else [*(ROOT / "suites").glob(f"*/{name}")]
        for path in paths:
            slugs = [scenario.slug for scenario in load_suite(path, name).scenarios]
            assert fnmatch.filter(slugs, slug), f"{name}::{slug}"


def test_the_pages_name_scenarios() -> None:
    """Or the test above tests nothing."""
    assert "growth.yaml::the-host-grows-past" in (ROOT / "docs" / "comparing.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("guest", ["assemblyscript", "c", "go", "npm", "rust", "wat", "zig"])
def test_any_guest_can_be_asked_for(guest: str, run: DoRun) -> None:
    assert found(run("suites", "--runtime=all", f"--guest={guest}", "--collect-only", "-q"))


@pytest.mark.slow
def test_what_was_played_can_be_played_alone(run: DoRun) -> None:
    every = found(run("suites", "--runtime=wasmtime", "--collect-only", "-q"))
    for alone in ([every[0]], [every[-1]], every[100:103]):
        assert found(run("--runtime", "wasmtime", *alone, "--collect-only", "-q")) == alone


@pytest.mark.slow
def test_the_main_job_plays_only_what_it_is_told_to(run: DoRun) -> None:
    """What follows names files and ids in the folder of the suites; so it does after `pytest suites`."""
    one = "suites/memory/shared_buffer.yaml::wasm-writes-24-at-index-0[c-node]"
    files = ["suites/memory/growth.yaml", "suites/wasi/wasi.yaml"]
    assert found(run("suites", one, "--collect-only", "-q")) == main_job(one) == [one]
    two = found(run("suites", *files, "--collect-only", "-q"))
    assert {name.partition("::")[0] for name in two} == set(files)
    assert two == main_job(*files) == main_job("growth.yaml", "wasi.yaml")
    played = run("suites", one, "-n", "2")
    assert (played.status, [line["id"] for line in played.lines("result")]) == (0, [one])
    assert played.report["selection"]["paths"] == [one]


@pytest.mark.slow
def test_what_only_the_tests_need_is_not_needed_to_play(run: DoRun, tmp_path: Path) -> None:
    """Without an argument that is a path, pytest also looks into tests/conftest.py, in whatever environment."""
    lacking = tmp_path / "lacking"
    lacking.mkdir()
    for name in ("hypothesis", "playwright", "axe_playwright_python"):
        (lacking / f"{name}.py").write_text(f"raise ModuleNotFoundError({name!r})\n", encoding="utf-8")
    for words in (["--runtime", "wasmtime"], ["--guest", "c"], ["--report-dir", str(tmp_path / "new")]):
        assert found(run(*words, "-k", "shared_buffer.yaml", "--collect-only", "-q", env={"PYTHONPATH": str(lacking)}))


@pytest.mark.slow
def test_the_suites_folder_can_be_named_like_any_other(run: DoRun) -> None:
    assert found(run("--suites=suites", "--runtime=wasmtime", "--collect-only", "-q")) == found(
        run("suites", "--runtime=wasmtime", "--collect-only", "-q")
    )


@pytest.mark.slow
def test_with_workers_a_wrong_list_of_known_defects_is_one_line(run: DoRun, tmp_path: Path) -> None:
    known = tmp_path / "known.yaml"
    known.write_text(
        "- {scenario: growth.yaml::nonsense, runtime: wasmtime@1, reason: It is nonsense.}\n", encoding="utf-8"
    )
    for workers in ("0", "2"):
        ended = run("suites/memory/growth.yaml", "--runtime=wasmtime", f"--known={known}", "-n", workers)
        assert ended.status == pytest.ExitCode.USAGE_ERROR
        assert (
            "known.yaml:1: suites/memory/growth.yaml has no scenario 'nonsense'; correct the entry or delete it"
            in ended.text
        )
        assert "INTERNALERROR" not in ended.text


def found(collected: Any) -> list[str]:
    """The ids that a collection printed."""
    return ids(collected.status, collected.text)


def ids(status: int, text: str) -> list[str]:
    assert (status, "ERROR" in text) == (0, False), text
    return [line for line in text.splitlines() if re.fullmatch(r"\S+::\S+\[\S+\]", line)]
