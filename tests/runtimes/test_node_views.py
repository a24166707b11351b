"""The JavaScript driver: ways into memory."""

from __future__ import annotations

import os
import struct

import pytest
from nodekit import KINDS, MEMORY, PAGE, base64_of, get, instance, integer_of, memory, put, typed
from rawclient import RawClient

pytest_plugins = ["nodefixtures"]

NUMBERS = [(kind, type_) for kind, (_, types) in KINDS.items() for type_ in types if type_ != "bytes"]
BYTES = bytes([0x81, 0x92, 0xA3, 0xB4, 0xC5, 0xD6, 0xE7, 0x78])


def said_bits(type_: str) -> int:
    """What the first bytes of BYTES are as a value of this type."""
    width = int(type_[1:]) // 8
    return int.from_bytes(BYTES[:width], "little")


@pytest.mark.parametrize(("kind", "type_"), NUMBERS)
def test_a_fresh_view_reads_and_writes_little_endian(js: RawClient, kind: str, type_: str) -> None:
    target = memory(js)
    put(js, target, 16, BYTES)
    found = js.call("memory.read", memory=target, at=16, type=type_, view=kind)["value"]
    assert found["type"] == type_
    assert integer_of(type_, found["value"]) == said_bits(type_)
    js.call("memory.write", memory=target, at=32, type=type_, value=typed(type_, said_bits(type_)), view=kind)
    assert get(js, target, 32, 8) == BYTES[: int(type_[1:]) // 8].ljust(8, b"\0")


@pytest.mark.parametrize("type_", ["s8", "s16", "s32", "s64"])
def test_signed_numbers_are_said_as_the_host_has_them(js: RawClient, type_: str) -> None:
    target = memory(js)
    put(js, target, 0, b"\xff" * 8)
    assert js.call("memory.read", memory=target, at=0, type=type_, view=None) == {"value": typed(type_, -1)}


@pytest.mark.parametrize(("kind", "type_"), NUMBERS)
def test_a_kept_view_reads_and_writes_until_the_memory_grows(js: RawClient, kind: str, type_: str) -> None:
    target = memory(js)
    unit = KINDS[kind][0]
    view = js.make("view.open", memory=target, kind=kind, offset=8, length=2 * unit)
    whole = js.make("view.open", memory=target, kind=kind, offset=None, length=None)
    assert js.call("view.length", view=view) == {"length": 2}
    assert js.call("view.length", view=whole) == {"length": PAGE // unit}
    put(js, target, 8, BYTES)
    read = {"view": whole, "at": 8, "type": type_}
    assert integer_of(type_, js.call("view.read", **read)["value"]["value"]) == said_bits(type_)
    js.call("view.write", view=whole, at=16, type=type_, value=typed(type_, said_bits(type_)))
    assert get(js, target, 16, 1) == BYTES[:1]

    assert js.call("memory.grow", memory=target, delta=1) == {"pages": 1}
    write = {**read, "value": typed(type_, 1)}
    if kind == "DataView":
        for method, params in ("view.length", {"view": whole}), ("view.read", read), ("view.write", write):
            assert js.refused(method, **params)["type"] == "TypeError", method
    else:
        assert js.call("view.length", view=whole) == {"length": 0}
        assert js.call("view.read", **read) == {"nothing": "undefined"}
        assert js.call("view.write", **write) == {}
    assert get(js, target, 8, 8) == BYTES
    fresh = js.make("view.open", memory=target, kind=kind, offset=None, length=None)
    assert js.call("view.length", view=fresh) == {"length": 2 * PAGE // unit}


def test_a_grow_of_zero_pages_ends_kept_views_too(js: RawClient) -> None:
    target = memory(js)
    view = js.make("view.open", memory=target, kind=None, offset=None, length=None)
    assert js.call("memory.grow", memory=target, delta=0) == {"pages": 1}
    assert js.call("view.length", view=view) == {"length": 0}


def test_a_failed_grow_leaves_kept_views_alone(js: RawClient) -> None:
    target = memory(js)
    view = js.make("view.open", memory=target, kind=None, offset=None, length=None)
    assert js.refused("memory.grow", memory=target, delta=4)["type"] == "RangeError"
    assert js.call("view.length", view=view) == {"length": PAGE}
    assert js.call("memory.size", memory=target) == {"pages": 1}


def test_growth_by_the_guest_ends_kept_views(js: RawClient) -> None:
    guest = instance(js, MEMORY)
    target = js.make("memory.export", instance=guest, name="memory")
    view = js.make("view.open", memory=target, kind="Uint8Array", offset=None, length=None)
    assert js.function(guest, "grow", 2, results=["i32"]) == ["1"]
    assert js.call("view.read", view=view, at=0, type="u8") == {"nothing": "undefined"}
    assert js.call("memory.size", memory=target) == {"pages": 3}


@pytest.mark.parametrize("at", [-1, PAGE, 2**32, str(2**64), str(-(2**63))])
def test_a_typed_array_past_the_end_reads_undefined_and_drops_writes(js: RawClient, at: int | str) -> None:
    target = memory(js)
    for kind in ("Uint8Array", "Uint8ClampedArray"):
        assert js.call("memory.read", memory=target, at=at, type="u8", view=kind) == {"nothing": "undefined"}
        value = typed("u8", 7)
        assert js.call("memory.write", memory=target, at=at, type="u8", value=value, view=kind) == {}
    assert get(js, target, 0, PAGE) == bytes(PAGE)


@pytest.mark.parametrize("at", [-1, PAGE - 1, str(2**64)])
def test_a_data_view_past_the_end_throws(js: RawClient, at: int | str) -> None:
    target = memory(js)
    read = js.refused("memory.read", memory=target, at=at, type="u16", view="DataView")
    write = js.refused("memory.write", memory=target, at=at, type="u16", value=typed("u16", 7), view="DataView")
    for error in (read, write):
        assert (error["kind"], error["type"]) == ("host", "RangeError")
    assert get(js, target, PAGE - 1, 1) == b"\0"


def test_bytes_past_the_end_are_fewer_and_their_writes_refused(js: RawClient) -> None:
    target = memory(js)
    put(js, target, PAGE - 2, b"xy")
    assert get(js, target, PAGE - 2, 5) == b"xy"
    assert get(js, target, PAGE, 5) == b""
    assert get(js, target, PAGE, 0) == b""
    error = js.refused("memory.write", memory=target, at=PAGE - 2, type="bytes", value={"bytes": "YWJj"}, view=None)
    assert error["type"] == "RangeError"
    assert get(js, target, PAGE - 2, 2) == b"xy"


def test_bytes_of_a_kept_view_that_grew_away_are_refused(js: RawClient) -> None:
    target = memory(js)
    view = js.make("view.open", memory=target, kind="Uint8Array", offset=4, length=8)
    js.call("view.write", view=view, at=1, type="bytes", value={"bytes": base64_of(b"abc")})
    assert get(js, target, 5, 3) == b"abc"
    assert js.call("view.read", view=view, at=1, type="bytes", count=3) == {"bytes": base64_of(b"abc")}
    js.call("memory.grow", memory=target, delta=1)
    assert js.refused("view.read", view=view, at=1, type="bytes", count=3)["type"] == "TypeError"
    write = {"view": view, "at": 1, "type": "bytes", "value": {"bytes": base64_of(b"abc")}}
    assert js.refused("view.write", **write)["type"] == "TypeError"


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("Uint8Array", 256, 0),
        ("Uint8Array", -1, 255),
        ("Uint8ClampedArray", 256, 255),
        ("Uint8ClampedArray", -1, 0),
        ("Uint8Array", 2**64, 0),
    ],
)
def test_integers_out_of_range_are_handed_over_as_they_are(js: RawClient, kind: str, value: int, stored: int) -> None:
    target = memory(js)
    js.call("memory.write", memory=target, at=0, type="u8", value=typed("u8", value), view=kind)
    assert get(js, target, 0, 2) == bytes([stored, 0])


@pytest.mark.parametrize(("type_", "bits"), [("f32", 0x7FC00001), ("f32", 0x80000000), ("f64", 0xFFF8000000000001)])
def test_floats_travel_by_their_bits(js: RawClient, type_: str, bits: int) -> None:
    """Quiet NaNs; an engine may quieten a signalling one on its way through a Number."""
    target = memory(js)
    js.call("memory.write", memory=target, at=8, type=type_, value=typed(type_, bits), view=None)
    found = js.call("memory.read", memory=target, at=8, type=type_, view=None)["value"]
    raw = get(js, target, 8, 8)
    stored = struct.unpack("<I", raw[:4])[0] if type_ == "f32" else struct.unpack("<Q", raw)[0]
    assert found == typed(type_, stored)
    if os.environ.get("LINMEM_TEST_NODE") is None:  # V8 keeps a quiet NaN's payload
        assert stored == bits


def test_an_address_between_elements_is_no_element(js: RawClient) -> None:
    """As the language has it for `array[address / 4]`: nothing is read, and what is written is dropped."""
    target = memory(js)
    for at in (2, -2, -4, 2**53 - 1, str(2**64 + 2)):
        params = {"memory": target, "at": at, "type": "u32", "view": "Uint32Array"}
        assert js.call("memory.read", **params) == {"nothing": "undefined"}
        assert js.call("memory.write", **params, value=typed("u32", 7)) == {}
    assert get(js, target, 0, 8) == bytes(8)
    view = js.make("view.open", memory=target, kind="Uint32Array", offset=None, length=8)
    assert js.call("view.length", view=view) == {"length": 2}
    assert js.call("view.read", view=view, at=6, type="u32") == {"nothing": "undefined"}
    assert js.call("memory.read", memory=target, at=2, type="u32", view="DataView") == {"value": typed("u32", 0)}


def test_views_of_unknown_kind_and_types_they_lack_are_unsupported(js: RawClient) -> None:
    target = memory(js)
    for kind, type_ in ("uint8_view", "u8"), ("Uint8Array", "u16"), ("DataView", "bytes"):
        assert js.refused("memory.read", memory=target, at=0, count=0, type=type_, view=kind)["kind"] == "unsupported"
    view = js.make("view.open", memory=target, kind="Int8Array", offset=None, length=None)
    assert js.refused("view.read", view=view, at=0, type="u8")["kind"] == "unsupported"
    assert js.refused("view.open", memory=target, kind="memoryview", offset=None, length=None)["kind"] == "unsupported"


def test_pages_of_another_size_are_what_the_harness_says_they_are(js: RawClient) -> None:
    params = {"min": 1, "max": None, "shared": False, "index": "i32"}
    target = js.make("memory.create", **params, page_size=PAGE)
    assert js.call("memory.size", memory=target) == {"pages": 1}
    assert js.call("memory.size", memory=target, page_size=1) == {"pages": PAGE}
    assert js.refused("memory.create", **params, page_size=1)["kind"] == "unsupported"


def test_a_view_that_cannot_be_opened(js: RawClient) -> None:
    target = memory(js)
    for kind, offset, length in ("Uint32Array", 2, None), ("Uint8Array", PAGE + 1, None), ("DataView", 0, PAGE + 1):
        error = js.refused("view.open", memory=target, kind=kind, offset=offset, length=length)
        assert (error["kind"], error["type"]) == ("host", "RangeError")


def test_a_part_of_a_view_is_a_subarray(js: RawClient) -> None:
    target = memory(js)
    put(js, target, 0, bytes(range(32)))
    whole = js.make("view.open", memory=target, kind="Uint16Array", offset=4)
    part = js.make("view.open", view=whole, offset=4, length=8)
    assert js.call("view.length", view=part) == {"length": 4}
    assert js.call("view.read", view=part, at=2, type="u16") == {"value": typed("u16", 0x0B0A)}
    data = js.make("view.open", memory=target, kind="DataView")
    assert js.refused("view.open", view=data, offset=4)["kind"] == "unsupported"


def test_what_reads_and_fills_views(js: RawClient) -> None:
    target = memory(js)
    put(js, target, 16, "häh".encode())
    view = js.make("view.open", memory=target, kind="Uint8Array", offset=16, length=4)
    assert js.call("object.use", object=view, api="TextDecoder.decode") == {"bytes": base64_of("häh".encode())}
    assert js.call("object.use", object=view, api="TextEncoder.encodeInto", value="€€") == {"count": 3}
    assert get(js, target, 16, 4) == "€h".encode()


def test_an_api_that_the_engine_lacks_is_unsupported_and_not_an_error_of_its_own(js: RawClient) -> None:
    view = js.make("view.open", memory=memory(js), kind="Uint8Array")
    for api in ("ArrayBuffer.transfer", "SharedArrayBuffer.grow", "bytes"):
        assert js.refused("object.use", object=view, api=api)["kind"] == "unsupported"
