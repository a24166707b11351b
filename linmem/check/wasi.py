"""Checks of WASI, where the driver says that its runtime brings it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from linmem.check.driver import DriverUnderTest, Untested, Wrong, i32, same, typed

TOPIC = "instance.create"
ARGS = ("program", "one")
ENV = {"NAME": "value"}


class _Guest:
    """An instance of the module that uses WASI."""

    def __init__(self, driver: DriverUnderTest, preopens: dict[str, str] | None = None) -> None:
        if "preview1" not in driver.info.wasi:
            raise Untested("the driver reports no WASI")
        wasi = {"version": "preview1", "args": ARGS, "env": ENV, "preopens": preopens or {}}
        self.driver = driver
        self.instance = driver.instance("wasi", wasi=wasi)
        self.memory = driver.memory(self.instance)

    def call(self, name: str, *args: int) -> int:
        """What a WASI function gives: 0 if all went well, else an error number."""
        return self.driver.call(self.instance, name, *args)[0]

    def need(self, name: str, *args: int) -> None:
        """Call a function that must go well."""
        number = self.call(name, *args)
        if number:
            raise Wrong(TOPIC, f"{name}{args} to go well", f"error number {number}")

    def put(self, at: int, value: int) -> None:
        self.driver.ask("memory.write", memory=self.memory, at=at, type="u32", value=typed("u32", value), view=None)

    def bytes(self, at: int, count: int) -> bytes:
        return self.driver.bytes(self.memory, at, count)

    def buffer(self, at: int, length: int) -> None:
        """Describe one buffer at address 8, for `read` and `write`."""
        self.put(8, at)
        self.put(12, length)


def wasi_environment(driver: DriverUnderTest) -> None:
    """A reactor is initialised, and finds its arguments and environment."""
    guest = _Guest(driver)
    same(TOPIC, b"\1", guest.bytes(0, 1))
    guest.need("args_sizes", 16, 20)
    same(TOPIC, bytes([2, 0, 0, 0, 12, 0, 0, 0]), guest.bytes(16, 8))
    guest.need("args", 32, 64)
    same(TOPIC, b"program\0one\0", guest.bytes(64, 12))
    guest.need("environ", 32, 128)
    same(TOPIC, b"NAME=value\0", guest.bytes(128, 11))


def wasi_standard(driver: DriverUnderTest) -> None:
    """Standard input is empty; what is printed goes to standard error."""
    guest = _Guest(driver)
    guest.buffer(256, 4)
    guest.need("read", 0, 8, 1, 16)
    same(TOPIC, bytes(4), guest.bytes(16, 4))
    for descriptor, word in ((1, b"lin\n"), (2, b"mem\n")):
        guest.put(256, int.from_bytes(word, "little"))
        guest.need("write", descriptor, 8, 1, 16)
    same(TOPIC, ["lin", "mem"], [word for word in driver.printed().split() if word in ("lin", "mem")])


def wasi_file(driver: DriverUnderTest) -> None:
    """A folder that is given has its file."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "word").write_bytes(b"linmem")
        guest = _Guest(driver, {"/files": folder})
        guest.put(512, int.from_bytes(b"word", "little"))
        opened = any(guest.call("open", descriptor, 512, 4, 24) == 0 for descriptor in range(3, 8))
        if not opened:
            raise Wrong(TOPIC, "a preopened folder with the file 'word'", "no descriptor from 3 to 7 has it")
        guest.buffer(256, 6)
        guest.need("read", int.from_bytes(guest.bytes(24, 4), "little"), 8, 1, 16)
        same(TOPIC, b"linmem", guest.bytes(256, 6))


def wasi_exit(driver: DriverUnderTest) -> None:
    """``proc_exit`` ends a call."""
    guest = _Guest(driver)
    failure = driver.refused("function.call", "exit", instance=guest.instance, name="exit", args=[i32(3)], results=[])
    same(TOPIC, "3", failure.message)
    same(TOPIC, b"\1", guest.bytes(0, 1))
