"""Runs held against a baseline, end to end, and runs that are killed: what they leave is never taken for whole."""

from __future__ import annotations

import html
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from linmem.cli import main

pytestmark = pytest.mark.slow

DoRun = Callable[..., Any]
Fake = Callable[..., Path]

SUITE = """\
title: Mixed
wat: |
  (module (memory (export "memory") 1) (func (export "plain")) (func (export "naps")))
observations: {{size: {{question: How large?, answers: {{1: {answer}}}}}}}
scenarios:
  - name: has a page
    steps: [{{size: memory, observe: size, expect: {size}}}]
  - name: is called
    steps: [{{call: plain}}]
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.yaml"
    write(path)
    return path


def write(path: Path, size: int = 1, answer: str = "a page") -> None:
    path.write_text(SUITE.format(size=size, answer=answer))


@pytest.fixture
def gated(run: DoRun, fake_runtime: Fake, suite: Path, tmp_path: Path) -> Callable[..., Any]:
    """Plays the suite on two fakes, with these options."""
    known = tmp_path / "known.yaml"
    known.write_text("[]\n")
    fakes = [f"--runtime={fake_runtime(name)}" for name in ("fake", "other")]
    return lambda *options, **more: run(f"--suites={suite}", *fakes, f"--known={known}", *options, **more)


def verdict(played: Any) -> list[str]:
    """The lines of the verdict, without pytest's own behind them."""
    lines: list[str] = played.text.partition(" linmem: gate ")[2].splitlines()[1:]
    return [line for line in lines if line.startswith(("REG", "MISS", "NEW", "IMP", "CHA", "not compared", "gate:"))]


def test_a_run_is_recorded_and_the_next_ones_are_held_against_it(
    gated: Callable[..., Any], suite: Path, tmp_path: Path
) -> None:
    base = tmp_path / "base.yaml"
    first = gated(f"--record-baseline={base}")
    assert (first.status, verdict(first)) == (0, [f"gate: recorded 4 cases in {base}"])

    same = gated(f"--baseline={base}", "-q", "-n2")
    assert (same.status, verdict(same)) == (0, [f"gate: passed: 4 cases compared with {base}"])

    part = gated(f"--baseline={base}", "-k", "called and fake", "-n2")
    assert (part.status, verdict(part)) == (
        0,
        [
            "not compared: 3 cases of the baseline: left out by -k or the like",
            f"gate: passed: 1 case compared with {base}",
        ],
    )

    write(suite, answer="another word")
    worded = gated(f"--baseline={base}")
    assert worded.status == 1  # though every item passed
    assert "2 passed" in worded.text or "4 passed" in worded.text
    assert verdict(worded)[0] == "REGRESSION 2 answers on fake and other: size: a page → another word"
    assert "::has-a-page[fake] and 1 more" in worded.text
    assert verdict(worded)[-2] == f"gate: FAILED: 2 regressions, 1 cause; 4 cases compared with {base}"

    write(suite, size=2)
    failed = gated(f"--baseline={base}", "-q")
    assert failed.status == 1
    assert "2 cases on fake and other: pass → fail: size of memory in pages: expected 2, got 1" in verdict(failed)[0]
    assert main(["gate", str(failed.folder), "--baseline", str(base)]) == 1

    suite.write_text(suite.read_text().replace("is called", "is still called"))
    renamed = gated(f"--baseline={base}")
    assert any(
        line.startswith("MISSING ") and "::is-called: the scenario with its 2 cases" in line
        for line in verdict(renamed)
    )


def test_a_failure_that_is_listed_for_other_versions_says_where(run: DoRun, fake_runtime: Any, suite: Path) -> None:
    write(suite, size=2)
    known = suite.with_name("known.yaml")
    entry = {"scenario": f"{suite.name}::has-a-page", "reason": "It is wrong.", "message": "expected 2, got 1"}
    known.write_text(json.dumps([{**entry, "runtime": "fake@<0.1"}]), encoding="utf-8")
    words = [f"--suites={suite}", f"--runtime={fake_runtime('fake')}", f"--known={known}"]
    told = " ".join(run(*words).text.split())
    assert "lists this failure, but only for the versions <0.1: widen it if this is the same" in told
    known.write_text(json.dumps([{**entry, "runtime": "fake@<0.1", "message": "another"}]), encoding="utf-8")
    assert "lists this failure" not in run(*words, folder="again").text


