"""Checks of modules, instances, calls and host functions."""

from __future__ import annotations

from collections.abc import Sequence

from linmem.check import modules
from linmem.check.bench import Bench, Checks, Typed, Untested, Wrong, i32, same, typed
from linmem.protocol import CallFailed, ImportFailed

CHECKS = Checks()
ONE_AND_A_HALF = (0x3FC00000, 0x3FF8000000000000)  # the bits of 1.5 as f32 and f64
MINUS_ZERO = (0x80000000, 0x8000000000000000)


@CHECKS.of("initialize", "says what it is")
def _identity(bench: Bench) -> None:
    for name, fields in (
        ("runtime", ("name", "version", "engine")),
        ("host", ("language", "version", "implementation")),
    ):
        given: dict[str, str] = getattr(bench.info, name)
        lacking = [field for field in fields if not given.get(field)]
        if lacking:
            raise Wrong("initialize", f"'{name}' with {', '.join(fields)}", f"no {', '.join(lacking)}")


@CHECKS.of("initialize", "names the view kinds of its manifest")
def _views(bench: Bench) -> None:
    if bench.manifest_views is None:
        return
    manifest = {view.kind: (view.unit, set(view.types)) for view in bench.manifest_views}
    driver = {view.kind: (view.unit, set(view.types)) for view in bench.info.views}
    for kind in [*manifest, *driver]:
        if manifest.get(kind) != driver.get(kind):
            raise Wrong("initialize", f"'{kind}' as in runtime.yaml: {_view(manifest, kind)}", _view(driver, kind))


def _view(views: dict[str, tuple[int, set[str]]], kind: str) -> str:
    if kind not in views:
        return "no such view kind"
    unit, types = views[kind]
    return f"unit {unit}, types {' '.join(sorted(types))}"


@CHECKS.of("initialize", "names a default view kind for every memory type it can do")
def _defaults(bench: Bench) -> None:
    can = {view.kind: view.types for view in bench.info.views}
    for memory_type in sorted({name for types in can.values() for name in types}):
        kind = bench.info.default_views.get(memory_type)
        if kind is None or memory_type not in can.get(kind, ()):
            raise Wrong("initialize", f"a view kind that does {memory_type}, in 'default_views'", str(kind))


@CHECKS.of("module.compile", "a good module")
def _compile(bench: Bench) -> None:
    bench.module()


@CHECKS.of("module.compile", "one that is cut off")
def _malformed(bench: Bench) -> None:
    bench.refused("module.compile", "compile", bytes=modules.base64_of(modules.MALFORMED))


@CHECKS.of("module.compile", "one that is invalid")
def _invalid(bench: Bench) -> None:
    bench.refused("module.compile", "compile", bytes=modules.base64_of(modules.INVALID))


@CHECKS.of("instance.create", "without imports")
def _instance(bench: Bench) -> None:
    bench.instance()


@CHECKS.of("instance.create", "two of one module, each with a memory of its own")
def _two_instances(bench: Bench) -> None:
    module = bench.module()
    one, other = (bench.make("instance.create", module=module, imports=[], glue=None) for _ in range(2))
    bench.call(one, "store", i32(0), i32(7))
    same("instance.create", [0], bench.call(other, "load", i32(0), results=["i32"]))


@CHECKS.of("instance.create", "imports a memory of the host's")
def _import_memory(bench: Bench) -> None:
    memory = bench.make("memory.create", min=1, max=2, shared=False, index="i32")
    item = {"module": "env", "name": "memory", "object": memory}
    instance = bench.instance(modules.NEEDS_MEMORY, [item])
    bench.call(instance, "store", i32(3), i32(9))
    found = bench.reading("memory.read", "u8", 1, memory=memory, at=3, view=None)
    if getattr(found, "bits", None) != 9:
        raise Wrong("instance.create", "the guest's 9 in the memory it was given", str(found))


@CHECKS.of("instance.create", "an imported memory may grow too far")
def _import_too_large(bench: Bench) -> None:
    owner = bench.instance()
    item = {
        "module": "env",
        "name": "memory",
        "object": bench.make("memory.export", instance=owner, name="memory"),
    }
    # its maximum is 3 pages, the import's 2
    bench.refused("instance.create", "link", module=bench.module(modules.NEEDS_MEMORY), imports=[item], glue=None)


@CHECKS.of("instance.create", "imports a new global")
def _import_global(bench: Bench) -> None:
    value = {"type": "i64", "mutable": False, "value": str(2**64 - 5)}
    instance = bench.instance(modules.NEEDS_GLOBAL, [{"module": "env", "name": "base", "global": value}])
    same("instance.create", [2**64 - 5], bench.call(instance, "base", results=["i64"]))


@CHECKS.of("instance.create", "imports another instance's function")
def _import_function(bench: Bench) -> None:
    item = {"module": "env", "name": "sub", "instance": bench.instance(), "export": "sub"}
    instance = bench.instance(modules.NEEDS_FUNCTION, [item])
    same("instance.create", [4], bench.call(instance, "twice", i32(10), i32(3), results=["i32"]))


