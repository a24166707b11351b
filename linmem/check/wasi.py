"""Checks of WASI, where the driver says that its runtime brings it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from linmem.check import modules
from linmem.check.driver import Checks, DriverUnderTest, Untested, Wrong, i32, same, typed

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
        self.instance, self.memory = driver.memory(driver.instance(modules.WASI, wasi=wasi))

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
        return self.driver.read("memory.read", "bytes", count, memory=self.memory, at=at, count=count, view=None)

    def buffer(self, at: int, length: int) -> None:
        """Describe one buffer at address 8, for `read` and `write`."""
        self.put(8, at)
        self.put(12, length)


def _environment(driver: DriverUnderTest) -> None:
    guest = _Guest(driver)
    same(TOPIC, b"\1", guest.bytes(0, 1))
    guest.need("args_sizes", 16, 20)
    same(TOPIC, bytes([2, 0, 0, 0, 12, 0, 0, 0]), guest.bytes(16, 8))
    guest.need("args", 32, 64)
    same(TOPIC, b"program\0one\0", guest.bytes(64, 12))
    guest.need("environ", 32, 128)
    same(TOPIC, b"NAME=value\0", guest.bytes(128, 11))


def _standard(driver: DriverUnderTest) -> None:
    guest = _Guest(driver)
    guest.buffer(256, 4)
    guest.need("read", 0, 8, 1, 16)
    same(TOPIC, bytes(4), guest.bytes(16, 4))
    for descriptor, word in ((1, b"lin\n"), (2, b"mem\n")):
        guest.put(256, int.from_bytes(word, "little"))
        guest.need("write", descriptor, 8, 1, 16)
    same(TOPIC, ["lin", "mem"], [word for word in driver.printed().split() if word in ("lin", "mem")])


def _file(driver: DriverUnderTest) -> None:
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


def _exit(driver: DriverUnderTest) -> None:
    guest = _Guest(driver)
    failure = driver.refused("function.call", "exit", instance=guest.instance, name="exit", args=[i32(3)], results=[])
    same(TOPIC, "3", failure.message)
    same(TOPIC, b"\1", guest.bytes(0, 1))


CHECKS: Checks = {
    TOPIC: {
        "with WASI: arguments and environment, and a reactor is initialised": _environment,
        "with WASI: standard input is empty, and what a guest prints goes to standard error": _standard,
        "with WASI: a file in a preopened folder": _file,
        "with WASI: proc_exit ends the guest's call, not the driver": _exit,
    },
}
