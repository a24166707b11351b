"""A module of the user's and its glue, in place of linmem's guests, on the runtimes that a run names by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linmem.guests.packages import find_package
from linmem.guests.program import programs
from linmem.guests.toolchains import Go
from linmem.wasm.wat import assemble

# What TinyGo 0.38 and later import. Nothing works before `_start` has run, and that needs all of it.
TINYGO = r"""
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "gojs" "runtime.ticks" (func $ticks (result i64)))
  (memory (export "memory") 2)
  (data (i32.const 64) "\48\00\00\00\06\00\00\00")
  (data (i32.const 72) "hello\n")
  (global $started (mut i32) (i32.const 0))
  (func (export "_start")
    (drop (memory.grow (i32.const 2)))
    (drop (call $ticks))
    (drop (call $random (i32.const 96) (i32.const 8)))
    (drop (call $fd_write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 80)))
    (global.set $started (i32.const 1)))
  (func (export "getWasmMemoryBufferPointer") (result i32)
    (if (i32.eqz (global.get $started)) (then (unreachable)))
    (i32.const 65536))
  (func (export "storeValueInWasmMemoryBufferIndexZero") (param i32) (i32.store8 (i32.const 65536) (local.get 0)))
  (func (export "readWasmMemoryBufferAndReturnIndexOne") (result i32) (i32.load8_u (i32.const 65537)))
  (func (export "growByAllocating") (param i32) (result i32)
    (if (i32.eq (memory.grow (i32.div_u (i32.add (local.get 0) (i32.const 65535)) (i32.const 65536))) (i32.const -1))
      (then (unreachable)))
    (local.get 0)))
"""


def go(folder: Path) -> tuple[Path, Path]:
    """Go's module of `shared_buffer`, and Go's script."""
    module = folder / "main.wasm"
    module.write_bytes(programs()["shared_buffer"].module("go").read_bytes())
    return module, Go().glue()


def tinygo(folder: Path) -> tuple[Path, Path]:
    """A module like TinyGo's, and TinyGo's script as a published package ships it."""
    module, package = folder / "main.wasm", find_package("sh_syntax")
    module.write_bytes(assemble(TINYGO))
    assert package.glue is not None
    return module, package.fetch() / package.glue


@pytest.mark.parametrize("language", [go, tinygo])
def test_a_module_of_the_users_starts_by_its_glue_or_by_its_languages_host(
    language: Callable[[Path], tuple[Path, Path]], run: Callable[..., Any], tmp_path: Path
) -> None:
    module, glue = language(tmp_path)
    played = run("suites/memory/shared_buffer.yaml", f"--guest=shared_buffer={module}", f"--glue={glue}")
    assert played.status == 0, played.text
    results = played.lines("result")
    assert {result["guest"] for result in results} == {"main"}
    outcomes = {(result["runtime"], result["outcome"]) for result in results}
    assert outcomes == {(runtime, "pass") for runtime in ("wasmtime", "wasmer", "node")}


JAVASCRIPT = """
(module
  (import "gojs" "runtime.wasmExit" (func (param i32)))
  (import "gojs" "syscall/js.valueGet" (func $get (param i32)))
  (import "gojs" "syscall/js.valueCall" (func (param i32)))
  (memory (export "mem") 1)
  (func (export "run") (param i32 i32))
  (func (export "resume"))
  (func (export "getsp") (result i32) (i32.const 1024)))
"""


def test_a_go_module_that_calls_javascript_is_for_hosts_in_javascript(run: Callable[..., Any], tmp_path: Path) -> None:
    """Every Go program that prints does: it is not the scenario's fault, and no runtime's failure."""
    (tmp_path / "main.wasm").write_bytes(assemble(JAVASCRIPT))
    (tmp_path / "wasm_exec.js").write_bytes(Go().glue().read_bytes())
    scenario = (
        "title: x\nmodule: main.wasm\nglue: wasm_exec.js\nscenarios:\n  - {name: a, steps: [{size: mem, expect: 1}]}\n"
    )
    (tmp_path / "own.yaml").write_text(scenario, "utf-8")
    played = run(f"--suites={tmp_path}")
    assert played.status == 0, played.text
    results = {result["runtime"]: result for result in played.lines("result")}
    assert results["node"]["outcome"] == "pass"
    for name in ("wasmtime", "wasmer"):
        assert results[name]["outcome"] == "unsupported"
        assert results[name]["message"] == "the guest calls JavaScript (gojs.syscall/js.valueGet and 1 function more)"
        assert results[name]["lack"] == {"kind": "host", "what": "JavaScript"}
