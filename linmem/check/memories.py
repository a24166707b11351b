"""Checks of memories and views."""

from __future__ import annotations

import base64
import functools
from collections.abc import Iterator
from typing import Any

from linmem.check.driver import Checks, DriverUnderTest, Untested, Wrong, bits, i32, said, same
from linmem.drivers.client import ViewKind
from linmem.protocol import CallFailed
from linmem.scenario import values

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

# -------------------------------------------------------------------- memories


def _create(low: int, high: int | None, driver: DriverUnderTest) -> None:
    same("memory.create", {"pages": low}, driver.ask("memory.size", memory=driver.new_memory(low, high)))


def _create_bytewise(driver: DriverUnderTest) -> None:
    params = {"min": 5, "max": 9, "shared": False, "index": "i32", "page_size": 1}
    memory, reply = driver.attempt("memory.create", **params)
    if not isinstance(reply, CallFailed):
        same("memory.create", {"pages": 5}, driver.ask("memory.size", memory=memory, page_size=1))
    elif reply.kind not in ("unsupported", "host"):
        raise Wrong("memory.create", "a memory, or kind unsupported", said(reply))


def _grow(driver: DriverUnderTest) -> None:
    instance, memory = driver.memory()
    before = driver.ask("memory.grow", memory=memory, delta=1)
    if before not in ({"pages": 1}, {"pages": None}):
        raise Wrong("memory.grow", "{'pages': 1} (or null, where the API gives nothing)", str(before))
    same("memory.grow", [2], driver.call(instance, "size"))
    same("memory.size", {"pages": 2}, driver.ask("memory.size", memory=memory))


def _grow_too_far(driver: DriverUnderTest) -> None:
    _, memory = driver.memory()
    for delta in (9, -1, 2**32, str(2**64)):
        _may_refuse(driver, "memory.grow", memory=memory, delta=delta)


# --------------------------------------------------------------------- reading


def _reads(driver: DriverUnderTest, memory: int, memory_type: str, kind: str | None) -> None:
    width = _width(memory_type)
    more = {"count": width} if memory_type == "bytes" else {}
    found = driver.read("memory.read", memory_type, width, memory=memory, at=AT, view=kind, **more)
    same("memory.read", PATTERN[:width], found, f"{memory_type} through {kind or 'the default view'}")


def _read(driver: DriverUnderTest) -> None:
    _, memory = driver.memory()
    for memory_type in driver.info.default_views:
        _reads(driver, memory, memory_type, None)


def _read_kinds(driver: DriverUnderTest) -> None:
    _, memory = driver.memory()
    for view, memory_type in _kinds(driver):
        _reads(driver, memory, memory_type, view.kind)


def _between_elements(driver: DriverUnderTest) -> None:
    _, memory = driver.memory()
    for view, memory_type in _kinds(driver):
        if view.unit > 1 and memory_type != "bytes":
            _may_refuse(driver, "memory.read", memory=memory, at=AT + 1, type=memory_type, view=view.kind)


def _across_the_end(driver: DriverUnderTest) -> None:
    _, memory = driver.memory()
    if "bytes" not in driver.info.default_views:
        return
    reply = _may_refuse(driver, "memory.read", memory=memory, at=PAGE - 4, type="bytes", count=8, view=None)
    given = len(base64.b64decode(reply["bytes"])) if "bytes" in reply else 0
    if given > 4:
        raise Wrong("memory.read", "at most the 4 bytes that are there, or a host error", f"{given} bytes")


def _fresh_view(driver: DriverUnderTest) -> None:
    instance, memory = driver.memory()
    driver.byte(memory, 0)
    driver.ask("memory.grow", memory=memory, delta=1)
    driver.store(instance, PAGE + 5, 77)
    same("memory.read", b"\x4d", driver.byte(memory, PAGE + 5), "u8 in the new page")


def _address_reference(driver: DriverUnderTest) -> None:
    instance, memory = driver.memory()
    params = {"instance": instance, "name": "sub", "args": [i32(10), i32(3)], "results": ["i32"]}
    earlier = driver.make("function.call", **params)
    same("memory.read", PATTERN[:1], driver.byte(memory, {"$ref": earlier, "+": AT - 7}), "u8 at 7 + 9")
    driver.store(instance, 0, AT + 1)
    earlier = driver.make("memory.read", memory=memory, at=0, type="u8", view=None)
    same("memory.read", PATTERN[1:2], driver.byte(memory, {"$ref": earlier}), "u8 at the address read before")


