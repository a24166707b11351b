"""The gate's verdict in words: lines for a terminal, Markdown, JSON."""

from __future__ import annotations

from collections.abc import Callable

from linmem.compare.gate import Verdict
from linmem.report.markdown import code, prose
from linmem.results.document import as_json
from linmem.text import plural


def summary(verdict: Verdict, name: str) -> str:
    """The verdict in a line; `name` is the baseline's."""
    if verdict.passed:
        improved, new, changed = verdict.count("IMPROVED"), verdict.count("NEW"), verdict.count("CHANGED")
        counts = [plural(improved, "improvement")] if improved else []
        counts += [f"{new:,} new"] if new else []
        counts += [plural(changed, "other version")] if changed else []
    else:
        regressions, missing = verdict.count("REGRESSION"), verdict.count("MISSING")
        counts = [plural(regressions, "regression")] if regressions else []
        counts += [f"{missing:,} missing"] if missing else []
    told = f"{', '.join(counts)}; " if counts else ""
    compared = f"{plural(verdict.compared, 'case')} compared with {name}"
    return f"{'passed' if verdict.passed else 'FAILED'}: {told}{compared}"


def lines(verdict: Verdict, name: str, record: str | None) -> list[str]:
    """The verdict as lines; `record` is the command that records the run, if one can."""
    found = [str(finding) for finding in verdict.findings]
    found += [f"not compared: {plural(count, 'case')} of the baseline: {reason}" for reason, count in verdict.left_out]
    found.append(f"gate: {summary(verdict, name)}")
    if verdict.to_record:
        meant = "" if verdict.passed else "if all of this is meant, "
        how = f"record it: {record}" if record else "play all of the baseline's cases, and record that run"
        found.append(f"gate: {meant}{how}")
    return found


def text(verdict: Verdict, name: str, record: str | None) -> str:
    """The verdict for a terminal."""
    return "\n".join(lines(verdict, name, record)) + "\n"


def markdown(verdict: Verdict, name: str, record: str | None) -> str:
    """The verdict as a page with a table."""
    head = [f"# {prose(summary(verdict, name).capitalize(), 1000)}", ""]
    rows = [f"| {item.weight} | {code(item.name, 400)} | {prose(item.what, 400)} |" for item in verdict.findings]
    table = ["| | | |", "| --- | --- | --- |", *rows, ""] if rows else []
    rest = [f"Not compared: {plural(count, 'case')}: {prose(reason)}." for reason, count in verdict.left_out]
    told = f"To record it: {code(record, 400)}" if record else "To record it, play all of the baseline's cases."
    how = ["", told] if verdict.to_record else []
    return "\n".join([*head, *table, *rest, *how]) + "\n"


def json(verdict: Verdict, name: str, record: str | None) -> str:
    """The verdict for programs."""
    found = {
        "schema": "linmem-gate/1",
        "passed": verdict.passed,
        "baseline": name,
        "compared": verdict.compared,
        "findings": [{"kind": item.weight.lower(), "name": item.name, "what": item.what} for item in verdict.findings],
        "not_compared": [{"reason": reason, "cases": count} for reason, count in verdict.left_out],
        "record": record if verdict.to_record else None,
    }
    return as_json(found)


FORMATS: dict[str, Callable[[Verdict, str, str | None], str]] = {"text": text, "markdown": markdown, "json": json}
