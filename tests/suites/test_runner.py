"""The runner against a runtime made of Python: what it asks and when, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from toyruntime import ToyRuntime, module, refused

from suites.interface import CallFailed, DriverDied, DriverGarbage, DriverTimeout
from suites.model import GUEST, Suite
from suites.outcome import Result
from suites.runner import Player

Play = Callable[..., Result]

BUFFER = """
  (module
    (memory (export "memory") 1)
    (func (export "pointer") (result i32) unreachable)
    (func (export "store") (param i32 i32) unreachable)
    (func (export "load") (param i32) (result i32) unreachable)
    (func (export "pi") (result f32) unreachable)
    (func (export "take") (param f32 f64) (result i32) unreachable)
    (func (export "pair") (result i32 i64) unreachable))
"""


def suite(steps: str, wat: str = BUFFER, more: str = "") -> str:
    """A suite of one scenario, `steps` indented as they stand."""
    block = "".join(f"      {line}\n" for line in wat.strip().splitlines())
    lines = "".join(f"      {line}\n" for line in steps.strip().splitlines())
    return f"title: T\nscenarios:\n  - name: one\n{more}    steps:\n{lines}    wat: |\n{block}"


def buffer(**answers: Any) -> ToyRuntime:
    """A guest with a buffer at 1024."""
    toy = ToyRuntime(answers=answers)

    def store(at: int, value: int) -> None:
        toy.memory[at % len(toy.memory)] = value % 256

    toy.functions = {
        "pointer": lambda: 1024,
        "store": store,
        "load": lambda at: toy.memory[at],
        "pi": lambda: 0x40490FDB,
        "take": lambda single, double: 1,
        "pair": lambda: [1, 2],
    }
    return toy


# Requests ahead of answers


def test_a_scenario_is_posted_in_one_go(play: Play) -> None:
    toy = buffer()
    steps = """
- {call: store, args: [1024, 24]}
- {call: pointer, as: buffer}
- {read: u8, at: buffer + 0, expect: 24}
- {write: u8, at: buffer + 1, value: 25}
- {call: load, args: [buffer + 1], expect: 25}
"""
    assert play(suite(steps), toy).outcome == "pass"
    requests = ["instance.create", "function.call", "function.call", "memory.export", "memory.read", "memory.write"]
    requests += ["function.call", "object.release"]
    assert toy.posted == requests
    assert toy.events == [
        *(f"post {method}" for method in requests),
        "flush",
        *(f"wait {method}" for method in requests),
    ]


def test_what_is_not_known_yet_is_a_reference(play: Play) -> None:
    toy = buffer()
    steps = """
- {call: pointer, as: buffer}
- {read: u8, at: buffer}
- {read: u8, at: buffer + 2 * 4}
- {write: u8, at: buffer - 1, value: 1}
- {call: load, args: [8 + buffer]}
- {view: bytewise, as: v, offset: buffer}
- {read: u8, at: buffer, through: v}
- {size: memory, as: pages}
- {grow: pages}
"""
    assert play(suite(steps), toy).outcome == "pass"
    call = toy.number("function.call")
    assert toy.params("memory.read")["at"] == {"$ref": call}
    assert toy.params("memory.read", 1)["at"] == {"$ref": call, "+": 8}
    assert toy.params("memory.write")["at"] == {"$ref": call, "+": -1}
    assert toy.params("function.call", 1)["args"] == [{"type": "i32", "value": {"$ref": call, "+": 8}}]
    assert toy.params("view.open")["offset"] == {"$ref": call}
    assert toy.params("view.read")["index"] == {"$ref": call}
    assert toy.params("memory.grow")["delta"] == {"$ref": toy.number("memory.size")}
    assert toy.events.index("wait instance.create") > toy.events.index("post object.release")


@pytest.mark.parametrize(
    ("at", "value"),
    [("buffer * 2", 2048), ("buffer + buffer", 2048), ("4096 - buffer", 3072), ("-buffer + 1 << 3", -8184)],
)
def test_what_a_driver_can_t_compute_is_waited_for(at: str, value: int, play: Play) -> None:
    toy = buffer()
    assert play(suite(f"- {{call: pointer, as: buffer}}\n- {{write: u8, at: {at}, value: 0}}"), toy).outcome == "pass"
    assert toy.params("memory.write")["at"] == value
    assert toy.events.index("wait function.call") < toy.events.index("post memory.write")


def test_a_name_bound_anew_is_the_later_one(play: Play) -> None:
    toy = buffer()
    steps = """
