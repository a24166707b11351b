"""Every step's request, and what its answer means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from linmem.play import decoding
from linmem.play.agent_steps import AgentSteps
from linmem.play.conversation import TAKING, Instance, Stop
from linmem.protocol import FAILED, CallFailed
from linmem.scenario import expressions, model, values
from linmem.scenario.happened import Done, Happened, Negative, Numbers, Refused, Truth
from linmem.scenario.model import GUEST, MEMORY, Step
from linmem.wasm.types import FuncType


class Posting(AgentSteps):
    """Posts a scenario's steps."""

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

    def post_call(self, step: model.Call) -> None:
        callee, signature = self.callee(step)
        args = [self.argument(literal, kind) for literal, kind in zip(step.args, signature.params, strict=True)]
        results = signature.results

        caller = self.instances.get(step.on or GUEST)
        host = caller.host if caller is not None else None
        before = host.ended if host is not None else None

        def understand(reply: dict[str, Any]) -> Happened:
            if host is not None and host.ended is not None and before is None:  # a driver with glue says it so
                return Refused(CallFailed(FAILED, str(host.ended), {"kind": "exit"}))
            numbers = decoding.numbers(reply, results)
            return numbers[0] if len(numbers) == 1 else Numbers(tuple(numbers)) if numbers else Done()

        if step.bind is not None and len(results) != 1:
            raise Stop("error", f"'{step.export}' gives {len(results)} results, and 'as' binds one", step)
        params: dict[str, Any] = {**callee, "args": args, "results": results}
        if self.calls_back:
            self.collect()
        self.due(step, "function.call", params, understand)
        if self.calls_back or (step.bind is not None and values.is_float(results[0])):  # a float is no reference
            self.collect()

    def callee(self, step: model.Call) -> tuple[dict[str, Any], FuncType]:
        """The function that a step calls, as the request names it, and its type."""
        if step.on is None and step.export in self.function_types:
            signature = self.function_types[step.export]
            callee: dict[str, Any] = {"function": self.object(step.export, step)}
        else:
            owner = step.on or GUEST
            instance = self.instances.get(owner)
            if instance is None:
                raise Stop("error", f"there is no instance '{owner}' here", step)
            signature = self.signature(instance, step.export, step)
            callee = {"instance": instance.handle, "name": step.export}
        if len(signature.params) != len(step.args):
            raise Stop(
                "error",
                f"'{step.export}' takes {len(signature.params)} arguments, the step gives {len(step.args)}",
                step,
            )
        return callee, signature

    def signature(self, instance: Instance, export: str, step: Step) -> FuncType:
        """The type of an exported function."""
        if instance.types is None:
            raise Stop("error", "the module's types can't be read, so its functions can't be called", step)
        signature = instance.types.function(export)
        if signature is not None:
            return signature
        exported = instance.types.names("func")
        if export in exported:
            raise Stop("error", f"the type of '{export}' can't be read, so it can't be called", step)
        known = ", ".join(exported) or "none"
        raise Stop("error", f"the guest exports no function '{export}'; it exports: {known}", step)

    def post_take(self, step: model.TakeExport) -> None:
        assert step.bind is not None
        instance, export = self.owner(f"{step.instance}.{step.export}", step)
        self.must_export(step.kind, instance, export, step)
        if step.kind == "func":
            self.function_types[step.bind] = self.signature(instance, export, step)
        if step.kind == "global":
            self.global_types[step.bind] = self.global_type(instance, export, step)
        params = {"instance": instance.handle, "name": export}
        taken = self.objects[step.bind] = self.due(step, TAKING[step.kind][1], params, decoding.done)
        if instance.types is not None:
            self.page_sizes[taken] = instance.types.exports[export].page_size

    def post_same(self, step: model.Same) -> None:
        self.due(step, "object.same", {"objects": [self.either(name, step) for name in step.objects]}, decoding.same)

    def either(self, name: str, step: Step) -> int:
        """The handle of a bound object; of an export, a new one: the host's API is asked for it once more."""
        if name in self.objects:
            return self.objects[name]
        instance, export = self.owner(name, step)
        found = instance.types.exports.get(export) if instance.types is not None else None
        kind = found.kind if found is not None and found.kind in TAKING else MEMORY
        return self.take(kind, instance, export, step)

    def post_negative(self, step: model.Negative) -> None:
        self.collect()
        if step.name not in self.integers:
            raise expressions.ExpressionError(f"nothing is bound to '{step.name}'")
        self.judge(step, Truth(isinstance(self.integers[step.name], Negative)))

    def post_collect(self, step: model.Collect) -> None:
        self.due(step, "host.collect", {}, decoding.done)

    def post_release(self, step: model.Release) -> None:
        handles: list[int] = []
        for name in step.objects:
            if name in self.objects:
                handles.append(self.objects.pop(name))
                self.function_types.pop(name, None)
            elif name in self.instances:
                instance = self.instances.pop(name)
                handles += [instance.handle, *instance.memories.values(), *instance.globals.values()]
        self.due(step, "object.release", {"objects": handles}, decoding.done)

    def post_release_store(self, step: model.ReleaseStore) -> None:
        self.instances.clear()
        self.objects = {name: handle for name, handle in self.objects.items() if name in self.view_units}
        self.due(step, "object.release", {"store": True}, decoding.done)

    def post_instantiate(self, step: model.Instantiate) -> None:
        assert step.bind is not None
        self.instantiate(step.module, step.bind, {**self.scenario.imports, **step.imports}, step)


_POST: dict[type[Step], Callable[[Posting, Any], None]] = {
    model.Call: Posting.post_call,
    model.Read: Posting.post_read,
    model.Picture: Posting.post_picture,
    model.Write: Posting.post_write,
    model.Grow: Posting.post_grow,
    model.Size: Posting.post_size,
    model.OpenView: Posting.post_view,
    model.ViewLength: Posting.post_length,
    model.MakeMemory: Posting.post_memory,
    model.TakeExport: Posting.post_take,
    model.MakeGlobal: Posting.post_global,
    model.GetGlobal: Posting.post_get,
    model.SetGlobal: Posting.post_set,
    model.Same: Posting.post_same,
    model.Negative: Posting.post_negative,
    model.Release: Posting.post_release,
    model.ReleaseStore: Posting.post_release_store,
    model.Collect: Posting.post_collect,
    model.Instantiate: Posting.post_instantiate,
    model.Agents: Posting.post_agents,
}
