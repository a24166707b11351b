"""Read a module's binary form; the types of its imports and exports.

The harness needs the types to send typed arguments, and JavaScript hosts can't tell them. Nothing is validated: that is
the runtimes' task, and may be what a scenario is about. Source: core specification, *Binary Format*, Modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

VALUE_TYPES = {
    0x7F: "i32",
    0x7E: "i64",
    0x7D: "f32",
    0x7C: "f64",
    0x7B: "v128",
    0x70: "funcref",
    0x6F: "externref",
}
MAGIC = b"\0asm"
KINDS = ("func", "table", "memory", "global", "tag")
FUNC, TABLE, MEMORY, GLOBAL, TAG = range(5)
PAGE = 65536  # bytes
SHARED, WIDE, CUSTOM_PAGES = 2, 4, 8  # flags of limits
# The most that runtimes take (WebAssembly JavaScript Interface, Implementation-defined Limits).
MAX_ITEMS = 1_000_000  # types, imports, functions, exports, globals
MAX_VALUES = 1000  # parameters or results
MAX_TOOLS = 1000  # of a kind that are read


class UnreadableModule(Exception):
    """The bytes are not a module whose types can be read; the text says where reading stopped."""


@dataclass(frozen=True)
class FuncType:
    """Parameter and result types by name (``i32``, ``i64``, ``f32``, ``f64``, ``v128``, ``funcref``, ...)."""

    params: tuple[str, ...] = ()
    results: tuple[str, ...] = ()


@dataclass(frozen=True)
class SizeLimits:
    """A memory's or table's limits, in pages or entries. ``flags`` has the bits `SHARED`, `WIDE` (addresses of 64 bits)
    and `CUSTOM_PAGES`; ``page_size`` is in bytes.
    """

    minimum: int = 0
    maximum: int | None = None
    flags: int = 0
    page_size: int = PAGE


NO_LIMITS = SizeLimits()


@dataclass(frozen=True)
class Import:
    """One import. ``type`` is set for functions only; ``value_type`` and ``mutable`` for globals only; ``limits`` are a
    memory's.
    """

    module: str
    name: str
    kind: str
    type: FuncType | None = None
    value_type: str = ""
    mutable: bool = False
    limits: SizeLimits = NO_LIMITS


@dataclass(frozen=True)
class Export:
    """One export. ``type`` is set for functions only; ``limits`` are a memory's, ``value_type`` and ``mutable`` a
    global's.
    """

    name: str
    kind: str
    type: FuncType | None = None
    limits: SizeLimits = NO_LIMITS
    value_type: str = ""
    mutable: bool = False


@dataclass(frozen=True)
class ModuleTypes:
    """What a module imports and exports, in the module's order, and the tools that made it.

    ``tools`` are those in the custom section ``producers``, each with its version, if the section was not stripped.
    """

    imports: tuple[Import, ...] = ()
    exports: dict[str, Export] = field(default_factory=dict)
    tools: dict[str, str] = field(default_factory=dict)

    def function(self, name: str) -> FuncType | None:
        """The signature of the exported function `name`, or None."""
        export = self.exports.get(name)
        return export.type if export is not None and export.kind == "func" else None

    def names(self, kind: str) -> list[str]:
        """The names of the exports of one kind."""
        return [export.name for export in self.exports.values() if export.kind == kind]


class Reader:
    """A place in a binary module that moves on. Its methods raise `UnreadableModule` at the end of the bytes."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def byte(self) -> int:
        """The next byte."""
        if self.at >= self.end:
            raise UnreadableModule(f"unexpected end at byte {self.at}")
        self.at += 1
        return self.data[self.at - 1]

    def leb(self) -> int:
        """An unsigned LEB128 integer; a signed one is passed over as well."""
        result = shift = 0
        while True:
            byte = self.byte()
            result |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return result
            if shift > 70:
                raise UnreadableModule(f"integer too long at byte {self.at}")

    def count(self, limit: int = MAX_ITEMS) -> range:
        """A vector's indices, once for each of its items, which follow."""
        number = self.leb()
        if number > limit:
            raise UnreadableModule(f"{number:,} items at byte {self.at}, more than {limit:,}")
        return range(number)

    def skip(self, count: int) -> None:
        """Pass over so many LEB128 integers."""
        for _ in range(count):
            self.leb()

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if self.at + count > self.end:
            raise UnreadableModule(f"unexpected end at byte {self.end}")
        self.at += count
        return self.data[self.at - count : self.at]

    def name(self) -> str:
        """A name of the module's: its length and UTF-8."""
        return self.take(self.leb()).decode("utf-8", "replace")

    def value_type(self) -> str:
        """A value type by name; ``ref`` for the typed references of later proposals."""
        code = self.byte()
        if code in (0x63, 0x64):  # (ref null? heaptype) of typed function references and GC
            self.leb()
            return "ref"
        return VALUE_TYPES.get(code, f"type 0x{code:02x}")

    def value_types(self) -> tuple[str, ...]:
        """A vector of value types."""
        return tuple(self.value_type() for _ in self.count(MAX_VALUES))

    def limits(self) -> SizeLimits:
        """The limits of a table or memory."""
        flags, minimum = self.byte(), self.leb()
        maximum = self.leb() if flags % 2 else None
        page_size = 2 ** min(self.leb(), 64) if flags & CUSTOM_PAGES else PAGE
        return SizeLimits(minimum, maximum, flags, page_size)

    def global_type(self) -> tuple[str, bool]:
        """A global's value type, and whether it is mutable."""
        return self.value_type(), self.byte() == 1

    def import_(self) -> tuple[str, str, int, Any]:
        """An import: module, name, kind and what it says of it. That is a function's type index, a memory's limits and
        a global's type.
        """
        module, name, kind = self.name(), self.name(), self.byte()
        if kind == FUNC:
            return module, name, kind, self.leb()
        if kind == TABLE:
            return module, name, kind, (self.value_type(), self.limits())
        if kind == MEMORY:
            return module, name, kind, self.limits()
        if kind == GLOBAL:
            return module, name, kind, self.global_type()
        if kind == TAG:
            return module, name, kind, (self.byte(), self.leb())
        raise UnreadableModule(f"import of unknown kind {kind}")


