"""The host side of Go's ``GOOS=js`` port, for runtimes that can't run Go's own ``wasm_exec.js``.

A Go program without ``syscall/js`` imports eight functions from ``gojs``. Each takes one parameter, the address SP of
the caller's stack frame. Operands and then results are in the guest's memory from SP + 8 on, laid out as in the Go
declaration: each aligned to its size, the results beginning at a multiple of 8. Go's wasm port counts as a 64-bit one,
so a pointer, a ``uintptr`` and a slice's length take 8 bytes. The docstrings below give each function's declaration,
from Go's ``runtime`` package (``os_js.go``, ``lock_js.go``, ``sys_wasm.go``).

One thing differs from ``wasm_exec.js``: **timers never fire.** There, a timer calls the guest's ``resume`` when the
event loop turns; here only the scenario calls the guest. A guest that asks for a timer gets an id, and the log says so.
A program that sleeps in ``main`` is not woken, but its exports can be called. No guest of this repository asks for one.
"""

from __future__ import annotations

import codecs
import struct
import time
from collections.abc import Callable, Sequence

from linmem.guests.wasi import put_random
from linmem.play.guest import GuestAccess, HostFault
from linmem.wasm.types import ModuleTypes

ARGUMENTS = 4096  # where the host puts the command line; Go's own data begins 8192 bytes further up


def is_go(types: ModuleTypes) -> bool:
    """Whether Go made a module: it imports what only Go's script has. ``getRandomData`` is in TinyGo's too."""
    go_only = _FUNCTIONS.keys() - {"runtime.getRandomData"}
    return any(item.module == "gojs" and item.name in go_only for item in types.imports)


class GojsHost:
    """Serves Go's ``gojs`` imports for one instance, and runs its ``main`` until that waits for an event."""

    def __init__(self) -> None:
        self.ended: int | None = None  # its status, once the program has ended
        self._timers = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def provides(self, module: str, name: str) -> bool:
        """Whether it is one of the eight functions that a Go program without ``syscall/js`` imports."""
        return module == "gojs" and name in _FUNCTIONS

    def call(self, module: str, name: str, args: Sequence[int], guest: GuestAccess) -> Sequence[int]:
        """Serve one call; ``args`` is the stack pointer. Raises `HostFault` where `wasm_exec.js` throws."""
        _FUNCTIONS[name](self, args[0], guest)
        return []

    def start(self, guest: GuestAccess) -> None:
        """Call ``run`` with the command line ``js``, no environment. It returns when ``main`` waits or ends.

        The command line is a C string and, aligned to 8 bytes after it, the arrays ``argv`` and ``envp`` of
        8-byte pointers, each ended by a null pointer.
        """
        name = b"js".ljust(8, b"\0")
        guest.write(ARGUMENTS, name + struct.pack("<QQQ", ARGUMENTS, 0, 0))
        guest.call("run", [1, ARGUMENTS + len(name)])

    def _exit(self, sp: int, guest: GuestAccess) -> None:
        """``func wasmExit(code int32)``

        Returns, as `wasm_exec.js` does: Go then leaves `run` by itself. Its exports can't be used any more.
        """
        (code,) = _fields(guest, "i", sp + 8)
        self.ended = code
        guest.log(f"the Go program exited with status {code}\n")

    def _write(self, sp: int, guest: GuestAccess) -> None:
        """``func wasmWrite(fd uintptr, p unsafe.Pointer, n int32)``"""
        _, address, count = _fields(guest, "QQi", sp + 8)
        if count < 0:
            raise HostFault(f"runtime.wasmWrite of {count} bytes")
        guest.log(self._decoder.decode(guest.read(address, count)))

    def _reset_memory_data_view(self, sp: int, guest: GuestAccess) -> None:
        """``func resetMemoryDataView()``: Go grew its memory. Nothing to do, as no view is kept here."""

    def _nanotime(self, sp: int, guest: GuestAccess) -> None:
        """``func nanotime1() int64``"""
        guest.write(sp + 8, struct.pack("<q", time.monotonic_ns()))

    def _walltime(self, sp: int, guest: GuestAccess) -> None:
        """``func walltime() (sec int64, nsec int32)``"""
        guest.write(sp + 8, struct.pack("<qi", *divmod(time.time_ns(), 1_000_000_000)))

    def _schedule_timeout_event(self, sp: int, guest: GuestAccess) -> None:
        """``func scheduleTimeoutEvent(ms int64) int32``: the id of a timer, which never fires."""
        (delay,) = _fields(guest, "q", sp + 8)
        self._timers += 1
        guest.log(f"the Go program asked to be woken in {delay} ms; under linmem's Go host timers don't fire\n")
        guest.write(sp + 16, struct.pack("<i", self._timers))

    def _clear_timeout_event(self, sp: int, guest: GuestAccess) -> None:
        """``func clearTimeoutEvent(id int32)``: nothing to do for a timer that never fires."""

    def _get_random_data(self, sp: int, guest: GuestAccess) -> None:
        """``func getRandomData(r []byte)``"""
        address, count = _fields(guest, "QQ", sp + 8)
        put_random(guest, "runtime.getRandomData", address, count)


def _fields(guest: GuestAccess, layout: str, at: int) -> tuple[int, ...]:
    layout = f"<{layout}"
    return struct.unpack(layout, guest.read(at, struct.calcsize(layout)))


_FUNCTIONS: dict[str, Callable[[GojsHost, int, GuestAccess], None]] = {
    "runtime.wasmExit": GojsHost._exit,
    "runtime.wasmWrite": GojsHost._write,
    "runtime.resetMemoryDataView": GojsHost._reset_memory_data_view,
    "runtime.nanotime1": GojsHost._nanotime,
    "runtime.walltime": GojsHost._walltime,
    "runtime.scheduleTimeoutEvent": GojsHost._schedule_timeout_event,
    "runtime.clearTimeoutEvent": GojsHost._clear_timeout_event,
    "runtime.getRandomData": GojsHost._get_random_data,
}
