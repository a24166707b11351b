"""Who plays what: every guest, runtime and view kind that a scenario is about has a cell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from linmem import paths
from linmem.results.known import KnownDefects
from linmem.results.outcome import Result
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
    ids = [cell.id for cell in casting.cells(scenario("shared_buffer.yaml", "wasm-writes-24-at-index-0"))]
    for guest in ("c", "go", "rust", "wat", "zig", "assemblyscript"):
        assert {f"{guest}-wasmtime", f"{guest}-node"} <= set(ids)
    assert len(set(ids)) == len(ids)


def test_each_view_kind_of_each_runtime(casting: Bench) -> None:
    cells = casting.cells(scenario("typed_access.yaml", "bytes-through-a-kept-view-of-each-kind"))
    assert [cell.id for cell in cells] == [
        "wasmtime-read_write",
        "wasmtime-get_buffer_ptr",
        "wasmtime-data_ptr",
        "node-Uint8Array",
        "node-Uint8ClampedArray",
    ]


def test_what_was_begun_and_does_not_come_next_is_given_up(casting: Bench) -> None:
    plain, asking = (
        scenario("growth.yaml", f"{who}-and-both-sides-see-the-size")
        for who in ("wasm-grows-its-memory", "the-host-grows-the-memory")
    )
    cell = casting.cells(plain)[0]
    names = dict.fromkeys(("id", "suite", "scenario", "title", "runtime", "version"), "")
    seen = []
    for _ in range(2):  # nothing is begun before a runtime runs
        result = casting.play(plain, cell, Result(**names, guest=None, view=None, outcome="error"))
        seen.append((result.outcome, result.observations, casting.ahead))
        casting.begin(asking, cell)
        assert casting.ahead is not None
    assert seen == [("pass", [], None)] * 2