@CHECKS.of("instance.create", "an import is missing")
def _import_missing(bench: Bench) -> None:
    bench.refused("instance.create", "link", module=bench.module(modules.NEEDS_FUNCTION), imports=[], glue=None)


@CHECKS.of("instance.create", "an imported memory is too small")
def _import_too_small(bench: Bench) -> None:
    memory = bench.make("memory.create", min=1, max=None, shared=False, index="i32")
    imports = [{"module": "env", "name": "memory", "object": memory}]
    bench.refused(
        "instance.create", "link", module=bench.module(modules.NEEDS_LARGE_MEMORY), imports=imports, glue=None
    )


@CHECKS.of("instance.create", "the start function traps")
def _start_traps(bench: Bench) -> None:
    failure = bench.refused(
        "instance.create", "trap", module=bench.module(modules.TRAPS_AT_START), imports=[], glue=None
    )
    same("instance.create", "unreachable", failure.message)


@CHECKS.of("function.call", "i32, both signs")
def _i32(bench: Bench) -> None:
    instance = bench.instance()
    same("function.call", [2**32 - 2], bench.call(instance, "sub", i32(7), i32(9), results=["i32"]))
    same("function.call", [1], bench.call(instance, "sub", i32(-(2**31)), i32(2**31 - 1), results=["i32"]))


@CHECKS.of("function.call", "i64, both signs")
def _i64(bench: Bench) -> None:
    instance = bench.instance()
    args = typed("i64", 2**63 - 1), typed("i64", -(2**53) - 1)
    same("function.call", [2**63 + 2**53], bench.call(instance, "sub64", *args, results=["i64"]))


@CHECKS.of("function.call", "f32 as bits, both ways")
def _f32(bench: Bench) -> None:
    _float(bench, "f32", "i32", (ONE_AND_A_HALF[0], MINUS_ZERO[0], 1, 0x7F7FFFFF))


@CHECKS.of("function.call", "f64 as bits, both ways")
def _f64(bench: Bench) -> None:
    _float(bench, "f64", "i64", (ONE_AND_A_HALF[1], MINUS_ZERO[1], 1, 0x7FEFFFFFFFFFFFFF))


def _float(bench: Bench, kind: str, integer: str, samples: Sequence[int]) -> None:
    instance = bench.instance()
    for bits in samples:
        there = bench.call(instance, f"{kind}_to_bits", {"type": kind, "value": str(bits)}, results=[integer])
        same("function.call", [bits], there)
        back = bench.call(instance, f"{kind}_of_bits", typed(integer, bits), results=[kind])
        same("function.call", [bits], back)


@CHECKS.of("function.call", "two results")
def _two_results(bench: Bench) -> None:
    module = bench.post("module.compile", {"bytes": modules.base64_of(modules.TWO_RESULTS)})
    if isinstance(bench.settle(module, "module.compile"), CallFailed):
        raise Untested("the runtime does not compile a function with two results")
    instance = bench.make("instance.create", module=module, imports=[], glue=None)
    found = bench.call(instance, "swap", i32(1), typed("i64", 2), results=["i64", "i32"])
    same("function.call", [2, 1], found)


@CHECKS.of("function.call", "an argument refers to an earlier result")
def _argument_reference(bench: Bench) -> None:
    instance = bench.instance()
    params = {"instance": instance, "name": "sub", "args": [i32(1), i32(3)], "results": ["i32"]}
    earlier = bench.make("function.call", **params)  # -2, that is 4294967294
    found = bench.call(instance, "sub", i32({"$ref": earlier, "+": -4294967284}), i32(1), results=["i32"])
    same("function.call", [9], found)


@CHECKS.of("function.call", "there is no such export")
def _no_export(bench: Bench) -> None:
    bench.refused("function.call", "host", instance=bench.instance(), name="nowhere", args=[], results=[])


@CHECKS.of("function.call", "the export is a memory")
def _no_function(bench: Bench) -> None:
    bench.refused("function.call", "host", instance=bench.instance(), name="memory", args=[], results=[])


@CHECKS.of("function.call", "traps, in the specification's words")
def _traps(bench: Bench) -> None:
    instance = bench.instance()
    for name, args, words in (
        ("unreachable", [], "unreachable"),
        ("divide", [i32(1), i32(0)], "integer divide by zero"),
        ("divide", [i32(-(2**31)), i32(-1)], "integer overflow"),
        ("load", [i32(65536)], "out of bounds memory access"),
    ):
        results = [] if name == "unreachable" else ["i32"]
        failure = bench.refused("function.call", "trap", instance=instance, name=name, args=args, results=results)
        if words not in failure.messages:
            same("function.call", words, failure.message)


