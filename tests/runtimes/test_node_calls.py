"""The JavaScript driver: calls, traps, links and host functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from nodekit import HOST, MEMORY, PAGE, F, base64_of, get, instance, memory, put, typed
from rawclient import RawClient, i32, wasm

pytest_plugins = ["nodefixtures"]


def test_values_both_ways(js: RawClient) -> None:
    guest = instance(js, MEMORY)

    def call(name: str, results: list[str], *args: dict[str, str]) -> list[dict[str, str]]:
        answer = js.call("function.call", instance=guest, name=name, args=list(args), results=results)
        values: list[dict[str, str]] = answer["values"]
        return values

    top = 2**64 - 1
    assert call("add", ["i64"], typed("i64", top), typed("i64", 0)) == [typed("i64", -1)]
    assert call("both", ["i64", "i32"], typed("i32", 2**32 - 1), typed("i64", 2**63)) == [
        typed("i64", -(2**63)),
        typed("i32", -1),
    ]
    assert call("bits32", ["i32"], typed("f32", 0x40490FDB)) == [typed("i32", 0x40490FDB)]
    assert call("bits64", ["i64"], typed("f64", 0x400921FB54442D18)) == [typed("i64", 0x400921FB54442D18)]
    signalling = 0x7FF4000000000000  # V8 makes such a NaN quiet when it stores it in an array of doubles
    assert call("bits64", ["i64"], typed("f64", signalling)) == [typed("i64", signalling)]
    assert call("halves", ["f32", "f64"]) == [typed("f32", 0x3F000000), typed("f64", 0xBFE0000000000000)]


def test_a_missing_export_is_the_hosts_error(js: RawClient) -> None:
    guest = instance(js, MEMORY)
    for name in ("nothing", "memory"):
        error = js.refused("function.call", instance=guest, name=name, args=[], results=[])
        assert (error["kind"], error["type"]) == ("host", "TypeError")
    for name in ("nothing", "store"):
        assert js.refused("memory.export", instance=guest, name=name)["kind"] == "host"


TRAPS = {
    "unreachable": "unreachable",
    "(drop (i32.load (i32.const 65536)))": "out of bounds memory access",
    "(memory.copy (i32.const 65536) (i32.const 0) (i32.const 1))": "out of bounds memory access",
    "(memory.init $d (i32.const 0) (i32.const 2) (i32.const 5))": "out of bounds memory access",
    "(drop (i32.div_s (i32.const 1) (i32.const 0)))": "integer divide by zero",
    "(drop (i64.rem_u (i64.const 1) (i64.const 0)))": "integer divide by zero",
    "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))": "integer overflow",
    "(call $f)": "call stack exhausted",
    "(drop (i32.atomic.load (i32.const 1)))": "unaligned atomic",
}


@pytest.mark.parametrize("code", TRAPS)
def test_traps_are_named_as_the_specification_does(js: RawClient, code: str) -> None:
    guest = instance(js, f'(module (memory 1 1) (data $d "abc") (func $f (export "f") {code}))')
    error = js.refused("function.call", instance=guest, name="f", args=[], results=[])
    assert (error["kind"], error["message"]) == ("trap", TRAPS[code])
    assert error["type"] == ("RangeError" if code == "(call $f)" else "RuntimeError")
    assert error["text"]


# V8 has one text for two of the specification's; which one it was is not known, and not guessed.
AMBIGUOUS = {
    "(drop (i32.trunc_f32_s (f32.const nan)))": {"invalid conversion to integer"},
    "(drop (i32.trunc_f32_s (f32.const 1e30)))": {"integer overflow"},
    "(call_indirect (i32.const 9))": {"undefined element"},
    "(call_indirect (i32.const 1))": {"uninitialized element"},
    "(call_indirect (i32.const 0))": {"indirect call type mismatch"},
    "(table.copy (i32.const 2) (i32.const 0) (i32.const 1))": {"out of bounds table access"},
}


@pytest.mark.parametrize("code", AMBIGUOUS)
def test_a_trap_that_the_engine_does_not_tell_apart_keeps_its_words(js: RawClient, code: str) -> None:
    text = '(module (table 2 funcref) (elem (i32.const 0) $g) (func $g (param i64)) (func (export "f") {}))'
    error = js.refused("function.call", instance=instance(js, text.format(code)), name="f", args=[], results=[])
    assert error["kind"] == "trap"
    assert error["message"] in AMBIGUOUS[code] | {error["text"]}


def test_what_goes_wrong_at_instantiation(js: RawClient) -> None:
    def refused(text: str, *imports: dict[str, Any]) -> tuple[str, str, str]:
        module = js.make("module.compile", bytes=wasm(text))
        error = js.refused("instance.create", module=module, imports=list(imports), glue=None)
        return error["kind"], error["type"], error["message"]

    small = js.make("memory.create", min=1, max=2, shared=False, index="i32")
    memory_import = {"module": "env", "name": "m", "object": small}
    assert refused('(module (import "env" "f" (func)))')[:2] == ("link", "TypeError")
    assert refused('(module (import "env" "m" (func)))', memory_import)[:2] == ("link", "LinkError")
    assert refused('(module (import "env" "m" (memory 2)))', memory_import)[:2] == ("link", "LinkError")
    assert refused("(module (func $s unreachable) (start $s))") == ("trap", "RuntimeError", "unreachable")
    assert refused("(module (func $s (call $s)) (start $s))") == ("trap", "RangeError", "call stack exhausted")
    segment = refused('(module (memory 1) (data (i32.const 65536) "a"))')
    assert segment == ("trap", "RuntimeError", "out of bounds memory access")
    element = refused("(module (table 1 funcref) (elem (i32.const 1) $g) (func $g))")
    assert element == ("trap", "RuntimeError", "out of bounds table access")


def test_modules_that_are_none(js: RawClient) -> None:
    for data in (b"", b"\0as", b"\0asm\x01\0\0\0\xff", b"\0asm\x02\0\0\0"):
        error = js.refused("module.compile", bytes=base64_of(data))
        assert (error["kind"], error["type"]) == ("compile", "CompileError")


def test_memories_globals_and_exports_as_imports(js: RawClient) -> None:
    shared = js.make("memory.create", min=1, max=4, shared=False, index="i32")
    one = instance(js, '(module (func (export "seven") (result i32) (i32.const 7)))')
    guest = instance(
        js,
        """
        (module
          (import "env" "memory" (memory 1 4))
          (import "env" "seven" (func $seven (result i32)))
          (import "env" "base" (global $base i32))
          (import "env" "big" (global $big (mut i64)))
          (export "memory" (memory 0))
          (func (export "seven") (result i32) (call $seven))
          (func (export "store") (i32.store8 (global.get $base) (i32.const 9)))
          (func (export "big") (result i64)
            (global.set $big (i64.sub (global.get $big) (i64.const 1))) (global.get $big)))
        """,
        [
            {"module": "env", "name": "memory", "object": shared},
            {"module": "env", "name": "seven", "instance": one, "export": "seven"},
            {"module": "env", "name": "base", "global": {"type": "i32", "mutable": False, "value": "1024"}},
            {"module": "env", "name": "big", "global": {"type": "i64", "mutable": True, "value": str(2**63)}},
        ],
    )
    assert js.function(guest, "seven", results=["i32"]) == ["7"]
    assert js.function(guest, "big", results=["i64"]) == [str(2**63 - 1)]
    js.function(guest, "store")
    assert get(js, shared, 1024, 1) == b"\x09"
    exported = js.make("memory.export", instance=guest, name="memory")
    assert js.call("memory.grow", memory=exported, delta=1) == {"pages": 1}
    assert js.call("memory.size", memory=shared) == {"pages": 2}


def test_shared_memories_keep_their_views(js: RawClient) -> None:
    target = js.make("memory.create", min=1, max=2, shared=True, index="i32")
    view = js.make("view.open", memory=target, kind="Uint8Array", offset=None, length=None)
    assert js.call("memory.grow", memory=target, delta=1) == {"pages": 1}
    put(js, target, 3, b"\x05")
    assert js.call("view.length", view=view) == {"length": PAGE}
    assert js.call("view.read", view=view, at=3, type="u8") == {"value": typed("u8", 5)}


def test_memories_that_cannot_be_made(js: RawClient) -> None:
    for params in ({"min": 3, "max": 2}, {"min": PAGE + 1, "max": None}, {"min": str(2**64), "max": None}):
        assert js.refused("memory.create", shared=False, index="i32", **params)["kind"] == "host"
    assert js.refused("memory.create", min=1, max=None, shared=True, index="i32")["type"] == "TypeError"


@pytest.mark.parametrize("delta", [-1, 2**32, str(2**64 + 1)])
def test_a_delta_that_is_none_is_handed_over(js: RawClient, delta: int | str) -> None:
    target = memory(js)
    assert js.refused("memory.grow", memory=target, delta=delta)["type"] == "TypeError"
    assert js.call("memory.size", memory=target) == {"pages": 1}


def test_memory64_where_the_engine_has_it(js: RawClient) -> None:
    """Where it has not, the module does not compile and the host's memory is refused."""
    code = wasm('(module (memory (export "memory") i64 1 3))')
    message = js.answer(js.send("module.compile", bytes=code))
    if "error" in message:
        assert message["error"]["data"]["kind"] == "compile"
        assert js.refused("memory.create", min=1, max=3, shared=False, index="i64")["kind"] == "host"
        return
    guest = js.make("instance.create", module=message["id"], imports=[], glue=None)
    exported = js.make("memory.export", instance=guest, name="memory")
    for target in (exported, js.make("memory.create", min=1, max=3, shared=False, index="i64")):
        assert js.call("memory.grow", memory=target, delta=1) == {"pages": 1}
        assert js.refused("memory.grow", memory=target, delta=str(2**63))["kind"] == "host"
        assert js.call("memory.size", memory=target) == {"pages": 2}