def sections(data: bytes) -> Iterator[tuple[int, Reader]]:
    """The sections of a binary module, by number; all but custom ones are there once. Raises `UnreadableModule`."""
    if data[:4] != MAGIC:
        raise UnreadableModule("it does not start with the magic bytes '\\0asm'")
    if data[4:8] != b"\x01\0\0\0":
        raise UnreadableModule("it is not a core module of version 1")
    reader = Reader(data, 8, len(data))
    seen = set()
    while reader.at < len(data):
        section, size = reader.byte(), reader.leb()
        if section in seen:
            raise UnreadableModule(f"section {section} is there twice")
        if section != 0:
            seen.add(section)
        if reader.at + size > len(data):
            raise UnreadableModule(f"section {section} is longer than the file")
        yield section, Reader(data, reader.at, reader.at + size)
        reader.at += size


def read_types(data: bytes) -> ModuleTypes:
    """Read the imports and exports of a binary module. Raises `UnreadableModule`."""
    types: list[FuncType | None] = []
    functions: list[FuncType | None] = []
    memories: list[SizeLimits] = []
    variables: list[tuple[str, bool]] = []
    imports: list[Import] = []
    exports: dict[str, Export] = {}
    tools: dict[str, str] = {}
    for section, body in sections(data):
        if section == 0:
            tools = tools or _read_tools(body)
        elif section == 1:
            _read_type_section(body, types)
        elif section == 2:
            imports += [_import(types, *body.import_()) for _ in body.count()]
            functions += [item.type for item in imports if item.kind == "func"]
            memories += [item.limits for item in imports if item.kind == "memory"]
            variables += [(item.value_type, item.mutable) for item in imports if item.kind == "global"]
        elif section == 3:
            functions += [_at(types, body.leb()) for _ in body.count()]
        elif section == 5:
            memories += [body.limits() for _ in body.count()]
        elif section == 6:
            variables += _read_globals(body)
        elif section == 7:
            for _ in body.count():
                name, kind, index = body.name(), body.byte(), body.leb()
                function = _at(functions, index) if kind == FUNC else None
                limits = memories[index] if kind == MEMORY and index < len(memories) else NO_LIMITS
                variable = variables[index] if kind == GLOBAL and index < len(variables) else ("", False)
                shown = KINDS[kind] if kind < len(KINDS) else f"kind {kind}"
                exports[name] = Export(name, shown, function, limits, *variable)
    return ModuleTypes(tuple(imports), exports, tools)


def _read_tools(body: Reader) -> dict[str, str]:
    """The tools in a custom section; none where it is another one, or can't be read: it has no meaning for a module."""
    try:
        if body.name() != "producers":
            return {}
        fields = {body.name(): {body.name(): body.name() for _ in body.count(MAX_TOOLS)} for _ in body.count(MAX_TOOLS)}
    except UnreadableModule:
        return {}
    return fields.get("processed-by", {})


def _import(types: list[FuncType | None], module: str, name: str, kind: int, about: Any) -> Import:
    if kind == FUNC:
        return Import(module, name, "func", _at(types, about))
    if kind == MEMORY:
        return Import(module, name, "memory", limits=about)
    return Import(module, name, KINDS[kind], None, *(about if kind == GLOBAL else ()))


def _at(items: list[FuncType | None], index: int) -> FuncType | None:
    return items[index] if index < len(items) else None


def _read_type_section(body: Reader, types: list[FuncType | None]) -> None:
    for _ in body.count():
        if body.byte() != 0x60:
            return  # recursive, struct and array types (GC): later functions simply have no known signature
        types.append(FuncType(body.value_types(), body.value_types()))


_IMMEDIATES = {0x41: "leb", 0x42: "leb", 0x43: 4, 0x44: 8, 0x23: "leb", 0xD0: "leb", 0xD2: "leb"}
"""The constant instructions with an immediate: a number in LEB128, or so many bytes."""
_PLAIN = {0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E}  # of the extended constant expressions: add, sub, mul
_SIMD, _V128_CONST, _END = 0xFD, 0x0C, 0x0B


def _read_globals(body: Reader) -> list[tuple[str, bool]]:
    """The value types of a module's own globals, and whether they are mutable; those behind an unknown instruction
    are left out.
    """
    found: list[tuple[str, bool]] = []
    for _ in body.count():
        found.append(body.global_type())
        if not _skip_constant(body):
            break
    return found


def _skip_constant(body: Reader) -> bool:
    """Skip a constant expression; false where it has an instruction that is not known here."""
    while (code := body.byte()) != _END:
        immediate = _IMMEDIATES.get(code)
        if immediate == "leb":
            body.leb()
        elif isinstance(immediate, int):
            body.take(immediate)
        elif code == _SIMD and body.leb() == _V128_CONST:
            body.take(16)
        elif code not in _PLAIN:
            return False
    return True
