"""The report's answer in a sentence or two."""

from __future__ import annotations

from fractions import Fraction

from linmem.report.build import took_part
from linmem.report.likeness import RuntimePair, behaviours, pairs
from linmem.results import verdict
from linmem.results.document import Report
from linmem.results.outcome import LEFT_OUT
from linmem.text import join, plural

_NAMED = 4  # runtimes that a sentence can name
_NOUNS: dict[verdict.Status, str] = {
    "fail": "failure", "crash": "crash", "timeout": "timeout", "error": "error", "unexpected": "unexpected result",
}  # fmt: skip


def answer(report: Report) -> str:
    """How many scenarios ran where, how many behave alike there, and how many differ."""
    scenarios = report.summary.scenarios
    labels = [runtime.label for runtime in took_part(report)]
    if not report.results:
        return "No result was recorded, so this report says nothing about any runtime."
    so_far = "" if report.complete else "As far as it was recorded: "
    what = plural(scenarios.total, "scenario")
    if len(labels) == 1:
        return f"{so_far}{what} on {labels[0]} alone, with nothing to compare."
    where = join(labels) if len(labels) <= _NAMED else plural(len(labels), "runtime")
    differ = scenarios.outcome_differs + scenarios.observed_differs
    verb = "behaves" if scenarios.alike == 1 else "behave"
    parts = [f"{scenarios.alike:,} {verb} alike on {_all(len(labels))}"]
    parts.append(f"{differ:,} {'differs' if differ == 1 else 'differ'}" if differ else "none differs")
    if scenarios.not_compared:
        parts.append(f"{scenarios.not_compared:,} cannot be compared")
    if scenarios.alike == scenarios.total:
        verb = "behaves" if scenarios.total == 1 else "all behave"
        return f"{so_far}{what} on {where}: {verb} alike on {_all(len(labels))}."
    return f"{so_far}{what} on {where}: {join(parts)}."


def _all(count: int) -> str:
    words = {2: "both", 3: "all three", 4: "all four"}
    return words.get(count, f"all {count}")


def likeness(report: Report) -> list[tuple[str, list[RuntimePair]]]:
    """Which runtimes are most alike and which least, each kind with its words; empty for fewer than three."""
    labels = [runtime.label for runtime in took_part(report)]
    found = [pair for pair in pairs(behaviours(report), labels) if pair.compared]
    if len(found) < 2:
        return []
    ordered = sorted(found, key=_alike, reverse=True)
    most = [pair for pair in ordered if _alike(pair) == _alike(ordered[0])]
    least = [pair for pair in ordered if _alike(pair) == _alike(ordered[-1])]
    if _alike(ordered[0]) == _alike(ordered[-1]):
        return []
    return [("Most alike", most[:3]), ("Least alike", least[:3])]


def _alike(pair: RuntimePair) -> Fraction:
    return Fraction(pair.alike, pair.compared)


def sentence(report: Report) -> str:
    """How many results are good and how many are not, with what is wrong with them."""
    total = report.summary.total
    recorded = len(report.results)
    bad = {status: total[status] for status in reversed(verdict.STATUSES) if status in verdict.BAD and status in total}
    known = total.get("known", 0)
    count = sum(bad.values())
    if not recorded:
        return ""
    if count:
        kinds = join([plural(number, _NOUNS[status]) for status, number in bad.items()])
        text = f"{count:,} of {plural(recorded, 'result')} {'is' if count == 1 else 'are'} bad: {kinds}."
    elif recorded == 1:
        text = "The one result is good."
    else:
        text = f"All {recorded:,} results are good."
    if known:
        text += f" {plural(known, 'known defect')} came as expected."
    left_out = sum(result.message.startswith(LEFT_OUT) for result in report.results if result.outcome == "unsupported")
    if lacking := total.get("unsupported", 0) - left_out:
        text += f" {lacking:,} unsupported: the runtime lacks what the scenario needs."
    if left_out:
        text += f" {left_out:,} left out, because they would take the runtime minutes (--slow plays them)."
    return text
