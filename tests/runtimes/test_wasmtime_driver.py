"""The wasmtime driver, on the real runtime. What is asserted of Wasmtime itself holds for wasmtime-py 50.0.1."""

from __future__ import annotations

import base64
import signal
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rawclient import Died, RawClient, host_function, i32, runtime_command, wasm

PLAIN = """(module (memory (export "memory") 1 4)
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"""

REENTRANT = """(module (import "env" "f" (func $f (param i32) (result i32))) (memory (export "memory") 1 4)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "call") (param i32) (result i32) (i32.add (i32.const 100) (call $f (local.get 0)))))"""

TRAPS = """(module (memory 1) (memory $shared 1 1 shared) (table 2 funcref) (elem (i32.const 1) $nothing)
  (type $number (func (result i32))) (type $void (func)) (func $nothing)
  (func (export "out of bounds memory access") (result i32) (i32.load (i32.const 65533)))
  (func (export "unreachable") unreachable)
  (func (export "integer divide by zero") (result i32) (i32.div_s (i32.const 1) (i32.const 0)))
  (func (export "integer overflow") (result i32) (i32.div_s (i32.const 0x80000000) (i32.const -1)))
  (func (export "invalid conversion to integer") (result i32) (i32.trunc_f32_s (f32.const nan)))
  (func (export "indirect call type mismatch") (result i32) (call_indirect (type $number) (i32.const 1)))
  (func (export "undefined element: out of bounds table access") (call_indirect (type $void) (i32.const 9)))
  (func (export "uninitialized element") (call_indirect (type $void) (i32.const 0)))
  (func $deeper (export "call stack exhausted") (call $deeper))
  (func (export "unaligned atomic") (result i32) (i32.atomic.load $shared (i32.const 1)))
  (func (export "expected shared memory") (result i32)
    (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0))))"""


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawClient]:
    command, env = runtime_command("wasmtime")
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


@pytest.fixture
def own() -> Iterator[RawClient]:
    """A driver for one test, which may kill it."""
    command, env = runtime_command("wasmtime")
    with RawClient(command, env) as client:
        client.call("initialize", protocol=1, variant=None, cache=None)
        yield client


def test_it_says_what_it_is() -> None:
    command, env = runtime_command("wasmtime")
    with RawClient(command, env) as client:
        answer = client.call("initialize", protocol=1, variant=None, cache=None)
        assert answer["runtime"]["name"] == "wasmtime"
        assert answer["runtime"]["engine"] == f"Wasmtime {answer['runtime']['version']}, Cranelift"
        assert [view["kind"] for view in answer["views"]] == ["read_write", "get_buffer_ptr", "data_ptr"]
        assert set(answer["default_views"].values()) == {"read_write"}
        assert client.end() == 0


def test_variants() -> None:
    command, env = runtime_command("wasmtime")
    for variant, engine in (("cranelift", "Cranelift"), ("pulley", "Pulley")):
        with RawClient(command, env) as client:
            answer = client.call("initialize", protocol=1, variant=variant, cache=None)
            assert answer["runtime"]["engine"].endswith(engine)
            instance = client.instance(PLAIN)
            client.function(instance, "store", 5, 24)
            assert client.function(instance, "load", 5, results=["i32"]) == ["24"]
    with RawClient(command, env) as client:
        assert client.refused("initialize", protocol=1, variant="winch", cache=None)["kind"] == "unsupported"


@pytest.mark.parametrize("view", [None, "read_write", "get_buffer_ptr", "data_ptr"])
def test_host_and_guest_share_every_byte_value(driver: RawClient, view: str | None) -> None:
    instance = driver.instance(PLAIN)
    memory = driver.memory(instance)
    for value in range(256):
        driver.function(instance, "store", value, value)
        assert "result" in driver.write(memory, 1000 + value, value, view=view)
        assert driver.function(instance, "load", 1000 + value, results=["i32"]) == [str(value)]
    given = driver.read(memory, 0, "bytes", view, count=256)
    assert base64.b64decode(given["bytes"]) == bytes(range(256))


