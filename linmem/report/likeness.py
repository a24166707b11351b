"""Compare what runtimes did: outcomes of a scenario, and answers to its observations.

Nothing is smoothed over. Two runtimes are alike only if every one of their results (over view kinds, with the same
guest) is; a runtime that gave no answer is named beside those that did. What comes of memory that is no longer the
guest's is an answer to nothing: where a known defect says that a case is a matter of chance, that is told in place of
what came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from linmem.results import verdict
from linmem.results.case_result import answered as given_by
from linmem.results.document import (
    Agreement,
    AnswerGroup,
    CaseEntry,
    Compared,
    Difference,
    ObservationEntry,
    OutcomeGroup,
    Silence,
    Subject,
    SuiteEntry,
)
from linmem.results.outcome import Result

NOT_ASKED = "not asked"
BY_CHANCE = "a matter of chance"
"""The answer of a result that came by chance, to every question of its scenario."""
Key = tuple[str, str]
"""A suite's path and a scenario's slug."""

_Key = TypeVar("_Key")


def by_scenario(results: Iterable[Result]) -> dict[Key, list[Result]]:
    """The results of each scenario."""
    grouped: dict[Key, list[Result]] = defaultdict(list)
    for result in results:
        grouped[result.suite, result.scenario].append(result)
    return grouped


def differences(results: dict[Key, list[Result]]) -> list[Difference]:
    """The scenarios whose outcome differs between runtimes, in the order of `results`."""
    found = []
    for (suite, scenario), members in results.items():
        if not _outcomes_differ(members):
            continue
        groups = _grouped((result.outcome, result, None) for result in members)
        found.append(
            Difference(
                suite=suite,
                scenario=scenario,
                groups=[OutcomeGroup(outcome=outcome, subjects=subjects) for outcome, subjects in groups],
            )
        )
    return found


def _outcomes_differ(results: list[Result]) -> bool:
    """Whether, for one guest, two runtimes have different outcomes.

    View kinds have no counterparts in other runtimes, so with several of them each is compared with each.
    """
    seen: dict[str | None, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for result in results:
        seen[result.guest][result.label].add(result.outcome)
    return any(len(runtimes) > 1 and len(set().union(*runtimes.values())) > 1 for runtimes in seen.values())


def observations(
    results: dict[Key, list[Result]], missing: Sequence[CaseEntry], suites: Sequence[SuiteEntry], columns: Sequence[str]
) -> list[ObservationEntry]:
    """Every observation of every scenario, with the groups that gave the same answer.

    `columns` are the labels of the runtimes that took part: one that was not asked is among the unanswered.
    """
    questions = {(suite.path, item.id): item.question for suite in suites for item in suite.observations}
    absent: dict[Key, set[str]] = defaultdict(set)
    for gap in missing:
        absent[gap.suite, gap.scenario].add(gap.runtime)
    found = []
    for (suite, scenario), members in results.items():
        ids = dict.fromkeys(item.id for result in members for item in result.observations)
        for id_ in ids:
            answered = [(answer, result, raw) for result in members for answer, raw in _answer_worth(result, id_)]
            groups = [AnswerGroup(answer=answer, subjects=subjects) for answer, subjects in _grouped(answered)]
            silent = _silent(members, id_, absent[suite, scenario], columns)
            found.append(
                ObservationEntry(
                    suite=suite,
                    scenario=scenario,
                    id=id_,
                    question=questions.get((suite, id_), ""),
                    agreement=_agreement(answered, silent),
                    groups=groups,
                    unanswered=silent,
                )
            )
    return found


def _answer_worth(result: Result, id_: str) -> Iterator[tuple[str, str | None]]:
    """A result's answer to one question, as far as it is worth anything."""
    if _by_chance(result):
        yield BY_CHANCE, None
    else:
        yield from given_by(result, id_)


def _by_chance(result: Result) -> bool:
    return verdict.came_by_chance(result.outcome, result.known)


def _grouped(items: Iterable[tuple[_Key, Result, str | None]]) -> list[tuple[_Key, list[Subject]]]:
    """Subjects by key, the largest group first."""
    groups: dict[_Key, dict[tuple[str, str | None], Subject]] = {}
    for key, result, raw in items:
        subjects = groups.setdefault(key, {})
        place = result.label, result.view
        subject = subjects.get(place)
        if subject is None:
            subject = subjects[place] = Subject(runtime=result.label, view=result.view, guests=[], raw=[])
        if result.guest is not None and result.guest not in subject.guests:
            subject.guests.append(result.guest)
        if raw is not None and raw not in subject.raw:
            subject.raw.append(raw)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    return [(key, list(subjects.values())) for key, subjects in ordered]


def _silent(results: list[Result], id_: str, missing: set[str], columns: Sequence[str]) -> list[Silence]:
    silent: dict[tuple[str, str | None, str], Silence] = {}
    for result in results:
        if _by_chance(result) or any(item.id == id_ for item in result.observations):
            continue
        place = result.label, result.view, result.outcome
        entry = silent.setdefault(place, Silence(runtime=result.label, view=result.view, guests=[], why=result.outcome))
        if result.guest is not None and result.guest not in entry.guests:
            entry.guests.append(result.guest)
    asked = {result.label for result in results}
    found = list(silent.values())
    found += [Silence(runtime=label, why="missing") for label in columns if label in missing]
    found += [Silence(runtime=label, why=NOT_ASKED) for label in columns if label not in asked | missing]
    return found


def _agreement(answered: list[tuple[str, Result, str | None]], silent: list[Silence]) -> Agreement:
    answers: dict[str | None, set[str]] = defaultdict(set)
    for answer, result, _ in answered:
        answers[result.guest].add(answer)
    if any(len(given) > 1 for given in answers.values()):
        return "differs"
    if len({result.label for _, result, _ in answered}) < 2:
        return "one runtime"
    if any(_by_chance(result) for _, result, _ in answered):
        return "differs"  # it does from one time to the next
    if silent:
        return "where answered"
    return "everywhere" if len(set().union(*answers.values())) == 1 else "by guest"


def compared(
    scenarios: Iterable[Key],
    results: dict[Key, list[Result]],
    missing: Sequence[CaseEntry],
    differing: Sequence[Difference],
    observed: Sequence[ObservationEntry],
    columns: Sequence[str],
) -> Compared:
    """How many scenarios are alike on all of `columns`, and how many are not.

    A scenario that lacks a result of one of them can't be called alike; unless it differs, it is not compared.
    """
    outcome = {(item.suite, item.scenario) for item in differing}
    observation = {(item.suite, item.scenario) for item in observed if item.agreement == "differs"}
    gaps = {(item.suite, item.scenario) for item in missing}
    silent = {(item.suite, item.scenario) for item in observed if item.agreement in ("where answered", "one runtime")}
    tally = Compared()
    for key in scenarios:
        tally.total += 1
        labels = {result.label for result in results.get(key, ())}
        if key in outcome:
            tally.outcome_differs += 1
        elif len(columns) > 1 and key in observation:
            tally.observed_differs += 1
        elif len(columns) < 2 or key in gaps or key in silent or not labels.issuperset(columns):
            tally.not_compared += 1
        else:
            tally.alike += 1
    return tally