def test_every_output_says_first_that_the_gate_failed(
    gated: Callable[..., Any], suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "base.yaml"
    assert gated(f"--record-baseline={base}").status == 0
    write(suite, answer="another word")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    played = gated(f"--baseline={base}")
    assert played.status == 1
    what = f"Compared with the baseline {base}, 2 results changed for the worse."
    how = f"If these changes are meant, record them: linmem gate {played.folder}"

    def told(name: str) -> str:
        return (played.folder / name).read_text(encoding="utf-8")

    document = json.loads(told("report.json"))
    assert [fault["what"] for fault in document["faults"]] == [what]
    assert document["faults"][0]["remedy"].startswith(how)
    assert [finding["kind"] for finding in document["gate"]["findings"]] == ["regression", "regression"]
    page = html.unescape(told("report.html"))
    assert page.index(what) < page.index(how) < page.index("<h1>")
    assert told("report.md").startswith("> [!CAUTION]\n> **Compared with the baseline ")
    assert "size: a page → another word" in told("report.md")
    first = ElementTree.fromstring(told("junit.xml"))[0][0]
    (failure,) = first.iter("failure")
    assert (first.get("classname"), failure.get("message")) == ("linmem.gate", what)
    assert "2 answers on fake and other: size: a page → another word" in (failure.text or "")
    badge = json.loads(told("badges/fake.json"))
    assert (badge["message"], badge["color"]) == ("1 worse than the baseline", "red")
    summary = " ".join(played.text.partition("= linmem =")[2].split())
    assert summary.index(f"FAILED: {what}") < summary.index("Met: ")
    annotations = [line for line in played.text.splitlines() if line.startswith("::error ")]
    assert annotations[0].startswith(f"::error title=linmem::{what} If these changes are meant")
    assert f"/{suite.name},line=6,title=linmem::" in annotations[1]
    assert "2 answers on fake and other: size: a page → another word" in annotations[1]

    before = told("report.json")
    assert main(["report", "build", str(played.folder)]) == 0  # the record keeps the verdict
    assert told("report.json") == before


def test_a_runtime_that_is_gone_is_missing_unless_others_were_asked_for(
    gated: Callable[..., Any], run: DoRun, suite: Path, tmp_path: Path
) -> None:
    base = tmp_path / "base.yaml"
    assert gated(f"--record-baseline={base}").status == 0
    fake, known = tmp_path / "runtimes" / "fake", tmp_path / "known.yaml"
    part = run(f"--suites={suite}", f"--runtime={fake}", f"--known={known}", f"--baseline={base}")
    assert (part.status, verdict(part)) == (
        0,
        [
            "not compared: 2 cases of the baseline: the run was not asked for runtime other",
            f"gate: passed: 2 cases compared with {base}",
        ],
    )
    assert main(["gate", str(part.folder), "--baseline", str(base), "--whole"]) == 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--baseline={}/none.yaml"], "none.yaml: there is no such baseline; record one: linmem gate RUN"),
        (["--baseline={}/mixed.yaml"], "mixed.yaml:1: has format None; this linmem reads 'linmem-baseline/1'"),
        (["--record-baseline={}/mixed.yaml"], "mixed.yaml:1: has format None"),
        (["--baseline={}"], "holds neither record.jsonl nor report.json"),
    ],
)
def test_a_baseline_that_cannot_be_used_is_told_before_anything_runs(
    gated: Callable[..., Any], tmp_path: Path, options: list[str], text: str
) -> None:
    before = (tmp_path / "mixed.yaml").read_bytes()
    played = gated(*(option.format(tmp_path) for option in options))
    assert played.status == pytest.ExitCode.USAGE_ERROR
    assert text in played.text
    assert len(played.text.strip().splitlines()) == 1
    assert not played.folder.exists()
    assert (tmp_path / "mixed.yaml").read_bytes() == before


