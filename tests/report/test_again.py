"""The command that plays results again: it is run as a shell reads it, and plays them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from report_records import header, result

from linmem.compare import inputs
from linmem.report import again

SCENARIO = """\
title: Mine
wat: (module (memory (export "memory") 1))
scenarios:
  - {name: the memory has two pages, steps: [{size: memory, expect: 2}]}
  - {name: "it's one", steps: [{read: u8, at: 0, expect: 1}]}
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    folder = tmp_path / "my suites"
    folder.mkdir()
    path = folder / "it's mine.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


@pytest.mark.slow
def test_what_failed_fails_again(
    mine: Path, tmp_path: Path, fake_runtime: Callable[..., Path], run: Callable[..., Any]
) -> None:
    """A scenario file and a runtime of the user's own, and options behind a space."""
    known = tmp_path / "known.yaml"
    known.write_text("", encoding="utf-8")
    asked = [f"--suites={mine}", f"--runtime={fake_runtime('fake')}", "--runtime=node", "--step-timeout", "30"]
    first = run(*asked, f"--known={known}")
    assert first.status == 1, first.text
    report = inputs.load(first.folder)
    bad = [result for result in report.results if result.outcome != "pass"]
    assert len(bad) >= 3
    for number, failed in enumerate(bad):
        words = shlex.split(again.rerun(report, [failed]))
        assert words[:2] == ["linmem", "run"]
        second = run(*words[2:], folder=f"again{number}")
        assert second.status == 1, second.text
        assert [line["id"] for line in second.lines("result")] == [failed.id]
    assert again.rerun(report, bad[:1]) in re.sub(r"\s+", " ", (first.folder / "report.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], "--runtime mine@1"),
        (["--runtime", "node"], "--runtime mine@1"),
        (["--runtime", "./mine@1"], "--runtime=./mine@1"),
        (["--runtime=node,/my/mine"], "--runtime=/my/mine@1"),
        (["--slow", "--runtime=../mine@>=1,<2"], "--slow --runtime=../mine@1"),
        (["--known", "k.yaml", "--guest=go", "--guest", "c"], "--known=k.yaml --guest=go --guest=c --runtime mine@1"),
    ],
)
def test_what_the_run_was_given(records: Any, command: list[str], words: str) -> None:
    one = result(runtime="mine@1", outcome="fail")
    report = records.report([one], head=header([one], command=["pytest", *command]))
    assert again.rerun(report, report.results) == f"linmem run {words} '{one['id']}'"


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--report-dir", "--known", "--record-baseline"])
def test_an_option_s_value_behind_a_space_reaches_workers(
    mine: Path, tmp_path: Path, option: str, run: Callable[..., Any]
) -> None:
    """Also where it is a path that the run itself has made by then."""
    value = tmp_path / "made"
    if option == "--known":
        value.write_text("", encoding="utf-8")
    ended = run(f"--suites={mine}", "suites/memory/growth.yaml", "--runtime=node", option, str(value), "-n", "2")
    assert ended.status == 1, ended.text
    assert "2 failed" in ended.text
