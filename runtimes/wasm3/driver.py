"""wasm3, an interpreter in C, through its Python API, pywasm3 (https://github.com/wasm3/pywasm3, its README and
``m3module.c``).

One `Environment` per process; each instance is a module loaded into a `Runtime` of its own, because a `Runtime` has one
memory, which the modules in it share. pywasm3 frees none of its objects. The one way into memory:

``get_memory``  the `memoryview` of `Runtime.get_memory`: ``u8`` by index, ``bytes`` by slice, the rest by `struct` at a
                byte offset. It has the address and the length that the memory had when it was made. For a memory of no
                pages `get_memory` gives None.

The API knows memories by no name; the driver looks exports up in the module's bytes. The host can make no memory, no
table and no global, grow no memory, and give a guest functions only.

wasm3 compiles a function when it is first looked for, and a function that it calls when it is first called. So that
what it can't compile is noticed, `module_compile` looks for every exported function, in a `Runtime` that is used for
nothing else; not so where that would run a start function or take much memory. The start function itself runs when the
first function is looked for (``m3_FindFunction``), not on instantiation.

Floats are Python floats on their way into and out of guest functions, so an ``f32`` NaN that is signalling becomes
quiet there. There is no way to make a trap from a host function.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, Iterator, NamedTuple, Sequence

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "kits", "python"))

from linmem_driver import Channel, Driver, Import, Refused, ViewKind  # noqa: E402
from linmem_session import serve  # noqa: E402
from linmem_values import MEMORY_TYPES  # noqa: E402
from linmem_views import BufferView, part  # noqa: E402

CHANNEL = Channel()  # before the runtime is imported: whatever that prints must not reach the protocol

import wasm3  # noqa: E402

STACK_BYTES = 64 * 1024  # of the interpreter's own stack, as in pywasm3's examples
PAGE = 65536
MEMORY_EXPORT, FUNCTION_EXPORT = 2, 0
MEMORY_SECTION, EXPORT_SECTION, START_SECTION = 5, 7, 8
MANY_PAGES = 16  # in the first bytes of a memory section: more than a trial is worth
SIGNATURE = {"i32": "i", "i64": "I", "f32": "f", "f64": "F"}

#: wasm3's texts for traps that differ from the specification's.
SPECIFIED = {
    "unreachable executed": "unreachable",
    "null table element": "uninitialized element",
    "stack overflow": "call stack exhausted",
}
#: What `Runtime.load` says where active segments do not fit, which the specification calls a trap.
SEGMENTS = {
    "data segment out of bounds": "out of bounds memory access",
    "table overflow": "out of bounds table access",
}
UNLINKED = "missing imported function"


class Module(NamedTuple):
    """A module's bytes, which are parsed again for each instance, and its exports' kinds by name."""

    data: bytes
    exports: dict[str, int]


class Instance(NamedTuple):
    """A module in a runtime of its own."""

    runtime: Any
    exports: dict[str, int]


class Wasm3Driver(Driver):
    """A memory is its `Runtime`: there is nothing else to hold on to."""

    views = {"get_memory": ViewKind(1, MEMORY_TYPES)}
    default_views = dict.fromkeys(MEMORY_TYPES, "get_memory")

    def __init__(self, variant: str | None, cache: str | None) -> None:
        if variant is not None:
            raise Refused("wasm3 has no variants")
        self.runtime = {"name": "wasm3", "version": wasm3.M3_VERSION, "engine": "wasm3 %s" % wasm3.M3_VERSION}
        self._environment = wasm3.Environment()

    def release_all(self) -> None:
        """pywasm3 frees nothing."""

    # Modules and instances

    def module_compile(self, data: bytes) -> Module:
        trial = self._environment.parse_module(data)
        sections = dict(_sections(data))
        exports = dict(_exports(sections.get(EXPORT_SECTION, b"\0")))
        if START_SECTION not in sections and _first_pages(sections.get(MEMORY_SECTION, b"\0")) < MANY_PAGES:
            self._try(trial, [name for name, kind in exports.items() if kind == FUNCTION_EXPORT])
        return Module(data, exports)

    def _try(self, module: Any, functions: Sequence[str]) -> None:
        runtime = self._environment.new_runtime(STACK_BYTES)
        try:
            runtime.load(module)
        except RuntimeError:
            return  # it will say so again when it is instantiated
        for name in functions:
            try:
                runtime.find_function(name)
            except RuntimeError as error:
                if not str(error).startswith((UNLINKED, "function lookup failed")):
                    raise

    def instance_create(self, module: Module, imports: list[Import]) -> Instance:
        runtime, parsed = self._environment.new_runtime(STACK_BYTES), self._environment.parse_module(module.data)
        for item in imports:
            kind = item.value[0].exports.get(item.value[1]) if item.kind == "export" else FUNCTION_EXPORT
            if item.kind not in ("func", "export") or kind not in (FUNCTION_EXPORT, None):
                raise Refused("pywasm3 has no way to give a guest anything but functions")
        runtime.load(parsed)
        for item in imports:
            if item.kind == "func":
                results, params = "".join(map(_sign, item.results)) or "v", "".join(map(_sign, item.params))
                parsed.link_function(item.module, item.name, "%s(%s)" % (results, params), item.value)
            else:
                instance, name = item.value
                parsed.link_function(item.module, item.name, _function(instance, name))
        return Instance(runtime, module.exports)

    def function_call(self, instance: Instance, name: str, args: Sequence[float], results: Sequence[str]) -> Any:
        return self.function_apply(_function(instance, name), args, results)

    def function_export(self, instance: Instance, name: str) -> Any:
        return _function(instance, name)

    def function_apply(self, function: Any, args: Sequence[float], results: Sequence[str]) -> Sequence[Any]:
        given = function(*args)
        return given if len(results) > 1 else [given] if results else []  # a tuple, the value, or None

    # Memories

    def memory_export(self, instance: Instance, name: str) -> Any:
        if instance.exports.get(name) != MEMORY_EXPORT:
            raise LookupError("no memory is exported as %r" % name)
        return instance.runtime

    def memory_size(self, memory: Any) -> int:
        return len(memory.get_memory(0)) // PAGE

    def view_open(self, memory: Any, kind: str, offset: int | None, length: int | None) -> Any:
        return BufferView(part(memory.get_memory(0), offset, length))

    # Errors

    def classify(self, method: str, error: BaseException) -> tuple[str, str]:
        text = str(error)
        if type(error) is not RuntimeError:
            return "host", text
        words = text.partition(" (")[0]  # what follows are details of this case
        if words.startswith("[trap] "):
            words = words[len("[trap] ") :]
            return "trap", SPECIFIED.get(words, words)
        if method == "module.compile":
            return "compile", text
        if method == "instance.create":
            return ("trap", SEGMENTS[words]) if words in SEGMENTS else ("link", text)
        return ("link" if words == UNLINKED else "host"), text


def _function(instance: Instance, name: str) -> Any:
    return instance.runtime.find_function(name)


def _sign(value_type: str) -> str:
    if value_type not in SIGNATURE:
        raise Refused("wasm3 has no value type %s" % value_type)
    return SIGNATURE[value_type]


# What the API does not say of a module that wasm3 has parsed


def _sections(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 8
    with contextlib.suppress(IndexError):
        while at < len(data):
            kind = data[at]
            size, at = _unsigned(data, at + 1)
            yield kind, data[at : at + size]
            at += size


def _exports(section: bytes) -> Iterator[tuple[str, int]]:
    with contextlib.suppress(IndexError):
        count, at = _unsigned(section, 0)
        for _ in range(count):
            size, at = _unsigned(section, at)
            name, kind = section[at : at + size].decode("utf-8", "replace"), section[at + size]
            _, at = _unsigned(section, at + size + 1)
            yield name, kind


def _first_pages(section: bytes) -> int:
    """How many pages a module's own memory begins with; 0 without one."""
    with contextlib.suppress(IndexError):
        count, at = _unsigned(section, 0)
        return _unsigned(section, at + 1)[0] if count else 0
    return 0


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    """A LEB128 integer and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


if __name__ == "__main__":
    serve(Wasm3Driver, CHANNEL)
