"""What is found while a scenario is played: steps that went through, observations, pictures, the guest's output."""

from __future__ import annotations

import contextlib

from linmem.play.scope import Scope
from linmem.play.stop import Stop, trace
from linmem.results.outcome import NOT_ASKED, Observed, Picture, StepTrace
from linmem.scenario import expressions, model, values
from linmem.scenario.expectations import shown
from linmem.scenario.happened import Bytes, Happened, Number, Refused, Short, answer
from linmem.scenario.model import Step

OUTPUT_KEPT = 8 * 1024  # characters


class Findings:
    """Judges what steps come to, and keeps it for the result."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.played: list[tuple[Step, Happened]] = []
        self.observations: list[Observed] = []
        self.unanswered: dict[str, str] = {}
        self.pictures: list[Picture] = []
        self.output = ""  # the end of what the guest printed through its language's host
        self.tested = False  # whether a question was answered, or an expectation met
        self.lacking: tuple[Step, str] | None = None  # the first question that the host API has no way to ask
        self.unmade: str | None = None  # why what later steps build on was not made, where that is the host API's limit

    def judge(self, step: Step, happened: Happened) -> None:
        """Record an observation, check the expectation, bind the result. Raises `Stop` where the step failed.

        A step that only observes lets anything pass; one that neither expects nor observes must go through.
        """
        if step.observe is not None:
            self.observe(step, step.observe, happened)
        self.tested |= step.expect is not None and refusal(happened) != "skipped"
        if not self.good(step, happened):
            wanted = expected(step, happened, self.scope)
            failed = trace(step, happened, "failed", wanted)
            raise Stop("fail", f"{step.text}: {due(wanted)}got {happened}", step, failed)
        if type(step) is not Step:
            self.played.append((step, happened))
        if step.bind is not None and model.bound_as(step) in ("value", "bytes"):
            self.bind(step.bind, step, happened)

    def observe(self, step: Step, observe: model.Observe, happened: Happened) -> None:
        """Record an answer. An answer is what a runtime gave: what was not asked, or can't be, is none."""
        kind = refusal(happened)
        if kind == "skipped":
            self.unanswered[observe.id] = NOT_ASKED
        elif kind == "unsupported":
            words = observe.answers.get(kind)
            self.unanswered[observe.id] = f"{kind}: {words}" if words else kind
            assert isinstance(happened, Refused)
            self.lacking = self.lacking or (step, happened.failure.lack)
            if step.bind is not None:
                self.unmade = happened.failure.lack
        else:
            self.tested = True
            word = self.word(observe, happened)
            self.observations.append(Observed(observe.id, word, str(happened), str(step.where)))

    def conclude(self) -> None:
        """After the last step. Raises `Stop` where the host API had no way for what the scenario asks: so far as
        nothing was tested, nothing has passed.
        """
        if self.lacking is not None and not self.tested:
            step, lack = self.lacking
            raise Stop("unsupported", lack, step)

    def good(self, step: Step, happened: Happened) -> bool:
        """Whether the step may come to this. Raises `Stop` where its expectation can't be compared."""
        if step.expect is None:
            return step.observe is not None or not isinstance(happened, Refused | Short)
        try:
            return step.expect.holds(happened, self.scope.integers)
        except (values.ValueNotation, expressions.ExpressionError) as error:
            raise Stop("error", f"'expect' can't be compared: {error}", step) from None

    def bind(self, name: str, step: Step, happened: Happened) -> None:
        self.scope.awaited.pop(name, None)
        if isinstance(happened, Bytes) and model.bound_as(step) == "bytes":
            self.scope.bytes[name] = happened.data
        elif isinstance(happened, Number):
            self.scope.integers[name] = happened.bound()
        elif step.observe is None:
            raise Stop("fail", f"{step.text}: there is no value to bind to '{name}', got {happened}", step)

    def word(self, observe: model.Observe, happened: Happened) -> str:
        """How the suite words what was seen."""
        raw = answer(happened)
        if raw in observe.answers:
            return observe.answers[raw]
        if isinstance(happened, Number) and not values.is_float(happened.kind):
            for expression, word in observe.computed.items():
                with contextlib.suppress(expressions.ExpressionError):  # a name that is not bound, a division by zero
                    if expression.value(self.scope.integers) == happened.bits:
                        return word
        return raw

    def print(self, text: str) -> None:
        """Keep the end of what the guest printed through its language's host."""
        self.output = (self.output + text)[-OUTPUT_KEPT:]

    def steps(self, stop: Stop) -> list[StepTrace]:
        """Every step that was played, and the one that ended the scenario."""
        traces = [trace(step, happened, "ok") for step, happened in self.played]
        step = stop.step
        if stop.trace is not None:
            traces.append(stop.trace)
        elif step is not None:
            wanted = str(step.expect) if step.expect is not None else None
            traces.append(StepTrace(step.text, str(step.where), "failed", wanted, stop.message))
        return traces


def refusal(happened: Happened) -> str:
    """The kind of a refusal that is no answer of the runtime's, or is one; empty: it is no refusal, or one of words
    that the API's types leave no way to write, which is an answer.
    """
    return happened.failure.kind if isinstance(happened, Refused) and happened.failure.expressible else ""


def expected(step: Step, happened: Happened, scope: Scope) -> str | None:
    """What was expected of a step, in the form of what happened; None: nothing."""
    return shown(step.expect, happened, scope.integers) if step.expect is not None else None


def due(wanted: str | None) -> str:
    """The beginning of a failure's message: what was expected, if anything."""
    return f"expected {wanted}, " if wanted is not None else ""
