"""The report's centre as rows and cells: scenarios × runtimes. HTML, Markdown and the terminal draw it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from linmem.report import likeness
from linmem.report.build import took_part
from linmem.results import verdict
from linmem.results.document import Counts, Report, RuntimeEntry, ScenarioEntry, SuiteEntry
from linmem.results.outcome import Result

LABELS: dict[verdict.Status, str] = {
    "pass": "pass",
    "unsupported": "unsupported",
    "known": "known defect",
    "missing": "not run",
    "unexpected": "unexpected",
    "fail": "fail",
    "timeout": "timeout",
    "crash": "crash",
    "error": "error",
}

MARKS: dict[verdict.Status, str] = {
    "pass": "✓",
    "unsupported": "○",
    "known": "◆",
    "missing": "?",
    "unexpected": "±",
    "fail": "✗",
    "timeout": "◷",
    "crash": "†",
    "error": "!",
}
"""A sign for each, so that none is told by its colour alone."""

MEANINGS: dict[verdict.Status, str] = {
    "pass": "did what every runtime must do",
    "unsupported": "could not be tested: the engine or host API lacks something, or it is about another language's API",
    "known": "failed as the list of known defects expects",
    "missing": "planned, but no result was recorded",
    "unexpected": "listed as a known defect, but did not fail: delete the entry",
    "fail": "did something else than the specification demands",
    "timeout": "gave no answer in time",
    "crash": "its process died",
    "error": "the harness or the driver is at fault, so nothing is known",
}


@dataclass
class Cell:
    """What one runtime did with one scenario, over all guests and view kinds."""

    results: list[Result] = field(default_factory=list)
    missing: int = 0

    @property
    def counts(self) -> Counts:
        """How many of its results have each status, worst first."""
        counts: Counts = defaultdict(int)
        for result in self.results:
            counts[verdict.status(result.outcome, result.known)] += 1
        if self.missing:
            counts["missing"] = self.missing
        return {status: counts[status] for status in reversed(verdict.STATUSES) if status in counts}

    @property
    def label(self) -> str:
        """The worst status in words; of an unexpected result, its outcome."""
        worst = next(iter(self.counts))
        if worst != "unexpected":
            return LABELS[worst]
        outcomes = {r.outcome for r in self.results if verdict.status(r.outcome, r.known) == "unexpected"}
        return f"unexpected {outcomes.pop()}" if len(outcomes) == 1 else "unexpected"


@dataclass
class Row:
    """A scenario. ``cells`` holds the runtimes that were asked; ``kinds`` says in which ways they differ."""

    scenario: ScenarioEntry
    cells: dict[str, Cell] = field(default_factory=dict)
    kinds: tuple[likeness.Kind, ...] = ()


@dataclass
class SuiteRows:
    """A suite with its rows."""

    suite: SuiteEntry
    rows: list[Row]


@dataclass
class Matrix:
    """Every suite that was played, and the runtimes that are its columns."""

    columns: list[RuntimeEntry]
    blocks: list[SuiteRows]


def matrix(report: Report) -> Matrix:
    """The matrix of a report. Scenarios and suites that were not selected have no row."""
    cells: dict[tuple[str, str], dict[str, Cell]] = defaultdict(lambda: defaultdict(Cell))
    for result in report.results:
        cells[result.suite, result.scenario][result.runtime].results.append(result)
    for gap in report.missing:
        cells[gap.suite, gap.scenario][gap.runtime].missing += 1
    kinds = differing(report)
    blocks = []
    for suite in report.suites:
        rows = [
            Row(scenario, cells[suite.path, scenario.scenario], kinds.get((suite.path, scenario.scenario), ()))
            for scenario in suite.scenarios
            if (suite.path, scenario.scenario) in cells
        ]
        if rows:
            blocks.append(SuiteRows(suite, rows))
    return Matrix(took_part(report), blocks)


def differing(report: Report) -> dict[likeness.Key, tuple[likeness.Kind, ...]]:
    """The scenarios in which the runtimes of the matrix differ, and in which ways."""
    several = len(took_part(report)) > 1
    return likeness.kinds(likeness.by_scenario(report.results), report.observations) if several else {}


@dataclass(frozen=True)
class Share:
    """How many of some results pass: in per cent, in words, and as parts of a bar (what, from where, how wide)."""

    text: str
    words: str
    parts: list[tuple[str, float, float]]


def share(counts: Counts) -> Share | None:
    """The share of passes among the results whose runtime supports what their scenarios need; None without results.

    It is rounded down, so that only a suite without any other result shows 100 %, and in doubt where results are
    missing.
    """
    known, bad = counts.get("known", 0), verdict.bad(counts)
    passed, unsupported, missing = (counts.get(status, 0) for status in ("pass", "unsupported", "missing"))
    total = sum(counts.values())
    if not total:
        return None
    asked = passed + known + bad
    text = f"{passed * 1000 // asked / 10:g}%{'?' if missing else ''}" if asked else "–"
    words = [f"{passed:,} of {asked:,} pass"] if asked else []
    kinds = ((bad, "unexpected"), (known, "known"), (unsupported, "unsupported"), (missing, "not run"))
    words += [f"{number:,} {word}" for number, word in kinds if number]
    parts, start = [], 0.0
    for kind, number in (
        ("pass", passed), ("known", known), ("bad", bad), ("unsupported", unsupported), ("missing", missing),
    ):  # fmt: skip
        if number:
            width = max(round(100 * number / total, 1), 2 if kind in ("bad", "missing") else 0)
            parts.append((kind, min(start, 98), width))
            start += width
    return Share(text, ", ".join(words), parts)
