"""``python -m reports``: build reports from a record, show one on the terminal, print the schema."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from reports import comparing, inputs, known_command, merge_command, sweep, terminal, write
from reports.baseline import BaselineError
from reports.columns import PairError
from reports.known import KnownError
from reports.place import RECORD
from reports.record import RecordError
from reports.report import ReportError
from reports.repro import command as repro_command
from reports.repro.goal import ReproError
from runtimes.errors import UserError
from suites import command

OUT = Path("reports") / "out"
SCHEMA = Path(__file__).with_name("report.schema.json")
MISTAKES = (RecordError, ReportError, BaselineError, KnownError, PairError, ReproError, UserError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 2 if its input can't be used, else what the command says: 0 if it did what was asked."""
    return command.end("python -m reports", lambda: _run(arguments), MISTAKES)


def _run(arguments: Sequence[str] | None) -> int:
    given, parser = list(sys.argv[1:] if arguments is None else arguments), _parser()
    own = given[: given.index("--")] if "--" in given else given
    options = parser.parse_args(own)
    options.passed_on = given[len(own) + 1 :]
    if options.passed_on and not options.passes_on:
        parser.error("only 'history' passes what follows -- on to pytest")
    return int(options.command(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reports", description="Reports of linmem's runs.")
    parser.set_defaults(passes_on=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    build = commands.add_parser("build", help="build the reports from a record, for example of a run that was killed")
    build.add_argument("record", nargs="?", type=Path, default=OUT / RECORD, help="or its folder; default: %(default)s")
    build.add_argument("--out", type=Path, metavar="DIR", help="where to write them (default: beside the record)")
    build.set_defaults(command=_build)

    show = commands.add_parser("show", help="show a report on the terminal")
    show.add_argument(
        "report", nargs="?", type=Path, default=OUT, help="a run's folder, record or report.json; default: %(default)s"
    )
    show.set_defaults(command=_show)

    schema = commands.add_parser("schema", help="print the JSON Schema of report.json")
    schema.add_argument("--path", action="store_true", help="print only where it stands")
    schema.set_defaults(command=_schema)
    comparing.add(commands)
    known_command.add(commands)
    merge_command.add(commands)
    repro_command.add(commands)
    sweep.add(commands)
    return parser


def _build(options: argparse.Namespace) -> int:
    record: Path = options.record / RECORD if options.record.is_dir() else options.record
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
    given: Path = options.report
    page = (given if given.is_dir() else given.parent) / "report.html"
    terminal.render(inputs.load(given), Console(), page if page.exists() else None, failures=True)
    return 0


def _schema(options: argparse.Namespace) -> int:
    print(SCHEMA if options.path else SCHEMA.read_text(encoding="utf-8"), end="\n" if options.path else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
