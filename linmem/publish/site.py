"""Write the pages of the site: answers, suites, runtimes, history, known defects, and what changed from run to run."""

from __future__ import annotations

import functools
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from msgspec import structs

from linmem.compare import gate, snapshot, timeline
from linmem.errors import UserError
from linmem.provision import manifest
from linmem.publish.keep import main_columns, united
from linmem.report import anchors, answers, headline, rely, webpage
from linmem.report.build import build, took_part
from linmem.report.failures import FailureGroup, failures
from linmem.report.findings import Finding, findings
from linmem.report.matrix import LABELS, MARKS, MEANINGS, Cell, SuiteRows, matrix, share
from linmem.results import verdict
from linmem.results.atomic import replace
from linmem.results.causes import GateCause, causes
from linmem.results.document import Report, RuntimeEntry
from linmem.results.outcome import Result
from linmem.results.record import Record
from linmem.text import join, one_line, plural, web_address

MARK = ".linmem-site"
"""The file by which a folder is known to hold a site, which another may take the place of."""
_TEMPLATES = Path(__file__).with_name("templates")
_LONGEST = 100  # changes from one version to the next that are listed


def publish(records: Sequence[Record], out: Path, docs: str | None = None) -> list[Path]:
    """Write the site of complete records into `out`, and remove what an older one has left there; the pages.

    `docs` is the address of the documentation, as seen from the first page; None: no page links to it. Raises
    `UserError` for a folder that holds anything else.
    """
    if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
        raise UserError(f"{out}: holds files that are no site of linmem's: name a new folder, or empty it")
    pages = _Site(records, docs).pages()
    if out.exists():
        shutil.rmtree(out)
    for name, text in {MARK: "Made by 'linmem report publish'.\n", **pages}.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, text.encode("utf-8", "replace"))
    return [out / name for name in pages if name.endswith(".html")]


@dataclass(frozen=True)
class KnownRow:
    """A known defect of a runtime, how many results it explains, and of which scenarios (their titles by place)."""

    reason: str
    link: str | None
    count: int
    places: Mapping[tuple[str, str], str]