@CHECKS.of("import.call", "arguments and results of every type")
def _import_types(bench: Bench) -> None:
    seen: list[tuple[str, list[Typed]]] = []

    def answer(func: str, args: list[dict[str, str]]) -> list[Typed]:
        seen.append((func, list(args)))
        return [typed("i64", -7)] if func == "mix" else [{"type": "f32", "value": str(ONE_AND_A_HALF[0])}]

    bench.serve(answer)
    found = bench.call(_hosted(bench), "mix", results=["i64"])
    wanted = [2**32 - 1, 2**64 - 2, ONE_AND_A_HALF[0], MINUS_ZERO[1]]
    same(
        "import.call",
        [("mix", ["i32", "i64", "f32", "f64"])],
        [(func, [one["type"] for one in args]) for func, args in seen],
    )
    same("import.call", wanted, [int(one["value"]) % 2 ** int(one["type"][1:]) for one in seen[0][1]])
    same("import.call", [2**64 - 7], found)
    half = {"module": "env", "name": "half", "func": "half", "type": {"params": ["f64"], "results": ["f32"]}}
    instance = bench.instance(modules.FLOATS, [half])
    argument = {"type": "f64", "value": str(MINUS_ZERO[1])}
    same("import.call", [ONE_AND_A_HALF[0]], bench.call(instance, "half", argument, results=["f32"]))


@CHECKS.of("import.call", "memory is read and written while the guest's call is under way")
def _reentrant_memory(bench: Bench) -> None:
    instance = _hosted(bench)
    memory = bench.make("memory.export", instance=instance, name="memory")

    def answer(func: str, args: list[dict[str, str]]) -> list[Typed]:
        found = bench.reading("memory.read", "u8", 1, memory=memory, at=1, view=None)
        if getattr(found, "bits", None) != 5:
            raise Wrong("memory.read", "the 5 that the guest wrote before it called", str(found))
        bench.ask("memory.write", memory=memory, at=0, type="u8", value={"type": "u8", "value": "30"}, view=None)
        return [i32(int(args[0]["value"]) + 100)]

    bench.serve(answer)
    same("import.call", [135], bench.call(instance, "visit", i32(5), results=["i32"]))


@CHECKS.of("import.call", "a guest's function is called inside a host function, which calls again")
def _nested(bench: Bench) -> None:
    instance = _hosted(bench)
    depths: list[int] = []

    def answer(func: str, args: list[dict[str, str]]) -> list[Typed]:
        depth = int(args[0]["value"])
        depths.append(depth)
        inner = bench.call(instance, "visit", i32(depth - 1), results=["i32"])[0] if depth else 0
        return [i32(inner * 2 + 1)]

    bench.serve(answer)
    same("import.call", [15], bench.call(instance, "visit", i32(3), results=["i32"]))
    same("import.call", [3, 2, 1, 0], depths)


@CHECKS.of("import.call", "the host function throws")
def _throws(bench: Bench) -> None:
    failure = _failing(bench, "host")
    if "crossroads" not in failure.message + failure.text:
        raise Wrong("import.call", "an error with the host function's text, 'crossroads'", f"{failure.text!r}")
    same("import.call", [1], bench.call(bench.instance(), "size", results=["i32"]))


@CHECKS.of("import.call", "the host function throws that a start function calls")
def _throws_at_start(bench: Bench) -> None:
    def answer(func: str, args: list[dict[str, str]]) -> list[Typed]:
        raise ImportFailed("host", "crossroads")

    bench.serve(answer)
    visit = {"params": ["i32"], "results": ["i32"]}
    imports = [{"module": "env", "name": "visit", "func": "visit", "type": visit}]
    module = bench.module(modules.CALLS_AT_START)
    failure = bench.refused("instance.create", "host", "trap", module=module, imports=imports, glue=None)
    if "crossroads" not in failure.message + failure.text:
        raise Wrong("import.call", "an error with the host function's text, 'crossroads'", f"{failure.text!r}")


@CHECKS.of("import.call", "the host function traps")
def _host_traps(bench: Bench) -> None:
    _failing(bench, "trap")
    same("import.call", [1], bench.call(bench.instance(), "size", results=["i32"]))


def _failing(bench: Bench, kind: str) -> CallFailed:
    def answer(func: str, args: list[dict[str, str]]) -> list[Typed]:
        raise ImportFailed(kind, "crossroads")

    bench.serve(answer)
    params = {"instance": _hosted(bench), "name": "visit", "args": [i32(0)], "results": ["i32"]}
    return bench.refused("function.call", "host", "trap", **params)


def _hosted(bench: Bench) -> int:
    """An instance of the module whose host functions ask us."""
    mix = {"params": ["i32", "i64", "f32", "f64"], "results": ["i64"]}
    visit = {"params": ["i32"], "results": ["i32"]}
    return bench.instance(
        modules.HOST,
        [
            {"module": "env", "name": "mix", "func": "mix", "type": mix},
            {"module": "env", "name": "visit", "func": "visit", "type": visit},
        ],
    )
