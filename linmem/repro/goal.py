"""How far a reproducer goes: to the step at which the case was decided, if a report tells."""

from __future__ import annotations

from dataclasses import dataclass

from linmem.results.outcome import Result, StepTrace
from linmem.scenario.model import Step


class ReproError(Exception):
    """There can be no reproducer of this case: one line that says why."""


@dataclass
class Goal:
    """The step at which a case was decided; without a result, no step is.

    Steps of loops stand on one line, so the step is the one of this text and place that came as the `turn`-th.
    """

    result: Result | None
    turn: int = 0
    seen: int = 0
    reached: bool = False

    def __post_init__(self) -> None:
        if self.result is None:
            return
        steps = self.result.steps
        if self.result.outcome in ("pass", "unsupported"):
            return
        if not steps or steps[-1].status != "failed":
            raise ReproError(f"the report knows no step at which it came to '{self.result.outcome}'")
        self.turn = sum(map(self.same, steps))

    def same(self, step: Step | StepTrace) -> bool:
        """Whether a step may be the deciding one, by its text and place."""
        if self.result is None or not self.result.steps:
            return False
        last = self.result.steps[-1]
        return last.status == "failed" and (last.text, last.where) == (step.text, str(step.where))

    def is_next(self, step: Step, nested: bool) -> bool:
        """Whether this step, the next one in order, is the deciding one.

        One in a host function (`nested`) may be, each time that the function is called.
        """
        if not self.turn or not self.same(step):
            return False
        self.seen += 1
        final = nested or self.seen == self.turn
        self.reached = self.reached or final
        return final

    def skipped(self, step: Step) -> bool:
        """Whether the runtime was not asked: its API has no way to do this, or an earlier step had given nothing that
        this one needs.
        """
        if self.result is None or step.observe is None or (self.turn and self.same(step)):
            return False
        answers = [
            item.raw for item in self.result.observations if (item.id, item.where) == (step.observe.id, str(step.where))
        ]
        return all(answer.startswith("not expressible:") for answer in answers)

    @property
    def actual(self) -> str | None:
        """What the deciding step came to, as the report words it."""
        return self.result.steps[-1].actual if self.turn and self.result is not None else None
