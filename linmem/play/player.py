"""Play one scenario on one runtime with one guest.

Requests are posted ahead of their answers wherever the scenario allows it, so that a whole scenario costs one round
trip: an object is known by the id of the request that makes it, and an address that needs an earlier result is sent
as a reference. Where a host function may be called back, the runner waits at each guest call, because the driver then
asks us in the middle of it.

A step that only observes lets any answer pass; one that neither expects nor observes must go through. When a step
fails, later steps that were already sent have run too, but nothing of them is reported.
"""

from __future__ import annotations

import contextlib
import time

from linmem.play.conversation import STDERR_KEPT, Module, Stop, trace
from linmem.play.posting import Posting
from linmem.protocol import CallFailed, DriverFault
from linmem.results.outcome import Result, StepTrace
from linmem.scenario.model import GUEST
from linmem.scenario.names import makes_own_instances

__all__ = ["Module", "Player"]


class Player(Posting):
    """Plays one scenario once; make a new one each time."""

    begun = False
    end: Stop | DriverFault | None = None  # what ended the scenario while it was posted
    spent = 0.0  # seconds

    # ---------------------------------------------------------------- public

    def begin(self) -> None:
        """Post the scenario, as far as that needs no answer. `play` calls it; it may be called before.

        While the harness does its bookkeeping for one item, the runtime can so be at work on the next.
        """
        began = time.perf_counter()
        runtime = self.runtime
        self.begun = True
        try:
            runtime.on_import = self.serve
            runtime.take_stderr()  # what was printed before is no word on this scenario
            self.check_requirements()
            if not makes_own_instances(self.scenario):
                self.instantiate(GUEST, GUEST, self.scenario.imports, None)
            for step in self.scenario.steps:
                self.post(step)
            self.release = runtime.post("object.release", {"all": True})
            runtime.flush()
        except (Stop, DriverFault) as end:
            self.end = end
        self.spent += time.perf_counter() - began

    def play(self, result: Result) -> Result:
        """Play it and fill in `result`. Never raises for what a runtime does."""
        if not self.begun:
            self.begin()
        began = time.perf_counter()
        try:
            self.finish()
            result.outcome = "pass"
        except Stop as stop:
            self.conclude(result, stop)
            self.clean_up(result)
        except DriverFault as fault:
            self.conclude(result, self.blame(fault))
        finally:
            self.runtime.on_import = None
            self.close()
        result.observations, result.pictures = self.observations, self.pictures
        if result.outcome != "pass":
            result.stderr = (self.log + self.runtime.take_stderr())[-STDERR_KEPT:]
        result.duration = round(self.spent + time.perf_counter() - began, 6)
        return result

    def abandon(self) -> None:
        """Take in the answers of a scenario that was begun and will not be played."""
        with contextlib.suppress(DriverFault):
            self.drain()
            if self.release is not None:
                self.runtime.reply(self.release)
        self.runtime.on_import = None
        self.close()

    # ------------------------------------------------------------- the frame

    def blame(self, fault: DriverFault) -> Stop:
        """What the loss of the process means: the fault of the step whose answer was due."""
        if self.blamed is not None:
            return Stop(fault.outcome, str(fault), self.blamed)
        if self.pending and not self.starting:
            return Stop(fault.outcome, str(fault), self.pending[0].step)
        when = "the scenario's objects were released" if self.released else "the guest was made ready"
        return Stop(fault.outcome, f"{fault}, while {when}")

    def check_requirements(self) -> None:
        wanted = self.scenario.host
        if wanted is not None and self.runtime.host_language() != wanted:
            raise Stop("unsupported", f"is about hosts in {wanted}, and this one is in {self.runtime.host_language()}")
        for feature in self.scenario.requires:
            if not self.runtime.supports(feature):
                raise Stop("unsupported", f"needs {feature}, which this runtime does not compile")

    def finish(self) -> None:
        """Take in and judge every answer, the release's last."""
        if self.end is not None:
            raise self.end
        self.collect()
        self.released = True
        assert self.release is not None
        reply = self.runtime.reply(self.release)
        if isinstance(reply, CallFailed):
            raise Stop("error", f"the driver could not release the scenario's objects: {reply}")

    def clean_up(self, result: Result) -> None:
        """After a scenario that stopped early: take in what is still due, then release everything."""
        if self.released:  # it was the release that was refused
            return
        try:
            if self.release is None:
                self.release = self.runtime.post("object.release", {"all": True})
            self.drain()
            self.runtime.reply(self.release)
        except DriverFault as fault:  # a later step, already sent, or the release itself
            result.message += f"; afterwards {fault}"

    def conclude(self, result: Result, stop: Stop) -> None:
        result.outcome, result.message = stop.outcome, " ".join(stop.message.split())
        step = stop.step
        result.where = str(step.where if step is not None else self.scenario.where)
        result.steps = [trace(step, happened, "ok") for step, happened in self.played]
        if stop.trace is not None:
            result.steps.append(stop.trace)
        elif step is not None:
            expected = str(step.expect) if step.expect is not None else None
            result.steps.append(StepTrace(step.text, str(step.where), "failed", expected, stop.message))
