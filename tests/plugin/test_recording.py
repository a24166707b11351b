"""What a run records of itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from linmem.plugin.recording import Recording, command, now
from linmem.report import html, write
from linmem.results.atomic import replace
from linmem.results.case import Case
from linmem.results.record import FORMAT, Run


@pytest.mark.parametrize(
    ("given", "recorded"),
    [
        (["/env/bin/linmem", "run", "-q"], ["linmem", "run", "-q"]),
        (["/env/lib/linmem/__main__.py", "run", "-q"], ["linmem", "run", "-q"]),
        (["/env/bin/pytest", "suites"], ["pytest", "suites"]),
        (["/env/lib/pytest/__main__.py", "suites"], ["pytest", "suites"]),
        (["/env/bin/py.test"], ["pytest"]),
        ([""], ["pytest"]),
    ],
)
def test_the_command_as_one_could_type_it_again(
    given: list[str], recorded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", given)
    assert command() == recorded


def test_reports_are_drawn_when_the_run_begins_and_when_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    monkeypatch.setattr(html, "render", lambda report: drawn.append(report) or "")
    case = Case("suites/a.yaml", "grows", "node", "go")
    recording = Recording(
        tmp_path, lambda planned: Run(format=FORMAT, linmem="0", started=now(), planned=planned), {case.id: case},
        lambda: True,
    )  # fmt: skip
    options = SimpleNamespace(collectonly=False)
    recording.pytest_sessionstart(SimpleNamespace(config=SimpleNamespace(option=options)))
    recording.plan([case.id, "tests/test_other.py::test_it"])
    recording.pytest_sessionfinish(SimpleNamespace(shouldfail=False, shouldstop=False), pytest.ExitCode.OK)
    begun, ended = drawn
    assert (begun.complete, begun.planned) == (False, 0)
    assert (ended.planned, [item.case for item in ended.missing]) == (1, [case])


def test_ctrl_c_while_older_reports_are_put_aside_gives_them_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.html").write_text("older")

    def interrupted(*arguments: object) -> None:
        replace(tmp_path / "report.html", b"newer")
        raise KeyboardInterrupt

    monkeypatch.setattr(write, "write_pages", interrupted)
    recording = Recording(
        tmp_path, lambda planned: Run(format=FORMAT, linmem="0", started=now(), planned=planned), {}, lambda: True
    )
    with pytest.raises(KeyboardInterrupt):
        recording.pytest_sessionstart(
            SimpleNamespace(config=SimpleNamespace(option=SimpleNamespace(collectonly=False)))
        )
    recording.pytest_sessionfinish(SimpleNamespace(), pytest.ExitCode.INTERRUPTED)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("report.html", "older")]


STEPS = """\
title: Many steps
wat: (module (memory (export "memory") 1) (func (export "plain")))
scenarios:
  - name: $n
    cases: [{n: one}, {n: two}, {n: three}]
    steps: [{for: {i: [1, 4000]}, steps: [{call: plain}]}, {read: u8, at: 0, expect: 24}]
"""


@pytest.mark.parametrize("limit", [20_000, 600_000])
def test_a_full_folder_ends_the_run_with_a_line(tmp_path: Path, fake_runtime: Callable[..., Path], limit: int) -> None:
    """No file may become longer than so many bytes: neither the first reports have room, or the record has none."""
    suite = tmp_path / "steps.yaml"
    suite.write_text(STEPS)
    limited = (
        "import resource, sys; "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); "
        "from linmem.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["run", f"--suites={suite}", f"--runtime={fake_runtime()}", f"--report-dir={tmp_path / 'out'}"]
    command = [sys.executable, "-B", "-c", limited, *words, "-p", "no:cacheprovider"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    text = done.stdout + done.stderr
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text
    assert f"{tmp_path / 'out'}: can't be written: File too large" in text
    assert done.returncode in (2, 4)
