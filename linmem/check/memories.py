"""Checks of memories and views."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from linmem.check.bench import Bench, Checks, Lacking, Untested, Wrong, i32, said, same
from linmem.drivers.client import ViewKind
from linmem.protocol import METHOD_NOT_FOUND, CallFailed
from linmem.scenario import values
from linmem.scenario.happened import Bytes, Happened, Number

CHECKS = Checks()
PAGE = 65536
AT = 16  # where the basic module has these bytes:
PATTERN = bytes.fromhex("8192a3b4c5d6e7f8")
FAR = (PAGE, 2**32, 2**53 - 1, str(2**53), str(2**64 - 1), -1, -(2**31), str(-(2**63)))

# What is written for each type: every byte differs, signed ones are negative, floats are no NaN.
SAMPLES = {
    "u8": 0x9A,
    "s8": -0x66,
    "u16": 0x9ABC,
    "s16": -0x6544,
    "u32": 0x9ABCDEF0,
    "s32": -0x65432110,
    "u64": 0x9ABCDEF012345678,
    "s64": -0x6543210FEDCBA988,
    "f32": 0xC2F6E979,
    "f64": 0xC05EDD2F1A9FBE77,
}

HOST_VALUES: tuple[dict[str, Any], ...] = (
    {"host": "float", "value": str(0x3FF8000000000000)},  # 1.5
    {"host": "integer", "value": str(2**64)},
    {"host": "text", "value": "7"},
    {"host": "boolean", "value": True},
    {"host": "nothing"},
)


@CHECKS.of("memory.create", "has the size it was given")
def _create(bench: Bench) -> None:
    memory = bench.make("memory.create", min=2, max=3, shared=False, index="i32")
    same("memory.create", {"pages": 2}, bench.ask("memory.size", memory=memory))


@CHECKS.of("memory.create", "without a maximum")
def _create_open(bench: Bench) -> None:
    memory = bench.make("memory.create", min=0, max=None, shared=False, index="i32")
    same("memory.create", {"pages": 0}, bench.ask("memory.size", memory=memory))


@CHECKS.of("memory.create", "the maximum is below the minimum, told as the API tells it")
def _create_contrary(bench: Bench) -> None:
    _told(bench, "memory.create", min=2, max=1, shared=False, index="i32")


@CHECKS.of("memory.create", "with pages of one byte, unless the API has none")
def _create_bytewise(bench: Bench) -> None:
    params = {"min": 5, "max": 9, "shared": False, "index": "i32", "page_size": 1}
    request = bench.post("memory.create", params)
    reply = bench.settle(request, "memory.create")
    if isinstance(reply, CallFailed) and reply.code == METHOD_NOT_FOUND:
        raise Lacking("memory.create")
    if isinstance(reply, CallFailed) and reply.kind in ("unsupported", "host"):
        return
    if isinstance(reply, CallFailed):
        raise Wrong("memory.create", "a memory, or kind unsupported", said(reply))
    same("memory.create", {"pages": 5}, bench.ask("memory.size", memory=request, page_size=1))


@CHECKS.of("memory.export", "a memory")
def _export(bench: Bench) -> None:
    bench.memory()


@CHECKS.of("memory.export", "there is no such export")
def _no_export(bench: Bench) -> None:
    bench.refused("memory.export", "host", instance=bench.instance(), name="nowhere")


@CHECKS.of("memory.export", "the export is a function")
def _no_memory(bench: Bench) -> None:
    bench.refused("memory.export", "host", instance=bench.instance(), name="sub")


@CHECKS.of("memory.size", "in pages")
def _size(bench: Bench) -> None:
    same("memory.size", {"pages": 1}, bench.ask("memory.size", memory=bench.memory()[1]))


@CHECKS.of("memory.grow", "gives the size before, if any")
def _grow(bench: Bench) -> None:
    instance, memory = bench.memory()
    before = bench.ask("memory.grow", memory=memory, delta=1)
    if before not in ({"pages": 1}, {"pages": None}):
        raise Wrong("memory.grow", "{'pages': 1} (or null, where the API gives nothing)", str(before))
    same("memory.grow", [2], bench.call(instance, "size", results=["i32"]))
    same("memory.size", {"pages": 2}, bench.ask("memory.size", memory=memory))


@CHECKS.of("memory.grow", "beyond the maximum and by nonsense, told as the API tells it")
def _grow_too_far(bench: Bench) -> None:
    _, memory = bench.memory()
    for delta in (9, -1, 2**32, str(2**64)):
        _told(bench, "memory.grow", memory=memory, delta=delta)


@CHECKS.of("memory.read", "every memory type, through its default view")
def _read(bench: Bench) -> None:
    _, memory = bench.memory()
    for memory_type in bench.info.default_views:
        _reads(bench, memory, memory_type, None)


@CHECKS.of("memory.read", "every view kind and type")
def _read_kinds(bench: Bench) -> None:
    _, memory = bench.memory()
    for view, memory_type in _kinds(bench):
        _reads(bench, memory, memory_type, view.kind)


def _reads(bench: Bench, memory: int, memory_type: str, kind: str | None) -> None:
    width = _width(memory_type)
    more = {"count": width} if memory_type == "bytes" else {}
    found = bench.reading("memory.read", memory_type, width, memory=memory, at=AT, view=kind, **more)
    _same_value("memory.read", f"{memory_type} through {kind or 'the default view'}", PATTERN[:width], found)


@CHECKS.of("memory.read", "an address that is no whole index")
def _misaligned(bench: Bench) -> None:
    _, memory = bench.memory()
    for view, memory_type in _kinds(bench):
        if view.unit > 1 and memory_type != "bytes":
            params = {"memory": memory, "at": AT + 1, "type": memory_type, "view": view.kind}
            failure = bench.refused("memory.read", "host", **params)
            same("memory.read", "Misaligned", failure.type)


@CHECKS.of("memory.read", "bytes across the end of memory, of which four are there")
def _across_the_end(bench: Bench) -> None:
    _, memory = bench.memory()
    if "bytes" not in bench.info.default_views:
        return
    reply = _told(bench, "memory.read", memory=memory, at=PAGE - 4, type="bytes", count=8, view=None)
    given = len(base64.b64decode(reply["bytes"])) if "bytes" in reply else 0
    if given > 4:
        raise Wrong("memory.read", "at most the 4 bytes that are there, or a host error", f"{given} bytes")


@CHECKS.of("memory.read", "addresses far out of range, told as the API tells it")
def _read_far(bench: Bench) -> None:
    _, memory = bench.memory()
    for at in FAR:
        _told(bench, "memory.read", memory=memory, at=at, type="u8", view=None)


@CHECKS.of("memory.read", "a page that is there since a moment ago")
def _fresh_view(bench: Bench) -> None:
    instance, memory = bench.memory()
    bench.reading("memory.read", "u8", 1, memory=memory, at=0, view=None)
    bench.ask("memory.grow", memory=memory, delta=1)
    bench.call(instance, "store", i32(PAGE + 5), i32(77))
    found = bench.reading("memory.read", "u8", 1, memory=memory, at=PAGE + 5, view=None)
    _same_value("memory.read", "u8 in the new page", b"\x4d", found)


@CHECKS.of("memory.read", "an address refers to an earlier result")
def _address_reference(bench: Bench) -> None:
    instance, memory = bench.memory()
    params = {"instance": instance, "name": "sub", "args": [i32(10), i32(3)], "results": ["i32"]}
    earlier = bench.make("function.call", **params)
    found = bench.reading("memory.read", "u8", 1, memory=memory, at={"$ref": earlier, "+": AT - 7}, view=None)
    _same_value("memory.read", "u8 at 7 + 9", PATTERN[:1], found)
    bench.call(instance, "store", i32(0), i32(AT + 1))
    earlier = bench.make("memory.read", memory=memory, at=0, type="u8", view=None)
    found = bench.reading("memory.read", "u8", 1, memory=memory, at={"$ref": earlier}, view=None)
    _same_value("memory.read", "u8 at the address read before", PATTERN[1:2], found)


@CHECKS.of("memory.write", "every memory type, through its default view")
def _write(bench: Bench) -> None:
    instance, memory = bench.memory()
    for memory_type in bench.info.default_views:
        expected, value = _sample(memory_type)
        bench.ask("memory.write", memory=memory, at=200, type=memory_type, value=value, view=None)
        same("memory.write", expected, bench.peek(instance, 200, len(expected)))


@CHECKS.of("memory.write", "every view kind and type")
def _write_kinds(bench: Bench) -> None:
    instance, memory = bench.memory()
    for at, (view, memory_type) in enumerate(_kinds(bench)):
        at = 256 + 8 * at  # a place of its own for each
        expected, value = _sample(memory_type)
        bench.ask("memory.write", memory=memory, at=at, type=memory_type, value=value, view=view.kind)
        found = bench.peek(instance, at, len(expected))
        if found != expected:
            raise Wrong("memory.write", f"{expected.hex(' ')} ({memory_type} through {view.kind})", found.hex(" "))


@CHECKS.of("memory.write", "a value out of the type's range, told as the API tells it")
def _write_out_of_range(bench: Bench) -> None:
    _, memory = bench.memory()
    for value in ("256", "-1", str(2**64)):
        _told(
            bench,
            "memory.write",
            memory=memory,
            at=0,
            type="u8",
            value={"type": "u8", "value": value},
            view=None,
        )


@CHECKS.of("memory.write", "a value of the host's language, told as the API tells it")
def _write_host_value(bench: Bench) -> None:
    _, memory = bench.memory()
    for value in HOST_VALUES:
        for view, memory_type in _kinds(bench):
            if memory_type != "bytes":
                params = {"memory": memory, "at": 0, "type": memory_type, "value": value, "view": view.kind}
                _told(bench, "memory.write", or_unsupported=True, **params)


@CHECKS.of("memory.write", "addresses far out of range, told as the API tells it")
def _write_far(bench: Bench) -> None:
    _, memory = bench.memory()
    for at in FAR:
        _told(
            bench,
            "memory.write",
            memory=memory,
            at=at,
            type="u8",
            value={"type": "u8", "value": "1"},
            view=None,
        )


@CHECKS.of("view.open", "every view kind")
def _open(bench: Bench) -> None:
    _, memory = bench.memory()
    for view in bench.info.views:
        bench.make("view.open", memory=memory, kind=view.kind)


@CHECKS.of("view.open", "the default kind, at an offset and of a length")
def _open_part(bench: Bench) -> None:
    _, memory = bench.memory()
    request = bench.post("view.open", {"memory": memory, "kind": None, "offset": AT, "length": 4})
    reply = bench.settle(request, "view.open")
    if isinstance(reply, CallFailed) and reply.code == METHOD_NOT_FOUND:
        raise Lacking("view.open")
    if isinstance(reply, CallFailed) and reply.unsupported:
        return  # the API has no such thing
    if isinstance(reply, CallFailed):
        raise Wrong("view.open", "a view, or kind unsupported", said(reply))
    same("view.length", {"length": 4}, bench.ask("view.length", view=request))
    found = bench.reading("view.read", "u8", 1, view=request, index=2)
    _same_value("view.open", "u8 at offset 16, index 2", PATTERN[2:3], found)


@CHECKS.of("view.length", "in units")
def _length(bench: Bench) -> None:
    _, memory = bench.memory()
    for view in bench.info.views:
        opened = bench.make("view.open", memory=memory, kind=view.kind)
        reply = bench.settle(bench.post("view.length", {"view": opened}), "view.length")
        if isinstance(reply, CallFailed):
            if reply.code == METHOD_NOT_FOUND:
                raise Lacking("view.length")
            if not reply.unsupported:
                raise Wrong("view.length", f"a length ({view.kind}), or kind unsupported", said(reply))
            continue  # the API's way in has no length
        if reply != {"length": PAGE // view.unit}:
            raise Wrong("view.length", f"{PAGE // view.unit} ({view.kind})", str(reply))


@CHECKS.of("view.read", "every view kind and type, on one kept view")
def _view_read(bench: Bench) -> None:
    instance, memory = bench.memory()
    for view, memory_type in _kinds(bench):
        opened = bench.make("view.open", memory=memory, kind=view.kind)
        width = _width(memory_type)
        for first in (PATTERN[0], 0x5A):
            bench.call(instance, "store", i32(AT), i32(first))  # the guest writes, the view sees it
            more = {"count": width // view.unit} if memory_type == "bytes" else {}
            found = bench.reading("view.read", memory_type, width, view=opened, index=AT // view.unit, **more)
            expected = bytes([first]) + PATTERN[1:width]
            _same_value("view.read", f"{memory_type} through {view.kind}", expected, found)
        bench.call(instance, "store", i32(AT), i32(PATTERN[0]))


@CHECKS.of("view.read", "an index past the end, told as the API tells it")
def _view_read_far(bench: Bench) -> None:
    _, memory = bench.memory()
    opened = bench.make("view.open", memory=memory, kind=None)
    for index in (PAGE, str(2**64)):
        _told(bench, "view.read", view=opened, index=index, type="u8")


@CHECKS.of("view.write", "every view kind and type")
def _view_write(bench: Bench) -> None:
    instance, memory = bench.memory()
    for at, (view, memory_type) in enumerate(_kinds(bench)):
        at = 256 + 8 * at
        expected, value = _sample(memory_type)
        opened = bench.make("view.open", memory=memory, kind=view.kind)
        bench.ask("view.write", view=opened, index=at // view.unit, type=memory_type, value=value)
        found = bench.peek(instance, at, len(expected))
        if found != expected:
            raise Wrong("view.write", f"{expected.hex(' ')} ({memory_type} through {view.kind})", found.hex(" "))


@CHECKS.of("object.release", "a named object is gone, others are not")
def _release_one(bench: Bench) -> None:
    instance, memory = bench.memory()
    bench.ask("object.release", objects=[memory])
    bench.unknown("object.release", "memory.size", memory=memory)
    same("object.release", [1], bench.call(instance, "size", results=["i32"]))


@CHECKS.of("object.release", "the store is gone, views and modules are not")
def _release_store(bench: Bench) -> None:
    module = bench.module()
    instance = bench.make("instance.create", module=module, imports=[], glue=None)
    memory = bench.make("memory.export", instance=instance, name="memory")
    opened = bench.make("view.open", memory=memory, kind=None)
    reply = bench.settle(bench.post("object.release", {"store": True}), "object.release")
    if isinstance(reply, CallFailed) and reply.unsupported:
        return
    if isinstance(reply, CallFailed):
        raise Wrong("object.release", "a result, or kind unsupported", said(reply))
    bench.unknown("object.release", "memory.size", memory=memory)
    bench.ask("object.release", objects=[opened])  # reading it might end the process, which would be honest
    instance = bench.make("instance.create", module=module, imports=[], glue=None)
    same("object.release", [1], bench.call(instance, "size", results=["i32"]))


@CHECKS.of("object.release", "all objects are gone, modules are not")
def _release_all(bench: Bench) -> None:
    module = bench.module()
    instance = bench.make("instance.create", module=module, imports=[], glue=None)
    bench.ask("object.release", all=True)
    bench.unknown("object.release", "function.call", instance=instance, name="size", args=[], results=["i32"])
    instance = bench.make("instance.create", module=module, imports=[], glue=None)
    same("object.release", [1], bench.call(instance, "size", results=["i32"]))


def _told(bench: Bench, method: str, *, or_unsupported: bool = False, **params: Any) -> dict[str, Any]:
    """Ask for what a host API may refuse (kind host): the result, or an empty one."""
    try:
        reply = bench.settle(bench.post(method, params), method)
    except Wrong as wrong:
        if "was killed by SIG" in wrong.actual:
            raise Untested(f"{wrong.actual}: if that is the runtime's doing, it is honest") from wrong
        raise
    if not isinstance(reply, CallFailed):
        return reply
    if reply.code == METHOD_NOT_FOUND:
        raise Lacking(method)
    if (reply.kind == "host" and reply.type) or (or_unsupported and reply.unsupported):
        return {}
    shown = ", ".join(f"{name} {value}" for name, value in params.items() if name in ("at", "delta", "index"))
    raise Wrong(method, f"a result, or kind host with the exception's class ({shown})", said(reply))


def _kinds(bench: Bench) -> Iterator[tuple[ViewKind, str]]:
    for view in bench.info.views:
        for memory_type in view.types:
            yield view, memory_type


def _width(memory_type: str) -> int:
    return values.MEMORY_TYPES.get(memory_type, len(PATTERN))


def _sample(memory_type: str) -> tuple[bytes, dict[str, str]]:
    """What is to stand in memory, and the value that puts it there."""
    if memory_type == "bytes":
        data = PATTERN[::-1]
        return data, {"bytes": base64.b64encode(data).decode()}
    value = SAMPLES[memory_type]
    width = values.MEMORY_TYPES[memory_type]
    return (value % (1 << 8 * width)).to_bytes(width, "little"), {"type": memory_type, "value": str(value)}


def _same_value(method: str, what: str, expected: bytes, found: Happened) -> None:
    actual = str(found)
    if isinstance(found, Bytes):
        if found.data == expected:
            return
    elif isinstance(found, Number):
        data = found.bits.to_bytes(len(expected), "little")
        if data == expected:
            return
        actual = data.hex(" ")
    raise Wrong(method, f"{expected.hex(' ')} ({what})", actual)
