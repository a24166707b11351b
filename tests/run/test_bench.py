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
