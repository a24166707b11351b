"""pywasm, an interpreter in pure Python (https://github.com/libraries/pywasm, its README and ``pywasm/core.py``).

One `Runtime` per scenario: it holds all instances, and what they import by name. A module is parsed again for each
instance, as pywasm's `instance_from_file` does. Ways into memory, a `MemInst`:

``get_put``     its own accessors: ``get_u8``, ``put_u32``… for the unsigned types and ``i32`` and ``i64``; ``get`` and
                ``put``, which take and give a `bytearray`, for the rest.
``data``        the `bytearray` that it keeps its bytes in: ``u8`` by index, ``bytes`` by slice, the rest by `struct` at
                a byte offset. Assigning to a slice past the end lengthens it.
``memoryview``  `memoryview` of that array, sliced where a scenario wants a part. While one lives the array can't grow.

Traps are whatever the interpreter's Python raises: `AssertionError` without a text, `ZeroDivisionError`, `IndexError`.
What was being executed then tells which of the specification's traps it is: the driver looks at the instruction in the
interpreter's frame. Floats are Python floats on their way into and out of guest functions, so an ``f32`` NaN that is
signalling becomes quiet there.

The package's version is its distribution's: 2.2.3 says ``pywasm.version == "2.2.1"``.
"""

from __future__ import annotations

import io
import os
import sys
from importlib.metadata import version
from typing import Any, Callable, Sequence

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "kits", "python"))

from linmem_driver import Channel, Driver, Import, Refused, ViewKind, Wasi  # noqa: E402
from linmem_session import serve  # noqa: E402
from linmem_values import MEMORY_TYPES, WIDTH, packed  # noqa: E402
from linmem_views import BufferView, part  # noqa: E402

CHANNEL = Channel()  # before the runtime is imported: whatever that prints must not reach the protocol

import pywasm  # noqa: E402

VALUE_TYPES = {"i32": "i32", "i64": "i64", "f32": "f32", "f64": "f64", "v128": "v128"}
VALUE_TYPES.update(funcref="ref_func", externref="ref_extern")

#: The memory types that `MemInst` has accessors for, and what they are called.
ACCESSORS = {"u8": "u8", "u16": "u16", "u32": "u32", "u64": "u64", "s32": "i32", "s64": "i64"}

MEMORY = "out of bounds memory access"
TABLE = "out of bounds table access"


class GuestExit(Exception):
    """The guest ended the process, by an exception about `SystemExit`; the text is the status."""


class GetPut:
    """`MemInst`'s accessors, on the memory itself."""

    def __init__(self, memory: Any, offset: int | None, length: int | None) -> None:
        if offset is not None or length is not None:
            raise Refused("get and put have no views with an offset or a length")
        self._memory = memory

    def read(self, index: int, memory_type: str, count: int) -> Any:
        if memory_type in ACCESSORS:
            return getattr(self._memory, "get_%s" % ACCESSORS[memory_type])(index)
        return bytes(self._memory.get(index, WIDTH[memory_type] * count))

    def write(self, index: int, memory_type: str, value: int | bytes) -> None:
        if memory_type in ACCESSORS:
            getattr(self._memory, "put_%s" % ACCESSORS[memory_type])(index, value)
        else:
            self._memory.put(index, bytearray(packed(memory_type, value)))

    def length(self) -> int:
        raise Refused("get and put have no length")


def _open_data(memory: Any, offset: int | None, length: int | None) -> BufferView:
    if offset is not None or length is not None:
        raise Refused("a bytearray has no views with an offset or a length")
    return BufferView(memory.data)


def _open_memoryview(memory: Any, offset: int | None, length: int | None) -> BufferView:
    return BufferView(part(memoryview(memory.data), offset, length))


OPEN: dict[str, Callable[[Any, int | None, int | None], Any]] = {
    "get_put": GetPut,
    "data": _open_data,
    "memoryview": _open_memoryview,
}


