"""Whether each entry of the known defects can match anything: an entry that can't is a mistake, or has had its day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from linmem.errors import similar
from linmem.results.case import Case
from linmem.results.known import Engine, KnownDefect, matches


def problems(
    known: Iterable[KnownDefect],
    scenarios: Mapping[str, Collection[str]],
    played: Iterable[tuple[Case, Engine]],
    runtime_names: Collection[str],
    absent_guests: Collection[str] = (),
    suite_files: Collection[str] | None = None,
) -> list[str]:
    """One line for each entry, and each pattern of one, that matches nothing because what it names does not exist.

    `scenarios` are the slugs of all scenarios of the run's suites, by their paths; `played` are the cases that these
    have with the run's guests and runtimes; `runtime_names` are all bare names that are known, in this run or not;
    `absent_guests` are guests that exist but take no part here. Runtimes and versions that are not in this run are no
    problem; nor are suites, unless `suite_files` says which there are.
    """
    cases: dict[str, dict[str, dict[Engine, list[Case]]]] = {suite: {} for suite in scenarios}
    for case, engine in played:
        cases[case.suite].setdefault(case.scenario, {}).setdefault(engine, []).append(case)
    found = []
    for defect in known:
        for problem in _problems(defect, scenarios, cases, runtime_names, absent_guests, suite_files):
            found.append(f"{defect.file}:{defect.line}: {problem}; correct the entry or delete it")
    return found


def _problems(
    defect: KnownDefect,
    scenarios: Mapping[str, Collection[str]],
    cases: Mapping[str, Mapping[str, Mapping[Engine, Sequence[Case]]]],
    runtime_names: Collection[str],
    absent_guests: Collection[str],
    suite_files: Collection[str] | None,
) -> list[str]:
    if defect.runtime not in runtime_names:
        return [f"there is no runtime '{defect.runtime}'{_near(defect.runtime, runtime_names)}"]
    found: list[str] = []
    here: list[Case] = []
    for target in defect.targets:
        suites = [suite for suite in scenarios if target.in_suite(suite)]
        if suite_files is not None and not any(map(target.in_suite, suite_files)):
            found.append(f"there is no suite '{target.suite}'{_near(target.suite, _names(suite_files))}")
        slugs = {slug for suite in suites for slug in scenarios[suite]}
        if suites and not any(target.names(slug) for slug in slugs):
            what = f"'{target.scenario}'" if not target.pattern else f"that matches '{target.scenario}'"
            found.append(f"{suites[0]} has no scenario {what}{_near(target.scenario, slugs)}")
        here += [
            case
            for suite in suites
            for slug, by_engine in cases[suite].items()
            if target.names(slug)
            for engine, found_there in by_engine.items()
            if defect.on_runtime(engine)
            for case in found_there
        ]
    if found or not here:
        return found
    scenario = defect.targets[0].scenario
    guests = {case.guest for case in here if case.guest is not None}
    for guest in defect.guests:
        if not any(matches(guest, each) for each in guests | set(absent_guests)):
            found.append(f"no guest '{guest}' plays '{scenario}' on {defect.runtime}{_near(guest, guests)}")
    views = {case.view for case in here if case.view is not None}
    for view in defect.views:
        if not any(matches(view, each) for each in views):
            found.append(f"'{scenario}' is not played with view '{view}' on {defect.runtime}{_near(view, views)}")
    return found


def _names(paths: Iterable[str]) -> list[str]:
    return [path.rpartition("/")[2] for path in paths]


def _near(word: str, words: Collection[str]) -> str:
    near = similar(word, words)
    return f" ({near})" if near else ""
