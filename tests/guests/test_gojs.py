from __future__ import annotations

import struct
import time
from collections.abc import Sequence

import pytest

from linmem.guests.gojs import GojsHost
from linmem.guests.program import programs
from linmem.play.guest import HostFault
from linmem.wasm.types import read_types

SP = 256
GO_MODULE = programs()["shared_buffer"].module("go").read_bytes()


@pytest.fixture
def go(in_process):
    return in_process(GO_MODULE, GojsHost())


class Memory:
    """A guest that is nothing but memory."""

    def __init__(self) -> None:
        self.bytes = bytearray(1024)
        self.logged = ""

    def read(self, at: int, count: int) -> bytes:
        if at + count > len(self.bytes):
            raise HostFault("out of bounds")
        return bytes(self.bytes[at : at + count])

    def write(self, at: int, data: bytes) -> None:
        if at + len(data) > len(self.bytes):
            raise HostFault("out of bounds")
        self.bytes[at : at + len(data)] = data

    def call(self, export: str, args: Sequence[int]) -> list[int]:
        raise AssertionError(f"{export} called")

    def log(self, text: str) -> None:
        self.logged += text

    def operands(self, layout: str, *values: int) -> None:
        self.write(SP + 8, struct.pack("<" + layout, *values))

    def results(self, layout: str, at: int = SP + 8) -> tuple[int, ...]:
        return struct.unpack("<" + layout, self.read(at, struct.calcsize("<" + layout)))


def serve(memory: Memory, name: str, host: GojsHost | None = None) -> None:
    assert (host or GojsHost()).call("gojs", f"runtime.{name}", [SP], memory) == []


def test_it_serves_all_that_the_go_module_imports():
    imports = read_types(GO_MODULE).imports
    assert len(imports) == 8
    assert all(GojsHost().provides(item.module, item.name) for item in imports)


def test_it_serves_nothing_else():
    assert not GojsHost().provides("gojs", "syscall/js.valueGet")
    assert not GojsHost().provides("go", "runtime.wasmWrite")


def test_go_writes_and_the_host_reads(go):
    go.call("storeValueInWasmMemoryBufferIndexZero", [24])
    (buffer,) = go.call("getWasmMemoryBufferPointer", [])
    assert go.read(buffer, 2) == bytes([24, 0])


def test_the_host_writes_and_go_reads(go):
    (buffer,) = go.call("getWasmMemoryBufferPointer", [])
    go.write(buffer + 1, bytes([25]))
    assert go.call("readWasmMemoryBufferAndReturnIndexOne", []) == [25]


def test_go_prints_why_it_ends(go):
    """4 GiB - 1 can't be had. Go tells so through wasmWrite and wasmExit; the export then returns as if nothing was."""
    pages = go.pages
    go.call("growByAllocating", [-1])
    assert "out of memory" in go.logged
    assert "the Go program exited with status 2" in go.logged
    assert go.pages == pages


def test_the_command_line_is_where_go_looks_for_it():
    class Started(Memory):
        def __init__(self) -> None:
            super().__init__()
            self.bytes = bytearray(8192)

        def call(self, export: str, args: Sequence[int]) -> list[int]:
            self.called = export, list(args)
            return []

    guest = Started()
    GojsHost().start(guest)
    export, (argc, argv) = guest.called
    assert (export, argc) == ("run", 1)
    name, end_of_arguments, end_of_environment = guest.results("QQQ", argv)
    assert guest.read(name, 3) == b"js\0"
    assert (end_of_arguments, end_of_environment) == (0, 0)


def test_nanotime_is_a_clock():
    memory = Memory()
    serve(memory, "nanotime1")
    (first,) = memory.results("q")
    serve(memory, "nanotime1")
    (second,) = memory.results("q")
    assert 0 < first <= second


def test_walltime_is_seconds_and_nanoseconds():
    memory = Memory()
    before = time.time_ns()
    serve(memory, "walltime")
    seconds, nanoseconds = memory.results("qi")
    assert 0 <= nanoseconds < 1_000_000_000
    assert before <= seconds * 1_000_000_000 + nanoseconds <= time.time_ns()


def test_random_data_fills_the_slice_and_no_more():
    memory = Memory()
    memory.operands("QQ", 512, 64)
    serve(memory, "getRandomData")
    assert any(memory.read(512, 64))
    assert not any(memory.read(576, 64))


def test_more_random_data_than_a_javascript_host_gives():
    memory = Memory()
    memory.operands("QQ", 0, 65537)
    with pytest.raises(HostFault, match="65537 bytes; 65536 are the most"):
        serve(memory, "getRandomData")


def test_random_data_outside_memory():
    memory = Memory()
    memory.operands("QQ", 1020, 8)
    with pytest.raises(HostFault):
        serve(memory, "getRandomData")


def test_what_go_prints_is_logged_though_a_character_is_cut_in_two():
    memory, host = Memory(), GojsHost()
    memory.write(512, "5 ¢\n".encode())
    for address, count in ((512, 3), (515, 2)):
        memory.operands("QQi", 2, address, count)
        serve(memory, "wasmWrite", host)
    assert memory.logged == "5 ¢\n"


def test_a_negative_count_of_bytes_to_print():
    memory = Memory()
    memory.operands("QQi", 1, 512, -1)
    with pytest.raises(HostFault, match="-1 bytes"):
        serve(memory, "wasmWrite")


def test_timers_have_ids_of_their_own_and_are_told_of():
    memory, host = Memory(), GojsHost()
    ids = []
    for _ in range(2):
        memory.operands("q", 1500)
        serve(memory, "scheduleTimeoutEvent", host)
        ids += memory.results("i", SP + 16)
    assert len(set(ids)) == 2
    assert "1500 ms" in memory.logged
    memory.operands("i", ids[0])
    serve(memory, "clearTimeoutEvent", host)


def test_exit_is_logged_and_returns_to_go():
    memory, host = Memory(), GojsHost()
    memory.operands("i", -1)
    assert host.ended is None
    serve(memory, "wasmExit", host)
    assert memory.logged == "the Go program exited with status -1\n"
    assert host.ended == -1


def test_reset_touches_nothing():
    memory = Memory()
    serve(memory, "resetMemoryDataView")
    assert not any(memory.bytes)
