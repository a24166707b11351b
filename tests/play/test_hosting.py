"""Host functions: scripted by scenarios, or served by a language's host, in the middle of a guest's call."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from toyruntime import ToyRuntime, refused

from linmem.play.guest import Glue, Guest, GuestAccess, HostFault
from linmem.protocol import CallFailed, DriverDied, ImportFailed
from linmem.results.outcome import Result

Play = Callable[..., Result]
WAT = """
  (module
    (import "host" "look" (func (param i32) (result i32)))
    (import "host" "stop" (func))
    (import "host" "echo" (func (param f32) (result f32)))
    (memory (export "memory") 1)
    (func (export "run") (param i32) (result i32) unreachable)
    (func (export "plain") (result i32) unreachable)
    (func (export "halt") (result i32) unreachable)
    (func (export "ring") (param f32) (result f32) unreachable))
"""


GIVEN = """
imports:
  host.look: {return: 0}
  host.stop: {}
  host.echo: {return: 0.0}
"""


def suite(imports: str, steps: str, wat: str = WAT) -> str:
    """One scenario. Its `imports` stand from line 5 on; what else the module imports is given for the whole file."""
    block = "".join(f"      {line}\n" for line in wat.strip().splitlines())
    indented = [f"      {line}\n" for text in (imports, steps) for line in text.strip().splitlines()]
    count = len(imports.strip().splitlines())
    return (
        "title: T\nscenarios:\n  - name: one\n    imports:\n"
        + "".join(indented[:count])
        + "    steps:\n"
        + "".join(indented[count:])
        + f"    wat: |\n{block}"
        + (GIVEN if wat == WAT else "")
    )


def guest() -> ToyRuntime:
    toy = ToyRuntime()

    def halt() -> int:
        toy.host("host.stop")
        return 0

    toy.functions = {
        "run": lambda value: toy.host("host.look", value)[0],
        "plain": lambda: 7,
        "halt": halt,
        "ring": lambda bits: toy.host("host.echo", bits)[0],
    }
    return toy


LOOK = """
host.look:
  params: [x]
  steps:
    - {write: u8, at: x, value: 24}
    - {read: u8, at: x, as: seen, expect: 24}
  return: seen + 1
