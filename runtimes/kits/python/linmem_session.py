"""Serve linmem's driver protocol (docs/driver-protocol.md): the same for every Python runtime.

`linmem_requests` takes requests and reports what came out, exceptions included; `linmem_memories` has the methods on
memories and views, `linmem_agents` that on agents, this module all others.
"""

from __future__ import annotations

import gc
import json
import platform
import sys
from binascii import a2b_base64
from typing import Any, Callable, NoReturn, Sequence

from linmem_agents import AgentMethods
from linmem_driver import Channel, Driver, Import, Refused, Wasi, leave
from linmem_forks import forked
from linmem_memories import MemoryMethods
from linmem_requests import HOOKS, Requests
from linmem_values import host_value, string_json, typed_json

PROTOCOL = 1
#: How deep calls of host functions nest. In a user's program CPython stops at 300 to 500 (`RecursionError`). Here each
#: takes three times the frames, and an exception in the middle of a message would leave the protocol out of step.
_MAX_NESTING = 250


def serve(driver: Callable[[str | None, str | None], Driver], channel: Channel) -> NoReturn:
    """Answer requests until input ends. A fault of the driver's own prints its traceback and ends the process."""
    sys.setrecursionlimit(20 * _MAX_NESTING)
    channel = forked(channel)
    session = _Session(driver, channel)
    while True:
        session.answer(channel.receive())


