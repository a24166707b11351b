"""Checks of what hosts hold in hand: kept functions, globals, identity, garbage."""

from __future__ import annotations

from linmem.check import modules
from linmem.check.bench import Bench, Checks, Typed, Wrong, i32, same, typed
from linmem.scenario import values

CHECKS = Checks()
LARGE = 2**63 + 5  # negative, where it is an i64


@CHECKS.of("function.export", "a function, which is called by itself")
def _function(bench: Bench) -> None:
    function = bench.make("function.export", instance=bench.instance(), name="sub")
    reply = bench.ask("function.call", function=function, args=[i32(9), i32(2)], results=["i32"])
    same("function.call", {"values": [i32(7)]}, reply)


@CHECKS.of("function.export", "there is no such export")
def _no_function_export(bench: Bench) -> None:
    bench.refused("function.export", "host", instance=bench.instance(), name="nowhere")


@CHECKS.of("function.export", "the export is a memory")
def _function_is_memory(bench: Bench) -> None:
    bench.refused("function.export", "host", instance=bench.instance(), name="memory")


@CHECKS.of("global.create", "every value type")
def _create(bench: Bench) -> None:
    for value in (i32(-2), typed("i64", LARGE), _float("f32", 0x3FC00000), _float("f64", 0xBFF8000000000000)):
        variable = bench.make("global.create", mutable=False, **value)
        same("global.get", int(value["value"]), _get(bench, variable, value["type"]))


@CHECKS.of("global.create", "one that two instances import")
def _shared(bench: Bench) -> None:
    variable = bench.make("global.create", mutable=False, **typed("i64", LARGE))
    for _ in range(2):
        instance = bench.instance(modules.NEEDS_GLOBAL, [{"module": "env", "name": "base", "object": variable}])
        same("global.create", [LARGE], bench.call(instance, "base", results=["i64"]))


@CHECKS.of("global.export", "a global")
def _export(bench: Bench) -> None:
    _, variable = _counter(bench)
    same("global.get", 7, _get(bench, variable, "i32"))


@CHECKS.of("global.export", "there is no such export")
def _no_export(bench: Bench) -> None:
    bench.refused("global.export", "host", instance=bench.instance(), name="nowhere")


@CHECKS.of("global.export", "the export is a function")
def _no_global(bench: Bench) -> None:
    bench.refused("global.export", "host", instance=bench.instance(), name="sub")


@CHECKS.of("global.get", "what the guest has set a moment ago")
def _fresh(bench: Bench) -> None:
    instance, variable = _counter(bench)
    bench.call(instance, "count")
    same("global.get", 8, _get(bench, variable, "i32"))


@CHECKS.of("global.get", "an address refers to it")
def _reference(bench: Bench) -> None:
    _, variable = _counter(bench)
    earlier = bench.make("global.get", **{"global": variable, "type": "i32"})
    found = bench.call(bench.instance(), "sub", i32({"$ref": earlier, "+": 2}), i32(0), results=["i32"])
    same("function.call", [9], found)


@CHECKS.of("global.set", "what the guest gets")
def _set(bench: Bench) -> None:
    instance, variable = _counter(bench)
    bench.ask("global.set", **{"global": variable, "value": i32(-3)})
    bench.call(instance, "count")
    same("global.set", 2**32 - 2, _get(bench, variable, "i32"))


@CHECKS.of("global.set", "one that is immutable")
def _immutable(bench: Bench) -> None:
    variable = bench.make("global.create", mutable=False, **i32(5))
    bench.refused("global.set", "host", **{"global": variable, "value": i32(6)})
    same("global.set", 5, _get(bench, variable, "i32"))


@CHECKS.of("object.same", "a memory and itself, and two memories")
def _same(bench: Bench) -> None:
    one, other = bench.memory()[1], bench.memory()[1]
    same("object.same", {"same": True}, bench.ask("object.same", objects=[one, one]))
    same("object.same", {"same": False}, bench.ask("object.same", objects=[one, other]))


@CHECKS.of("host.collect", "what is still held stays")
def _collect(bench: Bench) -> None:
    instance, memory = bench.memory()
    bench.ask("host.collect")
    same("host.collect", [1], bench.call(instance, "size", results=["i32"]))
    same("host.collect", {"pages": 1}, bench.ask("memory.size", memory=memory))


def _counter(bench: Bench) -> tuple[int, int]:
    """An instance with a mutable global of 7 that it counts up, and the global: their ids."""
    instance = bench.instance(modules.COUNTER)
    return instance, bench.make("global.export", instance=instance, name="counter")


def _get(bench: Bench, variable: int, kind: str) -> int:
    """A global's bits."""
    reply = bench.ask("global.get", **{"global": variable, "type": kind})
    try:
        return values.from_wire(reply.get("value", {}), kind)[1]
    except values.ValueNotation:
        raise Wrong("global.get", f"a value of type {kind}", str(reply)) from None


def _float(kind: str, bits: int) -> Typed:
    return {"type": kind, "value": str(bits)}