@pytest.mark.parametrize("view", ["read_write", "get_buffer_ptr"])
@pytest.mark.parametrize(
    ("memory_type", "value", "data"),
    [
        ("u8", 200, b"\xc8"), ("s8", -56, b"\xc8"),
        ("u16", 0xFFEE, b"\xee\xff"), ("s16", -18, b"\xee\xff"),
        ("u32", 0xFFFFFFFE, b"\xfe\xff\xff\xff"), ("s32", -2, b"\xfe\xff\xff\xff"),
        ("u64", 2**64 - 2, b"\xfe" + 7 * b"\xff"), ("s64", -2, b"\xfe" + 7 * b"\xff"),
        ("f32", 0x3FC00000, b"\0\0\xc0\x3f"), ("f64", 0x7FF4000000000001, b"\1\0\0\0\0\0\xf4\x7f"),
    ],
)  # fmt: skip
def test_typed_access(driver: RawClient, view: str, memory_type: str, value: int, data: bytes) -> None:
    memory = driver.memory(driver.instance(PLAIN))
    assert "result" in driver.write(memory, 13, value, memory_type, view)
    raw = driver.read(memory, 12, "bytes", "read_write", count=len(data) + 2)["bytes"]
    assert base64.b64decode(raw) == b"\0" + data + b"\0"
    given = driver.read(memory, 13, memory_type, view)
    if view == "read_write":
        assert base64.b64decode(given["bytes"]) == data
    else:
        assert given == {"value": {"type": memory_type, "value": str(value)}}


def test_past_the_end(driver: RawClient) -> None:
    """`Memory.read` slices as a list does, `Memory.write` raises, a ctypes array raises and wraps at 256."""
    memory = driver.memory(driver.instance(PLAIN))
    end = 65536
    driver.write(memory, end - 1, 7)
    assert driver.read(memory, end) == {"bytes": ""}
    assert driver.read(memory, end - 1, "u32") == {"bytes": "Bw=="}
    assert driver.read(memory, str(2**70), "u32") == {"bytes": ""}
    assert driver.read(memory, -1, "bytes", count=1) == {"bytes": ""}
    assert driver.write(memory, end - 1, 7, "u16")["error"]["data"]["type"] == "IndexError"
    assert driver.write(memory, -1, 9) == {"jsonrpc": "2.0", "id": driver._ids, "result": {"count": 1}}
    assert driver.read(memory, end - 1) == {"bytes": "CQ=="}
    assert driver.write(memory, 0, 256)["error"]["data"]["kind"] == "unsupported"  # write takes bytes

    array = "get_buffer_ptr"
    assert driver.refused("memory.read", memory=memory, at=end, type="u8", view=array)["type"] == "IndexError"
    assert driver.refused("memory.read", memory=memory, at=end - 1, type="u16", view=array)["type"] == "struct.error"
    assert driver.read(memory, -1, "u8", array) == {"value": {"type": "u8", "value": "9"}}
    assert driver.read(memory, end - 1, "bytes", array, count=4) == {"bytes": "CQ=="}
    assert driver.write(memory, end - 1, "AAAA", "bytes", array)["error"]["data"]["type"] == "ValueError"
    assert driver.write(memory, 0, 257, "u8", array)["result"] == {}
    assert driver.read(memory, 0, "u8", array)["value"]["value"] == "1"
    assert driver.call("memory.size", memory=memory) == {"pages": 1}


def test_growth(driver: RawClient) -> None:
    instance = driver.instance(PLAIN)
    memory = driver.memory(instance)
    assert driver.function(instance, "grow", 1, results=["i32"]) == ["1"]
    assert driver.call("memory.grow", memory=memory, delta=1) == {"pages": 2}
    assert driver.call("memory.size", memory=memory) == {"pages": 3}
    for delta in (2, -1, 2**32, 2**60):
        assert driver.refused("memory.grow", memory=memory, delta=str(delta))["kind"] == "host"
    assert driver.call("memory.size", memory=memory) == {"pages": 3}
    assert driver.function(instance, "grow", 2, results=["i32"]) == ["-1"]


