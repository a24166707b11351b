"""Draw the report as one self-contained HTML page, which needs no network and is complete without JavaScript."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from reports import headline, judge
from reports.document import Counts, Report, Result
from reports.failures import Failure, defects, failures, known_file, rerun
from reports.findings import Finding, findings, unasked
from reports.matrix import LABELS, MEANINGS, Cell, Matrix, matrix
from reports.text import clip, join, one_line, plural, printable, sentence

_TEMPLATES = Path(__file__).with_name("templates")
_DETAILED = 1_000_000  # characters of failures told in full; the rest is counted
_OPEN = 12  # failures that stand open from the start


def render(report: Report) -> str:
    """The whole page."""
    table = matrix(report)
    anchors = _Anchors(report)
    told, untold = _told(failures(report), anchors)
    style, script = (_TEMPLATES / name for name in ("style.css", "report.js"))
    css = style.read_text(encoding="utf-8") + _widths(len(table.columns))
    js = script.read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            matrix=table,
            anchors=anchors,
            cells=_cells(table, {place.anchor for place in told}, anchors),
            portability=_portability(findings(report), len(table.columns)),
            titles={(suite.path, item.scenario): item.title for suite in report.suites for item in suite.scenarios},
            unasked=unasked(report),
            failures=told,
            untold=untold,
            failures_open=len(told) <= _OPEN,
            defects=defects(report),
            known_file=known_file(report),
            statuses=[status for status in reversed(judge.STATUSES) if status in report.summary.total],
            features=sorted({name for runtime in table.columns for name in runtime.features}),
            answer=headline.answer(report),
            differing=headline.where(report),
            verdict=headline.verdict(report),
            css=Markup(css),
            js=Markup(js),
            css_hash=_hash(css),
            js_hash=_hash(js),
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    environment.filters.update(
        clip=clip,
        line=one_line,
        plural=plural,
        join_words=join,
        day=_day,
        took=_took,
        link=_link,
        number=_number,
        sentence=sentence,
    )
    environment.globals.update(labels=LABELS, meanings=MEANINGS, rerun=rerun, bad=_bad)
    return environment


def _widths(columns: int) -> str:
    """The matrix's column widths: alike in every suite's table, and narrower on a phone.

    Where the window is wide enough for the whole table, it needs no box to scroll in, and its head sticks
    to the window.
    """
    rule = ".matrix{{min-width:{}rem}}.matrix thead th:first-child{{width:{:.1f}%}}"
    wide, narrow = (
        rule.format(scenario + cell * columns, 100 * scenario / (scenario + cell * columns))
        for scenario, cell in ((17, 8.5), (9.5, 7.6))
    )
    free = (
        f"@media(min-width:{22 + 8.5 * columns}rem){{.tall{{max-height:none;overflow:visible}}}}" if columns < 7 else ""
    )
    return f"{wide}\n{free}\n@media(max-width:40rem){{{narrow}}}\n"


def _hash(text: str) -> str:
    """The source expression by which a content security policy allows just this inline text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _link(url: str | None) -> str | None:
    """A URL that may be clicked on; None for what is no web address, such as ``javascript:``."""
    return url if url and re.match(r"https?://[^\s]+$", url) else None


def _number(value: int) -> str:
    return f"{value:,}"


def _bad(counts: Counts) -> int:
    return sum(number for status, number in counts.items() if status in judge.BAD)


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return None


def _day(text: str) -> str:
    time = _time(text)
    return f"{time.day} {time:%B %Y, %H:%M} UTC" if time else text


