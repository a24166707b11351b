"""Whether a result is good: the one place that decides it.

pytest's colours, the exit status, every report and the gate ask these functions and nothing else.
"""

from __future__ import annotations

from typing import Literal, Protocol

Outcome = Literal["pass", "fail", "unsupported", "crash", "timeout", "error"]
Verdict = Literal["good", "known defect", "unexpected pass", "bad"]
Status = Literal["pass", "unsupported", "known", "missing", "unexpected", "fail", "timeout", "crash", "error"]

STATUSES: tuple[Status, ...] = (
    "pass", "unsupported", "known", "missing", "unexpected", "fail", "timeout", "crash", "error",
)  # fmt: skip
"""What a cell of a report may show, from best to worst. ``missing``: planned, but no result was recorded."""

BAD: frozenset[Status] = frozenset({"unexpected", "fail", "timeout", "crash", "error"})
"""The statuses that make a run fail. ``missing`` is not among them: it makes the run incomplete."""

_RANK = {status: rank for rank, status in enumerate(STATUSES)}


class Expectation(Protocol):
    """An entry of the known defects, as far as a verdict depends on it."""

    @property
    def outcome(self) -> str | None:
        """The outcome that the entry expects; None: a failure of any kind."""
        ...


def judge(outcome: Outcome, known: Expectation | None) -> Verdict:
    """The verdict on one result.

    Without a known defect a pass is good, and so is ``unsupported``: a missing feature is no deviation. Under a
    known defect only the outcome that its entry expects is good, so an entry that has had its day can't linger.
    ``error`` is the harness's or a driver's fault and never good.
    """
    if known is None:
        return "good" if outcome in ("pass", "unsupported") else "bad"
    if outcome == "pass":
        return "unexpected pass"
    if outcome in ("fail", "crash", "timeout") and known.outcome in (None, outcome):
        return "known defect"
    return "bad"


def is_good(verdict: Verdict) -> bool:
    """Whether a verdict lets a run pass."""
    return verdict in ("good", "known defect")


def status(outcome: Outcome, known: Expectation | None) -> Status:
    """What a report's cell shows for one result.

    ``known`` is the known defect that came; ``unexpected`` is one that did not come, because the scenario passed or
    was unsupported.
    """
    verdict = judge(outcome, known)
    if verdict == "known defect":
        return "known"
    if known is not None and outcome in ("pass", "unsupported"):
        return "unexpected"
    return outcome


def rank(value: Status) -> int:
    """Where a status stands between the best (0) and the worst."""
    return _RANK[value]
