"""Whether a result is good: the one place that decides it.

pytest's colours, the exit status, every report and the gate ask these functions and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

Outcome = Literal["pass", "fail", "unsupported", "crash", "timeout", "error"]
Verdict = Literal["good", "known defect", "unexpected pass", "bad"]
Status = Literal["pass", "unsupported", "known", "missing", "unexpected", "fail", "timeout", "crash", "error"]

STATUSES: tuple[Status, ...] = (
    "pass", "unsupported", "known", "missing", "unexpected", "fail", "timeout", "crash", "error",
)  # fmt: skip
"""What a cell of a report may show, from best to worst. ``missing``: planned, but no result was recorded."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

BAD: frozenset[Status] = frozenset({"unexpected", "fail", "timeout", "crash", "error"})
"""The statuses that make a run fail. ``missing`` is not among them: it makes the run incomplete."""

SOMETIMES = "sometimes"
"""What an entry of the known defects expects where a failure is a matter of chance."""


def bad(counts: Mapping[Status, int]) -> int:
    """How many of some results are bad, given how many have each status."""
    return sum(number for status, number in counts.items() if status in BAD)


_RANK = {status: rank for rank, status in enumerate(STATUSES)}


class KnownFailure(msgspec.Struct, frozen=True):
    """Why this failure is expected: the entry in a list, by file and line.

    ``outcome`` is what the entry expects: ``fail``, ``crash``, ``timeout``, None for any failure, ``sometimes`` for any
    failure or none. ``message`` is what the failure's message must hold, and ``fits`` whether it does.
    """

    file: str
    line: int
    reason: str
    link: str | None = None
    outcome: str | None = None
    message: str | None = None
    fits: bool = True

    @property
    def place(self) -> str:
        """Where the entry stands, for people."""
        return f"{self.file}:{self.line}"

    @property
    def anchor(self) -> str:
        """The same as a page's address has it."""
        return re.sub(r"[^A-Za-z0-9]+", "-", self.place).strip("-")


def judge(outcome: Outcome, known: KnownFailure | None) -> Verdict:
    """The verdict on one result.

    Without a known defect a pass is good, and so is ``unsupported``: a missing feature is no deviation. Under a
    known defect only the outcome and the message that its entry expects are good, so an entry that has had its day
    can't linger; one that says ``sometimes`` is about a matter of chance, and a pass is as good. ``error`` is the
    harness's or a driver's fault and never good.
    """
    if known is None:
        return "good" if outcome in ("pass", "unsupported") else "bad"
    if outcome == "pass":
        return "good" if known.outcome == SOMETIMES else "unexpected pass"
    if outcome in ("fail", "crash", "timeout") and known.outcome in (None, SOMETIMES, outcome) and known.fits:
        return "known defect"
    return "bad"


def is_good(verdict: Verdict) -> bool:
    """Whether a verdict lets a run pass."""
    return verdict in ("good", "known defect")


def status(outcome: Outcome, known: KnownFailure | None) -> Status:
    """What a report's cell shows for one result.

    ``known`` is the known defect that came; ``unexpected`` is one that did not come, because the scenario passed or
    was unsupported.
    """
    verdict = judge(outcome, known)
    if verdict == "known defect":
        return "known"
    if known is not None and verdict != "good" and outcome in ("pass", "unsupported"):
        return "unexpected"
    return outcome


def by_chance(known: KnownFailure | None) -> bool:
    """Whether what comes is a matter of chance, so that two runs may differ and neither is a change."""
    return known is not None and known.outcome in (None, SOMETIMES)


def came_by_chance(outcome: Outcome, known: KnownFailure | None) -> bool:
    """Whether what came is a known defect's doing, and a matter of chance: another time it may be something else."""
    return by_chance(known) and status(outcome, known) in ("known", "pass")


def rank(value: Status) -> int:
    """Where a status stands between the best (0) and the worst."""
    return _RANK[value]