def test_kept_views(driver: RawClient) -> None:
    """After growth a kept array has its old length; `read_write` is the memory itself."""
    instance = driver.instance(PLAIN)
    memory = driver.memory(instance)
    views = {}
    for kind in ("read_write", "get_buffer_ptr", "data_ptr"):
        views[kind] = driver.make("view.open", memory=memory, kind=kind, offset=None, length=None)
    part = driver.make("view.open", memory=memory, kind="get_buffer_ptr", offset=100, length=10)
    driver.function(instance, "grow", 1, results=["i32"])
    driver.function(instance, "store", 105, 24)
    driver.function(instance, "store", 65536, 25)
    assert driver.call("view.length", view=views["read_write"]) == {"length": 131072}
    assert driver.call("view.length", view=views["get_buffer_ptr"]) == {"length": 65536}
    assert driver.call("view.length", view=part) == {"length": 10}
    assert driver.refused("view.length", view=views["data_ptr"])["kind"] == "unsupported"
    assert driver.call("view.read", view=views["read_write"], at=65536, type="u8") == {"bytes": "GQ=="}
    old = driver.refused("view.read", view=views["get_buffer_ptr"], at=65536, type="u8")
    assert old["type"] == "IndexError"
    assert driver.call("view.read", view=part, at=5, type="u8")["value"]["value"] == "24"
    value = {"type": "u8", "value": "7"}
    for index, kind in enumerate(views):
        driver.call("view.write", view=views[kind], at=index, type="u8", value=value)
        assert driver.function(instance, "load", index, results=["i32"]) == ["7"]
    for kind in ("read_write", "data_ptr"):
        data = driver.refused("view.open", memory=memory, kind=kind, offset=4, length=None)
        assert data["kind"] == "unsupported"


@pytest.mark.parametrize(
    "message",
    [line.split('"')[1] for line in TRAPS.splitlines() if "(export" in line],
)
def test_traps(driver: RawClient, message: str) -> None:
    instance = driver.instance(TRAPS)
    data = driver.refused("function.call", instance=instance, name=message, args=[], results=[])
    assert (data["kind"], data["type"], data["message"]) == ("trap", "Trap", message)
    assert data["text"]


def test_values_cross_with_their_bits(driver: RawClient) -> None:
    types = ("i32", "i64", "f32", "f64")
    text = "".join(f'(func (export "{name}") (param {name}) (result {name}) (local.get 0))' for name in types)
    both = '(func (export "both") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))'
    instance = driver.instance(f'(module {text} {both} (func (export "v") (param v128)))')

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
    v128 = [{"type": "v128", "value": "0"}]
    data = driver.refused("function.call", instance=instance, name="v", args=v128, results=[])
    assert data["kind"] == "unsupported"
    data = driver.refused("function.call", instance=instance, name="i32", args=[], results=["i32"])
    assert (data["kind"], data["type"]) == ("host", "WasmtimeError")


@pytest.mark.parametrize("data", [b"", b"\0asm", b"\0asm\1\0\0\0\1", b"not a module"])
def test_compile_errors(driver: RawClient, data: bytes) -> None:
    refused = driver.refused("module.compile", bytes=base64.b64encode(data).decode())
    assert (refused["kind"], refused["type"]) == ("compile", "WasmtimeError")
    assert refused["message"]


def test_missing_exports(driver: RawClient) -> None:
    instance = driver.instance(PLAIN)
    for name, error in (("nope", "KeyError"), ("memory", "TypeError")):
        data = driver.refused("function.call", instance=instance, name=name, args=[], results=[])
        assert (data["kind"], data["type"]) == ("host", error)
    for name, error in (("nope", "KeyError"), ("load", "TypeError")):
        data = driver.refused("memory.export", instance=instance, name=name)
        assert (data["kind"], data["type"]) == ("host", error)


def test_instantiation_fails_by_link_trap_or_host(driver: RawClient) -> None:
    def refused(text: str, *imports: Any) -> Any:
        module = driver.make("module.compile", bytes=wasm(text))
        return driver.refused("instance.create", module=module, imports=list(imports), glue=None)

    function = '(module (import "env" "f" (func (param i32) (result i32))))'
    missing = refused(function)
    assert missing["kind"] == "link"
    assert "env::f" in missing["message"]
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
    imports = [
        {"module": "env", "name": "m", "object": memory},
        {"module": "env", "name": "base", "global": {"type": "i64", "mutable": False, "value": str(2**64 - 5)}},
        {"module": "env", "name": "count", "global": {"type": "f64", "mutable": True, "value": str(3 << 62)}},
        {"module": "env", "name": "load", "instance": peer, "export": "load"},
    ]
    instance = driver.instance(text, *imports)
    driver.write(memory, 9, 5)
    driver.function(peer, "store", 9, 6)
    assert driver.function(instance, "own", 9, results=["i32"]) == ["5"]
    assert driver.function(instance, "peer", 9, results=["i32"]) == ["6"]
    assert driver.function(instance, "base", results=["i64"]) == ["-5"]
    assert driver.function(instance, "count", results=["f64"]) == [str(3 << 62)]


