"""Checks that need code: what the driver says of itself, and host functions, which the harness serves."""

from __future__ import annotations

from linmem.check.driver import HOSTED, DriverUnderTest, Typed, Wrong, bits, host_function, i32, same, typed
from linmem.protocol import ImportFailed

ONE_AND_A_HALF = 0x3FC00000  # the bits of 1.5 as an f32
MINUS_ZERO = 2**63  # the bits of -0.0 as an f64

Arguments = list[dict[str, str]]


def identity(driver: DriverUnderTest) -> None:
    """The runtime and the host have names and versions."""
    for name, fields in (
        ("runtime", ("name", "version", "engine")),
        ("host", ("language", "version", "implementation")),
    ):
        given: dict[str, str] = getattr(driver.info, name)
        lacking = [field for field in fields if not given.get(field)]
        if lacking:
            raise Wrong("initialize", f"'{name}' with {', '.join(fields)}", f"no {', '.join(lacking)}")


def views(driver: DriverUnderTest) -> None:
    """Manifest and driver say the same of view kinds."""
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


def defaults(driver: DriverUnderTest) -> None:
    """Each memory type that a view kind does has a default one."""
    can = {view.kind: view.types for view in driver.info.views}
    for memory_type in sorted({name for types in can.values() for name in types}):
        kind = driver.info.default_views.get(memory_type)
        if kind is None or memory_type not in can.get(kind, ()):
            raise Wrong("initialize", f"a view kind that does {memory_type}, in 'default_views'", str(kind))


def import_types(driver: DriverUnderTest) -> None:
    """A host function gets arguments of every type, and its results arrive."""
    seen: list[tuple[str, Arguments]] = []

    def answer(func: str, args: Arguments) -> list[Typed]:
        seen.append((func, list(args)))
        return [typed("i64", -7)] if func == "mix" else [bits("f32", ONE_AND_A_HALF)]

    driver.serve(answer)
    found = driver.call(driver.instance("host", *HOSTED), "mix", results=["i64"])
    types = [(func, [one["type"] for one in args]) for func, args in seen]
    same("import.call", [("mix", ["i32", "i64", "f32", "f64"])], types)
    wanted = [2**32 - 1, 2**64 - 2, ONE_AND_A_HALF, MINUS_ZERO]
    same("import.call", wanted, [int(one["value"]) % 2 ** int(one["type"][1:]) for one in seen[0][1]])
    same("import.call", [2**64 - 7], found)
    half = driver.call(
        driver.instance("floats", host_function("half", ["f64"], "f32")),
        "half",
        bits("f64", MINUS_ZERO),
        results=["f32"],
    )
    same("import.call", [ONE_AND_A_HALF], half)


def reentrant_memory(driver: DriverUnderTest) -> None:
    """The host reads and writes memory while the guest's call waits."""
    instance = driver.instance("host", *HOSTED)
    memory = driver.memory(instance)

    def answer(func: str, args: Arguments) -> list[Typed]:
        same("memory.read", b"\x05", driver.bytes(memory, 1), "what the guest wrote before it called")
        driver.ask("memory.write", memory=memory, at=0, type="u8", value=bits("u8", 30), view=None)
        return [i32(int(args[0]["value"]) + 100)]

    driver.serve(answer)
    same("import.call", [135], driver.call(instance, "visit", 5))


def caller(driver: DriverUnderTest) -> None:
    """The memory of the instance that calls, which is not the one that was made last."""
    instance = driver.instance("host", *HOSTED)
    driver.instance("host", *HOSTED)

    def answer(func: str, args: Arguments) -> list[Typed]:
        found = driver.allowed("memory.caller", ["unsupported"], name="memory")
        if found is not None:
            same("memory.caller", b"\x05", driver.bytes(found[0], 1), "what the guest wrote before it called")
        return [i32(0)]

    driver.serve(answer)
    driver.call(instance, "visit", 5)


def nested(driver: DriverUnderTest) -> None:
    """A host function calls the guest, which calls the host function."""
    instance = driver.instance("host", *HOSTED)
    depths: list[int] = []

    def answer(func: str, args: Arguments) -> list[Typed]:
        depth = int(args[0]["value"])
        depths.append(depth)
        inner = driver.call(instance, "visit", depth - 1)[0] if depth else 0
        return [i32(inner * 2 + 1)]

    driver.serve(answer)
    same("import.call", [15], driver.call(instance, "visit", 3))
    same("import.call", [3, 2, 1, 0], depths)


def throws(driver: DriverUnderTest) -> None:
    """A host function throws, called by a function."""
    _fails("host", driver)


def traps(driver: DriverUnderTest) -> None:
    """A host function traps, called by a function."""
    _fails("trap", driver)


def throws_at_start(driver: DriverUnderTest) -> None:
    """A host function throws, called by a start function."""
    _fails("host", driver, at_start=True)


def _fails(kind: str, driver: DriverUnderTest, at_start: bool = False) -> None:
    def answer(func: str, args: Arguments) -> list[Typed]:
        raise ImportFailed(kind, "crossroads")

    driver.serve(answer)
    if at_start:
        params = {"module": driver.module("calls_at_start"), "imports": [HOSTED[1]], "glue": None}
        failure = driver.refused("instance.create", "host", "trap", **params)
    else:
        params = {"instance": driver.instance("host", *HOSTED), "name": "visit", "args": [i32(0)], "results": ["i32"]}
        failure = driver.refused("function.call", "host", "trap", **params)
        same("import.call", [1], driver.call(driver.instance(), "size"))
    if kind == "host" and "crossroads" not in failure.message + failure.text:
        raise Wrong("import.call", "an error with the host function's text, 'crossroads'", repr(failure.text))
