"""``linmem report build | show``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from linmem.compare import inputs
from linmem.report import terminal, write
from linmem.report.place import RECORD
from linmem.results.record import RecordError


def add(groups: Any) -> None:
    """Declare the subcommands."""
    parser = groups.add_parser("report", help="build, show: the reports of a run")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    build = commands.add_parser("build", help="build the reports from a record, for example of a run that was killed")
    build.add_argument("run", nargs="?", type=Path, help="a record or its folder; default: the last run's")
    build.add_argument("--out", type=Path, metavar="DIR", help="where to write them (default: beside the record)")
    build.set_defaults(run_command=_build)

    show = commands.add_parser("show", help="show a report on the terminal")
    show.add_argument(
        "run", nargs="?", type=Path, help="a run's folder, record or report.json; default: the last run's"
    )
    show.set_defaults(run_command=_show)


def _build(options: argparse.Namespace) -> int:
    run: Path = options.run or inputs.last()
    record = run / RECORD if run.is_dir() else run
    if not record.exists():
        raise RecordError(f"{record}: there is no such run: play one first, as 'tox -e report' does, or name another")
    out: Path = options.out or record.parent
    built = write.write_all(record, out)
    if not built.complete:
        print(f"incomplete: {built.reason}", file=sys.stderr)
    for name in write.NAMES:
        print(out / name)
    print(out / write.BADGES)
    return 0


def _show(options: argparse.Namespace) -> int:
    given: Path = options.run or inputs.last()
    page = (given if given.is_dir() else given.parent) / "report.html"
    terminal.render(inputs.load(given), Console(), page if page.exists() else None, failures=True)
    return 0
