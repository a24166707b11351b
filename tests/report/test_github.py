"""What a runtime says is no command to the CI system that shows it."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from report_records import Records, result

from linmem.cli import main
from linmem.text import WithoutCommands

COMMAND = re.compile(r"^\s*::|##\[", re.MULTILINE)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (["::error::x\n"], "\\x3a:error::x\n"),
        (["  \t::add-mask::x\n"], "  \t\\x3a:add-mask::x\n"),
        (["a\n", "::x"], "a\n\\x3a:x"),
        (["a\n\n ", " ", "::x"], "a\n\n  \\x3a:x"),
        (["a\n", ":", ":x"], "a\n\\x3a:x"),
        (["progress\r::x"], "progress\r\\x3a:x"),
        (["see ##[error]x"], "see #\\x23[error]x"),
        (["a.yaml::scenario\n"], "a.yaml::scenario\n"),
        (["a", "::scenario\n"], "a::scenario\n"),
        ([": a colon\n", "## a heading\n"], ": a colon\n## a heading\n"),
    ],
)
def test_no_line_is_a_command(written: list[str], shown: str) -> None:
    file = io.StringIO()
    guarded = WithoutCommands(file)
    for text in written:
        guarded.write(text)
    assert file.getvalue() == shown


def test_a_command_has_a_line_of_its_own() -> None:
    file = io.StringIO()
    guarded = WithoutCommands(file)
    guarded.write("...")
    guarded.command("::error::x")
    guarded.write("::error::y")
    assert file.getvalue() == "...\n::error::x\n\\x3a:error::y"


def hostile(records: Records) -> Path:
    words = "no\n::stop-commands::x\n  ::error file=a::b\n##[error]c"
    return records.write([result(outcome="fail", message=words, stderr=words)])


def test_commands_show_no_workflow_command(
    records: Records, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = hostile(records)
    assert main(["report", "show", str(path)]) == 0
    assert COMMAND.search(capsys.readouterr().out)  # elsewhere the text is as it is
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["report", "show", str(path)]) == 0
    output = capsys.readouterr().out
    assert "error file=a" in output
    assert not COMMAND.search(output)


def test_a_run_shows_no_workflow_command_but_its_own(
    tmp_path: Path, fake_runtime: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = tmp_path / "s.yaml"
    suite.write_text(
        'title: T\nwat: (module (func (export "says_commands")))\nscenarios:\n  - name: fails\n    steps: [{call: says_commands}]\n'
    )
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    words = ["run", f"--suites={suite}", f"--runtime={fake_runtime()}", f"--report-dir={tmp_path / 'out'}"]
    done = subprocess.run(
        [sys.executable, "-m", "linmem", *words, "-p", "no:cacheprovider"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert "stop-commands" in done.stdout
    found = [line for line in done.stdout.splitlines() if COMMAND.search(line)]
    assert found
    assert all(line.startswith("::error ") and "title=linmem::" in line for line in found)
