"""The host sides of modules that print and exit through WASI, as TinyGo's do, or only need to be started.

They are linmem's own, for guests whose language needs one. Scenarios about the WASI that a runtime brings say ``wasi``;
nothing of this module takes part in them. Sources: WASI snapshot preview 1, ``fd_write`` and ``proc_exit``; TinyGo's
``syscall/js`` and ``runtime`` packages.
"""

from __future__ import annotations

import codecs
import os
import struct
import time
from collections.abc import Sequence

from linmem.play.guest import GuestAccess, HostFault
from linmem.protocol import CallFailed

SUCCESS = 0
BADF = 8  # errno: bad file descriptor
OUTPUTS = (1, 2)  # standard output and standard error
ENTRIES = ("_start", "_initialize")
IMPORTS = frozenset(
    {
        ("wasi_snapshot_preview1", "fd_write"),
        ("wasi_snapshot_preview1", "proc_exit"),
        ("wasi_unstable", "fd_write"),
    }
)

# A reference of syscall/js is 64 bits: a NaN's upper 32 with the kind of value in the lowest three, then the value's
# number.
_NAN = 0x7FF80000
_OBJECT, _FUNCTION = 1, 4
_GLOBAL_NUMBER = 5  # NaN, 0, null, true, false come before
GLOBAL = (_NAN | _OBJECT) << 32 | _GLOBAL_NUMBER
_FIRST_FREE = 7  # 6 is the Go object
MODULES = ("gojs", "env")  # `env` until Go 1.20


class WasiHost:
    """Serves ``fd_write`` and ``proc_exit`` for one instance, the former under ``wasi_unstable`` too, as TinyGo
    imported it before 0.18. Whatever else a module imports is missing, and the runtime says so when it links.

    ``entry`` is the exported function to call once after instantiation (one of `ENTRIES`), or None.
    """

    def __init__(self, entry: str | None = None) -> None:
        self._entry = entry
        self._status: int | None = None
        self._decoders = {fd: codecs.getincrementaldecoder("utf-8")("replace") for fd in OUTPUTS}

    @property
    def ended(self) -> None:
        """A program that ends by ``proc_exit`` leaves its call by an error."""
        return None

    def provides(self, module: str, name: str) -> bool:
        """Whether it is one of the functions served."""
        return (module, name) in IMPORTS

    def call(self, module: str, name: str, args: Sequence[int], guest: GuestAccess) -> Sequence[int]:
        """Serve one call. Raises `HostFault` where memory can't be reached, and always for ``proc_exit``."""
        if name == "fd_write":
            fd, vectors, count, written = args
            return [self._fd_write(guest, fd, vectors, count, written)]
        self._status = args[0]
        raise HostFault(f"the guest exited with status {self._status}")

    def start(self, guest: GuestAccess) -> None:
        """Call the entry, if there is one. Leaving it by ``proc_exit`` with status 0 is a success."""
        if self._entry is None:
            return
        try:
            guest.call(self._entry, [])
        except (CallFailed, HostFault):
            if self._status != 0:
                raise

    def _fd_write(self, guest: GuestAccess, fd: int, vectors: int, count: int, written: int) -> int:
        """``vectors`` is the address of `count` pairs of a buffer's address and length, each 32 bits."""
        if fd not in self._decoders:
            return BADF
        total = 0
        for address, length in struct.iter_unpack("<II", guest.read(vectors, 8 * count)):
            guest.log(self._decoders[fd].decode(guest.read(address, length)))
            total += length
        guest.write(written, struct.pack("<I", total & 0xFFFFFFFF))
        return SUCCESS


class TinyGoHost(WasiHost):
    """Serves TinyGo modules that use ``syscall/js``, for runtimes that can't run TinyGo's ``wasm_exec.js``.

    Beyond `WasiHost` that is WASI's ``random_get`` and what every such module does when it starts: package
    ``syscall/js`` asks the global object for ``Object`` and ``Array``, and gets references with nothing behind them, as
    there is no JavaScript. Whatever else of JavaScript a program uses raises an error that says so. Timers never fire,
    because only the scenario calls the guest.
    """

    def __init__(self, entry: str | None = None) -> None:
        super().__init__(entry)
        self._references = 0

    def provides(self, module: str, name: str) -> bool:
        """Whether it is one of the functions served; those of ``syscall/js`` are, if only to say that they can't be."""
        if module in MODULES and (name in ("runtime.ticks", "runtime.sleepTicks") or name.startswith("syscall/js.")):
            return True
        return (module, name) == ("wasi_snapshot_preview1", "random_get") or super().provides(module, name)

    def call(self, module: str, name: str, args: Sequence[int], guest: GuestAccess) -> Sequence[int]:
        """Serve one call. Raises `HostFault` for what needs JavaScript, and as `WasiHost` does."""
        if name == "random_get":
            guest.write(args[0], os.urandom(args[1]))
            return [SUCCESS]
        if name == "runtime.ticks":
            return [time.monotonic_ns()]
        if name == "runtime.sleepTicks":
            guest.log("the TinyGo program went to sleep; under linmem's host it is not woken\n")
            return []
        if not name.startswith("syscall/js."):
            return super().call(module, name, args, guest)
        if name == "syscall/js.valueGet" and args[0] == GLOBAL:
            self._references += 1
            return [(_NAN | _FUNCTION) << 32 | _FIRST_FREE + self._references]
        if name == "syscall/js.finalizeRef":
            return []
        raise HostFault(f"{name}: the guest wants JavaScript, and on this runtime there is none")
