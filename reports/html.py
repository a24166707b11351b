"""Draw the report as one self-contained HTML page, which needs no network.

The answer, the table of suites, known defects and environment are plain HTML. Scenarios, observations, differences and
failures are drawn from the page's data (`reports.pagedata`) by its script (`web/*.js`) when they are looked at.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import jinja2
from markupsafe import Markup

from reports import anchors, headline, judge, webpage
from reports.document import Counts, Report
from reports.failures import defects, failures, known_file, rerun
from reports.findings import findings, unasked
from reports.matrix import LABELS, MARKS, MEANINGS, differing, matrix
from reports.pagedata import PageData
from reports.text import clip, join, one_line, plural, sentence

_SCRIPTS = (
    "data", "dom", "compare", "matrix", "panel", "failures", "portability", "differences", "theme", "router",
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
    suites = {suite.path: suite for suite in report.suites}
    differ = Counter(suite for suite, _ in differing(report))
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            matrix=table,
            answer=headline.answer(report),
            verdict=headline.verdict(report),
            likeness=headline.likeness(report),
            differing=differ,
            places=[(suites[path], number) for path, number in differ.most_common()],
            suite_addresses=data.suites,
            column_addresses=anchors.of_columns(table.columns),
            away=[runtime for runtime in report.runtimes if runtime.status != "ready"],
            missing_guests=[guest for guest in report.guests if guest.status != "ready"],
            bad=_bad(report.summary.total),
            safe=[item for item in found if item.agreement == "everywhere"],
            differ=sum(item.agreement == "differs" for item in found),
            unasked=unasked(report),
            failures=failures(report),
            untold=data.untold,
            defects=defects(report),
            known_file=known_file(report),
            statuses=[status for status in reversed(judge.STATUSES) if status in report.summary.total],
            features=sorted({name for runtime in table.columns for name in runtime.features}),
            data=Markup(encoded),
            hashes={name: webpage.source(text) for name, text in inline.items()},
            **{name: Markup(text) for name, text in inline.items()},
        )
    )


def _environment() -> jinja2.Environment:
    environment = webpage.templates()
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
        share=share,
    )
    environment.globals.update(labels=LABELS, marks=MARKS, meanings=MEANINGS, rerun=rerun)
    return environment


def _link(url: str | None) -> str | None:
    """A URL that may be clicked on; None for what is no web address, such as ``javascript:``."""
    return url if url and re.match(r"https?://[^\s]+$", url) else None


def _number(value: int) -> str:
    return f"{value:,}"


def _bad(counts: Counts) -> int:
    return sum(number for status, number in counts.items() if status in judge.BAD)


@dataclass(frozen=True)
class Share:
    """How many of some results pass: in per cent, in words, and as parts of a bar (what, from where, how wide)."""

    text: str
    words: str
    parts: list[tuple[str, float, float]]


def share(counts: Counts) -> Share | None:
    """The share of passes among the results whose runtime supports what their scenarios need; None without results.

    It is rounded down, so that only a suite without any other result shows 100 %.
    """
    known, bad = counts.get("known", 0), _bad(counts)
    passed, unsupported, missing = (counts.get(status, 0) for status in ("pass", "unsupported", "missing"))
    total = sum(counts.values())
    if not total:
        return None
    asked = passed + known + bad
    text = f"{passed * 1000 // asked / 10:g}%" if asked else "–"
    words = [f"{passed:,} of {asked:,}"] if asked else []
    words += [
        f"{number:,} {word}"
        for number, word in ((bad, "bad"), (known, "known"), (unsupported, "unsupported"), (missing, "not run"))
        if number
    ]
    parts, start = [], 0.0
    for kind, number in (
        ("pass", passed), ("known", known), ("bad", bad), ("unsupported", unsupported), ("missing", missing),
    ):  # fmt: skip
        if number:
            width = max(round(100 * number / total, 1), 2 if kind in ("bad", "missing") else 0)
            parts.append((kind, min(start, 98), width))
            start += width
    return Share(text, ", ".join(words), parts)


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
