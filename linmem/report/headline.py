"""The report's first screen: what can be relied on, what is broken, what is open, what is missing, and who was asked.

Deviations, answers that differ where hosts are free, and lacks are told apart and never added up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from linmem.report.build import took_part
from linmem.results.document import Demands, Report, RuntimeDemands, RuntimeEntry
from linmem.results.outcome import LEFT_OUT
from linmem.text import join, plural

_NAMES = 40  # characters of runtimes' names that the title has room for
_NAMED = 6  # features that a sentence names of those that an engine lacks

Topic = Literal["broken", "kept", "open", "missing", "asked"]


@dataclass(frozen=True)
class Fact:
    """One answer of the first screen: what it is about, a sentence, and more of it, runtime by runtime."""

    topic: Topic
    title: str
    text: str
    items: tuple[str, ...] = ()


def title(report: Report) -> str:
    """The report's answer in a sentence."""
    if not report.results:
        return "No result was recorded, so this report says nothing about any runtime."
    so_far = "" if report.complete else "As far as it was recorded: "
    return so_far + _title(report, report.summary.demands, took_part(report))


def _title(report: Report, demands: Demands, columns: list[RuntimeEntry]) -> str:
    alone = columns[0].label if len(columns) == 1 else None
    if not demands.total:
        questions = report.summary.questions.total
        return f"{plural(questions, 'open question')}, and no requirement." if questions else "Nothing was tested."
    if not any(one.kept or one.broken for one in demands.runtimes.values()):
        return f"Nothing was tested: {_nothing(demands, alone)}."
    total = plural(demands.total, "requirement")
    if alone is not None:
        met = demands.everywhere + demands.where_supported
        untested = demands.total - met - demands.broken
        rest = f"; {untested:,} could not be tested" if untested else ""
        if demands.broken:
            return f"{alone} breaks {demands.broken:,} of {total} and meets {met:,}{rest}."
        return f"{alone} meets {_of(met, demands.total)}{rest}." if rest else f"{alone} meets {_every(demands.total)}."
    if demands.everywhere == demands.total:
        return f"{_together(columns)} meet {_every(demands.total)}."
    count = demands.broken
    broken = f"{count:,} {_verb(count, 'are', 'is')} broken by at least one of them" if count else "none is broken"
    others = demands.total - demands.everywhere - demands.broken
    rest = f"; the other {others:,} could not be tested on at least one" if others else ""
    return f"{_together(columns)} meet {_of(demands.everywhere, demands.total)}; {broken}{rest}."


def _of(count: int, total: int) -> str:
    return f"{count:,} of {plural(total, 'requirement')}"


def _every(total: int) -> str:
    return f"all {total:,} requirements" if total > 1 else "the one requirement"


def _nothing(demands: Demands, alone: str | None) -> str:
    """Why nothing was tested."""
    if demands.nowhere < demands.total:
        return "no scenario was played to its end"
    what = "the one scenario" if demands.total == 1 else f"any of the {demands.total:,} scenarios"
    return f"{alone or 'no runtime'} {'does not support' if alone else 'supports'} {what}"


def facts(report: Report) -> list[Fact]:
    """The first screen's answers, in their order; none where nothing was recorded."""
    columns = took_part(report)
    if not report.results:
        return []
    told = [_kept(report, columns), _broken(report, columns), _open(report, columns)]
    if len(columns) == 1:
        told[:2] = reversed(told[:2])  # of a runtime alone, what failed comes first
    told += [_missing(report, columns), _asked(report, columns)]
    return [fact for fact in told if fact is not None]


def state(report: Report) -> str:
    """Whether the run passes, in a sentence; what makes it fail is told by the report's ``faults``."""
    if report.faults:
        return "This run fails."
    text = "No unexpected result"
    if known := report.summary.total.get("known", 0):
        text += (
            f": all {known:,} results that failed are known defects of runtimes"
            if known > 1
            else ": the one result that failed is a known defect of its runtime"
        )
    if report.gate is not None:
        text += f"; nothing got worse since {report.gate.baseline} ({plural(report.gate.compared, 'result')} compared)"
    return f"{text}."


def _kept(report: Report, columns: list[RuntimeEntry]) -> Fact | None:
    demands = report.summary.demands
    if not demands.total:
        return None
    several = len(columns) > 1
    count = demands.everywhere if several else demands.everywhere + demands.where_supported
    text = (
        f"{plural(count, 'requirement')} of specifications{f', by {_all(len(columns))} runtimes' if several else ''}."
    )
    if several and (more := demands.where_supported):
        text += f" {more:,} more by every runtime that could be tested for {_them(more)}."
    if unknown := demands.unknown:
        text += f" Of {unknown:,} it is not known everywhere: not played, or in error."
    return Fact("kept", "Met", text)


