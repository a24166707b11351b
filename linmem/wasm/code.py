"""Read a module's functions: which memory instructions they have, and what they call.

Only what that takes is read, function by function and when it is asked for; nothing is validated. Source: core
specification, *Binary Format*, Instructions and Modules; the proposals for SIMD, threads, bulk memory, exceptions,
tail calls, multiple memories and 64-bit memories.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

from linmem.wasm import types
from linmem.wasm.instructions import opcodes
from linmem.wasm.types import FUNC, MEMORY, Reader, UnreadableModule, sections

MULTI, WIDE, SHARED, PAGES = "multi-memory", "memory64", "shared", "custom-page-sizes"
_FLAGS = {types.SHARED: SHARED, types.WIDE: WIDE, types.CUSTOM_PAGES: PAGES}
_MEMORY_INDEX = 0x40  # in a memory instruction's alignment field: a memory's index follows

# How many integers (LEB128) follow an opcode of one byte. What is in no table has no immediate.
_INTEGERS = {
    **dict.fromkeys((0x07, 0x08, 0x09, 0x0C, 0x0D, 0x14, 0x15, 0x18, 0xD0, 0xD5, 0xD6), 1),
    **dict.fromkeys(range(0x20, 0x27), 1),
    **dict.fromkeys((0x41, 0x42), 1),
    **dict.fromkeys((0x11, 0x13), 2),
}
_BLOCKS = (0x02, 0x03, 0x04, 0x06, 0x1F)
_CALLS = (0x10, 0x12, 0xD2)  # call, return_call; ref.func: what has a reference may be called
_FC_INTEGERS = {12: 2, 13: 1, 14: 2, 15: 1, 16: 1, 17: 1}


@dataclass(frozen=True)
class FunctionBody:
    """What one function has: memory instructions, each with the index of its memory, and functions it calls."""

    instructions: frozenset[tuple[str, int]]
    calls: frozenset[int]


@dataclass(frozen=True)
class Reach:
    """What can be reached from a function: memory instructions with what is peculiar of their memory, and imports."""

    instructions: frozenset[tuple[str, frozenset[str]]]
    imports: frozenset[tuple[str, str]]


@dataclass
class Code:
    """A module's functions, by index; the imported ones come first and have no body."""

    data: bytes
    imported: list[tuple[str, str]] = field(default_factory=list)
    exported: dict[str, int] = field(default_factory=dict)
    memories: list[frozenset[str]] = field(default_factory=list)  # each one's peculiarities: WIDE, SHARED, ...
    bodies: list[tuple[int, int]] = field(default_factory=list)  # where each begins and ends
    start: int | None = None
    _read: dict[int, FunctionBody] = field(default_factory=dict)
    _reached: dict[int, Reach] = field(default_factory=dict)

    def function(self, index: int) -> FunctionBody:
        """The function of this index; an imported one has nothing in it. Raises `UnreadableModule`."""
        if index not in self._read:
            place = index - len(self.imported)
            if place >= len(self.bodies):
                raise UnreadableModule(f"there is no function {index}")
            try:
                self._read[index] = _BodyReader(self.data, *self.bodies[place]).read() if place >= 0 else _NOTHING
            except (IndexError, KeyError):
                raise UnreadableModule(f"function {index} can't be read") from None
        return self._read[index]

    def reach(self, index: int) -> Reach:
        """What can be reached from a function by direct calls.

        A call through a table is not followed, so this is the least that is reached. Raises `UnreadableModule`.
        """
        if index in self._reached:
            return self._reached[index]
        seen, waiting = {index}, [index]
        found: set[tuple[str, frozenset[str]]] = set()
        while waiting:
            function = self.function(waiting.pop())
            found.update((name, self.peculiar(memory)) for name, memory in function.instructions)
            waiting += function.calls - seen
            seen |= function.calls
        imported = frozenset(self.imported[at] for at in seen if at < len(self.imported))
        self._reached[index] = Reach(frozenset(found), imported)
        return self._reached[index]

    def peculiar(self, memory: int) -> frozenset[str]:
        """What is peculiar of a memory, as an instruction that uses it sees it."""
        kind = self.memories[memory] if memory < len(self.memories) else frozenset()
        return kind | {MULTI} if memory else kind


