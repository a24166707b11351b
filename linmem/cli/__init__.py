"""The command ``linmem``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from linmem import __version__
from linmem.cli import comparing, guests, known, reports, run, runtimes, suites
from linmem.compare.baseline import BaselineError
from linmem.compare.snapshot import PairError
from linmem.errors import Unavailable, UserError
from linmem.report.build import ReportError
from linmem.repro.goal import ReproError
from linmem.results.known import KnownError
from linmem.results.record import RecordError

MISTAKES = (RecordError, ReportError, BaselineError, KnownError, PairError, ReproError, UserError, Unavailable)
UNUSABLE = 2
INTERRUPTED = 130
HELP = """\
usage: linmem COMMAND ...    Conformance tests for WebAssembly linear memory

play scenarios
  run        play scenarios on runtimes and write the reports
  history    show in which version of a runtime outcomes and answers changed
  bisect     find the version of a runtime that changed a case
use the results
  report     build and show the reports of a run
  diff       compare two runs case by case
  gate       compare a run with a baseline, or record one
  merge      make one report of the parts that several jobs played
  repro      write a script that shows a result without linmem
  known      find known defects that no longer occur, or list new ones
see what there is
  list       show linmem's suites, or the scenarios of some suites
  coverage   show which memory instructions and topics scenarios reach
  runtimes   list, install and check the runtimes that scenarios are played on
  guests     list, fetch and build the programs that scenarios are played with
write scenarios
  check      check scenario files and play nothing
  schema     print the JSON Schema of a file format
'linmem COMMAND --help' shows the options of a command.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status: 0 all well, 1 something is not, 2 it can't be done as it was asked.

    ``run`` ends as pytest does.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    return end(lambda: _command(given))


def _command(given: list[str]) -> int:
    if not given or given[0] in ("-h", "--help"):
        print(HELP, end="", file=sys.stdout if given else sys.stderr)
        return 0 if given else UNUSABLE
    if given[0] == "run":
        return run.main(given[1:])
    commands = parser()
    own = given[: given.index("--")] if "--" in given else given
    options = commands.parse_args(own)
    options.passed_on = given[len(own) + 1 :]
    if options.passed_on and not options.passes_on:
        commands.error("only 'history' passes what follows -- on to linmem run")
    return int(options.run_command(options))


def parser() -> argparse.ArgumentParser:
    """The parser of all commands but ``run``, whose options are pytest's too."""
    made = argparse.ArgumentParser(prog="linmem", usage="linmem COMMAND ...", allow_abbrev=False)
    made.add_argument("--version", action="version", version=f"linmem {__version__}")
    made.set_defaults(passes_on=False)
    commands = made.add_subparsers(required=True, metavar="COMMAND", prog="linmem")
    for module in (run, suites, runtimes, guests, reports, comparing, known):
        module.add(commands)
    return made


def end(command: Callable[[], int]) -> int:
    """Do what a command is for and return its exit status: 2 after one line if a mistake is the user's or a file can't
    be read or written, 130 after Ctrl-C. Whoever reads its output may close the pipe early, as ``head`` does.
    """
    try:
        try:
            return command()
        finally:  # also where argparse has printed its help, and exits
            sys.stdout.flush()
    except MISTAKES as error:
        print(f"linmem: {error}", file=sys.stderr)
    except BrokenPipeError:
        _forget_output()
        return 0
    except OSError as error:
        if error.filename is None:  # it is the output that can't be written
            _forget_output()
        print(f"linmem: {error.filename or 'the output'}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("linmem: interrupted", file=sys.stderr)
        return INTERRUPTED
    return UNUSABLE


def _forget_output() -> None:
    """Keep Python from trying again, when it ends, to write what can't be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