# --------------------------------------------------------------------- writing


def _write(driver: DriverUnderTest) -> None:
    instance, memory = driver.memory()
    for memory_type in driver.info.default_views:
        expected, value = _sample(memory_type)
        driver.ask("memory.write", memory=memory, at=200, type=memory_type, value=value, view=None)
        same("memory.write", expected, driver.peek(instance, 200, len(expected)))


def _write_kinds(method: str, driver: DriverUnderTest) -> None:
    instance, memory = driver.memory()
    for number, (view, memory_type) in enumerate(_kinds(driver)):
        at = 256 + 8 * number  # a place of its own for each
        expected, value = _sample(memory_type)
        if method == "memory.write":
            where = {"memory": memory, "at": at, "view": view.kind}
        else:
            opened = driver.make("view.open", memory=memory, kind=view.kind)
            where = {"view": opened, "at": at}
        driver.ask(method, type=memory_type, value=value, **where)
        same(method, expected, driver.peek(instance, at, len(expected)), f"{memory_type} through {view.kind}")


def _write_out_of_range(driver: DriverUnderTest) -> None:
    _, memory = driver.memory()
    for value in (256, -1, 2**64):
        params = {"memory": memory, "at": 0, "type": "u8", "value": bits("u8", value), "view": None}
        _may_refuse(driver, "memory.write", or_unsupported=True, **params)  # no bytes stand for it


def _write_host_value(driver: DriverUnderTest) -> None:
    _, memory = driver.memory()
    for value in HOST_VALUES:
        for view, memory_type in _kinds(driver):
            if memory_type != "bytes":
                params = {"memory": memory, "at": 0, "type": memory_type, "value": value, "view": view.kind}
                _may_refuse(driver, "memory.write", or_unsupported=True, **params)


def _far(method: str, driver: DriverUnderTest) -> None:
    _, memory = driver.memory()
    more: dict[str, Any] = {"value": bits("u8", 1)} if method == "memory.write" else {}
    for at in FAR:
        _may_refuse(driver, method, memory=memory, at=at, type="u8", view=None, **more)


# ----------------------------------------------------------------------- views


def _open(driver: DriverUnderTest) -> None:
    _, memory = driver.memory()
    for view in driver.info.views:
        driver.make("view.open", memory=memory, kind=view.kind)


def _open_part(driver: DriverUnderTest) -> None:
    _, memory = driver.memory()
    opened = driver.supported("view.open", "a view", memory=memory, kind=None, offset=AT, length=4)
    if opened is not None:
        same("view.length", {"length": 4}, driver.ask("view.length", view=opened[0]))
        found = driver.read("view.read", "u8", 1, view=opened[0], at=2)
        same("view.open", PATTERN[2:3], found, "u8 at offset 16, address 2")


