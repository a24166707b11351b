"""WASI as the drivers of the delivered runtimes give it to guests, on the real runtimes.

What its functions do to memory is the suites' affair. Here it is that a guest finds what the harness wanted it to find,
and that neither the guest nor its end disturbs the driver.
"""

from __future__ import annotations

import base64
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rawclient import RawClient, host_function, i32, runtime_command, wasm

RUNTIMES = ("wasmtime", "wasmer", "node")
WRAPPED = {
    "args_sizes_get": "i32 i32",
    "environ_sizes_get": "i32 i32",
    "fd_close": "i32",
    "fd_read": "i32 i32 i32 i32",
    "fd_write": "i32 i32 i32 i32",
}
IMPORTS = "".join(
    f'(import "wasi_snapshot_preview1" "{name}" (func ${name} (param {params}) (result i32)))'
    for name, params in WRAPPED.items()
)
WRAPPERS = "".join(
    f'(func (export "{name}") (param {params}) (result i32)'
    f" (call ${name} {' '.join(f'(local.get {place})' for place in range(len(params.split())))}))"
    for name, params in WRAPPED.items()
)
GUEST = f'(module {IMPORTS} (memory (export "memory") 1) {WRAPPERS})'
EXITS = """(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "%s") (i32.store8 (i32.const 0) (i32.const 7)) (call $exit (i32.const %d)))
  (func (export "seven") (result i32) (i32.load8_u (i32.const 0))))"""
MIXED = """(module (import "env" "f" (func $f (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "call") (param i32) (result i32) (call $f (local.get 0))))"""
NONE: dict[str, Any] = {"args": ["guest"], "env": {}, "preopens": {}}


@pytest.fixture(params=RUNTIMES)
def driver(request: pytest.FixtureRequest) -> Iterator[RawClient]:
    """A driver that was introduced to us."""
    command, env = runtime_command(request.param)
    with RawClient(command, env) as client:
        wasi = client.call("initialize", protocol=1, variant=None, cache=None)["wasi"]
        assert wasi == (["preview1", "unstable"] if request.param == "wasmer" else ["preview1"])  # node is 18.4
        yield client


def made(driver: RawClient, text: str = GUEST, wasi: dict[str, Any] | None = None) -> int:
    module = driver.make("module.compile", bytes=wasm(text))
    return driver.make("instance.create", module=module, imports=[], glue=None, wasi=wasi or NONE)


def number(driver: RawClient, instance: int, name: str, *args: int) -> int:
    return int(driver.function(instance, name, *args, results=["i32"])[0])


def words(driver: RawClient, memory: int, at: int, count: int) -> list[int]:
    """So many unsigned 32-bit integers of a memory."""
    data = base64.b64decode(driver.read(memory, at, "bytes", count=4 * count)["bytes"])
    return list(struct.unpack(f"<{count}I", data))


def test_arguments_and_environment(driver: RawClient) -> None:
    instance = made(driver, wasi={"args": ["program", "ä"], "env": {"A": "b", "LONG": "x=y"}, "preopens": {}})
    memory = driver.memory(instance)
    assert number(driver, instance, "args_sizes_get", 0, 4) == 0
    assert number(driver, instance, "environ_sizes_get", 8, 12) == 0
    wanted = [2, len("program\0ä\0".encode()), 2, len("A=b\0LONG=x=y\0")]
    assert words(driver, memory, 0, 4) == wanted


def test_the_version_before_preview_1() -> None:
    command, env = runtime_command("wasmer")
    with RawClient(command, env) as client:
        client.call("initialize", protocol=1, variant=None, cache=None)
        text = GUEST.replace("wasi_snapshot_preview1", "wasi_unstable")
        guest = made(client, text, {**NONE, "version": "unstable", "args": ["program", "one"]})
        assert number(client, guest, "args_sizes_get", 16, 20) == 0
        assert words(client, client.memory(guest), 16, 2) == [2, 12]


@pytest.mark.parametrize("name", ["wasmtime", "node"])
def test_a_runtime_without_it_says_so(name: str) -> None:
    command, env = runtime_command(name)
    with RawClient(command, env) as client:
        client.call("initialize", protocol=1, variant=None, cache=None)
        module = client.make("module.compile", bytes=wasm(GUEST.replace("wasi_snapshot_preview1", "wasi_unstable")))
        told = {**NONE, "version": "unstable"}
        refusal = client.refused("instance.create", module=module, imports=[], glue=None, wasi=told)
        assert refusal["kind"] == "unsupported"
        assert refusal["message"].endswith("brings no WASI unstable")


def test_nothing_of_the_machine_is_open(driver: RawClient) -> None:
    instance = made(driver)
    driver.write(driver.memory(instance), 8, 4, "u32")
    assert number(driver, instance, "environ_sizes_get", 8, 12) == 0
    outcomes = {number(driver, instance, "fd_read", descriptor, 16, 0, 24) for descriptor in range(4, 10)}
    assert 0 not in outcomes


def test_a_guest_that_prints_does_not_disturb_the_protocol(driver: RawClient) -> None:
    instance = made(driver)
    memory = driver.memory(instance)
    for at, value in ((0, 64), (4, 3)):
        driver.write(memory, at, value, "u32")
    for descriptor in (1, 2):
        driver.write(memory, 64, 0x0A6968, "u32")  # "hi" and the line's end
        assert number(driver, instance, "fd_write", descriptor, 0, 1, 8) == 0
    assert driver.stderr().count("hi\n") == 2


