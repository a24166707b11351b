"""Runs of a shard each, end to end: together they are the whole run, and one alone claims nothing of the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linmem.cli import main

SUITE = """\
title: Sizes
wat: |
  (module (memory (export "memory") 1) (func (export "plain")))
observations: {size: {question: How large?, answers: {1: a page}}}
scenarios:
  - name: has $pages of NAME
    cases: [{pages: 1}, {pages: 2}, {pages: 3}, {pages: 4}, {pages: 5}, {pages: 6}]
    steps: [{size: memory, observe: size}, {size: memory, expect: 1}]
  - name: is called
    steps: [{call: plain}]
  - name: is wrong
    steps: [{size: memory, expect: 2}]
"""
TIMES = {"duration", "started", "finished", "command"}

Sharded = Callable[..., Any]


def without_times(value: Any) -> Any:
    """A report without what differs between two runs of the same."""
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in TIMES}
    return list(map(without_times, value)) if isinstance(value, list) else value


@pytest.fixture
def sharded(run: Callable[..., Any], fake_runtime: Callable[..., Path], tmp_path: Path) -> Sharded:
    """Plays the suites on two fakes, with these options; reports go to a folder with this name."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(SUITE.replace("NAME", name))
    (tmp_path / "known.yaml").write_text("[]\n")
    given = [f"--suites={tmp_path / name}.yaml" for name in ("one", "two")]
    given += [f"--runtime={fake_runtime(name)}" for name in ("fake", "other")]
    given += [f"--known={tmp_path / 'known.yaml'}", "-q"]
    return lambda folder, *options: run(*given, *options, folder=folder)


def merge(tmp_path: Path, *parts: str) -> int:
    """Merge the reports in these folders into the folder ``all``."""
    return main(["merge", *(str(tmp_path / part) for part in parts), "--report-dir", str(tmp_path / "all")])


def report(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def test_the_shards_of_a_run_make_the_whole_run(
    sharded: Sharded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "base.yaml"
    whole = sharded("whole", f"--record-baseline={base}")
    assert (whole.status, len(whole.lines("result"))) == (1, 16 * 2)
    numbers = []
    for number in (1, 2):
        balanced = f"--shard-by={tmp_path / 'whole'}"
        part = sharded(f"part-{number}", f"--shard={number}/2", balanced, f"--baseline={base}", *["-n2"][: number - 1])
        numbers.append(len(part.lines("result")))
        assert part.status == int(any(line["outcome"] == "fail" for line in part.lines("result")))
        assert "gate: passed" in part.text
        assert f"not compared: {32 - numbers[-1]} cases of the baseline: not in shard {number}/2" in part.text
        assert part.report["complete"]
        assert len(part.report["selection"]["deselected"]) == 32 - numbers[-1]
    assert sum(numbers) == 32
    assert all(numbers)
    assert merge(tmp_path, "part-2", "part-1") == 0
    assert without_times(report(tmp_path / "all")) == without_times(whole.report)
    assert main(["gate", str(tmp_path / "all"), f"--baseline={base}", "--whole"]) == 0
    assert f"gate: passed: 32 cases compared with {base}" in capsys.readouterr().out


def test_what_k_leaves_out_of_all_shards_is_no_gap(sharded: Sharded, tmp_path: Path) -> None:
    whole = sharded("whole", "-k", "not wrong")
    for number in (1, 2):
        assert sharded(f"part-{number}", "-k", "not wrong", f"--shard={number}/2").status == 0
    assert merge(tmp_path, "part-1", "part-2") == 0
    merged, expected = report(tmp_path / "all"), whole.report
    assert without_times(merged["results"]) == without_times(expected["results"])
    left_out = [sorted(case["id"] for case in found["selection"]["deselected"]) for found in (merged, expected)]
    assert left_out[0] == left_out[1]
    assert len(left_out[0]) == 4


def test_shards_that_do_not_make_a_whole(sharded: Sharded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (1, 3):
        sharded(f"part-{number}", f"--shard={number}/3")
    sharded("other-2", "--shard=2/3", f"--shard-by={tmp_path / 'part-1'}")
    assert merge(tmp_path, "part-1", "part-3") == 1
    said = capsys.readouterr().out
    assert "conflict: not all of 3 shards are here: 2/3" in said
    assert "that nobody played: the merged run is incomplete" in said
    assert merge(tmp_path, "part-1", "other-2", "part-3") == 1
    assert "conflict: the shards were not cut alike" in capsys.readouterr().out
    alone = sharded("alone", "-k", "called and one and fake", "--shard=1/2")
    other = sharded("alone-2", "-k", "called and one and fake", "--shard=2/2")
    assert sorted([alone.status, other.status]) == [0, 5]
    assert "no scenario of this selection is in shard" in alone.text + other.text


def test_an_option_that_makes_no_sense(sharded: Sharded) -> None:
    for options, words in (
        (["--shard=3/2"], "'3/2' is no shard: give one as in 3/8, from 1/8 to 8/8"),
        (["--shard-by=nowhere"], "--shard-by goes with --shard I/N"),
        (["--shard=1/2", "--shard-by=nowhere"], "nowhere: there is no such run"),
    ):
        ended = sharded("out", *options)
        assert ended.status == 4
        assert words in ended.text
