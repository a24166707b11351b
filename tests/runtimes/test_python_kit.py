"""The Python driver kit, under a toy driver whose memories are bytearrays."""

from __future__ import annotations

import ast
import base64
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rawclient import RUNTIMES, Died, RawClient, host_function, i32

KIT = RUNTIMES / "kits" / "python"
sys.path.append(str(KIT))

import linmem_driver  # noqa: E402
import linmem_values  # noqa: E402
import linmem_views  # noqa: E402

TOY = f"""
import os, sys
sys.path.insert(0, {str(KIT)!r})
from linmem_driver import Channel, Driver, Refused, ViewKind
from linmem_session import serve
channel = Channel()
from linmem_values import MEMORY_TYPES, WIDTH, packed

class Panic(BaseException):
    pass

class View:
    def __init__(self, data):
        self.data = data
    def read(self, index, memory_type, count):
        if memory_type == "s8":
            return self.data[index] - 256
        if memory_type == "f64":
            return 1.5
        if memory_type == "s16":
            return None
        return bytes(self.data[index:index + WIDTH[memory_type] * count])
    def write(self, index, memory_type, value):
        data = packed(memory_type, value)
        self.data[index:index + len(data)] = data
        return len(data)
    def length(self):
        return 2**53 + len(self.data)
    def object(self):
        return self.data

class Toy(Driver):
    runtime = dict(name="toy", version="1", engine="none")
    views = dict(bytes=ViewKind(1, MEMORY_TYPES), words=ViewKind(4, ("u32",)))
    default_views = dict.fromkeys(MEMORY_TYPES, "bytes")

    def __init__(self, variant, cache):
        if variant is not None:
            raise Refused("no variant " + variant)
        self.released = 0

    def classify(self, method, error):
        if str(error) == "bug in the driver":
            raise error
        return ("compile" if method == "module.compile" else "host"), str(error)

    def module_compile(self, data):
        if data == b"bad":
            raise ValueError("bad module")
        return data

    def instance_create(self, module, imports):
        return dict((item.name, item.value) for item in imports)

    def function_call(self, instance, name, args, results):
        if name == "echo":
            return args
        if name == "raise":
            raise RuntimeError("bug in the driver" if args else "caf\\u00e9 \\ud800 " + "x" * 10000)
        if name == "panic":
            raise Panic("left the rails")
        if name == "print":
            line = "x" * 1023 + "\\n"
            for _ in range(args[0] * 512):
                print(line, end="")
                os.write(1, line.encode())
            return []
        if name == "stdin":
            return [len(sys.stdin.read())]
        if name == "released":
            return [self.released]
        given = instance[name](*args)
        return list(given) if isinstance(given, tuple) else [] if given is None else [given]

    def memory_create(self, min, max, shared, index):
        return bytearray(min)

    def memory_size(self, memory):
        return len(memory)

    def view_open(self, memory, kind, offset, length):
        return View(memory)

    def release_all(self):
        self.released += 1

serve(Toy, channel)
"""


@pytest.fixture
def started(tmp_path: Path) -> Iterator[RawClient]:
    """The toy before `initialize`."""
    script = tmp_path / "toy.py"
    script.write_text(TOY)
    with RawClient([sys.executable, "-E", "-s", "-B", str(script)]) as client:
        yield client


@pytest.fixture
def toy(started: RawClient) -> RawClient:
    started.call("initialize", protocol=1, variant=None, cache=None)
    return started


def instance(toy: RawClient, *functions: str) -> int:
    """An instance whose exports are host functions from i32 to i32."""
    module = toy.make("module.compile", bytes="")
    imports = [host_function(name) for name in functions]
    return toy.make("instance.create", module=module, imports=imports, glue=None)


def test_initialize_says_what_the_driver_is(started: RawClient) -> None:
    answer = started.call("initialize", protocol=1, variant=None, cache=None)
    assert answer["protocol"] == 1
    assert answer["runtime"] == {"name": "toy", "version": "1", "engine": "none"}
    assert answer["host"]["language"] == "Python"
    assert answer["host"]["version"].startswith(f"{sys.version_info[0]}.{sys.version_info[1]}.")
    assert answer["views"][1] == {"kind": "words", "unit": 4, "types": ["u32"]}
    assert answer["default_views"]["u8"] == "bytes"
    assert answer["glue"] == []


