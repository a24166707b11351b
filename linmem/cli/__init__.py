"""The command ``linmem``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from linmem import __version__
from linmem.cli import comparing, guests, known, merge, reports, runtimes, schema, status, suites
from linmem.compare import sweep
from linmem.compare.baseline import BaselineError
from linmem.compare.columns import PairError
from linmem.errors import Unavailable, UserError
from linmem.report.build import ReportError
from linmem.repro import command as repro
from linmem.repro.goal import ReproError
from linmem.results.known import KnownError
from linmem.results.record import RecordError

MISTAKES = (RecordError, ReportError, BaselineError, KnownError, PairError, ReproError, UserError, Unavailable)
HELP = """\
usage: linmem COMMAND ...

Conformance tests for WebAssembly linear memory, across runtimes.

play
  run          play scenarios and write the reports; takes every option of pytest
  history      what changed from one version of a runtime to the next
  bisect       which version of a runtime changed one result
look at a run
  report       build, show: the reports of a run
  diff         compare two runs
  gate         hold a run against a baseline, or record one
  merge        make one report of the parts that several jobs played
  repro        write a script that shows one result without linmem
  known        find known defects that no longer come, or list new ones
see what there is
  list         the suites and their scenarios
  coverage     which instructions and topics the scenarios reach
  runtimes     list, install, versions, check
  guests       list, fetch, build
write your own
  check        check scenario files and play nothing
  schema       print the JSON Schema of a file format

'linmem COMMAND --help' has the rest. linmem run --help has pytest's options, too.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status: 0 all well, 1 something is not, 2 it can't be done as it was asked.

    ``run`` ends as pytest does.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["run"]:
        from linmem.cli import run  # pytest takes a while to import

        return run.main(given[1:])
    return status.end("linmem", lambda: _command(given), MISTAKES)


def _command(given: list[str]) -> int:
    if not given or given[0] in ("-h", "--help"):
        print(HELP, end="", file=sys.stdout if given else sys.stderr)
        return 0 if given else status.UNUSABLE
    parser = _parser()
    own = given[: given.index("--")] if "--" in given else given
    options = parser.parse_args(own)
    options.passed_on = given[len(own) + 1 :]
    if options.passed_on and not options.passes_on:
        parser.error("only 'history' passes what follows -- on to pytest")
    return int(options.run_command(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="linmem")
    parser.add_argument("--version", action="version", version=f"linmem {__version__}")
    parser.set_defaults(passes_on=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (suites, runtimes, guests, reports, comparing, merge, repro, known, sweep, schema):
        module.add(commands)
    return parser
