"""Observations made readable: a finding of several scenarios is told once, and who gave an answer in few words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from linmem.report import likeness
from linmem.results.document import Agreement, AnswerGroup, ObservationEntry, OutcomeGroup, Report, Silence, Subject


@dataclass(frozen=True)
class Phrase:
    """Some view kinds of a runtime, in words: ``node``, ``Uint8Array, Int8Array``, ``with go``."""

    runtime: str
    views: str = ""
    guests: str = ""

    def __str__(self) -> str:
        text = f"{self.runtime} · {self.views}" if self.views else self.runtime
        return f"{text} ({self.guests})" if self.guests else text


@dataclass(frozen=True)
class GivenAnswer:
    """One answer and who gave it, with one example for each runtime of how it put it (``words``: runtimes, words)."""

    answer: str
    who: tuple[Phrase, ...]
    words: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Alike:
    """Runtimes that gave the same answers to a question, and these answers with who gave which."""

    runtimes: tuple[str, ...]
    answers: tuple[GivenAnswer, ...]


@dataclass
class Finding:
    """What was observed of one question, in all scenarios of which it is true."""

    suite: str
    id: str
    question: str
    agreement: Agreement
    answers: tuple[GivenAnswer, ...]
    silent: tuple[tuple[str, tuple[Phrase, ...]], ...]
    """Why no answer was given (an outcome, ``missing``, ``not asked``), and by whom."""
    scenarios: list[str]
    groups: tuple[Alike, ...] = ()
    """The runtimes that answered, the largest group of those that are alike first."""


def findings(report: Report) -> list[Finding]:
    """Every finding, in the order of the suites' questions; scenarios that don't contradict each other share one."""
    merged: dict[tuple[str, str], list[_Merged]] = defaultdict(list)
    for item in report.observations:
        alike = merged[item.suite, item.id]
        for other in alike:
            if other.takes(item):
                break
        else:
            alike.append(_Merged(item))
    order = {
        (suite.path, question.id): (number, place)
        for number, suite in enumerate(report.suites)
        for place, question in enumerate(suite.observations)
    }
    last = len(report.suites), 0
    places = sorted(merged, key=lambda place: order.get(place, last))
    return [_finding(found.whole(), found.scenarios) for place in places for found in merged[place]]


class _Merged:
    """Observations of one question that are true of all their scenarios together.

    Whoever was asked in several of them gave the same answer in each, so nothing gets lost; scenarios that are played
    through different view kinds can be told together that way. Where anything would get lost, they stay apart.
    """

    def __init__(self, item: ObservationEntry) -> None:
        self.items, self.answers = [item], _answers(item)

    @property
    def scenarios(self) -> list[str]:
        return [item.scenario for item in self.items]

    def takes(self, item: ObservationEntry) -> bool:
        """Take an observation in, if it fits."""
        first, answers = self.items[0], _answers(item)
        if item.agreement != first.agreement or item.unanswered != first.unanswered:
            return False
        if item.agreement != "differs" and set(answers.values()) != set(self.answers.values()):
            return False
        if any(self.answers.get(who, answer) != answer for who, answer in answers.items()):
            return False
        self.items.append(item)
        self.answers.update(answers)
        return True

    def whole(self) -> ObservationEntry:
        """All of them as one observation."""
        first = self.items[0]
        groups = _united(group for item in self.items for group in item.groups)
        ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
        return replace(first, groups=[AnswerGroup(answer=answer, subjects=subjects) for answer, subjects in ordered])


def _answers(item: ObservationEntry) -> dict[tuple[str, str | None, str | None], str]:
    """The answer of each runtime, by way of each view kind, with each guest."""
    return {
        (one.runtime, one.view, guest): group.answer
        for group in item.groups
        for one in group.subjects
        for guest in (*one.guests,) or (None,)
    }


def _united(groups: Iterable[AnswerGroup]) -> dict[str, list[Subject]]:
    """By answer, all who gave it in any of the groups."""
    found: dict[str, list[Subject]] = defaultdict(list)
    for group in groups:
        found[group.answer] += group.subjects
    return {answer: likeness.united(subjects) for answer, subjects in found.items()}


def unasked(report: Report) -> list[tuple[str, str]]:
    """Suite and question of every observation that no result of this run answers."""
    seen = {(item.suite, item.id) for item in report.observations}
    return [
        (suite.path, question.question)
        for suite in report.suites
        for question in suite.observations
        if (suite.path, question.id) not in seen
    ]


def brief(report: Report) -> list[tuple[str, list[tuple[str, tuple[Phrase, ...]]]]]:
    """The questions on which runtimes differ, each once, with all who gave each answer in any scenario."""
    questions: dict[str, list[AnswerGroup]] = defaultdict(list)
    for item in report.observations:
        if item.agreement == "differs":
            questions[item.question or item.id] += item.groups
    found = []
    for question, groups in questions.items():
        answers = _united(groups)
        everyone = [subject for subjects in answers.values() for subject in subjects]
        found.append((question, [(answer, phrases(subjects, everyone)) for answer, subjects in answers.items()]))
    return found


def _finding(item: ObservationEntry, scenarios: list[str]) -> Finding:
    everyone: list[Subject | Silence] = [subject for group in item.groups for subject in group.subjects]
    everyone += item.unanswered
    reasons: dict[str, list[Silence]] = defaultdict(list)
    for silence in item.unanswered:
        reasons[silence.why].append(silence)
    return Finding(
        suite=item.suite,
        id=item.id,
        question=item.question or item.id,
        agreement=item.agreement,
        answers=tuple(GivenAnswer(group.answer, _who(item, group, everyone)) for group in item.groups),
        silent=tuple((why, phrases(silences, everyone)) for why, silences in reasons.items()),
        scenarios=scenarios,
        groups=_groups(item, everyone),
    )


def _groups(item: ObservationEntry, everyone: Sequence[Subject | Silence]) -> tuple[Alike, ...]:
    """Who answers like whom."""
    found = []
    for labels in likeness.grouped(likeness.answers(item.groups)):
        mine = [(group.answer, [one for one in group.subjects if one.runtime in labels]) for group in item.groups]
        answers = tuple(
            GivenAnswer(answer, phrases(subjects, everyone), _words(answer, subjects))
            for answer, subjects in mine
            if subjects
        )
        found.append(Alike(tuple(labels), answers))
    return tuple(found)


def _who(item: ObservationEntry, group: AnswerGroup, everyone: Sequence[Subject | Silence]) -> tuple[Phrase, ...]:
    if item.agreement != "by guest":
        return phrases(group.subjects, everyone)
    guests = dict.fromkeys(guest for subject in group.subjects for guest in subject.guests)
    return tuple(Phrase(guest) for guest in guests)


def _words(answer: str, subjects: Iterable[Subject]) -> tuple[tuple[str, str], ...]:
    first: dict[str, str] = {}
    for subject in subjects:
        for raw in subject.raw:
            if raw and raw != answer:
                first.setdefault(subject.runtime, raw)
    words: dict[str, list[str]] = defaultdict(list)
    for runtime, raw in first.items():
        words[raw].append(runtime)
    return tuple((", ".join(runtimes), raw) for raw, runtimes in words.items())


def outcome_phrases(groups: Sequence[OutcomeGroup]) -> list[tuple[str, tuple[Phrase, ...]]]:
    """The groups of a difference, each outcome with who had it."""
    everyone = [subject for group in groups for subject in group.subjects]
    return [(group.outcome, phrases(group.subjects, everyone)) for group in groups]


def phrases(some: Sequence[Subject | Silence], everyone: Sequence[Subject | Silence]) -> tuple[Phrase, ...]:
    """`some` of `everyone` in as few words as tell them apart from the rest."""
    views: dict[str, set[str | None]] = defaultdict(set)
    guests: dict[tuple[str, str | None], set[str]] = defaultdict(set)
    for one in everyone:
        views[one.runtime].add(one.view)
        guests[one.runtime, one.view].update(one.guests)
    told: dict[str, dict[str, list[str | None]]] = defaultdict(lambda: defaultdict(list))
    for one in some:
        all_guests = guests[one.runtime, one.view]
        only = f"with {', '.join(one.guests)}" if one.guests and len(one.guests) < len(all_guests) else ""
        told[one.runtime][only].append(one.view)
    found = []
    for runtime, parts in told.items():
        for only, mine in parts.items():
            found.append(Phrase(runtime, _view_words(mine, views[runtime]), only))
    return tuple(found)


def _view_words(mine: Sequence[str | None], every: set[str | None]) -> str:
    if len(every) == 1:
        return mine[0] or ""
    rest = every - set(mine)
    if not rest:
        return "both views" if len(every) == 2 else f"all {len(every)} views"
    if len(rest) == 1 and len(mine) > 2:
        return f"all views but {_named(rest)}"
    return _named(mine)


def _named(views: Iterable[str | None]) -> str:
    return ", ".join(view or "default view" for view in views)