def test_requests_before_initialize_and_a_second_one_are_refused(started: RawClient) -> None:
    assert started.refused("memory.size", memory=1) == -32600
    assert started.refused("no.such.method") == -32601
    assert started.refused("initialize", protocol=2, variant=None, cache=None) == -32602
    assert started.refused("initialize", protocol=1, variant="fast", cache=None)["kind"] == "unsupported"
    started.call("initialize", protocol=1, variant=None, cache=None)
    assert started.refused("initialize", protocol=1, variant=None, cache=None) == -32602


def test_a_method_without_a_hook_is_not_found(toy: RawClient) -> None:
    assert toy.refused("no.such.method") == -32601
    assert toy.refused("memory.grow", memory=1, delta=1) == -32601
    assert toy.refused("memory.export", instance=1, name="memory") == -32601


def test_pipelined_requests_are_answered_in_order(toy: RawClient) -> None:
    memory = toy.send("memory.create", min=500, max=None, shared=False, index="i32")
    value = {"type": "u8", "value": {"$ref": memory + 1}}
    sent = [memory, toy.send("memory.size", memory=memory)]
    for at in range(200):
        sent.append(toy.send("memory.write", memory=memory, at=at, type="u16", value=value, view=None))
        sent.append(toy.send("memory.read", memory=memory, at=at, type="u16", view=None))
    answers = [toy.receive() for _ in sent]
    assert [answer["id"] for answer in answers] == sent
    assert all(answer["result"] == {"bytes": base64.b64encode(b"\xf4\x01").decode()} for answer in answers[3::2])


def test_readings_say_what_the_api_gave(toy: RawClient) -> None:
    memory = toy.make("memory.create", min=4, max=None, shared=False, index="i32")
    toy.call("memory.write", memory=memory, at=0, type="bytes", value={"bytes": "/wAB"}, view=None)

    def read(memory_type: str, **more: Any) -> Any:
        return toy.call("memory.read", memory=memory, at=0, type=memory_type, view=None, **more)

    assert read("u8") == {"bytes": "/w=="}
    assert read("s8") == {"value": {"type": "s8", "value": "-1"}}
    assert read("f64") == {"value": {"type": "f64", "value": "4609434218613702656"}}
    assert read("s16") == {"nothing": "None"}
    assert read("u64") == {"bytes": "/wABAA=="}
    assert read("bytes", count=3) == {"bytes": "/wAB"}
    assert toy.refused("memory.read", memory=memory, at=0, type="bytes", view=None) == -32602


def test_writes_pass_values_on(toy: RawClient) -> None:
    memory = toy.make("memory.create", min=8, max=None, shared=False, index="i32")

    def write(memory_type: str, value: str) -> Any:
        typed = {"type": memory_type, "value": value}
        return toy.answer(toy.send("memory.write", memory=memory, at=0, type=memory_type, value=typed, view=None))

    assert write("u16", "65535")["result"] == {"count": 2}
    assert write("f32", str(0x7FA00001))["result"] == {"count": 4}
    given = toy.call("memory.read", memory=memory, at=0, type="u32", view=None)
    assert base64.b64decode(given["bytes"]) == (0x7FA00001).to_bytes(4, "little")
    assert write("u8", "256")["error"]["data"]["kind"] == "unsupported"  # no bytes stand for it, so nothing is asked
    assert write("f32", str(1 << 32))["error"]["code"] == -32602


def test_views_count_in_their_units(toy: RawClient) -> None:
    memory = toy.make("memory.create", min=64, max=None, shared=False, index="i32")

    def read(at: int, memory_type: str, view: str) -> Any:
        return toy.answer(toy.send("memory.read", memory=memory, at=at, type=memory_type, view=view))

    toy.call("memory.write", memory=memory, at=2, type="u8", value={"type": "u8", "value": "7"}, view=None)
    assert read(8, "u32", "words")["result"] == {"bytes": "BwAAAA=="}  # the toy counts bytes whatever its kind says
    assert read(9, "u32", "words")["error"]["data"]["type"] == "TypeError"  # as Python has it for data[2.25]
    assert read(8, "u8", "words")["error"]["data"]["kind"] == "unsupported"
    assert read(8, "u8", "letters")["error"]["data"]["kind"] == "unsupported"
    view = toy.make("view.open", memory=memory, kind=None, offset=None, length=None)
    assert toy.call("view.length", view=view) == {"length": str(2**53 + 64)}
    assert toy.call("view.read", view=view, at=str(2), type="u8") == {"bytes": "Bw=="}


