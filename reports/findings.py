"""Observations made readable: a finding of several scenarios is told once, and who gave an answer in few words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reports.document import Agreement, AnswerGroup, Observation, OutcomeGroup, Report, Silence, Subject


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
class Answer:
    """One answer and who gave it. ``words`` are the runtimes' own words, each with those who said it."""

    answer: str
    who: tuple[Phrase, ...]
    words: tuple[tuple[str, str], ...] = field(default=(), compare=False)


@dataclass
class Finding:
    """What was observed of one question, in all scenarios that found just the same."""

    suite: str
    id: str
    question: str
    agreement: Agreement
    answers: tuple[Answer, ...]
    silent: tuple[tuple[str, tuple[Phrase, ...]], ...]
    """Why no answer was given (an outcome, ``missing``, ``not asked``), and by whom."""
    scenarios: list[str]


def findings(report: Report) -> list[Finding]:
    """Every finding, in the order of the suites' questions; scenarios that agree on everything share one."""
    merged: dict[object, Finding] = {}
    for item in report.observations:
        found = _finding(item)
        key = item.suite, item.id, item.agreement, found.answers, found.silent
        if key in merged:
            merged[key].scenarios.append(item.scenario)
        else:
            merged[key] = found
    order = {
        (suite.path, question.id): (number, place)
        for number, suite in enumerate(report.suites)
        for place, question in enumerate(suite.observations)
    }
    last = len(report.suites), 0
    return sorted(merged.values(), key=lambda found: order.get((found.suite, found.id), last))


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
    questions: dict[str, dict[str, dict[tuple[str, str | None], Subject]]] = {}
    for item in report.observations:
        if item.agreement != "differs":
            continue
        answers = questions.setdefault(item.question or item.id, {})
        for group in item.groups:
            union = answers.setdefault(group.answer, {})
            for one in group.subjects:
                seen = union.setdefault((one.runtime, one.view), Subject(runtime=one.runtime, view=one.view, guests=[]))
                seen.guests += [guest for guest in one.guests if guest not in seen.guests]
    found = []
    for question, answers in questions.items():
        everyone = [subject for union in answers.values() for subject in union.values()]
        found.append((question, [(answer, phrases([*who.values()], everyone)) for answer, who in answers.items()]))
    return found


def _finding(item: Observation) -> Finding:
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
        answers=tuple(
            Answer(group.answer, _who(item, group, everyone), _words(group.answer, group.subjects))
            for group in item.groups
        ),
        silent=tuple((why, phrases(silences, everyone)) for why, silences in reasons.items()),
        scenarios=[item.scenario],
    )


def _who(item: Observation, group: AnswerGroup, everyone: Sequence[Subject | Silence]) -> tuple[Phrase, ...]:
    if item.agreement != "by guest":
        return phrases(group.subjects, everyone)
    guests = dict.fromkeys(guest for subject in group.subjects for guest in subject.guests)
    return tuple(Phrase(guest) for guest in guests)


def _words(answer: str, subjects: Iterable[Subject]) -> tuple[tuple[str, str], ...]:
    said: dict[str, list[str]] = defaultdict(list)
    for subject in subjects:
        for raw in subject.raw:
            if raw != answer and subject.runtime not in said[raw]:
                said[raw].append(subject.runtime)
    return tuple((", ".join(runtimes), raw) for raw, runtimes in said.items() if runtimes)


def outcome_phrases(groups: Sequence[OutcomeGroup]) -> list[tuple[str, tuple[Phrase, ...]]]:
    """The groups of a difference, each outcome with who had it."""
    everyone = [subject for group in groups for subject in group.subjects]
    return [(group.outcome, phrases(group.subjects, everyone)) for group in groups]


def phrases(some: Sequence[Subject | Silence], everyone: Sequence[Subject | Silence]) -> tuple[Phrase, ...]:
    """`some` of `everyone` in as few words as tell them apart from the rest."""
    views = _views(everyone)
    guests = _guests(everyone)
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


def _views(everyone: Sequence[Subject | Silence]) -> dict[str, set[str | None]]:
    views: dict[str, set[str | None]] = defaultdict(set)
    for one in everyone:
        views[one.runtime].add(one.view)
    return views


def _guests(everyone: Sequence[Subject | Silence]) -> dict[tuple[str, str | None], set[str]]:
    guests: dict[tuple[str, str | None], set[str]] = defaultdict(set)
    for one in everyone:
        guests[one.runtime, one.view].update(one.guests)
    return guests


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
