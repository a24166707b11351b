"""Instances and their host side: imports, host functions that scenarios script, and language hosts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from linmem.play import decoding
from linmem.play.conversation import MAX_NESTING, STDERR_KEPT, Conversation, Instance, Stop, outcome_of
from linmem.play.guest import GuestAccess, HostFault, LanguageHost
from linmem.play.wasi import Provision
from linmem.protocol import FAILED, CallFailed, DriverFault, ImportFailed
from linmem.scenario import model, values, wasi
from linmem.scenario.expressions import ExpressionError
from linmem.scenario.happened import Refused
from linmem.scenario.model import GUEST, Step
from linmem.wasm.types import FuncType, ModuleTypes


class Hosting(Conversation):
    """A conversation that can instantiate modules and serve what they import."""

    def post(self, step: Step) -> None:
        """Send a step's request; its answer becomes due."""
        raise NotImplementedError

    # --------------------------------------------------------- instantiation

    def instantiate(
        self, module_name: str, name: str, imports: Mapping[str, model.ImportSpec], step: Step | None
    ) -> None:
        """Compile and instantiate a module, with its language's host where it needs one."""
        module = self.modules[module_name]
        if step is not None:
            self.collect()  # so that a process lost while it compiles is not blamed on an earlier step
        self.blamed = step
        compiled = self.runtime.compiled(module.data)
        self.blamed = None
        if isinstance(compiled, CallFailed):
            self.refused(compiled, step)
            return
        guest = self.guest if module_name == GUEST else None
        glued = guest is not None and guest.glue is not None and self.runtime.runs_glue(guest.glue.kind)
        host = guest.host() if guest is not None and guest.host is not None and not glued else None
        if glued and guest is not None and guest.fallback is not None:
            host = guest.fallback()
        instance = Instance(0, module.types, {})
        entries = self.imports(instance, module.types, imports, host, step)
        self.calls_back = self.calls_back or any("func" in entry for entry in entries)
        params: dict[str, Any] = {"module": compiled, "imports": entries, "glue": None}
        if glued and guest is not None and guest.glue is not None:
            params["glue"] = {"kind": guest.glue.kind, "path": str(guest.glue.path)}
        if self.wasi is not None and wasi.concerns(module.types):
            params["wasi"] = self.own_wasi(self.wasi, step)
        if self.calls_back:
            self.collect()
        self.instances[name] = instance
        if step is not None:
            instance.handle = self.due(step, "instance.create", params, decoding.done)
        else:
            instance.handle = self.runtime.post("instance.create", params)
            self.setup.append(instance.handle)
        if self.calls_back:
            self.collect()
        if host is not None and not glued:
            instance.host = host
            self.start_language(instance, host)

    def own_wasi(self, provision: Provision, step: Step | None) -> Mapping[str, Any]:
        """What the runtime's own WASI is told, if there is one."""
        if not self.runtime.brings_wasi(wasi.VERSION):
            raise Stop("unsupported", f"needs the runtime's own WASI {wasi.VERSION}, and its driver has none", step)
        try:
            return provision.params()
        except OSError as error:
            raise Stop("error", f"{provision.wasi.where}: the files can't be made: {error}", step) from None

    def refused(self, failure: CallFailed, step: Step | None) -> None:
        """The module was not compiled: the instantiating step's own affair, or the end."""
        self.collect()
        outcome = outcome_of(failure)
        if step is None or outcome != "fail":
            raise Stop(outcome, f"the module could not be compiled: {Refused(failure)}", step)
        self.judge(step, Refused(failure))

    def start_language(self, instance: Instance, host: LanguageHost) -> None:
        self.collect()
        self.starting = True
        try:
            host.start(Access(self, instance))
            if host.ended is not None:  # a driver with glue says it so
                raise CallFailed(FAILED, str(host.ended), {"kind": "exit"})
        except (CallFailed, HostFault) as error:
            if self.stopped is not None:
                raise self.stopped from None
            outcome = outcome_of(error) if isinstance(error, CallFailed) else "fail"
            reason = Refused(error) if isinstance(error, CallFailed) else error
            raise Stop(outcome, f"the guest could not be started: {reason}") from None
        self.starting = False

    def imports(
        self,
        instance: Instance,
        types: ModuleTypes | None,
        specs: Mapping[str, model.ImportSpec],
        host: LanguageHost | None,
        step: Step | None,
    ) -> list[dict[str, Any]]:
        """What to give for each import the module declares; those that nobody provides are left to the runtime's link
        error.
        """
        entries: list[dict[str, Any]] = []
        for wanted in types.imports if types is not None else ():
            spec = specs.get(f"{wanted.module}.{wanted.name}")
            entry: dict[str, Any] = {"module": wanted.module, "name": wanted.name}
            if isinstance(spec, model.HostFunction):
                signature = wanted.type or FuncType()
                entry.update(
                    self.host_function(f"{wanted.module}.{wanted.name}", signature, self.scripted(spec, signature))
                )
            elif isinstance(spec, model.ImportedMemory):
                entry["object"] = self.imported_memory(spec.memory, step)
            elif isinstance(spec, model.ImportedExport):
                if spec.instance not in self.instances:
                    raise Stop("error", f"there is no instance '{spec.instance}' to import from", step)
                entry.update(instance=self.instances[spec.instance].handle, export=spec.export)
            elif isinstance(spec, model.ImportedGlobal):
                bits = self.initial(spec, step)
                entry["global"] = {"type": spec.type, "mutable": spec.mutable, "value": str(bits)}
            elif isinstance(spec, model.BoundGlobal):
                if spec.variable not in self.objects:
                    raise Stop("error", f"there is no global '{spec.variable}' to import", step)
                entry["object"] = self.objects[spec.variable]
            elif host is not None and wanted.type is not None and host.provides(wanted.module, wanted.name):
                served = self.language_function(host, wanted.module, wanted.name, instance)
                entry.update(self.host_function(f"{wanted.module}.{wanted.name}", wanted.type, served))
            else:
                continue
            entries.append(entry)
        return entries

    def initial(self, spec: model.ImportedGlobal, step: Step | None) -> int:
        """The bits that a new global starts with."""
        if any(name in self.awaited for name in spec.value.names):
            self.collect()
        try:
            return spec.value.bits(spec.type, self.integers)
        except (values.ValueNotation, ExpressionError) as error:
            raise Stop("error", f"{spec.where}: the global can't be made: {error}", step) from None

    def imported_memory(self, name: str, step: Step | None) -> int:
        if name not in self.objects and name.partition(".")[0] not in self.instances:
            raise Stop("error", f"there is no memory '{name}' to import", step)
        return self.memory(name, step or self.scenario.steps[0])

    def host_function(
        self, name: str, signature: FuncType, serve: Callable[[list[int]], Sequence[int]]
    ) -> dict[str, Any]:
        token = f"{len(self.tokens)}.{name}"
        self.tokens[token] = (signature, serve)
        return {"func": token, "type": {"params": signature.params, "results": signature.results}}

    # -------------------------------------------------------- host functions

    def serve(self, token: str, args: list[dict[str, str]]) -> Sequence[Mapping[str, str]]:
        """Play a host function while the guest's call is under way."""
        signature, function = self.tokens.get(token, (FuncType(), None))
        outer, self.pending = self.pending, deque()
        self.depth += 1
        try:
            if self.depth > MAX_NESTING:
                raise Stop("error", f"the guest and host functions call each other more than {MAX_NESTING} levels deep")
            if function is None:
                raise Stop("error", f"the driver called a host function that it was not given: {token[:100]}")
            results = function(self.given(token, signature, args))
            self.collect()
        except DriverFault:
            self.blamed = self.blamed or (self.pending[0].step if self.pending else None)
            raise
        except Stop as stop:
            self.drain()
            if stop.step is None and outer and not self.starting:
                stop = Stop(stop.outcome, stop.message, outer[0].step)
            self.stopped = self.stopped or stop  # the guest is unwound first, then the scenario ends with this
            raise ImportFailed("host", f"linmem ended the scenario: {stop.message}") from None
        except (HostFault, CallFailed) as fault:
            raise ImportFailed("host", str(fault)) from None
        finally:
            self.pending = outer
            self.depth -= 1
        return [values.to_wire(kind, bits) for kind, bits in zip(signature.results, results, strict=True)]

    def given(self, token: str, signature: FuncType, args: list[dict[str, str]]) -> list[int]:
        """The arguments of a host function's call, unsigned; a float's bits are marked as such."""
        if len(args) != len(signature.params):
            raise Stop("error", f"the driver gave {token} {len(args)} arguments, it takes {len(signature.params)}")
        try:
            return [decoding.number(arg, kind).bound() for arg, kind in zip(args, signature.params, strict=True)]
        except values.ValueNotation as error:
            raise Stop("error", f"the driver gave {token} an argument that makes no sense: {error}") from None

    def scripted(self, spec: model.HostFunction, signature: FuncType) -> Callable[[list[int]], Sequence[int]]:
        """A host function that a scenario gives as steps."""

        def serve(args: list[int]) -> Sequence[int]:
            if len(spec.params) > len(args):
                raise Stop(
                    "error",
                    f"{spec.where}: the host function names {len(spec.params)} arguments, the guest gives {len(args)}",
                )
            self.integers.update(zip(spec.params, args, strict=False))
            for step in spec.steps:
                self.post(step)
            self.collect()
            if spec.throw is not None:
                raise HostFault(spec.throw)
            if spec.trap is not None:
                raise ImportFailed("trap", spec.trap)
            if len(spec.returns) != len(signature.results):
                wanted, given = len(signature.results), len(spec.returns)
                raise Stop("error", f"{spec.where}: the host function must return {wanted} values, not {given}")
            try:
                pairs = zip(spec.returns, signature.results, strict=True)
                return [literal.bits(kind, self.integers) for literal, kind in pairs]
            except (values.ValueNotation, ExpressionError) as error:
                raise Stop("error", f"{spec.where}: the host function can't return this: {error}") from None

        return serve

    def language_function(
        self, host: LanguageHost, module: str, name: str, instance: Instance
    ) -> Callable[[list[int]], Sequence[int]]:
        access: GuestAccess = Access(self, instance)
        return lambda args: host.call(module, name, args, access)


class Access:
    """A guest's instance for its language host: plain questions, answered at once."""

    def __init__(self, player: Hosting, instance: Instance) -> None:
        self.player, self.instance = player, instance

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        reply = self.player.runtime.reply(self.player.runtime.post(method, params))
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
            handle = self.player.runtime.post("memory.export", {"instance": instance.handle, "name": names[0]})
            reply = self.player.runtime.reply(handle)
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
        reply = self.player.runtime.reply(self.player.runtime.post("function.call", params))
        if isinstance(reply, CallFailed):
            raise reply
        return [number.bits for number in self.understood(lambda: decoding.numbers(reply, signature.results))]

    def log(self, text: str) -> None:
        self.player.log = (self.player.log + text)[-STDERR_KEPT:]
