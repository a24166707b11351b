"""Guests in process: real wasmtime as the oracle for the language hosts, without a driver in between."""

from __future__ import annotations

import functools
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import wasmtime

from linmem.play.guest import HostFault, LanguageHost

ROOT = Path(__file__).parents[2]
FORMATS = {"i32": "<i", "i64": "<q", "f32": "<f", "f64": "<d"}  # as wasmtime gives and takes numbers


@functools.cache
def _engine() -> wasmtime.Engine:
    """Made late: the first engine installs handlers for traps' signals, which pytest's faulthandler would replace."""
    return wasmtime.Engine()


@functools.cache
def _compiled(module: bytes) -> wasmtime.Module:
    return wasmtime.Module(_engine(), module)


class InProcess:
    """An instance in wasmtime, started by its language host. It is the `GuestAccess` that the host is given."""

    def __init__(self, module: bytes, host: LanguageHost | None = None) -> None:
        self.store = wasmtime.Store(_engine())
        self.logged = ""
        compiled = _compiled(module)
        imports = []
        for wanted in compiled.imports:
            assert host is not None
            assert host.provides(wanted.module, wanted.name), f"{wanted.module}.{wanted.name}"
            assert isinstance(wanted.type, wasmtime.FuncType)
            imports.append(wasmtime.Func(self.store, wanted.type, self._served(host, wanted)))
        self.exports = wasmtime.Instance(self.store, compiled, imports).exports(self.store)
        self.memory = next(item for item in self.exports.values() if isinstance(item, wasmtime.Memory))
        if host is not None:
            host.start(self)

    def _served(self, host: LanguageHost, wanted: wasmtime.ImportType) -> Callable[..., float | None]:
        """A host function; language hosts take and give the bits of numbers."""
        assert isinstance(wanted.type, wasmtime.FuncType)
        params, results = (
            [FORMATS[str(kind)] for kind in kinds] for kinds in (wanted.type.params, wanted.type.results)
        )
        module, name = wanted.module, wanted.name or ""

        def serve(*args: float) -> float | None:
            bits = [int.from_bytes(struct.pack(kind, arg), "little") for kind, arg in zip(params, args, strict=True)]
            given = host.call(module, name, bits, self)
            if not results:
                return None
            number: float = struct.unpack(results[0], given[0].to_bytes(struct.calcsize(results[0]), "little"))[0]
            return number

        return serve

    @property
    def pages(self) -> int:
        return self.memory.size(self.store)

    def read(self, at: int, count: int) -> bytes:
        data = bytes(self.memory.read(self.store, at, at + count))
        if len(data) != count:
            raise HostFault(f"only {len(data)} of {count} bytes at {at}")
        return data

    def write(self, at: int, data: bytes) -> None:
        try:
            self.memory.write(self.store, data, at)
        except IndexError as error:
            raise HostFault(f"{len(data)} bytes at {at}: {error}") from None

    def call(self, export: str, args: Sequence[int]) -> list[int]:
        result = self.exports[export](self.store, *args)
        return [] if result is None else [result & 0xFFFFFFFF if isinstance(result, int) else result]

    def log(self, text: str) -> None:
        self.logged += text


@pytest.fixture
def in_process() -> type[InProcess]:
    """Instantiates a module in wasmtime and starts it: ``in_process(module, host)``."""
    return InProcess


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the folders that ``linmem guests`` needs, to be changed at will."""
    folder = tmp_path / "tree"
    for part in ("suites", "runtimes", "fixtures", "linmem"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    return folder


@pytest.fixture
def fixtures_command(tree: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``linmem guests`` in the copied tree: ``fixtures_command("build")``."""

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "linmem", "guests", *args]
        return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def no_tinygo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH without `tinygo`, whatever this machine has."""
    here = [part for part in os.environ["PATH"].split(os.pathsep) if not (Path(part) / "tinygo").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join(here))
