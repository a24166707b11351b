"""The JavaScript driver: the conversation itself."""

from __future__ import annotations

import json
import os
import select
import subprocess
from typing import BinaryIO

import pytest
from nodekit import HOST, INITIALIZE, KINDS, MEMORY, F, base64_of, command, get, instance, memory, put, typed
from rawclient import SECONDS, Died, RawClient, i32, wasm

pytest_plugins = ["nodefixtures"]


def test_it_introduces_itself(fresh_js: RawClient) -> None:
    info = fresh_js.call("initialize", **INITIALIZE)
    assert {view["kind"]: (view["unit"], view["types"]) for view in info["views"]} == KINDS
    assert set(info["default_views"]) == {type_ for _, types in KINDS.values() for type_ in types}
    assert all(type_ in KINDS[kind][1] for type_, kind in info["default_views"].items())
    assert info["glue"] == ["go"]
    assert fresh_js.refused("initialize", protocol=2, variant=None, cache=None) == -32602
    assert fresh_js.refused("initialize", protocol=1, variant="fast", cache=None)["kind"] == "unsupported"


def test_references_take_earlier_results_unsigned(js: RawClient) -> None:
    guest = instance(js, MEMORY)
    target = js.make("memory.export", instance=guest, name="memory")
    put(js, target, 0xFF, b"\xf0\x01")
    signed = js.send("memory.read", memory=target, at=0xFF, type="s8", view="Int8Array")  # -16: 240
    size = js.send("memory.size", memory=target)
    value = {"type": "i32", "value": {"$ref": size, "+": 41}}
    at = {"type": "i32", "value": {"$ref": signed, "+": -240}}
    store = js.send("function.call", instance=guest, name="store", args=[at, value], results=[])
    load = js.send("function.call", instance=guest, name="load", args=[at], results=["i32"])
    read = js.send("memory.read", memory=target, at={"$ref": signed, "+": 16}, type="u8", view=None)
    for ident in (signed, size, store):
        assert "result" in js.answer(ident)
    assert js.answer(load)["result"] == {"values": [typed("i32", 42)]}
    assert js.answer(read)["result"] == {"value": typed("u8", 1)}


def test_the_sum_of_a_reference_does_not_wrap(js: RawClient) -> None:
    guest = instance(js, MEMORY)
    target = js.make("memory.export", instance=guest, name="memory")
    big = js.send("function.call", instance=guest, name="add", args=[typed("i64", 2**64 - 1)] * 2, results=["i64"])
    read = js.send("memory.read", memory=target, at={"$ref": big, "+": 2}, type="u8", view=None)
    back = js.send("memory.read", memory=target, at={"$ref": big, "+": str(2 - 2**64)}, type="u8", view=None)
    js.answer(big)
    assert js.answer(read)["result"] == {"nothing": "undefined"}  # 2**64, not 0
    assert js.answer(back)["result"] == {"value": typed("u8", 0)}


def test_what_hangs_on_a_failed_request_is_skipped(js: RawClient) -> None:
    module = js.send("module.compile", bytes=base64_of(b"nonsense"))
    guest = js.send("instance.create", module=module, imports=[], glue=None)
    target = js.send("memory.export", instance=guest, name="memory")
    call = js.send("function.call", instance=guest, name="f", args=[], results=["i32"])
    other = js.send("memory.create", min=1, max=None, shared=False, index="i32")
    read = js.send("memory.read", memory=other, at={"$ref": call}, type="u8", view=None)
    kinds = [js.answer(ident)["error"]["data"]["kind"] for ident in (module, guest, target, call)]
    assert kinds == ["compile", "skipped", "skipped", "skipped"]
    assert "result" in js.answer(other)
    assert js.answer(read)["error"]["data"]["kind"] == "skipped"
    undefined = js.send("memory.read", memory=other, at=-1, type="u8", view=None)
    read = js.send("memory.read", memory=other, at={"$ref": undefined}, type="u8", view=None)
    assert js.answer(undefined)["result"] == {"nothing": "undefined"}
    assert js.answer(read)["error"]["data"]["kind"] == "skipped"
    js.call("object.release", all=True)
    assert js.refused("instance.create", module=module, imports=[], glue=None)["kind"] == "skipped"


