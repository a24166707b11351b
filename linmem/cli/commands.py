"""The commands of ``linmem``, but for ``run``: their parser, and the mistakes that end them with a line."""

from __future__ import annotations

import argparse
import sys

from linmem import __version__
from linmem.cli import UNUSABLE, comparing, guests, known, reports, run, runtimes, starters, suites
from linmem.compare.baseline import BaselineError
from linmem.compare.snapshot import PairError
from linmem.errors import Unavailable, UserError
from linmem.report.build import ReportError
from linmem.repro.goal import ReproError
from linmem.results.known import KnownError
from linmem.results.record import RecordError

MISTAKES = (RecordError, ReportError, BaselineError, KnownError, PairError, ReproError, UserError, Unavailable)
GROUPS = {
    "play": ("run", "history", "bisect"),
    "results": ("report", "diff", "gate", "merge", "repro", "known"),
    "look": ("list", "explain", "coverage", "runtimes", "guests", "inspect"),
    "write": ("new", "check", "schema"),
}


def carry_out(given: list[str]) -> int:
    """Do what a command line says, and return its exit status."""
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
