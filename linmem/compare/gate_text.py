"""The gate's verdict in words: lines for a terminal, Markdown, JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from linmem.report.markdown import cause_markdown, code, prose
from linmem.results.causes import causes
from linmem.results.document import GateVerdict, as_json
from linmem.text import plural


def summary(verdict: GateVerdict) -> str:
    """The verdict in a line."""
    if verdict.refused is not None:
        return f"REFUSED: {verdict.refused}"
    if verdict.passed:
        improved, new, changed = verdict.count("improved"), verdict.count("new"), verdict.count("changed")
        counts = [plural(improved, "improvement")] if improved else []
        counts += [f"{new:,} new"] if new else []
        counts += [plural(changed, "other version")] if changed else []
    else:
        regressions, missing = verdict.count("regression"), verdict.count("missing")
        counts = [plural(regressions, "regression")] if regressions else []
        counts += [f"{missing:,} missing"] if missing else []
        failing = [item for item in verdict.findings if item.failing]
        if len(found := causes(failing)) < len(failing):
            counts[-1] += f", {plural(len(found), 'cause')}"
    told = f"{', '.join(counts)}; " if counts else ""
    compared = f"{plural(verdict.compared, 'case')} compared with {verdict.baseline}"
    return f"{'passed' if verdict.passed else 'FAILED'}: {told}{compared}"


class GateLine(NamedTuple):
    """A line for a terminal; ``bad`` if it makes the gate fail."""

    text: str
    bad: bool = False


def lines(verdict: GateVerdict) -> list[GateLine]:
    """The verdict as lines: one for each cause, with the places below it."""
    found = []
    for cause in causes(verdict.findings):
        found.append(GateLine(str(cause), cause.first.failing))
        found += [GateLine(f"{'':10} {place}") for place in cause.places]
    found += [
        GateLine(f"not compared: {plural(item.cases, 'case')} of the baseline: {item.reason}")
        for item in verdict.not_compared
    ]
    found.append(GateLine(f"gate: {summary(verdict)}", not verdict.passed))
    if verdict.findings:
        meant = "" if verdict.passed else "if all of this is meant, "
        record = verdict.record
        how = f"record it: {record}" if record else "play all of the baseline's cases, and record that run"
        found.append(GateLine(f"gate: {meant}{how}"))
    return found


def text(verdict: GateVerdict) -> str:
    """The verdict for a terminal."""
    return "".join(f"{line.text}\n" for line in lines(verdict))


def markdown(verdict: GateVerdict) -> str:
    """The verdict as a page with a table."""
    head = [f"# {prose(summary(verdict).capitalize(), 1000)}", ""]
    rows = [
        f"| {item.first.kind.upper()} | {code(item.name, 400)} | {cause_markdown(item)} |"
        for item in causes(verdict.findings)
    ]
    table = ["| | | |", "| --- | --- | --- |", *rows, ""] if rows else []
    rest = [f"Not compared: {plural(item.cases, 'case')}: {prose(item.reason)}." for item in verdict.not_compared]
    record = verdict.record
    told = f"To record it: {code(record, 400)}" if record else "To record it, play all of the baseline's cases."
    how = ["", told] if verdict.findings else []
    return "\n".join([*head, *table, *rest, *how]) + "\n"


def json(verdict: GateVerdict) -> str:
    """The verdict for programs."""
    found = msgspec.to_builtins(verdict)
    del found["type"]
    return as_json({"schema": "linmem-gate/1", **found})


FORMATS: dict[str, Callable[[GateVerdict], str]] = {"text": text, "markdown": markdown, "json": json}
