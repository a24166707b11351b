"""Who plays what: every guest, runtime and view kind that a scenario is about makes a case."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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


@pytest.mark.parametrize(
    ("cache", "reason"),
    [
        ("no folder/cache", "node, wasmer and wasmtime: can't write to the cache folder {cache}: Not a directory "),
        ("empty", "wasmtime: uv could not install wasmtime==50.0.1: "),
    ],
)
def test_a_run_that_has_no_runtime_says_why(tmp_path: Path, cache: str, reason: str) -> None:
    """Neither a cache nor a network, or a cache that can't be written."""
    (tmp_path / "no folder").write_text("")
    place = tmp_path / cache
    settings = {"LINMEM_CACHE": str(place), "UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "uv")}
    done = subprocess.run(
        [sys.executable, "-m", "linmem", "run", "growth.yaml", f"--report-dir={tmp_path / 'out'}"],
        env={**os.environ, **settings}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    assert line.startswith("ERROR: none of the runtimes is available, so nothing can be played. ")
    assert reason.format(cache=place) in line
    assert "no scenario matches" not in done.stdout + done.stderr
    assert not (tmp_path / "out").exists()
