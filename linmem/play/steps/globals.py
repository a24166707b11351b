"""Steps on globals."""

from __future__ import annotations

from typing import Any

from linmem.play import decoding
from linmem.play.context import Context
from linmem.play.scope import Held, global_type
from linmem.scenario import model, values
from linmem.scenario.happened import Happened
from linmem.scenario.model import Step


def make(context: Context, step: model.MakeGlobal) -> None:
    """Make a global (`global.create`)."""
    assert step.bind is not None
    params = {"mutable": step.mutable, **context.pipeline.argument(step.value, step.type)}
    handle = context.pipeline.due(step, "global.create", params, decoding.done)
    context.scope.objects[step.bind] = Held(handle, value_type=step.type)


def get(context: Context, step: model.GetGlobal) -> None:
    """Read a global (`global.get`)."""
    handle, kind = variable(context, step.variable, step)

    def understand(reply: dict[str, Any]) -> Happened:
        return decoding.number(reply.get("value", {}), kind)

    context.pipeline.due(step, "global.get", {"global": handle, "type": kind}, understand)
    if step.bind is not None and not values.is_plain(kind):
        context.pipeline.collect()


def set_(context: Context, step: model.SetGlobal) -> None:
    """Write a global (`global.set`)."""
    handle, kind = variable(context, step.variable, step)
    given = step.value
    value = given.wire() if isinstance(given, model.HostValue) else context.pipeline.argument(given, kind)
    context.pipeline.due(step, "global.set", {"global": handle, "value": value}, decoding.done)


def variable(context: Context, name: str, step: Step) -> tuple[int, str]:
    """The handle of a global by the name a step gives it, and its type."""
    held = context.scope.objects.get(name)
    if held is not None and held.value_type is not None:
        return held.handle, held.value_type
    instance, export = context.scope.owner(name, step)
    if export not in instance.globals:
        instance.globals[export] = context.pipeline.take("global", instance, export, step)
    return instance.globals[export], global_type(instance, export, step)
