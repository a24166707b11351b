"""What was asked of a runtime and is not answered yet.

Requests are posted ahead of their answers wherever the scenario allows it, so that a whole scenario costs one round
trip: an object is known by the id of the request that makes it, and an address that needs an earlier result is sent as
a reference to the request. When a step fails, later steps that were already sent have run too, but nothing of them is
reported.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from linmem.play import decoding
from linmem.play.findings import Findings
from linmem.play.scope import Instance, Scope, must_export
from linmem.play.stop import KINDS, Stop, outcome_of
from linmem.protocol import CallFailed, Compilation, DriverFault, Reply, Runtime
from linmem.scenario import expressions, values
from linmem.scenario.expectations import Literal, allows_no_value
from linmem.scenario.happened import Happened, Refused
from linmem.scenario.model import CALLER, Step, bound_as

SAFE_INTEGER = (1 << 53) - 1
TAKING = {
    "memory": ("memory", "memory.export"),
    "func": ("function", "function.export"),
    "global": ("global", "global.export"),
}
"""How each kind of export that a host can take is called, and the method that takes it."""

Understand = Callable[[dict[str, Any]], Happened]


class MustWait(Exception):
    """While a scenario is posted ahead of its turn: it can't go on before answers have come."""


@dataclass
class Pending:
    """A step whose answer is due. ``understand`` turns the driver's reply into what happened."""

    step: Step
    request: int
    understand: Understand


@dataclass
class AgentRequest:
    """A step's request that an agent makes."""

    pending: Pending
    method: str
    params: Mapping[str, Any]