def _took(report: Report) -> str:
    """How long the run took, in words; empty where its end is not known."""
    started, finished = _time(report.started), _time(report.finished)
    if started is None or finished is None:
        return ""
    seconds = round((finished - started).total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min {seconds % 60} s"


class _Anchors:
    """The ids of the page's parts, made of names, so that a link means the same in the next run's report."""

    def __init__(self, report: Report) -> None:
        self._given: dict[tuple[str, ...], str] = {}
        self._taken: set[str] = set()
        stems = [Path(suite.path).stem for suite in report.suites]
        self._stems = {
            suite.path: stem if stems.count(stem) == 1 else suite.path
            for suite, stem in zip(report.suites, stems, strict=True)
        }

    def of(self, kind: str, suite: str, *parts: str) -> str:
        """The id of a part: a suite, its scenario, that scenario's cell, or (`kind`) what belongs to one of them."""
        key = (kind, suite, *parts)
        if key not in self._given:
            words = [kind, self._stems.get(suite, suite), *parts]
            plain = "/".join(re.sub(r"[^\w.:@~-]+", "-", word) for word in words if word)
            name, number = plain, 2
            while name in self._taken:
                name, number = f"{plain}~{number}", number + 1
            self._taken.add(name)
            self._given[key] = name
        return self._given[key]


@dataclass
class _Part:
    """Some results of a cell that have the same status: ``go, wat · Uint8Array, DataView``."""

    status: judge.Status
    label: str
    who: str
    note: str
    href: str


def _cells(table: Matrix, told: set[str], anchors: _Anchors) -> dict[tuple[str, str, str], list[_Part]]:
    """What stands in each cell (by suite, slug and label), worst first; it links to its failure if that is `told`."""
    return {
        (block.suite.path, row.scenario.scenario, label): _parts(cell, told, anchors)
        for block in table.blocks
        for row in block.rows
        for label, cell in row.cells.items()
    }


def _parts(cell: Cell, told: set[str], anchors: _Anchors) -> list[_Part]:
    groups: dict[tuple[judge.Status, str, str], list[Result]] = defaultdict(list)
    for result in cell.results:
        status = judge.status(result.outcome, result.known)
        label = f"unexpected {result.outcome}" if status == "unexpected" else LABELS[status]
        note = one_line(result.message, 160) if status == "unsupported" else ""
        groups[status, label, note].append(result)
    parts = [
        _Part(status, label, _who(results), note, _why(status, results[0], told, anchors))
        for (status, label, note), results in groups.items()
    ]
    if cell.missing:
        parts.append(
            _Part("missing", f"{cell.missing} {LABELS['missing']}" if parts else LABELS["missing"], "", "", "")
        )
    return sorted(parts, key=lambda part: -judge.rank(part.status))


def _why(status: judge.Status, result: Result, told: set[str], anchors: _Anchors) -> str:
    """The id of the part of the page that tells more of a result, if there is one."""
    if status in judge.BAD:
        place = anchors.of("failure", result.suite, result.scenario, result.label)
        return place if place in told else ""
    return f"known-{result.known.line}" if status == "known" and result.known else ""


def _who(results: Sequence[Result]) -> str:
    """Each guest and view kind of these results; views with the same guests are named together."""
    guests: dict[str | None, list[str]] = defaultdict(list)
    for result in results:
        guests[result.view] += [result.guest] if result.guest is not None else []
    views: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for view, names in guests.items():
        views[tuple(names)] += [view] if view is not None else []
    return "; ".join(
        " · ".join(part for part in (", ".join(names), ", ".join(kinds)) if part) for names, kinds in views.items()
    )


@dataclass
class _Told:
    """A scenario's failures on one runtime, under one heading."""

    anchor: str
    failures: list[Failure]


def _told(found: list[Failure], anchors: _Anchors) -> tuple[list[_Told], int]:
    """The failures told in full, by scenario and runtime, and the number of results that are not."""
    places: dict[tuple[str, str, str], list[Failure]] = defaultdict(list)
    for failure in found:
        places[failure.suite, failure.scenario, failure.label].append(failure)
    told, untold, room = [], 0, _DETAILED
    for (suite, scenario, label), members in places.items():
        room -= sum(_length(failure) for failure in members)
        if room < 0:
            untold += sum(len(failure.results) for failure in members)
        else:
            told.append(_Told(anchors.of("failure", suite, scenario, label), members))
    return told, untold


def _length(failure: Failure) -> int:
    """About how much room a failure takes on the page."""
    first = failure.first
    text = sum(min(len(str(part)), 1000) for step in first.steps for part in (step.text, step.raw, step.actual))
    return 1500 + min(len(first.message), 2000) + min(len(first.stderr), 4000) + text + 100 * len(first.steps)


def _portability(found: list[Finding], columns: int) -> list[dict[str, Any]]:
    """Findings under the headings they are told under, what can be relied on first."""
    if columns < 2:
        parts = [("observed", "What was observed", "One runtime took part, so nothing is compared.", found)]
    else:
        parts = [
            (agreement, title, about, [item for item in found if item.agreement == agreement])
            for agreement, title, about in (
                ("everywhere", "Safe to rely on everywhere",
                 f"All {columns} runtimes gave the same answer, through every view kind and with every guest."),
                ("by guest", "Depends on the guest, not on the runtime",
                 f"With the same guest all {columns} runtimes gave the same answer."),
                ("differs", "Differs", "A program that relies on one of these answers works on some runtimes only."),
                ("where answered", "Alike where it was answered",
                 "No answer contradicts another, but not everyone gave one."),
                ("one runtime", "Answered by one runtime only", "There is nothing to compare."),
            )
        ]  # fmt: skip
    return [
        {"key": key.replace(" ", "-"), "title": title, "about": about, "findings": items}
        for key, title, about, items in parts
        if items
    ]
