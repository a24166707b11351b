"""Wasmtime through its Python API, wasmtime-py (https://bytecodealliance.github.io/wasmtime-py/).

One `Engine` per process, one `Store` per scenario. Ways into memory:

``read_write``      `Memory.read` and `Memory.write`, which copy bytes. Keeping this view keeps the `Memory` itself.
``get_buffer_ptr``  the ctypes array over the memory: ``u8`` by index, ``bytes`` by slice, the rest by `struct` at a
                    byte offset. The array has the address and the length that the memory had when it was made.
``data_ptr``        the raw pointer, which checks nothing: ``u8`` by index, ``bytes`` by slice and `ctypes.memmove`.

A `SharedMemory` has only the last. Integers out of a type's range: `read_write` packs them with `int.to_bytes`, which
raises `OverflowError`; a ctypes array wraps them silently; `struct` raises `struct.error`.

Floats are Python floats on their way into and out of guest functions (`Val.f32` takes one too), so an ``f32`` NaN
that is signalling becomes quiet there; ``f64`` arrives bit by bit. ``v128`` is not implemented in wasmtime-py.

WASI is the store's: `Store.set_wasi`, `Linker.define_wasi`. Where its functions trap, as for a pointer out of bounds,
wasmtime-py raises a plain `WasmtimeError` with the guest's backtrace, not a `Trap`. The guest's execution has ended all
the same, so the driver calls it a trap; the answer has the class beside it.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from importlib.metadata import version
from typing import Any, Callable, Sequence

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "kits", "python"))

from linmem_driver import Channel, CodeCache, Driver, Import, Refused, ViewKind, Wasi  # noqa: E402
from linmem_session import serve  # noqa: E402
from linmem_values import MEMORY_TYPES, VALUE_TYPES, WIDTH, packed  # noqa: E402
from linmem_views import HandingBufferView  # noqa: E402

CHANNEL = Channel()  # before the runtime is imported: whatever that prints must not reach the protocol

# Rust libraries add their own stack to errors' texts where these are set; results must not depend on that.
for _variable in ("RUST_BACKTRACE", "RUST_LIB_BACKTRACE"):
    os.environ.pop(_variable, None)

import wasmtime  # noqa: E402


class _NoSharedMemory:
    """Stands for `SharedMemory` where wasmtime-py has none yet."""


SharedMemory: Any = getattr(wasmtime, "SharedMemory", _NoSharedMemory)

#: Proposals that the driver turns on where this wasmtime-py knows the switch. On by default in 50.0.1: all but
#: ``shared_memory`` (without it the host can make no `SharedMemory`) and ``wasm_custom_page_sizes``.
#: In 25.0.0 also memory64 is off by default, in 20.0.0 tail calls too.
PROPOSALS = (
    "shared_memory", "wasm_bulk_memory", "wasm_custom_page_sizes", "wasm_exceptions", "wasm_function_references",
    "wasm_gc", "wasm_memory64", "wasm_multi_memory", "wasm_multi_value", "wasm_reference_types",
    "wasm_relaxed_simd", "wasm_simd", "wasm_tail_call", "wasm_threads", "wasm_wide_arithmetic",
)  # fmt: skip
#: Left off in Pulley: an `Engine` with what its compiler lacks aborts the process.
THREADS = ("shared_memory", "wasm_threads")

#: Variants and the compilation target that each asks for.
TARGETS = {
    None: None,
    "cranelift": None,
    "moving": None,
    "pulley": "pulley64" if sys.byteorder == "little" else "pulley64be",
}

#: What the variant ``moving`` sets: no address space is kept free behind a memory, so that growing it moves it, as
#: happens by default on 32-bit machines and wherever an embedder saves address space.
MOVING = {
    "memory_may_move": True,
    "memory_reservation": 0,
    "memory_reservation_for_growth": 0,
    "memory_guard_size": 0,
}

#: Wasmtime's texts that differ from the specification's. The text is more reliable than `Trap.trap_code`, which in
#: 30.0.0 aborts the process for a code that it does not know. One text stays as it is, ``undefined element: out of
#: bounds table access``: Wasmtime has it for what the specification calls by either name.
SPECIFIED = {
    "wasm `unreachable` instruction executed": "unreachable",
    "atomic wait on non-shared memory": "expected shared memory",
}

#: How the text of an error begins that one of Wasmtime's own host functions, WASI's, ended the guest's execution with.
IN_GUEST = "error while executing at wasm backtrace:"


class ReadWrite:
    """`Memory.read` and `Memory.write`, on the memory itself."""

    def __init__(self, store: Any, memory: Any, offset: int | None, length: int | None) -> None:
        if isinstance(memory, SharedMemory):
            raise Refused("SharedMemory has neither read nor write")
        if offset is not None or length is not None:
            raise Refused("Memory.read and Memory.write have no views with an offset or a length")
        self._store, self._memory = store, memory

    def read(self, index: int, memory_type: str, count: int) -> Any:
        return self._memory.read(self._store, index, index + WIDTH[memory_type] * count)

    def write(self, index: int, memory_type: str, value: int | bytes) -> Any:
        return self._memory.write(self._store, packed(memory_type, value), index)

    def hand(self, index: int, memory_type: str, value: Any) -> Any:
        return self._memory.write(self._store, value, index)

    def length(self) -> int:
        length: int = self._memory.data_len(self._store)
        return length


class BufferPointer(HandingBufferView):
    """The ctypes array of `Memory.get_buffer_ptr`."""

    def __init__(self, store: Any, memory: Any, offset: int | None, length: int | None) -> None:
        if isinstance(memory, SharedMemory):
            raise Refused("SharedMemory has no get_buffer_ptr")
        super().__init__(memory.get_buffer_ptr(store, length, 0 if offset is None else offset))


class DataPointer:
    """The ctypes pointer of `Memory.data_ptr`: an address past the memory is read, written, or kills the process."""

    def __init__(self, store: Any, memory: Any, offset: int | None, length: int | None) -> None:
        if offset is not None or length is not None:
            raise Refused("data_ptr has no offset or length")
        self._pointer = memory.data_ptr() if isinstance(memory, SharedMemory) else memory.data_ptr(store)

    def read(self, index: int, memory_type: str, count: int) -> Any:
        return self._pointer[index] if memory_type == "u8" else bytes(self._pointer[index : index + count])

    def write(self, index: int, memory_type: str, value: int | bytes) -> None:
        if isinstance(value, bytes):  # a ctypes pointer's slices can't be assigned to
            ctypes.memmove(ctypes.addressof(self._pointer.contents) + index, value, len(value))
        else:
            self._pointer[index] = value

    def hand(self, index: int, memory_type: str, value: Any) -> None:
        self._pointer[index] = value

    def length(self) -> int:
        raise Refused("a pointer has no length")


VIEWS = {"read_write": ReadWrite, "get_buffer_ptr": BufferPointer, "data_ptr": DataPointer}


class WasmtimeDriver(Driver):
    """The `Store` is made with a scenario's first object and dropped with its last."""

    def __init__(self, variant: str | None, cache: str | None) -> None:
        if variant not in TARGETS:
            raise Refused("wasmtime has no variant %s; known: cranelift, moving, pulley" % variant)
        config = wasmtime.Config()
        target = TARGETS[variant]
        switched_on = [name for name in PROPOSALS if hasattr(wasmtime.Config, name)]
        if target is not None:
            switched_on = [name for name in switched_on if name not in THREADS]
        for name in switched_on:
            setattr(config, name, True)
        if target is not None:
            if not hasattr(wasmtime.Config, "target"):
                raise Refused("this wasmtime-py has no Config.target, and so no Pulley")
            config.target = target
        if variant == "moving":
            for name, value in MOVING.items():
                if not hasattr(wasmtime.Config, name):
                    raise Refused("this wasmtime-py has no Config.%s, and so no memories that move" % name)
                setattr(config, name, value)
        release = version("wasmtime")
        compiler = {"pulley": "Pulley", "moving": "Cranelift, memories move"}.get(variant or "", "Cranelift")
        self.runtime = {"name": "wasmtime", "version": release, "engine": "Wasmtime %s, %s" % (release, compiler)}
        everything, bytewise = ViewKind(1, MEMORY_TYPES), ViewKind(1, ("u8", "bytes"))
        self.views = {"read_write": everything, "get_buffer_ptr": everything, "data_ptr": bytewise}
        self.default_views = dict.fromkeys(MEMORY_TYPES, "read_write")
        self.custom_page_sizes = hasattr(wasmtime.MemoryType, "page_size_log2")
        self._engine = wasmtime.Engine(config)
        self._code = CodeCache(cache, "wasmtime-" + release, target or variant or "native", *switched_on)
        self._types = {name: getattr(wasmtime.ValType, name)() for name in VALUE_TYPES + ("externref", "funcref")}
        self._store: Any = None
        self._wasi: Wasi | None = None  # the store's
        self._callers: list[Any] = []  # of the host functions that run, the innermost last

    def default_view(self, memory: Any, memory_type: str) -> str | None:
        """`read_write`; for a `SharedMemory`, which has no other, the pointer."""
        return "data_ptr" if isinstance(memory, SharedMemory) else self.default_views.get(memory_type)

    def _scenario_store(self) -> Any:
        if self._store is None:
            self._store = wasmtime.Store(self._engine)
        return self._store

    def release_all(self) -> None:
        self._store = self._wasi = None

    # Modules and instances

    def module_compile(self, data: bytes) -> Any:
        module = self._kept(data)
        if module is None:
            module = wasmtime.Module(self._engine, data)
            self._code.save(data, bytes(module.serialize()))
        return module, bool(module.imports)

    def _kept(self, data: bytes) -> Any:
        code = self._code.load(data)
        if code is None:
            return None
        try:
            return wasmtime.Module.deserialize(self._engine, code)
        except wasmtime.WasmtimeError:  # made on another kind of machine
            return None

    def instance_create(self, module: tuple[Any, bool], imports: list[Import]) -> Any:
        """Without imports through `Instance`, else by name through a `Linker`."""
        store = self._scenario_store()
        compiled, imports_something = module
        if not imports and not imports_something:
            return wasmtime.Instance(store, compiled, [])
        return self._linker(store, imports).instantiate(store, compiled)

    def wasi_instance_create(self, module: tuple[Any, bool], imports: list[Import], wasi: Wasi) -> Any:
        """A store has one WASI, for all its instances. A reactor's ``_initialize`` is called as its users do."""
        store = self._scenario_store()
        if self._wasi is None:
            store.set_wasi(_wasi_config(wasi))
            self._wasi = wasi
        elif self._wasi != wasi:
            raise Refused("a Store has one WASI, and this scenario's has another already")
        linker = self._linker(store, imports)
        linker.define_wasi()
        instance = linker.instantiate(store, module[0])
        initialize = instance.exports(store).get("_initialize")
        if initialize is not None:
            initialize(store)
        return instance

    def _linker(self, store: Any, imports: list[Import]) -> Any:
        linker = wasmtime.Linker(self._engine)
        linker.allow_shadowing = True  # a module may import one name twice
        for item in imports:
            linker.define(store, item.module, item.name, self._extern(store, item))
        return linker

    def _extern(self, store: Any, item: Import) -> Any:
        if item.kind in ("memory", "global"):
            return item.value
        if item.kind == "new":
            return self._new_global(store, *item.value)
        if item.kind == "export":
            instance, name = item.value
            return instance.exports(store)[name]
        signature = wasmtime.FuncType(self._value_types(item.params), self._value_types(item.results))
        return wasmtime.Func(store, signature, functools.partial(self._called, item.value), access_caller=True)

    def _called(self, function: Callable[..., Any], caller: Any, *args: Any) -> Any:
        self._callers.append(caller)
        try:
            return function(*args)
        finally:
            self._callers.pop()

    def memory_caller(self, name: str) -> Any:
        return self._memory(self._callers[-1][name], name)

    def _value_types(self, names: Sequence[str]) -> list[Any]:
        for name in names:
            if name not in self._types:
                raise Refused("wasmtime-py has no value type %s" % name)
        return [self._types[name] for name in names]

    def function_call(self, instance: Any, name: str, args: Sequence[float], results: Sequence[str]) -> Sequence[Any]:
        return self.function_apply(instance.exports(self._scenario_store())[name], args, results)

    def function_export(self, instance: Any, name: str) -> Any:
        found = instance.exports(self._scenario_store())[name]
        if not isinstance(found, wasmtime.Func):
            raise TypeError("export %r is a %s, not a function" % (name, type(found).__name__))
        return found

    def function_apply(self, function: Any, args: Sequence[float], results: Sequence[str]) -> Sequence[Any]:
        given = function(self._scenario_store(), *args)
        return given if len(results) > 1 else [given] if results else []  # a list, the value, or None

    # Globals

    def global_create(self, value_type: str, value: float, mutable: bool) -> Any:
        return self._new_global(self._scenario_store(), value_type, value, mutable)

    def _new_global(self, store: Any, value_type: str, value: float, mutable: bool) -> Any:
        return wasmtime.Global(store, wasmtime.GlobalType(self._types[value_type], mutable), value)

    def global_export(self, instance: Any, name: str) -> Any:
        found = instance.exports(self._scenario_store())[name]
        if not isinstance(found, wasmtime.Global):
            raise TypeError("export %r is a %s, not a global" % (name, type(found).__name__))
        return found

    def global_get(self, variable: Any) -> Any:
        return variable.value(self._scenario_store())

    def global_set(self, variable: Any, value: float) -> None:
        variable.set_value(self._scenario_store(), value)

    # Memories

    def memory_export(self, instance: Any, name: str) -> Any:
        return self._memory(instance.exports(self._scenario_store())[name], name)

    def _memory(self, found: Any, name: str) -> Any:
        if not isinstance(found, (wasmtime.Memory, SharedMemory)):
            raise TypeError("export %r is a %s, not a memory" % (name, type(found).__name__))
        return found

    def memory_create(self, min: int, max: int | None, shared: bool, index: str, page_size: int = 65536) -> Any:
        if shared and SharedMemory is _NoSharedMemory:
            raise Refused("this wasmtime-py has no SharedMemory")
        more: dict[str, Any] = {}
        if page_size != 65536:
            if page_size & (page_size - 1):
                raise Refused("MemoryType takes a page size's logarithm, and %d is no power of two" % page_size)
            more["page_size_log2"] = page_size.bit_length() - 1
        if index == "i64":
            more["is_64"] = True
        if shared:
            more["shared"] = True
        memory_type = wasmtime.MemoryType(wasmtime.Limits(min, max), **more)
        if shared:
            return SharedMemory(self._engine, memory_type)
        return wasmtime.Memory(self._scenario_store(), memory_type)

    def memory_size(self, memory: Any) -> int:
        shared = isinstance(memory, SharedMemory)
        pages: int = memory.size() if shared else memory.size(self._scenario_store())
        return pages

    def memory_grow(self, memory: Any, delta: int) -> int:
        shared = isinstance(memory, SharedMemory)
        before: int = memory.grow(delta) if shared else memory.grow(self._scenario_store(), delta)
        return before

    def view_open(self, memory: Any, kind: str, offset: int | None, length: int | None) -> Any:
        return VIEWS[kind](self._scenario_store(), memory, offset, length)

    # Agents: each thread has a store of its own. ctypes lets go of the GIL while a guest runs.

    def agent_create(self, module: tuple[Any, bool], imports: list[Import]) -> Any:
        """An instance in a new store.

        An export of the scenario's instances comes through `Linker.define_instance` where its name is that of the
        import: so a shared memory gets into another store. As an object (`SharedMemory`) it can't be given to anyone
        (wasmtime-py#318).
        """
        if SharedMemory is _NoSharedMemory:
            raise Refused("this wasmtime-py has no SharedMemory, so two stores can't share a memory")
        store, scenarios = wasmtime.Store(self._engine), self._scenario_store()
        linker = wasmtime.Linker(self._engine)
        linker.allow_shadowing = True
        for item in imports:
            if item.kind == "export" and item.name == item.value[1]:
                linker.define_instance(scenarios, item.module, item.value[0])
            else:
                own = scenarios if item.kind == "export" else store
                linker.define(store, item.module, item.name, self._extern(own, item))
        return store, linker.instantiate(store, module[0]).exports(store)

    def agent_call(self, agent: Any, name: str, args: Sequence[float], results: Sequence[str]) -> Sequence[Any]:
        store, exports = agent
        given = exports[name](store, *args)
        return given if len(results) > 1 else [given] if results else []

    # Errors

    def classify(self, method: str, error: BaseException) -> tuple[str, str]:
        if isinstance(error, wasmtime.Trap):
            return "trap", _trap_message(error)
        if isinstance(error, wasmtime.ExitTrap):
            return "exit", str(error.code)
        if isinstance(error, wasmtime.WasmtimeError) and str(error).startswith(IN_GUEST):
            return "trap", _cause(error)
        if isinstance(error, wasmtime.WasmtimeError) and method == "module.compile":
            return "compile", str(error)
        if isinstance(error, wasmtime.WasmtimeError) and method == "instance.create":
            return "link", str(error)
        return "host", str(error)

    def host_error(self, kind: str, message: str) -> BaseException:
        return wasmtime.Trap(message) if kind == "trap" else super().host_error(kind, message)


def _trap_message(trap: Any) -> str:
    """``error while executing … wasm trap: integer overflow``, or the text that a host function gave its trap."""
    text = str(trap)
    words = text.rpartition("wasm trap: ")[2].strip()
    return SPECIFIED.get(words, words or text)


def _cause(error: Any) -> str:
    """The innermost cause of an error, the last line of its text: ``1: Pointer not aligned to 8: Region { … }``."""
    return str(error).strip().rpartition("\n")[2].strip()


def _wasi_config(wasi: Wasi) -> Any:
    """Standard input is empty unless the configuration says otherwise."""
    config = wasmtime.WasiConfig()
    config.argv = list(wasi.args)
    config.env = [list(pair) for pair in wasi.env]
    config.inherit_stdout()
    config.inherit_stderr()
    for path, folder in wasi.preopens:
        config.preopen_dir(folder, path)
    return config


if __name__ == "__main__":
    serve(WasmtimeDriver, CHANNEL)