def test_what_takes_a_view(toy: RawClient) -> None:
    memory = toy.make("memory.create", min=8, max=None, shared=False, index="i32")
    toy.call("memory.write", memory=memory, at=2, type="u8", value={"type": "u8", "value": "7"}, view=None)
    view = toy.make("view.open", memory=memory, kind=None)
    assert toy.call("object.use", object=view, api="bytes") == {"bytes": "AAAHAAAAAAA="}
    assert toy.call("object.use", object=view, api="BytesIO.readinto", value="abc") == {"count": 3}
    assert toy.call("view.read", view=view, at=1, type="bytes", count=3) == {"bytes": "YmMA"}
    assert toy.refused("object.use", object=view, api="structuredClone")["kind"] == "unsupported"
    assert toy.refused("view.open", view=view, offset=2)["kind"] == "unsupported"


def test_a_slice_of_a_memoryview_is_a_part_and_that_of_other_buffers_a_copy() -> None:
    data = bytearray(8)
    part = linmem_views.BufferView(memoryview(data)).part(2, 6)
    part.write(1, "u8", 7)
    assert (data[3], part.length()) == (7, 4)
    with pytest.raises(linmem_driver.Refused, match="a slice of a bytearray is a copy"):
        linmem_views.BufferView(data).part(2, 6)


def test_references(toy: RawClient) -> None:
    memory = toy.make("memory.create", min=300, max=None, shared=False, index="i32")
    here = instance(toy)
    size, echo = (
        toy.send("memory.size", memory=memory),
        toy.send(
            "function.call", instance=here, name="echo", args=[{"type": "i32", "value": "4294967295"}], results=["i32"]
        ),
    )
    assert toy.receive()["result"] == {"pages": 300}
    assert toy.receive()["result"] == {"values": [{"type": "i32", "value": "-1"}]}

    def echoed(reference: Any) -> str:
        args = [{"type": "i64", "value": reference}]
        given = toy.call("function.call", instance=here, name="echo", args=args, results=["i64"])
        return str(given["values"][0]["value"])

    assert echoed({"$ref": size}) == "300"
    assert echoed({"$ref": size, "+": -301}) == "-1"
    assert echoed({"$ref": echo, "+": 1}) == str(1 << 32)
    assert echoed({"$ref": size, "+": str(2**53)}) == str(2**53 + 300)
    reading = toy.send("memory.read", memory=memory, at=298, type="s8", view=None)
    short = toy.send("memory.read", memory=memory, at=298, type="u32", view=None)
    toy.receive(), toy.receive()
    assert echoed({"$ref": reading}) == "0"
    args = [{"type": "i64", "value": {"$ref": short}}]
    params = {"instance": here, "name": "echo", "args": args, "results": ["i64"]}
    assert toy.refused("function.call", **params)["kind"] == "skipped"
    args[0]["value"] = {"$ref": memory}
    assert toy.refused("function.call", **params) == -32602


def test_what_uses_a_failed_request_is_skipped(toy: RawClient) -> None:
    module = toy.send("module.compile", bytes=base64.b64encode(b"bad").decode())
    failed = toy.send("instance.create", module=module, imports=[], glue=None)
    called = toy.send("function.call", instance=failed, name="echo", args=[i32(1)], results=["i32"])
    used = toy.send("memory.create", min={"$ref": called}, max=None, shared=False, index="i32")
    last = toy.send("memory.size", memory=used)
    answers = [toy.receive()["error"]["data"]["kind"] for _ in (module, failed, called, used, last)]
    assert answers == ["compile", "skipped", "skipped", "skipped", "skipped"]
    toy.call("object.release", all=True)
    assert toy.refused("instance.create", module=module, imports=[], glue=None)["kind"] == "skipped"
    assert toy.refused("memory.size", memory=used) == -32602


