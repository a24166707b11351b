"""Draw the report as GitHub-flavoured Markdown for a CI job's summary: the most important first, below 1 MiB."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from linmem.report import headline
from linmem.report.again import rerun
from linmem.report.build import took_part
from linmem.report.failures import FailureGroup, defects, failures
from linmem.report.findings import Phrase, findings, outcome_phrases
from linmem.report.matrix import LABELS, share
from linmem.results import verdict
from linmem.results.causes import GateCause, causes
from linmem.results.document import Counts, Report
from linmem.text import join, one_line, plural, sentence, web_address

LIMIT = 1_000_000
"""Bytes of UTF-8 that a page may have; GitHub refuses a job summary of more than 1 MiB."""

_ROOM = {
    "gate": 100_000,
    "failures": 400_000,
    "differences": 100_000,
    "observations": 250_000,
}  # bytes of a section's list
_FACTS = 16  # entries of one of the first screen's answers
_WORDS = 6  # columns of a table that can hold every count in words
_SPECIAL = re.compile(r"[\\`*_\[\]~#@]")


def render(report: Report) -> str:
    """The whole page."""
    sections = [
        _opening(report),
        _broken(report),
        _gate(report),
        _failures(report),
        _known(report),
        _suites(report),
        _differences(report, True, "Broken on some runtimes"),
        _observations(report),
        _differences(report, False, "Missing on some runtimes"),
        _environment(report),
    ]
    page = "\n\n".join("\n".join(section) for section in sections if section) + "\n"
    data = page.encode("utf-8", "replace")
    if len(data) <= LIMIT:
        return data.decode()
    cut = data[:LIMIT].rpartition(b"\n")[0].decode("utf-8", "ignore")
    return f"{cut}\n\n*The rest of this page was left out, because it is too long. `report.html` has it all.*\n"


def prose(text: str, limit: int = 300) -> str:
    """`text` as plain text on one line, nothing in it being Markdown or HTML; fit for a table's cell too."""
    line = one_line(text, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\g<0>", line).replace("|", "&#124;")


def code(text: str, limit: int = 300) -> str:
    """`text` as code on one line, fit for a table's cell too."""
    line = one_line(text, limit)
    if not line:
        return ""
    if "|" in line:  # a code span can't hide it from a table, and shows an escape outside of one
        return f"<code>{prose(text, limit)}</code>"
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{line}{space}{fence}"


def _opening(report: Report) -> list[str]:
    """What makes the run fail and what to do, then the answers of the first screen."""
    lines: list[str] = []
    for fault in report.faults:
        lines += ["> [!CAUTION]", f"> **{prose(fault.what, 2000)}** {prose(fault.remedy, 2000)}", ""]
    lines += [f"# {prose(headline.title(report), 2000)}", ""]
    if not report.faults:
        lines += [prose(headline.state(report), 2000), ""]
    for fact in headline.facts(report):
        told = [prose(item, 600) for item in fact.items[:_FACTS]]
        if len(fact.items) > _FACTS:
            told.append(f"and {len(fact.items) - _FACTS:,} more")
        first = [prose(fact.text, 1000)] if fact.text else []
        if fact.topic == "missing":
            lines += [f"- **{fact.title}:** {' '.join(first)}", *(f"  - {item}" for item in told)]
        else:
            lines.append(f"- **{fact.title}:** {' '.join([*first, '; '.join(told)]).strip()}")
    return lines


def _gate(report: Report) -> list[str]:
    """What the gate found to be worse; the rest is told by `linmem gate`."""
    worse = [finding for finding in report.gate.findings if finding.failing] if report.gate is not None else []
    if not worse:
        return []
    rows = ((item.first.kind.upper(), code(item.name, 400), cause_markdown(item)) for item in causes(worse))
    head, rule, *body = _table(("", "Case", "Change"), rows, "lll")
    return ["## Compared with the baseline", "", head, rule, *_fitting(body, _ROOM["gate"], "change")]


def cause_markdown(cause: GateCause) -> str:
    """What changed, and where if in several places, for a cell of a table."""
    return "<br>".join([prose(cause.what, 400), *(code(place, 400) for place in cause.places)])


def _broken(report: Report) -> list[str]:
    if not report.broken:
        return []
    lines = [f"- {code(item.suite)}: {prose(item.message, 600)}" for item in report.broken[:200]]
    return ["## Scenario files that can't be loaded", "", *lines]


def _failures(report: Report) -> list[str]:
    found = failures(report)
    if not found:
        return []
    found.sort(key=lambda failure: (failure.status == "unexpected", -verdict.rank(failure.status)))
    entries = ["\n".join(_failure(report, failure)) for failure in found]
    return ["## Unexpected results", "", *_fitting(entries, _ROOM["failures"], "failure")]


def _failure(report: Report, failure: FailureGroup) -> list[str]:
    lines = [
        f"- **{failure.word}** {prose(failure.first.title)} on {_who(failure.who)}: {prose(failure.headline)}",
    ]
    step = failure.failed
    if step is not None:
        told = [f"at {code(step.text)}"] + ([f"({code(step.where)})"] if step.where else [])
        for name, value in (("expected", step.expected), ("actual", step.actual), ("raw", step.raw)):
            if value is not None:
                told.append(f"{name} {code(value) or 'nothing'}")
        lines.append(f"  <br>{' '.join(told)}")
    lines.append(f"  <br>run again: {code(rerun(report, failure.results[:1]), 2000)}")
    return lines


def _who(phrases: Sequence[Phrase]) -> str:
    parts = []
    for phrase in phrases:
        views = f" {prose(phrase.views)}" if phrase.views else ""
        guests = f" {prose(phrase.guests)}" if phrase.guests else ""
        parts.append(f"{code(phrase.runtime)}{views}{guests}")
    return join(parts)


def _known(report: Report) -> list[str]:
    found = defects(report)
    if not found:
        return []
    rows = (
        (
            prose(defect.known.reason) + _upstream(defect.known.link),
            join([code(label) for label in defect.runtimes]),
            prose(join(defect.titles, 3)),
            f"{len(defect.results):,}",
            code(defect.known.place),
        )
        for defect in found[:200]
    )
    return ["## Known defects", "", *_table(("Reason", "Runtime", "Scenario", "Results", "Entry"), rows, "lllrl")]


def _upstream(link: str | None) -> str:
    """A link to where upstream knows of a defect; what is no web address stays text."""
    if not link:
        return ""
    return f" [upstream](<{link}>)" if web_address(link) and not set("<>|") & set(link) else f" {prose(link)}"


def _suites(report: Report) -> list[str]:
    columns = took_part(report)
    tell = _counts if len(columns) <= _WORDS else _brief
    if not report.summary.suites or not columns:
        return []
    titles = {suite.path: suite.title for suite in report.suites}
    rows = [
        (prose(titles[path]), *(tell(suite.runtimes.get(runtime.label, {})) for runtime in columns))
        for path, suite in report.summary.suites.items()
        if suite.total
    ]
    rows.append(("**all**", *(tell(report.summary.runtimes.get(runtime.label, {})) for runtime in columns)))
    head = ("Suite", *(code(runtime.label) for runtime in columns))
    return ["## Suites × runtimes", "", *_table(head, rows, "l" * len(head))]


def _counts(counts: Counts) -> str:
    parts = [
        f"**{number:,} {LABELS[status]}**" if status in verdict.BAD else f"{number:,} {LABELS[status]}"
        for status in reversed(verdict.STATUSES)
        if (number := counts.get(status, 0))
    ]
    return ", ".join(parts) or "not asked"


def _brief(counts: Counts) -> str:
    """The share of passes, and what is unexpected, for a table of many columns."""
    told = share(counts)
    if told is None:
        return "not asked"
    number = verdict.bad(counts)
    text = told.text if told.text != "–" else told.words
    return f"{text} **{number:,} unexpected**" if number else text


def _differences(report: Report, deviates: bool, title: str) -> list[str]:
    """The scenarios whose outcomes differ: because some runtime breaks a demand, or because some lack what it needs."""
    scenarios = report.scenarios
    entries = []
    for item in report.differences:
        if item.deviates != deviates:
            continue
        groups = "; ".join(f"**{outcome}** on {_who(who)}" for outcome, who in outcome_phrases(item.groups))
        entries.append(f"- {prose(scenarios[item.suite, item.scenario].title)} ({code(item.suite)}): {groups}")
    if not entries:
        return []
    return [f"## {title}", "", *_fitting(entries, _ROOM["differences"], "scenario")]


def _observations(report: Report) -> list[str]:
    """Every finding, those that differ first."""
    rows = []
    for item in sorted(findings(report), key=lambda found: found.agreement != "differs"):
        answers = [f"**{prose(answer.answer)}**: {_who(answer.who)}" for answer in item.answers]
        silent = [f"no answer ({'not run' if why == 'missing' else why}): {_who(who)}" for why, who in item.silent]
        rows.append((prose(item.question), _AGREEMENT[item.agreement], "<br>".join(answers + silent)))
    if not rows:
        return []
    head, rule, *body = _table(("Question", "", "Answers"), rows, "lll")
    return ["## Open questions", "", head, rule, *_fitting(body, _ROOM["observations"], "observation")]


_AGREEMENT = {
    "everywhere": "alike everywhere",
    "by guest": "depends on the guest",
    "where answered": "alike where answered",
    "differs": "**differs**",
    "one runtime": "one runtime only",
}


def _environment(report: Report) -> list[str]:
    environment = report.environment
    rows = []
    for runtime in report.runtimes:
        state = "ready" if runtime.status == "ready" else _away(runtime.reason, runtime.remedy)
        words = (runtime.version, runtime.engine, runtime.host, runtime.origin)
        rows.append((code(runtime.label), *(prose(word or "–") for word in words), state))
    guests = [
        f"- guest {code(guest.guest)} of {code(guest.program)}: "
        + (prose(guest.toolchain or "–") if guest.status == "ready" else _away(guest.reason, guest.remedy))
        + (f", SHA-256 {code(guest.sha256)}" if guest.sha256 else "")
        for guest in report.guests
    ]
    packages = ", ".join(f"{name} {version}" for name, version in sorted(environment.packages.items()))
    return [
        "## Environment",
        "",
        *_table(("Runtime", "Version", "Engine", "Host", "From", ""), rows, "llllll"),
        "",
        *guests,
        f"- linmem {prose(report.linmem)} on {prose(environment.implementation)} {prose(environment.python)}, "
        f"{prose(environment.platform)}; {prose(packages, 2000)}",
        f"- {code(' '.join(report.command), 1000)}, started {prose(report.started)}, "
        f"finished {prose(report.finished or 'never')}",
    ]


def _away(reason: str | None, remedy: str | None) -> str:
    text = f"unavailable: {sentence(reason or 'no reason given', capital=False)}"
    return prose(f"{text} Remedy: {sentence(remedy, capital=False)}" if remedy else text, 800)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> list[str]:
    rule = {"l": "---", "r": "--:"}
    lines = [head, [rule[letter] for letter in align], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _fitting(entries: Sequence[str], room: int, noun: str) -> list[str]:
    """The first of `entries` that fit into `room` bytes, and how many were left out."""
    shown: list[str] = []
    for entry in entries:
        room -= len(entry.encode("utf-8", "replace")) + 1
        if room < 0:
            left = plural(len(entries) - len(shown), f"more {noun}")
            return [*shown, "", f"*{left} left out here; `report.html` has them.*"]
        shown.append(entry)
    return shown
