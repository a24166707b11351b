"""What one can rely on, on the runtimes of a run: what a terminal shows of it, and what the published pages do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from linmem.report import answers, counting, likeness
from linmem.report.build import took_part
from linmem.report.findings import Phrase, findings, phrases
from linmem.results.document import Demands, Report, Silence, Subject

_LOST = {"crash": "a crash", "timeout": "a timeout", "fail": "a failure"}
"""What comes in place of an answer and is the runtime's doing; otherwise it was not asked."""


@dataclass(frozen=True)
class SuiteDemands:
    """How the requirements of one suite are met."""

    path: str
    title: str
    demands: Demands


@dataclass(frozen=True)
class OpenAnswer:
    """A question that specifications leave open, and who gave which answer; one answer if it is safe to rely on."""

    question: str
    answers: tuple[tuple[str, tuple[Phrase, ...]], ...]


def suites(report: Report, chosen: Collection[str] | None = None) -> list[SuiteDemands]:
    """The suites that demand something, in the report's order; only those with these paths, if there are any given."""
    scenarios = likeness.by_scenario(report.results)
    gaps: dict[likeness.Key, set[str]] = defaultdict(set)
    for item in report.missing:
        gaps[item.suite, item.scenario].add(item.runtime)
    columns = [runtime.label for runtime in took_part(report)]
    found = []
    for suite in report.suites:
        if chosen is None or suite.path in chosen:
            demanding = counting.demanding([suite], scenarios, gaps)
            demands = counting.demands(scenarios, gaps, demanding, columns)
            found.append(SuiteDemands(suite.path, suite.title, demands))
    return [item for item in found if item.demands.total]


def first_asked(report: Report) -> list[OpenAnswer]:
    """What embedders ask first, as far as the run answers it."""
    found = {(item.suite, item.scenario, item.id): item for item in report.observations}
    told = []
    for ask in answers.asks():
        item = found.get((ask.suite, ask.scenario, ask.observation))
        if item is not None:
            everyone: list[Subject | Silence] = [who for group in item.groups for who in group.subjects]
            everyone += item.unanswered
            groups = [(group.answer, phrases(group.subjects, everyone)) for group in item.groups]
            silent: dict[str, list[Subject | Silence]] = defaultdict(list)
            for who in item.unanswered:
                silent[_LOST.get(who.why, "not asked")].append(who)
            groups += [(why, phrases(members, everyone)) for why, members in silent.items()]
            told.append(OpenAnswer(ask.ask, tuple(groups)))
    return told


def open_questions(report: Report, chosen: Collection[str] | None = None) -> tuple[list[OpenAnswer], list[OpenAnswer]]:
    """The questions that all runtimes answered alike, and those with different answers."""
    alike, apart = [], []
    for item in findings(report):
        if chosen is None or item.suite in chosen:
            groups = [(given.answer, given.who) for given in item.answers]
            groups += [(_LOST[why], who) for why, who in item.silent if why in _LOST]
            told = OpenAnswer(item.question, tuple(groups))
            if item.agreement in ("everywhere", "by guest") and not item.silent:
                alike.append(told)
            elif item.agreement == "differs":
                apart.append(told)
    return alike, apart
