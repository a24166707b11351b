"""Suites written in the test, and what it takes to play them on a runtime made of Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from toyruntime import ToyRuntime, module

from linmem.play.guest import Guest
from linmem.play.player import Player
from linmem.results.outcome import Result
from linmem.results.verdict import OUTCOMES
from linmem.scenario.loader import load_suite
from linmem.scenario.model import GUEST, Suite


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Suite]:
    """Loads a suite from its text; it is called ``f.yaml``."""

    def load(text: str) -> Suite:
        path = tmp_path / "f.yaml"
        path.write_text(text, encoding="utf-8")
        return load_suite(path, "f.yaml")

    return load


@pytest.fixture
def play(load: Callable[[str], Suite]) -> Callable[..., Result]:
    """Plays the first scenario of a suite on a `ToyRuntime`, and holds the result against its own rules."""

    def play(text: str, runtime: ToyRuntime, guest: Guest | None = None, view: str | None = None) -> Result:
        suite = load(text)
        scenario = suite.scenarios[0]
        sources = dict(scenario.modules)
        if scenario.guest is not None:
            sources[GUEST] = scenario.guest
        modules = {name: module(source) for name, source in sources.items()}
        cell = {"guest": guest.label if guest else None, "runtime": "toy", "version": "1", "view": view}
        result = Result(id="id", suite="f.yaml", scenario=scenario.slug, title=scenario.title, outcome="error", **cell)
        assert Player(scenario, runtime, modules, guest, view).play(result) is result
        check(result)
        return result

    return play


def check(result: Result) -> None:
    """What holds for every result."""
    assert result.outcome in OUTCOMES
    if result.outcome == "pass":
        assert (result.message, result.where, result.steps, result.stderr) == ("", None, [], "")
        return
    assert result.message
    assert "\n" not in result.message
    assert result.where is not None
    assert [step.status for step in result.steps[:-1]] == ["ok"] * len(result.steps[:-1])
    if result.steps and result.steps[-1].status == "failed":
        assert result.steps[-1].where == result.where