def test_a_host_function_uses_the_driver_in_the_middle_of_a_call(js: RawClient) -> None:
    guest = instance(js, HOST, [F])
    target = js.make("memory.export", instance=guest, name="memory")
    view = js.make("view.open", memory=target, kind="Uint8Array", offset=None, length=None)

    def serve(params: dict[str, Any]) -> list[dict[str, str]]:
        assert params == {"func": "F", "args": [typed("i32", params["args"][0]["value"])]}
        depth = int(params["args"][0]["value"])
        put(js, target, depth, bytes([depth]))
        if depth < 3:
            (inner,) = js.function(guest, "call", depth + 1, results=["i32"])
            return [i32(int(inner) + depth)]
        js.call("memory.grow", memory=target, delta=1)
        assert js.call("view.length", view=view) == {"length": 0}
        return [i32(100)]

    js.on_import = serve
    assert js.function(guest, "call", 1, results=["i32"]) == ["103"]
    assert get(js, target, 0, 5) == b"\0\1\2\3\0"


def test_arguments_and_results_of_host_functions(js: RawClient) -> None:
    types = {"params": ["i32", "i64", "f32", "f64"], "results": ["i64", "f32"]}
    guest = instance(
        js,
        """
        (module (import "env" "f" (func $f (param i32 i64 f32 f64) (result i64 f32)))
          (func (export "call") (result i64 f32)
            (call $f (i32.const -1) (i64.const 0x8000000000000000) (f32.const 0.5) (f64.const -0.0))))
        """,
        [{"module": "env", "name": "f", "func": "F", "type": types}],
    )
    given: list[Any] = []

    def serve(params: dict[str, Any]) -> list[dict[str, str]]:
        given.extend(params["args"])
        return [typed("i64", 2**64 - 2), typed("f32", 0x3F000000)]

    js.on_import = serve
    assert js.function(guest, "call", results=["i64", "f32"]) == ["-2", str(0x3F000000)]
    bits = [typed("f32", 0x3F000000), typed("f64", 2**63)]
    assert given == [typed("i32", -1), typed("i64", -(2**63)), *bits]


def failing(kind: str, message: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    data = {"kind": kind, "type": "", "message": message, "text": message}
    return lambda params: {"code": -32000, "message": message, "data": data}


def test_a_host_function_that_throws_or_traps(js: RawClient) -> None:
    guest = instance(js, HOST, [F])
    call = {"instance": guest, "name": "call", "args": [i32(1)], "results": ["i32"]}
    js.on_import = failing("host", "out of beans")
    error = js.refused("function.call", **call)
    assert (error["kind"], error["type"], error["message"]) == ("host", "HostThrow", "out of beans")
    js.on_import = failing("trap", "unreachable")
    error = js.refused("function.call", **call)
    assert (error["kind"], error["type"], error["message"]) == ("trap", "RuntimeError", "unreachable")
    js.on_import = lambda params: [i32(5)]
    assert js.function(guest, "call", 1, results=["i32"]) == ["5"]
