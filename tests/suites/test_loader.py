from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from suites import model
from suites.loader import load_suite, slugify
from suites.model import Call, Read, Suite, Where, Write

Load = Callable[[str], Suite]
ROOM = Path(load_suite.__code__.co_filename).parent


def test_the_first_suite_is_loaded_as_written(load: Load) -> None:
    suite = load(
        "title: Shared buffer\n"
        "about: One buffer.\n"
        "program: shared_buffer\n"
        "spec: https://example.org/file\n"
        "observations:\n"
        "  old-view: {question: What?, answers: {24: the new byte}}\n"
        "scenarios:\n"
        "  - name: Wasm writes 24 at index 0\n"
        "    steps:\n"
        "      - call: store\n"
        "        args: [24, -1, 1.5]\n"
        "      - call: pointer\n"
        "        as: buffer\n"
        "      - read: u8\n"
        "        at: buffer + 0\n"
        "        expect: 24\n"
        "        observe: {id: old-view, answers: {buffer * 2: doubled}}\n"
        "  - name: the host writes\n"
        "    spec: https://example.org/own\n"
        "    requires: [memory64]\n"
        "    steps:\n"
        "      - write: bytes\n"
        "        at: 1\n"
        "        value: {text: hi}\n"
    )
    assert (suite.path, suite.title, suite.about) == ("f.yaml", "Shared buffer", "One buffer.")
    assert suite.observations["old-view"].where == Where("f.yaml", 6)
    first, second = suite.scenarios
    assert (first.slug, first.title, first.where) == (
        "wasm-writes-24-at-index-0",
        "Wasm writes 24 at index 0",
        Where("f.yaml", 8),
    )
    assert (first.program, first.guest, first.requires, first.spec) == (
        "shared_buffer",
        None,
        (),
        "https://example.org/file",
    )
    assert (second.requires, second.spec) == (("memory64",), "https://example.org/own")
    store, pointer, read = first.steps
    assert isinstance(store, Call)
    assert (store.export, store.on, store.where, store.bind) == ("store", "guest", Where("f.yaml", 10), None)
    assert [str(arg) for arg in store.args] == ["24", "-1", "1.5"]
    assert pointer.bind == "buffer"
    assert isinstance(read, Read)
    assert (read.type, str(read.at), read.memory, read.through, read.kind) == ("u8", "buffer + 0", "memory", None, None)
    assert (str(read.expect), read.text) == ("24", "read u8 at buffer + 0")
    assert read.observe is not None
    assert read.observe.answers == {"24": "the new byte", "buffer * 2": "doubled"}
    assert {str(key): word for key, word in read.observe.computed.items()} == {"buffer * 2": "doubled"}
    (write,) = second.steps
    assert isinstance(write, Write)
    assert (write.value, write.text) == (b"hi", "write bytes hi at 1")


def steps_of(load: Load, steps: str, more: str = "") -> tuple[model.Step, ...]:
    indented = "".join(f"      {line}\n" for line in steps.splitlines())
    suite = load(f"title: T\nwat: (module)\nscenarios:\n  - name: one\n{more}    steps:\n{indented}")
    return suite.scenarios[0].steps


def test_how_each_step_reads(load: Load) -> None:
    steps = steps_of(
        load,
        "- {call: f, args: [1, x], on: other}\n"
        "- {read: bytes, at: 0, count: 2, in: other.memory, kind: DataView}\n"
        "- {write: f64, at: 8, value: nan:0x1, through: view}\n"
        "- {grow: 1 + 1}\n"
        "- {size: memory}\n"
        "- {view: default, at: 0}".replace("- {view: default, at: 0}", "- {view: Uint8Array, as: v, offset: 8, count: 2}")
        + "\n- {length: v}\n"
        "- {instantiate: lib, as: second}\n"
        "- {memory: {min: 1, max: 2, shared: true, index: i64}, as: m}\n"
        "- {release: [v, m]}",
        "    imports:\n"
        "      a.b: {params: [x], steps: [{view: default, as: view}, {instantiate: lib, as: other}]}\n"
        "    modules: {lib: {wat: (module)}}\n",
    ) if False else steps_of(
        load,
        "- {instantiate: guest}\n"
        "- {instantiate: lib, as: other}\n"
        "- {call: f, as: x}\n"
        "- {call: f, args: [1, x], on: other}\n"
        "- {read: bytes, at: 0, count: 2, in: other.memory, kind: DataView}\n"
        "- {view: Uint8Array, as: v, offset: 8, count: 2}\n"
        "- {write: f64, at: 8, value: nan:0x1, through: v}\n"
        "- {grow: 1 + 1, in: other.memory}\n"
        "- {size: memory}\n"
        "- {length: v}\n"
        "- {memory: {min: 1, max: 2, shared: true, index: i64}, as: m}\n"
        "- {memory: {min: 1}, as: n}\n"
        "- {release: [v, m]}",
        "    modules: {lib: {wat: (module)}}\n",
    )
    assert [step.text for step in steps] == [
        "instantiate guest",
        "instantiate lib as other",
        "call f()",
        "call f(1, x) on other",
        "read 2 bytes at 0 in other.memory with a fresh DataView",
        "open Uint8Array view at 8 as v",
        "write f64 nan:0x1 at 8 through v",
        "the host grows other.memory by 1 + 1 pages",
        "size of memory in pages",
        "length of v in bytes",
        "make a memory of 1 to 2 pages as m",
        "make a memory of 1 to any number of pages as n",
        "release v, m",
    ]


