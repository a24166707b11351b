"""TinyGo's language host: which modules get it, and that it does what TinyGo's own script does."""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from nodekit import get, instance
from rawclient import RawClient

from linmem.guests import catalogue
from linmem.guests.gojs import GojsHost
from linmem.guests.packages import find_package
from linmem.guests.tinygo import GLOBAL, TinyGoHost
from linmem.guests.wasi import WasiHost
from linmem.play.guest import GuestAccess, HostFault, LanguageHost
from linmem.wasm.types import ModuleTypes, read_types
from linmem.wasm.wat import assemble

pytest_plugins = ["nodefixtures"]

PREVIEW1 = "wasi_snapshot_preview1"
WRITE = f'(import "{PREVIEW1}" "fd_write" (func (param i32 i32 i32 i32) (result i32)))'
EXIT = f'(import "{PREVIEW1}" "proc_exit" (func (param i32)))'
RANDOM = f'(import "{PREVIEW1}" "random_get" (func (param i32 i32) (result i32)))'
FILES = f"""(import "{PREVIEW1}" "fd_close" (func (param i32) (result i32)))
  (import "{PREVIEW1}" "fd_seek" (func (param i32 i64 i32 i32) (result i32)))
  (import "{PREVIEW1}" "fd_fdstat_get" (func (param i32 i32) (result i32)))"""


def clock(module: str, kind: str) -> str:
    return (
        f'(import "{module}" "runtime.ticks" (func (result {kind})))'
        f'(import "{module}" "runtime.sleepTicks" (func (param {kind})))'
    )


def stamp(tool: str, version: str) -> str:
    """The custom section ``producers``, with one tool."""
    fields = b"\x01" + name("processed-by") + b"\x01" + name(tool) + name(version)
    return '(@custom "producers" "' + "".join(f"\\{byte:02x}" for byte in fields) + '")'


def name(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


# What modules of each version import, without and with `syscall/js`, the clock and files.
VERSIONS = {
    "0.17": '(import "wasi_unstable" "fd_write" (func (param i32 i32 i32 i32) (result i32)))' + clock("env", "f64"),
    "0.27": WRITE + clock("env", "f64") + '(import "env" "syscall/js.valueGet" (func (param i32 i32 i32 i32 i32)))',
    "0.33": WRITE
    + clock("gojs", "f64")
    + '(import "gojs" "syscall/js.valueGet" (func (param i64 i32 i32) (result i64)))',
    "0.36": EXIT + WRITE + RANDOM + stamp("TinyGo", "0.36.0"),
    "0.37": EXIT + WRITE + RANDOM + clock("gojs", "f64"),
    "0.38": EXIT + WRITE + RANDOM + FILES + clock("gojs", "i64"),
    "0.39": EXIT + WRITE + RANDOM + FILES + stamp("TinyGo", "0.39.0"),
    "0.41": EXIT
    + WRITE
    + RANDOM
    + FILES
    + clock("gojs", "i64")
    + f'(import "{PREVIEW1}" "fd_read" (func (param i32 i32 i32 i32) (result i32)))'
    + f'(import "{PREVIEW1}" "fd_prestat_get" (func (param i32 i32) (result i32)))'
    + f'(import "{PREVIEW1}" "fd_prestat_dir_name" (func (param i32 i32 i32) (result i32)))'
    + f'(import "{PREVIEW1}" "path_open" (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))',
    "0.42": WRITE + RANDOM + '(import "gojs" "runtime.getRandomData" (func (param i32 i32 i32)))',
}


def host_of(tmp_path: Path, text: str) -> LanguageHost | None:
    """The host that a module of the user's gets."""
    module = tmp_path / "main.wasm"
    module.write_bytes(assemble(text))
    make = catalogue.user_guest(f"shared_buffer={module}").host
    return make() if make is not None else None


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_module_of_each_version_gets_all_that_it_imports_and_starts(
    version: str, tmp_path: Path, in_process: type
) -> None:
    started = '(func (export "_start") (i32.store8 (i32.const 9) (i32.const 1)))'
    text = f'(module {VERSIONS[version]} (memory (export "memory") 1) {started})'
    host = host_of(tmp_path, text)
    assert isinstance(host, TinyGoHost)
    assert in_process(assemble(text), host).read(9, 1) == b"\1"


GO = '(import "gojs" "runtime.{}" (func (param i32)))'


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("imports", "kind"),
    [
        (GO.format("getRandomData") + GO.format("wasmExit"), GojsHost),
        (GO.format("wasmWrite") + '(import "gojs" "syscall/js.valueGet" (func (param i32)))', GojsHost),
        (GO.format("getRandomData"), TinyGoHost),
        (WRITE + stamp("clang", "22.1.4"), WasiHost),
        (WRITE + RANDOM, WasiHost),
        ('(import "env" "abort" (func))', type(None)),
    ],
)
def test_languages_are_told_apart_by_what_only_one_of_them_has(imports: str, kind: type, tmp_path: Path) -> None:
    assert type(host_of(tmp_path, f"(module {imports})")) is kind


