"""Bad results and known defects: view kinds and guests that failed in just the same way share one entry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from linmem.report.findings import Phrase, phrases
from linmem.report.likeness import subject, united
from linmem.report.matrix import LABELS
from linmem.results import verdict
from linmem.results.document import Report, Subject
from linmem.results.outcome import Result, StepTrace
from linmem.results.verdict import KnownFailure


@dataclass
class FailureGroup:
    """Bad results of one scenario on one runtime that are alike but for guest and view kind."""

    status: verdict.Status
    results: list[Result]
    who: tuple[Phrase, ...]

    @property
    def first(self) -> Result:
        """The result that stands for all."""
        return self.results[0]

    @property
    def word(self) -> str:
        """Its status in words; of an unexpected result, its outcome."""
        return f"unexpected {self.first.outcome}" if self.status == "unexpected" else LABELS[self.status]

    @property
    def headline(self) -> str:
        """What is wrong, in one line."""
        first = self.first
        if self.status == "unexpected" and first.known is not None:
            did = "passed" if first.outcome == "pass" else "was unsupported"
            return f"listed as a known defect, but {did}: delete the entry at {first.known.place}"
        return first.message or f"{first.outcome}, without a message"

    @property
    def failed(self) -> StepTrace | None:
        """The step at which it ended, if the player told."""
        return next((step for step in self.first.steps if step.status == "failed"), None)


@dataclass
class Defect:
    """A known defect that came, and how often."""

    known: KnownFailure
    results: list[Result]
    titles: list[str]
    runtimes: list[str]
    outcomes: list[str]


def failures(report: Report, statuses: Collection[verdict.Status] = verdict.BAD) -> list[FailureGroup]:
    """Every result of a report with one of `statuses`, in the order of its suites; what failed alike is one entry."""
    everyone: dict[tuple[str, str, str], list[Subject]] = defaultdict(list)
    groups: dict[tuple[object, ...], list[Result]] = defaultdict(list)
    for result in report.results:
        status = verdict.status(result.outcome, result.known)
        place = result.suite, result.scenario, result.runtime
        everyone[place].append(subject(result))
        if status in statuses:
            entry = result.known.place if result.known else None
            story = result.outcome, result.message, result.where, result.stderr, entry, tuple(result.steps)
            groups[place, status, story].append(result)
    found = []
    for results in groups.values():
        first = results[0]
        who = phrases(united(map(subject, results)), everyone[first.suite, first.scenario, first.runtime])
        found.append(FailureGroup(verdict.status(first.outcome, first.known), results, who))
    return found


def defects(report: Report) -> list[Defect]:
    """The known defects that came in this run, in the order of their lists."""
    found: dict[str, Defect] = {}
    for result in report.results:
        if result.known is None or verdict.judge(result.outcome, result.known) != "known defect":
            continue
        defect = found.setdefault(result.known.place, Defect(result.known, [], [], [], []))
        defect.results.append(result)
        for words, word in (
            (defect.titles, result.title), (defect.runtimes, result.runtime), (defect.outcomes, result.outcome),
        ):  # fmt: skip
            if word not in words:
                words.append(word)
    return sorted(found.values(), key=lambda defect: (defect.known.file, defect.known.line))
