"""Which names a step may use. What is refused stands in test_validation.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from linmem.scenario.model import Suite
from linmem.scenario.names import makes_own_instances
from linmem.scenario.source import SourceError

Load = Callable[[str], Suite]


def suite(scenario: str, file: str = "") -> str:
    indented = "".join(f"    {line}\n" for line in scenario.splitlines())
    return f"title: T\nwat: (module)\n{file}scenarios:\n  - name: one\n{indented}"


GOOD = [
    # a host function sees its arguments, and what the scenario binds before it may be called
    "imports: {a.b: {params: [x], steps: [{read: u8, at: x + y}, {length: v}], return: x}}\n"
    "steps: [{call: f, as: y}, {view: default, as: v}, {call: f}]",
    # the scenario sees what a host function binds
    "imports: {a.b: {params: [x], steps: [{view: default, as: inner}, {size: memory, as: pages}]}}\n"
    "steps: [{call: f}, {read: u8, at: x + pages, through: inner}]",
    # memories: the guest's only one, an export, another instance's, a bound one
    "modules: {lib: {wat: (module)}}\n"
    "steps: [{instantiate: guest}, {instantiate: lib, as: other}, {memory: {min: 1}, as: own}, {size: memory},\n"
    "  {size: mem}, {size: guest.mem}, {size: other.memory}, {size: own}, {view: default, in: own, as: v}]",
    # a view of another memory can be read through where there is no guest
    "steps: [{memory: {min: 1}, as: own}, {view: default, in: own, as: v}, {read: u8, at: 0, through: v}]",
    # imports that the scenario makes itself
    "imports: {a.m: {memory: own}, a.f: {export: first.f}, a.g: {global: i32, value: pages}}\n"
    "steps: [{memory: {min: 1}, as: own}, {size: own, as: pages}, {instantiate: guest, as: first}, {instantiate: guest}]",
    # exports that are kept beyond their instance
    "steps: [{memory: {export: guest.m}, as: m}, {function: {export: guest.f}, as: f}, {same: [m, guest.m]},\n"
    "  {same: [guest.m, guest.m]}, {same: [f, m]}, {release: guest}, {collect: true}, {read: u8, at: 0, in: m}, {call: f}]",
    # globals: made, kept, a guest's by its export
    "steps: [{global: {type: i32}, as: g}, {instantiate: guest, imports: {a.g: {global: g}}}, {get: g, as: n},\n"
    "  {set: g, value: n + 1}, {get: guest.h}, {set: h, value: 1}, {global: {export: guest.h}, as: h}, {same: [g, h]}]",
    # bytes, also those that a host function binds, and parts of views
    "imports: {a.b: {params: [x], steps: [{read: bytes, at: x, count: 2, as: b}, {write: bytes, at: 9, value: b}]}}\n"
    "steps: [{call: f}, {write: bytes, at: 0, value: b}, {view: default, as: v}, {view: part, through: v, as: w},\n"
    "  {use: TextDecoder.decode, on: w, as: b}, {use: Memory.toResizableBuffer, on: guest.m}]",
    # a name can be bound anew, also to something else
    "steps: [{call: f, as: x}, {view: default, as: x}, {release: x}, {call: f, as: x}, {read: u8, at: x}]",
]


@pytest.mark.parametrize("scenario", GOOD)
def test_what_is_bound_can_be_used(scenario: str, load: Load) -> None:
    load(suite(scenario))


def test_a_file_s_imports_may_name_what_only_some_scenarios_bind(load: Load) -> None:
    scenario = "steps: [{call: f}]"
    load(suite(scenario, "imports: {a.m: {memory: own}, a.f: {export: other.f}}\n"))
    with pytest.raises(SourceError, match="unknown memory 'own'"):
        load(suite("imports: {a.m: {memory: own}}\n" + scenario))


def test_a_guest_that_is_made_before_the_first_step_can_import_nothing_that_steps_make(load: Load) -> None:
    with pytest.raises(SourceError, match="unknown memory 'own'"):
        load(suite("imports: {a.m: {memory: own}}\nsteps: [{memory: {min: 1}, as: own}, {call: f}]"))


def test_whether_an_instance_is_made_for_the_scenario(load: Load) -> None:
    without = load(suite("steps: [{instantiate: guest}, {call: f}]")).scenarios[0]
    assert makes_own_instances(without)
    with_one = load(suite("steps: [{call: f}]")).scenarios[0]
    assert not makes_own_instances(with_one)
