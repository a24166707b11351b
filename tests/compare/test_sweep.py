"""``linmem history`` and ``bisect``, on real versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from linmem.cli import main

SUITE = """\
title: Sweep
wat: (module (memory (export "memory") 1))
scenarios:
  - name: it reads
    steps:
      - read: u8
        at: 0
        expect: 0
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(SUITE, encoding="utf-8")
    return path


@pytest.mark.slow
def test_history_plays_a_range_and_reads_it_again(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    chosen = ["wasmtime@>=49,<=50.0.1", f"--report-dir={out}", "--format=json"]
    assert main(["history", *chosen, "--", f"--suites={suite}"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["timelines"]
    assert found["versions"] == ["wasmtime@49.0.0", "wasmtime@50.0.1"]
    assert (found["cases"], found["alike"], found["turns"]) == (1, 1, [])
    assert main(["history", "--from", str(out)]) == 0
    assert capsys.readouterr().out == "wasmtime: 2 versions, 49.0.0 to 50.0.1; 1 of 1 case alike in all\n"


@pytest.mark.slow
def test_bisect_asks_the_ends_first(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bisect", f"{suite}::it-reads[wasmtime]", "wasmtime@>=49,<=50.0.1"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["  49.0.0: pass", "  50.0.1: pass"]
    assert said[2].startswith("49.0.0 and 50.0.1 are alike")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["history"], "give a runtime with a range of versions"),
        (["history", "wasmtime@>=50", "--from", "x"], "give a runtime with a range of versions"),
        (["history", "wasmtime@49.0.0"], "wasmtime@49.0.0 is one version: give a range, such as 'wasmtime@>=1'"),
        (["history", "wasmtime", "-k", "x"], "wasmtime is one version: give a range"),
        (["bisect", "growth.yaml::x", "wasmtime"], "give a range of versions"),
        (["bisect", "growth.yaml", "wasmtime@>=50"], "a case is named like"),
        (["bisect", "growth.yaml::x", "wasmtme@>=50"], "did you mean 'wasmtime'"),
        (["bisect", "growth.yaml::x", "wasmtime@>=5000"], "no version of wasmtime is >=5000"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


@pytest.mark.slow
def test_a_case_that_is_not_there_is_said(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bisect", f"{suite}::it-writes", "wasmtime@>=49,<=50.0.1"]) == 2
    assert "it-writes: there is no such scenario" in capsys.readouterr().err