def test_a_run_that_is_not_in_its_baseline_at_all_is_refused(
    gated: Callable[..., Any], run: DoRun, tmp_path: Path
) -> None:
    base = tmp_path / "base.yaml"
    assert gated(f"--record-baseline={base}").status == 0
    mine = tmp_path / "mine.yaml"
    write(mine)
    fake, known = tmp_path / "runtimes" / "fake", tmp_path / "known.yaml"
    played = run(f"--suites={mine}", f"--runtime={fake}", f"--known={known}", f"--baseline={base}")
    assert played.status == 2
    assert "gate: REFUSED: nothing of this run is in " in played.text


# ------------------------------------------------------------------ killed runs

NAPS = """\
title: Naps
wat: |
  (module (memory (export "memory") 1) (func (export "naps")))
scenarios:
  - name: nap $n
    cases: [{n: 1}, {n: 2}, {n: 3}, {n: 4}, {n: 5}, {n: 6}]
    steps: [{call: naps}]
"""


def test_a_run_killed_at_any_moment_is_never_taken_for_a_whole_one(
    start_run: DoRun, fake_runtime: Fake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite, known, base = tmp_path / "naps.yaml", tmp_path / "known.yaml", tmp_path / "base.yaml"
    suite.write_text(NAPS)
    known.write_text("[]\n")
    options = [f"--suites={suite}", f"--runtime={fake_runtime()}", f"--known={known}"]
    whole = start_run(*options, f"--record-baseline={base}").end()
    assert whole.status == 0
    assert main(["gate", str(whole.folder), "--baseline", str(base)]) == 0
    last = (whole.folder / "record.jsonl").read_bytes()
    for count in (-1, 0, 1, 3, 5):  # in the same folder each time: what an older run left must not be taken for this
        (whole.folder / "record.jsonl").write_bytes(last)
        killed = start_run(*options, env={"FAKE_NAPS": str(max(count, 0))})  # so that it can't end before it is killed
        wait(lambda: (whole.folder / "record.jsonl").read_bytes() != last and (whole.folder / "report.json").exists())
        if count == 0:
            wait(lambda: b'"nap-1"' in (whole.folder / "record.jsonl").read_bytes().partition(b"\n")[0])
        if count > 0:
            killed.wait_for(count)
        os.kill(killed.process.pid, signal.SIGKILL)
        killed.end()
        assert killed.status == -signal.SIGKILL
        capsys.readouterr()
        for found in (whole.folder, whole.folder / "record.jsonl", whole.folder / "report.json"):
            assert main(["gate", str(found), "--baseline", str(base)]) == 2
            said = capsys.readouterr()
            assert "the run is incomplete, so it is not taken for a whole one: the run was killed" in said.err
            assert said.out == ""
        assert main(["gate", str(whole.folder), "--record-baseline", str(base)]) == 2
        assert main(["report", "build", str(whole.folder / "record.jsonl")]) == 0
        assert main(["report", "show", str(whole.folder / "report.json")]) == 0
        assert "incomplete" in capsys.readouterr().out.lower()
        for page in ("report.html", "report.md"):
            assert "incomplete" in (whole.folder / page).read_text().lower()
        assert main(["diff", str(whole.folder), str(whole.folder)]) == 1


def wait(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            if done():
                return
        except FileNotFoundError:  # between two reports
            pass
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_that_plays_nothing_leaves_the_reports_that_were_there(gated: Callable[..., Any]) -> None:
    played = gated()
    assert played.status == 0
    before = contents(played.folder)
    badges = {f"badges/{path.name}" for path in (played.folder / "badges").iterdir()}
    assert set(before) == {"record.jsonl", "junit.xml", "report.html", "report.md", "report.json", *badges}
    assert badges
    assert gated("-k", "no_such_scenario").status == pytest.ExitCode.NO_TESTS_COLLECTED
    assert contents(played.folder) == before
    assert gated("-k", "no_such_scenario", folder="fresh").status == pytest.ExitCode.NO_TESTS_COLLECTED
    assert not (played.folder.parent / "fresh").exists()
