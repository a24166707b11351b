"""The kit for drivers in Rust, with wasmi's: what the borrow checker would say of views that are kept, and panics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rawclient import Died, RawClient, host_function, i32, runtime_command

from linmem.provision.environments import machine_lacks
from linmem.provision.manifest import load_manifest

pytestmark = pytest.mark.slow

GUEST = """(module (import "env" "f" (func $f)) (memory (export "memory") 1 3)
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "call") (call $f)))"""


@pytest.fixture(scope="module")
def process() -> Iterator[RawClient]:
    if machine_lacks(load_manifest("wasmi")):
        pytest.skip("its compiler is not here")
    command, env = runtime_command("wasmi")
    with RawClient(command, env) as client:
        client.call("initialize", protocol=1, variant=None, cache=None)
        yield client
        assert client.end() == 0, client.stderr()


@pytest.fixture
def client(process: RawClient) -> Iterator[RawClient]:
    yield process
    process.call("object.release", all=True)


@pytest.fixture
def instance(client: RawClient) -> int:
    return client.instance(GUEST, host_function("f", (), ()))


@pytest.fixture
def memory(client: RawClient, instance: int) -> int:
    return client.memory(instance)


def opened(client: RawClient, memory: int, kind: str) -> int:
    return client.make("view.open", memory=memory, kind=kind)


def not_expressible(client: RawClient, view: int) -> bool:
    data = client.refused("view.read", view=view, at=0, type="u8")
    return bool(data["kind"] == "unsupported" and data["expressible"] is False)


def reads(client: RawClient, view: int, value: int) -> None:
    found = client.call("view.read", view=view, at=0, type="u8")
    assert found == {"value": {"type": "u8", "value": str(value)}}


def test_a_shared_slice_lasts_until_the_store_is_used_exclusively(
    client: RawClient, instance: int, memory: int
) -> None:
    one, other = opened(client, memory, "data"), opened(client, memory, "data")
    client.read(memory, 0)
    assert client.call("memory.size", memory=memory) == {"pages": 1}
    reads(client, one, 0)
    client.write(memory, 0, 24)
    assert not_expressible(client, one)
    assert not_expressible(client, other)
    reads(client, opened(client, memory, "data"), 24)


def test_an_exclusive_slice_lasts_until_the_store_is_used_at_all(client: RawClient, memory: int) -> None:
    view = opened(client, memory, "data_mut")
    client.call("view.write", view=view, at=0, type="u8", value={"type": "u8", "value": "24"})
    reads(client, view, 24)
    client.call("memory.size", memory=memory)
    assert not_expressible(client, view)


def test_a_part_of_an_exclusive_slice_lasts_until_that_is_used(client: RawClient, memory: int) -> None:
    whole = opened(client, memory, "data_mut")
    part = client.make("view.open", view=whole, offset=8, length=8)
    assert client.call("view.length", view=part) == {"length": 8}
    reads(client, whole, 0)
    assert not_expressible(client, part)


def test_what_was_borrowed_from_a_caller_ends_with_its_call(client: RawClient, instance: int) -> None:
    kept = []

    def look(params: Any) -> list[Any]:
        kept.append(opened(client, client.make("memory.caller", name="memory"), "data"))
        reads(client, kept[0], 0)
        return []

    client.on_import = look
    assert client.function(instance, "call") == []
    assert not_expressible(client, kept[0])


def test_a_slice_s_own_bounds_check_is_a_panic_and_an_answer(client: RawClient, memory: int) -> None:
    view = opened(client, memory, "data")
    for _ in range(2):
        error = client.refused("view.read", view=view, at=65536, type="u8")
        assert (error["kind"], error["type"]) == ("host", "panic")
        assert "index out of bounds: the len is 65536 but the index is 65536" in error["text"]
    reads(client, view, 0)


@pytest.mark.parametrize("value", [256, -1, 2**70])
def test_what_is_no_value_of_the_type_cannot_be_written(client: RawClient, memory: int, value: int) -> None:
    error = client.write(memory, 0, value)["error"]["data"]
    assert error["expressible"] is False
    assert error["message"] == f"{value} is no u8"


def test_a_stray_pointer_ends_the_process_at_once() -> None:
    if machine_lacks(load_manifest("wasmi")):
        pytest.skip("its compiler is not here")
    command, env = runtime_command("wasmi")
    with RawClient(command, env) as client:
        client.call("initialize", protocol=1, variant=None, cache=None)
        memory = client.memory(client.instance(GUEST, host_function("f", (), ())))
        view = opened(client, memory, "data_ptr")
        assert client.call("memory.grow", memory=memory, delta=1) == {"pages": 1}
        with pytest.raises(Died):
            client.call("view.read", view=view, at=0, type="u8")


def test_values_keep_their_bits(client: RawClient) -> None:
    made = client.instance('(module (func (export "same") (param f32) (result f32) (local.get 0)))')
    signalling = {"type": "f32", "value": str(0x7FA00000)}
    found = client.call("function.call", instance=made, name="same", args=[signalling], results=["f32"])
    assert found == {"values": [signalling]}
    wide = i32(0) | {"value": str(2**32)}
    refused = client.refused("function.call", instance=made, name="same", args=[wide], results=["f32"])
    assert refused["expressible"] is False