class Pipeline:
    """One scenario's requests, in the order of their answers."""

    def __init__(self, runtime: Runtime, scope: Scope, findings: Findings) -> None:
        self.runtime, self.scope, self.findings = runtime, scope, findings
        self.pending: deque[Pending] = deque()
        self.asked: list[AgentRequest] | None = None  # where requests are kept, for an agent
        self.ahead = False  # whether it is not the scenario's turn yet, so that no answer can be awaited
        self.answered = False  # whether an answer has come
        self.dues = 0  # how many steps' requests were posted
        self.module: Compilation | None = None  # that of the guest's own instance, while its answer is due
        self.setup: list[int] = []  # requests that no step asked for; they must go through
        self.starting = False  # whether the answer to one of those is awaited
        self.stopped: Stop | None = None  # by a host function, while the guest was running
        self.blamed: Step | None = None  # whose fault it is if the process is lost now
        self.release: int | None = None  # the request that releases all objects
        self.released = False  # whether only its answer is due

    # --------------------------------------------------------------- posting

    @contextlib.contextmanager
    def apart(self) -> Iterator[list[AgentRequest]]:
        """Within, steps' requests are not posted: they are kept in this list, for an agent to make them.

        What they make is known by negative numbers, and bound to no name afterwards.
        """
        asked: list[AgentRequest] = []
        self.asked, objects = asked, self.scope.objects.copy()
        try:
            yield asked
        finally:
            self.asked, self.scope.objects = None, objects

    def due(self, step: Step, method: str, params: Mapping[str, Any], understand: Understand) -> int:
        """Post a step's request; its answer becomes due."""
        if self.asked is not None:
            pending = Pending(step, -1 - len(self.asked), understand)
            self.asked.append(AgentRequest(pending, method, params))
            return pending.request
        request = self.runtime.post(method, params)
        self.dues += 1
        self.pending.append(Pending(step, request, understand))
        if step.bind is not None:
            self.scope.integers.pop(step.bind, None)
            self.scope.bytes.pop(step.bind, None)
            if bound_as(step) == "value":
                self.scope.awaited[step.bind] = request
        return request

    def ask(self, method: str, params: Mapping[str, Any]) -> Reply:
        """Post a request and wait for its answer, before any other's."""
        return self.reply(self.runtime.post(method, params))

    def reply(self, request: int) -> Reply:
        """Wait for an answer."""
        self.must_wait()
        reply = self.runtime.reply(request)
        self.answered = True
        return reply

    def must_wait(self) -> None:
        """Raise `MustWait` where it is not the scenario's turn yet."""
        if self.ahead:
            raise MustWait

    def compiled(self, module: bytes, step: Step) -> int | CallFailed:
        """A module's handle. If the process is lost while it compiles, that is the fault of `step`."""
        compilation = self.runtime.compile(module)
        if compilation.answer is None:  # earlier steps' answers come first: the loss is not theirs
            self.collect()
        self.blamed = step
        compiled = self.settled(compilation)
        self.blamed = None
        return compiled

    def settled(self, compilation: Compilation) -> int | CallFailed:
        """A module's handle, once it is compiled."""
        if compilation.answer is not None:
            return self.runtime.compiled(compilation)
        self.must_wait()
        compiled = self.runtime.compiled(compilation)
        self.answered = True
        return compiled

    def take(self, kind: str, instance: Instance, export: str, step: Step) -> int:
        """Ask for an export of a kind (a key of `TAKING`), once more if it was asked for before; its handle."""
        word, method = TAKING[kind]
        must_export(instance, kind, word, export, step)
        params = {"instance": instance.handle, "name": export}
        request = self.quietly(step, f"get the guest's {word} '{export}'", method, params)
        self.note_page_size(request, instance, export)
        return request

    def quietly(self, step: Step, text: str, method: str, params: Mapping[str, Any]) -> int:
        """Post a request that a step needs first: it must simply go through."""
        request = self.runtime.post(method, params)
        self.pending.append(Pending(Step(step.where, text, None, None, None), request, decoding.done))
        return request

    def note_page_size(self, handle: int, instance: Instance, export: str) -> None:
        if instance.types is not None:
            self.scope.page_sizes[handle] = instance.types.exports[export].limits.page_size

    def memory(self, name: str, step: Step) -> int:
        """The handle of a memory by the name a step gives it."""
        if name in self.scope.objects:
            return self.scope.objects[name].handle
        owner, _, export = name.partition(".")
        if owner == CALLER:  # asked for anew each time: the next call may have another
            return self.quietly(step, f"get the caller's memory '{export}'", "memory.caller", {"name": export})
        instance, export = self.scope.owner(name, step)
        if export not in instance.memories:
            instance.memories[export] = self.take("memory", instance, export, step)
        return instance.memories[export]

    # ------------------------------------------------------ values of a step

    def wait_for(self, names: Iterable[str]) -> None:
        """Wait for results that a value needs."""
        if any(name in self.scope.awaited for name in names):
            self.collect()

    def known(self, expression: expressions.Expression) -> int:
        """An expression's value."""
        self.wait_for(expression.names)
        return expression.value(self.scope.integers)

    def reference(self, expression: expressions.Expression) -> dict[str, Any] | None:
        """A result that is still due, plus a constant, as the driver can add them up; None: not of this form."""
        base, offset = expression.base, expression.offset
        if offset is None or base is None or base not in self.scope.awaited:
            return None
        reference: dict[str, Any] = {"$ref": self.scope.awaited[base]}
        return {**reference, "+": wire_integer(offset)} if offset else reference

    def integer(self, expression: expressions.Expression) -> Any:
        """An address, index or count for the wire: an integer, or a reference to a result that is still due."""
        return self.reference(expression) or wire_integer(self.known(expression))

    def argument(self, literal: Literal, kind: str) -> dict[str, Any]:
        """A typed value for the wire, possibly a reference."""
        if literal.expression is not None:
            reference = self.reference(literal.expression) if not values.is_float(kind) else None
            if reference is not None:
                return {"type": kind, "value": reference}
            self.wait_for(literal.expression.names)
        return values.to_wire(kind, literal.bits(kind, self.scope.integers))

    # ------------------------------------------------------------ collecting

    def collect(self) -> None:
        """Take in every answer that is due, in order, and judge it."""
        self.confirm_setup()
        while self.pending:
            item = self.pending[0]
            reply = self.reply(item.request)
            self.pending.popleft()
            self.raise_stopped()
            self.findings.judge(item.step, understood(item, reply, self.findings.unmade))
        self.raise_stopped()

    def confirm_setup(self) -> None:
        """Wait for what no step asked for, the guest's own instance. It comes before any step's answer."""
        if self.module is not None:
            self.must_wait()
            self.starting = True
            compiled = self.settled(self.module)
            self.starting, self.module = False, None
            if isinstance(compiled, CallFailed):
                raise Stop(outcome_of(compiled), f"the module could not be compiled: {Refused(compiled)}")
        while self.setup:
            self.must_wait()
            self.starting = True
            reply = self.reply(self.setup.pop(0))  # popped first: a start function may call us back
            self.starting = False
            self.raise_stopped()
            if isinstance(reply, CallFailed):
                raise Stop(outcome_of(reply), f"the guest could not be started: {Refused(reply)}")

    def raise_stopped(self) -> None:
        if self.stopped is not None:
            raise self.stopped

    def drain(self) -> None:
        """Take in the answers to what was sent ahead of a stop, and judge none."""
        while self.setup:
            self.reply(self.setup.pop(0))
        while self.pending:
            self.reply(self.pending.popleft().request)

    # ------------------------------------------------------------ the end

    def post_release(self) -> None:
        self.release = self.runtime.post("object.release", {"all": True})

    def finish(self) -> None:
        """Take in and judge every answer, the release's last."""
        self.collect()
        self.released = True
        assert self.release is not None
        reply = self.reply(self.release)
        if isinstance(reply, CallFailed):
            raise Stop("error", f"the driver could not release the scenario's objects: {reply}")

    def give_up(self) -> None:
        """After a stop: take in what is still due and release everything. Raises `DriverFault`."""
        if self.released:  # it was the release that was refused
            return
        if self.release is None:
            self.post_release()
        self.drain()
        assert self.release is not None
        self.reply(self.release)

    def blame(self, fault: DriverFault) -> Stop:
        """What the loss of the process means: the fault of the step whose answer was due."""
        if self.blamed is not None:
            return Stop(fault.outcome, str(fault), self.blamed)
        if self.pending and not self.starting:
            return Stop(fault.outcome, str(fault), self.pending[0].step)
        when = "the scenario's objects were released" if self.released else "the guest was made ready"
        return Stop(fault.outcome, f"{fault}, while {when}")


