"""No check that can't fail: faults are planted in a runtime, one after the other, and the suites must notice each.

The faults are in ``planted_faults.yaml``. Those of a binding or a driver are planted in Wasmtime's driver, which
``tests/fakes/faulty_wasmtime.py`` runs; those of an engine by telling it something else than the scenario says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from linmem import paths
from linmem.guests import probes
from linmem.play.guest import Guest
from linmem.play.player import Player
from linmem.play.scope import Module
from linmem.results.outcome import Result
from linmem.run.bench import view_kinds
from linmem.run.guests import Guests, modules
from linmem.run.runtimes import choose
from linmem.run.session import Session
from linmem.scenario.loader import load_suite
from linmem.scenario.model import GUEST, Scenario
from linmem.wasm.wat import assemble

FAULTS: list[dict[str, str]] = yaml.safe_load(Path(__file__).with_name("planted_faults.yaml").read_text("utf-8"))
FAULTY = Path(__file__).parent / "fakes" / "faulty_wasmtime.py"
SUITES = paths.SUITES
Cell = tuple[Scenario, "Guest | None", "str | None"]


class Bench:
    """Wasmtime with a driver that faults can be planted in, and the cells of scenarios on it."""

    def __init__(self) -> None:
        (self.chosen,) = choose(["wasmtime"])
        provided = self.chosen.provide()
        command = [*provided.command[:-1], str(FAULTY), provided.command[-1]]
        faulty = replace(provided, command=command, forks=False)  # the fork would have the driver alone
        self.session = Session("wasmtime", None, lambda: faulty, probes.features(), 20.0)
        self.guests = Guests([], None)

    def plant(self, fault: dict[str, str]) -> None:
        """Plant a fault in the driver; one that has no place there only lifts the last."""
        self.session.start()
        params = {key: fault[key] for key in ("at", "with") if key in fault}
        assert self.session.reply(self.session.post("fault.plant", params)) == {}

    def cells(self, pattern: str) -> list[Cell]:
        """The cells that a pattern names: ``suite.yaml::scenario``, or only one guest's or view kind's with ``/wat``."""
        file, _, scenarios = pattern.partition("::")
        found = [
            (scenario, guest, view)
            for scenario in load_suite(next(SUITES.rglob(file)), file).scenarios
            for guest in self.guests.of(scenario)
            for view in view_kinds(scenario, self.chosen)
            if any(fnmatchcase(name, scenarios) for name in named(scenario, guest, view))
        ]
        assert found, f"no scenario is called {pattern}"
        return found

    def sound(self, cells: list[Cell]) -> list[Result]:
        """What cells come to without a fault."""
        self.plant({})
        return [self.play(cell, {}) for cell in cells]

    def play(self, cell: Cell, fault: dict[str, str]) -> Result:
        """What the cell comes to on an engine with a fault."""
        scenario, guest, view = cell
        parts = modules(scenario, guest)
        if "of" in fault:
            sources = {**scenario.modules, **({GUEST: scenario.guest} if scenario.guest is not None else {})}
            for name, source in sources.items():
                text = source.wat or ""
                told = re.sub(fault["of"], fault["does"], text)
                if told != text:
                    parts[name] = Module(assemble(told), parts[name].types)
        names = dict.fromkeys(("id", "suite", "scenario", "title", "runtime", "version"), "")
        result = Result(**names, guest=None, view=view, outcome="error")
        return Player(scenario, self.session, parts, guest, view).play(result)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.session.close()


def named(scenario: Scenario, guest: Guest | None, view: str | None) -> list[str]:
    """What a cell may be called: its scenario, and with guest or view kind behind it."""
    return [scenario.slug, *(f"{scenario.slug}/{part}" for part in (guest.label if guest else None, view) if part)]


def answers(result: Result, question: str) -> list[str]:
    return [observed.answer for observed in result.observations if observed.id == question]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault["fault"] for fault in FAULTS])
def test_the_suites_notice(fault: dict[str, Any], bench: Bench) -> None:
    cells = bench.cells(fault["noticed"])
    sound = bench.sound(cells)
    assert {result.outcome for result in sound} <= {"pass", "unsupported"}
    bench.plant(fault)
    for cell, was in zip(cells, sound, strict=True):
        if was.outcome != "pass":
            continue
        result = bench.play(cell, fault)
        if "answers" not in fault:
            if result.outcome in ("fail", "crash"):
                return
            assert result.outcome == "pass", result.message  # an error would be a fault of the fault
        elif answers(result, fault["answers"]) != answers(was, fault["answers"]):
            return
    pytest.fail(f"{len(cells)} scenarios come to the same with this fault and without")
