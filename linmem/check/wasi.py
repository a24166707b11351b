"""Checks of WASI, where the driver says that its runtime brings it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from linmem.check import modules
from linmem.check.bench import Bench, Checks, Untested, Wrong, i32, same, typed

CHECKS = Checks()
TOPIC = "instance.create"
ARGS = ("program", "one")
ENV = {"NAME": "value"}


class _Guest:
    """An instance of the module that uses WASI."""

    def __init__(self, bench: Bench, preopens: dict[str, str] | None = None) -> None:
        if "preview1" not in bench.info.wasi:
            raise Untested("the driver says of no WASI that its runtime brings it")
        wasi = {"args": ARGS, "env": ENV, "preopens": preopens or {}}
        params: dict[str, Any] = {"imports": [], "glue": None, "wasi": wasi}
        self.bench = bench
        self.instance = bench.make(TOPIC, module=bench.module(modules.WASI), **params)
        self.memory = bench.make("memory.export", instance=self.instance, name="memory")

    def call(self, name: str, *args: int) -> int:
        """What a WASI function gives: 0 if all went well, else an error number."""
        return self.bench.call(self.instance, name, *map(i32, args), results=["i32"])[0]

    def need(self, name: str, *args: int) -> None:
        """Call a function that must go well."""
        number = self.call(name, *args)
        if number:
            raise Wrong(TOPIC, f"{name}{args} to go well", f"error number {number}")

    def put(self, at: int, memory_type: str, value: int) -> None:
        params: dict[str, Any] = {"memory": self.memory, "at": at, "type": memory_type, "view": None}
        self.bench.ask("memory.write", **params, value=typed(memory_type, value))

    def bytes(self, at: int, count: int) -> bytes:
        found = self.bench.reading("memory.read", "bytes", count, memory=self.memory, at=at, count=count, view=None)
        return bytes(getattr(found, "data", b""))

    def buffer(self, at: int, length: int) -> None:
        """Describe one buffer at address 8, for `read` and `write`."""
        self.put(8, "u32", at)
        self.put(12, "u32", length)


@CHECKS.of(TOPIC, "with WASI: arguments and environment, and a reactor is initialised")
def _environment(bench: Bench) -> None:
    guest = _Guest(bench)
    same(TOPIC, b"\1", guest.bytes(0, 1))
    guest.need("args_sizes", 16, 20)
    same(TOPIC, bytes([2, 0, 0, 0, 12, 0, 0, 0]), guest.bytes(16, 8))
    guest.need("args", 32, 64)
    same(TOPIC, b"program\0one\0", guest.bytes(64, 12))
    guest.need("environ", 32, 128)
    same(TOPIC, b"NAME=value\0", guest.bytes(128, 11))


@CHECKS.of(TOPIC, "with WASI: standard input is empty, and what a guest prints goes to standard error")
def _standard(bench: Bench) -> None:
    guest = _Guest(bench)
    guest.buffer(256, 4)
    guest.need("read", 0, 8, 1, 16)
    same(TOPIC, bytes(4), guest.bytes(16, 4))
    for descriptor, word in ((1, b"lin\n"), (2, b"mem\n")):
        guest.put(256, "u32", int.from_bytes(word, "little"))
        guest.need("write", descriptor, 8, 1, 16)
    same(TOPIC, ["lin", "mem"], [word for word in bench.printed().split() if word in ("lin", "mem")])


@CHECKS.of(TOPIC, "with WASI: a file in a preopened folder")
def _file(bench: Bench) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "word").write_bytes(b"linmem")
        guest = _Guest(bench, {"/files": folder})
        guest.put(512, "u32", int.from_bytes(b"word", "little"))
        opened = any(guest.call("open", descriptor, 512, 4, 24) == 0 for descriptor in range(3, 8))
        if not opened:
            raise Wrong(TOPIC, "a preopened folder with the file 'word'", "no descriptor from 3 to 7 has it")
        guest.buffer(256, 6)
        guest.need("read", int.from_bytes(guest.bytes(24, 4), "little"), 8, 1, 16)
        same(TOPIC, b"linmem", guest.bytes(256, 6))


@CHECKS.of(TOPIC, "with WASI: proc_exit ends the guest's call, not the driver")
def _exit(bench: Bench) -> None:
    guest = _Guest(bench)
    failure = bench.refused("function.call", "exit", instance=guest.instance, name="exit", args=[i32(3)], results=[])
    same(TOPIC, "3", failure.message)
    same(TOPIC, b"\1", guest.bytes(0, 1))
