"""How each kind of step is posted, and what its answer means: one function a kind, registered in `POST`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from linmem.play.context import Context
from linmem.play.steps import agents, calls, globals, memories, objects
from linmem.play.stop import Stop
from linmem.scenario import expressions, model, values
from linmem.scenario.model import Step

POST: dict[type[Step], Callable[[Context, Any], None]] = {
    model.Call: calls.call,
    model.Read: memories.read,
    model.Write: memories.write,
    model.Grow: memories.grow,
    model.Size: memories.size,
    model.OpenView: memories.open_view,
    model.ViewLength: memories.view_length,
    model.Use: memories.use,
    model.MakeMemory: memories.make,
    model.MakeGlobal: globals.make,
    model.GetGlobal: globals.get,
    model.SetGlobal: globals.set_,
    model.Instantiate: objects.instantiate,
    model.TakeExport: objects.take,
    model.Same: objects.same,
    model.Negative: objects.negative,
    model.Release: objects.release,
    model.ReleaseStore: objects.release_store,
    model.Collect: objects.collect,
    model.Agents: agents.run,
}


def post(context: Context, step: Step) -> None:
    """Post a step's request; its answer becomes due. Where it can't be posted, earlier steps are judged first."""
    try:
        POST[type(step)](context, step)
    except (values.ValueNotation, expressions.ExpressionError) as error:
        context.pipeline.collect()
        raise Stop("error", str(error), step) from None
    except Stop as stop:
        if stop.step is step:
            context.pipeline.collect()
        raise