def _length(driver: DriverUnderTest) -> None:
    _, memory = driver.memory()
    for view in driver.info.views:
        opened = driver.make("view.open", memory=memory, kind=view.kind)
        answer = driver.supported("view.length", f"a length ({view.kind})", view=opened)
        if answer is not None:
            same("view.length", {"length": PAGE // view.unit}, answer[1], view.kind)


def _view_read(driver: DriverUnderTest) -> None:
    instance, memory = driver.memory()
    for view, memory_type in _kinds(driver):
        opened = driver.make("view.open", memory=memory, kind=view.kind)
        width = _width(memory_type)
        for first in (PATTERN[0], 0x5A):
            driver.store(instance, AT, first)  # the guest writes, the view sees it
            more = {"count": width} if memory_type == "bytes" else {}
            found = driver.read("view.read", memory_type, width, view=opened, at=AT, **more)
            same("view.read", bytes([first]) + PATTERN[1:width], found, f"{memory_type} through {view.kind}")
        driver.store(instance, AT, PATTERN[0])


def _view_read_far(driver: DriverUnderTest) -> None:
    _, memory = driver.memory()
    opened = driver.make("view.open", memory=memory, kind=None)
    for at in (PAGE, str(2**64)):
        _may_refuse(driver, "view.read", view=opened, at=at, type="u8")


# --------------------------------------------------------------------- release


def _release_one(driver: DriverUnderTest) -> None:
    instance, memory = driver.memory()
    driver.ask("object.release", objects=[memory])
    driver.unknown("object.release", "memory.size", memory=memory)
    same("object.release", [1], driver.call(instance, "size"))


def _release_store(driver: DriverUnderTest) -> None:
    module = driver.module()
    _, memory = driver.memory(driver.instantiate(module))
    opened = driver.make("view.open", memory=memory, kind=None)
    if driver.supported("object.release", store=True) is not None:
        driver.unknown("object.release", "memory.size", memory=memory)
        driver.ask("object.release", objects=[opened])  # reading it might end the process, which would be honest
        same("object.release", [1], driver.call(driver.instantiate(module), "size"))


def _release_all(driver: DriverUnderTest) -> None:
    module = driver.module()
    instance = driver.instantiate(module)
    driver.ask("object.release", all=True)
    driver.unknown("object.release", "function.call", instance=instance, name="size", args=[], results=["i32"])
    same("object.release", [1], driver.call(driver.instantiate(module), "size"))


# ------------------------------------------------------------------------ parts


def _may_refuse(driver: DriverUnderTest, method: str, *, or_unsupported: bool = False, **params: Any) -> dict[str, Any]:
    """Ask for what a host API may refuse (kind host): the result, or an empty one."""
    try:
        _, reply = driver.attempt(method, **params)
    except Wrong as wrong:
        if "was killed by SIG" in wrong.actual:
            raise Untested(f"{wrong.actual}: if that is the runtime's doing, it is honest") from wrong
        raise
    if not isinstance(reply, CallFailed):
        return reply
    if (reply.kind == "host" and reply.type) or (or_unsupported and reply.unsupported):
        return {}
    shown = ", ".join(f"{name} {value}" for name, value in params.items() if name in ("at", "delta"))
    raise Wrong(method, f"a result, or kind host with the exception's class ({shown})", said(reply))


def _kinds(driver: DriverUnderTest) -> Iterator[tuple[ViewKind, str]]:
    for view in driver.info.views:
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
    return (value % (1 << 8 * width)).to_bytes(width, "little"), bits(memory_type, value)


CHECKS: Checks = {
    "memory.create": {
        "has the size it was given": functools.partial(_create, 2, 3),
        "without a maximum": functools.partial(_create, 0, None),
        "the maximum is below the minimum, reported as the API reports it": lambda driver: _may_refuse(
            driver, "memory.create", min=2, max=1, shared=False, index="i32"
        ),
        "with pages of one byte, unless the API has none": _create_bytewise,
    },
    "memory.export": {
        "a memory": lambda driver: driver.memory(),
        "there is no such export": lambda driver: driver.refuses_export("memory.export", "nowhere"),
        "the export is a function": lambda driver: driver.refuses_export("memory.export", "sub"),
    },
    "memory.size": {
        "in pages": lambda driver: same(
            "memory.size", {"pages": 1}, driver.ask("memory.size", memory=driver.memory()[1])
        ),
    },
    "memory.grow": {
        "gives the size before, if any": _grow,
        "beyond the maximum and by invalid numbers, reported as the API reports it": _grow_too_far,
    },
    "memory.read": {
        "every memory type, through its default view": _read,
        "every view kind and type": _read_kinds,
        "an address between two elements, reported as the API reports it": _between_elements,
        "bytes across the end of memory, of which four are there": _across_the_end,
        "addresses far out of range, reported as the API reports it": functools.partial(_far, "memory.read"),
        "a page that was just added": _fresh_view,
        "an address refers to an earlier result": _address_reference,
    },
    "memory.write": {
        "every memory type, through its default view": _write,
        "every view kind and type": functools.partial(_write_kinds, "memory.write"),
        "a value out of the type's range, reported as the API reports it": _write_out_of_range,
        "a value of the host's language, reported as the API reports it": _write_host_value,
        "addresses far out of range, reported as the API reports it": functools.partial(_far, "memory.write"),
    },
    "view.open": {
        "every view kind": _open,
        "the default kind, at an offset and of a length": _open_part,
    },
    "view.length": {"in units": _length},
    "view.read": {
        "every view kind and type, on one kept view": _view_read,
        "an address past the end, reported as the API reports it": _view_read_far,
    },
    "view.write": {"every view kind and type": functools.partial(_write_kinds, "view.write")},
    "object.release": {
        "a named object is gone, others are not": _release_one,
        "the store is gone, views and modules are not": _release_store,
        "all objects are gone, modules are not": _release_all,
    },
}
