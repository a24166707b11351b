"""Hold a run against a baseline: what got worse, what got better, and what was not compared.

A regression is a case that passed and no longer does, or whose outcome is worse than it was; an answer to an
observation that changed; a case, scenario, suite, guest or runtime that the run was asked for and lacks; and a new
case that is not good. All else fails nothing.
"""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import structs

from linmem.compare import baseline, inputs, snapshot
from linmem.compare.baseline import BaselineError
from linmem.compare.diff import CaseChange, Diff, compare
from linmem.compare.snapshot import PairError, RunScope, Snapshot
from linmem.results.atomic import replace
from linmem.results.case_result import WORDS, CaseResult
from linmem.results.causes import alike, common
from linmem.results.document import GateFinding, GateKind, GateVerdict, NotHeld, Report
from linmem.text import one_line, plural

_RANK = {state: rank for rank, state in enumerate(baseline.STATES)}
_STATES = {WORDS.get(state, state): state for state in baseline.STATES}


Shared = tuple[GateFinding, Sequence[str]]
"""A finding of a case, and what it may have in common with others."""

_ORDER: tuple[GateKind, ...] = ("regression", "missing", "new", "improved", "changed")


def load(path: Path) -> Snapshot:
    """The baseline at `path`: a file that the gate has written, or the report of a complete run.

    Raises `BaselineError`, `ReportError` or `RecordError`.
    """
    if path.suffix in (".json", ".jsonl") or path.is_dir():
        return snapshot.of(inputs.complete(path)).shortened()
    return baseline.load(path)


def hold(
    report: Report, against: Snapshot, name: str, asked: Sequence[tuple[str, str]] = (), whole: bool = False
) -> GateVerdict:
    """The verdict on a complete run. `name` is the baseline's; `asked` are pairs of runtimes, as for
    `linmem.compare.diff.diff`.

    With `whole`, what the run was not asked for is missing too. Raises `PairError`.
    """
    run = _run(report)
    if whole:
        run.asked = Snapshot([], {}).asked
    found = compare(against, run, asked)
    findings = [*_runtimes(found), *_caused(_cases(found, against, run))]
    findings.sort(key=lambda finding: _ORDER.index(finding.kind))
    return GateVerdict(
        passed=not any(finding.failing for finding in findings),
        baseline=name,
        compared=found.compared,
        findings=findings,
        not_compared=[
            NotHeld(reason=item.reason, cases=len(item.ids)) for item in found.not_compared if item.side == "new"
        ],
    )


def refusal(why: str, name: str) -> GateVerdict:
    """The verdict on a run that can't be held against the baseline `name`, or recorded there."""
    return GateVerdict(passed=False, baseline=name, refused=why)


def _finding(kind: GateKind, name: str, what: str, runtime: str | None = None) -> GateFinding:
    return GateFinding(kind=kind, name=name, what=what, runtime=runtime)


def _of_case(kind: GateKind, change: CaseChange, what: str, *shared: str) -> Shared:
    """A finding, and what others may share with it: `shared`, or the wording of the change and where it is."""
    finding = GateFinding(
        kind=kind,
        name=change.id,
        what=what,
        suite=change.suite,
        scenario=change.scenario,
        runtime=change.runtime,
        question=change.question,
    )
    moved = what.partition(":")[0]
    return finding, shared or (alike(what), f"{moved}{_where(change)}", f"{moved} in {change.case.place}")


def _where(change: CaseChange) -> str:
    return f"{f' through {change.view}' if change.view else ''} on {change.runtime}"


def _caused(found: Iterable[Shared]) -> Iterable[GateFinding]:
    """The findings with their causes, those of one kind by those of that kind."""
    members: dict[GateKind, list[Shared]] = defaultdict(list)
    for item in found:
        members[item[0].kind].append(item)
    for items in members.values():
        for (finding, _), cause in zip(items, common([shared for _, shared in items]), strict=True):
            yield structs.replace(finding, cause=cause)


def _run(report: Report) -> Snapshot:
    """A run for the gate. A guest that can't be had does not fail a run, so what lacks for it is not compared."""
    run = snapshot.of(report).shortened()
    absent = {
        guest.guest: one_line(guest.reason or "it is unavailable", 200)
        for guest in report.guests
        if guest.status == "unavailable"
    }
    run.asked = RunScope(report.selection, absent)
    return run


def _runtimes(found: Diff) -> Iterable[GateFinding]:
    for runtime in found.runtimes:
        if runtime.kind == "vanished":
            reason = f": {one_line(runtime.reason)}" if runtime.reason else ""
            yield _finding("missing", f"runtime {runtime.old}", f"all its {plural(runtime.cases, 'case')}{reason}")
        elif runtime.kind == "added":
            yield _finding("new", f"runtime {runtime.new}", f"{plural(runtime.cases, 'case')}, not in the baseline")
        elif runtime.kind == "version":
            yield _finding("changed", "version", f"{runtime.old} → {runtime.new}")
    for guest in found.guests:
        if guest.kind == "vanished":
            reason = f": {one_line(guest.reason)}" if guest.reason else ""
            what = f"all its {plural(guest.cases, 'case')}{reason}"
            yield _finding("missing", f"guest {guest.guest} of {guest.program}", what)
    for suite in found.suites:
        if suite.kind == "removed":
            yield _finding("missing", f"suite {suite.path}", f"all its {plural(suite.cases, 'case')}")


