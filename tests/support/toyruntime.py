"""A runtime made of Python, in this process: it does what a driver does, and tells what it was asked and when."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import wasmtime

from linmem.play.scope import Module
from linmem.protocol import CallFailed, Compilation, DriverFault, ImportFailed, ImportHandler, Reply
from linmem.scenario import values
from linmem.scenario.model import ModuleSource
from linmem.wasm.types import read_types

PAGE = 65536
Function = Callable[..., "Sequence[int] | int | None"]
UNITS = {"bytewise": 1, "wordwise": 4}


def refused(kind: str, message: str = "no", type: str = "ToyError") -> CallFailed:
    return CallFailed(-32000, message, {"kind": kind, "message": message, "type": type, "text": f"toy: {message}"})


def failed(failure: CallFailed) -> dict[str, Any]:
    """A failure within an answer, as agents' results have it."""
    data = {"kind": failure.kind, "type": failure.type, "message": failure.message, "text": failure.text}
    return {"error": {"code": failure.code, "message": failure.message, "data": data}}


def module(source: ModuleSource) -> Module:
    """A module of a suite, assembled."""
    assert source.wat is not None
    data = bytes(wasmtime.wat2wasm(source.wat))
    return Module(data, read_types(data))


class ToyRuntime:
    """``functions`` are the guest's exports: Python functions of integers, which may call `host` and use `memory`.

    ``answers`` replaces what a method answers: by a reply, by an error to return, or by a fault to raise. A key is a
    method or, for calls, a function's name. ``start`` runs when an instance is made.
    """

    def __init__(
        self,
        functions: Mapping[str, Function] | None = None,
        *,
        answers: Mapping[str, Any] | None = None,
        start: Callable[[], None] | None = None,
        features: Sequence[str] = (),
        defaults: Mapping[str, str] | None = None,
        glue: Sequence[str] = (),
        wasi: Sequence[str] = (),
    ) -> None:
        self.functions, self.answers, self.start = functions or {}, answers or {}, start
        self.features, self.glue, self.wasi = features, glue, wasi
        self.defaults = dict.fromkeys([*values.MEMORY_TYPES, "bytes"], "bytewise") if defaults is None else defaults
        self.on_import: ImportHandler | None = None
        self.memory = bytearray(PAGE)
        self.stderr = ""
        self.events: list[str] = []  # "post memory.read", "wait memory.read", ...
        self.requests: dict[int, tuple[str, Mapping[str, Any]]] = {}
        self.memories: dict[int, bytearray] = {}
        self.kept: dict[int, str] = {}  # functions
        self.globals: dict[int, int] = {}
        self.units: dict[int, int] = {}
        self.imports: dict[str, str] = {}
        self.types: dict[str, Mapping[str, Sequence[str]]] = {}
        self.given: dict[str, Mapping[str, Any]] = {}
        self.failed: set[int] = set()
        self.results: dict[int, int] = {}
        self.started: dict[int, Mapping[str, Any]] = {}  # agents
        self.queues: list[deque[int]] = [deque()]
        self.replies: dict[int, Reply] = {}

    # ------------------------------------------------------------ what tests ask

    @property
    def posted(self) -> list[str]:
        """The methods that were asked for, in order."""
        return [method for method, _ in self.requests.values()]

    def params(self, method: str, nth: int = 0) -> Mapping[str, Any]:
        """The parameters of the n-th request for a method."""
        return [params for asked, params in self.requests.values() if asked == method][nth]

    def number(self, method: str, nth: int = 0) -> int:
        """The id of the n-th request for a method."""
        return [request for request, (asked, _) in self.requests.items() if asked == method][nth]

    def host(self, name: str, *args: int) -> list[int]:
        """Call a host function that the guest imports, from within a guest's function."""
        token, types = self.imports[name], self.types[name]
        assert self.on_import is not None
        typed = [values.to_wire(kind, arg) for kind, arg in zip(types["params"], args, strict=True)]
        self.queues.append(deque())
        try:
            given = self.on_import(token, typed)
        except ImportFailed as failure:
            raise refused(failure.kind, failure.message) from None
        finally:
            self.queues.pop()
        return [values.from_wire(item, kind)[1] for item, kind in zip(given, types["results"], strict=True)]

    # ------------------------------------------------------- suites.interface.Runtime

    def post(self, method: str, params: Mapping[str, Any]) -> int:
        request = len(self.requests) + 1
        self.requests[request] = (method, params)
        self.queues[-1].append(request)
        self.events.append(f"post {method}")
        return request

    def reply(self, request: int) -> Reply:
        self.events.append(f"wait {self.requests[request][0]}")
        queue = self.queues[-1]
        while request not in self.replies:
            due = queue.popleft()
            self.replies[due] = self.answer(due)
        return self.replies.pop(request)

    def flush(self) -> None:
        self.events.append("flush")

    def compile(self, module: bytes) -> Compilation:
        return Compilation(module, 1_000_000 + len(module))

    def compiled(self, compilation: Compilation) -> int | CallFailed:
        found = self.answers.get("module.compile")
        if isinstance(found, DriverFault):
            raise found
        return found if isinstance(found, CallFailed) else compilation.request

    def supports(self, feature: str) -> bool:
        return feature in self.features

    def unit(self, kind: str) -> int | None:
        return UNITS.get(kind)

    def view_for(self, memory_type: str) -> str | None:
        return self.defaults.get(memory_type)

    def host_language(self) -> str:
        return "Python"

    def runs_glue(self, kind: str) -> bool:
        return kind in self.glue

    def brings_wasi(self, version: str) -> bool:
        return version in self.wasi

    def take_stderr(self) -> str:
        text, self.stderr = self.stderr, ""
        return text

    # ------------------------------------------------------------------ answers

    def answer(self, request: int) -> Reply:
        method, params = self.requests[request]
        found = self.answers.get(str(params.get("name")), self.answers.get(method))
        if isinstance(found, DriverFault):
            raise found
        try:
            if found is None:
                found = getattr(self, method.replace(".", "_"))(request, params)
        except CallFailed as failure:
            found = failure
        if isinstance(found, CallFailed):
            self.failed.add(request)
        assert isinstance(found, dict | CallFailed)
        return found

    def integer(self, value: Any) -> int:
        if isinstance(value, dict):
            self.made(value["$ref"])
            return self.results[value["$ref"]] + int(value.get("+", 0))
        return int(value)

    def made(self, request: int) -> int:
        if request in self.failed:
            raise refused("skipped", f"request {request} failed")
        return request

    def instance_create(self, request: int, params: Mapping[str, Any]) -> Reply:
        for item in params["imports"]:
            name = f"{item['module']}.{item['name']}"
            self.given[name] = item
            if "func" in item:
                self.imports[name], self.types[name] = item["func"], item["type"]
        if self.start is not None:
            self.start()
        return {}

    def function_call(self, request: int, params: Mapping[str, Any]) -> Reply:
        name = self.kept[self.made(params["function"])] if "function" in params else params["name"]
        if "instance" in params:
            self.made(params["instance"])
        args = [self.integer(arg["value"]) for arg in params["args"]]
        found = self.functions[name](*args)
        numbers = [] if found is None else [found] if isinstance(found, int) else list(found)
        if numbers:
            self.results[request] = numbers[0]
        typed = [values.to_wire(kind, bits) for kind, bits in zip(params["results"], numbers, strict=True)]
        return {"values": typed}

    def agents_run(self, request: int, params: Mapping[str, Any]) -> Reply:
        """Agents take turns, in their order."""
        played: list[list[list[Any]]] = [[[] for _ in agent["calls"]] for agent in params["agents"]]
        for _ in range(params["rounds"]):
            for agent, results in zip(params["agents"], played, strict=True):
                for call, found in zip(agent["calls"], results, strict=True):
                    found.append(self.agent_call(call))
        return {"agents": played}

    def agents_start(self, request: int, params: Mapping[str, Any]) -> Reply:
        self.started[request] = params
        return {}

    def agents_finish(self, request: int, params: Mapping[str, Any]) -> Reply:
        """What they were to do is done only now."""
        return self.agents_run(request, {**self.started[self.made(params["agents"])], "rounds": 1})

    def agent_call(self, call: Mapping[str, Any]) -> dict[str, Any]:
        if "method" in call:  # a step of its own host
            self.requests[call["id"]] = (call["method"], call["params"])
            reply = self.answer(call["id"])
            return reply if isinstance(reply, dict) else failed(reply)
        for _ in range(call["times"]):
            try:
                reply = self.function_call(0, call)
            except CallFailed as failure:
                return failed(failure)
        assert isinstance(reply, dict)
        return reply

    def function_export(self, request: int, params: Mapping[str, Any]) -> Reply:
        self.made(params["instance"])
        self.kept[request] = params["name"]
        return {}

    def global_create(self, request: int, params: Mapping[str, Any]) -> Reply:
        self.globals[request] = self.integer(params["value"])
        return {}

    def global_export(self, request: int, params: Mapping[str, Any]) -> Reply:
        self.made(params["instance"])
        self.globals[request] = self.answers.get("a global", 0)
        return {}

    def global_get(self, request: int, params: Mapping[str, Any]) -> Reply:
        self.results[request] = self.globals[self.made(params["global"])]
        return {"value": values.to_wire(params["type"], self.results[request])}

    def global_set(self, request: int, params: Mapping[str, Any]) -> Reply:
        self.globals[self.made(params["global"])] = self.integer(params["value"]["value"])
        return {}

    def memory_export(self, request: int, params: Mapping[str, Any]) -> Reply:
        self.made(params["instance"])
        self.memories[request] = self.memory
        return {}

    def memory_caller(self, request: int, params: Mapping[str, Any]) -> Reply:
        self.memories[request] = self.memory
        return {}

    def memory_create(self, request: int, params: Mapping[str, Any]) -> Reply:
        self.memories[request] = bytearray(PAGE * self.integer(params["min"]))
        return {}

    def memory_size(self, request: int, params: Mapping[str, Any]) -> Reply:
        self.results[request] = len(self.memories[self.made(params["memory"])]) // PAGE
        return {"pages": self.results[request]}

    def memory_grow(self, request: int, params: Mapping[str, Any]) -> Reply:
        memory = self.memories[self.made(params["memory"])]
        self.results[request] = len(memory) // PAGE
        memory.extend(bytes(PAGE * self.integer(params["delta"])))
        return {"pages": self.results[request]}

    def memory_read(self, request: int, params: Mapping[str, Any]) -> Reply:
        memory, at = self.memories[self.made(params["memory"])], self.integer(params["at"])
        return self.reading(request, memory, at, params, self.integer(params.get("count", 0)))

    def memory_write(self, request: int, params: Mapping[str, Any]) -> Reply:
        memory, at = self.memories[self.made(params["memory"])], self.integer(params["at"])
        return self.written(memory, at, params)

    def view_open(self, request: int, params: Mapping[str, Any]) -> Reply:
        if "view" in params:
            view = self.made(params["view"])
            self.memories[request], self.units[request] = self.memories[view], self.units[view]
            return {}
        self.memories[request] = self.memories[self.made(params["memory"])]
        self.units[request] = UNITS[params["kind"] or "bytewise"]
        return {}

    def view_length(self, request: int, params: Mapping[str, Any]) -> Reply:
        view = self.made(params["view"])
        self.results[request] = len(self.memories[view]) // self.units[view]
        return {"length": self.results[request]}

    def view_read(self, request: int, params: Mapping[str, Any]) -> Reply:
        view = self.made(params["view"])
        at = self.integer(params["at"])
        return self.reading(request, self.memories[view], at, params, self.integer(params.get("count", 0)))

    def view_write(self, request: int, params: Mapping[str, Any]) -> Reply:
        view = self.made(params["view"])
        return self.written(self.memories[view], self.integer(params["at"]), params)

    def object_same(self, request: int, params: Mapping[str, Any]) -> Reply:
        one, other = (self.memories.get(self.made(item)) for item in params["objects"])
        return {"same": one is other}

    def host_collect(self, request: int, params: Mapping[str, Any]) -> Reply:
        return {}

    def object_release(self, request: int, params: Mapping[str, Any]) -> Reply:
        return {}

    def reading(self, request: int, memory: bytearray, at: int, params: Mapping[str, Any], count: int) -> Reply:
        data = bytes(memory[at : at + (count if params["type"] == "bytes" else values.MEMORY_TYPES[params["type"]])])
        self.results[request] = int.from_bytes(data, "little")
        return {"bytes": base64.b64encode(data).decode()}

    def written(self, memory: bytearray, at: int, params: Mapping[str, Any]) -> Reply:
        value, width = params["value"], values.MEMORY_TYPES.get(params["type"], 0)
        data = (
            value["bytes"] if "bytes" in value else (int(value["value"]) % (1 << 8 * width)).to_bytes(width, "little")
        )
        memory[at : at + len(data)] = data
        return {}