- {call: pointer, as: x}
- {size: memory, as: x}
- {call: load, args: [x]}
- {call: pointer, as: x}
- {call: load, args: [x * 2], expect: 0}
- {call: load, args: [x], expect: 0}
"""
    assert play(suite(steps), toy).outcome == "pass"
    args = [params["args"] for method, params in toy.requests.values() if params.get("name") == "load"]
    assert args == [
        [{"type": "i32", "value": {"$ref": toy.number("memory.size")}}],
        [{"type": "i32", "value": "2048"}],
        [{"type": "i32", "value": "1024"}],
    ]


def test_integers_beyond_what_every_host_reads_exactly_are_strings(play: Play) -> None:
    toy = buffer()
    steps = f"""
- {{write: u8, at: {(1 << 53) - 1}, value: 1}}
- {{write: u8, at: {1 << 53}, value: 300}}
- {{write: u8, at: -{1 << 64}, value: -1}}
- {{write: u64, at: 0, value: {(1 << 64) + 5}}}
"""
    play(suite(steps), toy)
    sent = [toy.params("memory.write", nth) for nth in range(4)]
    assert [params["at"] for params in sent] == [(1 << 53) - 1, str(1 << 53), str(-(1 << 64)), 0]
    # values of writes go as they stand, also out of range: hosts differ there
    assert [params["value"] for params in sent] == [
        {"type": "u8", "value": "1"},
        {"type": "u8", "value": "300"},
        {"type": "u8", "value": "-1"},
        {"type": "u64", "value": str((1 << 64) + 5)},
    ]


def test_arguments_go_in_unsigned_and_floats_as_bits(play: Play) -> None:
    toy = buffer()
    steps = "- {call: take, args: [-0.0, nan:0x1]}\n- {call: store, args: [-1, 0xff]}"
    play(suite(steps), toy)
    assert toy.params("function.call")["args"] == [
        {"type": "f32", "value": str(0x8000_0000)},
        {"type": "f64", "value": str(0x7FF0_0000_0000_0001)},
    ]
    assert [arg["value"] for arg in toy.params("function.call", 1)["args"]] == ["4294967295", "255"]
    assert toy.params("function.call")["results"] == ("i32",)


# Floats, views, memories


def test_a_bound_float_is_passed_on_bit_by_bit(play: Play) -> None:
    toy = buffer()
    steps = """
- {call: pi, as: pi}
- {write: f32, at: 8, value: pi}
- {read: f32, at: 8, as: again, expect: pi}
- {call: take, args: [again, 1]}
- {read: u32, at: 8, expect: 0x40490fdb}
"""
    assert play(suite(steps), toy).outcome == "pass"
    assert toy.params("memory.write")["value"] == {"type": "f32", "value": str(0x40490FDB)}
    assert toy.params("function.call", 1)["args"][0] == {"type": "f32", "value": str(0x40490FDB)}


def test_a_float_is_no_address(play: Play) -> None:
    result = play(suite("- {read: f32, at: 0, as: x}\n- {read: u8, at: x}"), buffer())
    assert (result.outcome, result.where) == ("error", "f.yaml:6")
    assert result.message == "'x' is an f32: it can be passed on and compared, not computed with"


def test_a_view_of_wider_units_is_asked_by_its_index(play: Play) -> None:
    toy = buffer()
    steps = """
