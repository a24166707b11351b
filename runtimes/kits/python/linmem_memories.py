"""The protocol's methods on memories and views."""

from __future__ import annotations

import functools
import io
from binascii import a2b_base64, b2a_base64
from typing import Any, Callable

from linmem_driver import Refused, ViewKind
from linmem_requests import Requests
from linmem_values import WIDTH, host_value, in_units, integer_json, reading_json

_PAGE = 65536
#: Parts of Python's library that take a view: what `object.use` can ask for.
_USES: dict[str, Callable[[Any, Any], Any]] = {
    "bytes": lambda view, value: bytes(view),
    "BytesIO.readinto": lambda view, text: io.BytesIO(text.encode()).readinto(view),
}
_WAYS = {"hand": "take a value as it is", "part": "open a part of it", "object": "be handed on"}


class MemoryMethods:
    """What can be asked of memories and views."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def _memory_export(self, ident: int, params: dict[str, Any]) -> str:
        return self._requests.export("memory", ident, params)

    def caller(self, ident: int, params: dict[str, Any]) -> str:
        if not hasattr(self._requests.driver, "memory_caller"):
            raise Refused("the host API does not tell a host function which instance calls it")
        self._requests.objects["memory"][ident] = self._requests.ask(
            "memory.caller", self._requests.driver.memory_caller, params["name"]
        )
        return "{}"

    def _memory_create(self, ident: int, params: dict[str, Any]) -> str:
        limits = self._requests.integer(params["min"]), self._requests.optional(params["max"])
        create, page_size = self._requests.driver.memory_create, params.get("page_size", _PAGE)
        if page_size != _PAGE:
            if not self._requests.driver.custom_page_sizes:
                raise Refused("the host API makes no memory with pages of %d bytes" % page_size)
            create = functools.partial(create, page_size=page_size)
        memory = self._requests.ask("memory.create", create, *limits, params["shared"], params["index"])
        self._requests.objects["memory"][ident] = memory
        return "{}"

    def _memory_size(self, ident: int, params: dict[str, Any]) -> str:
        pages = self._requests.ask(
            "memory.size", self._requests.driver.memory_size, self._requests.object("memory", params["memory"])
        )
        self._requests.results[ident] = (None, pages)
        return '{"pages":%s}' % integer_json(pages)

    def _memory_grow(self, ident: int, params: dict[str, Any]) -> str:
        memory, delta = self._requests.object("memory", params["memory"]), self._requests.integer(params["delta"])
        pages = self._requests.ask("memory.grow", self._requests.driver.memory_grow, memory, delta)
        self._requests.results[ident] = (None, pages)
        return '{"pages":%s}' % ("null" if pages is None else integer_json(pages))

    def _memory_read(self, ident: int, params: dict[str, Any]) -> str:
        memory_type, count = self._what(params)
        access = (*self._where(params, memory_type), memory_type, count)
        return self._reading(ident, memory_type, self._requests.ask("memory.read", self._fresh, "read", *access))

    def _memory_write(self, ident: int, params: dict[str, Any]) -> str:
        memory_type = params["type"]
        access, value = self._given(memory_type, params["value"])
        where = (*self._where(params, memory_type), memory_type, value)
        return self._written(self._requests.ask("memory.write", self._fresh, access, *where))

    def _where(self, params: dict[str, Any], memory_type: str) -> tuple[Any, str, Any]:
        """The memory, the view kind and the index of a `memory.read` or `memory.write`."""
        memory, at = self._requests.object("memory", params["memory"]), self._requests.integer(params["at"])
        kind = params.get("view") or self._requests.driver.default_view(memory, memory_type)
        return memory, kind, in_units(at, self._supported(kind, memory_type).unit)

    def _supported(self, kind: str | None, memory_type: str | None = None) -> ViewKind:
        view: ViewKind | None = self._requests.driver.views.get(kind)
        if view is None:
            raise Refused("no view kind %s" % kind)
        if memory_type is not None and memory_type not in view.types:
            raise Refused("%s does not do %s" % (kind, memory_type))
        return view

    def _what(self, params: dict[str, Any]) -> tuple[str, int]:
        memory_type = params["type"]
        return memory_type, self._requests.integer(params["count"]) if memory_type == "bytes" else 1

    def _fresh(self, access: str, memory: Any, kind: str, index: int, memory_type: str, what: int | bytes) -> Any:
        return _way(self._requests.driver.view_open(memory, kind, None, None), access)(index, memory_type, what)

    def _reading(self, ident: int, memory_type: str, value: Any) -> str:
        self._requests.results[ident] = (memory_type, None if memory_type == "bytes" else value)
        return reading_json(memory_type, value)

    def _written(self, count: int | None) -> str:
        return "{}" if count is None else '{"count":%d}' % count

    def _view_open(self, ident: int, params: dict[str, Any]) -> str:
        if "view" in params:
            return self._view_part(ident, params)
        memory = self._requests.object("memory", params["memory"])
        kind = params.get("kind") or self._requests.driver.default_view(memory, "u8")
        unit = self._supported(kind).unit
        offset, length = self._requests.optional(params.get("offset")), self._requests.optional(params.get("length"))
        units = None if length is None else in_units(length, unit)
        view = self._requests.ask("view.open", self._requests.driver.view_open, memory, kind, offset, units)
        self._requests.objects["view"][ident] = (view, kind)
        return "{}"

    def _view_part(self, ident: int, params: dict[str, Any]) -> str:
        view, kind = self._requests.object("view", params["view"])
        unit = self._supported(kind).unit
        start = in_units(self._requests.optional(params.get("offset")) or 0, unit)
        length = self._requests.optional(params.get("length"))
        stop = None if length is None else start + in_units(length, unit)
        self._requests.objects["view"][ident] = (self._requests.ask("view.open", _way(view, "part"), start, stop), kind)
        return "{}"

    def _object_use(self, ident: int, params: dict[str, Any]) -> str:
        api = params["api"]
        if api not in _USES:
            raise Refused("Python has no %s" % api)
        view = _way(self._requests.object("view", params["object"])[0], "object")()
        given = self._requests.ask("object.use", _USES[api], view, params.get("value"))
        if isinstance(given, bytes):
            return '{"bytes":"%s"}' % b2a_base64(given, newline=False).decode("ascii")
        self._requests.results[ident] = (None, given)
        return '{"count":%s}' % integer_json(given)

    def _view_length(self, ident: int, params: dict[str, Any]) -> str:
        length = self._requests.ask("view.length", self._requests.object("view", params["view"])[0].length)
        self._requests.results[ident] = (None, length)
        return '{"length":%s}' % integer_json(length)

    def _view_read(self, ident: int, params: dict[str, Any]) -> str:
        (view, kind), at = self._requests.object("view", params["view"]), self._requests.integer(params["at"])
        memory_type, count = self._what(params)
        index = in_units(at, self._supported(kind, memory_type).unit)
        return self._reading(ident, memory_type, self._requests.ask("view.read", view.read, index, memory_type, count))

    def _view_write(self, ident: int, params: dict[str, Any]) -> str:
        (view, kind), at = self._requests.object("view", params["view"]), self._requests.integer(params["at"])
        memory_type = params["type"]
        index = in_units(at, self._supported(kind, memory_type).unit)
        access, value = self._given(memory_type, params["value"])
        return self._written(self._requests.ask("view.write", _way(view, access), index, memory_type, value))

    def _given(self, memory_type: str, value: dict[str, Any]) -> tuple[str, Any]:
        """How a view takes the value of a write, and the value."""
        if "host" in value:
            return "hand", host_value(value)
        return "write", self._memory_value(memory_type, value)

    def _memory_value(self, memory_type: str, value: dict[str, Any]) -> int | bytes:
        if memory_type == "bytes":
            return a2b_base64(value["bytes"])
        bits = self._requests.integer(value["value"])
        if memory_type[0] == "f" and not 0 <= bits < 1 << 8 * WIDTH[memory_type]:
            raise ValueError("%d is no bit pattern of %s" % (bits, memory_type))
        return bits


def _way(view: Any, access: str) -> Any:
    if not hasattr(view, access):
        raise Refused("the driver's view has no way to %s" % _WAYS.get(access, access))
    return getattr(view, access)