def test_requests_that_make_no_sense(js: RawClient) -> None:
    target = memory(js)
    assert js.refused("memory.paint", memory=target) == -32601
    assert js.refused("memory.size", memory=10**9) == -32602
    assert js.refused("memory.size") == -32602
    assert js.refused("view.length", view=target) == -32602
    assert js.refused("memory.read", memory=target, type="u8") == -32602
    assert js.refused("memory.read", memory=target, at="1.5", type="u8") == -32602
    assert js.refused("memory.read", memory=target, at=0, type="u128") == -32602
    assert js.refused("memory.read", memory=target, at={"$ref": target}, type="u8") == -32602
    assert js.refused("memory.write", memory=target, at=0, type="u8") == -32602
    assert js.refused("module.compile") == -32602
    assert js.refused("object.release") == -32602


def test_released_objects_are_gone_and_modules_stay(js: RawClient) -> None:
    module = js.make("module.compile", bytes=wasm(MEMORY))
    guest = js.make("instance.create", module=module, imports=[], glue=None)
    target = js.make("memory.export", instance=guest, name="memory")
    js.call("object.release", objects=[guest])
    assert js.refused("memory.export", instance=guest, name="memory") == -32602
    assert js.call("memory.size", memory=target) == {"pages": 1}
    js.call("object.release", all=True)
    assert js.refused("memory.size", memory=target) == -32602
    js.make("instance.create", module=module, imports=[], glue=None)
    js.call("object.release", objects=[module])
    assert js.refused("instance.create", module=module, imports=[], glue=None) == -32602


def test_a_thousand_instances_come_and_go(js: RawClient) -> None:
    """V8 reserves ten gigabytes of addresses for each memory; it has to find the released ones by itself."""
    module = js.make("module.compile", bytes=wasm(MEMORY))
    for _ in range(1000):
        guest = js.send("instance.create", module=module, imports=[], glue=None)
        store = js.send("function.call", instance=guest, name="store", args=[i32(0), i32(1)], results=[])
        release = js.send("object.release", all=True)
        assert all("result" in js.answer(ident) for ident in (guest, store, release))


def test_it_ends_with_its_input(fresh_js: RawClient) -> None:
    assert fresh_js.end() == 0


def test_it_ends_with_its_input_in_the_middle_of_a_call(fresh_js: RawClient) -> None:
    guest = instance(fresh_js, HOST, [F])
    fresh_js.send("function.call", instance=guest, name="call", args=[i32(1)], results=["i32"])
    assert fresh_js.receive()["method"] == "import.call"
    assert fresh_js.end() == 0


def test_shutdown_is_answered(fresh_js: RawClient) -> None:
    assert fresh_js.call("shutdown") == {}
    assert fresh_js.process.wait(60) == 0


def test_a_harness_that_breaks_the_protocol_is_told_loudly(fresh_js: RawClient) -> None:
    fresh_js.send_line("not json")
    with pytest.raises(Died, match="the driver is at fault"):
        fresh_js.receive()
    assert fresh_js.process.wait(60) != 0


def test_lines_of_many_megabytes(js: RawClient) -> None:
    data = os.urandom(1 << 20) * 12
    target = js.make("memory.create", min=256, max=None, shared=False, index="i32")
    put(js, target, 0, data)
    assert get(js, target, 0, len(data)) == data


def read_line(file: BinaryIO) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        assert select.select([file], [], [], SECONDS)[0], f"nothing follows after {len(line)} bytes"
        line += os.read(file.fileno(), 1 << 20)
    return line


def test_pipes_that_do_not_block() -> None:
    """A harness may have made its pipes non-blocking, and the driver has the same ones: waiting is its task then."""
    read_in, write_in = os.pipe()
    read_out, write_out = os.pipe()
    os.set_blocking(read_in, False)
    os.set_blocking(write_out, False)
    words, env = command()
    create = {"min": 64, "max": None, "shared": False, "index": "i32"}
    read = {"memory": 1, "at": 0, "type": "bytes", "count": 3_000_000}
    with (
        subprocess.Popen(words, stdin=read_in, stdout=write_out, env={**os.environ, **env}) as process,
        open(write_in, "wb", buffering=0) as requests,
        open(read_out, "rb", buffering=0) as answers,
    ):
        os.close(read_in)
        os.close(write_out)
        for ident, (method, params) in enumerate([("memory.create", create), ("memory.read", read)], start=1):
            request = {"jsonrpc": "2.0", "id": ident, "method": method, "params": params}
            requests.write(json.dumps(request).encode() + b"\n")
            answer = json.loads(read_line(answers))
            assert answer["id"] == ident
        assert len(answer["result"]["bytes"]) == 4_000_000
        requests.close()
        assert process.wait(60) == 0
