"""When runtimes are alike: outcomes of a scenario, and answers to its observations.

What a runtime gave is its *profile*: for each guest one value if every view kind gave the same, else the value of each
view kind. View kinds of different runtimes have no counterparts, so a runtime whose view kinds differ is like another
only if that has the same view kinds and each gives the same. Profiles are compared over the guests that both have.

Every report, and the page's script by way of its data, compares runtimes by this. Nothing is smoothed over: a runtime
that gave no answer is named beside those that did. What comes of memory that is no longer the guest's answers nothing:
where a known defect says that a case is a matter of chance, that is told in place of what came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, TypeVar, get_args

from linmem.results import verdict
from linmem.results.case import CaseEntry
from linmem.results.case_result import answered
from linmem.results.document import (
    Agreement,
    AnswerGroup,
    Difference,
    ObservationEntry,
    OutcomeGroup,
    Report,
    Silence,
    Subject,
    SuiteEntry,
)
from linmem.results.outcome import NOT_ASKED, Result

BY_CHANCE = "a matter of chance"
"""The answer of a result that came by chance, to every question of its scenario."""

Key = tuple[str, str]
"""A suite's path and a scenario's slug."""
Value = str | frozenset[tuple[str, str]]
Profile = Mapping[str, Value]
"""By guest (empty: the guest is inline), what was given."""
Likeness = Literal["alike", "differs", "apart"]
"""``apart``: they have no guest in common, so they can't be compared."""
Kind = Literal["deviates", "differs", "lacks"]
"""How runtimes differ. ``deviates``: one breaks what a specification demands, known or not. ``differs``: in answers,
where hosts are free. ``lacks``: one is unsupported, and not all.
"""
KINDS: tuple[Kind, ...] = get_args(Kind)
Comparison = Literal["alike", "deviates", "differs", "lacks", "apart"]
"""How two runtimes compare in a scenario. ``deviates``: one breaks a demand and the other not in the same way;
``differs``: they keep it, and differ in an answer; ``lacks``: one or both lack what it needs; ``apart``: one was not
asked, or gave no answer where the other did.
"""
_T = TypeVar("_T")


# -------------------------------------------------------------------------------------------------- the definition


def profile(given: Iterable[tuple[str | None, str | None, str]]) -> Profile:
    """The profile of what a runtime gave: guest, view kind and value of each."""
    by_guest: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for guest, view, value in given:
        by_guest[guest or ""].append((view or "", value))
    found: dict[str, Value] = {}
    for guest, values in by_guest.items():
        distinct = {value for _, value in values}
        found[guest] = distinct.pop() if len(distinct) == 1 else frozenset(values)
    return found


def differ(profiles: Iterable[Profile]) -> bool:
    """Whether any two of these differ."""
    seen: dict[str, Value] = {}
    return any(seen.setdefault(guest, value) != value for one in profiles for guest, value in one.items())


def likeness(one: Profile, other: Profile) -> Likeness:
    """How two profiles compare."""
    if one.keys().isdisjoint(other.keys()):
        return "apart"
    return "differs" if differ((one, other)) else "alike"


def grouped(profiles: Mapping[str, Profile]) -> list[list[str]]:
    """Names whose profiles are alike, the largest group first.

    One that lacks some guests joins a group if it contradicts no one there, and fits into no other group.
    """
    groups: list[tuple[dict[str, Value], list[str]]] = []
    for name in sorted(profiles, key=lambda name: -len(profiles[name])):
        mine = profiles[name]
        fitting = [group for group in groups if likeness(group[0], mine) == "alike"]
        if len(fitting) == 1:
            fitting[0][0].update(mine)
            fitting[0][1].append(name)
        else:
            groups.append((dict(mine), [name]))
    place = {name: number for number, name in enumerate(profiles)}
    ordered = [sorted(names, key=place.__getitem__) for _, names in groups]
    return sorted(ordered, key=lambda names: (-len(names), place[names[0]]))