def _cases(found: Diff, against: Snapshot, run: Snapshot) -> Iterable[Shared]:
    worse: set[str] = set()
    for change in found.changes:
        if change.kind != "outcome" or change.old is None or change.new is None:
            continue
        old, new = _STATES[change.old], _STATES[change.new]
        what = f"{change.old} → {change.new}"
        if _RANK[new] > _RANK[old]:
            worse.add(change.id)
            reason = f": {one_line(change.message)}" if change.message else ""
            yield _of_case("regression", change, what + reason)
        else:
            yield _of_case("improved", change, what)
    for change in found.changes:
        if change.kind == "observation" and change.id not in worse:  # else it never came to the question
            yield _answer(change)
    gone = [change for change in found.changes if change.kind in ("removed", "not run") and not change.within]
    yield from _together("missing", gone, against, "the case is gone (it was {0.old})")
    added = [change for change in found.changes if change.kind == "added"]
    good = [change for change in added if CaseResult(_STATES[change.new or ""]).good]
    for change in added:
        if change not in good:
            reason = f": {one_line(change.message)}" if change.message else ""
            yield _of_case("regression", change, f"new, and {change.new}{reason}")
    yield from _together("new", [change for change in good if not change.within], run, "{0.new}, not in the baseline")
    suites = Counter(change.within for change in good if change.within and change.within.startswith("suite "))
    for name, count in suites.items():
        yield _finding("new", name or "", f"{plural(count, 'case')}, not in the baseline"), ()


def _together(kind: GateKind, changes: Iterable[CaseChange], side: Snapshot, what: str) -> Iterable[Shared]:
    """A scenario of which each case that `side` has is among the changes is one line; so is any other case."""
    sizes = Counter(case.place for case in side.cases)
    scenarios: dict[str, list[CaseChange]] = defaultdict(list)
    for change in changes:
        scenarios[change.case.place].append(change)
    for place, members in scenarios.items():
        if 1 < len(members) == sizes[place]:
            told = f"the scenario with its {plural(len(members), 'case')}"
            first = members[0]
            finding = GateFinding(kind=kind, name=place, what=told, suite=first.suite, scenario=first.scenario)
            yield finding, (alike(told),)
        else:
            yield from (_of_case(kind, change, what.format(change)) for change in members)


def _answer(change: CaseChange) -> Shared:
    if change.old is None:
        return _of_case("new", change, f"it answers {change.question}: {_said(change.new)}", "new answers")
    moved = f"{_said(change.old)} → {_said(change.new)}"
    shared = (moved, f"{change.question} is answered otherwise", f"changed{_where(change)}")
    return _of_case("regression", change, f"{change.question}: {moved}", *shared)


def _said(answer: str | None) -> str:
    return "no answer" if answer is None else one_line(answer, 200)


# ------------------------------------------------------------------- recording


def recorded(report: Report, old: Snapshot | None, asked: Sequence[tuple[str, str]] = ()) -> Snapshot:
    """The baseline after a complete run: what it found, and of an older baseline what it was not asked for.

    Raises `BaselineError` where the two can't stand in one file: another version of a runtime, of which the run played
    a part only. Raises `PairError`.
    """
    run = _run(report)
    if old is None or run.asked.everything:
        return run
    found = compare(old, run, asked)
    kept_ids = {id_ for item in found.not_compared if item.side == "new" for id_ in item.ids}
    kept = {case: came for case, came in old.cases.items() if case.id in kept_ids}
    for runtime in found.runtimes:
        label = next((column.label for column in old.columns if column.shown == runtime.old), None)
        if runtime.kind in ("version", "label") and any(case.runtime == label for case in kept):
            raise BaselineError(
                f"the run has {runtime.new} where the baseline has {runtime.old}, and it played only a part of the "
                "baseline's cases: record a run of all of them"
            )
    labels = {case.runtime for case in kept}
    columns = {column.label: column for column in old.columns if column.label in labels}
    columns.update({column.label: column for column in run.columns})
    return Snapshot(list(columns.values()), {**kept, **run.cases})


def write(report: Report, file: Path, asked: Sequence[tuple[str, str]] = ()) -> str:
    """Record a complete run in `file`, whole or not at all; what was done, in a line. Raises as `recorded` does."""
    old = baseline.load(file) if file.exists() else None
    new = recorded(report, old, asked)
    file.parent.mkdir(parents=True, exist_ok=True)
    replace(file, baseline.dump(new).encode())
    bad = sum(not found.good for found in new.cases.values())
    warning = f", {bad:,} of which are not good" if bad else ""
    return f"gate: recorded {plural(len(new.cases), 'case')} in {file}{warning}"


def command(report: Report, run: Path, file: Path, asked: Sequence[tuple[str, str]] = ()) -> str | None:
    """The command that records a run in `file`; None where it can't be recorded there."""
    try:
        recorded(report, baseline.load(file) if file.exists() else None, asked)
    except (BaselineError, PairError):
        return None
    return shlex.join(["linmem", "gate", str(run), "--record-baseline", str(file)])
