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
from collections.abc import Callable
from typing import Any

from suites import decoding, expressions, model, values
from suites.conversation import STDERR_KEPT, Instance, Module, Stop, trace, wire_integer
from suites.expectations import Literal
from suites.happened import Done, Happened, Numbers
from suites.hosting import Hosting
from suites.interface import CallFailed, DriverFault
from suites.model import GUEST, Step
from suites.names import makes_own_instances
from suites.outcome import Result, StepTrace
from suites.wasm_types import FuncType

__all__ = ["Module", "Player"]


class Player(Hosting):
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
        result.observations = self.observations
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

    # --------------------------------------------------------------- posting

    def post(self, step: Step) -> None:
        """Send a step's request; its answer becomes due. Where it can't be sent, earlier steps are judged first."""
        try:
            _POST[type(step)](self, step)
        except (values.ValueNotation, expressions.ExpressionError) as error:
            self.collect()
            raise Stop("error", str(error), step) from None
        except Stop as stop:
            if stop.step is step:
                self.collect()
            raise

    def scaled(self, step: model.Read | model.Write, unit: int) -> Any:
        """A byte offset as an index of a view whose index counts `unit` bytes."""
        if unit == 1:
            return self.integer(step.at)
        return wire_integer(whole(self.known(step.at), unit, step.at))

    def known(self, expression: expressions.Expression) -> int:
        """The expression's value, for which answers are waited where it needs them."""
        if any(name in self.awaited for name in expression.names):
            self.collect()
        return expression.value(self.integers)

    def post_call(self, step: model.Call) -> None:
        instance = self.instances.get(step.on)
        if instance is None:
            raise Stop("error", f"there is no instance '{step.on}' here", step)
        signature = self.signature(instance, step)
        args = [self.argument(literal, kind) for literal, kind in zip(step.args, signature.params, strict=True)]
        results = signature.results

        def understand(reply: dict[str, Any]) -> Happened:
            numbers = decoding.numbers(reply, results)
            return numbers[0] if len(numbers) == 1 else Numbers(tuple(numbers)) if numbers else Done()

        if step.bind is not None and len(results) != 1:
            raise Stop("error", f"'{step.export}' gives {len(results)} results, and 'as' binds one", step)
        params: dict[str, Any] = {"instance": instance.handle, "name": step.export, "args": args, "results": results}
        if self.calls_back:
            self.collect()
        self.due(step, "function.call", params, understand)
        if self.calls_back or (step.bind is not None and values.is_float(results[0])):  # a float is no reference
            self.collect()

    def signature(self, instance: Instance, step: model.Call) -> FuncType:
        if instance.types is None:
            raise Stop("error", "the module's types can't be read, so its functions can't be called", step)
        signature = instance.types.function(step.export)
        exported = instance.types.names("func")
        if signature is None and step.export in exported:
            raise Stop("error", f"the type of '{step.export}' can't be read, so it can't be called", step)
        if signature is None:
            known = ", ".join(exported) or "none"
            raise Stop("error", f"the guest exports no function '{step.export}'; it exports: {known}", step)
        if len(signature.params) != len(step.args):
            raise Stop(
                "error",
                f"'{step.export}' takes {len(signature.params)} arguments, the step gives {len(step.args)}",
                step,
            )
        return signature

    def fresh_kind(self, step: model.Read | model.Write) -> str | None:
        kind = self.view if step.kind == "each" else step.kind
        if kind is not None and self.runtime.unit(kind) is None:
            raise Stop("unsupported", f"this runtime has no view kind '{kind}'", step)
        if kind is None and self.runtime.view_for(step.type) is None:
            raise Stop("unsupported", f"this runtime's host API has no way to {step.text}", step)
        return kind

    def post_read(self, step: model.Read) -> None:
        extra: dict[str, Any] = {}
        unit = self.unit_of(step.through, step) if step.through is not None else 1
        asked = values.MEMORY_TYPES.get(step.type, 0)
        if step.count is not None:
            asked = self.known(step.count)
            extra["count"] = wire_integer(whole(asked, unit, step.count))

        def understand(reply: dict[str, Any]) -> Happened:
            return decoding.reading(reply, step.type, asked)

        if step.through is not None:
            index = self.scaled(step, unit)
            params = {"view": self.object(step.through, step), "index": index, "type": step.type, **extra}
            self.due(step, "view.read", params, understand)
        else:
            kind = self.fresh_kind(step)
            memory = self.memory(step.memory, step)
            params = {"memory": memory, "at": self.integer(step.at), "type": step.type, "view": kind, **extra}
            self.due(step, "memory.read", params, understand)
        if step.bind is not None and values.is_float(step.type):  # a float is no reference
            self.collect()

    def post_write(self, step: model.Write) -> None:
        value = {"bytes": step.value} if isinstance(step.value, bytes) else self.written(step.type, step.value)
        if step.through is not None:
            index = self.scaled(step, self.unit_of(step.through, step))
            params = {"view": self.object(step.through, step), "index": index, "type": step.type, "value": value}
            self.due(step, "view.write", params, decoding.done)
            return
        kind = self.fresh_kind(step)
        memory = self.memory(step.memory, step)
        params = {"memory": memory, "at": self.integer(step.at), "type": step.type, "value": value, "view": kind}
        self.due(step, "memory.write", params, decoding.done)

    def written(self, kind: str, literal: Literal) -> dict[str, Any]:
        """The value of a write: integers as they stand, also out of range, because hosts differ there."""
        if values.is_float(kind):
            return self.argument(literal, kind)
        if literal.expression is None:
            raise values.ValueNotation(f"'{literal.raw}' is not an integer, as {kind} needs")
        return {"type": kind, "value": str(self.known(literal.expression))}

    def post_grow(self, step: model.Grow) -> None:
        params = {"memory": self.memory(step.memory, step), "delta": self.integer(step.delta)}
        self.due(step, "memory.grow", params, decoding.pages)

    def post_size(self, step: model.Size) -> None:
        self.due(step, "memory.size", {"memory": self.memory(step.memory, step)}, decoding.pages)

    def post_view(self, step: model.OpenView) -> None:
        assert step.bind is not None
        kind = self.view if step.kind == "each" else None if step.kind == "default" else step.kind
        unit = self.runtime.unit(kind or self.runtime.view_for("u8") or "")
        if unit is None:
            raise Stop("unsupported", f"this runtime has no view kind '{kind or 'for u8'}'", step)
        params: dict[str, Any] = {"memory": self.memory(step.memory, step), "kind": kind}
        if step.offset is not None:
            params["offset"] = self.integer(step.offset)
        if step.count is not None:
            params["length"] = self.integer(step.count)
        self.objects[step.bind] = self.due(step, "view.open", params, decoding.done)
        self.awaited.pop(step.bind, None)
        self.view_units[step.bind] = unit

    def post_length(self, step: model.ViewLength) -> None:
        unit = self.unit_of(step.view, step)
        params = {"view": self.object(step.view, step)}
        self.due(step, "view.length", params, lambda reply: decoding.length(reply, unit))
        if step.bind is not None and unit != 1:  # a reference would give units, not bytes
            self.collect()

    def unit_of(self, view: str, step: Step) -> int:
        """How many bytes an index of a kept view counts."""
        self.object(view, step)
        return self.view_units[view]

    def post_memory(self, step: model.MakeMemory) -> None:
        assert step.bind is not None
        params = {
            "min": self.integer(step.min),
            "max": self.integer(step.max) if step.max is not None else None,
            "shared": step.shared,
            "index": step.index,
        }
        self.objects[step.bind] = self.due(step, "memory.create", params, decoding.done)
        self.awaited.pop(step.bind, None)

    def post_release(self, step: model.Release) -> None:
        handles: list[int] = []
        for name in step.objects:
            if name in self.objects:
                handles.append(self.objects.pop(name))
            elif name in self.instances:
                instance = self.instances.pop(name)
                handles += [instance.handle, *instance.memories.values()]
        self.due(step, "object.release", {"objects": handles}, decoding.done)

    def post_instantiate(self, step: model.Instantiate) -> None:
        assert step.bind is not None
        self.instantiate(step.module, step.bind, {**self.scenario.imports, **step.imports}, step)


def whole(offset: int, unit: int, shown: object) -> int:
    """A number of bytes in units of `unit` bytes. Raises `ExpressionError` where it is no whole number of them."""
    count, rest = divmod(offset, unit)
    if rest:
        raise expressions.ExpressionError(f"{shown} bytes are no whole number of indices: one counts {unit} bytes")
    return count


_POST: dict[type[Step], Callable[[Player, Any], None]] = {
    model.Call: Player.post_call,
    model.Read: Player.post_read,
    model.Write: Player.post_write,
    model.Grow: Player.post_grow,
    model.Size: Player.post_size,
    model.OpenView: Player.post_view,
    model.ViewLength: Player.post_length,
    model.MakeMemory: Player.post_memory,
    model.Release: Player.post_release,
    model.Instantiate: Player.post_instantiate,
}