def outcomes(results: Iterable[Result]) -> dict[str, Profile]:
    """What came of a scenario on each runtime."""
    given: dict[str, list[tuple[str | None, str | None, str]]] = defaultdict(list)
    for result in results:
        given[result.runtime].append((result.guest, result.view, result.outcome))
    return {label: profile(values) for label, values in given.items()}


def answers(groups: Iterable[AnswerGroup]) -> dict[str, Profile]:
    """What each runtime answered."""
    given: dict[str, list[tuple[str | None, str | None, str]]] = defaultdict(list)
    for group in groups:
        for one in group.subjects:
            given[one.runtime] += [(guest, one.view, group.answer) for guest in (*one.guests,) or (None,)]
    return {label: profile(values) for label, values in given.items()}


# ------------------------------------------------------------------------------------------------ two by two


def _values(given: Profile) -> Iterator[str]:
    for value in given.values():
        yield from [value] if isinstance(value, str) else (one for _, one in value)


@dataclass
class Behaviour:
    """What the runtimes did in one scenario; ``answers`` are by the observation's id."""

    outcomes: dict[str, Profile] = field(default_factory=dict)
    answers: dict[str, dict[str, Profile]] = field(default_factory=dict)

    def compare(self, one: str, other: str) -> Comparison:
        """How two runtimes compare in it."""
        profiles = self.outcomes.get(one, {}), self.outcomes.get(other, {})
        how = likeness(*profiles)
        given = {value for one in profiles for value in _values(one)}
        if how == "differs" and not given <= {"pass", "unsupported"}:
            return "deviates"
        if how == "apart":
            return "apart"
        if how == "differs" or given == {"unsupported"}:
            return "lacks"  # what both lack makes them no more alike
        hows = [self.answer(id_, one, other) for id_ in self.answers]
        return "differs" if "differs" in hows else "apart" if "apart" in hows else "alike"

    def answer(self, id_: str, one: str, other: str) -> Likeness:
        """How their answers to a question compare; those who both give none are alike in that."""
        given = self.answers[id_]
        if one not in given and other not in given:
            return "alike"
        return likeness(given.get(one, {}), given.get(other, {}))


def behaviours(report: Report) -> dict[Key, Behaviour]:
    """What the runtimes did in each scenario that was played or planned."""
    found: dict[Key, Behaviour] = {(gap.suite, gap.scenario): Behaviour() for gap in report.missing}
    for key, results in by_scenario(report.results).items():
        found[key] = Behaviour(outcomes(results))
    for item in report.observations:
        found[item.suite, item.scenario].answers[item.id] = answers(item.groups)
    return found


@dataclass
class RuntimePair:
    """Two runtimes, and in how many scenarios each `Comparison` holds of them."""

    one: str
    other: str
    alike: int = 0
    deviates: int = 0
    differs: int = 0
    lacks: int = 0
    apart: int = 0


def pairs(found: Mapping[Key, Behaviour], labels: Sequence[str]) -> list[RuntimePair]:
    """Every two of some runtimes, over all scenarios."""
    told = [RuntimePair(one, other) for one, other in combinations(labels, 2)]
    for pair in told:
        for behaviour in found.values():
            how = behaviour.compare(pair.one, pair.other)
            setattr(pair, how, getattr(pair, how) + 1)
    return told


# -------------------------------------------------------------------------------------------- the report's document


def by_scenario(results: Iterable[Result]) -> dict[Key, list[Result]]:
    """The results of each scenario."""
    found: dict[Key, list[Result]] = defaultdict(list)
    for result in results:
        found[result.suite, result.scenario].append(result)
    return found


