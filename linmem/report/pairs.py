"""How alike each two runtimes of a run are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations

from linmem.report.build import took_part
from linmem.report.likeness import Key
from linmem.report.profile import Profile, likeness, profile
from linmem.results.document import Report


@dataclass
class RuntimePair:
    """Two runtimes, and in how many scenarios they are alike, differ, or can't be compared."""

    one: str
    other: str
    alike: int = 0
    outcome: int = 0
    """They differ in outcome."""
    observed: int = 0
    """They differ only in an answer."""
    apart: int = 0
    """One was not asked, or gave no answer where the other did."""

    @property
    def compared(self) -> int:
        """In how many scenarios they can be compared."""
        return self.alike + self.outcome + self.observed


@dataclass
class _Did:
    """What a runtime did in one scenario."""

    outcomes: Profile
    answers: dict[str, Profile]


def pairs(report: Report) -> list[RuntimePair]:
    """Every two runtimes of the run's matrix, over all scenarios that were played or planned."""
    labels = [runtime.label for runtime in took_part(report)]
    scenarios = _scenarios(report)
    found = []
    for one, other in combinations(labels, 2):
        pair = RuntimePair(one, other)
        for did in scenarios.values():
            how = compared(did.get(one), did.get(other))
            setattr(pair, how, getattr(pair, how) + 1)
        found.append(pair)
    return found


def compared(one: _Did | None, other: _Did | None) -> str:
    """How two runtimes compare in one scenario; the name of a field of `RuntimePair`."""
    if one is None or other is None:
        return "apart"
    outcomes = likeness(one.outcomes, other.outcomes)
    if outcomes != "alike":
        return "outcome" if outcomes == "differs" else "apart"
    silent = False
    for id_ in one.answers.keys() | other.answers.keys():
        how = likeness(one.answers.get(id_, {}), other.answers.get(id_, {}))
        if how == "differs":
            return "observed"
        silent = silent or how == "apart"
    return "apart" if silent else "alike"


def _scenarios(report: Report) -> dict[Key, dict[str, _Did]]:
    outcomes: dict[Key, dict[str, list[tuple[str | None, str | None, str]]]] = defaultdict(lambda: defaultdict(list))
    for result in report.results:
        outcomes[result.suite, result.scenario][result.label].append((result.guest, result.view, result.outcome))
    found: dict[Key, dict[str, _Did]] = {(gap.suite, gap.scenario): {} for gap in report.missing}
    for key, runtimes in outcomes.items():
        found[key] = {label: _Did(profile(given), {}) for label, given in runtimes.items()}
    for item in report.observations:
        given: dict[str, list[tuple[str | None, str | None, str]]] = defaultdict(list)
        for group in item.groups:
            for subject in group.subjects:
                given[subject.runtime] += [
                    (guest, subject.view, group.answer) for guest in (*subject.guests,) or (None,)
                ]
        for label, answers in given.items():
            found[item.suite, item.scenario][label].answers[item.id] = profile(answers)
    return found
