"""Wasmer through its Python API, wasmer-python 1.1.0 (https://wasmerio.github.io/wasmer-python/api/wasmer/).

One `Store` per process; instances and memories go when nothing refers to them. Ways into memory:

``uint8_view``, ``int8_view`` … ``float64_view``
                    the memory's typed arrays, by index. ``uint8_view`` does ``bytes`` too, by slice (which gives and
                    takes lists of ints), and so the other types, as bytes.
``buffer``          `memoryview` of `Memory.buffer`: ``u8`` by index, ``bytes`` by slice, the rest by `struct` at a byte
                    offset. The memoryview has the length that the memory had when it was made.

The typed arrays' own ``offset`` counts *elements*: the protocol's byte offset is divided, as a user's would be.
They have no length argument. Numbers out of a type's range: the arrays raise `OverflowError`, a memoryview
`ValueError`, `struct` its own error. Floats are Python floats for the arrays, `struct` and guest functions, so an
``f32`` NaN that is signalling becomes quiet on each of those ways; ``f64`` arrives bit by bit.

An instance does not keep what it imports alive: when the last Python reference to a host's global or memory, or to
another instance whose global it imports, goes, the guest reads freed memory. What the harness made it keeps until it
releases it; a global that it can't name the kit keeps until the scenario ends.

wasmer-python raises `RuntimeError` for whatever goes wrong in the runtime, so traps, link and compile errors are told
apart by the call and by the text. It has no way to make a trap from a host function. A Rust panic comes out as a
`PanicException`, which is no `Exception`.

WASI is an instance's: `wasi.StateBuilder` makes an environment, whose import object the instance gets.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from typing import Any, Sequence

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "kits", "python"))

from linmem_driver import Channel, CodeCache, Driver, Import, Refused, ViewKind, Wasi  # noqa: E402
from linmem_session import serve  # noqa: E402
from linmem_values import MEMORY_TYPES, WIDTH, in_units, number, packed  # noqa: E402
from linmem_views import HandingBufferView, part  # noqa: E402

CHANNEL = Channel()  # before the runtime is imported: whatever that prints must not reach the protocol

# Rust libraries add their own stack to errors' texts where these are set; results must not depend on that.
for _variable in ("RUST_BACKTRACE", "RUST_LIB_BACKTRACE"):
    os.environ.pop(_variable, None)

import wasmer  # noqa: E402
from wasmer import wasi as wasmer_wasi  # noqa: E402

#: The typed arrays by the memory type of their elements.
ARRAYS = {
    "u8": "uint8_view",
    "s8": "int8_view",
    "u16": "uint16_view",
    "s16": "int16_view",
    "u32": "uint32_view",
    "s32": "int32_view",
    "u64": "uint64_view",
    "s64": "int64_view",
    "f32": "float32_view",
    "f64": "float64_view",
}
VALUE_TYPES = {"i32": "I32", "i64": "I64", "f32": "F32", "f64": "F64", "v128": "V128"}
VALUE_TYPES.update(externref="EXTERN_REF", funcref="FUNC_REF")

#: Wasmer's trap texts. It has one for what the specification calls ``undefined element`` and ``out of bounds table
#: access``, which stays as it is.
TRAPS = {
    "call stack exhausted",
    "out of bounds memory access",
    "out of bounds",
    "misaligned heap",
    "undefined element: out of bounds table access",
    "uninitialized element",
    "indirect call type mismatch",
    "integer overflow",
    "integer divide by zero",
    "invalid conversion to integer",
    "unreachable",
    "unaligned atomic access",
}
EXITED = "RuntimeError: WASI exited with code: "
#: The versions of WASI, as they are called here and by Wasmer.
WASI = {"preview1": wasmer_wasi.Version.SNAPSHOT1, "unstable": wasmer_wasi.Version.SNAPSHOT0}
SPECIFIED = {"misaligned heap": "unaligned atomic", "unaligned atomic access": "unaligned atomic"}


class TypedArray:
    """One of the memory's typed arrays. ``u8`` and its like by index; what is not its element's type by slice."""

    def __init__(self, memory: Any, kind: str, offset: int | None, length: int | None) -> None:
        if length is not None:
            raise Refused("%s has no length argument" % kind)
        make = getattr(memory, kind)
        if offset is None:
            self._array = make()
        else:
            self._array = make(in_units(offset, VIEWS[kind].unit))
        self._kind = kind

    def object(self) -> Any:
        return self._array

    def read(self, index: int, memory_type: str, count: int) -> Any:
        if ARRAYS.get(memory_type) == self._kind:
            return self._array[index]
        return bytes(self._array[index : index + WIDTH[memory_type] * count])

    def write(self, index: int, memory_type: str, value: int | bytes) -> None:
        if ARRAYS.get(memory_type) == self._kind:
            self._array[index] = number(memory_type, value)  # type: ignore[arg-type]
        else:
            data = packed(memory_type, value)
            self._array[index : index + len(data)] = data

    def hand(self, index: int, memory_type: str, value: Any) -> None:
        if ARRAYS.get(memory_type) == self._kind:
            self._array[index] = value
        else:
            self._array[index : index + WIDTH[memory_type]] = value

    def length(self) -> int:
        return len(self._array)


VIEWS = {kind: ViewKind(WIDTH[memory_type], (memory_type,)) for memory_type, kind in ARRAYS.items()}
VIEWS["uint8_view"] = VIEWS["buffer"] = ViewKind(1, MEMORY_TYPES)


class WasmerDriver(Driver):
    """The engine is the one that compiles and runs in this process (universal; before 1.1, JIT)."""

    views = VIEWS
    wasi_versions = tuple(WASI)
    default_views = dict(dict.fromkeys(MEMORY_TYPES, "uint8_view"), s8="int8_view")

    def __init__(self, variant: str | None, cache: str | None) -> None:
        name = variant or "cranelift"
        if name == "llvm":
            _load_terminal_library()
        try:
            compiler = importlib.import_module("wasmer_compiler_%s" % name).Compiler
        except ImportError as error:
            raise Refused("wasmer has no compiler %s here: %s" % (name, error)) from None
        engine = getattr(wasmer.engine, "Universal", None) or wasmer.engine.JIT
        self._store = wasmer.Store(engine(compiler))
        release = wasmer.__version__
        self.runtime = {"name": "wasmer", "version": release}
        self.runtime["engine"] = "Wasmer %s, %s" % (wasmer.__core_version__, name.capitalize())
        self._code = CodeCache(cache, "wasmer-" + release, wasmer.__core_version__, name)

    def release_all(self) -> None:
        """Instances, memories and globals are freed with their last reference, which the kit had."""

    # Modules and instances

    def module_compile(self, data: bytes) -> Any:
        code = self._code.load(data)
        if code is not None:
            try:
                return wasmer.Module.deserialize(self._store, code)
            except RuntimeError:
                pass  # made on another kind of machine: compile, and replace it
        module = wasmer.Module(self._store, data)
        self._code.save(data, module.serialize())
        return module

    def instance_create(self, module: Any, imports: list[Import]) -> Any:
        return wasmer.Instance(module, self._by_name(imports))

    def wasi_instance_create(self, module: Any, imports: list[Import], wasi: Wasi) -> Any:
        """A reactor's ``_initialize`` is called as its users do."""
        if not wasi.args:
            raise Refused("StateBuilder always gives a program's name, the first of the arguments")
        state = wasmer_wasi.StateBuilder(wasi.args[0]).arguments(list(wasi.args[1:]))
        for name, value in wasi.env:
            state = state.environment(name, value)
        for path, folder in wasi.preopens:
            state = state.map_directory(path, folder)
        objects = state.finalize().generate_import_object(self._store, WASI[wasi.version])
        for name, items in self._by_name(imports).items():
            objects.register(name, items)
        instance = wasmer.Instance(module, objects)
        if any(export.name == "_initialize" for export in module.exports):
            instance.exports._initialize()
        return instance

    def _by_name(self, imports: list[Import]) -> dict[str, dict[str, Any]]:
        by_name: dict[str, dict[str, Any]] = {}
        for item in imports:
            by_name.setdefault(item.module, {})[item.name] = self._extern(item)
        return by_name

    def _extern(self, item: Import) -> Any:
        if item.kind in ("memory", "global"):
            return item.value
        if item.kind == "export":
            instance, name = item.value
            return getattr(instance.exports, name)
        signature = wasmer.FunctionType(_value_types(item.params), _value_types(item.results))
        return wasmer.Function(self._store, item.value, signature)

    def function_call(self, instance: Any, name: str, args: Sequence[float], results: Sequence[str]) -> Sequence[Any]:
        return self.function_apply(self.function_export(instance, name), args, results)

    def function_export(self, instance: Any, name: str) -> Any:
        found = getattr(instance.exports, name)
        if not isinstance(found, wasmer.Function):  # a memory, or an attribute that every Python object has
            raise TypeError("export %r is a %s, not a function" % (name, type(found).__name__))
        return found

    def function_apply(self, function: Any, args: Sequence[float], results: Sequence[str]) -> Sequence[Any]:
        given = function(*args)
        return given if len(results) > 1 else [given] if results else []  # a tuple, the value, or None

    # Globals

    def global_create(self, value_type: str, value: float, mutable: bool) -> Any:
        return wasmer.Global(self._store, getattr(wasmer.Value, value_type)(value), mutable=mutable)

    def global_export(self, instance: Any, name: str) -> Any:
        found = getattr(instance.exports, name)
        if not isinstance(found, wasmer.Global):
            raise TypeError("export %r is a %s, not a global" % (name, type(found).__name__))
        return found

    def global_get(self, variable: Any) -> Any:
        return variable.value

    def global_set(self, variable: Any, value: float) -> None:
        variable.value = value

    # Memories

    def memory_export(self, instance: Any, name: str) -> Any:
        found = getattr(instance.exports, name)
        if not isinstance(found, wasmer.Memory):
            raise TypeError("export %r is a %s, not a memory" % (name, type(found).__name__))
        return found

    def memory_create(self, min: int, max: int | None, shared: bool, index: str) -> Any:
        if index == "i64":
            raise Refused("MemoryType has no 64-bit index type")
        return wasmer.Memory(self._store, wasmer.MemoryType(min, max, shared))

    def memory_size(self, memory: Any) -> int:
        pages: int = memory.size
        return pages

    def memory_grow(self, memory: Any, delta: int) -> int:
        before: int = memory.grow(delta)
        return before

    def view_open(self, memory: Any, kind: str, offset: int | None, length: int | None) -> Any:
        if kind == "buffer":
            return HandingBufferView(part(memoryview(memory.buffer), offset, length))
        return TypedArray(memory, kind, offset, length)

    # Errors

    def classify(self, method: str, error: BaseException) -> tuple[str, str]:
        text = str(error)
        if type(error) is not RuntimeError:
            return "host", text
        if method == "module.compile":
            return "compile", text
        status = _exit_status(text)
        if status is not None:
            return "exit", status
        trap = _trap(text)
        if trap is not None:
            return "trap", trap
        if method == "instance.create" and not text.startswith("RuntimeError: "):
            return "link", text
        return "host", text


