"""The host side of modules that print and exit through WASI, as TinyGo's do, or only need to be started.

This is linmem's own, for guests whose language can't go without. Scenarios about the WASI that a runtime brings say
``wasi`` (`suites.wasi`), and nothing of this module takes part in them.

Two functions of ``wasi_snapshot_preview1`` are served, and ``fd_write`` under ``wasi_unstable`` as well,
the name under which TinyGo imported it before 0.18. Whatever else a module imports is missing, and the
runtime says so when it links. Source: WASI snapshot preview 1, ``fd_write`` and ``proc_exit``.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Sequence

from linmem.play.guest import GuestAccess, HostFault
from linmem.protocol import CallFailed

SUCCESS = 0
BADF = 8  # errno: bad file descriptor
OUTPUTS = (1, 2)  # standard output and standard error
ENTRIES = ("_start", "_initialize")


class WasiHost:
    """Serves ``fd_write`` and ``proc_exit`` for one instance.

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


IMPORTS = frozenset(
    {
        ("wasi_snapshot_preview1", "fd_write"),
        ("wasi_snapshot_preview1", "proc_exit"),
        ("wasi_unstable", "fd_write"),
    }
)
