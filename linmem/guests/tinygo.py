"""The host side of TinyGo's ``-target wasm``, for runtimes that can't run TinyGo's own ``wasm_exec.js``.

It serves what that script serves, with the same results: those of its releases 0.33 to 0.42, with the parameters of
older ones. They differ in three points, and a module says which one it was built for:

* ``runtime.ticks`` gives milliseconds as an ``f64`` before 0.38, nanoseconds as an ``i64`` from then on;
* before 0.28, a reference is passed by its address, and one that is a result is written to an address;
* file operations are no-ops that succeed before 0.41, and fail with ENOSYS from then on, when more of them came. Here
  the version in the module's ``producers`` section decides, and where that was stripped, what the module imports.

There is no JavaScript here. Package ``syscall/js`` asks the global object for ``Object`` and ``Array`` when a program
starts, and gets references with nothing behind them. Whatever else a program wants of JavaScript raises an error that
says so. Timers never fire, because only the scenario calls the guest.

Source: ``targets/wasm_exec.js`` and package ``runtime`` of TinyGo's releases.
"""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Sequence

from linmem.guests.wasi import SUCCESS, WasiProcess, buffers, entry, put_random
from linmem.play.guest import GuestAccess, HostFault
from linmem.wasm.types import ModuleTypes

WASI = "wasi_snapshot_preview1"
MODULES = ("gojs", "env")  # where `runtime` and `syscall/js` are: `env` until Go 1.20
STANDARD_OUTPUT = 1  # the only descriptor that the script knows
EBADF, ENOSYS = 8, 52

FILES = {"fd_close", "fd_fdstat_get", "fd_seek"}
NEWER_FILES = {"fd_read", "fd_prestat_get", "fd_prestat_dir_name", "path_open"}
ENOSYS_SINCE = (0, 41)
SERVED = {"fd_write", "proc_exit", "random_get"} | FILES | NEWER_FILES

_JS = (
    "finalizeRef stringVal valueGet valueSet valueDelete valueIndex valueSetIndex valueCall valueInvoke valueNew "
    "valueLength valuePrepareString valueLoadString valueInstanceOf copyBytesToGo copyBytesToJS"
)
RUNTIME = {"runtime.ticks", "runtime.sleepTicks", "runtime.getRandomData"} | {f"syscall/js.{n}" for n in _JS.split()}

# A reference of syscall/js is 64 bits: a NaN's upper 32 with the kind of value in the lowest three, then the value's
# number.
_NAN = 0x7FF80000
_OBJECT, _FUNCTION = 1, 4
_GLOBAL_NUMBER = 5  # NaN, 0, null, true, false come before
GLOBAL = (_NAN | _OBJECT) << 32 | _GLOBAL_NUMBER
_FIRST_FREE = 7  # 6 is the Go object
_ARGUMENTS_BY_ADDRESS = 5  # of `valueGet` before 0.28: result, reference, the name and its length, and a context


def is_tinygo(types: ModuleTypes) -> bool:
    """Whether TinyGo made a module: it says so, or imports a function that only TinyGo's or Go's script has.

    The caller has excluded Go's modules, which import more from ``gojs``.
    """
    return "TinyGo" in types.tools or any(item.module in MODULES and item.name in RUNTIME for item in types.imports)


class TinyGoHost:
    """Serves TinyGo's imports for one instance of the module with these types, and runs its ``main``."""

    def __init__(self, types: ModuleTypes) -> None:
        self._process = WasiProcess(entry(types), (STANDARD_OUTPUT,))
        imported = {item.name: item.type for item in types.imports}
        clock = imported.get("runtime.ticks")
        self._float_clock = clock is not None and clock.results == ("f64",)
        known = re.match(r"(\d+)\.(\d+)", types.tools.get("TinyGo", ""))
        if known is not None:
            self._files_fail = tuple(map(int, known.groups())) >= ENOSYS_SINCE
        else:
            self._files_fail = not NEWER_FILES.isdisjoint(imported)
        self._references = 0

    @property
    def ended(self) -> None:
        """A program that ends by ``proc_exit`` leaves its call by an error."""
        return None

    def provides(self, module: str, name: str) -> bool:
        """Whether it is one of the functions served; those of ``syscall/js`` are, if only to say that they can't be."""
        return (
            (module == WASI and name in SERVED)
            or (module in MODULES and name in RUNTIME)
            or (module, name) == ("wasi_unstable", "fd_write")  # before 0.18
        )

    def start(self, guest: GuestAccess) -> None:
        """Call ``_start``, or else ``_initialize``. Leaving it by ``proc_exit`` with status 0 is a success."""
        self._process.start(guest)

    def call(self, module: str, name: str, args: Sequence[int], guest: GuestAccess) -> Sequence[int]:
        """Serve one call. Raises `HostFault` where the script throws, and for what needs JavaScript."""
        if name.startswith("syscall/js."):
            return self._javascript(name.removeprefix("syscall/js."), args, guest)
        match name:
            case "fd_write":
                return [self._fd_write(guest, *args)]
            case "proc_exit":
                self._process.exit(args[0])
            case "random_get":
                put_random(guest, name, args[0], args[1])
                return [SUCCESS]
            case "runtime.getRandomData":
                put_random(guest, name, args[0], args[1])
                return []
            case "runtime.ticks":
                return [self._ticks()]
            case "runtime.sleepTicks":
                guest.log("the TinyGo program went to sleep; under linmem's host it is not woken\n")
                return []
        if name == "fd_prestat_get":
            return [EBADF]
        return [ENOSYS if self._files_fail or name in NEWER_FILES else SUCCESS]

    def _fd_write(self, guest: GuestAccess, fd: int, vectors: int, count: int, written: int) -> int:
        """Carriage returns are dropped, and another descriptor than 1 is told and takes nothing, without an errno."""
        total = 0
        if fd == STANDARD_OUTPUT:
            for data in buffers(guest, vectors, count):
                self._process.print(guest, fd, data.replace(b"\r", b""))
                total += len(data)
        else:
            guest.log(f"invalid file descriptor: {fd}\n")
        guest.write(written, struct.pack("<I", total & 0xFFFFFFFF))
        return SUCCESS

    def _ticks(self) -> int:
        """The time since 1970, as the bits of the type that the module takes."""
        now = time.time_ns()
        return int.from_bytes(struct.pack("<d", now / 1e6), "little") if self._float_clock else now

    def _javascript(self, name: str, args: Sequence[int], guest: GuestAccess) -> Sequence[int]:
        if name == "finalizeRef":
            return []
        by_address = len(args) == _ARGUMENTS_BY_ADDRESS
        if name == "valueGet":
            (reference,) = struct.unpack("<Q", guest.read(args[1], 8)) if by_address else args[:1]
            if reference == GLOBAL:
                self._references += 1
                result = (_NAN | _FUNCTION) << 32 | _FIRST_FREE + self._references
                if not by_address:
                    return [result]
                guest.write(args[0], struct.pack("<Q", result))
                return []
        raise HostFault(f"syscall/js.{name}: the guest wants JavaScript, and on this runtime there is none")
