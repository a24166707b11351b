from __future__ import annotations

from collections.abc import Callable

import pytest

from linmem.plugin import describe
from linmem.scenario.model import Suite

OBSERVED = "title: T\nwat: (module)\nobservations: {o: {question: Q}}\nscenarios:\n  - name: one\n"
AGENT = "agents: {a: {instantiate: guest, calls: [%s]}}"


@pytest.mark.parametrize(
    ("scenario", "demands"),
    [
        ("steps: [{size: memory, observe: o}]", False),
        ("steps: [{size: memory, expect: 1}]", True),
        (f"steps: [{{{AGENT % '{call: f, observe: o}'}}}]", False),
        (f"steps: [{{{AGENT % '{call: f, expect: 1}'}}}]", True),
        (f"steps: [{{{AGENT % '{call: f}'}, meanwhile: [{{size: memory, expect: 1}}]}}]", True),
        ("imports: {a.b: {steps: [{size: memory, expect: 1}]}}\n    steps: [{call: f}]", True),
        ("steps: [{instantiate: guest, as: i, imports: {a.b: {steps: [{size: i.memory, expect: 1}]}}}]", True),
    ],
)
def test_a_scenario_demands_what_any_of_its_steps_expects(
    scenario: str, demands: bool, load: Callable[[str], Suite]
) -> None:
    (found,) = load(f"{OBSERVED}    {scenario}\n").scenarios
    assert describe.demands(found) is demands
