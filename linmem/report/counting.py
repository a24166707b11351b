"""Count what the runtimes of a run kept, broke and lack of what scenarios demand, and how open questions were answered.

Deviations, differences where hosts are free, and lacks are three kinds of thing: nothing here adds them up.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from linmem.report.likeness import Key
from linmem.results import verdict
from linmem.results.document import Agreement, Demands, ObservationEntry, OpenQuestions, RuntimeDemands, SuiteEntry
from linmem.results.outcome import LEFT_OUT, Result

Kept = Literal["kept", "known", "unexpected", "lacking", "elsewhere", "unknown"]
"""What a runtime made of a scenario. ``lacking``: it can't be asked, because the engine or the host API lacks
something; ``elsewhere``: because the scenario is about hosts in another language. ``unknown``: it was not played, or
the harness or the driver is at fault.
"""
_AMISS: set[Kept] = {"known", "unexpected", "unknown"}
_TESTED: set[Kept] = {"kept", "known", "unexpected"}


def kept(results: Iterable[Result], missing: bool = False) -> set[Kept]:
    """What a runtime made of a scenario, over all guests and view kinds: ``kept`` only where nothing was amiss, and a
    lack only where there was no way at all to ask.
    """
    found: set[Kept] = {_kept(result) for result in results}
    if missing or not found:
        found.add("unknown")
    if found & _TESTED:
        found -= {"lacking", "elsewhere"}
    return found - {"kept"} if found & _AMISS else found


def _kept(result: Result) -> Kept:
    if result.outcome == "error" or result.message.startswith(LEFT_OUT):
        return "unknown"
    if result.outcome == "unsupported":
        return "elsewhere" if result.lack is not None and result.lack.kind == "host" else "lacking"
    status = verdict.status(result.outcome, result.known)
    if status == "known" or verdict.came_by_chance(result.outcome, result.known):
        return "known"
    return "kept" if result.outcome == "pass" else "unexpected"


def demanding(
    suites: Iterable[SuiteEntry], results: Mapping[Key, Sequence[Result]], gaps: Collection[Key]
) -> list[Key]:
    """The scenarios of the run that demand something. One that was to observe only does so where a runtime failed."""
    return [
        key
        for suite in suites
        for scenario in suite.scenarios
        if (key := (suite.path, scenario.scenario)) in results or key in gaps
        if scenario.demands or any(result.outcome not in ("pass", "unsupported") for result in results.get(key, ()))
    ]


def demands(
    results: Mapping[Key, Sequence[Result]],
    gaps: Mapping[Key, set[str]],
    demanding: Sequence[Key],
    columns: Sequence[str],
) -> Demands:
    """The counts for the scenarios that demand something, on the runtimes with these labels.

    `gaps` are the runtimes of which a planned result is missing. A scenario that was to observe only counts where a
    runtime failed in it.
    """
    tally = Demands(runtimes={label: RuntimeDemands() for label in columns})
    features: dict[str, Counter[str]] = defaultdict(Counter)
    api: dict[str, Counter[str]] = defaultdict(Counter)
    for key in demanding:
        by_runtime: dict[str, list[Result]] = defaultdict(list)
        for result in results.get(key, ()):
            by_runtime[result.runtime].append(result)
        found = {label: kept(by_runtime[label], label in gaps.get(key, ())) for label in columns}
        every = set().union(*found.values())
        tally.total += 1
        tally.everywhere += every == {"kept"}
        tally.where_supported += "kept" in every and every != {"kept"} and not every & _AMISS
        tally.nowhere += "kept" not in every and not every & _AMISS
        tally.broken += bool(every & {"known", "unexpected"})
        tally.unexpected += "unexpected" in every
        tally.lacking += bool(every & {"lacking", "elsewhere"})
        tally.unknown += "unknown" in every
        for label, states in found.items():
            mine = tally.runtimes[label]
            mine.kept += states == {"kept"}
            mine.unexpected += "unexpected" in states
            mine.known += "known" in states and "unexpected" not in states
            mine.lacking += "lacking" in states
            mine.elsewhere += "elsewhere" in states
            if "lacking" in states:
                feature = next(filter(None, map(_feature, by_runtime[label])), None)
                (api[label] if feature is None else features[label])[feature or key[0]] += 1
    for label, mine in tally.runtimes.items():
        mine.features, mine.api = dict(features[label].most_common()), dict(api[label].most_common())
    return tally


def _feature(result: Result) -> str | None:
    """The feature that the engine lacks."""
    return result.lack.what if result.lack is not None and result.lack.kind == "engine" else None


_WEIGHT: tuple[Agreement, ...] = ("everywhere", "by guest", "one runtime", "where answered", "differs")


def questions(observations: Iterable[ObservationEntry]) -> dict[tuple[str, str], Agreement]:
    """By suite and id, how the answers to each question compare: as in the scenario where they agree least."""
    found: dict[tuple[str, str], Agreement] = {}
    for item in observations:
        key = item.suite, item.id
        found[key] = max(found.get(key, item.agreement), item.agreement, key=_WEIGHT.index)
    return found


def open_questions(observations: Iterable[ObservationEntry]) -> OpenQuestions:
    """How many questions were answered alike."""
    found = Counter(questions(observations).values())
    return OpenQuestions(
        total=sum(found.values()),
        everywhere=found["everywhere"] + found["by guest"],
        differs=found["differs"],
        partly=found["where answered"] + found["one runtime"],
    )
