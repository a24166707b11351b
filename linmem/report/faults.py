"""What makes a run fail, in sentences with what to do: every output tells it first."""

from __future__ import annotations

from collections.abc import Iterator

from linmem.results import verdict
from linmem.results.document import GateVerdict, Report, RunFault
from linmem.text import join, plural, sentence

_NOUNS: dict[verdict.Status, str] = {
    "fail": "failure", "crash": "crash", "timeout": "timeout", "error": "error", "unexpected": "unexpected pass",
}  # fmt: skip


def faults(report: Report) -> list[RunFault]:
    """All that makes a run fail; empty for a run that passes."""
    return list(_faults(report))


def _faults(report: Report) -> Iterator[RunFault]:
    if not report.complete:
        remedy = (
            "Correct these files." if report.broken else "Run it again; what was recorded says nothing about the rest."
        )
        yield RunFault(what=f"This run is incomplete: {sentence(report.reason or '', capital=False)}", remedy=remedy)
    if unexpected := verdict.bad(report.summary.total):
        yield _unexpected(report, unexpected)
    if report.gate is not None and not report.gate.passed:
        yield gate_fault(report.gate)


def _unexpected(report: Report, count: int) -> RunFault:
    total = report.summary.total
    kinds = [
        plural(total[status], _NOUNS[status])
        for status in reversed(verdict.STATUSES)
        if status in verdict.BAD and status in total
    ]
    remedies = []
    if count - total.get("unexpected", 0) - total.get("error", 0):
        remedies.append("Fix what failed, or list it in a file for --known if upstream has to fix it.")
    if "error" in total:
        remedies.append("An error is a fault of the scenario, the driver or linmem: its message says what to correct.")
    if "unexpected" in total:
        remedies.append("Delete the entries of known defects that no longer come.")
    verb = "is" if count == 1 else "are"
    what = f"{count:,} of {plural(len(report.results), 'result')} {verb} unexpected: {join(kinds)}."
    return RunFault(what=what, remedy=" ".join(remedies))


def gate_fault(gate: GateVerdict) -> RunFault:
    """What a gate that has not passed says."""
    if gate.refused is not None:
        return RunFault(
            what=f"The run can't be compared with the baseline: {sentence(gate.refused, capital=False)}",
            remedy="Play what the baseline holds, or name another baseline.",
        )
    worse, missing = gate.count("regression"), gate.count("missing")
    counts = [f"{plural(worse, 'result')} changed for the worse"] if worse else []
    counts += [f"{missing:,} {'is' if missing == 1 else 'are'} missing"] if missing else []
    how = f"record them: {gate.record}" if gate.record else "play all of the baseline's cases, and record that run"
    return RunFault(
        what=f"Compared with the baseline {gate.baseline}, {join(counts)}.", remedy=f"If these changes are meant, {how}"
    )
