"""Steps on objects of the host's API: take them, compare them, release them."""

from __future__ import annotations

from linmem.play import decoding, instances
from linmem.play.context import Context
from linmem.play.pipeline import TAKING
from linmem.play.scope import Held, global_type, must_export, signature
from linmem.play.stop import Stop
from linmem.scenario import expressions, model
from linmem.scenario.happened import Bound, Nothing, Truth
from linmem.scenario.model import MEMORY, Step


def instantiate(context: Context, step: model.Instantiate) -> None:
    """Make an instance and keep it (`instance.create`)."""
    assert step.bind is not None
    instances.instantiate(context, step.module, step.bind, {**context.scenario.imports, **step.imports}, step)


def take(context: Context, step: model.TakeExport) -> None:
    """Take an export and keep it (`memory.export`, `function.export`, `global.export`)."""
    assert step.bind is not None
    word, method = TAKING[step.kind]
    instance, export = context.scope.owner(f"{step.instance}.{step.export}", step)
    must_export(instance, step.kind, word, export, step)
    function = signature(instance.types, export, step) if step.kind == "func" else None
    value_type = global_type(instance, export, step) if step.kind == "global" else None
    params = {"instance": instance.handle, "name": export}
    handle = context.pipeline.due(step, method, params, decoding.done)
    context.scope.objects[step.bind] = Held(handle, signature=function, value_type=value_type)
    context.pipeline.note_page_size(handle, instance, export)


def same(context: Context, step: model.Same) -> None:
    """Ask whether two objects are one (`object.same`)."""
    handles = [either(context, name, step) for name in step.objects]
    context.pipeline.due(step, "object.same", {"objects": handles}, decoding.same)


def either(context: Context, name: str, step: Step) -> int:
    """The handle of a kept object; of an export, a new one: the host's API is asked for it once more."""
    if name in context.scope.objects:
        return context.scope.objects[name].handle
    instance, export = context.scope.owner(name, step)
    found = instance.types.exports.get(export) if instance.types is not None else None
    kind = found.kind if found is not None and found.kind in TAKING else MEMORY
    return context.pipeline.take(kind, instance, export, step)


def negative(context: Context, step: model.Negative) -> None:
    """Whether the host had a bound integer as a negative number. No request: the answer is known.

    A host that had bytes had no number: that is an answer where the step only observes.
    """
    context.pipeline.collect()
    integers = context.scope.integers
    if step.name not in integers:
        raise expressions.ExpressionError(f"nothing is bound to '{step.name}'")
    bound = integers[step.name]
    held = bound.negative if isinstance(bound, Bound) else False
    if held is None and step.expect is not None:
        raise Stop("unsupported", f"this runtime's host API gave bytes for '{step.name}', which have no sign", step)
    context.findings.judge(step, Nothing("bytes") if held is None else Truth(held))


def release(context: Context, step: model.Release) -> None:
    """Release objects and instances (`object.release`)."""
    handles = [handle for name in step.objects for handle in context.scope.release(name)]
    context.pipeline.due(step, "object.release", {"objects": handles}, decoding.done)


def release_store(context: Context, step: model.ReleaseStore) -> None:
    """Release the store and all but views."""
    context.scope.release_all_but_views()
    context.pipeline.due(step, "object.release", {"store": True}, decoding.done)


def collect(context: Context, step: model.Collect) -> None:
    """Run the host's garbage collection (`host.collect`)."""
    context.pipeline.due(step, "host.collect", {}, decoding.done)
