"""``linmem known``: keep the lists of known defects."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from linmem import paths, project
from linmem.cli.parsers import command
from linmem.compare import inputs
from linmem.results import known, known_edit
from linmem.results.document import Report
from linmem.run import runtimes
from linmem.text import join, say


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = command(commands, "known", _known)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--stale", action="store_true", help="show the entries whose failures no longer occur in a run")
    cases = "add entries for these cases, named as in a report, or for every failure that is not listed"
    what.add_argument("--add", nargs="*", metavar="CASE", help=cases)
    parser.add_argument("--from", dest="run", type=Path, metavar="RUN", help="the complete run (default: the last)")
    parser.add_argument("--delete", action="store_true", help="with --stale: delete these entries")
    parser.add_argument("--reason", help="with --add: what is wrong with the runtime, in a sentence")
    parser.add_argument("--link", metavar="URL", help="with --add: the upstream issue")
    usual = "the list (default: the project file's, else known.yaml in the runtime's folder)"
    parser.add_argument("--known", type=Path, metavar="FILE", help=usual)


def _known(options: argparse.Namespace) -> int:
    """Find known defects that no longer occur, or list new ones. Exit status: 0 nothing is to be done, or it was done;
    1 with --stale, an entry must be deleted or corrected.
    """
    source: Path = options.run or inputs.last()
    report = inputs.complete(source)
    if options.stale:
        return _stale(options, source, report)
    new = known_edit.entries(report, options.add, options.reason, options.link)
    if not new:
        say(f"{source}: every failure is listed: there is nothing to add")
        return 0
    for path, entries in _by_list(options.known, report, new).items():
        line = known_edit.add(path, entries)
        runtimes_ = list(dict.fromkeys(entry["runtime"] for entry in entries))
        wide = f"for {join(runtimes_, 4)}{'' if all('@' in name for name in runtimes_) else ', in all versions'}"
        say(f"{paths.shown(path)}:{line}: {len(entries)} added {wide}; check how wide they are, and give the reason")
    return 0


def _by_list(
    given: Path | None, report: Report, new: Sequence[Mapping[str, Any]]
) -> dict[Path, list[Mapping[str, Any]]]:
    """The new entries by the lists that they belong in."""
    found: dict[Path, list[Mapping[str, Any]]] = {}
    own = given or next(iter(project.find().known), None)
    for entry in new:
        name = entry["runtime"].partition("@")[0].partition(":")[0]
        found.setdefault(own or runtimes.own_list(name, report.command), []).append(entry)
    return found


def _stale(options: argparse.Namespace, run: Path, report: Report) -> int:
    files = [options.known] if options.known else runtimes.known_lists(project.find().known, report.command)
    found = known_edit.judged(known.load_all(files), report)
    for line in known_edit.lines(found, str(run)):
        say(line)
    doomed = [item.entry for item in found if item.deletable]
    if options.delete and doomed:
        for path in files:
            mine = [entry for entry in doomed if entry.file == paths.shown(path)]
            if mine:
                known_edit.delete(path, mine)
                say(f"{paths.shown(path)}: {len(mine)} deleted")
        return 1 if any(item.wrong and not item.deletable for item in found) else 0
    return 1 if any(item.wrong for item in found) else 0
