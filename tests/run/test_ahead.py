"""What is posted ahead comes to the same as what is played one by one, whatever its driver does and when."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linmem.play.player import SHARED
from linmem.provision.manifest import load_manifest
from linmem.results.known import KnownDefects
from linmem.results.outcome import Result
from linmem.run import session as sessions
from linmem.run.ahead import SIZE, SPARES
from linmem.run.bench import Bench
from linmem.run.guests import Guests
from linmem.run.runtimes import Chosen
from linmem.scenario.loader import load_suite

FAKE = Path(__file__).parents[1] / "fakes" / "breaking.py"
WAT = """
      (module
        {imports}
        (memory (export "memory") 1)
        (func (export "scenario{number}"))
        (func (export "give") (result i32) (i32.const 7)))
"""
PLAIN = "[{call: give, expect: 7}, {read: u8, at: 0, expect: 0}, {size: memory, expect: 1}]"
MIXED = {
    "plain": PLAIN,
    "asks": "[{call: give, observe: answer}, {grow: 1, expect: 1}]",
    "refers": "[{call: give, as: at}, {read: u8, at: at + 1, expect: 0}]",
    "waits": "[{call: give, as: at}, {read: u8, at: at * 2, expect: 0}, {size: memory}]",
    "waits for bytes": "[{read: bytes, at: 0, count: 1, as: found}, {write: bytes, at: 4, value: found}]",
    "two instances": "[{instantiate: guest, as: a}, {call: give, on: a}, {instantiate: guest, as: b}, {call: give, on: b}]",
    "fails": "[{call: give}, {read: u8, at: 0, expect: 1}, {size: memory}]",
    "fails first": "[{call: give, expect: 8}, {size: memory}, {size: memory}]",
    "is not had": "[{call: give}, {read: u8, at: 0, kind: wordwise}, {size: memory}]",
    "is in error": "[{call: give}, {call: nothing}]",
    "is called": PLAIN,
}
FAULTS = ("kill", "exit", "half", "words", "wrong id", "calls", "stop")


def suite(kinds: list[str]) -> str:
    """A suite with a scenario of each of these kinds, each with a module of its own."""
    text = "title: Mixed\nobservations: {answer: {question: Which?}}\nscenarios:\n"
    for number, kind in enumerate(kinds):
        called = kind == "is called"
        wat = WAT.format(number=number, imports='(import "env" "tick" (func))' if called else "")
        text += f"  - name: {kind} {number}\n    wat: |{wat}"
        text += "    imports: {env.tick: {steps: [{size: memory}]}}\n" if called else ""
        text += f"    steps: {MIXED[kind]}\n"
    return text


@contextmanager
def bench(folder: Path, breaks: dict[str, Any], timeout: float) -> Iterator[Bench]:
    """A bench with the fake driver."""
    manifest = {
        "name": "breaking",
        "title": "A fake",
        "homepage": "https://example.org",
        "launch": ["{program}", str(FAKE)],
        "env": {"BREAKS": json.dumps(breaks)},
        "environment": {"program": {"name": sys.executable}},
        "views": [{"kind": "bytewise", "unit": 1, "types": ["u8", "bytes"]}],
    }
    place = folder / "breaking"
    place.mkdir(exist_ok=True)
    (place / "runtime.yaml").write_text(json.dumps(manifest))
    chosen = Chosen("breaking", load_manifest(place), None, "1.0", asked=True)
    made = Bench([chosen], Guests([], None), timeout, lambda session: dict(session.features()), KnownDefects([]))
    yield made
    made.close()


def told(result: Result) -> tuple[object, ...]:
    """What of a result is the runtime's doing."""
    steps = [(step.text, step.status, step.actual) for step in result.steps]
    return result.outcome, result.where, steps, [(seen.id, seen.answer) for seen in result.observations]


def play(folder: Path, kinds: list[str], breaks: dict[str, Any], *, ahead: bool, timeout: float = 30) -> list[Result]:
    """Play a suite of these kinds, ahead or one by one."""
    path = folder / "mixed.yaml"
    path.write_text(suite(kinds))
    with bench(folder, breaks, timeout) as made:
        planned = [item for scenario in load_suite(path, "mixed.yaml").scenarios for item in made.cases(scenario)]
        if ahead:
            made.expect(planned)
        return [made.play(item, made.result(item)) for item in planned]


def both(kinds: list[str], breaks: dict[str, Any], timeout: float = 30) -> tuple[list[Result], list[Result]]:
    """What a suite comes to: ahead, and one by one."""
    found = []
    for ahead in (True, False):
        with tempfile.TemporaryDirectory() as name:
            once = {**breaks, "once": f"{name}/once"} if breaks.get("once") else breaks
            found.append(play(Path(name), kinds, once, ahead=ahead, timeout=timeout))
    return found[0], found[1]


