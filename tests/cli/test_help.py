"""What ``--help`` shows: everything fits a terminal, and an option means the same wherever it stands."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import defaultdict

import pytest

from linmem.cli import main
from linmem.cli.commands import parser


def leaves(command: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """A command's subcommands, or itself."""
    groups = [action for action in command._actions if isinstance(action, argparse._SubParsersAction)]
    return [leaf for group in groups for sub in group.choices.values() for leaf in leaves(sub)] or [command]


COMMANDS = [command for command in leaves(parser()) if command.prog != "linmem run"]


def test_the_top_level_fits_a_screen_and_has_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    listed = {line[8:].split()[0] for line in lines[2:-1]}
    assert listed == {"run"} | {command.prog.split()[1] for command in COMMANDS}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.prog)
def test_a_command_says_what_it_is_for_and_how_it_ends(
    command: argparse.ArgumentParser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = command.format_help()
    usage, what, *_ = text.split("\n\n")
    assert usage.startswith(f"usage: {command.prog} ")
    assert not what.startswith(("options:", "positional arguments:"))
    assert "Exit status: 0 " in text
    assert max(map(len, text.splitlines())) <= 80
    assert all(action.help for action in command._actions)
    assert all(len(action.metavar or "") <= 20 for action in command._actions)


def test_an_option_has_one_meaning() -> None:
    """The same letters take the same kind of value everywhere."""
    found: dict[str, set[object]] = defaultdict(set)
    for command in COMMANDS:
        for action in command._actions:
            for name in action.option_strings:
                found[name].add((action.metavar, action.nargs, action.type))
    assert {name for name, kinds in found.items() if len(kinds) > 1} == set()


def test_run_shows_its_own_options_and_the_words_of_pytest_that_are_needed_most() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "linmem", "run", "--help"], capture_output=True, text=True, env={"COLUMNS": "80"}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: linmem run [OPTION ...] [SUITE ...]\n")
    assert all(f"  {option} " in done.stdout for option in ("--runtime", "--suites", "--report-dir", "--known"))
    assert "-k EXPRESSION" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert len(done.stdout.splitlines()) <= 60
