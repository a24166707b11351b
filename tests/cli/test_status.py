"""How every command ends: one line for a mistake, no traceback, and a status that says it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from linmem.cli import end
from linmem.errors import UserError

ROOT = Path(__file__).parents[2]
MUCH = [
    ["list"],
    ["coverage", "--format=json"],
    ["runtimes", "list", "--format=json"],
    ["runtimes", "check", "--help"],
    ["guests", "list"],
    ["schema", "report"],
]


def run(words: list[str], out: IO[bytes]) -> subprocess.CompletedProcess[str]:
    """Run a command. What it prints is buffered, as it is unless the user's environment says otherwise."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "linmem", *words]
    return subprocess.run(command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.PIPE, text=True)


def raising(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UserError("no such thing"), 2, "linmem: no such thing\n"),
        (FileNotFoundError(2, "No such file or directory", "x.json"), 2, "linmem: x.json: No such file or directory\n"),
        (KeyboardInterrupt(), 130, "linmem: interrupted\n"),
    ],
)
def test_what_goes_wrong_is_one_line(
    error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end(lambda: raising(error)) == status
    assert capsys.readouterr().err == said


def test_what_nobody_foresaw_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        end(lambda: 1 // 0)


@pytest.mark.slow
@pytest.mark.parametrize("words", MUCH, ids=" ".join)
def test_the_reader_may_leave_early(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = run(words, closed)
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", MUCH, ids=" ".join)
def test_output_that_cannot_be_written_is_one_line(words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run(words, full)
    assert done.stderr == "linmem: the output: No space left on device\n"
    assert done.returncode == 2


@pytest.mark.parametrize(
    "words", [["list"], ["run", "--collect-only", "growth.yaml"], ["schema", "report"], ["--help"]]
)
def test_a_closed_standard_output_is_told(words: list[str]) -> None:
    command = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "linmem", *words]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "linmem: standard output is closed: nothing can be shown\n")


def test_with_all_three_standard_files_closed() -> None:
    """What is opened next must not take their places."""
    command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-m", "linmem", "list"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 2
