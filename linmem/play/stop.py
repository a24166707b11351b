"""What ends a scenario before its last step."""

from __future__ import annotations

from linmem.protocol import CallFailed
from linmem.results.outcome import Lack, StepTrace
from linmem.scenario.happened import Happened, Refused
from linmem.scenario.model import Step

KINDS = ("compile", "link", "trap", "exit", "host", "skipped", "unsupported")


class Stop(Exception):
    """The scenario is decided: its outcome and why, and the step that decided it (None: no step's fault).

    ``lack`` is whose limit it is that a scenario is unsupported.
    """

    def __init__(
        self,
        outcome: str,
        message: str,
        step: Step | None = None,
        trace: StepTrace | None = None,
        lack: Lack = Lack("api"),  # noqa: B008 - frozen
    ) -> None:
        self.outcome, self.message, self.step, self.trace = outcome, message, step, trace
        self.lack = lack if outcome == "unsupported" else None
        super().__init__(message)


def trace(step: Step, happened: Happened, status: str, expected: str | None = None) -> StepTrace:
    """How a step went, for the report; `expected` is what was expected, where that is not as the file has it."""
    expected = str(step.expect) if expected is None and step.expect is not None else expected
    raw = happened.failure.text if isinstance(happened, Refused) else None
    return StepTrace(step.text, str(step.where), status, expected, str(happened), raw)


def outcome_of(failure: CallFailed) -> str:
    """The outcome of a scenario that can't go on after this refusal."""
    if failure.unsupported:
        return "unsupported"
    return "fail" if failure.kind in KINDS else "error"