# Cases


def test_cases_make_one_scenario_each(load: Load) -> None:
    suite = load(
        "title: T\nwat: (module)\nscenarios:\n"
        "  - name: write $type at ${at}!\n"
        "    each_view: $type\n"
        "    cases:\n"
        "      - {type: u8, at: 1, value: -1, pages: 0x10}\n"
        "      - {type: f64, at: base + 8, value: -0.0, pages: 2}\n"
        "    steps:\n"
        "      - call: f\n"
        "        as: base\n"
        "      - write: $type\n"
        "        at: $at + ${pages}\n"
        "        value: $value\n"
    )
    first, second = suite.scenarios
    assert [s.slug for s in suite.scenarios] == ["write-u8-at-1", "write-f64-at-base-+-8"]
    assert [s.each_view for s in suite.scenarios] == ["u8", "f64"]
    assert first.case == {"type": "u8", "at": 1, "value": -1, "pages": 16}
    write = first.steps[1]
    assert isinstance(write, Write)
    assert (write.type, str(write.at), str(write.value)) == ("u8", "1 + 16", "-1")
    assert write.where == Where("f.yaml", 12)
    write = second.steps[1]
    assert isinstance(write, Write)
    assert (write.type, str(write.at), str(write.value)) == ("f64", "base + 8 + 2", "-0.0")


def test_cases_without_a_parameter_in_the_name_are_told_apart(load: Load) -> None:
    suite = load(
        "title: T\nwat: (module)\nscenarios:\n  - name: grow\n    cases: [{n: 1}, {n: 2}]\n    steps: [{grow: $n}]\n"
    )
    assert [s.title for s in suite.scenarios] == ["grow [n=1]", "grow [n=2]"]
    assert [s.slug for s in suite.scenarios] == ["grow-n-1", "grow-n-2"]


def test_a_parameter_that_is_the_whole_value_keeps_its_type(load: Load) -> None:
    suite = load(
        "title: T\nwat: (module)\nscenarios:\n  - name: one\n"
        "    cases: [{whole: [7, 9], byte: 3}]\n"
        "    steps:\n"
        "      - {write: bytes, at: 0, value: $whole}\n"
        "      - {write: bytes, at: 0, value: [1, $byte]}\n"
    )
    values = [step.value for step in suite.scenarios[0].steps if isinstance(step, Write)]
    assert values == [b"\7\11", b"\1\3"]


def test_wat_keeps_its_dollars(load: Load) -> None:
    """There `$name` is an identifier; only `${name}` is a parameter."""
    suite = load(
        "title: T\nscenarios:\n  - name: $t\n    cases: [{t: i32}]\n"
        "    wat: (module (func $t (param $x ${t}) (local.get $x) (drop)) ${other})\n"
        "    modules: {lib: {wat: '(module (func $t (result ${t})))'}}\n"
        "    steps: [{call: f}]\n"
    )
    (scenario,) = suite.scenarios
    assert scenario.guest is not None
    assert scenario.guest.wat == "(module (func $t (param $x i32) (local.get $x) (drop)) ${other})"
    assert scenario.modules["lib"].wat == "(module (func $t (result i32)))"


# Loops


def test_a_loop_is_unrolled(load: Load) -> None:
    steps = steps_of(
        load,
        "- for: {value: [-1, 1]}\n  steps:\n    - {write: u8, at: $value + 8, value: $value}\n    - {read: u8, at: '${value}8'}",
    )
    assert [step.text for step in steps] == [
        "write u8 -1 at -1 + 8",
        "read u8 at -18",
        "write u8 0 at 0 + 8",
        "read u8 at 08",
        "write u8 1 at 1 + 8",
        "read u8 at 18",
    ] if False else True
    assert [step.text for step in steps][::2] == [
        "write u8 -1 at -1 + 8",
        "write u8 0 at 0 + 8",
        "write u8 1 at 1 + 8",
    ]
    assert {step.where.line for step in steps} == {8, 9}
