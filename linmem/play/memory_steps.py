"""The requests of steps that deal with memories and views, and what their answers mean."""

from __future__ import annotations

from typing import Any

from linmem.play import decoding
from linmem.play.conversation import Stop, wire_integer
from linmem.play.hosting import Hosting
from linmem.play.picture import picture
from linmem.scenario import expressions, model, pictures, values
from linmem.scenario.expectations import Literal
from linmem.scenario.happened import Bytes, Happened
from linmem.scenario.model import Step
from linmem.wasm.types import PAGE


class MemorySteps(Hosting):
    """Posts the steps on memories and views."""

    def scaled(self, step: model.Read | model.Write, unit: int) -> Any:
        """A byte offset as an index of a view whose index counts `unit` bytes."""
        if unit == 1:
            return self.integer(step.at)
        return wire_integer(whole(self.known(step.at), unit, step.at))

    def known(self, expression: expressions.Expression) -> int:
        """The expression's value, for which answers are waited where it needs them."""
        if any(name in self.awaited for name in expression.names):
            self.collect()
        return expression.value(self.integers)

    def fresh_kind(self, step: model.Read | model.Write) -> str | None:
        kind = self.view if step.kind == "each" else step.kind
        if kind is not None and self.runtime.unit(kind) is None:
            raise Stop("unsupported", f"this runtime has no view kind '{kind}'", step)
        if kind is None and self.runtime.view_for(step.type) is None:
            raise Stop("unsupported", f"this runtime's host API has no way to {step.text}", step)
        return kind

    def post_read(self, step: model.Read) -> None:
        extra: dict[str, Any] = {}
        unit = self.unit_of(step.through, step) if step.through is not None else 1
        asked = values.MEMORY_TYPES.get(step.type, 0)
        if step.count is not None:
            asked = self.known(step.count)
            extra["count"] = wire_integer(whole(asked, unit, step.count))

        def understand(reply: dict[str, Any]) -> Happened:
            return decoding.reading(reply, step.type, asked)

        if step.through is not None:
            index = self.scaled(step, unit)
            params = {"view": self.object(step.through, step), "index": index, "type": step.type, **extra}
            self.due(step, "view.read", params, understand)
        else:
            kind = self.fresh_kind(step)
            memory = self.memory(step.memory, step)
            params = {"memory": memory, "at": self.integer(step.at), "type": step.type, "view": kind, **extra}
            self.due(step, "memory.read", params, understand)
        if step.bind is not None and values.is_float(step.type):  # a float is no reference
            self.collect()

    def post_picture(self, step: model.Picture) -> None:
        width, height = self.known(step.width), self.known(step.height)
        problem = pictures.impossible_size(width, height)
        if problem is not None:
            raise Stop("error", problem, step)
        self.post_read(step)
        reading = self.pending[-1].understand

        def understand(reply: dict[str, Any]) -> Happened:
            seen = reading(reply)
            if isinstance(seen, Bytes) and len(seen.data) == seen.asked:
                self.pictures.append(picture(step.title, width, height, step.format, seen.data))
            return seen

        self.pending[-1].understand = understand

    def post_write(self, step: model.Write) -> None:
        value = self.written(step.type, step.value)
        asked = len(step.value) if isinstance(step.value, bytes) else values.MEMORY_TYPES.get(step.type)
        if isinstance(step.value, model.HostValue):  # what that comes to is the API's affair
            asked = None

        def understand(reply: dict[str, Any]) -> Happened:
            return decoding.written(reply, asked)

        if step.through is not None:
            index = self.scaled(step, self.unit_of(step.through, step))
            params = {"view": self.object(step.through, step), "index": index, "type": step.type, "value": value}
            self.due(step, "view.write", params, understand)
            return
        kind = self.fresh_kind(step)
        memory = self.memory(step.memory, step)
        params = {"memory": memory, "at": self.integer(step.at), "type": step.type, "value": value, "view": kind}
        self.due(step, "memory.write", params, understand)

    def written(self, kind: str, literal: Literal | bytes | model.HostValue) -> dict[str, Any]:
        """The value of a write: integers as they stand, also out of range, because hosts differ there."""
        if isinstance(literal, bytes):
            return {"bytes": literal}
        if isinstance(literal, model.HostValue):
            return literal.wire()
        if values.is_float(kind):
            return self.argument(literal, kind)
        if literal.expression is None:
            raise values.ValueNotation(f"'{literal.raw}' is not an integer, as {kind} needs")
        return {"type": kind, "value": str(self.known(literal.expression))}

    def post_grow(self, step: model.Grow) -> None:
        params = {"memory": self.memory(step.memory, step), "delta": self.integer(step.delta)}
        self.due(step, "memory.grow", params, decoding.pages)

    def post_size(self, step: model.Size) -> None:
        params = {"memory": self.memory(step.memory, step)}
        page_size = self.page_sizes.get(params["memory"], PAGE)
        if page_size != PAGE:
            params["page_size"] = page_size
        self.due(step, "memory.size", params, decoding.pages)

    def post_view(self, step: model.OpenView) -> None:
        assert step.bind is not None
        kind = self.view if step.kind == "each" else None if step.kind == "default" else step.kind
        unit = self.runtime.unit(kind or self.runtime.view_for("u8") or "")
        if unit is None:
            raise Stop("unsupported", f"this runtime has no view kind '{kind or 'for u8'}'", step)
        params: dict[str, Any] = {"memory": self.memory(step.memory, step), "kind": kind}
        if step.offset is not None:
            params["offset"] = self.integer(step.offset)
        if step.count is not None:
            params["length"] = self.integer(step.count)
        self.objects[step.bind] = self.due(step, "view.open", params, decoding.done)
        self.view_units[step.bind] = unit

    def post_length(self, step: model.ViewLength) -> None:
        unit = self.unit_of(step.view, step)
        params = {"view": self.object(step.view, step)}
        self.due(step, "view.length", params, lambda reply: decoding.length(reply, unit))
        if step.bind is not None and unit != 1:  # a reference would give units, not bytes
            self.collect()

    def unit_of(self, view: str, step: Step) -> int:
        """How many bytes an index of a kept view counts."""
        self.object(view, step)
        return self.view_units[view]

    def post_memory(self, step: model.MakeMemory) -> None:
        assert step.bind is not None
        params: dict[str, Any] = {
            "min": self.integer(step.min),
            "max": self.integer(step.max) if step.max is not None else None,
            "shared": step.shared,
            "index": step.index,
        }
        if step.page_size != PAGE:
            params["page_size"] = step.page_size
        memory = self.objects[step.bind] = self.due(step, "memory.create", params, decoding.done)
        self.page_sizes[memory] = step.page_size


def whole(offset: int, unit: int, shown: object) -> int:
    """A number of bytes in units of `unit` bytes. Raises `ExpressionError` where it is no whole number of them."""
    count, rest = divmod(offset, unit)
    if rest:
        raise expressions.ExpressionError(f"{shown} bytes are no whole number of indices: one counts {unit} bytes")
    return count
