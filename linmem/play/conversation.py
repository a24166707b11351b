"""The runner's conversation with a runtime: what was posted, what is due, and how answers are judged.

Requests are posted ahead of their answers wherever the scenario allows it: an object is known by the id of the
request that makes it, and an address that needs an earlier result is sent as a reference to it.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from linmem.play import decoding
from linmem.play.guest import Guest, LanguageHost
from linmem.play.wasi import Provision
from linmem.protocol import CallFailed, Runtime
from linmem.results.outcome import Observed, Picture, StepTrace
from linmem.scenario import expressions, model, values
from linmem.scenario.expectations import Literal, NoValue
from linmem.scenario.happened import Happened, Number, Refused, Short, answer
from linmem.scenario.model import GUEST, MEMORY, Scenario, Step
from linmem.wasm.types import FuncType, ModuleTypes

SAFE_INTEGER = (1 << 53) - 1
STDERR_KEPT = 8 * 1024  # characters
MAX_NESTING = 30  # how deep host functions and the guest may call each other
TAKING = {
    "memory": ("memory", "memory.export"),
    "func": ("function", "function.export"),
    "global": ("global", "global.export"),
}
"""How each kind of export that a host can take is called, and the method that takes it."""
KINDS = ("compile", "link", "trap", "exit", "host", "skipped", "unsupported")


@dataclass(frozen=True)
class Module:
    """A module ready to be sent: its bytes and what could be read of its types (None: unreadable)."""

    data: bytes
    types: ModuleTypes | None


@dataclass
class Instance:
    """An instance, with the memories and globals of it that were taken."""

    handle: int
    types: ModuleTypes | None
    memories: dict[str, int]
    globals: dict[str, int] = field(default_factory=dict)
    host: LanguageHost | None = None  # that serves its language's imports


@dataclass
class Pending:
    """A step whose answer is due. ``understand`` turns the driver's reply into what happened."""

    step: Step
    request: int
    understand: Callable[[dict[str, Any]], Happened]


class Stop(Exception):
    """The scenario is decided before its end."""

    def __init__(self, outcome: str, message: str, step: Step | None = None, trace: StepTrace | None = None) -> None:
        self.outcome, self.message, self.step, self.trace = outcome, message, step, trace
        super().__init__(message)