# A guest that most tests can do with

BUFFER = """
  (module
    (memory (export "memory") 1)
    (func (export "pointer") (result i32) unreachable)
    (func (export "store") (param i32 i32) unreachable)
    (func (export "load") (param i32) (result i32) unreachable)
    (func (export "pi") (result f32) unreachable)
    (func (export "take") (param f32 f64) (result i32) unreachable)
    (func (export "pair") (result i32 i64) unreachable))
"""


def suite(steps: str, wat: str = BUFFER, more: str = "") -> str:
    """A suite of one scenario, `steps` indented as they stand."""
    block = "".join(f"      {line}\n" for line in wat.strip().splitlines())
    lines = "".join(f"      {line}\n" for line in steps.strip().splitlines())
    return f"title: T\nscenarios:\n  - name: one\n{more}    steps:\n{lines}    wat: |\n{block}"


def buffer(**answers: Any) -> ToyRuntime:
    """A guest with a buffer at 1024."""
    toy = ToyRuntime(answers=answers)

    def store(at: int, value: int) -> None:
        toy.memory[at % len(toy.memory)] = value % 256

    toy.functions = {
        "pointer": lambda: 1024,
        "store": store,
        "load": lambda at: toy.memory[at],
        "pi": lambda: 0x40490FDB,
        "take": lambda single, double: 1,
        "pair": lambda: [1, 2],
    }
    return toy
