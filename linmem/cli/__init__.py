"""The command ``linmem``."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence

from linmem import __version__
from linmem.cli import comparing, guests, known, reports, run, runtimes, starters, suites
from linmem.compare.baseline import BaselineError
from linmem.compare.snapshot import PairError
from linmem.errors import Unavailable, UserError
from linmem.report.build import ReportError
from linmem.repro.goal import ReproError
from linmem.results.known import KnownError
from linmem.results.record import RecordError
from linmem.text import say, without_commands

MISTAKES = (RecordError, ReportError, BaselineError, KnownError, PairError, ReproError, UserError, Unavailable)
UNUSABLE = 2
INTERRUPTED = 130
GROUPS = {
    "play": ("run", "history", "bisect"),
    "results": ("report", "diff", "gate", "merge", "repro", "known"),
    "look": ("list", "explain", "coverage", "runtimes", "guests", "inspect"),
    "write": ("new", "check", "schema"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status: 0 all well, 1 something is not, 2 it can't be done as it was asked.

    ``run`` ends as pytest does.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    with (
        contextlib.redirect_stdout(without_commands(sys.stdout)),
        contextlib.redirect_stderr(without_commands(sys.stderr)),
    ):
        return end(lambda: run.main(given[1:]) if given[:1] == ["run"] else _command(given))


def _command(given: list[str]) -> int:
    commands = parser()
    if not given:
        commands.print_help(sys.stderr)
        return UNUSABLE
    own = given[: given.index("--")] if "--" in given else given
    options = commands.parse_args(own)
    options.passed_on = given[len(own) + 1 :]
    if options.passed_on and not options.passes_on:
        commands.error("only 'history' passes what follows -- on to linmem run")
    return int(options.run_command(options))


def parser() -> argparse.ArgumentParser:
    """The parser of all commands. That of ``run`` has no options: pytest reads them."""
    made = argparse.ArgumentParser(prog="linmem", usage="linmem COMMAND ...", allow_abbrev=False)
    made.add_argument("--version", action="version", version=f"linmem {__version__}")
    made.set_defaults(passes_on=False)
    commands = made.add_subparsers(required=True, metavar="COMMAND", prog="linmem")
    for module in (run, suites, starters, runtimes, guests, reports, comparing, known):
        module.add(commands)
    shown = {action.dest: action.help for action in commands._choices_actions}
    lines = ["usage: linmem COMMAND ...    Conformance tests for WebAssembly linear memory", ""]
    for title, names in GROUPS.items():
        lines += [f"{title * (name == names[0]):8}{name:9}{shown[name]}" for name in names]
    lines.append("Options of a command: 'linmem COMMAND --help'. Version: 'linmem --version'.\n")
    made.format_help = lambda: "\n".join(lines)  # type: ignore[method-assign]
    return made


def end(command: Callable[[], int]) -> int:
    """Do what a command is for and return its exit status: 2 after one line if a mistake is the user's or a file can't
    be read or written, 130 after Ctrl-C. Whoever reads its output may close the pipe early, as ``head`` does.
    """
    if not _has_output():
        say("linmem: standard output is closed: nothing can be shown", file=sys.stderr)
        return UNUSABLE
    try:
        try:
            return command()
        finally:  # also where argparse has printed its help, and exits
            sys.stdout.flush()
    except MISTAKES as error:
        say(f"linmem: {error}", file=sys.stderr)
    except BrokenPipeError:
        _forget_output()
        return 0
    except OSError as error:
        if error.filename is None:  # it is the output that can't be written
            _forget_output()
        say(f"linmem: {error.filename or 'the output'}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        say("linmem: interrupted", file=sys.stderr)
        return INTERRUPTED
    return UNUSABLE


def _has_output() -> bool:
    """Whether there is a standard output. What of the three standard files is closed leads nowhere from now on: the
    next file to be opened would take its place, and get what is written there.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    return sys.stdout is not None


def _forget_output() -> None:
    """Keep Python from trying again, when it ends, to write what can't be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
