"""Calls of guest functions."""

from __future__ import annotations

from typing import Any

from linmem.play import decoding
from linmem.play.context import Context
from linmem.play.scope import check_arity, signature
from linmem.protocol import FAILED, CallFailed
from linmem.scenario import model, values
from linmem.scenario.happened import Done, Happened, Number, Numbers, Refused
from linmem.scenario.model import GUEST
from linmem.wasm.types import FuncType


def call(context: Context, step: model.Call) -> None:
    """Call a function (`function.call`)."""
    pipeline = context.pipeline
    callee, takes = find(context, step)
    check_arity(step.export, takes, len(step.args), step.bind is not None, step)
    args = list(map(pipeline.argument, step.args, takes.params))
    caller = context.scope.instances.get(step.on or GUEST)
    host = caller.host if caller is not None else None
    before = host.ended if host is not None else None

    def understand(reply: dict[str, Any]) -> Happened:
        if host is not None and host.ended is not None and before is None:  # a driver with glue says it so
            return Refused(CallFailed(FAILED, str(host.ended), {"kind": "exit"}))
        return results(decoding.numbers(reply, takes.results))

    context.imports.collect_if_called()
    pipeline.due(step, "function.call", {**callee, "args": args, "results": takes.results}, understand)
    context.imports.collect_if_called()
    if step.bind is not None and not values.is_plain(takes.results[0]):
        pipeline.collect()


def find(context: Context, step: model.Call) -> tuple[dict[str, Any], FuncType]:
    """The function that a step calls, as the request names it, and its type."""
    held = context.scope.objects.get(step.export) if step.on is None else None
    if held is not None and held.signature is not None:
        return {"function": held.handle}, held.signature
    instance = context.scope.instance(step.on or GUEST, step)
    return {"instance": instance.handle, "name": step.export}, signature(instance.types, step.export, step)


def results(numbers: list[Number]) -> Happened:
    """What a call's results come to."""
    return numbers[0] if len(numbers) == 1 else Numbers(tuple(numbers)) if numbers else Done()
