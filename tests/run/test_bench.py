"""Who plays what: every guest, runtime and view kind that a scenario is about makes a case."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from linmem import paths
from linmem.results.known import KnownDefects
from linmem.run.bench import Bench
from linmem.run.guests import Guests
from linmem.run.runtimes import choose
from linmem.scenario.loader import load_suite
from linmem.scenario.model import Scenario

SUITES = paths.SUITES


@pytest.fixture
def casting() -> Iterator[Bench]:
    casting = Bench(choose(["wasmtime", "node"]), Guests([], None), 10.0, lambda session: {}, KnownDefects([]))
    casting.provide()
    yield casting
    casting.close()


def scenario(file: str, slug: str) -> Scenario:
    return next(found for found in load_suite(next(SUITES.rglob(file)), file).scenarios if found.slug == slug)


def test_each_guest_and_each_runtime(casting: Bench) -> None:
    ids = [item.case.cell for item in casting.cases(scenario("shared_buffer.yaml", "wasm-writes-24-at-index-0"))]
    for guest in ("c", "go", "rust", "wat", "zig", "assemblyscript"):
        assert {f"{guest}-wasmtime", f"{guest}-node"} <= set(ids)
    assert len(set(ids)) == len(ids)


def test_each_view_kind_of_each_runtime(casting: Bench) -> None:
    cases = casting.cases(scenario("typed_access.yaml", "bytes-through-a-kept-view-of-each-kind"))
    assert [item.case.cell for item in cases] == [
        "wasmtime-read_write",
        "wasmtime-get_buffer_ptr",
        "wasmtime-data_ptr",
        "node-Uint8Array",
        "node-Uint8ClampedArray",
    ]


def test_what_was_begun_and_does_not_come_next_is_given_up(casting: Bench) -> None:
    plain, asking = (
        casting.cases(scenario("growth.yaml", f"{who}-and-both-sides-see-the-size"))[0]
        for who in ("wasm-grows-its-memory", "the-host-grows-the-memory")
    )
    seen = []
    for _ in range(2):  # nothing is begun before a runtime runs
        result = casting.play(plain, casting.result(plain))
        seen.append((result.outcome, result.observations, casting.ahead))
        casting.begin(asking)
        assert casting.ahead is not None
    assert seen == [("pass", [], None)] * 2