def test_it_serves_no_more_than_the_script() -> None:
    host = TinyGoHost(ModuleTypes())
    assert not host.provides(PREVIEW1, "clock_time_get")
    assert not host.provides("wasi_unstable", "proc_exit")
    assert not host.provides("gojs", "runtime.nanotime1")
    assert not host.provides("gojs", "syscall/js.other")
    assert not host.provides("other", "syscall/js.valueGet")


# ------------------------------------------------------------------------------------------- beside the real script

PROBE = f"""
(module
  (import "{PREVIEW1}" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "{PREVIEW1}" "proc_exit" (func $exit (param i32)))
  (import "{PREVIEW1}" "random_get" (func $random (param i32 i32) (result i32)))
  (import "{PREVIEW1}" "fd_close" (func $close (param i32) (result i32)))
  (import "{PREVIEW1}" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
  (import "{PREVIEW1}" "fd_fdstat_get" (func $stat (param i32 i32) (result i32)))
  (import "gojs" "runtime.ticks" (func $ticks (result CLOCK)))
  NEWER
  (memory (export "memory") 2)
  (data (i32.const 0) "\\20\\00\\00\\00\\02\\00\\00\\00\\22\\00\\00\\00\\05\\00\\00\\00\\ff\\ff\\01\\00\\02\\00\\00\\00\\ff\\ff\\ff\\00")
  (data (i32.const 32) "h\\c3\\a9\\0d\\0all")
  (data (i32.const 64) "\\55\\55\\55\\55\\55\\55\\55\\55\\55\\55\\55\\55\\55\\55\\55\\55")
  (func (export "_start"))
  (func (export "fd_write") (param i32 i32 i32 i32) (result i32)
    (call $write (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "proc_exit") (param i32) (call $exit (local.get 0)))
  (func (export "random_get") (param i32 i32) (result i32) (call $random (local.get 0) (local.get 1)))
  (func (export "fd_close") (param i32) (result i32) (call $close (local.get 0)))
  (func (export "fd_seek") (param i32 i32 i32) (result i32)
    (call $seek (local.get 0) (i64.const 7) (local.get 1) (local.get 2)))
  (func (export "fd_fdstat_get") (param i32 i32) (result i32) (call $stat (local.get 0) (local.get 1)))
  (func (export "seconds") (result i32) (SECONDS))
  STAMP)
"""
NEWER = f"""
  (import "{PREVIEW1}" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "{PREVIEW1}" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (import "{PREVIEW1}" "fd_prestat_dir_name" (func $name (param i32 i32 i32) (result i32)))
  (import "{PREVIEW1}" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (func (export "fd_read") (param i32 i32 i32 i32) (result i32)
    (call $read (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (call $prestat (local.get 0) (local.get 1)))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32)
    (call $name (local.get 0) (local.get 1) (local.get 2)))
  (func (export "path_open") (param i32 i32) (result i32)
    (call $open (local.get 0) (i32.const 0) (i32.const 32) (i32.const 2) (i32.const 0) (i64.const 0) (i64.const 0)
      (i32.const 0) (local.get 1)))
"""

Call = tuple[str, list[int]]
CALLS: Sequence[Call] = [
    ("fd_write", [1, 0, 2, 64]),
    ("fd_write", [2, 0, 2, 64]),  # standard error is no descriptor there
    ("fd_write", [1, 200000, 0, 64]),
    ("fd_write", [1, 24, 1, 64]),  # an empty buffer outside memory
    ("fd_write", [7, 131072, 9, 64]),  # nothing is read for another descriptor
    ("fd_write", [1, 0, 2, 131069]),  # the count lies outside memory
    ("fd_write", [1, 16, 1, 64]),  # the buffer does
    ("fd_write", [1, 131068, 1, 64]),  # the vector does
    ("random_get", [131072, 0]),
    ("random_get", [65536, 65537]),  # more than one call of crypto.getRandomValues gives
    ("random_get", [131071, 2]),
    ("fd_close", [3]),
    ("fd_seek", [1, 0, 64]),
    ("fd_fdstat_get", [1, 64]),
    ("proc_exit", [3]),
]
NEWER_CALLS: Sequence[Call] = [
    ("fd_read", [0, 0, 2, 64]),
    ("fd_prestat_get", [3, 64]),
    ("fd_prestat_dir_name", [3, 64, 2]),
    ("path_open", [3, 64]),
]
FLOAT = "(i32.trunc_f64_u (f64.div (call $ticks) (f64.const 1e3)))"
INTEGER = "(i32.wrap_i64 (i64.div_u (call $ticks) (i64.const 1000000000)))"


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("package", "module", "calls"),
    [
        ("sh_syntax_05", PROBE.replace("CLOCK", "f64").replace("SECONDS", FLOAT[1:-1]).replace("NEWER", ""), CALLS),
        (
            "sh_syntax",
            PROBE.replace("CLOCK", "i64").replace("SECONDS", INTEGER[1:-1]).replace("NEWER", NEWER),
            [*NEWER_CALLS, *CALLS],
        ),
    ],
    ids=["0.37", "0.42"],
)
@pytest.mark.parametrize("stamped", [True, False])
def test_it_answers_and_writes_what_the_script_does(
    js: RawClient, in_process: type, package: str, module: str, calls: Sequence[Call], stamped: bool
) -> None:
    found = find_package(package)
    folder, script = found.fetch(), found.glue
    assert script is not None
    made_by = read_types((folder / found.module).read_bytes()).tools["TinyGo"]
    text = module.replace("STAMP", stamp("TinyGo", made_by) if stamped else "")
    real = instance(js, text, glue={"kind": "go", "path": str(folder / script)})
    data = assemble(text)
    ours = in_process(data, TinyGoHost(read_types(data)))

    def really(name: str, args: Sequence[int]) -> list[int] | str:
        typed = [{"type": "i32", "value": str(arg)} for arg in args]
        results = [] if name == "proc_exit" else ["i32"]
        answer = js.answer(js.send("function.call", instance=real, name=name, args=typed, results=results))
        if "error" in answer:
            return "throws"
        return [int(value["value"]) for value in answer["result"]["values"]]

    def here(name: str, args: Sequence[int]) -> list[int] | str:
        try:
            return list(ours.call(name, args))
        except HostFault:
            return "throws"

    memory = js.memory(real)
    for call in calls:
        assert (call, here(*call)) == (call, really(*call))
        assert (call, ours.read(0, 96).hex()) == (call, get(js, memory, 0, 96).hex())
    assert abs(here("seconds", [])[0] - really("seconds", [])[0]) <= 1  # type: ignore[operator]
    assert abs(here("seconds", [])[0] - int(time.time())) <= 1  # type: ignore[operator]
    assert here("random_get", [128, 64]) == really("random_get", [128, 64]) == [0]
    assert ours.read(128, 64) != bytes(64)
    assert ours.read(192, 64) == bytes(64)


