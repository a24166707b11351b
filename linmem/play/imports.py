"""What instances import: objects, and host functions that scenarios script or a language's host serves."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from linmem.play import decoding
from linmem.play.findings import Findings
from linmem.play.guest import HostFault, LanguageHost
from linmem.play.pipeline import Pipeline
from linmem.play.scope import Instance
from linmem.play.stop import Stop
from linmem.protocol import CallFailed, DriverFault, DriverGarbage, ImportFailed
from linmem.scenario import model, values
from linmem.scenario.expressions import ExpressionError
from linmem.scenario.model import Step
from linmem.wasm.types import FuncType, Import, ModuleTypes

MAX_NESTING = 30  # how deep host functions and the guest may call each other

Serve = Callable[[list[int]], Sequence[int]]
"""A host function: its arguments and results are the bits of numbers."""


class Imports:
    """The imports of one scenario's instances, and the host functions among them."""

    def __init__(self, pipeline: Pipeline, findings: Findings, post: Callable[[Step], None]) -> None:
        self.pipeline, self.scope, self.findings = pipeline, pipeline.scope, findings
        self.post = post  # posts a step, for the host functions that the scenario gives as steps
        self.tokens: dict[str, tuple[FuncType, Serve]] = {}
        self.calls_back = False  # whether an instance has host functions, which any instance may then reach
        self.depth = 0  # of host functions that are running

    def collect_if_called(self) -> None:
        """Wait for what was posted, where it may call a host function: the driver then asks us in the middle of it."""
        if self.calls_back:
            self.pipeline.collect()

    def entries(
        self,
        instance: Instance,
        types: ModuleTypes | None,
        specs: Mapping[str, model.ImportSpec],
        host: LanguageHost | None,
        step: Step | None,
    ) -> list[dict[str, Any]]:
        """What to give for each import that a module declares, as `instance.create` wants it.

        Those that nobody provides are left out: the runtime has its own error for that.
        """
        entries = []
        for one in types.imports if types is not None else ():
            name = f"{one.module}.{one.name}"
            given: dict[str, Any] | None = None
            if name in specs:
                given = self.provided(name, one.type or FuncType(), specs[name], step)
            elif host is not None and one.type is not None and host.provides(one.module, one.name):
                given = self.host_function(name, one.type, self.language_function(host, one, instance))
            if given is not None:
                entries.append({"module": one.module, "name": one.name, **given})
        return entries

    def provided(self, name: str, signature: FuncType, spec: model.ImportSpec, step: Step | None) -> dict[str, Any]:
        """What the scenario gives for an import."""
        if isinstance(spec, model.HostFunction):
            return self.host_function(name, signature, self.scripted(spec, signature))
        if isinstance(spec, model.ImportedMemory):
            if spec.memory not in self.scope.objects and spec.memory.partition(".")[0] not in self.scope.instances:
                raise Stop("error", f"there is no memory '{spec.memory}' to import", step)
            asking = step or Step(spec.where, f"import the memory '{spec.memory}'", None, None, None)
            return {"object": self.pipeline.memory(spec.memory, asking)}
        if isinstance(spec, model.ImportedExport):
            if spec.instance not in self.scope.instances:
                raise Stop("error", f"there is no instance '{spec.instance}' to import from", step)
            provider = self.scope.instances[spec.instance]
            if provider.types is not None and spec.export not in provider.types.exports:
                exports = ", ".join(provider.types.exports) or "nothing"
                what = f"{spec.where}: '{spec.instance}' exports no '{spec.export}' to import; it exports: {exports}"
                raise Stop("error", what, step)
            return {"instance": provider.handle, "export": spec.export}
        if isinstance(spec, model.BoundGlobal):
            if spec.variable not in self.scope.objects:
                raise Stop("error", f"there is no global '{spec.variable}' to import", step)
            return {"object": self.scope.objects[spec.variable].handle}
        self.pipeline.wait_for(spec.value.names)
        try:
            bits = spec.value.bits(spec.type, self.scope.integers)
        except (values.ValueNotation, ExpressionError) as error:
            raise Stop("error", f"{spec.where}: the global can't be made: {error}", step) from None
        return {"global": {"type": spec.type, "mutable": spec.mutable, "value": str(bits)}}

    def host_function(self, name: str, signature: FuncType, serve: Serve) -> dict[str, Any]:
        self.pipeline.must_wait()  # it may be called as soon as the instance is made
        self.calls_back = True
        token = f"{len(self.tokens)}.{name}"
        self.tokens[token] = (signature, serve)
        return {"func": token, "type": {"params": signature.params, "results": signature.results}}

    def language_function(self, host: LanguageHost, wanted: Import, instance: Instance) -> Serve:
        access = Access(self.pipeline, self.findings, instance)
        return lambda args: host.call(wanted.module, wanted.name, list(map(int, args)), access)

    def scripted(self, spec: model.HostFunction, signature: FuncType) -> Serve:
        """A host function that a scenario gives as steps."""

        def serve(args: list[int]) -> Sequence[int]:
            if len(spec.params) > len(args):
                raise Stop(
                    "error",
                    f"{spec.where}: the host function names {len(spec.params)} arguments, the guest gives {len(args)}",
                )
            self.scope.integers.update(zip(spec.params, args, strict=False))
            for step in spec.steps:
                self.post(step)
            self.pipeline.collect()
            if spec.throw is not None:
                raise HostFault(spec.throw)
            if spec.trap is not None:
                raise ImportFailed("trap", spec.trap)
            if len(spec.returns) != len(signature.results):
                wanted, given = len(signature.results), len(spec.returns)
                raise Stop("error", f"{spec.where}: the host function must return {wanted} values, not {given}")
            try:
                pairs = zip(spec.returns, signature.results, strict=True)
                return [literal.bits(kind, self.scope.integers) for literal, kind in pairs]
            except (values.ValueNotation, ExpressionError) as error:
                raise Stop("error", f"{spec.where}: the host function can't return this: {error}") from None

        return serve

    def close(self) -> None:
        """Forget the host functions, which refer to all else."""
        self.tokens.clear()

    def serve(self, token: str, args: list[dict[str, str]]) -> Sequence[Mapping[str, str]]:
        """Play a host function while the guest's call is under way; the runtime's ``on_import``."""
        pipeline = self.pipeline
        if token not in self.tokens:  # an answer would leave the driver out of step, with other scenarios posted
            raise DriverGarbage(
                f"the driver broke the protocol: it called a host function that it was not given: {token[:100]}"
            )
        signature, function = self.tokens[token]
        outer, pipeline.pending = pipeline.pending, deque()
        self.depth += 1
        try:
            if self.depth > MAX_NESTING:
                raise Stop("error", f"the guest and host functions call each other more than {MAX_NESTING} levels deep")
            results = function(arguments(token, signature, args))
            pipeline.collect()
        except DriverFault:
            pipeline.blamed = pipeline.blamed or (pipeline.pending[0].step if pipeline.pending else None)
            raise
        except Stop as stop:
            pipeline.drain()
            if stop.step is None and outer and not pipeline.starting:
                stop = Stop(stop.outcome, stop.message, outer[0].step)
            stop = stop.with_traceback(None)  # which would keep the message that is being served
            pipeline.stopped = pipeline.stopped or stop  # the guest is unwound first, then the scenario ends with this
            raise ImportFailed("host", f"linmem ended the scenario: {stop.message}") from None
        except (HostFault, CallFailed) as fault:
            raise ImportFailed("host", str(fault)) from None
        finally:
            pipeline.pending = outer
            self.depth -= 1
        return [values.to_wire(kind, bits) for kind, bits in zip(signature.results, results, strict=True)]