_NOTHING = FunctionBody(frozenset(), frozenset())


@functools.lru_cache(maxsize=1024)
def read_code(data: bytes) -> Code:
    """The functions of a binary module. Raises `UnreadableModule`."""
    code = Code(data)
    for section, body in sections(data):
        if section == 2:
            for module, name, kind, about in (body.import_() for _ in body.count()):
                if kind == FUNC:
                    code.imported.append((module, name))
                elif kind == MEMORY:
                    code.memories.append(_peculiarities(about.flags))
        elif section == 5:
            code.memories += [_peculiarities(body.limits().flags) for _ in body.count()]
        elif section == 7:
            exports = [(body.name(), body.byte(), body.leb()) for _ in body.count()]
            code.exported.update({name: index for name, kind, index in exports if kind == FUNC})
        elif section == 8:
            code.start = body.leb()
        elif section == 10:
            for _ in body.count():
                size = body.leb()
                code.bodies.append((body.at, body.at + size))
                body.take(size)
    return code


def _peculiarities(flags: int) -> frozenset[str]:
    return frozenset(word for bit, word in _FLAGS.items() if flags & bit)


class _BodyReader(Reader):
    """A function's body."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        super().__init__(data, at, end)
        self.found: set[tuple[str, int]] = set()
        self.calls: set[int] = set()

    def read(self) -> FunctionBody:
        for _ in range(self.leb()):  # the locals
            self.leb()
            self.value_type()
        known = opcodes()
        while self.at < self.end:
            code = self.byte()
            if 0x28 <= code <= 0x3E:
                self.access(known[0, code])
            elif code in _INTEGERS:
                self.skip(_INTEGERS[code])
            elif code in _CALLS:
                self.calls.add(self.leb())
            elif code >= 0xFB:
                self.prefixed(code)
            elif code in _BLOCKS:
                self.block(code)
            elif code in (0x3F, 0x40):
                self.found.add((known[0, code], self.leb()))
            elif code in (0x43, 0x44):
                self.take(4 if code == 0x43 else 8)
            elif code == 0x0E:
                self.skip(self.leb() + 1)
            elif code == 0x1C:
                for _ in range(self.leb()):
                    self.value_type()
        if self.at != self.end:
            raise UnreadableModule("a function's last instruction is longer than the function")
        return FunctionBody(frozenset(self.found), frozenset(self.calls))

    def access(self, name: str) -> None:
        """A memory argument: alignment, perhaps a memory's index, offset."""
        memory = self.leb() if self.leb() & _MEMORY_INDEX else 0
        self.leb()
        self.found.add((name, memory))

    def block(self, code: int) -> None:
        if self.data[self.at] in (0x63, 0x64):
            self.value_type()
        else:
            self.leb()
        if code == 0x1F:  # try_table: its clauses
            for _ in range(self.leb()):
                self.skip(2 if self.byte() < 2 else 1)

    def prefixed(self, prefix: int) -> None:
        number = self.leb()
        if prefix == 0xFC:
            self.bulk(number)
        elif prefix == 0xFD:
            self.vector(number)
        elif prefix == 0xFE and number != 3:
            self.access(opcodes()[prefix, number])
        elif prefix == 0xFE:
            self.at += 1  # atomic.fence
        else:
            raise UnreadableModule(f"instructions with the prefix {prefix:#x} are not known here")

    def bulk(self, number: int) -> None:
        if not 8 <= number <= 11:
            self.skip(_FC_INTEGERS.get(number, 0))
            return
        name = opcodes()[0xFC, number]
        if name in ("memory.init", "data.drop"):
            self.leb()
        if name == "data.drop":
            self.found.add((name, 0))
        for _ in range({"data.drop": 0, "memory.copy": 2}.get(name, 1)):
            self.found.add((name, self.leb()))

    def vector(self, number: int) -> None:
        name = opcodes().get((0xFD, number))
        if name is not None:
            self.access(name)
            self.at += "_lane" in name
        elif number in (12, 13):  # a constant, a shuffle
            self.take(16)
        elif 21 <= number <= 34:
            self.at += 1
