"""A result that is not good, as text for a terminal of 80 columns."""

from __future__ import annotations

import textwrap

from linmem.results.outcome import Result, StepTrace
from linmem.text import clip, printable

WIDTH = 80
SHOWN_STEPS = 12
SHOWN_STDERR = 15
SHOWN_TEXT = 400  # characters of one value or line
MARKS = {"ok": "ok  ", "failed": "FAIL", "not reached": "    "}


def failure_text(result: Result, hint: str | None = None) -> str:
    """The steps up to the failing one with expected and actual values, where it stands, and what the driver printed."""
    on = f"{result.runtime} ({result.version})" if "@" not in result.runtime else result.runtime
    lines = folded(
        "", f"{result.title}: {result.outcome} on {on}" + (f", guest {result.guest}" if result.guest else "")
    )
    if result.outcome == "pass" and result.known is not None:
        entry = result.known.place
        lines += folded("  ", f"it passes, but {entry} says it must fail ({result.known.reason}): delete that entry")
        return "\n".join(lines)
    lines += folded("  ", result.message)
    if result.known is not None and not result.known.fits:
        entry = result.known.place
        lines += folded("  ", f"{entry} expects another failure here: its message is '{result.known.message}'")
    if hint:
        lines += folded("  ", hint)
    if result.where:
        lines.append(f"  at {printable(result.where)}")
    lines.append("")
    hidden = len(result.steps) - SHOWN_STEPS
    if hidden > 0:
        lines.append(f"  …    {hidden} earlier steps went well")
    for step in result.steps[-SHOWN_STEPS:]:
        lines += step_text(step, result.message)
    if result.stderr.strip():
        lines += ["", "  the driver's standard error:"]
        for line in result.stderr.strip().splitlines()[-SHOWN_STDERR:]:
            lines += folded("  | ", line)
    return "\n".join(lines)


def step_text(step: StepTrace, message: str) -> list[str]:
    """One step; values where it failed, if the message above has not said them."""
    head = f"  {MARKS[step.status]} {printable(step.where).rpartition(':')[2]:>4}  "
    if step.status != "failed":
        line = printable(f"{step.text} → {step.actual}" if step.actual not in (None, "done") else step.text)
        room = WIDTH - len(head)
        return [head + (line if len(line) <= room else line[: room - 1] + "…")]
    lines = folded(head, step.text)
    if step.expected is not None:
        lines += folded("             expected: ", step.expected)
    if step.actual != message:
        lines += folded("             actual:   ", step.actual or "")
    if step.raw and step.raw.strip() and step.raw not in (step.actual or ""):
        lines += folded("             it said:  ", step.raw.strip().splitlines()[0])
    return lines


def folded(head: str, text: str) -> list[str]:
    """Text behind a head, folded below itself to 80 columns, without what a terminal would obey."""
    text = printable(clip(text, SHOWN_TEXT))
    if len(head) + len(text) <= WIDTH:
        return [head + text]
    indent = head if "|" in head else " " * len(head)
    return textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False)
