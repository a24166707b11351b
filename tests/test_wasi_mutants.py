"""The WASI suites notice what is changed in a runtime's WASI: a few of the mutants that ``wasi_mutants.py`` makes."""

from __future__ import annotations

import random
import re

import pytest

from tests import wasi_mutants

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bench() -> wasi_mutants.Bench:
    return wasi_mutants.Bench()


@pytest.mark.parametrize("change", ["narrower", "not written", "swapped with the next", "the first only"])
def test_a_mutant_is_noticed(bench: wasi_mutants.Bench, change: str) -> None:
    every = [one for one in wasi_mutants.mutants(bench.source) if one.change == change and one.hidden is None]
    mutant = random.Random(wasi_mutants.SEED).choice(every)
    bench.scenarios = [one for one in bench.scenarios if "results.yaml" in one.where.file]
    sound = {scenario.slug: result for scenario, result in bench.results(None) if result.outcome == "pass"}
    assert any(wasi_mutants.noticed(bench, mutant, sound)), f"no scenario notices {mutant}"


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in wasi_mutants.HIDDEN])
def test_what_is_hidden_is_there(bench: wasi_mutants.Bench, pattern: str) -> None:
    assert any(re.search(pattern, one.place) for one in wasi_mutants.mutants(bench.source))
