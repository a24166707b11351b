"""A run as one compares it with another: cases, and what came of each.

A *case* is a scenario with a guest, on a runtime, through a view kind. What is compared of it is its state and its
answers to observations; times, texts and line numbers are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from linmem.results import verdict
from linmem.results.document import Report, Result

BY_CHANCE = "by chance"
"""The state of a case whose known defect says that what comes is a matter of chance."""

WORDS = {"known": "known defect", BY_CHANCE: "known defect by chance"}


class Case(NamedTuple):
    """One case; ``runtime`` is a label in its report."""

    suite: str
    scenario: str
    runtime: str
    guest: str | None
    view: str | None

    @property
    def id(self) -> str:
        """As pytest names it, so that it can be pasted into a command line."""
        cell = "-".join(part for part in (self.guest, self.runtime, self.view) if part)
        return f"{self.suite}::{self.scenario}[{cell}]"


@dataclass(frozen=True)
class CaseResult:
    """What came of a case. ``answers`` are by the observation's id; a case by chance has none worth comparing."""

    state: str
    message: str = ""
    answers: dict[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether it lets a run pass, as far as the state tells."""
        return self.state in ("pass", "unsupported", "known", BY_CHANCE)

    @property
    def word(self) -> str:
        """The state as reports word it."""
        return WORDS.get(self.state, self.state)


def case_of(result: Result) -> Case:
    """The case of a result."""
    return Case(result.suite, result.scenario, result.label, result.guest, result.view)


def found_of(result: Result) -> CaseResult:
    """What came of a result's case."""
    if verdict.came_by_chance(result.outcome, result.known):
        return CaseResult(BY_CHANCE, result.message)
    status = verdict.status(result.outcome, result.known)
    # 'unexpected' is a word about the list of known defects; what the runtime did is its outcome.
    state = result.outcome if status == "unexpected" else status
    return CaseResult(state, result.message, answers(result))


def cases(results: Iterable[Result]) -> dict[Case, CaseResult]:
    """What came of each case, in the order of the results."""
    return {case_of(result): found_of(result) for result in results}


def of(report: Report) -> dict[Case, CaseResult]:
    """What came of each case of a report."""
    return cases(report.results)


def answers(result: Result) -> dict[str, str]:
    """A result's answer to each question, by the observation's id."""
    ids = dict.fromkeys(item.id for item in result.observations)
    return {id_: answer for id_ in ids for answer, _ in answered(result, id_)}


def answered(result: Result, id_: str) -> Iterator[tuple[str, str | None]]:
    """A result's answer to one question, if it has one; several different answers are told in their order."""
    given = [item for item in result.observations if item.id == id_]
    if not given:
        return
    answers = [item.answer for item in given]
    answer = answers[0] if len(set(answers)) == 1 else ", then ".join(answers)
    raws = list(dict.fromkeys(item.raw for item in given if item.raw is not None))
    yield answer, ", then ".join(raws) if raws else None
