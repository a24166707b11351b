"""Serve linmem's driver protocol (docs/driver-protocol.md): the same for every Python runtime.

Reads requests, keeps objects and results by request id, resolves references, asks the driver, answers, and reports
what came out, exceptions included.
"""

from __future__ import annotations

import gc
import json
import platform
import sys
import traceback
from binascii import a2b_base64
from typing import Any, Callable, NoReturn, Sequence

from linmem_driver import Channel, Driver, Import, Refused, ViewKind, leave
from linmem_values import (
    VALUE_TYPES,
    WIDTH,
    integer_json,
    reading_json,
    string_json,
    to_number,
    to_signed,
    typed_json,
    unsigned,
)

PROTOCOL = 1
#: Every method but `initialize` and `shutdown`, with the hook of the driver that it needs.
_HOOKS = {
    "module.compile": "module_compile",
    "instance.create": "instance_create",
    "function.call": "function_call",
    "memory.export": "memory_export",
    "memory.create": "memory_create",
    "memory.size": "memory_size",
    "memory.grow": "memory_grow",
    "object.release": "release_all",
}
_HOOKS.update(dict.fromkeys(["memory.read", "memory.write"], "view_open"))
_HOOKS.update(dict.fromkeys(["view.open", "view.length", "view.read", "view.write"], "view_open"))
_INVALID_REQUEST, _METHOD_NOT_FOUND, _INVALID_PARAMS, _REFUSED = -32600, -32601, -32602, -32000
#: How deep calls of host functions nest. In a user's program CPython stops at 300 to 500 (`RecursionError`). Here each
#: takes three times the frames, and an exception in the middle of a message would leave the protocol out of step.
_MAX_NESTING = 250
_TEXT_LIMIT = 8192  # characters of the runtime's own words in an error: a trap's backtrace can have 30,000 lines


class _Skipped(Exception):
    """The request uses an object or a result that was never made."""


class _Failed(Exception):
    """A hook raised: the runtime refused or failed."""

    def __init__(self, method: str, error: BaseException) -> None:
        super().__init__()
        self.method, self.error = method, error


def serve(driver: Callable[[str | None, str | None], Driver], channel: Channel) -> NoReturn:
    """Answer requests until input ends. A fault of the driver's own prints its traceback and ends the process."""
    sys.setrecursionlimit(20 * _MAX_NESTING)
    session = _Session(driver, channel)
    while True:
        session.answer(channel.receive())