- {view: wordwise, as: v}
- {length: v, as: bytes, expect: 65536}
- {write: u32, at: 8, value: 7, through: v}
- {read: u32, at: 8, through: v, expect: 7}
- {read: bytes, at: 8, count: 8, through: v, expect: [7, 0, 0, 0, 0, 0, 0, 0]}
- {read: u8, at: bytes - 1}
"""
    assert play(suite(steps), toy).outcome == "pass"
    assert toy.params("view.write")["index"] == 2
    assert toy.params("view.read")["index"] == 2
    assert (toy.params("view.read", 1)["index"], toy.params("view.read", 1)["count"]) == (2, 2)
    assert toy.params("memory.read")["at"] == 65535  # what is bound is bytes, though the driver gave units


@pytest.mark.parametrize(
    "step",
    [
        "{read: u32, at: 6, through: v}",
        "{write: u32, at: 6, value: 1, through: v}",
        "{read: bytes, at: 0, count: 6, through: v}",
    ],
)
def test_no_part_of_an_index_is_lost(step: str, play: Play) -> None:
    result = play(suite(f"- {{view: wordwise, as: v}}\n- {step}"), buffer())
    assert result.outcome == "error"
    assert result.message == "6 bytes are no whole number of indices: one counts 4 bytes"


def test_a_read_of_a_computed_number_of_bytes(play: Play) -> None:
    toy = buffer()
    steps = "- {size: memory, as: n}\n- {write: u8, at: 1, value: 9}\n- {read: bytes, at: 1, count: n, expect: [9]}"
    assert play(suite(steps), toy).outcome == "pass"
    assert toy.params("memory.read")["count"] == 1


@pytest.mark.parametrize(
    ("exports", "step", "message"),
    [
        ('(memory (export "mem") 1)', "size: memory", None),
        ('(memory (export "mem") 1)', "size: mem", None),
        ('(memory (export "mem") 1)', "size: guest.mem", None),
        ('(memory (export "a") 1) (memory (export "memory") 2)', "size: memory", None),
        ("", "size: memory", "the guest must export one memory, or the step must name it ('in'); it exports: none"),
        (
            '(memory (export "a") 1) (memory (export "b") 2)',
            "size: memory",
            "the guest must export one memory, or the step must name it ('in'); it exports: a, b",
        ),
        ('(memory (export "mem") 1)', "size: men", "the guest exports no memory 'men'; it exports: mem"),
    ],
)
def test_which_memory_is_meant(exports: str, step: str, message: str | None, play: Play) -> None:
    result = play(suite(f"- {{{step}}}", f"(module {exports})"), ToyRuntime())
    assert result.outcome == ("error" if message else "pass")
    assert result.message == (message or "")


def test_a_memory_is_taken_once(play: Play) -> None:
    toy = buffer()
    assert (
        play(suite("- {size: memory}\n- {size: guest.memory}\n- {grow: 1}\n- {read: u8, at: 0}"), toy).outcome == "pass"
    )
    assert toy.posted.count("memory.export") == 1


def test_memories_and_instances_of_the_scenario_s_own(play: Play) -> None:
    toy = ToyRuntime({"size": lambda: 2})
    steps = """
- {memory: {min: 2, max: 3, shared: true, index: i64}, as: own}
- {size: own, as: pages, expect: 2}
- {instantiate: lib, as: first}
- instantiate: guest
  imports:
    env.memory: {memory: own}
    env.f: {export: first.size}
    env.base: {global: i64, value: pages - 3, mutable: true}
- {call: size, on: first, expect: 2}
- {release: [first, own]}
"""
    wat = """
  (module
    (import "env" "memory" (memory i64 2 3 shared))
    (import "env" "f" (func (result i32)))
    (import "env" "base" (global (mut i64))))
"""
    lib = '    modules: {lib: {wat: \'(module (memory (export "m") 1) (func (export "size") (result i32) unreachable))\'}}\n'
    assert play(suite(steps, wat, lib), toy).outcome == "pass"
    assert toy.params("memory.create") == {"min": 2, "max": 3, "shared": True, "index": "i64"}
    assert toy.params("instance.create")["imports"] == []
    assert toy.params("instance.create", 1)["imports"] == [
        {"module": "env", "name": "memory", "object": toy.number("memory.create")},
        {"module": "env", "name": "f", "instance": toy.number("instance.create"), "export": "size"},
        {"module": "env", "name": "base", "global": {"type": "i64", "mutable": True, "value": str((1 << 64) - 1)}},
    ]
    released = toy.params("object.release")["objects"]
    assert sorted(released) == [toy.number("memory.create"), toy.number("instance.create")]
    assert toy.params("object.release", 1) == {"all": True}


# Judging


def test_a_failure_shows_the_steps_up_to_it(play: Play) -> None:
    toy = buffer()
    steps = """
