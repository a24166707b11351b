"""Draw the report as one self-contained HTML page, which needs no network.

The answer, the table of suites, known defects and environment are plain HTML. Scenarios, observations, differences and
failures are drawn from the page's data (`linmem.report.pagedata`) by its script (`web/*.js`) when they are looked at.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import jinja2
from markupsafe import Markup

from linmem.report import counting, headline, webpage
from linmem.report.again import rerun
from linmem.report.failures import defects, failures
from linmem.report.findings import findings, unasked
from linmem.report.likeness import KINDS
from linmem.report.matrix import LABELS, MARKS, MEANINGS, differing, matrix, share
from linmem.report.pagedata import PageData
from linmem.results import verdict
from linmem.results.causes import causes
from linmem.results.document import GuestEntry, ObservationEntry, OpenQuestions, Report
from linmem.text import clip, join, one_line, plural, sentence, web_address

_SCRIPTS = (
    "data", "dom", "columns", "matrix", "panel", "failures", "portability", "differences", "theme", "router",
)  # fmt: skip


def render(report: Report) -> str:
    """The whole page."""
    table = matrix(report)
    data = PageData(report, table)
    encoded = data.encoded()
    inline = {
        "css": webpage.style("page", f":root {{ --columns: {len(table.columns)}; }}", "matrix", "details", "narrow"),
        "boot": webpage.read("boot.js"),
        "script": webpage.script(*_SCRIPTS),
    }
    found = findings(report)
    kinds = {kind: Counter(suite for (suite, _), mine in differing(report).items() if kind in mine) for kind in KINDS}
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            matrix=table,
            title=headline.title(report),
            state=headline.state(report),
            facts=headline.facts(report),
            differing=kinds,
            gate=causes([item for item in report.gate.findings if item.failing] if report.gate is not None else []),
            away=[runtime for runtime in report.runtimes if runtime.status != "ready"],
            missing_guests=_missing_guests(report),
            failed=_failed(report),
            more=_MORE,
            topics=_topics(report),
            safe=[item for item in found if item.agreement == "everywhere"],
            differ=sum(item.agreement == "differs" for item in found),
            unasked=unasked(report),
            failures=failures(report),
            untold=data.untold,
            defects=defects(report),
            statuses=[status for status in reversed(verdict.STATUSES) if status in report.summary.total],
            features=sorted({name for runtime in table.columns for name in runtime.features}),
            data=Markup(encoded),
            hashes={name: webpage.source(text) for name, text in inline.items()},
            **{name: Markup(text) for name, text in inline.items()},
        )
    )


_MORE = {"broken": "conformance?show=known", "open": "portability", "missing": "conformance?show=unsupported"}
"""By a fact's topic, the address of what it counts."""


def _failed(report: Report) -> str:
    """How many results failed, in the view's tab: those that are unexpected, else the known ones."""
    unexpected, known = verdict.bad(report.summary.total), report.summary.total.get("known", 0)
    return f"{unexpected:,} unexpected" if unexpected or not known else f"{known:,} known"


def _topics(report: Report) -> list[tuple[str, OpenQuestions]]:
    """How open questions were answered, suite by suite."""
    titles = {suite.path: suite.title for suite in report.suites}
    by_suite: dict[str, list[ObservationEntry]] = {path: [] for path in titles}
    for item in report.observations:
        by_suite[item.suite].append(item)
    return [(titles[path], counting.open_questions(items)) for path, items in by_suite.items() if items]


def _missing_guests(report: Report) -> list[tuple[GuestEntry, list[str]]]:
    """Guests that took no part; one that is missing in several programs for one reason is told once, with these."""
    found: dict[tuple[str, str | None], tuple[GuestEntry, list[str]]] = {}
    for guest in report.guests:
        if guest.status != "ready":
            found.setdefault((guest.guest, guest.reason), (guest, []))[1].append(guest.program)
    return list(found.values())


def _environment() -> jinja2.Environment:
    environment = webpage.templates()
    environment.filters.update(
        clip=clip,
        line=one_line,
        plural=plural,
        join_words=join,
        day=_day,
        took=_took,
        link=web_address,
        number=_number,
        sentence=sentence,
        share=share,
        sum_rows=lambda blocks: sum(len(block.rows) for block in blocks),
    )
    environment.globals.update(labels=LABELS, marks=MARKS, meanings=MEANINGS, rerun=rerun)
    return environment


def _number(value: int) -> str:
    return f"{value:,}"


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