NOTHING = {"scenario": -1, "message": 0, "fault": "kill", "after": False}


def test_a_window_is_posted_up_to_what_must_wait(tmp_path: Path) -> None:
    kinds = ["plain"] * (SIZE + 4) + ["is called", "waits", "plain"]
    path = tmp_path / "mixed.yaml"
    path.write_text(suite(kinds))
    with bench(tmp_path, NOTHING, 30) as made:
        planned = [item for scenario in load_suite(path, "mixed.yaml").scenarios for item in made.cases(scenario)]
        made.expect(planned)
        window = made.window("breaking")
        counts = []
        for item in planned:
            assert made.play(item, made.result(item)).outcome == "pass"
            counts.append(len(window.begun))
    assert counts[0] == SIZE  # nothing is posted before the runtime runs
    assert max(counts) == SIZE
    assert counts[SIZE + 3] == 0  # what is called back is posted in its turn,
    assert counts[SIZE + 4] == 1  # and nothing behind what waits
    assert counts[-2:] == [1, 0]


def test_processes_are_at_hand_before_cases_that_cost_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bench, "costs_process", lambda self, planned: planned.scenario.title.startswith("fails"))
    path = tmp_path / "mixed.yaml"
    path.write_text(suite(["plain", "plain", "fails", "fails", "fails", "plain"]))
    with bench(tmp_path, NOTHING, 30) as made:
        planned = [item for scenario in load_suite(path, "mixed.yaml").scenarios for item in made.cases(scenario)]
        made.expect(planned)
        session, counts, processes = made.session("breaking"), [], []
        for item in planned:
            made.play(item, made.result(item))
            counts.append(len(session._spares))
            processes.append(session.processes)
    assert counts == [SPARES, SPARES, SPARES, 1, 1, 1]
    assert processes == [0, 0, 1, 2, 3, 3]


def test_another_order_than_was_expected(tmp_path: Path) -> None:
    path = tmp_path / "mixed.yaml"
    path.write_text(suite(["plain"] * 6))
    with bench(tmp_path, NOTHING, 30) as made:
        planned = [item for scenario in load_suite(path, "mixed.yaml").scenarios for item in made.cases(scenario)]
        made.expect(planned)
        for place in (0, 1, 1, 5, 2, 3, 0, 4):
            assert made.play(planned[place], made.result(planned[place])).outcome == "pass"


def test_words_that_may_be_a_neighbours_are_marked(tmp_path: Path) -> None:
    path = tmp_path / "mixed.yaml"
    path.write_text(suite(["plain", "plain", "plain"]))
    with bench(tmp_path, {**NOTHING, "scenario": 2, "message": 3, "fault": "says"}, 30) as made:
        planned = [item for scenario in load_suite(path, "mixed.yaml").scenarios for item in made.cases(scenario)]
        made.expect(planned)
        results = [made.play(item, made.result(item)) for item in planned]
    assert [result.outcome for result in results] == ["pass", "pass", "crash"]
    assert results[2].stderr == SHARED + "my last words\n"


BREAKS = st.fixed_dictionaries(
    {
        "scenario": st.integers(0, 5),
        "message": st.integers(0, 8),
        "fault": st.sampled_from(FAULTS[:-1]),
        "after": st.booleans(),
        "once": st.booleans(),
        "refuses": st.integers(-4, 5),
    }
)


@settings(max_examples=8)
@given(st.lists(st.sampled_from(sorted(MIXED)), min_size=6, max_size=6), BREAKS)
def test_a_fault_at_any_message(kinds: list[str], breaks: dict[str, Any]) -> None:
    ahead, alone = both(kinds, breaks)
    assert list(map(told, ahead)) == list(map(told, alone))


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_at_many_messages(fault: str, after: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill at every message; of the others, which take the same ways, some; a stopped driver is waited for."""
    monkeypatch.setattr(sessions, "PAUSES", ())  # a driver that dies at its start is not tried again for 2.6 s
    kinds = [*MIXED, "plain"]
    scenarios, messages = {
        "kill": (range(len(kinds)), range(0 if after else 7)),
        "stop": ((0, 3), (0, 3)),
    }.get(fault, (range(0, len(kinds), 3), (0, 1, 3, 6)))
    for scenario in scenarios:
        for message in messages or (1, 4):
            breaks = {"scenario": scenario, "message": message, "fault": fault, "after": after}
            ahead, alone = both(kinds, breaks, 3 if fault == "stop" else 30)
            assert list(map(told, ahead)) == list(map(told, alone)), breaks