def test_release(toy: RawClient) -> None:
    here, memory = instance(toy), toy.make("memory.create", min=1, max=None, shared=False, index="i32")
    size = toy.send("memory.size", memory=memory)
    toy.receive()
    toy.call("object.release", objects=[memory, 10**6])
    assert toy.refused("memory.size", memory=memory) == -32602
    assert toy.function(here, "released", results=["i32"]) == ["0"]
    toy.call("object.release", all=True)
    assert toy.refused("function.call", instance=here, name="echo", args=[], results=[]) == -32602
    assert toy.refused("memory.create", min={"$ref": size}, max=None, shared=False, index="i32") == -32602
    again = toy.make("instance.create", module=2, imports=[], glue=None)  # modules outlive it
    assert toy.function(again, "released", results=["i32"]) == ["1"]


def test_errors_of_the_runtime(toy: RawClient) -> None:
    here = instance(toy)
    data = toy.refused("function.call", instance=here, name="raise", args=[], results=[])
    assert (data["kind"], data["type"]) == ("host", "RuntimeError")
    assert data["text"].startswith("café ? xxx")
    assert data["text"].endswith("… (10007 characters)")
    panic = toy.refused("function.call", instance=here, name="panic", args=[], results=[])
    assert (panic["kind"], panic["type"], panic["message"]) == ("host", "Panic", "left the rails")
    assert toy.refused("function.call", instance=here, name="echo", args=[i32(1)], results=[]) == -32602
    assert toy.refused("function.call", instance=here, name="echo", results=[]) == -32602
    v128 = [{"type": "v128", "value": "0"}]
    data = toy.refused("function.call", instance=here, name="echo", args=v128, results=["v128"])
    assert data["kind"] == "unsupported"
    glue = {"kind": "go", "path": "wasm_exec.js"}
    assert toy.refused("instance.create", module=2, imports=[], glue=glue)["kind"] == "unsupported"


def test_host_functions_nest_three_deep(toy: RawClient) -> None:
    here = instance(toy, "f")
    depths = []

    def serve(params: dict[str, Any]) -> Any:
        assert params["func"] == "env.f"
        depth = int(params["args"][0]["value"])
        depths.append(depth)
        if depth == 3:
            return [i32(2**32 - 5)]
        return [i32(int(toy.function(here, "f", depth + 1, results=["i32"])[0]) - 1 & 0xFFFFFFFF)]

    toy.on_import = serve
    assert toy.function(here, "f", 1, results=["i32"]) == ["-7"]
    assert depths == [1, 2, 3]


def test_a_host_function_throws(toy: RawClient) -> None:
    here = instance(toy, "f")
    for kind in ("host", "trap"):  # the toy has no way to make a trap
        toy.on_import = lambda params, kind=kind: {"code": -32000, "message": "thrown", "data": {"kind": kind}}
        data = toy.refused("function.call", instance=here, name="f", args=[i32(1)], results=["i32"])
        assert (data["kind"], data["type"], data["message"]) == ("host", "HostThrow", "thrown")


def test_host_functions_nest_as_deep_as_the_driver_says(toy: RawClient) -> None:
    here = instance(toy, "f")
    refusals = []

    def serve(params: dict[str, Any]) -> Any:
        answer = toy.answer(toy.send("function.call", instance=here, name="f", args=params["args"], results=["i32"]))
        if "error" in answer:
            refusals.append(answer["error"]["data"])
        return [i32(len(refusals))]

    toy.on_import = serve
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        assert toy.function(here, "f", 1, results=["i32"]) == ["1"]
    finally:
        sys.setrecursionlimit(limit)
    assert [refusal["kind"] for refusal in refusals] == ["unsupported"]
    assert toy.function(here, "echo", 7, results=["i32"]) == ["7"]


def test_output_and_input_are_not_the_protocols(toy: RawClient) -> None:
    here = instance(toy)
    assert toy.function(here, "stdin", results=["i32"]) == ["0"]
    assert toy.function(here, "print", 100) == []  # 100 MiB, by print and by descriptor
    assert toy.function(here, "echo", 5, results=["i32"]) == ["5"]
    assert toy.end() == 0
    assert len(toy.stderr()) == 100 << 20


def test_page_sizes_are_for_drivers_that_say_so(toy: RawClient) -> None:
    params = {"min": 1, "max": None, "shared": False, "index": "i32"}
    toy.make("memory.create", **params, page_size=65536)
    assert toy.refused("memory.create", **params, page_size=1)["kind"] == "unsupported"


