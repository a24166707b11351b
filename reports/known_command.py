"""The subcommand that keeps the list of known defects: ``known``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from reports import inputs, known, known_edit

LIST = Path(__file__).with_name("known.yaml")
OUT = Path("reports") / "out"


def add(commands: Any) -> None:
    """Declare the subcommand."""
    command = commands.add_parser(
        "known",
        help="find entries of known.yaml that have had their day, or add new ones",
        description="Keep the list of known defects. With --stale it ends with 1 if an entry is to be deleted or "
        "corrected, else with 0; with 2 if an input can't be used.",
    )
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--stale",
        type=Path,
        nargs="?",
        const=OUT,
        metavar="RUN",
        help=f"list the entries whose failures no longer come in this complete run (default: {OUT})",
    )
    what.add_argument(
        "--add",
        nargs="*",
        metavar="CASE",
        help="append entries for these cases, named as in a report, or for every failure that is not listed",
    )
    command.add_argument("--delete", action="store_true", help="with --stale: delete them")
    command.add_argument(
        "--from",
        dest="source",
        type=Path,
        default=OUT,
        metavar="RUN",
        help="with --add: the run they failed in (%(default)s)",
    )
    command.add_argument("--reason", help="with --add: what is wrong with the runtime, in a sentence")
    command.add_argument("--link", help="with --add: the upstream issue")
    command.add_argument("--file", type=Path, default=LIST, metavar="FILE", help="default: reports/known.yaml")
    command.set_defaults(command=_known)


def _known(options: argparse.Namespace) -> int:
    if options.stale is not None:
        return _stale(options)
    report = inputs.complete(options.source)
    new = known_edit.entries(report, options.add, options.reason, options.link)
    if not new:
        print(f"{options.source}: every failure is listed: there is nothing to add")
        return 0
    line = known_edit.add(options.file, new)
    print(f"{known.shown(options.file)}:{line}: {len(new)} added; check how wide they are, and give the reason")
    return 0


def _stale(options: argparse.Namespace) -> int:
    found = known_edit.judged(known.load(options.file), inputs.complete(options.stale))
    for line in known_edit.lines(found, str(options.stale)):
        print(line)
    doomed = [item.entry for item in found if item.deletable]
    if options.delete and doomed:
        known_edit.delete(options.file, doomed)
        print(f"{known.shown(options.file)}: {len(doomed)} deleted")
        return 1 if any(item.wrong and not item.deletable for item in found) else 0
    return 1 if any(item.wrong for item in found) else 0
