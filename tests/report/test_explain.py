"""What ``linmem explain`` says of a scenario and of its results in a run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from linmem.cli import main

SCENARIOS = """\
title: Mine
wat: |
  (module
    (import "env" "log" (func $log (param i32)))
    (memory (export "memory") 1)
    (func (export "run") (call $log (i32.const 8))))
imports:
  env.log:
    params: [place]
    steps:
      - {read: u8, at: place, expect: 0}
observations:
  past-the-end: {question: What is past the end?, answers: {error: an error, undefined: undefined}}
scenarios:
  - name: a question
    about: One byte too far.
    spec: https://example.org/clause
    steps:
      - {call: run}
      - {read: u8, at: 65536, observe: past-the-end}
  - name: a failure
    steps:
      - {read: u8, at: 0, expect: 1}
"""
QUESTION = """\
mine.yaml:15: a question
  One byte too far.
  Clause: https://example.org/clause
  Played with a module of its own.

Steps, by line
   19  call run()
   20  read u8 at 65536
         asks: What is past the end?
  in the host function of line 9
   11  read u8 at place
         must give: 0

"""


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.yaml").write_text(SCENARIOS, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_run_the_steps_are_told(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "mine.yaml::a-question"]) == 0
    assert capsys.readouterr().out == f"{QUESTION}There is no run to show results of: linmem run plays it.\n"


def test_a_run_adds_who_answered_what_and_what_failed(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, "-m", "linmem", "run", "mine.yaml", "--runtime=wasmtime", "--runtime=node"]
    played = subprocess.run(command, cwd=at, env=own, capture_output=True, text=True, check=False)
    assert played.returncode == 1, played.stdout
    assert main(["explain", "mine.yaml::a-question[node]"]) == 0
    said = capsys.readouterr().out.removeprefix(QUESTION)
    assert said == (
        "What came of it\n  pass: wasmtime, node\n\n"
        "What is past the end?\n  0 of 1 bytes: wasmtime\n  undefined: node\n"
    )  # fmt: skip
    assert main(["explain", "mine.yaml::a-failure"]) == 0
    assert "What came of it\n  fail: wasmtime, node\n    read u8 at 0: expected 1, got 0\n" in capsys.readouterr().out


def test_a_name_that_is_not_there_is_told(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "mine.yaml::a-questoin"]) == 2
    said = "linmem: unknown scenario 'a-questoin' in mine.yaml; did you mean 'a-question'?\n"
    assert capsys.readouterr().err == said