def _broken(report: Report, columns: list[RuntimeEntry]) -> Fact | None:
    demands = report.summary.demands
    if not demands.total:
        return None
    if not demands.broken:
        return Fact("broken", "Broken", "none.")
    by_runtime = [(column.label, demands.runtimes[column.label]) for column in columns]
    what = plural(demands.broken, "requirement")
    if len(columns) == 1:
        return Fact("broken", "Broken", f"{what}, {_known(by_runtime[0][1])}.")
    if demands.unexpected:
        items = tuple(f"{label} {one.broken:,}, {_known(one)}" for label, one in by_runtime if one.broken)
        return Fact("broken", "Broken", f"{what}, by at least one runtime:", items)
    items = tuple(f"{label} {one.broken:,}" for label, one in by_runtime if one.broken)
    twice = ", some by several" if sum(one.broken for _, one in by_runtime) > demands.broken else ""
    return Fact("broken", "Broken", f"{what}, by at least one runtime{twice}; all are known defects of theirs:", items)


def _known(one: RuntimeDemands) -> str:
    if not one.unexpected:
        return "all known defects" if one.known != 1 else "a known defect"
    return f"{one.unexpected:,} of them unexpected" if one.known else "unexpected"


def _open(report: Report, columns: list[RuntimeEntry]) -> Fact | None:
    questions = report.summary.questions
    if not questions.total:
        return None
    asked = f"{plural(questions.total, 'question')} that specifications leave to the runtime"
    if len(columns) == 1:
        return Fact("open", "Left open", f"{asked}; there is no other runtime to compare the answers with.")
    counts = [f"{questions.everywhere:,} answered alike everywhere", f"{questions.differs:,} answered differently"]
    if questions.partly:
        counts.append(f"{questions.partly:,} that not every runtime answered")
    return Fact("open", "Left open", f"{asked}: {join(counts)}.")


def _missing(report: Report, columns: list[RuntimeEntry]) -> Fact | None:
    demands = report.summary.demands
    left_out = sum(result.message.startswith(LEFT_OUT) for result in report.results)
    slow = f"{plural(left_out, 'result')} left out: --slow plays what takes minutes." if left_out else ""
    if not demands.lacking:
        return Fact("missing", "Unsupported", slow) if slow else None
    titles = {suite.path: suite.title for suite in report.suites}
    lacking = plural(demands.lacking, "requirement")
    where = " on at least one runtime" if len(columns) > 1 else ""
    if len(columns) > 1 and demands.nowhere:
        where += f", {demands.nowhere:,} of them on none"
    broken = demands.lacking - demands.where_supported - demands.nowhere
    if len(columns) > 1 and broken > 0 and not demands.unknown:
        counted = f"{broken:,} of these {_verb(broken, 'are', 'is')} among the broken ones"
        where += f"; {counted}, because another breaks {_them(broken)}"
    told = [
        column
        for column in columns
        if demands.runtimes[column.label].lacking or demands.runtimes[column.label].elsewhere
    ]
    told.sort(key=lambda column: -demands.runtimes[column.label].lacking)
    items = tuple(_lacks(column, demands.runtimes[column.label], titles, len(columns) > 1) for column in told)
    return Fact("missing", "Unsupported", f"{slow} {lacking} could not be tested{where}:".strip(), items)


def _lacks(column: RuntimeEntry, one: RuntimeDemands, titles: Mapping[str, str], several: bool) -> str:
    """What one runtime can't be tested for, and whose limit it is: the engine's, the host API's, or no limit at all."""
    api = f"the {column.language} API" if column.language else "the host API"
    parts = []
    if one.features:
        parts.append(
            f"its engine lacks {join([f'{name} ({count:,})' for name, count in one.features.items()], _NAMED)}"
        )
    if one.api:
        first, *others = [titles.get(path, path) for path in one.api]
        more = f" and {plural(len(others), 'other suite')}" if others else ""
        where = f" (“{first}”{more})" if len(titles) > 1 else ""
        parts.append(f"{api} has no way to test {sum(one.api.values()):,}{where}")
    if one.elsewhere:
        apply = f"{one.elsewhere:,} {_verb(one.elsewhere, 'do', 'does')} not apply"
        parts.append(f"{apply}: {_verb(one.elsewhere, 'they are', 'it is')} about another language's API")
    text = "; ".join(parts)
    return f"{column.label} {one.lacking + one.elsewhere:,}: {text}" if several else text


def _asked(report: Report, columns: list[RuntimeEntry]) -> Fact:
    scenarios = len({(result.suite, result.scenario) for result in report.results})
    text = (
        f"{plural(scenarios, 'scenario')}, each for a requirement, open questions or both. A result is one scenario on "
        f"one runtime, with one guest program and one way into its memory: {len(report.results):,} in all. Runtimes:"
    )
    return Fact("asked", "Tested", text, tuple(column.shown for column in columns))


def _together(columns: list[RuntimeEntry]) -> str:
    """All runtimes, by their names where these are short and few: how a sentence begins."""
    names = join([column.label for column in columns])
    if len(names) > _NAMES:
        return f"{_all(len(columns)).capitalize()} runtimes"
    return f"{names} {'both' if len(columns) == 2 else 'all'}"


def _all(count: int) -> str:
    words = {2: "both", 3: "all three", 4: "all four"}
    return words.get(count, f"all {count}")


def _them(count: int) -> str:
    return _verb(count, "them", "it")


def _verb(count: int, many: str, one: str) -> str:
    return one if count == 1 else many