# ---------------------------------------------------------------------------------------------- without JavaScript


class Memory(GuestAccess):
    """A guest of which only the memory matters."""

    def __init__(self) -> None:
        self.data, self.logged = bytearray(64), ""

    def read(self, at: int, count: int) -> bytes:
        return bytes(self.data[at : at + count])

    def write(self, at: int, data: bytes) -> None:
        self.data[at : at + len(data)] = data

    def call(self, export: str, args: Sequence[int]) -> list[int]:
        return []

    def log(self, text: str) -> None:
        self.logged += text


def test_what_a_program_does_when_it_starts() -> None:
    host, guest = TinyGoHost(ModuleTypes()), Memory()
    first, second = (host.call("gojs", "syscall/js.valueGet", [GLOBAL, 0, 6], guest)[0] for _ in range(2))
    assert first != second
    assert first >> 32 == second >> 32 == 0x7FF80004
    assert host.call("gojs", "syscall/js.finalizeRef", [first], guest) == []
    host.call("gojs", "runtime.sleepTicks", [1000], guest)
    assert "not woken" in guest.logged


def test_before_0_28_references_are_passed_by_address() -> None:
    host, guest = TinyGoHost(ModuleTypes()), Memory()
    guest.write(8, struct.pack("<Q", GLOBAL))
    assert host.call("env", "syscall/js.valueGet", [16, 8, 0, 6, 0], guest) == []
    assert struct.unpack_from("<Q", guest.data, 16)[0] >> 32 == 0x7FF80004
    guest.write(8, struct.pack("<Q", GLOBAL + 1))
    with pytest.raises(HostFault, match="wants JavaScript"):
        host.call("env", "syscall/js.valueGet", [16, 8, 0, 6, 0], guest)


def test_random_data_by_a_slice() -> None:
    host, guest = TinyGoHost(ModuleTypes()), Memory()
    assert host.call("gojs", "runtime.getRandomData", [8, 16, 16], guest) == []
    assert any(guest.data[8:24])
    assert not any(guest.data[24:])
    with pytest.raises(HostFault, match="getRandomData of 65537 bytes; 65536 are the most"):
        host.call("gojs", "runtime.getRandomData", [8, 65537, 65537], guest)


def test_what_is_printed_is_logged_without_carriage_returns() -> None:
    host, guest = TinyGoHost(ModuleTypes()), Memory()
    guest.write(0, struct.pack("<II", 16, 5) + bytes(8) + b"a\r\nb\n")
    assert host.call(PREVIEW1, "fd_write", [1, 0, 1, 32], guest) == [0]
    assert host.call(PREVIEW1, "fd_write", [2, 0, 1, 32], guest) == [0]
    assert guest.logged == "a\nb\ninvalid file descriptor: 2\n"


@pytest.mark.parametrize(("name", "args"), [("valueCall", [0] * 7), ("valueGet", [GLOBAL + 1, 0, 4])])
def test_there_is_no_javascript(name: str, args: list[int]) -> None:
    host = TinyGoHost(ModuleTypes())
    assert host.provides("gojs", f"syscall/js.{name}")
    with pytest.raises(HostFault, match=f"syscall/js.{name}: the guest wants JavaScript, and on this runtime there is"):
        host.call("gojs", f"syscall/js.{name}", args, Memory())
