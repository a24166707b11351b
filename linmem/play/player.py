"""Play one scenario on one runtime with one guest."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping

from linmem.play import steps
from linmem.play.context import Context
from linmem.play.findings import OUTPUT_KEPT
from linmem.play.guest import Guest
from linmem.play.instances import instantiate
from linmem.play.pipeline import MustWait
from linmem.play.scope import Module
from linmem.play.stop import Stop
from linmem.protocol import DriverFault, Runtime
from linmem.results.outcome import Lack, Result
from linmem.scenario.model import GUEST, Scenario
from linmem.scenario.names import makes_own_instances

SHARED = "(printed while this scenario and its neighbours were played)\n"


class Player:
    """Plays one scenario once; make a new one each time.

    ``view`` is the view kind that ``each`` stands for in the scenario.
    """

    def __init__(
        self,
        scenario: Scenario,
        runtime: Runtime,
        modules: Mapping[str, Module],
        guest: Guest | None = None,
        view: str | None = None,
    ) -> None:
        self.context = Context(scenario, runtime, modules, guest, view, steps.post)
        self.begun = False  # before its turn, so that what the process prints may be another scenario's
        self.instantiated = False  # whether the guest's own instance is posted, if there is one
        self.position = 0  # the step that is to be posted next
        self.owed = False  # whether answers must come before that
        self.posted = False  # whether all is posted that is to be
        self.end: Stop | DriverFault | None = None  # what ended the scenario while it was posted
        self.lost = False  # whether that was the loss of the process
        self.spent = 0.0  # seconds

    def begin(self) -> None:
        """Post the scenario before its turn, as far as that needs no answer.

        While the harness does its bookkeeping for one item, the runtime can so be at work on others. Unless all is
        `posted` then, nothing may be posted for another scenario before this one has been played.
        """
        began = time.perf_counter()
        self.begun = self.context.pipeline.ahead = True
        with contextlib.suppress(MustWait):
            self.post()
        self.context.pipeline.ahead = False
        self.spent += time.perf_counter() - began

    def post(self) -> None:
        """Post what is not posted yet. Raises `MustWait` where that needs answers and it is not the turn for them."""
        pipeline = self.context.pipeline
        try:
            if not self.instantiated:
                self.instantiate()
            if self.owed:
                pipeline.collect()
                self.owed = False
            while self.position < len(self.context.scenario.steps):
                self.post_step()
            pipeline.post_release()
        except Stop as stop:
            self.end = stop.with_traceback(None)  # which would keep this player, and all that it has been sent
            if pipeline.release is None:
                pipeline.post_release()  # before anything else is posted
        except DriverFault as fault:
            self.end = fault.with_traceback(None)
        self.posted = True

    def instantiate(self) -> None:
        """Post what comes before the first step."""
        context = self.context
        check_requirements(context.scenario, context.runtime)
        if not makes_own_instances(context.scenario):
            try:
                instantiate(context, GUEST, GUEST, context.scenario.imports, None)
            except Stop:
                context.pipeline.confirm_setup()  # a module that does not compile is told first
                raise
        self.instantiated = True

    def post_step(self) -> None:
        """Post the next step; one that waits after its request is posted is not posted again."""
        pipeline = self.context.pipeline
        before = pipeline.dues
        try:
            self.context.post(self.context.scenario.steps[self.position])
        except MustWait:
            if pipeline.dues > before:
                self.position += 1
                self.owed = True
            raise
        self.position += 1

    def play(self, result: Result) -> Result:
        """Play it and fill in `result`. Never raises for what a runtime does.

        Its answers are taken in here, whether it was begun before or not.
        """
        began = time.perf_counter()
        pipeline, findings = self.context.pipeline, self.context.findings
        try:
            pipeline.runtime.on_import = self.context.imports.serve
            if not self.begun:
                pipeline.runtime.take_stderr()  # what was printed before belongs to another scenario
            if not self.posted:
                self.post()
                pipeline.runtime.flush()
            if self.end is not None:
                raise self.end
            pipeline.finish()
            findings.conclude()
            result.outcome = "pass"
        except Stop as stop:
            self.conclude(result, stop)
            try:
                pipeline.give_up()
            except DriverFault as fault:  # a later step, already sent, or the release itself
                result.message += f"; afterwards {fault}"
        except DriverFault as fault:
            self.lost = True
            self.conclude(result, pipeline.blame(fault))
        finally:
            self.close()
        result.observations, result.pictures = findings.observations, findings.pictures
        result.unanswered = findings.unanswered
        if result.outcome != "pass":
            result.stderr = (findings.output + self.printed(result.outcome))[-OUTPUT_KEPT:]
        result.duration = round(self.spent + time.perf_counter() - began, 6)
        return result

    def printed(self, outcome: str) -> str:
        """What the process printed, as far as it may be this scenario's doing."""
        if not self.begun:
            return self.context.runtime.take_stderr()
        text = self.context.runtime.take_stderr() if outcome != "unsupported" else ""
        return SHARED + text if text else ""

    @property
    def answered(self) -> bool:
        """Whether the runtime has given any answer to it."""
        return self.context.pipeline.answered

    def close(self) -> None:
        """Remove what it has on disk. One that was begun and is not played must be closed."""
        self.context.close()

    def conclude(self, result: Result, stop: Stop) -> None:
        result.outcome = stop.outcome  # type: ignore[assignment]
        result.lack = stop.lack
        result.message = " ".join(stop.message.split())
        result.where = str((stop.step or self.context.scenario).where)
        result.steps = self.context.findings.steps(stop)


def check_requirements(scenario: Scenario, runtime: Runtime) -> None:
    """Raises `Stop` where the scenario is about other hosts, or needs what the runtime lacks."""
    wanted = scenario.host
    if wanted is not None and runtime.host_language() != wanted:
        message = f"is about hosts in {wanted}, and this one is in {runtime.host_language()}"
        raise Stop("unsupported", message, lack=Lack("host", wanted))
    for feature in scenario.requires:
        if not runtime.supports(feature):
            message = f"needs {feature}, which this runtime does not compile"
            raise Stop("unsupported", message, lack=Lack("engine", feature))
