"""The host side of modules that print and exit through WASI, or only need to be started.

It is linmem's own, for guests whose language needs one. Scenarios about the WASI that a runtime brings say ``wasi``;
nothing of this module takes part in them. Source: WASI snapshot preview 1.
"""

from __future__ import annotations

import codecs
import os
import struct
from collections.abc import Collection, Iterator, Sequence

from linmem.play.guest import GuestAccess, HostFault
from linmem.protocol import CallFailed
from linmem.wasm.types import ModuleTypes

SUCCESS = 0
BADF = 8  # errno: bad file descriptor
OUTPUTS = (1, 2)  # standard output and standard error
ENTRIES = ("_start", "_initialize")
MOST_RANDOM = 65536  # bytes that one call of `crypto.getRandomValues` gives; JavaScript hosts throw for more
IMPORTS = frozenset(
    {
        ("wasi_snapshot_preview1", "fd_write"),
        ("wasi_snapshot_preview1", "proc_exit"),
        ("wasi_snapshot_preview1", "random_get"),
        ("wasi_unstable", "fd_write"),
    }
)


class WasiHost:
    """Serves ``fd_write``, ``proc_exit`` and ``random_get`` for one instance, the first under ``wasi_unstable`` too.
    Whatever else a module imports is missing.

    ``entry`` is the exported function to call once after instantiation (one of `ENTRIES`), or None.
    """

    def __init__(self, entry: str | None = None) -> None:
        self._process = WasiProcess(entry, OUTPUTS)

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
            return [self._fd_write(guest, *args)]
        if name == "random_get":
            put_random(guest, name, *args)
            return [SUCCESS]
        self._process.exit(args[0])
        return []

    def start(self, guest: GuestAccess) -> None:
        """Call the entry, if there is one. Leaving it by ``proc_exit`` with status 0 is a success."""
        self._process.start(guest)

    def _fd_write(self, guest: GuestAccess, fd: int, vectors: int, count: int, written: int) -> int:
        if fd not in OUTPUTS:
            return BADF
        total = 0
        for data in buffers(guest, vectors, count):
            self._process.print(guest, fd, data)
            total += len(data)
        guest.write(written, struct.pack("<I", total & 0xFFFFFFFF))
        return SUCCESS


class WasiProcess:
    """What a program that is started like a process has: an entry, a status once it has exited, and outputs."""

    def __init__(self, entry: str | None, outputs: Collection[int]) -> None:
        self._entry = entry
        self._status: int | None = None
        self._decoders = {fd: codecs.getincrementaldecoder("utf-8")("replace") for fd in outputs}

    def start(self, guest: GuestAccess) -> None:
        """Call the entry, if there is one. Leaving it by `exit` with status 0 is a success."""
        if self._entry is None:
            return
        try:
            guest.call(self._entry, [])
        except (CallFailed, HostFault):
            if self._status != 0:
                raise

    def exit(self, status: int) -> None:
        """Leave the guest's call. Always raises `HostFault`."""
        self._status = status
        raise HostFault(f"the guest exited with status {status}")

    def print(self, guest: GuestAccess, fd: int, data: bytes) -> None:
        """Log what the guest wrote to an output. A character may be cut in two."""
        guest.log(self._decoders[fd].decode(data))


def entry(types: ModuleTypes) -> str | None:
    """The exported function that starts a module, or None."""
    return next((name for name in ENTRIES if types.function(name) is not None), None)


def buffers(guest: GuestAccess, vectors: int, count: int) -> Iterator[bytes]:
    """The contents of buffers; ``vectors`` is the address of `count` pairs of address and length, 32 bits each.

    What is empty is not read: its address may be any.
    """
    for address, length in struct.iter_unpack("<II", guest.read(vectors, 8 * count) if count else b""):
        yield guest.read(address, length) if length else b""


def put_random(guest: GuestAccess, function: str, address: int, count: int) -> None:
    """Write random bytes for a call of `function`. Raises `HostFault` for more than one call gives."""
    if count > MOST_RANDOM:
        raise HostFault(f"{function} of {count} bytes; {MOST_RANDOM} are the most")
    if count:
        guest.write(address, os.urandom(count))