- {call: store, args: [1024, 24]}
- {call: pointer, as: buffer}
- {read: u8, at: buffer, expect: 25}
- {write: u8, at: buffer, value: 1}
"""
    result = play(suite(steps), toy)
    assert result.outcome == "fail"
    assert result.message == "read u8 at buffer: expected 25, got 24"
    assert result.where == "f.yaml:7"
    assert [(step.text, step.status, step.expected, step.actual) for step in result.steps] == [
        ("call store(1024, 24)", "ok", None, "done"),
        ("call pointer()", "ok", None, "1024"),
        ("read u8 at buffer", "failed", "25", "24"),
    ]
    assert toy.events[-2:] == ["wait memory.write", "wait object.release"]  # what was sent ahead is taken in


def test_a_refusal_fails_where_it_is_neither_expected_nor_observed(play: Play) -> None:
    result = play(suite("- {grow: 1}"), buffer(**{"memory.grow": refused("host", "too much", "RangeError")}))
    assert (result.outcome, result.message) == ("fail", "the host grows memory by 1 pages: got RangeError: too much")
    assert (result.steps[-1].actual, result.steps[-1].raw) == ("RangeError: too much", "toy: too much")


def test_observations(play: Play) -> None:
    toy = buffer(**{"memory.grow": refused("host", "too much", "RangeError")})
    steps = """