class PywasmDriver(Driver):
    """The `Runtime` is made with a scenario's first object and dropped with its last."""

    views = dict.fromkeys(OPEN, ViewKind(1, MEMORY_TYPES))
    default_views = dict.fromkeys(MEMORY_TYPES, "get_put")

    def __init__(self, variant: str | None, cache: str | None) -> None:
        if variant is not None:
            raise Refused("pywasm has no variants")
        release = version("pywasm")
        self.runtime = {"name": "pywasm", "version": release, "engine": "pywasm %s" % release}
        self._runtime: Any = None

    def _scenario_runtime(self) -> Any:
        if self._runtime is None:
            self._runtime = pywasm.Runtime()
        return self._runtime

    def release_all(self) -> None:
        self._runtime = None

    # Modules and instances

    def module_compile(self, data: bytes) -> bytes:
        """Only a trial. A `ModuleDesc` is good for one instance: instantiating it empties its data segments."""
        pywasm.ModuleDesc.from_reader(io.BytesIO(data))
        return data

    def instance_create(self, module: bytes, imports: list[Import]) -> Any:
        """What a module imports is what the `Runtime` has by that name, so each module finds only its own there."""
        return self._instance(module, imports, {})

    def wasi_instance_create(self, module: bytes, imports: list[Import], wasi: Wasi) -> Any:
        """A reactor's ``_initialize`` is called as its users do."""
        runtime = self._scenario_runtime()
        runtime.imports = {}
        preview1 = pywasm.wasi.Preview1(list(wasi.args), dict(wasi.preopens), dict(wasi.env))
        preview1.bind(runtime)
        instance = self._instance(module, imports, runtime.imports)
        if any(export.name == "_initialize" for export in instance.exps):
            self.function_call(instance, "_initialize", [], [])
        return instance

    def _instance(self, module: bytes, imports: list[Import], given: dict[str, dict[str, Any]]) -> Any:
        runtime = self._scenario_runtime()
        for item in imports:
            given.setdefault(item.module, {})[item.name] = self._extern(runtime, item)
        runtime.imports = given
        try:
            return runtime.instance(pywasm.ModuleDesc.from_reader(io.BytesIO(module)))  # as its instance_from_file does
        except BaseException as error:
            raise _exit(error) from None

    def _extern(self, runtime: Any, item: Import) -> Any:
        if item.kind == "memory":
            return pywasm.Extern(2, _address(runtime.machine.store.mems, item.value))
        if item.kind == "global":
            return pywasm.Extern(3, _address(runtime.machine.store.glob, item.value))
        if item.kind == "export":
            instance, name = item.value
            return _export(instance, name)
        signature = pywasm.FuncType(_value_types(item.params), _value_types(item.results))
        return runtime.allocate_func_host(signature, _host_function(item.value))

    def function_call(self, instance: Any, name: str, args: Sequence[float], results: Sequence[str]) -> Sequence[Any]:
        if _export(instance, name).kind != 0:
            raise TypeError("export %r is no function" % name)
        try:
            given: list[Any] = self._scenario_runtime().invocate(instance, name, list(args))
        except BaseException as error:
            raise _exit(error) from None
        return given

    # Memories

    def memory_export(self, instance: Any, name: str) -> Any:
        return self._scenario_runtime().exported_memory(instance, name)

    def memory_caller(self, name: str) -> Any:
        """Of the machine's innermost frame, which is where pywasm's own host functions, WASI's, find it."""
        runtime = self._scenario_runtime()
        return runtime.exported_memory(runtime.machine.stack.frame[-1].module, name)

    def memory_create(self, min: int, max: int | None, shared: bool, index: str) -> Any:
        """A maximum of 0 is none: so pywasm's `Limits` have it."""
        if shared or index == "i64":
            raise Refused("MemType has no shared and no 64-bit memories")
        runtime = self._scenario_runtime()
        made = runtime.allocate_memory(pywasm.MemType(pywasm.Limits(min, 0 if max is None else max)))
        return runtime.machine.store.mems[made.data]

    def memory_size(self, memory: Any) -> int:
        pages: int = memory.size
        return pages

    def memory_grow(self, memory: Any, delta: int) -> None:
        """`MemInst.grow` gives nothing."""
        memory.grow(delta)

    # Globals

    def global_create(self, value_type: str, value: float, mutable: bool) -> Any:
        runtime, (kind,) = self._scenario_runtime(), _value_types([value_type])
        made = runtime.allocate_global(pywasm.GlobalType(kind, int(mutable)), pywasm.ValInst.from_all(kind, value))
        return runtime.machine.store.glob[made.data]

    def global_export(self, instance: Any, name: str) -> Any:
        return self._scenario_runtime().exported_global(instance, name)

    def global_get(self, variable: Any) -> Any:
        return variable.data.into_all()

    def global_set(self, variable: Any, value: float) -> None:
        """A `GlobalInst` has no setter; its users assign to ``data``, whether it is mutable or not."""
        variable.data = pywasm.ValInst.from_all(variable.data.type, value)

    # Views

    def view_open(self, memory: Any, kind: str, offset: int | None, length: int | None) -> Any:
        return OPEN[kind](memory, offset, length)

    # Errors

    def classify(self, method: str, error: BaseException) -> tuple[str, str]:
        text = str(error)
        if isinstance(error, GuestExit):
            return "exit", text
        if method == "module.compile":
            return "compile", text
        if method not in ("function.call", "instance.create"):
            return "host", text
        running = _running(error)
        if running is not None:
            trap = _trap(running, error)
            return ("host", text) if trap is None else ("trap", trap)
        return ("link" if method == "instance.create" else "host"), text


