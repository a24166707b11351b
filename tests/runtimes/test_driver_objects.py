"""What drivers do with objects of the host's: kept exports, globals, identity, garbage, values as they are.

What is asserted of runtimes holds for the default versions.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from rawclient import RawClient, i32, runtime_command

RUNTIMES = ("node", "wasmer", "wasmtime")
REFUSED = "TypeError"
GUEST = """(module (memory (export "memory") 1 2) (export "again" (memory 0))
  (global (export "counter") (mut i64) (i64.const -1))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))"""


Driver = tuple[str, RawClient]


@pytest.fixture(scope="module", params=RUNTIMES)
def process(request: pytest.FixtureRequest) -> Iterator[Driver]:
    command, env = runtime_command(request.param)
    with RawClient(command, env) as client:
        client.call("initialize", protocol=1, variant=None, cache=None)
        yield request.param, client
        assert client.end() == 0, client.stderr()


@pytest.fixture
def driver(process: Driver) -> Iterator[Driver]:
    yield process
    process[1].call("object.release", all=True)


def test_exports_outlive_their_instance(driver: Driver) -> None:
    _, client = driver
    made = client.instance(GUEST)
    memory = client.memory(made)
    load = client.make("function.export", instance=made, name="load")
    counter = client.make("global.export", instance=made, name="counter")
    client.call("object.release", objects=[made])
    assert client.call("host.collect") == {}
    assert client.write(memory, 16, 24)["result"] in ({}, {"count": 1})
    assert client.call("function.call", function=load, args=[i32(16)], results=["i32"]) == {"values": [i32(24)]}
    found = client.call("global.get", **{"global": counter, "type": "i64"})["value"]
    assert int(found["value"]) == -1


def test_identity_is_that_of_the_host_s_language(driver: Driver) -> None:
    name, client = driver
    made = client.instance(GUEST)
    first, second = (client.memory(made) for _ in range(2))
    again = client.make("memory.export", instance=made, name="again")
    load = client.make("function.export", instance=made, name="load")

    def same(one: int, other: int) -> bool:
        return bool(client.call("object.same", objects=[one, other])["same"])

    assert same(first, first)
    assert not same(first, load)
    asked_twice = {"node": True, "wasmer": False, "wasmtime": True}
    by_two_names = {"node": True, "wasmer": False, "wasmtime": False}
    assert (same(first, second), same(first, again)) == (asked_twice[name], by_two_names[name])


def test_a_store_that_is_released_takes_all_but_views_with_it(driver: Driver) -> None:
    _, client = driver
    made = client.instance(GUEST)
    memory = client.memory(made)
    view = client.make("view.open", memory=memory, kind=None)
    client.call("object.release", store=True)
    assert client.refused("memory.size", memory=memory) == -32602
    assert client.refused("function.call", instance=made, name="load", args=[i32(0)], results=["i32"]) == -32602
    found = client.call("view.read", view=view, at=0, type="u8")  # these default views hold their memory
    assert found in ({"value": {"type": "u8", "value": "0"}}, {"bytes": base64.b64encode(b"\0").decode()})


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        # what stands in memory after 5, and the class of the error
        ({"host": "float", "value": str(0x3FF8000000000000)}, {"node": 1, "wasmer": REFUSED, "wasmtime": REFUSED}),
        ({"host": "text", "value": "7"}, {"node": 7, "wasmer": REFUSED, "wasmtime": REFUSED}),
        ({"host": "nothing"}, {"node": 0, "wasmer": REFUSED, "wasmtime": REFUSED}),
        ({"host": "integer", "value": "9"}, {"node": REFUSED, "wasmer": 9, "wasmtime": 0}),  # 9 bytes of zero
        ({"host": "boolean", "value": True}, {"node": 1, "wasmer": 1, "wasmtime": 0}),  # one byte of zero
    ],
)
def test_values_are_handed_over_as_they_are(
    value: dict[str, object], stored: dict[str, object], driver: Driver
) -> None:
    name, client = driver
    made = client.instance(GUEST)
    memory = client.memory(made)
    client.write(memory, 0, 5)
    expected = stored[name]
    params = {"memory": memory, "at": 0, "type": "u8", "value": value, "view": None}
    if isinstance(expected, str):
        assert client.refused("memory.write", **params)["type"] == expected
        expected = 5
    else:
        client.call("memory.write", **params)
    assert client.function(made, "load", 0, results=["i32"]) == [str(expected)]