- {size: memory, as: before}
- {grow: 1, observe: growth}
- {read: u8, at: 0, observe: {id: seen, answers: {0: zero, before * 24: a page}}}
- {write: u8, at: 0, value: 24}
- {read: u8, at: 0, observe: {id: seen, answers: {0: zero, before * 24: a page}}}
- {read: u8, at: 70000, observe: seen}
- {read: u8, at: 1, observe: {id: seen, answers: {1 // (before - 1): never, 5: five}}}
"""
    head = "    each_view: u8\n"
    text = suite(steps, more=head).replace(
        "title: T\n",
        "title: T\nobservations:\n  growth: {question: Q, answers: {error: refused}}\n  seen: {question: Q}\n",
    )
    result = play(text, toy)
    assert result.outcome == "pass"
    assert [(seen.id, seen.answer, seen.raw) for seen in result.observations] == [
        ("growth", "refused", "RangeError: too much"),
        ("seen", "zero", "0"),
        ("seen", "a page", "24"),
        ("seen", "0 of 1 bytes", "0 of 1 bytes"),
        ("seen", "0", "0"),
    ]
    assert result.observations[0].where == "f.yaml:10"


def test_an_observation_can_be_an_expectation_too(play: Play) -> None:
    text = suite("- {size: memory, observe: q, expect: 2}").replace(
        "title: T\n", "title: T\nobservations: {q: {question: Q}}\n"
    )
    result = play(text, buffer())
    assert (result.outcome, [seen.answer for seen in result.observations]) == ("fail", ["1"])


def test_several_results(play: Play) -> None:
    steps = "- {call: pair, expect: [1, 2]}\n- {call: store, args: [0, 0], expect: []}\n- {call: pair, expect: [1, 3]}"
    result = play(suite(steps), buffer())
    assert result.message == "call pair(): expected [1, 3], got [1, 2]"


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("call: nothing", "the guest exports no function 'nothing'; it exports: pointer, store, load, pi, take, pair"),
        ("call: memory", "the guest exports no function 'memory'; it exports:"),
        ("call: load", "'load' takes 1 arguments, the step gives 0"),
        ("call: load, args: [1, 2]", "'load' takes 1 arguments, the step gives 2"),
        ("call: load, args: [1.5]", "1.5 is not an integer, as i32 needs"),
        ("call: load, args: [4294967296]", "4294967296 is out of range for i32"),
        ("call: take, args: [1e39, 0]", "1e+39 is too large for f32"),
        ("call: pair, as: x", "'pair' gives 2 results, and 'as' binds one"),
        ("call: load, args: [0], expect: 4294967296", "'expect' can't be compared: 4294967296 is out of range for i32"),
    ],
)
def test_a_step_that_makes_no_sense_with_this_guest(step: str, message: str, play: Play) -> None:
    result = play(suite(f"- {{call: pointer}}\n- {{{step}}}"), buffer())
    assert (result.outcome, result.where) == ("error", "f.yaml:6")
    assert message in result.message
    assert len(result.steps) == 2


def test_an_earlier_failure_goes_before_a_later_mistake(play: Play) -> None:
    for later in ("{call: nothing}", "{read: u8, at: 1 // (x - 1024)}", "{view: Uint8Array, as: v}"):
        result = play(suite(f"- {{call: pointer, as: x, expect: 5}}\n- {later}"), buffer())
        assert (result.outcome, result.where) == ("fail", "f.yaml:5")
        assert result.message == "call pointer(): expected 5, got 1024"


# Unsupported


def test_a_missing_feature(play: Play) -> None:
    head = "    requires: [threads, memory64]\n"
    result = play(suite("- {size: memory}", more=head), ToyRuntime(features=["threads"]))
    assert (result.outcome, result.where) == ("unsupported", "f.yaml:3")
    assert result.message == "needs memory64, which this runtime does not compile"
    assert play(suite("- {size: memory}", more=head), ToyRuntime(features=["threads", "memory64"])).outcome == "pass"


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("{view: Uint8Array, as: v}", "this runtime has no view kind 'Uint8Array'"),
        ("{read: u8, at: 0, kind: DataView}", "this runtime has no view kind 'DataView'"),
        ("{write: f64, at: 0, value: 1}", "this runtime's host API has no way to write f64 1 at 0"),
        ("{view: default, as: v}", "this runtime has no view kind 'for u8'"),
    ],
)
def test_a_missing_view_kind(step: str, message: str, play: Play) -> None:
    result = play(suite(f"- {{call: pointer}}\n- {step}"), ToyRuntime({"pointer": lambda: 1}, defaults={}))
    assert (result.outcome, result.message, result.where) == ("unsupported", message, "f.yaml:6")


def test_a_missing_method(play: Play) -> None:
    result = play(
        suite("- {grow: 1, expect: {error: true}}"), buffer(**{"memory.grow": CallFailed(-32601, "no such method")})
    )
    assert (result.outcome, result.message) == ("unsupported", "no such method")


def test_what_an_api_lacks_is_an_answer_where_a_step_only_observes(play: Play) -> None:
    head = "title: T\nobservations: {q: {question: Q, answers: {unsupported: it has none}}}\n"
    lacks = buffer(**{"memory.size": refused("unsupported", "no sizes here")})
    result = play(suite("- {size: memory, observe: q}").replace("title: T\n", head), lacks)
    assert (result.outcome, [seen.answer for seen in result.observations]) == ("pass", ["it has none"])
    lacks = buffer(**{"memory.size": refused("unsupported", "no sizes here")})
    result = play(suite("- {size: memory, observe: q, expect: 1}").replace("title: T\n", head), lacks)
    assert (result.outcome, result.message) == ("unsupported", "no sizes here")


# Answers that say nothing about the runtime


def test_what_builds_on_an_observed_refusal_is_the_scenario_s_mistake(play: Play) -> None:
    head = "title: T\nobservations: {q: {question: Q}}\n"
    for steps in (
        "- {size: memory, as: n, observe: q}\n- {read: u8, at: n}",
        "- {size: memory, as: n, observe: q}\n- {read: u8, at: n * 2}",
        "- {view: bytewise, as: v, observe: q}\n- {length: v}",
    ):
        toy = buffer(**{"memory.size": refused("host"), "view.open": refused("host")})
        result = play(suite(steps).replace("title: T\n", head), toy)
        assert result.outcome == "error"
        assert result.steps[-1].where == result.where == "f.yaml:7"


@pytest.mark.parametrize(
    ("method", "answer", "words"),
    [
        ("memory.size", {}, "the driver's answer makes no sense: 'pages' is None, not an integer"),
        ("memory.size", {"pages": "many"}, "'pages' is 'many', not an integer"),
        ("function.call", {"values": []}, "1 values were due, found []"),
        ("function.call", {"values": [{"type": "i32", "value": "5000000000"}]}, "which is no value of type i32"),
        ("memory.read", {"value": "24"}, "which is no value of type u8"),
        ("memory.read", {}, "a reading has 'bytes', 'value' or 'nothing', found {}"),
        ("memory.size", CallFailed(-32602, "no memory 7"), "the driver refused it (-32602): no memory 7"),
        ("memory.size", CallFailed(-32000, "?", {"kind": "tarp"}), "the driver refused it (-32000): ?"),
    ],
)
def test_an_answer_that_makes_no_sense(method: str, answer: Any, words: str, play: Play) -> None:
    result = play(suite("- {size: memory}\n- {call: pointer}\n- {read: u8, at: 0}"), buffer(**{method: answer}))
    assert result.outcome == "error"
    assert words in result.message


def test_the_guest_s_instance(play: Play) -> None:
    text = suite("- {call: pointer}")
    for method, words in (
        ("instance.create", "the guest could not be started"),
        ("module.compile", "the module could not be compiled"),
    ):
        result = play(text, buffer(**{method: refused("link", "unknown import")}))
        assert (result.outcome, result.where) == ("fail", "f.yaml:3")
        assert result.message == f"{words}: link: unknown import"
        assert play(text, buffer(**{method: refused("unsupported", "no")})).outcome == "unsupported"
        assert play(text, buffer(**{method: CallFailed(-32602, "what?")})).outcome == "error"


def test_an_instance_of_the_scenario_s_own(play: Play) -> None:
    toy = buffer(**{"instance.create": refused("link", "unknown import")})
    assert play(suite("- {instantiate: guest, expect: {link_error: true}}"), toy).outcome == "pass"
    toy = buffer(**{"module.compile": refused("compile", "bad opcode")})
    assert play(suite("- {instantiate: guest, expect: {compile_error: true}}"), toy).outcome == "pass"
    result = play(suite("- {instantiate: guest, expect: {link_error: true}}"), toy)
    assert (result.outcome, result.message) == (
        "fail",
        "instantiate guest: expected link error, got compile: bad opcode",
    )
    result = play(suite("- {instantiate: guest, expect: {link_error: true}}"), buffer())
    assert (result.outcome, result.message) == ("fail", "instantiate guest: expected link error, got done")


# A process that is lost


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (DriverDied("killed by SIGSEGV"), "crash"),
        (DriverTimeout("no answer"), "timeout"),
        (DriverGarbage("?"), "error"),
    ],
)
def test_the_step_whose_answer_was_due_is_blamed(fault: Exception, outcome: str, play: Play) -> None:
    toy = buffer(load=fault)
    toy.stderr = "from the scenario before\n"
    steps = "- {call: pointer}\n- {size: memory}\n- {call: load, args: [1]}\n- {grow: 1}"
    result = play(suite(steps), toy)
    assert (result.outcome, result.where, result.message) == (outcome, "f.yaml:7", str(fault))
    assert [(step.text, step.status) for step in result.steps] == [
        ("call pointer()", "ok"),
        ("size of memory in pages", "ok"),
        ("call load(1)", "failed"),
    ]
    assert result.stderr == ""


def test_a_process_lost_outside_of_steps(play: Play) -> None:
    died = DriverDied("killed by SIGSEGV")
    for method in ("module.compile", "instance.create"):
        result = play(suite("- {call: pointer}"), buffer(**{method: died}))
        assert (result.outcome, result.where) == ("crash", "f.yaml:3")
        assert result.message == "killed by SIGSEGV, while the guest was made ready"
    result = play(suite("- {call: pointer}"), buffer(**{"object.release": died}))
    assert (result.outcome, result.message) == (
        "crash",
        "killed by SIGSEGV, while the scenario's objects were released",
    )


def test_a_process_lost_while_a_later_module_compiles_is_that_step_s(play: Play) -> None:
    toy = buffer()
    steps = "- {instantiate: guest}\n- {call: pointer}\n- {instantiate: guest, as: second}"
    compiled = toy.compiled
    toy.compiled = lambda module: compiled(module) if not toy.requests else raise_died()  # type: ignore[method-assign]
    result = play(suite(steps), toy)
    assert (result.outcome, result.where) == ("crash", "f.yaml:7")


def raise_died() -> int:
    raise DriverDied("killed by SIGSEGV")


def test_a_loss_after_the_failing_step_is_told_too(play: Play) -> None:
    toy = buffer(load=DriverDied("killed by SIGSEGV"))
    result = play(suite("- {call: pointer, expect: 1}\n- {call: load, args: [1]}"), toy)
    assert (result.outcome, result.where) == ("fail", "f.yaml:5")
    assert result.message == "call pointer(): expected 1, got 1024; afterwards killed by SIGSEGV"


def test_what_the_process_printed_goes_with_a_failure(play: Play) -> None:
    toy = buffer()
    toy.stderr = "old\n"
    functions = dict(toy.functions)

    def pointer() -> int:
        toy.stderr += "x" * 10_000 + "new\n"
        return 1

    toy.functions = {**functions, "pointer": pointer}
    result = play(suite("- {call: pointer, expect: 2}"), toy)
    assert result.stderr == ("x" * 10_000 + "new\n")[-8192:]


# Views as cells


def test_each_view(play: Play) -> None:
    head = "    each_view: u8\n"
    steps = "- {view: each, as: v}\n- {read: u8, at: 0, kind: each}\n- {write: u8, at: 0, value: 1, kind: each}\n- {read: u8, at: 0}"
    toy = buffer()
    assert play(suite(steps, more=head), toy, view="wordwise").outcome == "pass"
    assert toy.params("view.open")["kind"] == "wordwise"
    assert [
        params["view"] for method, params in toy.requests.values() if method in ("memory.read", "memory.write")
    ] == [
        "wordwise",
        "wordwise",
        None,
    ]


# Begun before its turn


def begun(load: Callable[[str], Suite], toy: ToyRuntime, steps: str) -> Player:
    scenario = load(suite(steps)).scenarios[0]
    assert scenario.guest is not None
    player = Player(scenario, toy, {GUEST: module(scenario.guest)})
    player.begin()
    return player


def empty_result() -> Result:
    names = dict.fromkeys(["id", "suite", "scenario", "title", "runtime", "version"], "")
    return Result(**names, guest=None, view=None, outcome="error")


def test_a_scenario_can_be_begun_before_its_turn(load: Callable[[str], Suite]) -> None:
    toy = buffer()
    player = begun(load, toy, "- {call: pointer, expect: 1024}\n- {size: memory}")
    assert not [event for event in toy.events if event.startswith("wait")]
    assert toy.events[-2:] == ["post object.release", "flush"]
    assert player.play(empty_result()).outcome == "pass"


def test_what_went_wrong_at_the_beginning_is_told_in_its_turn(load: Callable[[str], Suite]) -> None:
    toy = buffer()
    player = begun(load, toy, "- {call: pointer}\n- {call: nothing}")
    result = player.play(empty_result())
    assert (result.outcome, result.where) == ("error", "f.yaml:6")
    toy = buffer(**{"module.compile": DriverDied("killed by SIGSEGV")})
    assert begun(load, toy, "- {call: pointer}").play(empty_result()).outcome == "crash"


def test_what_was_begun_and_is_not_played_is_taken_in(load: Callable[[str], Suite]) -> None:
    toy = buffer()
    begun(load, toy, "- {call: pointer}\n- {size: memory}").abandon()
    assert not toy.queues[0]
    assert not toy.replies
    assert toy.on_import is None
    begun(load, buffer(pointer=DriverDied("killed")), "- {call: pointer}").abandon()