def test_the_host_works_in_the_middle_of_calls_three_deep(driver: RawClient) -> None:
    instance = driver.instance(REENTRANT, host_function())
    memory = driver.memory(instance)
    view = driver.make("view.open", memory=memory, kind="get_buffer_ptr", offset=None, length=None)

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
    assert [driver.read(memory, 65536 * page)["bytes"] for page in (1, 2, 3)] == ["AQ==", "Ag==", "Aw=="]


def test_a_host_function_throws_or_traps(driver: RawClient) -> None:
    instance = driver.instance(REENTRANT, host_function())
    for kind, error in (("host", "HostThrow"), ("trap", "Trap")):
        driver.on_import = lambda params, kind=kind: {"code": -32000, "message": "stop", "data": {"kind": kind}}
        data = driver.refused("function.call", instance=instance, name="call", args=[i32(1)], results=["i32"])
        assert (data["kind"], data["type"], data["message"]) == (kind, error, "stop")
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
    def create(**changes: Any) -> Any:
        params = {"min": 1, "max": 2, "shared": False, "index": "i32", **changes}
        return driver.answer(driver.send("memory.create", **params))

    wide = driver.make("memory.create", min=1, max=None, shared=False, index="i64")
    assert driver.call("memory.size", memory=wide) == {"pages": 1}
    assert create(min=2, max=1)["error"]["data"]["type"] == "WasmtimeError"
    assert create(min=65537, max=None)["error"]["data"]["kind"] == "host"
    assert create(min=str(2**60), max=None, index="i64")["error"]["data"]["kind"] == "host"
    bytewise = driver.make("memory.create", min=5, max=9, shared=False, index="i32", page_size=1)
    assert driver.call("memory.size", memory=bytewise, page_size=1) == {"pages": 5}
    assert driver.read(bytewise, 5) == {"bytes": ""}
    assert create(page_size=2)["error"]["data"]["kind"] == "host"
    assert create(page_size=3)["error"]["data"]["kind"] == "unsupported"
    empty = driver.make("memory.create", min=0, max=0, shared=False, index="i32")
    assert driver.read(empty, 0) == {"bytes": ""}
    assert driver.write(empty, 0, 1)["error"]["data"]["type"] == "IndexError"


def test_shared_memory_is_reached_by_its_pointer_alone(driver: RawClient) -> None:
    text = """(module (memory (export "memory") 1 4 shared)
      (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1))))"""
    instance = driver.instance(text)
    exported_one = driver.memory(instance)
    created = driver.make("memory.create", min=1, max=4, shared=True, index="i32")
    driver.function(instance, "store", 3, 24)
    assert driver.read(exported_one, 3)["value"]["value"] == "24"
    assert driver.write(created, 3, "AQID", "bytes")["result"] == {}
    assert driver.read(created, 3, "bytes", count=3) == {"bytes": "AQID"}
    assert driver.call("memory.grow", memory=created, delta=1) == {"pages": 1}
    for kind in ("read_write", "get_buffer_ptr"):
        data = driver.refused("memory.read", memory=created, at=0, type="u8", view=kind)
        assert data["kind"] == "unsupported"
    assert driver.refused("memory.read", memory=created, at=0, type="u32", view=None)["kind"] == "unsupported"
    data = driver.refused("memory.create", min=1, max=None, shared=True, index="i32")
    assert data["kind"] == "host"


