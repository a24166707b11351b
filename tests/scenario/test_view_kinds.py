from __future__ import annotations

from collections.abc import Callable

import pytest

from linmem.scenario.model import Suite
from linmem.scenario.source import SourceError
from linmem.scenario.view_kinds import check_view_kinds

KINDS = {"Uint8Array": {"u8", "bytes"}, "DataView": {"u8", "u32"}}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("[{view: Unit8Array, as: v}]", "unknown view kind 'Unit8Array' in any runtime; did you mean 'Uint8Array'?"),
        ("[{read: u8, at: 0, kind: Unit8Array}]", "unknown view kind 'Unit8Array'"),
        ("[{write: u8, at: 0, value: 1, kind: Unit8Array}]", "unknown view kind 'Unit8Array'"),
        ("[{read: u32, at: 0, kind: Uint8Array}]", "Uint8Array has no u32; it has bytes, u8"),
        ("[{view: Uint8Array, as: v}, {read: u32, at: 0, through: v}]", "Uint8Array has no u32; it has bytes, u8"),
        ("[{view: Uint8Array, as: v}, {write: u32, at: 0, value: 1, through: v}]", "Uint8Array has no u32"),
    ],
)
def test_a_view_kind_that_no_runtime_has_is_the_scenario_s_fault(
    load: Callable[[str], Suite], steps: str, message: str
) -> None:
    scenarios = load(f"title: T\nwat: (module)\nscenarios:\n  - name: A\n    steps: {steps}\n").scenarios
    with pytest.raises(SourceError) as caught:
        check_view_kinds(scenarios, KINDS)
    assert message in str(caught.value)
    assert caught.value.line == 5
    check_view_kinds(scenarios, None)  # a runtime that does not say its kinds may have any


def test_kinds_that_a_runtime_has(load: Callable[[str], Suite]) -> None:
    steps = "[{view: DataView, as: v}, {read: u32, at: 0, through: v}, {view: default, as: v}, {read: f64, at: 0, through: v}]"
    check_view_kinds(load(f"title: T\nwat: (module)\nscenarios:\n  - name: A\n    steps: {steps}\n").scenarios, KINDS)