class _Site:
    """The site of some records. ``report`` is of all of them together, ``main`` of the runtimes that the first page and
    the counts of requirements are about.
    """

    def __init__(self, records: Sequence[Record], docs: str | None) -> None:
        self.docs = docs
        self.runs = [build(record) for record in sorted(records, key=lambda record: record.run.started)]
        self.report = build(united(list(records)))
        self.main = build(main_columns(list(records)))
        self.columns = took_part(self.report)
        self.matrix = matrix(self.report)
        self.suites = anchors.of_suites(block.suite for block in self.matrix.blocks)
        self.runtimes = anchors.of_columns(self.columns)
        self.history = self._history()
        self.changes = [(old, new, self._changes(old, new)) for old, new in _successive(self.runs)]

    def pages(self) -> dict[str, str]:
        """The files of the site by their names."""
        pages = {"site.css": webpage.style((_TEMPLATES / "site.css").read_text(encoding="utf-8"))}
        pages["index.html"] = self._page("index", "", "Answers", **self._index())
        demands = {item.path: item.demands for item in rely.suites(self.main)}
        pages["suites.html"] = self._page("suites", "", "Suites", demands=demands)
        failed = self._by_suite(failures(self.report, (*verdict.BAD, "known")))
        asked: dict[str, list[Finding]] = defaultdict(list)
        for finding in findings(self.report):
            asked[finding.suite].append(finding)
        for block in self.matrix.blocks:
            path = block.suite.path
            more = {"block": block, "failed": failed[path], "asked": asked[path], "columns": self._of(block)}
            pages[f"suites/{self.suites[path]}.html"] = self._page("suite", "../", block.suite.title, **more)
        pages["runtimes.html"] = self._page("runtimes", "", "Runtimes")
        known = self._known()
        for column in self.columns:
            more = {"column": column, "known": known[column.label], "homepage": _homepages().get(column.name)}
            pages[f"runtimes/{self.runtimes[column.label]}.html"] = self._page("runtime", "../", column.shown, **more)
        pages["history.html"] = self._page("history", "", "History")
        pages["defects.html"] = self._page("defects", "", "Known defects", known=known)
        pages["changes.html"] = self._page("changes", "", "Changes")
        return pages

    def _index(self) -> dict[str, Any]:
        usual = [item.name for item in manifest.all_manifests() if item.default]
        columns = sorted(took_part(self.main), key=lambda column: column.name not in usual)
        groups = answers.alike(columns, self.main.observations)
        rows = [(ask, [cells[number].split("<br>") for cells in groups]) for number, ask in enumerate(answers.asks())]
        return {"groups": list(groups.values()), "rows": rows, "title": headline.title(self.main)}

    def _page(self, template: str, root: str, heading: str, **more: Any) -> str:
        return _environment().get_template(f"{template}.html.j2").render(
            site=self, report=self.report, root=root, heading=heading, here=template, **more
        )  # fmt: skip

    def _of(self, block: SuiteRows) -> list[RuntimeEntry]:
        """The runtimes that were asked anything of a suite."""
        asked = {label for row in block.rows for label in row.cells}
        return [column for column in self.columns if column.label in asked]

    @staticmethod
    def _by_suite(groups: Sequence[FailureGroup]) -> dict[str, list[FailureGroup]]:
        found: dict[str, list[FailureGroup]] = defaultdict(list)
        for group in groups:
            found[group.first.suite].append(group)
        return found

    def _known(self) -> dict[str, list[KnownRow]]:
        """By a runtime's label, the known defects that came on it."""
        rows: dict[tuple[str, str, str | None], list[Result]] = defaultdict(list)
        for result in self.report.results:
            if result.known is not None and verdict.judge(result.outcome, result.known) == "known defect":
                rows[result.runtime, result.known.reason, result.known.link].append(result)
        found: dict[str, list[KnownRow]] = defaultdict(list)
        for (label, reason, link), results in rows.items():
            places = {(item.suite, item.scenario): item.title for item in results}
            found[label].append(KnownRow(reason, link, len(results), places))
        return found

    def _history(self) -> list[tuple[str, list[str], list[tuple[timeline.Turn, list[timeline.VersionChange]]]]]:
        """Of each runtime of several versions: its name, the versions, and what changed from each to the next. A case
        that was not played with both is no change.
        """
        oldest_first = structs.replace(self.report, runtimes=self.report.runtimes[::-1])
        told = []
        for item in timeline.history(oldest_first).timelines:
            turns = [(turn, [c for c in turn.changes if None not in (c.old, c.new)]) for turn in item.turns]
            told.append((item.runtime, item.versions, turns))
        return told

    @staticmethod
    def _changes(old: Report, new: Report) -> tuple[int, list[GateCause]]:
        """How many cases two runs have in common, and what changed in them, by cause."""
        found = gate.hold(new, snapshot.of(old).shortened(), "")
        return found.compared, causes(found.findings)


def _successive(runs: Sequence[Report]) -> Iterator[tuple[Report, Report]]:
    """Each run with the last before it that has played one of its runtimes in the same version."""
    played = [{(runtime.label, runtime.version) for runtime in took_part(run)} for run in runs]
    for number, run in enumerate(runs):
        before = [runs[other] for other in range(number) if played[other] & played[number]]
        if before:
            yield before[-1], run


@functools.cache
def _homepages() -> Mapping[str, str]:
    return {item.name: item.homepage for item in manifest.all_manifests()}


@functools.cache
def _environment() -> jinja2.Environment:
    environment = webpage.templates().overlay(loader=jinja2.FileSystemLoader(_TEMPLATES))
    environment.filters.update(
        line=one_line, plural=plural, join_words=join, link=web_address, number=lambda value: f"{value:,}", share=share
    )
    environment.globals.update(
        labels=LABELS, marks=MARKS, meanings=MEANINGS, words=anchors.words, worst=_worst, longest=_LONGEST
    )
    return environment


def _worst(cell: Cell) -> str:
    return next(iter(cell.counts))
