"""A result that is not good, as text for a terminal of 80 columns."""

from __future__ import annotations

import textwrap

from suites.outcome import Result, StepTrace

MARKS = {"ok": "ok  ", "failed": "FAIL", "not reached": "    "}
SHOWN_STEPS = 12


def failure_text(result: Result) -> str:
    """The steps up to the failing one with expected and actual values, where it stands, and what the driver printed."""
    lines: list[str] = []
    on = f"{result.runtime} ({result.version})" if "@" not in result.runtime else result.runtime
    lines.append(f"{result.title}: {result.outcome} on {on}" + (f", guest {result.guest}" if result.guest else ""))
    if result.outcome == "pass" and result.known is not None:
        entry = f"reports/known.yaml:{result.known.line}"
        lines += wrapped(f"it passes, but {entry} says it must fail ({result.known.reason}): delete that entry")
        return "\n".join(lines)
    lines += wrapped(result.message)
    if result.where:
        lines.append(f"  at {result.where}")
    lines.append("")
    hidden = len(result.steps) - SHOWN_STEPS
    if hidden > 0:
        lines.append(f"  …    {hidden} earlier steps went well")
    for step in result.steps[-SHOWN_STEPS:]:
        lines += step_text(step)
    if result.stderr.strip():
        lines += ["", "  the driver's standard error:"]
        lines += ["  | " + line for line in result.stderr.strip().splitlines()[-15:]]
    return "\n".join(lines)


def step_text(step: StepTrace) -> list[str]:
    """One step; values where it failed."""
    line = f"  {MARKS[step.status]} {step.where.rpartition(':')[2]:>4}  {step.text}"
    if step.status != "failed":
        return [f"{line} → {step.actual}" if step.actual not in (None, "done") else line]
    lines = [line]
    if step.expected is not None:
        lines.append(f"             expected: {step.expected}")
    lines.append(f"             actual:   {step.actual}")
    if step.raw and step.raw not in (step.actual or ""):
        first = step.raw.strip().splitlines()[0][:200] if step.raw.strip() else ""
        lines.append(f"             it said:  {first}")
    return lines


def wrapped(text: str) -> list[str]:
    """Indented and folded to 80 columns."""
    return textwrap.wrap(text, 78, initial_indent="  ", subsequent_indent="  ", break_long_words=False) or [""]