def differences(results: dict[Key, list[Result]]) -> list[Difference]:
    """The scenarios in whose outcome runtimes differ, in the order of `results`."""
    found = []
    for (suite, scenario), members in results.items():
        if differ(outcomes(members).values()):
            groups = _grouped((result.outcome, result, None) for result in members)
            told = [OutcomeGroup(outcome=outcome, subjects=subjects) for outcome, subjects in groups]
            found.append(Difference(suite=suite, scenario=scenario, groups=told))
    return found


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
        for id_ in dict.fromkeys(item.id for result in members for item in result.observations):
            given = _grouped((answer, result, raw) for result in members for answer, raw in _answer_worth(result, id_))
            groups = [AnswerGroup(answer=answer, subjects=subjects) for answer, subjects in given]
            silent = _silent(members, id_, absent[suite, scenario], columns)
            found.append(
                ObservationEntry(
                    suite=suite,
                    scenario=scenario,
                    id=id_,
                    question=questions.get((suite, id_), ""),
                    agreement=_agreement(groups, silent),
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
        yield from answered(result, id_)


def _by_chance(result: Result) -> bool:
    return verdict.came_by_chance(result.outcome, result.known)


def _grouped(items: Iterable[tuple[_T, Result, str | None]]) -> list[tuple[_T, list[Subject]]]:
    """Subjects by what they have in common, the largest group first."""
    groups: dict[_T, list[Subject]] = defaultdict(list)
    for key, result, raw in items:
        groups[key].append(subject(result, raw))
    ordered = [(key, united(subjects)) for key, subjects in groups.items()]
    return sorted(ordered, key=lambda group: -len(group[1]))


def subject(result: Result, raw: str | None = None) -> Subject:
    """Who gave a result."""
    guests = [result.guest] if result.guest is not None else []
    return Subject(runtime=result.runtime, view=result.view, guests=guests, raw=[raw] if raw is not None else [])


def united(subjects: Iterable[Subject]) -> list[Subject]:
    """The same with each runtime and view kind once."""
    found: dict[tuple[str, str | None], Subject] = {}
    for one in subjects:
        new = Subject(runtime=one.runtime, view=one.view, guests=[], raw=[])
        seen = found.setdefault((one.runtime, one.view), new)
        seen.guests += [guest for guest in one.guests if guest not in seen.guests]
        seen.raw += [raw for raw in one.raw if raw not in seen.raw]
    return list(found.values())


def _silent(results: list[Result], id_: str, missing: set[str], columns: Sequence[str]) -> list[Silence]:
    silent: dict[tuple[str, str | None, str], Silence] = {}
    for result in results:
        if _by_chance(result) or any(item.id == id_ for item in result.observations):
            continue
        why = result.unanswered.get(id_) or (NOT_ASKED if result.outcome == "pass" else result.outcome)
        place = result.runtime, result.view, why
        entry = silent.setdefault(place, Silence(runtime=result.runtime, view=result.view, guests=[], why=why))
        if result.guest is not None and result.guest not in entry.guests:
            entry.guests.append(result.guest)
    asked = {result.runtime for result in results}
    found = list(silent.values())
    found += [Silence(runtime=label, why="missing") for label in columns if label in missing]
    found += [Silence(runtime=label, why=NOT_ASKED) for label in columns if label not in asked | missing]
    return found


def _agreement(groups: list[AnswerGroup], silent: list[Silence]) -> Agreement:
    profiles = answers(groups).values()
    values = {value for one in profiles for value in one.values()}
    if differ(profiles) or any(isinstance(value, frozenset) for value in values):
        return "differs"  # between runtimes, or between the view kinds of one
    if len(profiles) < 2:
        return "one runtime"
    if BY_CHANCE in values:
        return "differs"  # it does from one time to the next
    if silent:
        return "where answered"
    return "everywhere" if len(values) == 1 else "by guest"


def kinds(
    results: Mapping[Key, Iterable[Result]], observations: Iterable[ObservationEntry]
) -> dict[Key, tuple[Kind, ...]]:
    """In which ways runtimes differ in each scenario where they do."""
    found: dict[Key, set[Kind]] = defaultdict(set)
    for key, members in results.items():
        given = {result.outcome for result in members}
        if any(_deviates(result) for result in members):
            found[key].add("deviates")
        if "unsupported" in given and len(given) > 1:
            found[key].add("lacks")
    for item in observations:
        if item.agreement == "differs":
            found[item.suite, item.scenario].add("differs")
    return {key: tuple(kind for kind in KINDS if kind in mine) for key, mine in found.items() if mine}


def _deviates(result: Result) -> bool:
    return result.outcome in ("fail", "crash", "timeout") or _by_chance(result)
