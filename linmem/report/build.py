"""Build the report document from a record, and read one back from its JSON file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import msgspec

from linmem.report import likeness
from linmem.results import verdict
from linmem.results.document import (
    FORMAT,
    Compared,
    Counts,
    Missing,
    Report,
    Result,
    RuntimeEntry,
    ScenarioEntry,
    Selection,
    SuiteEntry,
    SuiteSummary,
    Summary,
)
from linmem.results.record import Record

SCHEMA = Path(__file__).with_name("report.schema.json")


class ReportError(Exception):
    """A report file can't be used: one line that says which file and why."""


def build(record: Record) -> Report:
    """The report on a record. Nothing that was recorded is left out, whatever the record's first line announced."""
    runtimes = _runtimes(record)
    suites = _suites(record)
    _put_in_order(record.results, suites, runtimes)
    missing = [_place(id_, suites, runtimes) for id_ in record.missing]
    scenarios = likeness.by_scenario(record.results)
    columns = [runtime.label for runtime in _took_part(runtimes, record.results, missing)]
    differing = likeness.differences(scenarios)
    observed = likeness.observations(scenarios, missing, suites, columns)
    keys = [(suite.path, scenario.scenario) for suite in suites for scenario in suite.scenarios]
    gaps = {(item.suite, item.scenario) for item in missing}
    played = [key for key in keys if key in scenarios or key in gaps]
    reason = record.incomplete
    return Report(
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
            likeness.compared(played, scenarios, missing, differing, observed, columns),
            columns,
            suites,
        ),
        differences=differing,
        observations=observed,
        results=record.results,
        selection=Selection(
            runtimes=record.run.selection.runtimes,
            guests=record.run.selection.guests,
            paths=record.run.selection.paths,
            deselected=record.end.deselected if record.end else [],
        ),
    )


def took_part(report: Report) -> list[RuntimeEntry]:
    """The runtimes in the report's matrix: those that were ready, and any other that has a result or lacks one."""
    return _took_part(report.runtimes, report.results, report.missing)


def _took_part(
    runtimes: Sequence[RuntimeEntry], results: Sequence[Result], missing: Sequence[Missing]
) -> list[RuntimeEntry]:
    labels = {result.label for result in results} | {item.runtime for item in missing}
    return [runtime for runtime in runtimes if runtime.status == "ready" or runtime.label in labels]


def _runtimes(record: Record) -> list[RuntimeEntry]:
    """The runtimes of the run, with what their drivers said; every result gets its runtime's label."""
    runtimes = {runtime.label: runtime for runtime in record.run.runtimes}
    names = {(_name(runtime), runtime.version): runtime.label for runtime in record.run.runtimes}
    for result in record.results:
        name = result.runtime.partition("@")[0]
        label = result.runtime if result.runtime in runtimes else names.get((name, result.version))
        if label is None:  # not announced: it still gets its column
            label = result.runtime
            plain, _, variant = name.partition(":")
            runtimes[label] = RuntimeEntry(label=label, name=plain, variant=variant or None, version=result.version)
        result.label = label
    for answered in record.answered.values():
        runtime = runtimes.get(answered.label)
        if runtime is not None:
            runtime.engine, runtime.host = answered.engine, answered.host
            runtime.views, runtime.features = answered.views, answered.features
    return list(runtimes.values())


def _name(runtime: RuntimeEntry) -> str:
    return f"{runtime.name}:{runtime.variant}" if runtime.variant else runtime.name


def _suites(record: Record) -> list[SuiteEntry]:
    """The suites of the run; a result of one that was not announced brings its own."""
    suites = {suite.path: suite for suite in record.run.suites}
    known = {(suite.path, item.scenario) for suite in record.run.suites for item in suite.scenarios}
    for result in record.results:
        if (result.suite, result.scenario) in known:
            continue
        known.add((result.suite, result.scenario))
        suite = suites.setdefault(result.suite, SuiteEntry(path=result.suite, title=result.suite, scenarios=[]))
        suite.scenarios.append(ScenarioEntry(scenario=result.scenario, title=result.title))
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
            column[result.label],
            view.get((result.label, result.view or ""), len(view)),
            result.view or "",
            result.guest or "",
            result.id,
        )
    )


def _place(id_: str, suites: Sequence[SuiteEntry], runtimes: Sequence[RuntimeEntry]) -> Missing:
    """Where a missing result belongs, as far as its id tells: ``suite::scenario[guest-runtime-view]``."""
    path, _, rest = id_.partition("::")
    slug, _, parameters = rest.partition("[")
    suite = next((item for item in suites if item.path == path), None)
    if suite is None or not any(item.scenario == slug for item in suite.scenarios):
        return Missing(id=id_)
    words = f"-{parameters.removesuffix(']')}-"
    for runtime in sorted(runtimes, key=lambda runtime: -len(runtime.label)):
        names = {runtime.label, _name(runtime), f"{_name(runtime)}@{runtime.version}"}
        if any(f"-{name}-" in words for name in names):
            return Missing(id=id_, suite=path, scenario=slug, runtime=runtime.label)
    return Missing(id=id_, suite=path, scenario=slug)


def _summary(
    results: Sequence[Result],
    missing: Sequence[Missing],
    scenarios: Compared,
    columns: Sequence[str],
    suites: Sequence[SuiteEntry],
) -> Summary:
    total: Counter[verdict.Status] = Counter()
    cells: dict[str | None, dict[str | None, Counter[verdict.Status]]] = defaultdict(lambda: defaultdict(Counter))
    found: list[tuple[str | None, str | None, verdict.Status]] = [
        (result.suite, result.label, verdict.status(result.outcome, result.known)) for result in results
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
        scenarios=scenarios,
    )


def _counts(counter: Counter[verdict.Status]) -> Counts:
    return {status: counter[status] for status in verdict.STATUSES if counter[status]}


def load(path: Path) -> Report:
    """Read a report back from its JSON file. Raises `ReportError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ReportError(f"{path}: can't be read: {error.strerror}") from None
    try:
        schema = msgspec.json.decode(data, type=_ReportHead).schema
        if schema != FORMAT:
            raise ReportError(f"{path}: has schema '{schema}'; this linmem reads '{FORMAT}'")
        return msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ReportError(f"{path}: is no linmem report: {error}") from None


class _ReportHead(msgspec.Struct):
    schema: str = ""