def test_long_lines(toy: RawClient) -> None:
    data = os.urandom(5 << 20)
    memory = toy.make("memory.create", min=len(data), max=None, shared=False, index="i32")
    encoded = base64.b64encode(data).decode()
    toy.call("memory.write", memory=memory, at=0, type="bytes", value={"bytes": encoded}, view=None)
    given = toy.call("memory.read", memory=memory, at=0, type="bytes", count=len(data), view=None)
    assert given["bytes"] == encoded


def test_what_is_no_request_is_answered_and_passed_over(toy: RawClient) -> None:
    expected = {"{not json": -32700, "": -32700, "[]": -32600, '{"method":"memory.size"}': -32600, "{} {}": -32600}
    expected['{"id":"seven","method":"memory.size"}'] = -32600
    for line, code in expected.items():
        toy.send_line(line)
        answer = toy.receive()
        assert (answer["id"], answer["error"]["code"]) == (None, code), line
    assert toy.refused("memory.size") == -32602


def test_end_of_input_ends_the_driver(toy: RawClient) -> None:
    here = instance(toy, "f")
    toy.send("function.call", instance=here, name="f", args=[i32(1)], results=["i32"])
    assert toy.receive()["method"] == "import.call"
    assert toy.end() == 0


def test_shutdown(toy: RawClient) -> None:
    assert toy.call("shutdown") == {}
    assert toy.process.wait(60) == 0


def test_a_fault_of_the_drivers_own_is_loud(toy: RawClient) -> None:
    here = instance(toy, "f")
    toy.send("function.call", instance=here, name="raise", args=[i32(1)], results=[])
    with pytest.raises(Died) as died:
        toy.receive()
    assert died.value.args[0] == 70
    assert "bug in the driver" in died.value.args[1]


def test_an_answer_to_something_else_is_loud(toy: RawClient) -> None:
    here = instance(toy, "f")
    toy.send("function.call", instance=here, name="f", args=[i32(1)], results=["i32"])
    assert toy.receive()["id"] == "h1"
    toy.send_line({"jsonrpc": "2.0", "id": "h2", "result": {"values": []}})
    with pytest.raises(Died) as died:
        toy.receive()
    assert died.value.args[0] == 70


def test_code_cache(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    cache = linmem_driver.CodeCache(str(folder), "toy-1", "fast")
    assert cache.load(b"module") is None
    cache.save(b"module", b"compiled")
    assert cache.load(b"module") == b"compiled"
    assert cache.load(b"other") is None
    assert linmem_driver.CodeCache(str(folder), "toy-2", "fast").load(b"module") is None
    assert linmem_driver.CodeCache(str(folder), "toy-1", "slow").load(b"module") is None
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("damage", [b"", b"linmem", b"linmem1\nABCDcompiled", None])
def test_a_damaged_cache_file_counts_for_nothing_and_is_replaced(tmp_path: Path, damage: bytes | None) -> None:
    cache = linmem_driver.CodeCache(str(tmp_path), "toy-1")
    cache.save(b"module", b"compiled")
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:-1] + b"?" if damage is None else damage)
    assert cache.load(b"module") is None
    cache.save(b"module", b"compiled")
    assert cache.load(b"module") == b"compiled"


def test_a_cache_that_cant_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (None, str(tmp_path / "file")):
        cache = linmem_driver.CodeCache(folder, "toy-1")
        cache.save(b"module", b"compiled")
        assert cache.load(b"module") is None


def test_floats_keep_their_bits() -> None:
    for value_type, bits in (("f64", 0x7FF4000000000001), ("f64", 1 << 63), ("f32", 0x7FC00007), ("f32", 1)):
        assert linmem_values.to_bits(value_type, linmem_values.to_number(value_type, bits)) == bits


def test_signed_reading_of_unsigned_values() -> None:
    assert linmem_values.to_signed(0x7FFFFFFF, 4) == 0x7FFFFFFF
    assert linmem_values.to_signed(0x80000000, 4) == -0x80000000
    assert linmem_values.to_signed(1 << 32, 4) == 1 << 32
    assert linmem_values.to_signed(-1, 4) == -1


@pytest.mark.parametrize(
    "path",
    sorted([*RUNTIMES.glob("kits/python/*.py"), *RUNTIMES.glob("*/driver.py")]),
    ids=lambda path: path.parent.name,
)
def test_syntax_is_that_of_cpython_3_7(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 7))
    first = next(node for node in tree.body if isinstance(node, ast.ImportFrom))
    assert (first.module, first.names[0].name) == ("__future__", "annotations")
