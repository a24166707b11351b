"""Bad results and known defects: view kinds and guests that failed in just the same way share one entry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from linmem.report.findings import Phrase, phrases
from linmem.results import verdict
from linmem.results.document import Report, Subject
from linmem.results.outcome import KnownFailure, Result, StepTrace


@dataclass
class FailureGroup:
    """Bad results of one scenario on one runtime that are alike but for guest and view kind."""

    suite: str
    scenario: str
    title: str
    label: str
    status: verdict.Status
    results: list[Result]
    who: tuple[Phrase, ...]

    @property
    def first(self) -> Result:
        """The result that stands for all."""
        return self.results[0]

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
        everyone[result.suite, result.scenario, result.label].append(_subject(result))
        if status in statuses:
            groups[result.suite, result.scenario, result.label, status, _content(result)].append(result)
    return [
        FailureGroup(
            suite=results[0].suite,
            scenario=results[0].scenario,
            title=results[0].title,
            label=results[0].label,
            status=verdict.status(results[0].outcome, results[0].known),
            results=results,
            who=phrases(_merged(results), everyone[results[0].suite, results[0].scenario, results[0].label]),
        )
        for results in groups.values()
    ]


def _content(result: Result) -> tuple[object, ...]:
    steps = tuple((s.text, s.where, s.status, s.expected, s.actual, s.raw) for s in result.steps)
    known = result.known.place if result.known else None
    return result.outcome, result.message, result.where, result.stderr, known, steps


def _subject(result: Result) -> Subject:
    guests = [result.guest] if result.guest is not None else []
    return Subject(runtime=result.label, view=result.view, guests=guests)


def _merged(results: Sequence[Result]) -> list[Subject]:
    subjects: dict[str | None, Subject] = {}
    for result in results:
        subject = subjects.setdefault(result.view, Subject(runtime=result.label, view=result.view, guests=[]))
        if result.guest is not None:
            subject.guests.append(result.guest)
    return list(subjects.values())


def defects(report: Report) -> list[Defect]:
    """The known defects that came in this run, in the order of their lists."""
    found: dict[str, Defect] = {}
    for result in report.results:
        if result.known is None or verdict.judge(result.outcome, result.known) != "known defect":
            continue
        defect = found.setdefault(result.known.place, Defect(result.known, [], [], [], []))
        defect.results.append(result)
        for words, word in (
            (defect.titles, result.title), (defect.runtimes, result.label), (defect.outcomes, result.outcome),
        ):  # fmt: skip
            if word not in words:
                words.append(word)
    return sorted(found.values(), key=lambda defect: (defect.known.file, defect.known.line))
