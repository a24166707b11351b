"""The report's first screen: what can be relied on, what is broken, what is open, what is missing, and who was asked.

Deviations, answers that differ where hosts are free, and lacks are told apart and never added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from linmem.report.build import took_part
from linmem.results.document import Demands, Report, RuntimeDemands, RuntimeEntry
from linmem.results.outcome import LEFT_OUT
from linmem.text import join, plural

_SUITES = 3  # suites that a sentence names of those in which a runtime lacks something

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
        return (
            f"{plural(questions, 'question')} that specifications leave open, and nothing that they demand."
            if questions
            else "Nothing was tested."
        )
    if not any(one.kept or one.broken for one in demands.runtimes.values()):
        return f"Nothing was tested: {_nothing(demands, alone)}."
    if alone is not None:
        one = demands.runtimes[alone]
        if one.broken:
            return f"{alone} breaks {one.broken:,} of {plural(demands.total, 'behaviour')} that specifications demand."
        return f"{alone} keeps {plural(one.kept, 'behaviour')} that specifications demand, and breaks none."
    hold = _verb(demands.everywhere, "hold", "holds")
    holds = f"{plural(demands.everywhere, 'behaviour')} that specifications demand {hold}"
    broken = f"{demands.broken:,} {_verb(demands.broken, 'are', 'is')} broken on at least one"
    return f"{holds} on {_all(len(columns))} runtimes; {broken if demands.broken else 'none is broken'}."


def _nothing(demands: Demands, alone: str | None) -> str:
    """Why nothing was tested."""
    if demands.nowhere < demands.total:
        return "no scenario was played to its end"
    what = "what the one scenario needs" if demands.total == 1 else f"what all {demands.total:,} scenarios need"
    return f"{alone or 'every runtime'} lacks {what}"


def facts(report: Report) -> list[Fact]:
    """The first screen's answers, in their order; none where nothing was recorded."""
    columns = took_part(report)
    if not report.results:
        return []
    told = [_kept(report, columns), _broken(report, columns), _open(report, columns)]
    if len(columns) == 1:
        told[:2] = reversed(told[:2])  # of a runtime alone, what failed comes first
    told += [_missing(report, columns), _asked(columns)]
    return [fact for fact in told if fact is not None]


def state(report: Report) -> str:
    """Whether the run passes, in a sentence; what makes it fail is told by the report's ``faults``."""
    if report.faults:
        return "This run fails."
    text = "Nothing unexpected came"
    if known := report.summary.total.get("known", 0):
        failed = f"all {known:,} results that failed are known defects"
        text += f": {failed if known > 1 else 'the one result that failed is a known defect'}"
    if report.gate is not None:
        text += f"; nothing got worse since {report.gate.baseline} ({plural(report.gate.compared, 'case')} compared)"
    return f"{text}."


def _kept(report: Report, columns: list[RuntimeEntry]) -> Fact | None:
    demands = report.summary.demands
    if not demands.total:
        return None
    if len(columns) == 1:
        text = plural(demands.runtimes[columns[0].label].kept, "behaviour")
    else:
        text = f"{plural(demands.everywhere, 'behaviour')} on {_all(len(columns))} runtimes"
    if more := demands.where_supported:
        text += f"; {more:,} more wherever a runtime has what {_verb(more, 'they need', 'it needs')}"
    if demands.unknown:
        text += f"; of {demands.unknown:,} it is not known everywhere: not played, or in error"
    return Fact("kept", "Demanded and kept", f"{text}.")


def _broken(report: Report, columns: list[RuntimeEntry]) -> Fact | None:
    demands = report.summary.demands
    if not demands.total:
        return None
    if not demands.broken:
        return Fact("broken", "Demanded and broken", "none.")
    by_runtime = [(column.label, demands.runtimes[column.label]) for column in columns]
    what = plural(demands.broken, "behaviour")
    if len(columns) == 1:
        return Fact("broken", "Demanded and broken", f"{what}, {_known(by_runtime[0][1])}.")
    items = tuple(f"{label} {one.broken:,}, {_known(one)}" for label, one in by_runtime if one.broken)
    return Fact("broken", "Demanded and broken", f"{what} on at least one runtime:", items)


def _known(one: RuntimeDemands) -> str:
    if not one.unexpected:
        return "all known defects" if one.known != 1 else "a known defect"
    return f"{one.unexpected:,} of them unexpected" if one.known else "unexpected"


def _open(report: Report, columns: list[RuntimeEntry]) -> Fact | None:
    questions = report.summary.questions
    if not questions.total:
        return None
    asked = f"{plural(questions.total, 'question')} that specifications do not answer"
    if len(columns) == 1:
        return Fact("open", "Left open", f"{asked}; there is no other runtime to compare the answers with.")
    counts = [
        f"{questions.everywhere:,} {_verb(questions.everywhere, 'have', 'has')} one answer everywhere",
        f"{questions.differs:,} {_verb(questions.differs, 'have', 'has')} different answers",
    ]
    if questions.partly:
        counts.append(f"{questions.partly:,} {_verb(questions.partly, 'were', 'was')} not answered by all")
    return Fact("open", "Left open", f"{asked}: {join(counts)}.")


def _missing(report: Report, columns: list[RuntimeEntry]) -> Fact | None:
    demands = report.summary.demands
    titles = {suite.path: suite.title for suite in report.suites}
    left_out = sum(result.message.startswith(LEFT_OUT) for result in report.results)
    slow = f"{plural(left_out, 'result')} left out because they take minutes (--slow plays them)." if left_out else ""
    if not demands.lacking:
        return Fact("missing", "Missing", slow) if slow else None
    lacking = plural(demands.lacking, "behaviour")
    if len(columns) == 1:
        return Fact("missing", "Missing", f"{slow} {lacking} not tested for lack of a feature or method.".strip())
    items = []
    for column in sorted(columns, key=lambda column: -demands.runtimes[column.label].lacking):
        one = demands.runtimes[column.label]
        if one.lacking:
            places = join([titles[path] for path in one.lacking_by_suite], _SUITES) if len(titles) > 1 else ""
            items.append(f"{column.label} {one.lacking:,}" + (f", in {places}" if places else ""))
    what = "not tested everywhere, because a runtime lacks a feature or method"
    text = f"{lacking} {what}:"
    return Fact("missing", "Missing", f"{slow} {text}".strip(), tuple(items))


def _asked(columns: list[RuntimeEntry]) -> Fact:
    return Fact("asked", "Asked", "", tuple(column.shown for column in columns))


def _all(count: int) -> str:
    words = {2: "both", 3: "all three", 4: "all four"}
    return words.get(count, f"all {count}")


def _verb(count: int, many: str, one: str) -> str:
    return one if count == 1 else many