def test_proposals_are_on(driver: RawClient) -> None:
    for text in (
        "(module (memory i64 1))", "(module (memory 1) (memory 1))", "(module (memory 1 1 shared))",
        "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
        "(module (func (result v128) (v128.const i32x4 0 0 0 0)))", "(module (memory 1 2 (pagesize 1)))",
        "(module (func (param externref)))", "(module (func $f (return_call $f)))",
    ):  # fmt: skip
        driver.make("module.compile", bytes=wasm(text))


def test_references_and_skipped_requests(driver: RawClient) -> None:
    instance = driver.instance(PLAIN)
    memory = driver.memory(instance)
    pointer = driver.send("function.call", instance=instance, name="load", args=[i32(7)], results=["i32"])
    driver.receive()
    driver.write(memory, {"$ref": pointer, "+": 40}, 24)
    assert driver.function(instance, "load", 40, results=["i32"]) == ["24"]
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


def test_reading_a_pointer_far_outside_kills_the_process(own: RawClient) -> None:
    memory = own.memory(own.instance(PLAIN))
    own.send("memory.read", memory=memory, at=0, type="u8", view="data_ptr")
    own.send("memory.read", memory=memory, at=-(1 << 46), type="u8", view="data_ptr")
    assert own.receive()["result"] == {"value": {"type": "u8", "value": "0"}}
    with pytest.raises(Died) as died:
        own.receive()
    assert died.value.args[0] == -signal.SIGSEGV


@pytest.mark.slow
def test_compiled_code_is_kept_and_a_damaged_file_replaced(tmp_path: Path) -> None:
    command, env = runtime_command("wasmtime")
    sizes = []
    for damage in (False, False, True, True, True):
        if damage:
            (kept,) = tmp_path.iterdir()
            content = kept.read_bytes()
            kept.write_bytes(content[: len(content) // 2] if len(sizes) == 3 else b"\0" * len(content))
        with RawClient(command, env) as client:
            client.call("initialize", protocol=1, variant=None, cache=str(tmp_path))
            instance = client.instance(PLAIN)
            client.function(instance, "store", 1, 24)
            assert client.function(instance, "load", 1, results=["i32"]) == ["24"]
            assert client.end() == 0
        (kept,) = tmp_path.iterdir()
        sizes.append(kept.stat().st_size)
    assert len(set(sizes)) == 1


@pytest.mark.slow
def test_a_scenarios_memory_is_free_after_release(driver: RawClient) -> None:
    """400 scenarios of 8 MiB that the guest touches: kept, they would be 3 GiB."""
    text = """(module (memory (export "memory") 128)
      (func (export "touch") (memory.fill (i32.const 0) (i32.const 1) (i32.const 8388608))))"""
    module = driver.make("module.compile", bytes=wasm(text))

    def scenario() -> None:
        instance = driver.send("instance.create", module=module, imports=[], glue=None)
        memory = driver.send("memory.export", instance=instance, name="memory")
        driver.send("view.open", memory=memory, kind="get_buffer_ptr", offset=None, length=None)
        driver.send("function.call", instance=instance, name="touch", args=[], results=[])
        driver.send("object.release", all=True)
        for _ in range(5):
            assert "result" in driver.receive()

    scenario()
    before = driver.resident()
    for _ in range(400):
        scenario()
    assert driver.resident() - before < 64 << 20


def test_nan_written_as_bytes_arrives_as_written(driver: RawClient) -> None:
    text = '(module (memory (export "memory") 1) (func (export "bits") (result i32) (i32.load (i32.const 4))))'
    instance = driver.instance(text)
    memory = driver.memory(instance)
    signalling = struct.unpack("<i", struct.pack("<I", 0x7FA00001))[0]
    driver.write(memory, 4, 0x7FA00001, "f32")
    assert driver.function(instance, "bits", results=["i32"]) == [str(signalling)]
    driver.write(memory, 4, 0x7FA00001, "f32", "get_buffer_ptr")
    assert driver.function(instance, "bits", results=["i32"]) == [str(0x7FE00001)]


def test_end_of_input_and_unknown_methods(own: RawClient) -> None:
    assert own.refused("memory.defragment") == -32601
    instance = own.instance(REENTRANT, host_function())
    own.send("function.call", instance=instance, name="call", args=[i32(1)], results=["i32"])
    assert own.receive()["method"] == "import.call"
    assert own.end() == 0
