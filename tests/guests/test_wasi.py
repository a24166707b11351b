from __future__ import annotations

import struct

import pytest

from linmem.guests.wasi import BADF, SUCCESS, WasiHost
from linmem.play.guest import HostFault
from linmem.wasm.wat import assemble

# Prints "héllo" in two pieces that cut the é in half, as a program with a small output buffer does.
PRINTER = r"""
(module
  (import "{module}" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\20\00\00\00\02\00\00\00\22\00\00\00\04\00\00\00")
  (data (i32.const 32) "h\c3\a9llo")
  (func (export "print") (param $fd i32) (param $vectors i32) (param $count i32) (param $written i32) (result i32)
    (call $fd_write (local.get $fd) (local.get $vectors) (local.get $count) (local.get $written))))
"""


@pytest.fixture(params=["wasi_snapshot_preview1", "wasi_unstable"])
def printer(request, cache, in_process):
    return in_process(assemble(PRINTER.replace("{module}", request.param)), WasiHost())


def test_what_is_printed_is_logged_and_counted(printer):
    assert printer.call("print", [1, 0, 2, 64]) == [SUCCESS]
    assert printer.logged == "héllo"
    assert struct.unpack("<I", printer.read(64, 4)) == (6,)


def test_standard_error_is_logged_too(printer):
    assert printer.call("print", [2, 0, 1, 64]) == [SUCCESS]
    assert printer.call("print", [2, 8, 1, 64]) == [SUCCESS]
    assert printer.logged == "héllo"


def test_another_file_is_refused(printer):
    assert printer.call("print", [3, 0, 2, 64]) == [BADF]
    assert printer.logged == ""
    assert printer.read(64, 4) == bytes(4)


def test_nothing_to_print(printer):
    assert printer.call("print", [1, 0, 0, 64]) == [SUCCESS]
    assert printer.read(64, 4) == bytes(4)


@pytest.mark.parametrize("count", [8192, 0x1FFFFFFF])
def test_vectors_outside_memory(printer, count):
    with pytest.raises(HostFault):
        printer.call("print", [1, 8, count, 64])


def test_a_buffer_outside_memory(printer):
    printer.write(128, struct.pack("<II", 65535, 2))
    with pytest.raises(HostFault):
        printer.call("print", [1, 128, 1, 64])


PROGRAM = """
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store8 (i32.const 16) (i32.const 7))
    (call $exit (i32.const {status}))
    (unreachable))
  (func (export "_initialize") (i32.store8 (i32.const 17) (i32.const 8))))
"""


def program(status: int) -> bytes:
    return assemble(PROGRAM.replace("{status}", str(status)))


def test_a_program_that_exits_well_has_started(cache, in_process):
    guest = in_process(program(0), WasiHost("_start"))
    assert guest.read(16, 2) == bytes([7, 0])


def test_a_program_that_exits_otherwise_has_not(cache, in_process):
    with pytest.raises(HostFault, match="the guest exited with status 3"):
        in_process(program(3), WasiHost("_start"))


def test_a_reactor_is_initialised(cache, in_process):
    guest = in_process(program(0), WasiHost("_initialize"))
    assert guest.read(16, 2) == bytes([0, 8])


def test_without_an_entry_nothing_is_called(cache, in_process):
    guest = in_process(program(0), WasiHost())
    assert guest.read(16, 2) == bytes(2)


def test_a_trap_at_the_start_is_not_an_exit(cache, in_process):
    import wasmtime

    with pytest.raises(wasmtime.Trap):
        in_process(
            assemble('(module (memory (export "m") 1) (func (export "_start") unreachable))'), WasiHost("_start")
        )


def test_it_serves_nothing_else():
    host = WasiHost()
    assert not host.provides("wasi_snapshot_preview1", "fd_read")
    assert not host.provides("wasi_unstable", "proc_exit")
    assert not host.provides("gojs", "runtime.ticks")