class _Session(Requests):
    """One method for each method of the protocol that is about neither memories nor agents."""

    def __init__(self, make_driver: Callable[[str | None, str | None], Driver], channel: Channel) -> None:
        super().__init__(channel)
        self._memories, self._agents = MemoryMethods(self), AgentMethods(self, self._import)
        self._make_driver = make_driver
        self._imports_called = self._nesting = 0
        self._globals: list[Any] = []  # that were made as imports; the host keeps them until all is released
        self.methods["initialize"], self.methods["shutdown"] = self._initialize, self._shutdown
        self.methods["memory.caller"] = self._memories.caller  # an API without it says so
        self.methods["object.same"], self.methods["host.collect"] = self._object_same, self._host_collect

    # Methods

    def _initialize(self, ident: int, params: dict[str, Any]) -> str:
        if self.driver is not None:
            raise ValueError("initialize comes once")
        if params["protocol"] != PROTOCOL:
            raise ValueError("this driver speaks protocol %d" % PROTOCOL)
        driver = self.driver = self._make_driver(params.get("variant"), params.get("cache"))
        for method, hook in HOOKS.items():
            if hasattr(driver, hook):
                name = "_" + method.replace(".", "_")
                parts = (self, self._memories, self._agents)
                self.methods[method] = next(getattr(part, name) for part in parts if hasattr(part, name))
        gc.collect()
        gc.freeze()  # what exists now lives as long as the process: later collections need not look at it
        host = {"language": "Python", "version": platform.python_version()}
        host["implementation"] = platform.python_implementation()
        views = [{"kind": kind, "unit": view.unit, "types": view.types} for kind, view in driver.views.items()]
        answer = {"protocol": PROTOCOL, "runtime": driver.runtime, "host": host, "views": views, "glue": []}
        wasi = list(driver.wasi_versions) if hasattr(driver, "wasi_instance_create") else []
        return json.dumps(dict(answer, default_views=driver.default_views, wasi=wasi))

    def _shutdown(self, ident: int, params: dict[str, Any]) -> NoReturn:
        self.channel.send('{"jsonrpc":"2.0","id":%d,"result":{}}\n' % ident)
        leave(0)

    def _module_compile(self, ident: int, params: dict[str, Any]) -> str:
        data = a2b_base64(params["bytes"])
        self.objects["module"][ident] = self.ask("module.compile", self.driver.module_compile, data)
        return "{}"

    def _instance_create(self, ident: int, params: dict[str, Any]) -> str:
        module = self.object("module", params["module"])
        imports = [self._import(item) for item in params.get("imports", ())]
        if params.get("glue") is not None:
            raise Refused("the driver runs no language glue")
        wasi = params.get("wasi")
        if wasi is None:
            instance = self.ask("instance.create", self.driver.instance_create, module, imports)
        else:
            told = _wasi(wasi)
            instance = self.ask("instance.create", self._wasi_hook(told.version), module, imports, told)
        self.objects["instance"][ident] = instance
        return "{}"

    def _wasi_hook(self, version: str) -> Callable[..., Any]:
        hook: Callable[..., Any] | None = getattr(self.driver, "wasi_instance_create", None)
        if hook is None:
            raise Refused("the driver brings no WASI")
        if version not in self.driver.wasi_versions:
            raise Refused("the driver brings no WASI %s" % version)
        return hook

    def _import(self, item: dict[str, Any]) -> Import:
        module, name = item["module"], item["name"]
        if "func" in item:
            params, results = tuple(item["type"]["params"]), tuple(item["type"]["results"])
            return Import(module, name, "func", self._host_function(item["func"], params), params, results)
        if "object" in item and item["object"] in self.objects["global"]:
            return Import(module, name, "global", self.object("global", item["object"]))
        if "object" in item:
            return Import(module, name, "memory", self.object("memory", item["object"]))
        if "instance" in item:
            return Import(module, name, "export", (self.object("instance", item["instance"]), item["export"]))
        new = self._new_global("instance.create", item["global"])
        self._globals.append(new)
        return Import(module, name, "global", new)

    def _new_global(self, method: str, new: dict[str, Any]) -> Any:
        if not hasattr(self.driver, "global_create"):
            raise Refused("the driver makes no globals")
        return self.ask(method, self.driver.global_create, new["type"], self.argument(new), new["mutable"])

    def _global_create(self, ident: int, params: dict[str, Any]) -> str:
        self.objects["global"][ident] = self._new_global("global.create", params)
        return "{}"

    def _global_export(self, ident: int, params: dict[str, Any]) -> str:
        return self.export("global", ident, params)

    def _global_get(self, ident: int, params: dict[str, Any]) -> str:
        value = self.ask("global.get", self.driver.global_get, self.object("global", params["global"]))
        self.results[ident] = (params["type"], value)
        return '{"value":%s}' % typed_json(params["type"], value)

    def _global_set(self, ident: int, params: dict[str, Any]) -> str:
        variable, given = self.object("global", params["global"]), params["value"]
        value = host_value(given) if "host" in given else self.argument(given)
        self.ask("global.set", self.driver.global_set, variable, value)
        return "{}"

    def _function_call(self, ident: int, params: dict[str, Any]) -> str:
        types = params["results"]
        if "function" in params:
            callee: tuple[Any, ...] = (self.object("function", params["function"]),)
            hook = self.driver.function_apply
        else:
            callee = (self.object("instance", params["instance"]), params["name"])
            hook = self.driver.function_call
        args = [self.argument(arg) for arg in params["args"]]
        values = self.ask("function.call", hook, *callee, args, types)
        if len(values) != len(types):
            raise ValueError("the function gave %d values for %s" % (len(values), types))
        self.results[ident] = (types[0], values[0]) if types else (None, None)
        return '{"values":[%s]}' % ",".join(map(typed_json, types, values))

    def _function_export(self, ident: int, params: dict[str, Any]) -> str:
        return self.export("function", ident, params)

    def _object_same(self, ident: int, params: dict[str, Any]) -> str:
        one, other = map(self._comparable, params["objects"])
        return '{"same":%s}' % ("true" if one is other else "false")

    def _comparable(self, ident: int) -> Any:
        """What the host has by a request's id."""
        for kind in ("function", "global"):
            if ident in self.objects[kind]:
                return self.objects[kind][ident]
        return self.object("memory", ident)

    def _host_collect(self, ident: int, params: dict[str, Any]) -> str:
        gc.collect()
        return "{}"

    def _object_release(self, ident: int, params: dict[str, Any]) -> str:
        """Drop the objects that are named, or all but modules; with ``store``, all but modules and views."""
        store = params.get("store")
        if not store and not params.get("all"):
            for objects in self.objects.values():
                for released in params["objects"]:
                    objects.pop(released, None)
            return "{}"
        self._agents.end()
        if not store:
            for kept in (self.objects["view"], self.results, self.failed):
                kept.clear()
        for kind in ("memory", "function", "global", "instance"):
            self.objects[kind].clear()
        self._globals.clear()
        self.ask("object.release", self.driver.release_all)
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
        self.channel.send('{"jsonrpc":"2.0","id":"%s",%s%s]}}\n' % (ident, head, args))
        message = self.channel.receive()
        while "method" in message:
            self.answer(message)
            message = self.channel.receive()
        if message["id"] != ident:
            sys.stderr.write("the answer to import.call %s has id %s\n" % (ident, message["id"]))
            leave(70)
        if "error" in message:
            error = message["error"]
            raise self.driver.host_error(error.get("data", {}).get("kind", "host"), error["message"])
        values = tuple(map(self.argument, message["result"]["values"]))
        return values if len(values) > 1 else values[0] if values else None


def _wasi(given: dict[str, Any]) -> Wasi:
    found = (tuple(given["args"]), tuple(given["env"].items()), tuple(given["preopens"].items()))
    return Wasi(*found, given.get("version", "preview1"))
