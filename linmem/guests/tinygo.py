"""The host side of TinyGo modules that use ``syscall/js``, for runtimes that can't run TinyGo's ``wasm_exec.js``.

There is no JavaScript to talk to. Only what every such module does when it starts is served: package ``syscall/js``
asks the global object for ``Object`` and ``Array``, and gets references that stand for nothing. Whatever else a program
wants of JavaScript raises an error that says so. Timers never fire, because nothing enters the guest but the scenario.

A reference is 64 bits: a NaN's upper 32 with the kind of value in the lowest three, then the value's number. Source:
TinyGo's ``syscall/js`` and ``runtime`` packages.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from linmem.guests.wasi import SUCCESS, WasiHost
from linmem.play.guest import GuestAccess, HostFault

_NAN = 0x7FF80000
_OBJECT, _FUNCTION = 1, 4
_GLOBAL_NUMBER = 5  # NaN, 0, null, true, false come before
GLOBAL = (_NAN | _OBJECT) << 32 | _GLOBAL_NUMBER
_FIRST_FREE = 7  # 6 is the Go object
MODULES = ("gojs", "env")  # `env` until Go 1.20


class TinyGoHost(WasiHost):
    """Serves WASI's ``random_get`` and the functions of ``gojs`` on top of what `WasiHost` does."""

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
