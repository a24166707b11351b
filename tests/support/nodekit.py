"""What the tests of the JavaScript driver share: the driver on the Node.js that the harness provides, and helpers.

LINMEM_TEST_NODE names another program to run it with: another Node.js, ``bun run``, ``deno run -A``.
"""

from __future__ import annotations

import base64
import os
import shlex
from typing import Any

from rawclient import RUNTIMES, RawClient, runtime_command, wasm

PAGE = 65536
INITIALIZE = {"protocol": 1, "variant": None, "cache": None}

# View kinds: the bytes that one index counts, and the memory types.
KINDS = {
    "Uint8Array": (1, ["u8", "bytes"]),
    "Int8Array": (1, ["s8"]),
    "Uint8ClampedArray": (1, ["u8", "bytes"]),
    "Uint16Array": (2, ["u16"]),
    "Int16Array": (2, ["s16"]),
    "Uint32Array": (4, ["u32"]),
    "Int32Array": (4, ["s32"]),
    "BigUint64Array": (8, ["u64"]),
    "BigInt64Array": (8, ["s64"]),
    "Float32Array": (4, ["f32"]),
    "Float64Array": (8, ["f64"]),
    "DataView": (1, ["u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64"]),
}

MEMORY = """
(module
  (memory (export "memory") 1 4)
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "add") (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1)))
  (func (export "both") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
  (func (export "bits32") (param f32) (result i32) (i32.reinterpret_f32 (local.get 0)))
  (func (export "bits64") (param f64) (result i64) (i64.reinterpret_f64 (local.get 0)))
  (func (export "halves") (result f32 f64) (f32.const 0.5) (f64.const -0.5)))
"""

HOST = """
(module
  (import "env" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 1 4)
  (func (export "call") (param i32) (result i32) (call $f (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1))))
"""
F = {"module": "env", "name": "f", "func": "F", "type": {"params": ["i32"], "results": ["i32"]}}


def command() -> tuple[list[str], dict[str, str]]:
    program = os.environ.get("LINMEM_TEST_NODE")
    return ([*shlex.split(program), str(RUNTIMES / "node" / "driver.mjs")], {}) if program else runtime_command("node")


def instance(js: RawClient, text: str, imports: list[Any] | None = None, glue: Any = None) -> int:
    module = js.make("module.compile", bytes=wasm(text))
    made: int = js.make("instance.create", module=module, imports=imports or [], glue=glue)
    return made


def memory(js: RawClient, text: str = MEMORY) -> int:
    return js.make("memory.export", instance=instance(js, text), name="memory")


def typed(kind: str, value: object) -> dict[str, str]:
    return {"type": kind, "value": str(value)}


def integer_of(kind: str, value: str) -> int:
    """An integer as the driver says it, as its unsigned bits."""
    width = int(kind[1:])
    return int(value) & ((1 << width) - 1)


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def put(js: RawClient, target: int, at: int, data: bytes) -> None:
    js.call("memory.write", memory=target, at=at, type="bytes", value={"bytes": base64_of(data)}, view=None)


def get(js: RawClient, target: int, at: int, count: int) -> bytes:
    return base64.b64decode(js.call("memory.read", memory=target, at=at, type="bytes", count=count, view=None)["bytes"])
