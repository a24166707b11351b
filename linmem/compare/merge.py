"""Merge the reports of several jobs or machines, each of which played a part, into one record of a whole run.

Nothing is made up: a case that no part played is a gap, and a merged run with gaps is incomplete. A case that two parts
played otherwise is a conflict; the worse result stands in the report.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from linmem.results import verdict
from linmem.results.case import Case
from linmem.results.case_result import BY_CHANCE, CaseResult
from linmem.results.document import GuestEntry, Report, RuntimeEntry, Selection, Shard, SuiteEntry
from linmem.results.outcome import Result
from linmem.results.record import FORMAT, Answered, End, Run
from linmem.text import join, one_line

Struct = msgspec.Struct
_T = TypeVar("_T")


@dataclass(frozen=True)
class Part:
    """One of the reports to merge, and what it is called. ``labels`` are those that have another in the merged one."""

    name: str
    report: Report
    labels: dict[str, str] = field(default_factory=dict)

    def case(self, case: Case) -> Case:
        """A case of this part as the merged report has it."""
        return case.on(self.labels.get(case.runtime, case.runtime))


@dataclass
class Merged:
    """The lines of the merged record, and what was noticed.

    ``duplicates`` are cases that several parts played with the same result, ``conflicts`` are lines about what does not
    fit together, ``gaps`` are cases that nobody played. ``unfinished`` are the reasons of incomplete parts.
    """

    run: Run
    end: End
    answered: list[Answered] = field(default_factory=list)
    broken: list[Struct] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    duplicates: list[Case] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    gaps: list[Case] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)

    @property
    def lines(self) -> Iterator[Struct]:
        """The record, line by line."""
        yield self.run
        yield from self.broken
        yield from self.answered
        yield from self.results
        yield self.end


def merge(parts: Sequence[Part], command: Sequence[str], allow_gaps: bool = False) -> Merged:
    """Merge parts. With `allow_gaps`, cases that nobody played are named and do not make the run incomplete."""
    first = parts[0].report
    conflicts: list[str] = []
    for part in parts[1:]:
        if part.report.linmem != first.linmem:
            versions = f"linmem {first.linmem} in {parts[0].name} and {part.report.linmem} in {part.name}"
            conflicts.append(f"the parts are not of one version: {versions}")
    runtimes = _runtimes(parts, conflicts)
    guests = _guests(parts, conflicts)
    results, missing, duplicates = _results(parts, conflicts)
    suites = _suites(parts)
    played = dict.fromkeys(result.case for result in results)
    deselected = dict.fromkeys(part.case(item.case) for part in parts for item in part.report.selection.deselected)
    left_out = [case for case in deselected if case not in played and case not in missing]
    whole = _whole(parts, conflicts)  # then what each part left out is left out of the whole
    ready = [item.label for item in runtimes if item.status == "ready"]
    gaps = [*([] if whole else left_out), *_lacking(results, {*left_out, *missing}, ready)]
    unfinished = [f"{part.name}: {part.report.reason}" for part in parts if not part.report.complete]
    end = End(
        finished=max((part.report.finished or "" for part in parts), default="") or None,
        complete=not unfinished,
        reason="; ".join(unfinished) or None,
        deselected=[*(left_out if whole else []), *(gaps if allow_gaps else [])],
    )
    planned = [*played, *missing, *(() if allow_gaps else gaps)]
    run = Run(
        format=FORMAT,
        linmem=first.linmem,
        started=min(part.report.started for part in parts),
        command=list(command),
        environment=first.environment,
        runtimes=runtimes,
        guests=guests,
        suites=suites,
        planned=list(dict.fromkeys(planned)),
        selection=_selection(parts),
    )
    return Merged(
        run=run,
        end=end,
        answered=[
            Answered(**{name: getattr(item, name) for name in Answered.__struct_fields__})
            for item in runtimes
            if item.engine is not None
        ],
        broken=list({item.suite: item for part in parts for item in part.report.broken}.values()),
        results=results,
        duplicates=duplicates,
        conflicts=conflicts,
        gaps=gaps,
        unfinished=unfinished,
    )


# -------------------------------------------------------------------- columns


def _runtimes(parts: Sequence[Part], conflicts: list[str]) -> list[RuntimeEntry]:
    """The runtimes of all parts. One that has another version in another part gets a label and column of its own."""
    found: dict[str, tuple[RuntimeEntry, str]] = {}
    for part in parts:
        for given in part.report.runtimes:
            runtime, label = given, given.label
            other = found.get(label)
            if other is not None and _two_versions(other[0], runtime):
                label = f"{runtime.label.partition('@')[0]}@{runtime.version}"
                conflicts.append(
                    f"runtime {runtime.label} is {other[0].version} in {other[1]} and {runtime.version} in "
                    f"{part.name}, where it is called {label} from here on"
                )
                runtime = msgspec.structs.replace(runtime, label=label)
                other = found.get(label)
            part.labels[given.label] = label
            if other is None or _knows_more(runtime, other[0]):
                found[label] = (runtime, part.name)
    return [runtime for runtime, _ in found.values()]


def _knows_more(new: RuntimeEntry, old: RuntimeEntry) -> bool:
    """Whether a part says more of a runtime than another: that it is ready, and what its driver answered."""
    if new.status != old.status:
        return new.status == "ready"
    return old.engine is None and new.engine is not None


def _two_versions(left: RuntimeEntry, right: RuntimeEntry) -> bool:
    both = left.status == right.status == "ready"
    return both and bool(left.version and right.version) and left.version != right.version


def _guests(parts: Sequence[Part], conflicts: list[str]) -> list[GuestEntry]:
    found: dict[tuple[str, str], tuple[GuestEntry, str]] = {}
    for part in parts:
        for guest in part.report.guests:
            other = found.get((guest.program, guest.guest))
            if other is None or (other[0].status != "ready" and guest.status == "ready"):
                found[guest.program, guest.guest] = (guest, part.name)
            elif other[0].status == guest.status == "ready" and other[0].sha256 != guest.sha256:
                what = f"guest {guest.guest} of {guest.program}"
                conflicts.append(f"{what} has another module in {part.name} than in {other[1]}")
    return [guest for guest, _ in found.values()]


def _suites(parts: Sequence[Part]) -> list[SuiteEntry]:
    """The suites of all parts, in the order of their paths; scenarios in their order in the file."""
    found: dict[str, SuiteEntry] = {}
    for part in parts:
        for suite in part.report.suites:
            into = found.setdefault(suite.path, msgspec.structs.replace(suite, scenarios=[], observations=[]))
            into.scenarios += _unknown(suite.scenarios, into.scenarios, "scenario")
            into.observations += _unknown(suite.observations, into.observations, "id")
    for suite in found.values():
        if all(item.line is not None for item in suite.scenarios):
            suite.scenarios.sort(key=lambda item: (item.line or 0, item.position or 0))
    return [found[path] for path in sorted(found)]


def _unknown(new: Sequence[_T], old: Sequence[_T], key: str) -> list[_T]:
    seen = {getattr(item, key) for item in old}
    return [item for item in new if getattr(item, key) not in seen]


# -------------------------------------------------------------------- results


def _results(parts: Sequence[Part], conflicts: list[str]) -> tuple[list[Result], list[Case], list[Case]]:
    """Each case's result, cases that were planned and not run, and those that several parts have with one result."""
    found: dict[Case, tuple[Result, str]] = {}
    missing: dict[Case, None] = {}
    duplicates: dict[Case, None] = {}
    for part in parts:
        for given in part.report.results:
            case = part.case(given.case)
            result = msgspec.structs.replace(given, id=case.id, runtime=case.runtime)
            other, name = found.setdefault(case, (result, part.name))
            if other is result:
                continue
            if _same(other, result):
                duplicates[case] = None
            else:
                conflicts.append(f"{case.id}: {_told(other)} in {name}, {_told(result)} in {part.name}")
            if _rank(result) > _rank(other):
                found[case] = (result, part.name)
        missing.update(dict.fromkeys(part.case(item.case) for item in part.report.missing))
    lost = [case for case in missing if case not in found]
    return [result for result, _ in found.values()], lost, list(duplicates)