"""


def test_a_host_function_s_arguments_keep_their_order(play: Play) -> None:
    wat = """
  (module
    (import "host" "pair" (func (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "run") (result i32) unreachable))
"""
    toy = ToyRuntime()
    toy.functions = {"run": lambda: toy.host("host.pair", 7, 24)[0]}
    imports = "host.pair: {params: [first, second], return: 10 * first + second}"
    assert play(suite(imports, "- {call: run, expect: 94}", wat), toy).outcome == "pass"


def test_a_host_function_plays_its_steps_and_returns(play: Play) -> None:
    toy = guest()
    result = play(
        suite(LOOK, "- {call: run, args: [1024], as: got, expect: 25}\n- {call: run, args: [got], expect: 25}"), toy
    )
    assert result.outcome == "pass"
    assert (toy.memory[1024], toy.memory[25]) == (24, 24)


def test_nothing_is_sent_ahead_where_the_guest_may_call_back(play: Play) -> None:
    toy = guest()
    assert (
        play(suite(LOOK, "- {call: run, args: [1]}\n- {size: memory}\n- {call: plain}\n- {size: memory}"), toy).outcome
        == "pass"
    )
    assert toy.events == [
        "post instance.create",
        "wait instance.create",
        "post function.call",
        "wait function.call",
        "post memory.export",  # the host function's own steps go in one go
        "post memory.write",
        "post memory.read",
        "wait memory.export",
        "wait memory.write",
        "wait memory.read",
        "post memory.size",
        "wait memory.size",
        "post function.call",
        "wait function.call",
        "post memory.size",
        "post object.release",
        "flush",
        "wait memory.size",
        "wait object.release",
    ]


def test_calls_of_other_instances_wait_as_well(play: Play) -> None:
    """They may reach the first one's host functions through imports or tables."""
    toy = guest()
    imports = "host.look: {params: [x], return: x}"
    steps = (
        "- {instantiate: guest}\n- {instantiate: lib, as: other}\n- {call: plain, on: other}\n- {size: guest.memory}"
    )
    text = suite(imports, steps).replace(
        "    steps:\n",
        "    modules: {lib: {wat: '(module (func (export \"plain\") (result i32) unreachable))'}}\n    steps:\n",
    )
    assert play(text, toy).outcome == "pass"
    called = toy.events.index("post function.call")
    assert toy.events[called + 1] == "wait function.call"


def test_a_scenario_whose_imports_are_no_functions_is_sent_ahead(play: Play) -> None:
    toy = ToyRuntime({"plain": lambda: 7})
    wat = '(module (import "host" "base" (global i32)) (func (export "plain") (result i32) unreachable))'
    assert (
        play(suite("host.base: {global: i32, value: 5}", "- {call: plain}\n- {call: plain}", wat), toy).outcome
        == "pass"
    )
    assert toy.given["host.base"]["global"] == {"type": "i32", "mutable": False, "value": "5"}
    assert [event for event in toy.events if event.startswith("post")] == toy.events[:4]


def test_nested_calls(play: Play) -> None:
    """The host function calls the guest, which calls the host function."""
    toy = guest()
    depth = []

    def run(value: int) -> int:
        depth.append(value)
        return toy.host("host.look", value)[0] if value < 3 else 100

    toy.functions = {"run": run}
    imports = "host.look: {params: [x], steps: [{call: run, args: [x + 1], as: inner}], return: inner + 1}"
    assert play(suite(imports, "- {call: run, args: [0], expect: 103}"), toy).outcome == "pass"
    assert depth == [0, 1, 2, 3]


def test_endless_nesting_is_stopped(play: Play) -> None:
    toy = guest()
    imports = "host.look: {params: [x], steps: [{call: run, args: [x]}], return: 0}"
    result = play(suite(imports, "- {call: run, args: [0]}"), toy)
    assert result.outcome == "error"
    assert result.message == "the guest and host functions call each other more than 30 levels deep"


def test_floats_go_through_a_host_function_bit_by_bit(play: Play) -> None:
    toy = guest()
    imports = "host.echo: {params: [x], return: x}"
    steps = "- {call: ring, args: [nan:0x200001], expect: nan:0x200001}\n- {call: ring, args: [-0.0], expect: -0.0}"
    assert play(suite(imports, steps), toy).outcome == "pass"


def test_a_thrown_exception_and_a_trap(play: Play) -> None:
    for ending, kind in (("throw", "host"), ("trap", "trap")):
        toy = guest()
        imports = f"host.stop: {{steps: [{{write: u8, at: 0, value: 9}}], {ending}: enough}}"
        result = play(suite(imports, "- {call: halt}"), toy)
        assert (result.outcome, toy.memory[0]) == ("fail", 9)
        assert result.message == f"call halt(): got {'trap' if kind == 'trap' else 'ToyError'}: enough"
    toy = guest()
    assert play(suite("host.stop: {throw: enough}", "- {call: halt, expect: {error: true}}"), toy).outcome == "pass"


# What goes wrong inside


def test_a_failing_step_in_a_host_function_is_the_one_that_is_shown(play: Play) -> None:
    toy = guest()
    result = play(
        suite(LOOK.replace("expect: 24", "expect: 25"), "- {call: run, args: [1], expect: {error: true}}"), toy
    )
    assert (result.outcome, result.where) == ("fail", "f.yaml:9")
    assert result.message == "read u8 at x: expected 25, got 24"
    assert [step.text for step in result.steps] == ["write u8 24 at x", "read u8 at x"]
    assert toy.posted[-1] == "object.release"


def test_a_guest_that_swallows_the_failure_changes_nothing(play: Play) -> None:
    toy = guest()

    def run(value: int) -> int:
        with contextlib.suppress(CallFailed):
            toy.host("host.look", value)
        return 25

    toy.functions = {"run": run}
    result = play(suite(LOOK.replace("expect: 24", "expect: 25"), "- {call: run, args: [1], expect: 25}"), toy)
    assert (result.outcome, result.message) == ("fail", "read u8 at x: expected 25, got 24")


def test_a_failing_step_in_a_start_function(play: Play) -> None:
    toy = guest()
    toy.start = lambda: toy.host("host.stop") and None
    imports = "host.stop: {steps: [{read: u8, at: 0, in: caller.memory, expect: 8}]}"
    result = play(suite(imports, "- {size: memory}"), toy)
    assert (result.outcome, result.where) == ("fail", "f.yaml:5")
    assert result.message == "read u8 at 0 in caller.memory: expected 8, got 0"


@pytest.mark.parametrize(
    ("imports", "message"),
    [
        ("host.look: {params: [a, b], return: 0}", "f.yaml:5: the host function names 2 arguments, the guest gives 1"),
        ("host.look: {return: [1, 2]}", "f.yaml:5: the host function must return 1 values, not 2"),
        ("host.look: {steps: [{size: memory}]}", "f.yaml:5: the host function must return 1 values, not 0"),
        (
            "host.look: {return: 1.5}",
            "f.yaml:5: the host function can't return this: 1.5 is not an integer, as i32 needs",
        ),
        ("host.look: {params: [x], return: 1 // x}", "f.yaml:5: the host function can't return this: division by zero"),
        (
            "host.look: {steps: [{length: later}], return: 0}",
            "there is no 'later' here: it was released, or not made yet",
        ),
        (
            "host.look: {steps: [{call: plain, on: later_instance}], return: 0}",
            "there is no instance 'later_instance' here",
        ),
    ],
)
def test_a_host_function_that_makes_no_sense(imports: str, message: str, play: Play) -> None:
    steps = "- {instantiate: guest}\n- {call: run, args: [0]}\n- {view: default, as: later}\n- {instantiate: guest, as: later_instance}"
    result = play(suite(imports, steps), guest())
    assert (result.outcome, result.message) == ("error", message)


@pytest.mark.parametrize(
    ("token", "args", "words"),
    [
        ("9.nobody", [], "it called a host function that it was not given: 9.nobody"),
        ("0.host.look", [], "the driver gave 0.host.look 0 arguments, it takes 1"),
        ("0.host.look", [{"type": "i32", "value": "x"}], "the driver gave 0.host.look an argument that makes no sense"),
        ("0.host.look", [24], "an argument that makes no sense"),
    ],
)
def test_a_driver_that_calls_a_host_function_wrongly(token: str, args: list[Any], words: str, play: Play) -> None:
    toy = guest()

    def run(value: int) -> int:
        assert toy.on_import is not None
        with contextlib.suppress(ImportFailed):
            toy.on_import(token, args)
        return 0

    toy.functions = {"run": run}
    result = play(suite(LOOK, "- {call: run, args: [0]}"), toy)
    assert result.outcome == "error"
    assert words in result.message


def test_the_process_is_lost_in_a_host_function(play: Play) -> None:
    toy = guest()
    toy.answers = {"memory.read": DriverDied("killed by SIGKILL")}
    result = play(suite(LOOK, "- {call: run, args: [1]}"), toy)
    assert (result.outcome, result.where) == ("crash", "f.yaml:9")
    assert [(step.text, step.status) for step in result.steps] == [
        ("write u8 24 at x", "ok"),
        ("read u8 at x", "failed"),
    ]


def test_the_process_is_lost_after_a_host_function(play: Play) -> None:
    toy = guest()

    def run(value: int) -> int:
        toy.host("host.look", value)
        raise DriverDied("killed by SIGKILL")

    toy.functions = {"run": run}
    result = play(suite(LOOK, "- {call: run, args: [1]}"), toy)
    assert (result.outcome, result.where) == ("crash", "f.yaml:12")
    assert result.steps[-1].text == "call run(1)"


# Languages that bring a host side


class Language:
    """Serves `lang.print` and starts the guest by `main`."""

    ended: int | None = None

    def __init__(self) -> None:
        self.served: list[tuple[str, Sequence[int]]] = []

    def provides(self, module: str, name: str) -> bool:
        return module == "lang"

    def call(self, module: str, name: str, args: Sequence[int], guest: GuestAccess) -> Sequence[int]:
        self.served.append((name, args))
        if name == "fail":
            raise HostFault("no such file")
        guest.write(8, b"hi")
        guest.log(guest.read(8, 2).decode() + "\n")
        return [guest.call("twice", [21])[0] & 0xFF]

    def start(self, guest: GuestAccess) -> None:
        guest.call("main", [])


LANGUAGE = """
  (module
    (import "lang" "print" (func (param i32) (result i32)))
    (import "lang" "fail" (func))
    (memory (export "mem") 1)
    (func (export "main") unreachable)
    (func (export "twice") (param i32) (result i32) unreachable)
    (func (export "value") (result i32) unreachable))
"""
VALUE = "title: T\nscenarios:\n  - name: one\n    steps: [{call: value, expect: 42}]\n    wat: |\n"
VALUE += textwrap.indent(LANGUAGE.lstrip("\n"), "    ")


def speaking(main: str = "lang.print") -> ToyRuntime:
    toy = ToyRuntime()
    seen = []

    def run() -> None:
        seen.extend(toy.host(main, *([5] if main == "lang.print" else [])))

    toy.functions = {"main": run, "twice": lambda value: value * 2, "value": lambda: seen[-1]}
    return toy


def language_guest(**more: object) -> Guest:
    fields = {"program": "p", "label": "lang", "module": Path("unused.wasm"), "host": Language}
    return Guest(**{**fields, **more})  # type: ignore[arg-type]


def test_a_language_s_host_serves_and_starts_the_guest(play: Play) -> None:
    toy = speaking()
    assert play(VALUE, toy, language_guest()).outcome == "pass"
    assert set(toy.imports) == {"lang.print", "lang.fail"}
    assert toy.memory[8:10] == b"hi"
    assert toy.params("instance.create")["glue"] is None


def test_what_the_guest_printed_stands_with_a_failure(play: Play) -> None:
    toy = speaking()
    result = play(VALUE.replace("42", "43"), toy, language_guest())
    assert (result.outcome, result.stderr) == ("fail", "hi\n")


def test_glue_takes_the_language_s_place_where_a_driver_runs_it(play: Play) -> None:
    glue = Glue("go", lambda: Path("/there/wasm_exec.js"))
    toy = ToyRuntime({"value": lambda: 42}, glue=["go"])
    assert play(VALUE, toy, language_guest(glue=glue)).outcome == "pass"
    assert toy.params("instance.create")["glue"] == {"kind": "go", "path": "/there/wasm_exec.js"}
    assert toy.imports == {}
    toy = ToyRuntime({"value": lambda: 42}, glue=["go"])
    assert play(VALUE, toy, language_guest(glue=glue, fallback=Language)).outcome == "pass"
    assert set(toy.imports) == {"lang.print", "lang.fail"}


def test_a_guest_that_can_t_be_started(play: Play) -> None:
    result = play(VALUE, speaking("lang.fail"), language_guest())
    assert (result.outcome, result.where) == ("fail", "f.yaml:3")
    assert result.message == "the guest could not be started: ToyError: no such file"
    toy = speaking()
    toy.answers = {"memory.write": refused("host", "read-only", "RangeError")}
    result = play(VALUE, toy, language_guest())
    assert (result.outcome, result.message) == (
        "fail",
        "the guest could not be started: ToyError: memory.write: read-only",
    )
    toy = speaking()
    toy.answers = {"memory.read": {"nothing": "undefined"}}
    assert play(VALUE, toy, language_guest()).message.endswith("reading 2 bytes at 8 gave undefined")


class Ending(Language):
    """Its program ends when it prints."""

    def call(self, module: str, name: str, args: Sequence[int], guest: GuestAccess) -> Sequence[int]:
        self.ended = 3
        return [7]


def test_a_program_that_ends_while_it_is_started_was_not_started(play: Play) -> None:
    result = play(VALUE, speaking(), language_guest(host=Ending))
    assert (result.outcome, result.message) == ("fail", "the guest could not be started: exit: 3")


def test_a_call_in_which_the_program_ends_comes_back_as_its_end(play: Play) -> None:
    toy = ToyRuntime()
    toy.functions = {"main": lambda: None, "value": lambda: toy.host("lang.print", 5)[0], "twice": lambda value: value}
    twice = "{call: value, observe: how}, {call: value, expect: 7}"
    text = VALUE.replace("{call: value, expect: 42}", twice).replace(
        "scenarios:", "observations: {how: {question: How?}}\nscenarios:"
    )
    result = play(text, toy, language_guest(host=Ending))
    assert (result.outcome, [seen.answer for seen in result.observations]) == ("pass", ["exit"])


def test_a_driver_s_fault_while_a_language_starts(play: Play) -> None:
    toy = speaking()
    toy.answers = {"memory.read": {}}
    result = play(VALUE, toy, language_guest())
    assert result.outcome == "error"
    assert "the driver's answer makes no sense: a reading has" in result.message
    toy = speaking()
    toy.answers = {"memory.write": DriverDied("killed by SIGSEGV")}
    result = play(VALUE, toy, language_guest())
    assert (result.outcome, result.message) == ("crash", "killed by SIGSEGV, while the guest was made ready")


AT_START = """
  (module
    (import "host" "look" (func $look (param i32) (result i32)))
    (memory (export "memory") 1)
    (func $init (drop (call $look (i32.const 0))))
    (start $init))
"""


def test_the_host_has_no_instance_while_its_start_function_runs(play: Play) -> None:
    toy = ToyRuntime()
    toy.start = lambda: toy.host("host.look", 0)
    imports = "host.look: {params: [x], steps: [{read: u8, at: x}], return: 0}"
    result = play(suite(imports, "- {size: memory}", AT_START), toy)
    assert result.outcome == "error"
    assert result.message == (
        "the host has no instance 'guest' while its start function runs; "
        "a memory of the caller is named 'in: caller.memory'"
    )


def test_a_memory_of_the_caller_is_asked_for_in_each_call(play: Play) -> None:
    toy = guest()
    imports = "host.look: {params: [x], steps: [{read: u8, at: x, in: caller.memory}], return: 0}"
    assert play(suite(imports, "- {call: run, args: [3]}\n- {call: run, args: [4]}"), toy).outcome == "pass"
    assert toy.posted.count("memory.caller") == 2
    assert toy.params("memory.read", 1)["memory"] == toy.number("memory.caller", 1)
