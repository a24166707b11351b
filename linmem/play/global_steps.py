"""The requests of steps that deal with globals, and what their answers mean."""

from __future__ import annotations

from typing import Any

from linmem.play import decoding
from linmem.play.conversation import Instance, Stop
from linmem.play.memory_steps import MemorySteps
from linmem.scenario import model, values
from linmem.scenario.happened import Happened
from linmem.scenario.model import Step


class GlobalSteps(MemorySteps):
    """Posts the steps on globals."""

    def post_global(self, step: model.MakeGlobal) -> None:
        assert step.bind is not None
        params = {"mutable": step.mutable, **self.argument(step.value, step.type)}
        self.objects[step.bind] = self.due(step, "global.create", params, decoding.done)
        self.global_types[step.bind] = step.type

    def post_get(self, step: model.GetGlobal) -> None:
        handle, kind = self.variable(step.variable, step)

        def understand(reply: dict[str, Any]) -> Happened:
            return decoding.number(reply.get("value", {}), kind)

        self.due(step, "global.get", {"global": handle, "type": kind}, understand)
        if step.bind is not None and values.is_float(kind):  # a float is no reference
            self.collect()

    def post_set(self, step: model.SetGlobal) -> None:
        handle, kind = self.variable(step.variable, step)
        value = step.value.wire() if isinstance(step.value, model.HostValue) else self.argument(step.value, kind)
        self.due(step, "global.set", {"global": handle, "value": value}, decoding.done)

    def variable(self, name: str, step: Step) -> tuple[int, str]:
        """The handle of a global by the name a step gives it, and its type."""
        if name in self.objects:
            return self.objects[name], self.global_types[name]
        instance, export = self.owner(name, step)
        if export not in instance.globals:
            instance.globals[export] = self.take("global", instance, export, step)
        return instance.globals[export], self.global_type(instance, export, step)

    def global_type(self, instance: Instance, export: str, step: Step) -> str:
        """The value type of an exported global."""
        found = instance.types.exports.get(export) if instance.types is not None else None
        if found is None or found.value_type not in values.NUMBER_TYPES:
            shown = found.value_type if found is not None and found.value_type else "a type that can't be read"
            raise Stop("error", f"the global '{export}' is of {shown}, so it can't be used here", step)
        return found.value_type
