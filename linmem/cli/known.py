"""The subcommand that keeps the list of known defects: ``known``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from linmem import paths, project
from linmem.compare import inputs
from linmem.results import known, known_edit
from linmem.results.document import Report
from linmem.run import lists


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
        nargs="?",
        const="",
        metavar="RUN",
        help="list the entries whose failures no longer come in this complete run (default: the last one)",
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
        metavar="RUN",
        help="with --add: the run they failed in (default: the last one)",
    )
    command.add_argument("--reason", help="with --add: what is wrong with the runtime, in a sentence")
    command.add_argument("--link", help="with --add: the upstream issue")
    command.add_argument(
        "--known",
        type=Path,
        metavar="FILE",
        help="the list to keep; default: the project file's, else known.yaml in the runtime's folder",
    )
    command.set_defaults(run_command=_known)


def _known(options: argparse.Namespace) -> int:
    if options.stale is not None:
        return _stale(options)
    source: Path = options.source or inputs.last()
    report = inputs.complete(source)
    new = known_edit.entries(report, options.add, options.reason, options.link)
    if not new:
        print(f"{source}: every failure is listed: there is nothing to add")
        return 0
    for path, entries in _by_list(options.known, report, new).items():
        line = known_edit.add(path, entries)
        print(f"{paths.shown(path)}:{line}: {len(entries)} added; check how wide they are, and give the reason")
    return 0


def _by_list(
    given: Path | None, report: Report, new: Sequence[Mapping[str, Any]]
) -> dict[Path, list[Mapping[str, Any]]]:
    """The new entries by the lists that they belong in."""
    found: dict[Path, list[Mapping[str, Any]]] = {}
    own = given or next(iter(project.find().known), None)
    for entry in new:
        name = entry["runtime"].partition("@")[0].partition(":")[0]
        found.setdefault(own or lists.of_runtime(name, report.command), []).append(entry)
    return found


def _stale(options: argparse.Namespace) -> int:
    run = Path(options.stale) if options.stale else inputs.last()
    report = inputs.complete(run)
    files = [options.known] if options.known else lists.all_lists(project.find().known, report.command)
    found = known_edit.judged(known.load_all(files), report)
    for line in known_edit.lines(found, str(run)):
        print(line)
    doomed = [item.entry for item in found if item.deletable]
    if options.delete and doomed:
        for path in files:
            mine = [entry for entry in doomed if entry.file == paths.shown(path)]
            if mine:
                known_edit.delete(path, mine)
                print(f"{paths.shown(path)}: {len(mine)} deleted")
        return 1 if any(item.wrong and not item.deletable for item in found) else 0
    return 1 if any(item.wrong for item in found) else 0
