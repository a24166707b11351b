"""The wasmer driver, on the real runtime. What is asserted of Wasmer itself holds for wasmer-python 1.1.0."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rawclient import RawClient, host_function, i32, runtime_command, wasm

PLAIN = """(module (memory (export "memory") 1 4)
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"""

REENTRANT = """(module (import "env" "f" (func $f (param i32) (result i32))) (memory (export "memory") 1 4)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "call") (param i32) (result i32) (i32.add (i32.const 100) (call $f (local.get 0)))))"""

TRAPS = """(module (memory 1) (table 2 funcref) (elem (i32.const 1) $nothing)
  (type $number (func (result i32))) (type $void (func)) (func $nothing)
  (func (export "out of bounds memory access") (result i32) (i32.load (i32.const 65533)))
  (func (export "unreachable") unreachable)
  (func (export "integer divide by zero") (result i32) (i32.div_s (i32.const 1) (i32.const 0)))
  (func (export "integer overflow") (result i32) (i32.div_s (i32.const 0x80000000) (i32.const -1)))
  (func (export "invalid conversion to integer") (result i32) (i32.trunc_f32_s (f32.const nan)))
  (func (export "indirect call type mismatch") (result i32) (call_indirect (type $number) (i32.const 1)))
  (func (export "undefined element: out of bounds table access") (call_indirect (type $void) (i32.const 9)))
  (func (export "uninitialized element") (call_indirect (type $void) (i32.const 0)))
  (func $deeper (export "call stack exhausted") (call $deeper)))"""

ARRAYS = {
    "u8": "uint8_view", "s8": "int8_view", "u16": "uint16_view", "s16": "int16_view", "u32": "uint32_view",
    "s32": "int32_view", "u64": "uint64_view", "s64": "int64_view", "f32": "float32_view", "f64": "float64_view",
}  # fmt: skip

VALUES = [
    ("u8", 200, b"\xc8"),
    ("s8", -56, b"\xc8"),
    ("u16", 0xFFEE, b"\xee\xff"),
    ("s16", -18, b"\xee\xff"),
    ("u32", 0xFFFFFFFE, b"\xfe\xff\xff\xff"),
    ("s32", -2, b"\xfe\xff\xff\xff"),
    ("u64", 2**64 - 2, b"\xfe" + 7 * b"\xff"),
    ("s64", -2, b"\xfe" + 7 * b"\xff"),
    ("f32", 0x3FC00000, b"\0\0\xc0\x3f"),
    ("f64", 0x7FF4000000000001, b"\1\0\0\0\0\0\xf4\x7f"),
]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawClient]:
    command, env = runtime_command("wasmer")
    with RawClient(command, env) as client:
        cache = str(tmp_path_factory.mktemp("cache"))
        client.call("initialize", protocol=1, variant=None, cache=cache)
        yield client
        assert client.end() == 0, client.stderr()


@pytest.fixture
def driver(process: RawClient) -> Iterator[RawClient]:
    process.on_import = None
    yield process
    process.call("object.release", all=True)


def test_it_says_what_it_is() -> None:
    command, env = runtime_command("wasmer")
    for variant in (None, "cranelift"):
        with RawClient(command, env) as client:
            answer = client.call("initialize", protocol=1, variant=variant, cache=None)
            assert answer["runtime"]["version"] == "1.1.0"
            assert answer["runtime"]["engine"] == "Wasmer 1.1.0, Cranelift"
            kinds = {view["kind"]: view["unit"] for view in answer["views"]}
            assert list(kinds) == [*ARRAYS.values(), "buffer"]
            assert list(kinds.values()) == [1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 1]
            assert answer["default_views"]["u8"] == answer["default_views"]["u32"] == "uint8_view"
            assert answer["default_views"]["s8"] == "int8_view"
            assert client.end() == 0


def test_a_compiler_that_is_not_there() -> None:
    command, env = runtime_command("wasmer")
    with RawClient(command, env) as client:
        data = client.refused("initialize", protocol=1, variant="nonesuch", cache=None)
        assert data["kind"] == "unsupported"
        assert "wasmer_compiler_nonesuch" in data["message"]


@pytest.mark.parametrize("view", [None, "uint8_view", "buffer"])
def test_host_and_guest_share_every_byte_value(driver: RawClient, view: str | None) -> None:
    instance = driver.instance(PLAIN)
    memory = driver.memory(instance)
    for value in range(256):
        driver.function(instance, "store", value, value)
        assert driver.write(memory, 1000 + value, value, view=view)["result"] == {}
        assert driver.function(instance, "load", 1000 + value, results=["i32"]) == [str(value)]
    given = driver.read(memory, 0, "bytes", view, count=256)
    assert base64.b64decode(given["bytes"]) == bytes(range(256))


@pytest.mark.parametrize(("memory_type", "value", "data"), VALUES)
def test_typed_arrays_and_the_buffer(driver: RawClient, memory_type: str, value: int, data: bytes) -> None:
    memory = driver.memory(driver.instance(PLAIN))
    for at, view in ((16, ARRAYS[memory_type]), (33, "buffer")):
        assert driver.write(memory, at, value, memory_type, view)["result"] == {}
        raw = driver.read(memory, at - 1, "bytes", count=len(data) + 2)["bytes"]
        assert base64.b64decode(raw) == b"\0" + data + b"\0"
        assert driver.read(memory, at, memory_type, view) == {"value": {"type": memory_type, "value": str(value)}}


@pytest.mark.parametrize(("memory_type", "value", "data"), VALUES)
def test_default_views(driver: RawClient, memory_type: str, value: int, data: bytes) -> None:
    """Bytes by index, what is wider as a slice of `uint8_view`."""
    memory = driver.memory(driver.instance(PLAIN))
    assert driver.write(memory, 13, value, memory_type)["result"] == {}
    given = driver.read(memory, 13, memory_type)
    if len(data) == 1:
        assert given == {"value": {"type": memory_type, "value": str(value)}}
    else:
        assert base64.b64decode(given["bytes"]) == data


def test_past_the_end(driver: RawClient) -> None:
    """An index raises, a slice is cut short, a write by slice raises; a memoryview takes negative indices."""
    memory = driver.memory(driver.instance(PLAIN))
    end = 65536

    def read_error(at: int, memory_type: str, view: str, **more: Any) -> str:
        params = {"memory": memory, "at": str(at), "type": memory_type, "view": view, **more}
        return str(driver.refused("memory.read", **params)["type"])

    for at, error in ((end, "IndexError"), (-1, "IndexError"), (2**63, "ValueError"), (2**80, "ValueError")):
        assert read_error(at, "u8", "uint8_view") == error
    assert read_error(end, "u32", "uint32_view") == "IndexError"
    assert read_error(end - 2, "u32", "uint32_view") == "ValueError"  # uint32_view()[16383.5]
    assert driver.read(memory, end - 1, "u32") == {"bytes": "AA=="}
    assert driver.read(memory, end, "u32") == {"bytes": ""}
    assert driver.write(memory, end - 1, 7, "u16")["error"]["data"]["type"] == "IndexError"
    assert driver.read(memory, end - 1)["value"]["value"] == "0"
    for value in (256, -1):
        assert driver.write(memory, 0, value)["error"]["data"]["type"] == "OverflowError"

    driver.write(memory, end - 1, 9)
    assert driver.read(memory, -1, "u8", "buffer")["value"]["value"] == "9"
    assert read_error(end, "u8", "buffer") == "IndexError"
    assert read_error(end - 1, "u16", "buffer") == "struct.error"
    assert driver.read(memory, end - 1, "bytes", "buffer", count=4) == {"bytes": "CQ=="}
    assert driver.write(memory, end - 1, "AAAA", "bytes", "buffer")["error"]["data"]["type"] == "ValueError"
    assert driver.write(memory, 0, 256, "u8", "buffer")["error"]["data"]["type"] == "ValueError"
    assert driver.call("memory.size", memory=memory) == {"pages": 1}


def test_growth(driver: RawClient) -> None:
    instance = driver.instance(PLAIN)
    memory = driver.memory(instance)
    assert driver.function(instance, "grow", 1, results=["i32"]) == ["1"]
    assert driver.call("memory.grow", memory=memory, delta=1) == {"pages": 2}
    refusals = {2: "RuntimeError", 2**32 - 1: "RuntimeError", -1: "OverflowError", 2**60: "OverflowError"}
    for delta, error in refusals.items():
        data = driver.refused("memory.grow", memory=memory, delta=str(delta))
        assert (data["kind"], data["type"]) == ("host", error)
    assert driver.call("memory.size", memory=memory) == {"pages": 3}
    assert driver.function(instance, "grow", 2, results=["i32"]) == ["-1"]


def test_kept_views(driver: RawClient) -> None:
    """A typed array grows with the memory; a memoryview keeps the length it had."""
    instance = driver.instance(PLAIN)
    memory = driver.memory(instance)
    opened = {}
    for kind, offset, length in (
        ("uint8_view", None, None), ("uint32_view", 64, None), ("buffer", None, None), ("buffer", 100, 10),
    ):  # fmt: skip
        params = {"memory": memory, "kind": kind, "offset": offset, "length": length}
        opened[kind, offset] = driver.make("view.open", **params)
    driver.function(instance, "grow", 1, results=["i32"])
    driver.function(instance, "store", 104, 24)
    driver.function(instance, "store", 65536, 25)
    lengths = [driver.call("view.length", view=view)["length"] for view in opened.values()]
    assert lengths == [131072, 32768 - 16, 65536, 10]

    def read(kind: str, offset: int | None, at: int, memory_type: str = "u8") -> str:
        reading = driver.call("view.read", view=opened[kind, offset], at=at, type=memory_type)
        return str(reading["value"]["value"])

    assert read("uint8_view", None, 65536) == "25"
    assert read("uint32_view", 64, 40, "u32") == "24"
    assert read("buffer", 100, 4) == "24"
    old = driver.refused("view.read", view=opened["buffer", None], at=65536, type="u8")
    assert old["type"] == "IndexError"
    value = {"type": "u32", "value": "7"}
    driver.call("view.write", view=opened["uint32_view", 64], at=4, type="u32", value=value)
    assert driver.function(instance, "load", 68, results=["i32"]) == ["7"]


def test_view_offsets(driver: RawClient) -> None:
    memory = driver.memory(driver.instance(PLAIN))

    def refused(kind: str, offset: int | None, length: int | None = None) -> tuple[str, str]:
        data = driver.refused("view.open", memory=memory, kind=kind, offset=offset, length=length)
        return data["kind"], data["type"]

    assert refused("uint8_view", 0, 4)[0] == "unsupported"
    assert refused("uint16_view", 3) == ("host", "TypeError")  # uint16_view(1.5)
    assert refused("uint8_view", -1) == ("host", "OverflowError")
    beyond = driver.make("view.open", memory=memory, kind="uint8_view", offset=65537, length=None)
    data = driver.refused("view.length", view=beyond)
    assert (data["kind"], data["type"]) == ("host", "PanicException")
    assert driver.refused("view.read", view=beyond, at=0, type="u8")["type"] == "IndexError"
    assert "panicked" in driver.stderr()
    assert driver.call("memory.size", memory=memory) == {"pages": 1}


@pytest.mark.parametrize("message", [line.split('"')[1] for line in TRAPS.splitlines() if "(export" in line])
def test_traps(driver: RawClient, message: str) -> None:
    instance = driver.instance(TRAPS)
    data = driver.refused("function.call", instance=instance, name=message, args=[], results=[])
    assert (data["kind"], data["type"], data["message"]) == ("trap", "RuntimeError", message)
    assert message in data["text"]


def test_values_cross_with_their_bits(driver: RawClient) -> None:
    types = ("i32", "i64", "f32", "f64")
    text = "".join(f'(func (export "{name}") (param {name}) (result {name}) (local.get 0))' for name in types)
    both = '(func (export "both") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))'
    instance = driver.instance(f"(module {text} {both})")

    def echo(value_type: str, value: int) -> int:
        args = [{"type": value_type, "value": str(value)}]
        given = driver.call("function.call", instance=instance, name=value_type, args=args, results=[value_type])
        return int(given["values"][0]["value"])

    assert echo("i32", 2**32 - 1) == -1
    assert echo("i64", 2**64 - 2) == -2
    assert echo("i64", 2**63 - 1) == 2**63 - 1
    assert echo("f32", 0x7FC00007) == 0x7FC00007
    assert echo("f32", 0x7FA00000) == 0x7FE00000  # Python floats are doubles: a signalling NaN gets quiet
    assert echo("f64", 0x7FF4000000000001) == 0x7FF4000000000001
    assert echo("f64", 1 << 63) == 1 << 63
    args = [i32(1), {"type": "i64", "value": "2"}]
    given = driver.call("function.call", instance=instance, name="both", args=args, results=["i64", "i32"])
    assert given["values"] == [{"type": "i64", "value": "2"}, {"type": "i32", "value": "1"}]
    data = driver.refused("function.call", instance=instance, name="i32", args=[], results=["i32"])
    assert (data["kind"], data["type"]) == ("host", "RuntimeError")


@pytest.mark.parametrize("data", [b"", b"\0asm", b"\0asm\1\0\0\0\1", b"not a module"])
def test_compile_errors(driver: RawClient, data: bytes) -> None:
    refused = driver.refused("module.compile", bytes=base64.b64encode(data).decode())
    assert (refused["kind"], refused["type"]) == ("compile", "RuntimeError")
    assert refused["message"]


def test_proposals_that_are_not_there(driver: RawClient) -> None:
    for text in ("(module (memory i64 1))", "(module (memory 1) (memory 1))", "(module (memory 1 1 shared))"):
        assert driver.refused("module.compile", bytes=wasm(text))["kind"] == "compile"
    driver.make("module.compile", bytes=wasm("(module (func (result v128) (v128.const i32x4 0 0 0 0)))"))


def test_missing_exports(driver: RawClient) -> None:
    instance = driver.instance(PLAIN)
    for name, error in (("nope", "LookupError"), ("memory", "TypeError"), ("__len__", "TypeError")):
        data = driver.refused("function.call", instance=instance, name=name, args=[], results=["i32"])
        assert (data["kind"], data["type"]) == ("host", error)
    for name, error in (("nope", "LookupError"), ("load", "TypeError")):
        data = driver.refused("memory.export", instance=instance, name=name)
        assert (data["kind"], data["type"]) == ("host", error)


def test_instantiation_fails_by_link_trap_or_host(driver: RawClient) -> None:
    def refused(text: str, *imports: Any) -> Any:
        module = driver.make("module.compile", bytes=wasm(text))
        return driver.refused("instance.create", module=module, imports=list(imports), glue=None)

    function = '(module (import "env" "f" (func (param i32) (result i32))))'
    missing = refused(function)
    assert missing["kind"] == "link"
    assert '"env"."f"' in missing["message"]
    assert refused(function, host_function(params=()))["kind"] == "link"
    memory = driver.make("memory.create", min=1, max=3, shared=False, index="i32")
    given = {"module": "env", "name": "m", "object": memory}
    assert refused('(module (import "env" "m" (memory 2 3)))', given)["kind"] == "link"
    assert refused('(module (import "env" "m" (memory 1 2)))', given)["kind"] == "link"
    start = refused("(module (func $start unreachable) (start $start))")
    assert (start["kind"], start["message"]) == ("trap", "unreachable")
    segment = refused('(module (memory 1) (data (i32.const 65536) "a"))')
    assert (segment["kind"], segment["message"]) == ("trap", "out of bounds memory access")
    driver.on_import = lambda params: {"code": -32000, "message": "no", "data": {"kind": "host"}}
    thrown = refused('(module (import "env" "f" (func $f)) (start $f))', host_function(params=(), results=()))
    assert (thrown["kind"], thrown["type"]) == ("host", "HostThrow")


def test_imports_of_every_kind(driver: RawClient) -> None:
    memory = driver.make("memory.create", min=1, max=2, shared=False, index="i32")
    peer = driver.instance(PLAIN)
    text = """(module (import "env" "m" (memory 1)) (import "env" "base" (global $g i64))
      (import "env" "load" (func $load (param i32) (result i32))) (import "env" "count" (global $c (mut f64)))
      (func (export "base") (result i64) (global.get $g)) (func (export "count") (result f64) (global.get $c))
      (func (export "own") (param i32) (result i32) (i32.load8_u (local.get 0)))
      (func (export "peer") (param i32) (result i32) (call $load (local.get 0))))"""
    instance = driver.instance(
        text,
        {"module": "env", "name": "m", "object": memory},
        {"module": "env", "name": "base", "global": {"type": "i64", "mutable": False, "value": str(2**64 - 5)}},
        {"module": "env", "name": "count", "global": {"type": "f64", "mutable": True, "value": str(3 << 62)}},
        {"module": "env", "name": "load", "instance": peer, "export": "load"},
    )
    for _ in range(20):  # would take the place of globals that were freed too early
        driver.make("memory.create", min=1, max=2, shared=False, index="i32")
    driver.write(memory, 9, 5)
    driver.function(peer, "store", 9, 6)
    assert driver.function(instance, "own", 9, results=["i32"]) == ["5"]
    assert driver.function(instance, "peer", 9, results=["i32"]) == ["6"]
    assert driver.function(instance, "base", results=["i64"]) == ["-5"]
    assert driver.function(instance, "count", results=["f64"]) == [str(3 << 62)]


def test_the_host_works_in_the_middle_of_calls_three_deep(driver: RawClient) -> None:
    instance = driver.instance(REENTRANT, host_function())
    memory = driver.memory(instance)
    view = driver.make("view.open", memory=memory, kind="buffer", offset=None, length=None)

    def serve(params: dict[str, Any]) -> Any:
        depth = int(params["args"][0]["value"])
        assert driver.function(instance, "grow", 1, results=["i32"]) == [str(depth)]
        driver.write(memory, 65536 * depth, depth)
        if depth == 3:
            return [i32(1)]
        return [i32(int(driver.function(instance, "call", depth + 1, results=["i32"])[0]))]

    driver.on_import = serve
    assert driver.function(instance, "call", 1, results=["i32"]) == ["301"]
    assert driver.call("memory.size", memory=memory) == {"pages": 4}
    assert driver.call("view.length", view=view) == {"length": 65536}
    assert [driver.read(memory, 65536 * page)["value"]["value"] for page in (1, 2, 3)] == ["1", "2", "3"]


def test_a_host_function_throws(driver: RawClient) -> None:
    """The exception comes out as it went in; there is no way to make a trap."""
    instance = driver.instance(REENTRANT, host_function())
    for kind in ("host", "trap"):
        driver.on_import = lambda params, kind=kind: {"code": -32000, "message": "stop", "data": {"kind": kind}}
        data = driver.refused("function.call", instance=instance, name="call", args=[i32(1)], results=["i32"])
        assert (data["kind"], data["type"], data["message"]) == ("host", "HostThrow", "stop")
    driver.on_import = lambda params: [i32(1)]
    assert driver.function(instance, "call", 1, results=["i32"]) == ["101"]


def test_a_trap_inside_a_host_function_stays_inside(driver: RawClient) -> None:
    instance, trapping = driver.instance(REENTRANT, host_function()), driver.instance(TRAPS)

    def serve(params: dict[str, Any]) -> Any:
        data = driver.refused("function.call", instance=trapping, name="unreachable", args=[], results=[])
        return [i32(5)] if data["kind"] == "trap" else []

    driver.on_import = serve
    assert driver.function(instance, "call", 1, results=["i32"]) == ["105"]


def test_memories_of_the_host(driver: RawClient) -> None:
    def error(**changes: Any) -> tuple[str, str]:
        data = driver.refused("memory.create", **{"min": 1, "max": 2, "shared": False, "index": "i32", **changes})
        return data["kind"], data["type"]

    assert error(min=2, max=1) == ("host", "RuntimeError")
    assert error(min=65537, max=None) == ("host", "RuntimeError")
    assert error(min=str(2**60), max=None) == ("host", "OverflowError")
    assert error(index="i64")[0] == "unsupported"
    empty = driver.make("memory.create", min=0, max=0, shared=False, index="i32")
    assert driver.refused("memory.read", memory=empty, at=0, type="u8", view=None)["type"] == "IndexError"
    shared = driver.make("memory.create", min=1, max=2, shared=True, index="i32")
    assert driver.call("memory.grow", memory=shared, delta=1) == {"pages": 1}


def test_references_and_skipped_requests(driver: RawClient) -> None:
    instance = driver.instance(PLAIN)
    memory = driver.memory(instance)
    pointer = driver.send("function.call", instance=instance, name="load", args=[i32(7)], results=["i32"])
    driver.receive()
    driver.write(memory, {"$ref": pointer, "+": 40}, 24)
    reading = driver.send("memory.read", memory=memory, at=40, type="u32", view=None)
    driver.receive()
    args = [{"type": "i32", "value": {"$ref": reading, "+": 16}}]
    given = driver.call("function.call", instance=instance, name="load", args=args, results=["i32"])
    assert given["values"] == [{"type": "i32", "value": "24"}]
    missing = driver.send("memory.export", instance=instance, name="nope")
    used = driver.send("memory.read", memory=missing, at=0, type="u8", view=None)
    assert driver.receive()["error"]["data"]["kind"] == "host"
    assert driver.receive()["error"]["data"]["kind"] == "skipped"
    data = driver.refused("memory.write", memory=memory, at={"$ref": used}, type="u8", value=i32(1))
    assert data["kind"] == "skipped"


@pytest.mark.slow
def test_compiled_code_is_kept_and_a_damaged_file_replaced(tmp_path: Path) -> None:
    command, env = runtime_command("wasmer")
    kept: list[Path] = []
    for damage in (None, None, b"", b"linmem1\nnot the code", b"\0" * 5000):
        if damage is not None:
            kept[0].write_bytes(damage)
        with RawClient(command, env) as client:
            client.call("initialize", protocol=1, variant=None, cache=str(tmp_path))
            instance = client.instance(PLAIN)
            client.function(instance, "store", 1, 24)
            assert client.function(instance, "load", 1, results=["i32"]) == ["24"]
            assert client.end() == 0
        kept = list(tmp_path.iterdir())
        assert len(kept) == 1
        assert kept[0].read_bytes() not in (b"", damage)


@pytest.mark.slow
def test_a_scenarios_memory_is_free_after_release(driver: RawClient) -> None:
    """400 scenarios of 8 MiB that the guest touches: kept, they would be 3 GiB."""
    text = """(module (import "env" "g" (global i32)) (memory (export "memory") 128)
      (func (export "touch") (memory.fill (i32.const 0) (i32.const 1) (i32.const 8388608))))"""
    module = driver.make("module.compile", bytes=wasm(text))
    imported = {"module": "env", "name": "g", "global": {"type": "i32", "mutable": False, "value": "1"}}

    def scenario() -> None:
        instance = driver.send("instance.create", module=module, imports=[imported], glue=None)
        memory = driver.send("memory.export", instance=instance, name="memory")
        for kind in ("uint8_view", "buffer"):
            driver.send("view.open", memory=memory, kind=kind, offset=None, length=None)
        driver.send("function.call", instance=instance, name="touch", args=[], results=[])
        driver.send("object.release", all=True)
        for _ in range(6):
            assert "result" in driver.receive()

    scenario()
    before = driver.resident()
    for _ in range(400):
        scenario()
    assert driver.resident() - before < 64 << 20


def test_nan_bits_by_bytes_and_by_numbers(driver: RawClient) -> None:
    text = '(module (memory (export "memory") 1) (func (export "bits") (result i32) (i32.load (i32.const 4))))'
    instance = driver.instance(text)
    memory = driver.memory(instance)
    for view, arrived in ((None, 0x7FA00001), ("float32_view", 0x7FE00001), ("buffer", 0x7FE00001)):
        driver.write(memory, 4, 0x7FA00001, "f32", view)
        assert driver.function(instance, "bits", results=["i32"]) == [str(arrived)]


def test_end_of_input_and_unknown_methods(driver: RawClient) -> None:
    assert driver.refused("memory.defragment") == -32601
    command, env = runtime_command("wasmer")
    with RawClient(command, env) as client:
        client.call("initialize", protocol=1, variant=None, cache=None)
        instance = client.instance(REENTRANT, host_function())
        client.send("function.call", instance=instance, name="call", args=[i32(1)], results=["i32"])
        assert client.receive()["method"] == "import.call"
        assert client.end() == 0
