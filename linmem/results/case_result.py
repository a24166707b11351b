"""What comparisons of runs see of a result: its state and its answers; not times, texts and line numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from linmem.results import verdict
from linmem.results.case import Case
from linmem.results.outcome import Result

BY_CHANCE = "by chance"
"""The state of a case whose known defect says that what comes is a matter of chance."""

WORDS = {"known": "known defect", BY_CHANCE: "known defect by chance"}


@dataclass(frozen=True)
class CaseResult:
    """What came of a case. ``answers`` are by the observation's id; a case by chance has none worth comparing."""

    state: str
    message: str = ""
    answers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, result: Result) -> CaseResult:
        """What came of a result's case."""
        if verdict.came_by_chance(result.outcome, result.known):
            return cls(BY_CHANCE, result.message)
        status = verdict.status(result.outcome, result.known)
        # 'unexpected' is a word about the list of known defects; what the runtime did is its outcome.
        return cls(result.outcome if status == "unexpected" else status, result.message, answers(result))

    @property
    def good(self) -> bool:
        """Whether it lets a run pass, as far as the state tells."""
        return self.state in ("pass", "unsupported", "known", BY_CHANCE)

    @property
    def word(self) -> str:
        """The state as reports word it."""
        return WORDS.get(self.state, self.state)


def by_case(results: Iterable[Result]) -> dict[Case, CaseResult]:
    """What came of each case, in the order of the results."""
    return {result.case: CaseResult.of(result) for result in results}


def answers(result: Result) -> dict[str, str]:
    """A result's answer to each question, by the observation's id."""
    ids = dict.fromkeys(item.id for item in result.observations)
    return {id_: answer for id_ in ids for answer, _ in answered(result, id_)}


def answered(result: Result, id_: str) -> Iterator[tuple[str, str | None]]:
    """A result's answer to one question, if it has one; several different answers are told in their order."""
    given = [item for item in result.observations if item.id == id_]
    if not given:
        return
    told = list(dict.fromkeys(item.answer for item in given))
    answer = told[0] if len(told) == 1 else ", then ".join(item.answer for item in given)
    raws = list(dict.fromkeys(item.raw for item in given if item.raw is not None))
    yield answer, ", then ".join(raws) if raws else None


def changed(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, str | None, str | None]]:
    """The questions that two results of a case answer otherwise, with both answers (None: no answer)."""
    for id_ in dict.fromkeys((*old, *new)):
        if old.get(id_) != new.get(id_):
            yield id_, old.get(id_), new.get(id_)
