"""``linmem report build | show | rely | answers | runtimes``, ``merge`` and ``repro``: what is made of runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from linmem.cli.parsers import a_run, command, emit, group, report_dir
from linmem.compare import inputs
from linmem.compare.merge import Merged, Part, merge
from linmem.errors import UserError, unknown
from linmem.publish.keep import ENDING, keep
from linmem.publish.site import publish
from linmem.report import answers, overview, terminal
from linmem.report.build import ReportError
from linmem.report.write import BADGES, NAMES, RECORD, write_all
from linmem.repro import reproducer
from linmem.results import record
from linmem.results.atomic import replace
from linmem.results.document import Report
from linmem.results.record import RecordError, as_line
from linmem.text import join, plural, say

SHOWN = 20  # duplicates that are named one by one; they are harmless


def add(commands: Any) -> None:
    """Declare the subcommands."""
    own = group(commands, "report", "build and show the reports of a run")
    parser = command(own, "build", _build)
    a_run(parser)
    report_dir(parser, "beside the record")
    a_run(command(own, "show", _show))
    for name, run in (("answers", _answers), ("runtimes", _runtimes)):
        parser = command(own, name, run)
        a_run(parser)
        parser.add_argument("--fill", type=Path, metavar="PAGE", help="write it in a Markdown page, between its marks")
    parser = command(own, "keep", _keep)
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder or record.jsonl of a complete run")
    parser.add_argument("kept", type=Path, metavar="FILE", help=f"where to; its name ends in {ENDING}")
    parser = command(own, "publish", _publish)
    parser.add_argument("site", type=Path, metavar="DIR", help="the site's folder: a new one, an empty one or a site")
    records = f"runs, or records that were kept (default: reports/records/*{ENDING})"
    parser.add_argument("runs", type=Path, nargs="*", metavar="RUN", help=records)
    parser.add_argument("--docs", metavar="ADDRESS", help="the documentation, to which each page then links")
    parser = command(own, "rely", _rely)
    a_run(parser)
    parser.add_argument(
        "--suite", action="append", metavar="SUITE", help="only this suite or topic, such as growth.yaml; repeatable"
    )
    parser.add_argument("--all", action="store_true", help="show whole lists")
    parser.add_argument("--color", choices=("auto", "yes", "no"), default="auto", help="(default: %(default)s)")

    parser = command(commands, "merge", _merge)
    parser.add_argument(
        "parts", nargs="+", type=Path, metavar="RUN", help="a run's folder, record.jsonl or report.json"
    )
    report_dir(parser)
    parser.add_argument("--allow-gaps", action="store_true", help="a case that no part played is not a gap")

    parser = command(commands, "repro", _repro)
    parser.add_argument("case", metavar="CASE", help="the case's id, as in a report or in pytest's output")
    a_run(parser)
    parser.add_argument("--out", type=Path, metavar="PATH", help="write it there (default: standard output)")


def _build(options: argparse.Namespace) -> int:
    """Build the reports from a record. It may be that of a run that was killed."""
    run: Path = options.run or inputs.last()
    record = inputs.record_of(run)
    if not record.exists():
        raise RecordError(f"{record}: there is no such run: play one first with 'linmem run', or name another")
    out: Path = options.report_dir or record.parent
    built = write_all(record, out)
    if not built.complete:
        say(f"incomplete: {built.reason}", file=sys.stderr)
    for name in (*NAMES, BADGES):
        say(out / name)
    return 0


def _show(options: argparse.Namespace) -> int:
    """Show a report on the terminal."""
    given: Path = options.run or inputs.last()
    page = (given if given.is_dir() else given.parent) / "report.html"
    terminal.render(inputs.load(given), Console(), page if page.exists() else None, failures=True)
    return 0


def _keep(options: argparse.Namespace) -> int:
    """Keep what a run found, without the steps by which it did: a file that is small enough to be committed, which
    publish and all commands that read a run take. Exit status: 0 it was written.
    """
    out: Path = options.kept
    if not out.name.endswith(ENDING):
        raise UserError(f"{out}: the name of a record that is kept ends in {ENDING}")
    size = keep(inputs.record_of(options.run), out)
    say(f"{out}: {size / 1000:,.0f} kB")
    return 0


def _publish(options: argparse.Namespace) -> int:
    """Build a static site from records: what embedders ask first, every suite, every runtime, history over versions,
    known defects, and what changed from run to run. Any web server serves it; no page asks another host for anything.
    Exit status: 0 it was written.
    """
    given: list[Path] = options.runs or sorted(Path("reports/records").glob(f"*{ENDING}"))
    if not given:
        raise UserError("there is no record in reports/records: name runs, or keep one there with 'linmem report keep'")
    records = [record.read(inputs.record_of(run)) for run in given]
    for run, found in zip(given, records, strict=True):
        if found.incomplete is not None:
            raise ReportError(f"{run}: the run is incomplete, so it is not published: {found.incomplete}")
    pages = publish(records, options.site, options.docs)
    size = sum(path.stat().st_size for path in options.site.rglob("*") if path.is_file())
    say(f"{options.site}: {plural(len(pages), 'page')}, {size / 1e6:,.1f} MB; begin with {options.site / 'index.html'}")
    return 0


def _rely(options: argparse.Namespace) -> int:
    """Answer what one can rely on, on all the runtimes of a run: requirements that all of them meet, open questions
    that they answer alike, and what differs or is broken. Exit status: 0 it was shown.
    """
    report = inputs.load(options.run or inputs.last())
    chosen = {path for word in options.suite or () for path in _suites(report, word)} if options.suite else None
    colour = {"auto": None, "yes": True, "no": False}[options.color]
    console = Console(force_terminal=colour, no_color=True if colour is False else None, highlight=False)
    terminal.rely(report, console, chosen, options.all)
    return 0


def _suites(report: Report, word: str) -> list[str]:
    """The suites of a report that a word names: a path, the end of one, or a topic. Raises `UserError`."""
    paths = [suite.path for suite in report.suites]
    found = [path for path in paths if path == word or path.endswith(f"/{word}") or f"/{word}/" in f"/{path}"]
    if not found:
        names = [path.rpartition("/")[2] for path in paths]
        raise UserError(unknown("suite", word, names, "this run"))
    return found


def _answers(options: argparse.Namespace) -> int:
    """Show what embedders ask first and what each runtime of a run answers. The table is in Markdown; runtimes that
    answer everything alike share a column. Exit status: 0 it was made.
    """
    report = inputs.load(options.run or inputs.last())
    return _told("answers", answers.table(report.runtimes, report.observations), options.fill)


def _runtimes(options: argparse.Namespace) -> int:
    """Show every runtime that comes with linmem: what it is, as its manifest says, and what a run found it to meet, to
    break and to lack. The page is in Markdown. Exit status: 0 it was made.
    """
    return _told("runtimes", overview.page(inputs.load(options.run or inputs.last())), options.fill)


def _told(name: str, text: str, page: Path | None) -> int:
    """Print a text, or write it in a page between its marks."""
    if page is None:
        say(text, end="")
    else:
        page.write_text(answers.fill(page.read_text(encoding="utf-8"), name, text), encoding="utf-8")
    return 0


def _merge(options: argparse.Namespace) -> int:
    """Make one report of the parts that several jobs played. Exit status: 0 the parts fit together and nothing is
    missing; 1 there are conflicts, gaps or incomplete parts.
    """
    out: Path = options.report_dir
    for path in options.parts:
        folder = path if path.is_dir() else path.parent
        if folder.resolve() == out.resolve():
            raise ReportError(f"--report-dir {out} holds one of the parts, which would be lost: give another folder")
    parts = [Part(str(path), inputs.load(path)) for path in options.parts]
    words = ["linmem", "merge", *map(str, options.parts), "--report-dir", str(out)]
    merged = merge(parts, words, options.allow_gaps)
    out.mkdir(parents=True, exist_ok=True)
    replace(out / RECORD, b"".join(map(as_line, merged.lines)))
    write_all(out / RECORD, out)
    for line in (*_lines(merged, options.allow_gaps), *(str(out / name) for name in NAMES)):
        say(line)
    return 1 if merged.conflicts or merged.unfinished or (merged.gaps and not options.allow_gaps) else 0


def _repro(options: argparse.Namespace) -> int:
    """Write a script that shows a result without linmem. It uses the runtime's own API and can be attached to a bug
    report.
    """
    emit(reproducer.of_case(options.case, options.run or inputs.last()), options.out)
    return 0


def _lines(merged: Merged, allow_gaps: bool) -> list[str]:
    said = [f"incomplete: {reason}" for reason in merged.unfinished]
    said += [f"conflict: {line}" for line in merged.conflicts]
    said += [f"gap: {case.id}" for case in merged.gaps]
    if merged.duplicates:
        some = join([case.id for case in merged.duplicates], SHOWN)
        said.append(f"played more than once, with the same result: {some}")
    runtimes = join([runtime.label for runtime in merged.run.runtimes])
    said.append(f"merged {plural(len(merged.results), 'result')} on {runtimes}")
    if merged.gaps and not allow_gaps:
        said.append(f"{plural(len(merged.gaps), 'case')} that nobody played: the merged run is incomplete")
    return said