def understood(item: Pending, reply: Reply, unmade: str | None = None) -> Happened:
    """What a reply means.

    What the host API does not offer, and what could not be asked because an earlier step was refused, ends the
    scenario, unless the step only observes: then its question stays open. So it is for what could not be asked where
    no value is expected. ``unmade`` is why the host API had no way to make what later steps build on: then they are
    beyond it, too.
    """
    step = item.step
    if isinstance(reply, CallFailed):
        only_observed = step.observe is not None and step.expect is None
        if reply.unsupported and not (only_observed and reply.kind == "unsupported"):
            raise Stop("unsupported", reply.lack, step)
        if reply.kind == "skipped" and not only_observed and unmade is not None:
            raise Stop("unsupported", unmade, step)
        no_value = step.observe is not None and allows_no_value(step.expect)
        if reply.kind == "skipped" and not only_observed and not no_value:
            raise Stop("error", "an earlier step that this one builds on gave nothing", step)
        if reply.kind not in KINDS:
            raise Stop("error", f"the driver refused it ({reply.code}): {reply.message}", step)
        return Refused(reply)
    try:
        return item.understand(reply)
    except decoding.WrongInteger as wrong:
        raise Stop("fail", f"{step.text}: {wrong}", step) from None
    except (decoding.BadAnswer, values.ValueNotation) as error:
        raise Stop("error", f"the driver's answer makes no sense: {error}", step) from None


def wire_integer(value: int) -> int | str:
    """An integer as the protocol carries it: a JSON number while every host reads it exactly, else a string."""
    return int(value) if -SAFE_INTEGER <= value <= SAFE_INTEGER else str(int(value))
