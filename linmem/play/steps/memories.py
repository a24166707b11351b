"""Steps on memories and views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from linmem.play import decoding
from linmem.play.context import Context
from linmem.play.picture import picture as png
from linmem.play.pipeline import Understand, wire_integer
from linmem.play.scope import Held
from linmem.play.stop import Stop
from linmem.scenario import expressions, model, pictures, values
from linmem.scenario.expectations import Literal
from linmem.scenario.happened import Bound, Bytes, Happened
from linmem.scenario.host_apis import HOST_APIS
from linmem.wasm.types import PAGE


def read(context: Context, step: model.Read) -> None:
    """Read memory (`memory.read`, `view.read`)."""
    if step.picture is None:
        post_read(context, step, lambda seen: None)
    else:
        picture(context, step, step.picture)


def picture(context: Context, step: model.Read, layout: model.PictureLayout) -> None:
    """Read pixels, and keep the picture where all bytes came."""
    width, height = context.pipeline.known(layout.width), context.pipeline.known(layout.height)
    problem = pictures.impossible_size(width, height)
    if problem is not None:
        raise Stop("error", problem, step)

    def keep(seen: Happened) -> None:
        if isinstance(seen, Bytes) and len(seen.data) == seen.asked:
            context.findings.pictures.append(png(layout.title, width, height, layout.format, seen.data))

    post_read(context, step, keep)


def post_read(context: Context, step: model.Read, keep: Callable[[Happened], None]) -> None:
    """Post a read; `keep` gets what was read."""
    extra, asked = {}, values.MEMORY_TYPES.get(step.type, 0)
    if step.count is not None:
        asked = context.pipeline.known(step.count)
        extra["count"] = wire_integer(asked)

    def understand(reply: dict[str, Any]) -> Happened:
        seen = decoding.reading(reply, step.type, asked)
        keep(seen)
        return seen

    access(context, step, "read", extra, understand)
    if step.bind is not None and not values.is_plain(step.type):
        context.pipeline.collect()


def write(context: Context, step: model.Write) -> None:
    """Write memory (`memory.write`, `view.write`)."""
    given = bound_bytes(context, step.value) if isinstance(step.value, model.BoundBytes) else step.value
    asked = len(given) if isinstance(given, bytes) else values.MEMORY_TYPES.get(step.type)
    if isinstance(given, model.HostValue):  # what that comes to is the API's affair
        asked = None
    value = {"value": written(context, step.type, given)}
    access(context, step, "write", value, lambda reply: decoding.written(reply, asked))


def bound_bytes(context: Context, bound: model.BoundBytes) -> bytes:
    """The bytes that an earlier step has bound to a name."""
    context.pipeline.collect()
    if bound.name not in context.scope.bytes:
        raise expressions.ExpressionError(f"nothing is bound to '{bound.name}'")
    return context.scope.bytes[bound.name]


def written(context: Context, kind: str, value: Literal | bytes | model.HostValue) -> dict[str, Any]:
    """The value of a write: integers as they stand, also out of range, because hosts differ there.

    A name that is bound to an ``i32`` or ``i64``, which has no sign, stands for the signed integer of these bits.
    """
    if isinstance(value, bytes):
        return {"bytes": value}
    if isinstance(value, model.HostValue):
        return value.wire()
    if values.is_float(kind):
        return context.pipeline.argument(value, kind)
    if value.expression is None:
        raise values.ValueNotation(f"'{value.raw}' is not an integer, as {kind} needs")
    integer = context.pipeline.known(value.expression)
    bound = context.scope.integers.get(value.expression.base or "") if value.expression.offset == 0 else None
    same_width = isinstance(bound, Bound) and values.NUMBER_TYPES.get(bound.kind) == values.WIDTHS[kind]
    if same_width and values.is_signed(kind):
        integer = values.signed(kind, integer)
    return {"type": kind, "value": str(integer)}


def access(
    context: Context, step: model.Read | model.Write, verb: str, extra: dict[str, Any], understand: Understand
) -> None:
    """Post a read or write, through a kept view or a new one."""
    pipeline = context.pipeline
    what = {"at": pipeline.integer(step.at), "type": step.type, **extra}
    if step.through is not None:
        view = context.scope.held(step.through, step).handle
        pipeline.due(step, f"view.{verb}", {"view": view, **what}, understand)
    else:
        kind = new_view_kind(context, step)
        memory = pipeline.memory(step.memory, step)
        pipeline.due(step, f"memory.{verb}", {"memory": memory, "view": kind, **what}, understand)


def new_view_kind(context: Context, step: model.Read | model.Write) -> str | None:
    """The kind of the view that a step makes for itself; None: the one that a user of the API takes for its type."""
    kind = context.view if step.kind == "each" else step.kind
    if kind is not None and context.runtime.unit(kind) is None:
        raise Stop("unsupported", f"this runtime has no view kind '{kind}'", step)
    if kind is None and context.runtime.view_for(step.type) is None:
        raise Stop("unsupported", f"this runtime's host API has no way to {step.text}", step)
    return kind


def grow(context: Context, step: model.Grow) -> None:
    """Grow a memory by pages (`memory.grow`)."""
    pipeline = context.pipeline
    params = {"memory": pipeline.memory(step.memory, step), "delta": pipeline.integer(step.delta)}
    pipeline.due(step, "memory.grow", params, decoding.pages)


def size(context: Context, step: model.Size) -> None:
    """Ask how many pages a memory has (`memory.size`)."""
    memory = context.pipeline.memory(step.memory, step)
    params = {"memory": memory, **other_page_size(context.scope.page_sizes.get(memory, PAGE))}
    context.pipeline.due(step, "memory.size", params, decoding.pages)


def other_page_size(page_size: int) -> dict[str, int]:
    """The parameter for pages of another size than 64 KiB."""
    return {"page_size": page_size} if page_size != PAGE else {}


def open_view(context: Context, step: model.OpenView) -> None:
    """Open a view and keep it (`view.open`)."""
    assert step.bind is not None
    pipeline = context.pipeline
    kind: str | None
    params: dict[str, Any]
    if step.through is not None:
        kind, unit = "this view", context.scope.view_unit(step.through, step)
        params = {"view": context.scope.held(step.through, step).handle}
    else:
        kind, unit = new_view(context, step)
        params = {"memory": pipeline.memory(step.memory, step), "kind": kind}
    if step.offset is not None:
        params["offset"] = pipeline.integer(step.offset)
    if step.count is not None:
        length = pipeline.known(step.count)
        if length % unit:
            shown = f"{kind or 'this view'}, whose elements have {unit} bytes"
            raise Stop("error", f"'count' is in bytes: {length} are no whole number for {shown}", step)
        params["length"] = wire_integer(length)
    context.scope.objects[step.bind] = Held(pipeline.due(step, "view.open", params, decoding.done), unit=unit)


def new_view(context: Context, step: model.OpenView) -> tuple[str | None, int]:
    """The kind of a view of a memory, and the bytes that an index counts; None: the one that users take for bytes."""
    kind = context.view if step.kind == "each" else None if step.kind == "default" else step.kind
    unit = context.runtime.unit(kind or context.runtime.view_for("u8") or "")
    if unit is None:
        raise Stop("unsupported", f"this runtime has no view kind '{kind or 'for u8'}'", step)
    return kind, unit


def use(context: Context, step: model.Use) -> None:
    """Use another part of the host's API (`object.use`)."""
    pipeline = context.pipeline
    in_view = HOST_APIS[step.api].on == "view"
    handle = context.scope.held(step.on, step).handle if in_view else pipeline.memory(step.on, step)
    params: dict[str, Any] = {"object": handle, "api": step.api}
    if step.value is not None:
        params["value"] = step.value if isinstance(step.value, str) else pipeline.integer(step.value)
    pipeline.due(step, "object.use", params, lambda reply: decoding.used(reply, step.type))


def view_length(context: Context, step: model.ViewLength) -> None:
    """Ask for the length of a kept view, in bytes (`view.length`)."""
    unit = context.scope.view_unit(step.view, step)
    params = {"view": context.scope.held(step.view, step).handle}
    context.pipeline.due(step, "view.length", params, lambda reply: decoding.length(reply, unit))
    if step.bind is not None and unit != 1:  # a reference would give units, not bytes
        context.pipeline.collect()


def make(context: Context, step: model.MakeMemory) -> None:
    """Make a memory (`memory.create`)."""
    assert step.bind is not None
    pipeline = context.pipeline
    params: dict[str, Any] = {
        "min": pipeline.integer(step.min),
        "max": pipeline.integer(step.max) if step.max is not None else None,
        "shared": step.shared,
        "index": step.index,
        **other_page_size(step.page_size),
    }
    handle = pipeline.due(step, "memory.create", params, decoding.done)
    context.scope.objects[step.bind] = Held(handle)
    context.scope.page_sizes[handle] = step.page_size
