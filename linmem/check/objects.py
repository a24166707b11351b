"""Checks of functions and globals that the host holds, of identity and of the garbage collector."""

from __future__ import annotations

import base64

from linmem.check import modules
from linmem.check.driver import Checks, DriverUnderTest, Wrong, bits, i32, imported, said, same, typed
from linmem.protocol import CallFailed
from linmem.scenario import values

LARGE = 2**63 + 5  # negative, where it is an i64


def _function(driver: DriverUnderTest) -> None:
    function = driver.make("function.export", instance=driver.instance(), name="sub")
    reply = driver.ask("function.call", function=function, args=[i32(9), i32(2)], results=["i32"])
    same("function.call", {"values": [i32(7)]}, reply)


def _create(driver: DriverUnderTest) -> None:
    for value in (i32(-2), typed("i64", LARGE), bits("f32", 0x3FC00000), bits("f64", 0xBFF8000000000000)):
        variable = driver.make("global.create", mutable=False, **value)
        same("global.get", int(value["value"]), _get(driver, variable, value["type"]))


def _shared(driver: DriverUnderTest) -> None:
    variable = driver.make("global.create", mutable=False, **typed("i64", LARGE))
    for _ in range(2):
        instance = driver.instance(modules.NEEDS_GLOBAL, imported("base", object=variable))
        same("global.create", [LARGE], driver.call(instance, "base", results=["i64"]))


def _fresh(driver: DriverUnderTest) -> None:
    instance, variable = _counter(driver)
    driver.call(instance, "count", results=())
    same("global.get", 8, _get(driver, variable))


def _reference(driver: DriverUnderTest) -> None:
    _, variable = _counter(driver)
    earlier = driver.make("global.get", **{"global": variable, "type": "i32"})
    found = driver.call(driver.instance(), "sub", i32({"$ref": earlier, "+": 2}), 0)
    same("function.call", [9], found)


def _set(driver: DriverUnderTest) -> None:
    instance, variable = _counter(driver)
    driver.ask("global.set", **{"global": variable, "value": i32(-3)})
    driver.call(instance, "count", results=())
    same("global.set", 2**32 - 2, _get(driver, variable))


def _immutable(driver: DriverUnderTest) -> None:
    variable = driver.make("global.create", mutable=False, **i32(5))
    driver.refused("global.set", "host", **{"global": variable, "value": i32(6)})
    same("global.set", 5, _get(driver, variable))


def _same(driver: DriverUnderTest) -> None:
    one, other = driver.memory()[1], driver.memory()[1]
    same("object.same", {"same": True}, driver.ask("object.same", objects=[one, one]))
    same("object.same", {"same": False}, driver.ask("object.same", objects=[one, other]))


def _collect(driver: DriverUnderTest) -> None:
    instance, memory = driver.memory()
    driver.ask("host.collect")
    same("host.collect", [1], driver.call(instance, "size"))
    same("host.collect", {"pages": 1}, driver.ask("memory.size", memory=memory))


def _use(driver: DriverUnderTest) -> None:
    instance, memory = driver.memory()
    driver.store(instance, 0, 65)
    for view in driver.info.views:
        opened = driver.make("view.open", memory=memory, kind=view.kind)
        for api in ("TextDecoder.decode", "bytes"):  # of a typed array of larger elements the latter is an error
            _, reply = driver.attempt("object.use", object=opened, api=api)
            if not isinstance(reply, CallFailed):
                same("object.use", b"A", base64.b64decode(reply["bytes"])[:1], f"{api} of a {view.kind}")
            elif reply.kind not in ("unsupported", "host"):
                raise Wrong("object.use", "a result, or kind host or unsupported", said(reply))


def _use_nothing(driver: DriverUnderTest) -> None:
    opened = driver.make("view.open", memory=driver.memory()[1], kind=None)
    _, reply = driver.attempt("object.use", object=opened, api="Nothing.there")
    if not isinstance(reply, CallFailed) or reply.kind != "unsupported":
        raise Wrong("object.use", "kind unsupported", said(reply))


def _counter(driver: DriverUnderTest) -> tuple[int, int]:
    """An instance with a mutable global of 7 that it counts up, and the global: their ids."""
    instance = driver.instance(modules.COUNTER)
    return instance, driver.make("global.export", instance=instance, name="counter")


def _get(driver: DriverUnderTest, variable: int, kind: str = "i32") -> int:
    """A global's bits."""
    reply = driver.ask("global.get", **{"global": variable, "type": kind})
    try:
        return values.from_wire(reply.get("value", {}), kind)[1]
    except values.ValueNotation:
        raise Wrong("global.get", f"a value of type {kind}", str(reply)) from None


CHECKS: Checks = {
    "function.export": {
        "a function, called without its instance": _function,
        "there is no such export": lambda driver: driver.refuses_export("function.export", "nowhere"),
        "the export is a memory": lambda driver: driver.refuses_export("function.export", "memory"),
    },
    "global.create": {
        "every value type": _create,
        "a global that two instances import": _shared,
    },
    "global.export": {
        "a global": lambda driver: same("global.get", 7, _get(driver, _counter(driver)[1])),
        "there is no such export": lambda driver: driver.refuses_export("global.export", "nowhere"),
        "the export is a function": lambda driver: driver.refuses_export("global.export", "sub"),
    },
    "global.get": {
        "a value that the guest has just set": _fresh,
        "an address refers to it": _reference,
    },
    "global.set": {
        "the guest sees the new value": _set,
        "an immutable global": _immutable,
    },
    "object.same": {"a memory and itself, and two memories": _same},
    "object.use": {
        "what reads a view's bytes, where the language has it": _use,
        "an API that no language has": _use_nothing,
    },
    "host.collect": {"objects in use stay": _collect},
}
