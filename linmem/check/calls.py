"""Checks of modules, instances, calls and host functions."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from linmem.check import modules
from linmem.check.driver import (
    HOSTED,
    Checks,
    DriverUnderTest,
    Typed,
    Untested,
    Wrong,
    bits,
    host_function,
    i32,
    imported,
    same,
    typed,
)
from linmem.protocol import CallFailed, ImportFailed

ONE_AND_A_HALF = 0x3FC00000  # the bits of 1.5 as an f32
MINUS_ZERO = 2**63  # the bits of -0.0 as an f64
FLOATS = (ONE_AND_A_HALF, 2**31, 1, 0x7F7FFFFF)  # 1.5, -0.0, the least and the greatest
DOUBLES = (0x3FF8000000000000, MINUS_ZERO, 1, 0x7FEFFFFFFFFFFFFF)

Arguments = list[dict[str, str]]

# -------------------------------------------------------------- initialize


def _identity(driver: DriverUnderTest) -> None:
    for name, fields in (
        ("runtime", ("name", "version", "engine")),
        ("host", ("language", "version", "implementation")),
    ):
        given: dict[str, str] = getattr(driver.info, name)
        lacking = [field for field in fields if not given.get(field)]
        if lacking:
            raise Wrong("initialize", f"'{name}' with {', '.join(fields)}", f"no {', '.join(lacking)}")


def _views(driver: DriverUnderTest) -> None:
    if driver.manifest_views is None:
        return
    manifest, said = (
        {view.kind: f"unit {view.unit}, types {' '.join(sorted(view.types))}" for view in views}
        for views in (driver.manifest_views, driver.info.views)
    )
    for kind in [*manifest, *said]:
        expected, actual = (views.get(kind, "no such view kind") for views in (manifest, said))
        if expected != actual:
            raise Wrong("initialize", f"'{kind}' as in runtime.yaml: {expected}", actual)


def _defaults(driver: DriverUnderTest) -> None:
    can = {view.kind: view.types for view in driver.info.views}
    for memory_type in sorted({name for types in can.values() for name in types}):
        kind = driver.info.default_views.get(memory_type)
        if kind is None or memory_type not in can.get(kind, ()):
            raise Wrong("initialize", f"a view kind that does {memory_type}, in 'default_views'", str(kind))


# ----------------------------------------------------- modules and instances


def _refuses_module(code: bytes, driver: DriverUnderTest) -> None:
    driver.refused("module.compile", "compile", bytes=modules.base64_of(code))


def _two_instances(driver: DriverUnderTest) -> None:
    module = driver.module()
    one, other = driver.instantiate(module), driver.instantiate(module)
    driver.store(one, 0, 7)
    same("instance.create", [0], driver.call(other, "load", 0))


def _import_memory(driver: DriverUnderTest) -> None:
    memory = driver.new_memory(1, 2)
    driver.store(driver.instance(modules.NEEDS_MEMORY, imported("memory", object=memory)), 3, 9)
    same("instance.create", b"\x09", driver.byte(memory, 3), "the guest's byte in the memory that it was given")


def _import_global(driver: DriverUnderTest) -> None:
    value = {"mutable": False, **bits("i64", 2**64 - 5)}
    instance = driver.instance(modules.NEEDS_GLOBAL, imported("base", **{"global": value}))
    same("instance.create", [2**64 - 5], driver.call(instance, "base", results=["i64"]))


def _import_function(driver: DriverUnderTest) -> None:
    item = imported("sub", instance=driver.instance(), export="sub")
    same("instance.create", [4], driver.call(driver.instance(modules.NEEDS_FUNCTION, item), "twice", 10, 3))


# --------------------------------------------------------------------- calls


def _i32(driver: DriverUnderTest) -> None:
    instance = driver.instance()
    same("function.call", [2**32 - 2], driver.call(instance, "sub", 7, 9))
    same("function.call", [1], driver.call(instance, "sub", -(2**31), 2**31 - 1))


def _i64(driver: DriverUnderTest) -> None:
    args = typed("i64", 2**63 - 1), typed("i64", -(2**53) - 1)
    same("function.call", [2**63 + 2**53], driver.call(driver.instance(), "sub64", *args, results=["i64"]))


def _float(kind: str, integer: str, samples: Sequence[int], driver: DriverUnderTest) -> None:
    instance = driver.instance()
    for sample in samples:
        there = driver.call(instance, f"{kind}_to_bits", bits(kind, sample), results=[integer])
        back = driver.call(instance, f"{kind}_of_bits", bits(integer, sample), results=[kind])
        same("function.call", [sample], there)
        same("function.call", [sample], back)


def _two_results(driver: DriverUnderTest) -> None:
    module, reply = driver.attempt("module.compile", bytes=modules.base64_of(modules.TWO_RESULTS))
    if isinstance(reply, CallFailed):
        raise Untested("the runtime does not compile a function with two results")
    found = driver.call(driver.instantiate(module), "swap", 1, typed("i64", 2), results=["i64", "i32"])
    same("function.call", [2, 1], found)


def _argument_reference(driver: DriverUnderTest) -> None:
    instance = driver.instance()
    params = {"instance": instance, "name": "sub", "args": [i32(1), i32(3)], "results": ["i32"]}
    earlier = driver.make("function.call", **params)  # -2, that is 4294967294
    found = driver.call(instance, "sub", i32({"$ref": earlier, "+": -4294967284}), 1)
    same("function.call", [9], found)


def _traps(driver: DriverUnderTest) -> None:
    instance = driver.instance()
    for name, args, words in (
        ("unreachable", [], "unreachable"),
        ("divide", [i32(1), i32(0)], "integer divide by zero"),
        ("divide", [i32(-(2**31)), i32(-1)], "integer overflow"),
        ("load", [i32(65536)], "out of bounds memory access"),
    ):
        results = [] if name == "unreachable" else ["i32"]
        failure = driver.refused("function.call", "trap", instance=instance, name=name, args=args, results=results)
        if words not in failure.messages:
            same("function.call", words, failure.message)


# ------------------------------------------------------------ host functions


def _import_types(driver: DriverUnderTest) -> None:
    seen: list[tuple[str, Arguments]] = []

    def answer(func: str, args: Arguments) -> list[Typed]:
        seen.append((func, list(args)))
        return [typed("i64", -7)] if func == "mix" else [bits("f32", ONE_AND_A_HALF)]

    driver.serve(answer)
    found = driver.call(driver.instance(modules.HOST, *HOSTED), "mix", results=["i64"])
    types = [(func, [one["type"] for one in args]) for func, args in seen]
    same("import.call", [("mix", ["i32", "i64", "f32", "f64"])], types)
    wanted = [2**32 - 1, 2**64 - 2, ONE_AND_A_HALF, MINUS_ZERO]
    same("import.call", wanted, [int(one["value"]) % 2 ** int(one["type"][1:]) for one in seen[0][1]])
    same("import.call", [2**64 - 7], found)
    instance = driver.instance(modules.FLOATS, host_function("half", ["f64"], "f32"))
    half = driver.call(instance, "half", bits("f64", MINUS_ZERO), results=["f32"])
    same("import.call", [ONE_AND_A_HALF], half)


def _reentrant_memory(driver: DriverUnderTest) -> None:
    instance, memory = driver.memory(driver.instance(modules.HOST, *HOSTED))

    def answer(func: str, args: Arguments) -> list[Typed]:
        same("memory.read", b"\x05", driver.byte(memory, 1), "what the guest wrote before it called")
        driver.ask("memory.write", memory=memory, at=0, type="u8", value=bits("u8", 30), view=None)
        return [i32(int(args[0]["value"]) + 100)]

    driver.serve(answer)
    same("import.call", [135], driver.call(instance, "visit", 5))


def _caller(driver: DriverUnderTest) -> None:
    """The memory of the instance that calls, which is not the one that was made last."""
    instance = driver.instance(modules.HOST, *HOSTED)
    driver.instance(modules.HOST, *HOSTED)

    def answer(func: str, args: Arguments) -> list[Typed]:
        found = driver.supported("memory.caller", "a memory", name="memory")
        if found is not None:
            same("memory.caller", b"\x05", driver.byte(found[0], 1), "what the guest wrote before it called")
        return [i32(0)]

    driver.serve(answer)
    driver.call(instance, "visit", 5)


def _nested(driver: DriverUnderTest) -> None:
    instance = driver.instance(modules.HOST, *HOSTED)
    depths: list[int] = []

    def answer(func: str, args: Arguments) -> list[Typed]:
        depth = int(args[0]["value"])
        depths.append(depth)
        inner = driver.call(instance, "visit", depth - 1)[0] if depth else 0
        return [i32(inner * 2 + 1)]

    driver.serve(answer)
    same("import.call", [15], driver.call(instance, "visit", 3))
    same("import.call", [3, 2, 1, 0], depths)


def _fails(kind: str, at_start: bool, driver: DriverUnderTest) -> None:
    """A host function throws or traps, called by a function or by a start function."""

    def answer(func: str, args: Arguments) -> list[Typed]:
        raise ImportFailed(kind, "crossroads")

    driver.serve(answer)
    if at_start:
        failure = driver.refuses_instance(modules.CALLS_AT_START, HOSTED[1], kinds=["host", "trap"])
    else:
        params = {"instance": driver.instance(modules.HOST, *HOSTED), "name": "visit", "args": [i32(0)]}
        failure = driver.refused("function.call", "host", "trap", results=["i32"], **params)
        same("import.call", [1], driver.call(driver.instance(), "size"))
    if kind == "host" and "crossroads" not in failure.message + failure.text:
        raise Wrong("import.call", "an error with the host function's text, 'crossroads'", repr(failure.text))


CHECKS: Checks = {
    "initialize": {
        "names the runtime and the host": _identity,
        "names the view kinds of its manifest": _views,
        "names a default view kind for every memory type it supports": _defaults,
    },
    "module.compile": {
        "a valid module": lambda driver: driver.module(),
        "a truncated module": functools.partial(_refuses_module, modules.MALFORMED),
        "an invalid module": functools.partial(_refuses_module, modules.INVALID),
    },
    "instance.create": {
        "without imports": lambda driver: driver.instance(),
        "two of one module, each with a memory of its own": _two_instances,
        "imports a memory of the host's": _import_memory,
        "the maximum of an imported memory is too large": lambda driver: driver.refuses_instance(
            modules.NEEDS_MEMORY,
            imported("memory", object=driver.memory()[1]),  # its maximum is 3 pages, the import's 2
        ),
        "imports a new global": _import_global,
        "imports another instance's function": _import_function,
        "an import is missing": lambda driver: driver.refuses_instance(modules.NEEDS_FUNCTION),
        "an imported memory is too small": lambda driver: driver.refuses_instance(
            modules.NEEDS_LARGE_MEMORY, imported("memory", object=driver.new_memory(1, None))
        ),
        "the start function traps": lambda driver: same(
            "instance.create", "unreachable", driver.refuses_instance(modules.TRAPS_AT_START, kinds=["trap"]).message
        ),
    },
    "function.call": {
        "i32, both signs": _i32,
        "i64, both signs": _i64,
        "f32 as bits, both ways": functools.partial(_float, "f32", "i32", FLOATS),
        "f64 as bits, both ways": functools.partial(_float, "f64", "i64", DOUBLES),
        "two results": _two_results,
        "an argument refers to an earlier result": _argument_reference,
        "there is no such export": lambda driver: driver.refuses_export(
            "function.call", "nowhere", args=[], results=[]
        ),
        "the export is a memory": lambda driver: driver.refuses_export("function.call", "memory", args=[], results=[]),
        "traps, in the specification's words": _traps,
    },
    "memory.caller": {"of two instances that could have called": _caller},
    "import.call": {
        "arguments and results of every type": _import_types,
        "memory is read and written while the guest's call is under way": _reentrant_memory,
        "a guest's function is called inside a host function, which calls again": _nested,
        "the host function throws": functools.partial(_fails, "host", False),
        "the host function throws that a start function calls": functools.partial(_fails, "host", True),
        "the host function traps": functools.partial(_fails, "trap", False),
    },
}