def test_a_guest_that_closes_its_standard_error_closes_no_other_s(driver: RawClient) -> None:
    first = made(driver)
    for descriptor in range(3):
        number(driver, first, "fd_close", descriptor)
    driver.call("object.release", all=True)
    second = made(driver)
    memory = driver.memory(second)
    for at, value in ((0, 64), (4, 4), (64, 0x0A6F6874)):  # "tho" and the line's end
        driver.write(memory, at, value, "u32")
    assert number(driver, second, "fd_write", 2, 0, 1, 8) == 0
    assert "tho\n" in driver.stderr()


@pytest.mark.parametrize("status", [0, 5])
def test_a_guest_that_ends_its_program_ends_its_call(driver: RawClient, status: int) -> None:
    instance = made(driver, EXITS % ("run", status))
    refusal = driver.refused("function.call", instance=instance, name="run", args=[], results=[])
    assert (refusal["kind"], refusal["message"]) == ("exit", str(status))
    assert refusal["type"]
    assert driver.function(instance, "seven", results=["i32"]) == ["7"]


def test_a_command_is_run_by_its_call(driver: RawClient) -> None:
    instance = made(driver, EXITS % ("_start", 5))
    assert driver.function(instance, "seven", results=["i32"]) == ["0"]
    refusal = driver.refused("function.call", instance=instance, name="_start", args=[], results=[])
    assert (refusal["kind"], refusal["message"]) == ("exit", "5")
    assert driver.function(instance, "seven", results=["i32"]) == ["7"]


def test_a_reactor_is_initialised(driver: RawClient) -> None:
    text = EXITS.replace("(call $exit (i32.const %d))", "") % "_initialize"
    assert driver.function(made(driver, text), "seven", results=["i32"]) == ["7"]


def test_a_reactor_that_ends_while_it_is_initialised_is_no_instance(driver: RawClient) -> None:
    module = driver.make("module.compile", bytes=wasm(EXITS % ("_initialize", 5)))
    refusal = driver.refused("instance.create", module=module, imports=[], glue=None, wasi=NONE)
    assert (refusal["kind"], refusal["message"]) == ("exit", "5")


def test_other_imports_are_given_as_well(driver: RawClient) -> None:
    driver.on_import = lambda params: [i32(int(params["args"][0]["value"]) + 1)]
    module = driver.make("module.compile", bytes=wasm(MIXED))
    instance = driver.make("instance.create", module=module, imports=[host_function()], glue=None, wasi=NONE)
    assert number(driver, instance, "call", 23) == 24


def test_what_wasi_lacks_is_a_link_error(driver: RawClient) -> None:
    module = driver.make("module.compile", bytes=wasm('(module (import "wasi_snapshot_preview1" "no" (func)))'))
    assert driver.refused("instance.create", module=module, imports=[], glue=None, wasi=NONE)["kind"] == "link"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts what a process has open as Linux shows it")
def test_nothing_is_left_open(driver: RawClient, tmp_path: Path) -> None:
    def open_now() -> int:
        return len(os.listdir(f"/proc/{driver.process.pid}/fd"))

    counts = []
    for _ in range(30):
        made(driver, wasi={**NONE, "preopens": {"/files": str(tmp_path)}})
        driver.call("object.release", all=True)
        counts.append(open_now())
    assert counts[-1] == counts[5]


def test_a_wasmtime_store_has_one_wasi() -> None:
    command, env = runtime_command("wasmtime")
    with RawClient(command, env) as driver:
        driver.call("initialize", protocol=1, variant=None, cache=None)
        made(driver)
        made(driver)
        module = driver.make("module.compile", bytes=wasm(GUEST))
        other = {**NONE, "args": ["other"]}
        refusal = driver.refused("instance.create", module=module, imports=[], glue=None, wasi=other)
        assert (refusal["kind"], "a Store has one WASI" in refusal["message"]) == ("unsupported", True)
        driver.call("object.release", all=True)
        made(driver, wasi=other)


def test_a_pointer_out_of_bounds_is_a_trap_in_wasmtime() -> None:
    command, env = runtime_command("wasmtime")
    with RawClient(command, env) as driver:
        driver.call("initialize", protocol=1, variant=None, cache=None)
        params = {"instance": made(driver), "name": "args_sizes_get", "args": [i32(0), i32(65536)], "results": ["i32"]}
        refusal = driver.refused("function.call", **params)
        assert (refusal["kind"], refusal["type"]) == ("trap", "WasmtimeError")
        assert "Pointer out of bounds" in refusal["message"]
        assert "\n" not in refusal["message"]


def test_wasmer_always_names_a_program() -> None:
    command, env = runtime_command("wasmer")
    with RawClient(command, env) as driver:
        driver.call("initialize", protocol=1, variant=None, cache=None)
        module = driver.make("module.compile", bytes=wasm(GUEST))
        refusal = driver.refused("instance.create", module=module, imports=[], glue=None, wasi={**NONE, "args": []})
        assert (refusal["kind"], "a program's name" in refusal["message"]) == ("unsupported", True)


def test_an_old_node_needs_its_flag() -> None:
    command, env = runtime_command("node")
    plain = [part for part in command if not part.startswith("--experimental-wasi")]
    with RawClient(plain, env) as driver:
        assert driver.call("initialize", protocol=1, variant=None, cache=None)["wasi"] == []
        module = driver.make("module.compile", bytes=wasm(GUEST))
        refusal = driver.refused("instance.create", module=module, imports=[], glue=None, wasi=NONE)
        assert (refusal["kind"], refusal["message"]) == ("unsupported", "this node brings no WASI")


def test_a_python_driver_without_wasi() -> None:
    from test_python_kit import TOY

    with RawClient([sys.executable, "-c", TOY]) as driver:
        assert driver.call("initialize", protocol=1, variant=None, cache=None)["wasi"] == []
        module = driver.make("module.compile", bytes="")
        refusal = driver.refused("instance.create", module=module, imports=[], glue=None, wasi=NONE)
        assert refusal["kind"] == "unsupported"
