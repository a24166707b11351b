"""The committed modules keep the program's contract, in every language alike."""

from __future__ import annotations

import pytest

from linmem.guests import catalogue
from linmem.play.guest import Guest

PAGE = 65536
COMMITTED = [guest for guest in catalogue.guests("shared_buffer") if isinstance(guest, Guest)]


@pytest.fixture(params=COMMITTED, ids=lambda guest: guest.label)
def guest(request):
    return request.param


@pytest.fixture
def instance(guest, in_process):
    return in_process(guest.module.read_bytes(), guest.host() if guest.host else None)


def test_the_guest_writes_index_0(instance):
    (buffer,) = instance.call("getWasmMemoryBufferPointer", [])
    assert buffer != 0
    for value in range(256):
        instance.call("storeValueInWasmMemoryBufferIndexZero", [value])
        assert instance.read(buffer, 2) == bytes([value, 0])


def test_the_guest_reads_index_1(instance):
    (buffer,) = instance.call("getWasmMemoryBufferPointer", [])
    for value in range(256):
        instance.write(buffer + 1, bytes([value]))
        assert instance.call("readWasmMemoryBufferAndReturnIndexOne", []) == [value]


@pytest.mark.parametrize("value", [256 + 24, -232, 0x7FFFFF18, -0x80000000 + 24])
def test_the_low_8_bits_are_stored(instance, value):
    instance.call("storeValueInWasmMemoryBufferIndexZero", [value])
    (buffer,) = instance.call("getWasmMemoryBufferPointer", [])
    assert instance.read(buffer, 2) == bytes([24, 0])


@pytest.mark.parametrize("size", [1, 100, PAGE, PAGE + 1, 4 * PAGE, 1 << 20, 16 << 20])
def test_the_memory_grows_by_at_least_what_is_asked(instance, size):
    (buffer,) = instance.call("getWasmMemoryBufferPointer", [])
    instance.call("storeValueInWasmMemoryBufferIndexZero", [24])
    for _ in range(3):
        before = instance.pages
        (allocated,) = instance.call("growByAllocating", [size])
        assert allocated >= size
        assert (instance.pages - before) * PAGE >= size
    assert instance.call("getWasmMemoryBufferPointer", []) == [buffer]
    assert instance.read(buffer, 1) == bytes([24])


def test_growing_by_nothing_grows_nothing(instance):
    before = instance.pages
    assert instance.call("growByAllocating", [0]) == [0]
    assert instance.pages == before


def test_the_guest_grows_after_the_host_did(instance):
    instance.memory.grow(instance.store, 100)
    before = instance.pages
    instance.call("growByAllocating", [16 * PAGE])
    assert instance.pages >= before + 16


@pytest.mark.parametrize("guest", [guest for guest in COMMITTED if guest.host is None], ids=lambda guest: guest.label)
def test_what_has_no_host_to_tell_traps_when_it_cant_grow(guest, in_process):
    import wasmtime

    instance = in_process(guest.module.read_bytes())
    before = instance.pages
    with pytest.raises(wasmtime.Trap, match="unreachable"):
        instance.call("growByAllocating", [-1])
    assert instance.pages == before
