"""Build the report document from a record, and read one back from its JSON file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from linmem import reading
from linmem.report import counting, likeness
from linmem.report.faults import faults
from linmem.results import verdict
from linmem.results.case import CaseEntry, entry
from linmem.results.document import (
    FORMAT,
    Counts,
    Demands,
    GateVerdict,
    OpenQuestions,
    Report,
    RuntimeEntry,
    ScenarioEntry,
    SuiteEntry,
    SuiteSummary,
    Summary,
)
from linmem.results.outcome import Result
from linmem.results.record import Answered, Record

SCHEMA = Path(__file__).with_name("report.schema.json")


class ReportError(Exception):
    """A report file can't be used: one line that says which file and why."""


def build(record: Record) -> Report:
    """The report on a record. Nothing that was recorded is left out, whatever the record's first line announced."""
    runtimes = _runtimes(record)
    suites = _suites(record)
    _put_in_order(record.results, suites, runtimes)
    missing = [CaseEntry(**entry(case)) for case in record.missing]
    scenarios = likeness.by_scenario(record.results)
    columns = [runtime.label for runtime in _took_part(runtimes, record.results, missing)]
    observed = likeness.observations(scenarios, missing, suites, columns)
    gaps: dict[likeness.Key, set[str]] = defaultdict(set)
    for item in missing:
        gaps[item.suite, item.scenario].add(item.runtime)
    demanding = counting.demanding(suites, scenarios, gaps)
    deselected = [CaseEntry(**entry(case)) for case in record.end.deselected] if record.end else []
    reason = record.incomplete
    report = Report(
        linmem=record.run.linmem,
        complete=reason is None,
        reason=reason,
        started=record.run.started,
        finished=record.end.finished if record.end else None,
        command=record.run.command,
        environment=record.run.environment,
        runtimes=runtimes,
        guests=record.run.guests,
        suites=suites,
        broken=record.broken,
        planned=len(record.run.planned),
        missing=missing,
        summary=_summary(
            record.results,
            missing,
            columns,
            suites,
            counting.demands(scenarios, gaps, demanding, columns),
            counting.open_questions(observed),
        ),
        differences=likeness.differences(scenarios),
        observations=observed,
        results=record.results,
        selection=replace(record.run.selection, deselected=deselected),
    )
    judge(report, record.gate)
    return report


def judge(report: Report, gate: GateVerdict | None) -> None:
    """Set what the gate says of a run, and with it all that makes the run fail."""
    report.gate = gate
    report.faults = faults(report)


def took_part(report: Report) -> list[RuntimeEntry]:
    """The runtimes in the report's matrix: those that were ready, and any other that has a result or lacks one."""
    return _took_part(report.runtimes, report.results, report.missing)


def _took_part(
    runtimes: Sequence[RuntimeEntry], results: Sequence[Result], missing: Sequence[CaseEntry]
) -> list[RuntimeEntry]:
    labels = {result.runtime for result in results} | {item.runtime for item in missing}
    return [runtime for runtime in runtimes if runtime.status == "ready" or runtime.label in labels]


def _runtimes(record: Record) -> list[RuntimeEntry]:
    """The runtimes of the run, with what their drivers said. One that was not announced gets its column too."""
    runtimes = {runtime.label: runtime for runtime in record.run.runtimes}
    versions = {case.runtime: None for case in record.missing} | {one.runtime: one.version for one in record.results}
    for label in versions:
        if label in runtimes:
            continue
        name, _, variant = label.partition("@")[0].partition(":")
        runtimes[label] = RuntimeEntry(label=label, name=name, variant=variant or None, version=versions[label])
    for answered in record.answered.values():
        runtime = runtimes.get(answered.label)
        if runtime is not None:
            for name in Answered.__struct_fields__:
                setattr(runtime, name, getattr(answered, name))
    return list(runtimes.values())


def _suites(record: Record) -> list[SuiteEntry]:
    """The suites of the run; a case of one that was not announced brings its own."""
    suites = {suite.path: suite for suite in record.run.suites}
    known = {(suite.path, item.scenario) for suite in record.run.suites for item in suite.scenarios}
    titles = {(result.suite, result.scenario): result.title for result in record.results}
    for case in record.missing:
        titles.setdefault((case.suite, case.scenario), case.scenario)
    for (path, slug), title in titles.items():
        if (path, slug) not in known:
            suite = suites.setdefault(path, SuiteEntry(path=path, title=path, scenarios=[]))
            suite.scenarios.append(ScenarioEntry(scenario=slug, title=title))
    return list(suites.values())


def _put_in_order(results: list[Result], suites: Sequence[SuiteEntry], runtimes: Sequence[RuntimeEntry]) -> None:
    """Sort results as the suites state them, so that a report does not depend on which worker was faster."""
    keys = [(suite.path, item.scenario) for suite in suites for item in suite.scenarios]
    place = {key: number for number, key in enumerate(keys)}
    column = {runtime.label: number for number, runtime in enumerate(runtimes)}
    view = {(runtime.label, kind): number for runtime in runtimes for number, kind in enumerate(runtime.views)}
    results.sort(
        key=lambda result: (
            place[result.suite, result.scenario],
            column[result.runtime],
            view.get((result.runtime, result.view or ""), len(view)),
            result.view or "",
            result.guest or "",
            result.id,
        )
    )


def _summary(
    results: Sequence[Result],
    missing: Sequence[CaseEntry],
    columns: Sequence[str],
    suites: Sequence[SuiteEntry],
    demands: Demands,
    questions: OpenQuestions,
) -> Summary:
    total: Counter[verdict.Status] = Counter()
    cells: dict[str | None, dict[str | None, Counter[verdict.Status]]] = defaultdict(lambda: defaultdict(Counter))
    found: list[tuple[str | None, str | None, verdict.Status]] = [
        (result.suite, result.runtime, verdict.status(result.outcome, result.known)) for result in results
    ]
    found += [(item.suite, item.runtime, "missing") for item in missing]
    for suite, label, status in found:
        total[status] += 1
        cells[suite][label][status] += 1
    return Summary(
        total=_counts(total),
        runtimes={label: _counts(sum((row[label] for row in cells.values()), Counter())) for label in columns},
        suites={
            suite.path: SuiteSummary(
                total=_counts(sum(cells[suite.path].values(), Counter())),
                runtimes={label: _counts(cells[suite.path][label]) for label in columns},
            )
            for suite in suites
        },
        demands=demands,
        questions=questions,
    )


def _counts(counter: Counter[verdict.Status]) -> Counts:
    return {status: counter[status] for status in verdict.STATUSES if counter[status]}


def load(path: Path) -> Report:
    """Read a report back from its JSON file. Raises `ReportError`."""
    try:
        data = reading.read_bytes(path, reading.MAX_RUN)
    except reading.Unreadable as error:
        raise ReportError(f"{path}: {error}") from None
    try:
        schema = msgspec.json.decode(data, type=_ReportHead).schema
        if schema != FORMAT:
            raise ReportError(f"{path}: has schema '{schema}'; this linmem reads '{FORMAT}'")
        return msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReportError(f"{path}: is no linmem report: {error}") from None


class _ReportHead(msgspec.Struct):
    schema: str = ""