class Conversation:
    """One scenario's state while it is played."""

    def __init__(
        self,
        scenario: Scenario,
        runtime: Runtime,
        modules: Mapping[str, Module],
        guest: Guest | None = None,
        view: str | None = None,
    ) -> None:
        self.scenario, self.runtime, self.modules, self.guest, self.view = scenario, runtime, modules, guest, view
        self.wasi = Provision(scenario.wasi) if scenario.wasi is not None else None
        self.integers: dict[str, int] = {}
        self.awaited: dict[str, int] = {}  # name → request whose answer will give it
        self.objects: dict[str, int] = {}
        self.view_units: dict[str, int] = {}
        self.function_types: dict[str, FuncType] = {}  # of kept functions
        self.page_sizes: dict[int, int] = {}  # memory's handle → bytes
        self.global_types: dict[str, str] = {}  # of globals that were made or kept
        self.instances: dict[str, Instance] = {}
        self.pending: deque[Pending] = deque()
        self.played: list[tuple[Step, Happened]] = []
        self.observations: list[Observed] = []
        self.pictures: list[Picture] = []
        self.log = ""  # the end of what the guest printed through its language's host
        self.tokens: dict[str, tuple[FuncType, Callable[[list[int]], Sequence[int]]]] = {}
        self.calls_back = False  # whether an instance has host functions, which any instance may then reach
        self.depth = 0  # of host functions that are running
        self.stopped: Stop | None = None
        self.blamed: Step | None = None  # the step of a host function in which the process was lost
        self.release: int | None = None
        self.setup: list[int] = []  # requests no step asked for; they must go through
        self.released = False  # whether all steps went well and only the release's answer is due
        self.starting = False  # whether the answer to one of those is awaited

    def close(self) -> None:
        """Remove what the scenario's guests had on disk."""
        if self.wasi is not None:
            self.wasi.close()

    def drain(self) -> None:
        """Take in the answers to what was sent ahead of a stop."""
        while self.setup:
            self.runtime.reply(self.setup.pop(0))
        while self.pending:
            self.runtime.reply(self.pending.popleft().request)

    # ------------------------------------------------------------ collecting

    def collect(self) -> None:
        """Take in every answer that is due, in order, and judge it."""
        self.confirm_setup()
        while self.pending:
            item = self.pending[0]
            reply = self.runtime.reply(item.request)
            self.pending.popleft()
            if self.stopped is not None:
                raise self.stopped
            self.judge(item.step, self.understood(item, reply))
        if self.stopped is not None:
            raise self.stopped

    def confirm_setup(self) -> None:
        """Wait for what no step asked for: the guest's own instance and its memory.

        They come before any pending step's answer.
        """
        while self.setup:
            self.starting = True
            reply = self.runtime.reply(self.setup.pop(0))  # popped first: a start function may call us back
            self.starting = False
            if self.stopped is not None:
                raise self.stopped
            if isinstance(reply, CallFailed):
                self.give_up_on_setup(reply)

    def give_up_on_setup(self, failure: CallFailed) -> None:
        raise Stop(outcome_of(failure), f"the guest could not be started: {Refused(failure)}")

    def understood(self, item: Pending, reply: dict[str, Any] | CallFailed) -> Happened:
        """What a reply means. What a host API does not offer is an answer where a step only observes, else the end.

        What could not be asked, because an earlier step was refused, is one too, also where no value is expected.
        """
        if isinstance(reply, CallFailed):
            only_observed = item.step.observe is not None and item.step.expect is None
            if reply.unsupported and not (only_observed and reply.kind == "unsupported"):
                raise Stop("unsupported", reply.message or "the driver can't do this", item.step)
            no_value = item.step.observe is not None and isinstance(item.step.expect, NoValue)
            if reply.kind == "skipped" and not only_observed and not no_value:
                raise Stop("error", "an earlier step that this one builds on gave nothing", item.step)
            if reply.kind not in KINDS:
                raise Stop("error", f"the driver refused it ({reply.code}): {reply.message}", item.step)
            return Refused(reply)
        try:
            return item.understand(reply)
        except decoding.WrongInteger as wrong:
            raise Stop("fail", f"{item.step.text}: {wrong}", item.step) from None
        except (decoding.BadAnswer, values.ValueNotation) as error:
            raise Stop("error", f"the driver's answer makes no sense: {error}", item.step) from None

    def judge(self, step: Step, happened: Happened) -> None:
        """Record an observation, hold the expectation against it, bind the result."""
        if step.observe is not None:
            word = self.word(step.observe, happened)
            self.observations.append(Observed(step.observe.id, word, str(happened), str(step.where)))
        try:
            good = step.expect.holds(happened, self.integers) if step.expect is not None else None
        except (values.ValueNotation, expressions.ExpressionError) as error:
            raise Stop("error", f"'expect' can't be compared: {error}", step) from None
        if good is None:
            good = step.observe is not None or not isinstance(happened, Refused | Short)
        if not good:
            wanted = f"expected {step.expect}, " if step.expect is not None else ""
            raise Stop("fail", f"{step.text}: {wanted}got {happened}", step, trace(step, happened, "failed"))
        if type(step) is not Step:
            self.played.append((step, happened))
        if step.bind is not None and not isinstance(step, model.MAKERS):
            self.awaited.pop(step.bind, None)
            if isinstance(happened, Number):
                self.integers[step.bind] = happened.bound()
            elif step.observe is None:
                raise Stop("fail", f"{step.text}: there is no value to bind to '{step.bind}', got {happened}", step)

    def word(self, observe: model.Observe, happened: Happened) -> str:
        """How the suite words what was seen."""
        raw = answer(happened)
        if raw in observe.answers:
            return observe.answers[raw]
        if isinstance(happened, Number) and not values.is_float(happened.kind):
            for expression, word in observe.computed.items():
                with contextlib.suppress(expressions.ExpressionError):  # a name that is not bound, a division by zero
                    if expression.value(self.integers) == happened.bits:
                        return word
        return raw

    # --------------------------------------------------------------- posting

    def due(
        self,
        step: Step,
        method: str,
        params: Mapping[str, Any],
        understand: Callable[[dict[str, Any]], Happened],
    ) -> int:
        request = self.runtime.post(method, params)
        self.pending.append(Pending(step, request, understand))
        if step.bind is not None:
            self.integers.pop(step.bind, None)
            if not isinstance(step, model.MAKERS):
                self.awaited[step.bind] = request
        return request

    def object(self, name: str, step: Step) -> int:
        """The handle of a bound memory, view, function or global."""
        if name not in self.objects:
            raise Stop("error", f"there is no '{name}' here: it was released, or not made yet", step)
        return self.objects[name]

    def integer(self, expression: expressions.Expression) -> Any:
        """An address, index or count for the wire: an integer, or a reference to a result that is still due."""
        base, offset = expression.base, expression.offset
        if offset is not None and base is not None and base in self.awaited:
            reference: dict[str, Any] = {"$ref": self.awaited[base]}
            return {**reference, "+": wire_integer(offset)} if offset else reference
        if any(name in self.awaited for name in expression.names):
            self.collect()
        return wire_integer(expression.value(self.integers))

    def argument(self, literal: Literal, kind: str) -> dict[str, Any]:
        """A typed value for the wire, possibly a reference."""
        expression = literal.expression
        if expression is not None and expression.names and not values.is_float(kind):
            if expression.offset is not None and expression.base in self.awaited:
                return {"type": kind, "value": self.integer(expression)}
            if any(name in self.awaited for name in expression.names):
                self.collect()
        elif expression is not None and any(name in self.awaited for name in expression.names):
            self.collect()
        return values.to_wire(kind, literal.bits(kind, self.integers))

    def memory(self, name: str, step: Step) -> int:
        """The handle of a memory by the name a step gives it."""
        if name in self.objects:
            return self.objects[name]
        instance, export = self.owner(name, step)
        if export not in instance.memories:
            instance.memories[export] = self.take("memory", instance, export, step)
        return instance.memories[export]

    def owner(self, name: str, step: Step) -> tuple[Instance, str]:
        """The instance and its export that a name speaks of: ``instance.export``, or an export of the guest."""
        owner, dot, export = name.partition(".")
        if not dot or owner not in self.instances:
            owner, export = GUEST, name
        instance = self.instances.get(owner)
        if instance is None:
            raise Stop("error", f"there is no instance '{owner}' here", step)
        return instance, self.only_memory(instance, step) if export == MEMORY else export

    def only_memory(self, instance: Instance, step: Step) -> str:
        """What an instance's only memory is exported as."""
        exported = instance.types.names("memory") if instance.types is not None else [MEMORY]
        if MEMORY in exported:
            return MEMORY
        if len(exported) != 1:
            found = ", ".join(exported) or "none"
            raise Stop(
                "error", f"the guest must export one memory, or the step must name it ('in'); it exports: {found}", step
            )
        return exported[0]

    def take(self, kind: str, instance: Instance, export: str, step: Step) -> int:
        """Ask for an export of a kind (a key of `TAKING`), once more if it was asked for before; its handle."""
        word, method = TAKING[kind]
        self.must_export(kind, instance, export, step)
        request = self.runtime.post(method, {"instance": instance.handle, "name": export})
        self.pending.append(Pending(quiet(step, f"get the guest's {word} '{export}'"), request, decoding.done))
        if kind == "memory" and instance.types is not None:
            self.page_sizes[request] = instance.types.exports[export].page_size
        return request

    def must_export(self, kind: str, instance: Instance, export: str, step: Step) -> None:
        word, _ = TAKING[kind]
        exported = instance.types.names(kind) if instance.types is not None else [export]
        if export not in exported:
            found = ", ".join(exported) or "none"
            raise Stop("error", f"the guest exports no {word} '{export}'; it exports: {found}", step)


def trace(step: Step, happened: Happened, status: str) -> StepTrace:
    """How a step went, for the report."""
    expected = str(step.expect) if step.expect is not None else None
    raw = happened.failure.text if isinstance(happened, Refused) else None
    return StepTrace(step.text, str(step.where), status, expected, str(happened), raw)


def outcome_of(failure: CallFailed) -> str:
    """The outcome of a scenario that can't go on after this refusal."""
    if failure.unsupported:
        return "unsupported"
    return "fail" if failure.kind in KINDS else "error"


def quiet(step: Step, text: str) -> Step:
    """A stand-in for a request that a step needs first: it must simply go through."""
    return Step(step.where, text, None, None, None)


def wire_integer(value: int) -> int | str:
    """An integer as the protocol carries it: a JSON number while every host reads it exactly, else a string."""
    return value if -SAFE_INTEGER <= value <= SAFE_INTEGER else str(value)
