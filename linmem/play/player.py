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
from linmem.play.scope import Module
from linmem.play.stop import Stop
from linmem.protocol import DriverFault, Runtime
from linmem.results.outcome import Result
from linmem.scenario.model import GUEST, Scenario
from linmem.scenario.names import makes_own_instances


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
        self.begun = False
        self.end: Stop | DriverFault | None = None  # what ended the scenario while it was posted
        self.spent = 0.0  # seconds

    def begin(self) -> None:
        """Post the scenario, as far as that needs no answer. `play` calls it; it may be called before.

        While the harness does its bookkeeping for one item, the runtime can so be at work on the next.
        """
        began = time.perf_counter()
        context = self.context
        scenario, runtime = context.scenario, context.runtime
        self.begun = True
        try:
            runtime.on_import = context.imports.serve
            runtime.take_stderr()  # what was printed before belongs to another scenario
            check_requirements(scenario, runtime)
            if not makes_own_instances(scenario):
                instantiate(context, GUEST, GUEST, scenario.imports, None)
            for step in scenario.steps:
                context.post(step)
            context.pipeline.post_release()
            runtime.flush()
        except (Stop, DriverFault) as end:
            self.end = end
        self.spent += time.perf_counter() - began

    def play(self, result: Result) -> Result:
        """Play it and fill in `result`. Never raises for what a runtime does."""
        if not self.begun:
            self.begin()
        began = time.perf_counter()
        pipeline, findings = self.context.pipeline, self.context.findings
        try:
            if self.end is not None:
                raise self.end
            pipeline.finish()
            result.outcome = "pass"
        except Stop as stop:
            self.conclude(result, stop)
            try:
                pipeline.give_up()
            except DriverFault as fault:  # a later step, already sent, or the release itself
                result.message += f"; afterwards {fault}"
        except DriverFault as fault:
            self.conclude(result, pipeline.blame(fault))
        finally:
            self.context.close()
        result.observations, result.pictures = findings.observations, findings.pictures
        result.unanswered = findings.unanswered
        if result.outcome != "pass":
            result.stderr = (findings.output + pipeline.runtime.take_stderr())[-OUTPUT_KEPT:]
        result.duration = round(self.spent + time.perf_counter() - began, 6)
        return result

    def abandon(self) -> None:
        """Take in the answers of a scenario that was begun and will not be played."""
        pipeline = self.context.pipeline
        with contextlib.suppress(DriverFault):
            pipeline.drain()
            if pipeline.release is not None:
                pipeline.runtime.reply(pipeline.release)
        self.context.close()

    def conclude(self, result: Result, stop: Stop) -> None:
        result.outcome = stop.outcome  # type: ignore[assignment]
        result.message = " ".join(stop.message.split())
        result.where = str((stop.step or self.context.scenario).where)
        result.steps = self.context.findings.steps(stop)


def check_requirements(scenario: Scenario, runtime: Runtime) -> None:
    """Raises `Stop` where the scenario is about other hosts, or needs what the runtime lacks."""
    wanted = scenario.host
    if wanted is not None and runtime.host_language() != wanted:
        raise Stop("unsupported", f"is about hosts in {wanted}, and this one is in {runtime.host_language()}")
    for feature in scenario.requires:
        if not runtime.supports(feature):
            raise Stop("unsupported", f"needs {feature}, which this runtime does not compile")