def _value_types(names: Sequence[str]) -> list[Any]:
    return [getattr(pywasm.ValType, VALUE_TYPES[name])() for name in names]


def _address(instances: Sequence[Any], wanted: Any) -> int:
    """Where the store has a memory or global."""
    return next(address for address, instance in enumerate(instances) if instance is wanted)


def _export(instance: Any, name: str) -> Any:
    """An export as pywasm's `Runtime` looks for it."""
    return [export for export in instance.exps if export.name == name][0].data


def _host_function(function: Callable[..., Any]) -> Callable[[Any, list[Any]], list[Any]]:
    """Make of it what pywasm calls: with its machine and a list, and takes a list."""

    def hostcode(machine: Any, args: list[Any]) -> list[Any]:
        given = function(*args)
        return [] if given is None else list(given) if isinstance(given, tuple) else [given]

    return hostcode


def _exit(error: BaseException) -> BaseException:
    """What WASI's ``proc_exit`` raised as what it means; any other error as it is."""
    if isinstance(error, SystemExit):
        return GuestExit(error.code)
    if error.args[:1] == (SystemExit,):
        return GuestExit(error.args[1])
    return error


def _running(error: BaseException) -> str | None:
    """The instruction that raised, None where none did: the host's own code, or a check before any was executed."""
    package = os.path.dirname(pywasm.__file__)
    running = None
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == "evaluate" and code.co_filename.startswith(package):
            instruction = trace.tb_frame.f_locals.get("instr")
            running = None if instruction is None else pywasm.opcode.name.get(instruction.opcode)
        elif not code.co_filename.startswith(package) or code.co_filename == pywasm.wasi.__file__:
            running = None  # a host function; what called the interpreter comes before any `evaluate`
        trace = trace.tb_next
    return running


def _trap(instruction: str, error: BaseException) -> str | None:
    """The specification's words for what an instruction raised; None for what is no trap."""
    operation = instruction.partition(".")[2] or instruction
    if instruction == "unreachable":
        return "unreachable"
    if isinstance(error, BufferError):  # the array can't grow while a memoryview of it lives
        return None
    if "load" in operation or "store" in operation or instruction in ("memory.init", "memory.copy", "memory.fill"):
        return MEMORY
    if instruction.startswith("table."):
        return TABLE
    if operation[:3] in ("div", "rem"):
        return "integer divide by zero" if isinstance(error, ZeroDivisionError) else "integer overflow"
    if operation.startswith("trunc_f"):
        return "invalid conversion to integer" if isinstance(error, ValueError) else "integer overflow"
    if instruction == "call":
        return "call stack exhausted"
    if instruction == "call_indirect":
        return _indirect(error)
    return None


def _indirect(error: BaseException) -> str:
    if isinstance(error, IndexError):
        return "undefined element"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    name = trace.tb_frame.f_code.co_name if trace is not None else ""
    return {"into_ref": "uninitialized element", "evaluate_call": "call stack exhausted"}.get(
        name, "indirect call type mismatch"
    )


if __name__ == "__main__":
    serve(PywasmDriver, CHANNEL)