def _load_terminal_library() -> None:
    """Make the LLVM compiler's package loadable, which says two names for one library.

    It depends on the libtinfo that it brings along under a name of its own, but the versions of its symbols are still
    listed under ``libtinfo.so.5``. glibc finds no library of that name loaded and ends the process: "dl-version.c:
    Assertion `needed != NULL' failed". With the machine's own libtinfo 5 loaded before, it finds one.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL("libtinfo.so.5", ctypes.RTLD_GLOBAL)
    except OSError:
        raise Refused(
            "the package wasmer-compiler-llvm needs libtinfo.so.5, which is not on this machine; loading it without "
            "ends the process"
        ) from None


def _value_types(names: Sequence[str]) -> list[Any]:
    return [getattr(wasmer.Type, VALUE_TYPES[name]) for name in names]


def _trap(text: str) -> str | None:
    """The trap that wasmer's text names, or None: ``RuntimeError: unreachable`` and a backtrace."""
    start, colon, words = text.partition("\n")[0].partition("RuntimeError: ")
    if start or words not in TRAPS:
        return None
    return SPECIFIED.get(words, words)


def _exit_status(text: str) -> str | None:
    """The status with which a guest ended its program, or None."""
    line = text.partition("\n")[0]
    return line[len(EXITED) :] if line.startswith(EXITED) else None


if __name__ == "__main__":
    serve(WasmerDriver, CHANNEL)