def _same(left: Result, right: Result) -> bool:
    """Whether two results say the same; where a known defect is a matter of chance, they need not."""
    one, two = CaseResult.of(left), CaseResult.of(right)
    if one.state != two.state or one.answers != two.answers:
        return False
    return one.message == two.message or one.state == BY_CHANCE


def _told(result: Result) -> str:
    found = CaseResult.of(result)
    answers = ", ".join(f"{id_}: {answer}" for id_, answer in found.answers.items())
    return one_line(found.word + (f" ({found.message})" if found.message else f" ({answers})" if answers else ""), 300)


def _rank(result: Result) -> int:
    return verdict.rank(verdict.status(result.outcome, result.known))


# ----------------------------------------------------------------------- gaps


def _selection(parts: Sequence[Part]) -> Selection:
    """What all parts together were asked for: where one of them was not narrowed, nothing is."""
    given = [part.report.selection for part in parts]
    return Selection(
        runtimes=_union([[part.labels.get(one, one) for one in part.report.selection.runtimes] for part in parts]),
        guests=_union([item.guests for item in given]),
        paths=_union([item.paths for item in given]),
    )


def _whole(parts: Sequence[Part], conflicts: list[str]) -> bool:
    """Whether the parts are all shards, of one run or of several that were asked for something else each. Shards that
    are lacking or cut otherwise are told.
    """
    runs: dict[bytes, list[Shard]] = defaultdict(list)
    for part in parts:
        asked = part.report.selection
        if asked.shard is None:
            return False
        run = msgspec.json.encode((asked.runtimes, asked.guests, asked.paths))
        runs[run].append(asked.shard)
    found = len(conflicts)
    for shards in runs.values():
        of = max(shard.of for shard in shards)
        lacking = sorted(set(range(1, of + 1)) - {shard.number for shard in shards})
        if len({(shard.of, shard.cut) for shard in shards}) > 1:
            conflicts.append("the shards were not cut alike: they need the same N in --shard I/N, and one --shard-by")
        elif lacking:
            conflicts.append(f"not all of {of} shards are here: {join([f'{number}/{of}' for number in lacking])}")
    return len(conflicts) == found


def _union(lists: Sequence[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(item for each in lists for item in each)) if all(lists) else []


def _lacking(results: Sequence[Result], others: Iterable[Case], labels: Sequence[str]) -> Iterator[Case]:
    """Cases that a runtime lacks though others played their scenarios; those that are known otherwise are no such."""
    guests: dict[tuple[str, str], dict[str | None, set[str]]] = defaultdict(lambda: defaultdict(set))
    for result in results:
        guests[result.suite, result.scenario][result.guest].add(result.runtime)
    named = {msgspec.structs.replace(case, view=None) for case in others}
    for (suite, scenario), found in guests.items():
        for guest, present in found.items():
            for label in labels:
                case = Case(suite, scenario, label, guest)
                if label not in present and case not in named:
                    yield case