def arguments(token: str, signature: FuncType, args: list[dict[str, str]]) -> list[int]:
    """The arguments of a host function's call, unsigned; a float's bits are marked as such."""
    if len(args) != len(signature.params):
        raise Stop("error", f"the driver gave {token} {len(args)} arguments, it takes {len(signature.params)}")
    try:
        return [decoding.number(arg, kind).bound() for arg, kind in zip(args, signature.params, strict=True)]
    except values.ValueNotation as error:
        raise Stop("error", f"the driver gave {token} an argument that makes no sense: {error}") from None


class Access:
    """A guest's instance as its language host uses it (`linmem.play.guest.GuestAccess`): every answer is awaited."""

    def __init__(self, pipeline: Pipeline, findings: Findings, instance: Instance) -> None:
        self.pipeline, self.findings, self.instance = pipeline, findings, instance

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        reply = self.pipeline.ask(method, params)
        if isinstance(reply, CallFailed):
            raise HostFault(f"{method}: {reply}")
        return reply

    def understood(self, understand: Callable[[], Any]) -> Any:
        try:
            return understand()
        except (decoding.BadAnswer, values.ValueNotation) as error:
            raise Stop("error", f"the driver's answer makes no sense: {error}") from None

    @property
    def memory(self) -> int:
        instance = self.instance
        names = instance.types.names("memory") if instance.types is not None else []
        if not names:
            raise HostFault("the guest exports no memory")
        if names[0] not in instance.memories:
            params = {"instance": instance.handle, "name": names[0]}
            handle = self.pipeline.runtime.post("memory.export", params)
            reply = self.pipeline.reply(handle)
            if isinstance(reply, CallFailed):
                raise HostFault(str(reply))
            instance.memories[names[0]] = handle
        return instance.memories[names[0]]

    def read(self, at: int, count: int) -> bytes:
        reply = self.ask(
            "memory.read", {"memory": self.memory, "at": at, "type": "bytes", "count": count, "view": None}
        )
        happened = self.understood(lambda: decoding.reading(reply, "bytes", count))
        data = getattr(happened, "data", b"")
        if len(data) != count:
            raise HostFault(f"reading {count} bytes at {at} gave {happened}")
        return bytes(data)

    def write(self, at: int, data: bytes) -> None:
        self.ask(
            "memory.write", {"memory": self.memory, "at": at, "type": "bytes", "value": {"bytes": data}, "view": None}
        )

    def call(self, export: str, args: Sequence[int]) -> list[int]:
        signature = self.instance.types.function(export) if self.instance.types is not None else None
        if signature is None:
            raise HostFault(f"the guest exports no function '{export}'")
        typed = [
            values.to_wire(kind, values.integer_bits(kind, arg))
            for kind, arg in zip(signature.params, args, strict=True)
        ]
        params = {"instance": self.instance.handle, "name": export, "args": typed, "results": signature.results}
        reply = self.pipeline.ask("function.call", params)
        if isinstance(reply, CallFailed):
            raise reply
        return [number.bits for number in self.understood(lambda: decoding.numbers(reply, signature.results))]

    def log(self, text: str) -> None:
        self.findings.print(text)