class _Session:
    """Objects and results by request id, and one method for each method of the protocol."""

    def __init__(self, make_driver: Callable[[str | None, str | None], Driver], channel: Channel) -> None:
        self._make_driver, self._channel = make_driver, channel
        self._objects: dict[str, dict[int, Any]] = {"module": {}, "instance": {}, "memory": {}, "view": {}}
        self._results: dict[int, tuple[str | None, Any]] = {}
        self._failed: set[int] = set()
        self._failed_modules: set[int] = set()  # as long-lived as modules
        self._imports_called = self._nesting = 0
        self._driver: Any = None
        self._methods: dict[str, Callable[[int, dict[str, Any]], str]] = {
            "initialize": self._initialize,
            "shutdown": self._shutdown,
        }

    def answer(self, request: dict[str, Any]) -> None:
        """Do what a request asks and send its answer. A fault of the driver's own ends the process, loudly."""
        ident, method = request["id"], request.get("method")
        try:
            handler = self._methods.get(method)  # type: ignore[arg-type]
            if type(ident) is not int:
                self._channel.send_error(None, _INVALID_REQUEST, "requests have integer ids, not %r" % (ident,))
                return
            try:
                if handler is not None:
                    result = handler(ident, request.get("params") or {})
                    self._channel.send('{"jsonrpc":"2.0","id":%d,"result":%s}\n' % (ident, result))
                    return
                self._unknown(ident, method)
            except _Failed as failed:
                self._runtime_failed(ident, failed.method, failed.error)
            except Refused as refused:
                self._channel.send_error(ident, _REFUSED, str(refused), refused.kind, refused.type, str(refused), "")
            except _Skipped as skipped:
                self._channel.send_error(ident, _REFUSED, str(skipped), "skipped", "Skipped", str(skipped), "")
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                self._channel.send_error(ident, _INVALID_PARAMS, "%s: %s: %s" % (method, type(error).__name__, error))
            (self._failed_modules if method == "module.compile" else self._failed).add(ident)
        except Exception:
            traceback.print_exc()
            leave(70)

    def _unknown(self, ident: int, method: str | None) -> None:
        if self._driver is None and method in _HOOKS:
            self._channel.send_error(ident, _INVALID_REQUEST, "initialize comes first")
        else:
            self._channel.send_error(ident, _METHOD_NOT_FOUND, "no method %s" % method)

    def _runtime_failed(self, ident: int, method: str, error: BaseException) -> None:
        kind, message = self._driver.classify(method, error)
        name = type(error).__name__
        if name == "error":  # struct.error and its like: the bare name says nothing
            name = "%s.error" % type(error).__module__
        text = str(error)
        if len(text) > _TEXT_LIMIT:
            text = "%s … (%d characters)" % (text[:_TEXT_LIMIT], len(text))
        message = message[:_TEXT_LIMIT]
        self._channel.send_error(ident, _REFUSED, message, kind, name, message, text)

    def _ask(self, method: str, hook: Callable[..., Any], *args: Any) -> Any:
        """Call into the driver: whatever comes out is the runtime's, and not the kit's fault."""
        try:
            return hook(*args)
        except (Refused, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a Rust panic is a BaseException
            raise _Failed(method, error) from None

    # Parameters

    def _object(self, kind: str, ident: int) -> Any:
        try:
            return self._objects[kind][ident]
        except KeyError:
            if ident in self._failed or ident in self._failed_modules:
                raise _Skipped("request %d made no %s" % (ident, kind)) from None
            raise LookupError("no %s %r" % (kind, ident)) from None

    def _integer(self, value: Any) -> int:
        if type(value) is int:
            return value
        if isinstance(value, str):
            return int(value)
        if isinstance(value, dict):
            return self._reference(value)
        raise TypeError("expected an integer, got %r" % (value,))

    def _reference(self, reference: dict[str, Any]) -> int:
        ident = reference["$ref"]
        if ident in self._failed:
            raise _Skipped("request %d failed" % ident)
        if ident not in self._results:
            raise LookupError("no result of request %r" % (ident,))
        value = unsigned(*self._results[ident])
        if value is None:
            raise _Skipped("request %d gave no number" % ident)
        return value + self._integer(reference.get("+", 0))

    def _optional(self, value: Any) -> int | None:
        return None if value is None else self._integer(value)

    def _argument(self, typed: dict[str, Any]) -> int | float:
        """A typed value as Python users pass it: integers signed, floats as numbers."""
        value_type = typed["type"]
        if value_type not in VALUE_TYPES:
            raise Refused("the driver passes no %s values" % value_type)
        value = self._integer(typed["value"])
        return to_number(value_type, value) if value_type[0] == "f" else to_signed(value, WIDTH[value_type])

    def _memory_value(self, memory_type: str, value: dict[str, Any]) -> int | bytes:
        if memory_type == "bytes":
            return a2b_base64(value["bytes"])
        bits = self._integer(value["value"])
        if memory_type[0] == "f" and not 0 <= bits < 1 << 8 * WIDTH[memory_type]:
            raise ValueError("%d is no bit pattern of %s" % (bits, memory_type))
        return bits

    # Methods

    def _initialize(self, ident: int, params: dict[str, Any]) -> str:
        if self._driver is not None:
            raise ValueError("initialize comes once")
        if params["protocol"] != PROTOCOL:
            raise ValueError("this driver speaks protocol %d" % PROTOCOL)
        driver = self._driver = self._make_driver(params.get("variant"), params.get("cache"))
        for method, hook in _HOOKS.items():
            if hasattr(driver, hook):
                self._methods[method] = getattr(self, "_" + method.replace(".", "_"))
        gc.collect()
        gc.freeze()  # what exists now lives as long as the process: later collections need not look at it
        host = {"language": "Python", "version": platform.python_version()}
        host["implementation"] = platform.python_implementation()
        views = [{"kind": kind, "unit": view.unit, "types": view.types} for kind, view in driver.views.items()]
        answer = {"protocol": PROTOCOL, "runtime": driver.runtime, "host": host, "views": views, "glue": []}
        return json.dumps(dict(answer, default_views=driver.default_views))

    def _shutdown(self, ident: int, params: dict[str, Any]) -> NoReturn:
        self._channel.send('{"jsonrpc":"2.0","id":%d,"result":{}}\n' % ident)
        leave(0)

    def _module_compile(self, ident: int, params: dict[str, Any]) -> str:
        data = a2b_base64(params["bytes"])
        self._objects["module"][ident] = self._ask("module.compile", self._driver.module_compile, data)
        return "{}"

    def _instance_create(self, ident: int, params: dict[str, Any]) -> str:
        module = self._object("module", params["module"])
        imports = [self._import(item) for item in params.get("imports", ())]
        if params.get("glue") is not None:
            raise Refused("the driver runs no language glue")
        instance = self._ask("instance.create", self._driver.instance_create, module, imports)
        self._objects["instance"][ident] = instance
        return "{}"

    def _import(self, item: dict[str, Any]) -> Import:
        module, name = item["module"], item["name"]
        if "func" in item:
            params, results = tuple(item["type"]["params"]), tuple(item["type"]["results"])
            return Import(module, name, "func", self._host_function(item["func"], params), params, results)
        if "object" in item:
            return Import(module, name, "memory", self._object("memory", item["object"]))
        if "instance" in item:
            return Import(module, name, "export", (self._object("instance", item["instance"]), item["export"]))
        new = item["global"]
        return Import(module, name, "global", self._argument(new), (new["type"],), mutable=new["mutable"])

    def _function_call(self, ident: int, params: dict[str, Any]) -> str:
        instance, types = self._object("instance", params["instance"]), params["results"]
        args = [self._argument(arg) for arg in params["args"]]
        values = self._ask("function.call", self._driver.function_call, instance, params["name"], args, types)
        if len(values) != len(types):
            raise ValueError("%s gave %d values for %s" % (params["name"], len(values), types))
        self._results[ident] = (types[0], values[0]) if types else (None, None)
        return '{"values":[%s]}' % ",".join(map(typed_json, types, values))

    def _memory_export(self, ident: int, params: dict[str, Any]) -> str:
        instance, name = self._object("instance", params["instance"]), params["name"]
        self._objects["memory"][ident] = self._ask("memory.export", self._driver.memory_export, instance, name)
        return "{}"

    def _memory_create(self, ident: int, params: dict[str, Any]) -> str:
        limits = self._integer(params["min"]), self._optional(params["max"])
        memory = self._ask("memory.create", self._driver.memory_create, *limits, params["shared"], params["index"])
        self._objects["memory"][ident] = memory
        return "{}"

    def _memory_size(self, ident: int, params: dict[str, Any]) -> str:
        pages = self._ask("memory.size", self._driver.memory_size, self._object("memory", params["memory"]))
        self._results[ident] = (None, pages)
        return '{"pages":%s}' % integer_json(pages)

    def _memory_grow(self, ident: int, params: dict[str, Any]) -> str:
        memory, delta = self._object("memory", params["memory"]), self._integer(params["delta"])
        pages = self._ask("memory.grow", self._driver.memory_grow, memory, delta)
        self._results[ident] = (None, pages)
        return '{"pages":%s}' % ("null" if pages is None else integer_json(pages))

    def _memory_read(self, ident: int, params: dict[str, Any]) -> str:
        memory_type, count = self._what(params)
        access = (*self._where(params, memory_type), memory_type, count)
        return self._reading(ident, memory_type, self._ask("memory.read", self._fresh, "read", *access))

    def _memory_write(self, ident: int, params: dict[str, Any]) -> str:
        memory_type = params["type"]
        value = self._memory_value(memory_type, params["value"])
        access = (*self._where(params, memory_type), memory_type, value)
        return self._written(self._ask("memory.write", self._fresh, "write", *access))

    def _where(self, params: dict[str, Any], memory_type: str) -> tuple[Any, str, int]:
        """The memory, the view kind and the index that `memory.read` and `memory.write` speak of."""
        memory, at = self._object("memory", params["memory"]), self._integer(params["at"])
        kind = params.get("view") or self._driver.default_view(memory, memory_type)
        unit = self._supported(kind, memory_type).unit
        if at % unit:
            text = "%s counts %d bytes: address %d is between two of its elements" % (kind, unit, at)
            raise Refused(text, "host", "Misaligned")
        return memory, kind, at // unit

    def _supported(self, kind: str | None, memory_type: str | None = None) -> ViewKind:
        view: ViewKind | None = self._driver.views.get(kind)
        if view is None:
            raise Refused("no view kind %s" % kind)
        if memory_type is not None and memory_type not in view.types:
            raise Refused("%s does not do %s" % (kind, memory_type))
        return view

    def _what(self, params: dict[str, Any]) -> tuple[str, int]:
        memory_type = params["type"]
        return memory_type, self._integer(params["count"]) if memory_type == "bytes" else 1

    def _fresh(self, access: str, memory: Any, kind: str, index: int, memory_type: str, what: int | bytes) -> Any:
        return getattr(self._driver.view_open(memory, kind, None, None), access)(index, memory_type, what)

    def _reading(self, ident: int, memory_type: str, value: Any) -> str:
        self._results[ident] = (memory_type, None if memory_type == "bytes" else value)
        return reading_json(memory_type, value)

    def _written(self, count: int | None) -> str:
        return "{}" if count is None else '{"count":%d}' % count

    def _view_open(self, ident: int, params: dict[str, Any]) -> str:
        memory = self._object("memory", params["memory"])
        kind = params.get("kind") or self._driver.default_view(memory, "u8")
        self._supported(kind)
        part = self._optional(params.get("offset")), self._optional(params.get("length"))
        view = self._ask("view.open", self._driver.view_open, memory, kind, *part)
        self._objects["view"][ident] = (view, kind)
        return "{}"

    def _view_length(self, ident: int, params: dict[str, Any]) -> str:
        length = self._ask("view.length", self._object("view", params["view"])[0].length)
        self._results[ident] = (None, length)
        return '{"length":%s}' % integer_json(length)

    def _view_read(self, ident: int, params: dict[str, Any]) -> str:
        (view, kind), index = self._object("view", params["view"]), self._integer(params["index"])
        memory_type, count = self._what(params)
        self._supported(kind, memory_type)
        return self._reading(ident, memory_type, self._ask("view.read", view.read, index, memory_type, count))

    def _view_write(self, ident: int, params: dict[str, Any]) -> str:
        (view, kind), index = self._object("view", params["view"]), self._integer(params["index"])
        memory_type = params["type"]
        self._supported(kind, memory_type)
        value = self._memory_value(memory_type, params["value"])
        return self._written(self._ask("view.write", view.write, index, memory_type, value))

    def _object_release(self, ident: int, params: dict[str, Any]) -> str:
        if not params.get("all"):
            for objects in self._objects.values():
                for released in params["objects"]:
                    objects.pop(released, None)
            return "{}"
        for kind in ("view", "memory", "instance"):
            self._objects[kind].clear()
        self._results.clear()
        self._failed.clear()
        self._ask("object.release", self._driver.release_all)
        return "{}"

    # Host functions

    def _host_function(self, func: str, params: Sequence[str]) -> Callable[..., Any]:
        """A Python callable that asks the harness, and meanwhile serves what the harness asks."""
        head = '"method":"import.call","params":{"func":%s,"args":[' % string_json(func)

        def host_function(*args: Any) -> Any:
            if self._nesting == _MAX_NESTING:
                raise Refused("the driver nests calls of host functions %d deep at most" % _MAX_NESTING)
            self._nesting += 1
            try:
                return self._import_call(head, ",".join(map(typed_json, params, args)))
            finally:
                self._nesting -= 1

        return host_function

    def _import_call(self, head: str, args: str) -> Any:
        self._imports_called += 1
        ident = "h%d" % self._imports_called
        self._channel.send('{"jsonrpc":"2.0","id":"%s",%s%s]}}\n' % (ident, head, args))
        message = self._channel.receive()
        while "method" in message:
            self.answer(message)
            message = self._channel.receive()
        if message["id"] != ident:
            sys.stderr.write("the answer to import.call %s has id %s\n" % (ident, message["id"]))
            leave(70)
        if "error" in message:
            error = message["error"]
            raise self._driver.host_error(error.get("data", {}).get("kind", "host"), error["message"])
        values = tuple(map(self._argument, message["result"]["values"]))
        return values if len(values) > 1 else values[0] if values else None
