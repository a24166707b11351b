"""What the runner makes of a runtime's answers, and whom it blames when there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from toyruntime import ToyRuntime, buffer, refused, suite

from linmem.protocol import CallFailed, DriverDied, DriverGarbage, DriverTimeout
from linmem.results.outcome import Result

Play = Callable[..., Result]


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


def test_a_short_write_fails_where_it_is_not_observed(play: Play) -> None:
    toy = buffer(**{"memory.write": {"count": 2}})
    result = play(suite("- {write: u32, at: 16, value: 1}"), toy)
    assert (result.outcome, result.message) == ("fail", "write u32 1 at 16: got 2 of 4 bytes")
    text = suite("- {write: bytes, at: 16, value: [1, 2, 3], observe: short}")
    result = play(text.replace("title: T\n", "title: T\nobservations: {short: {question: Q}}\n"), toy)
    assert (result.outcome, [item.answer for item in result.observations]) == ("pass", ["2 of 3 bytes"])


def test_a_view_that_was_refused_gives_no_value(play: Play) -> None:
    toy = buffer(**{"view.open": refused("host", "no", "RangeError"), "view.read": refused("skipped")})
    steps = """
- {view: default, as: view, observe: opened}
- {read: u8, at: 0, through: view, observe: seen, expect: {no_value: true}}
"""
    text = suite(steps).replace("title: T\n", "title: T\nobservations: {opened: {question: Q}, seen: {question: Q}}\n")
    result = play(text, toy)
    assert (result.outcome, [item.answer for item in result.observations]) == ("pass", ["error"])
    assert play(text.replace("observe: seen, ", ""), toy).outcome == "error"


def test_what_was_not_asked_is_no_answer(play: Play) -> None:
    toy = buffer(**{"view.open": refused("host", "no", "RangeError"), "view.length": refused("skipped")})
    steps = "- {view: default, as: view, observe: opened}\n- {length: view, observe: long}"
    text = suite(steps).replace("title: T\n", "title: T\nobservations: {opened: {question: Q}, long: {question: Q}}\n")
    result = play(text, toy)
    assert result.outcome == "pass"
    assert [(item.id, item.answer) for item in result.observations] == [("opened", "error")]


def test_no_bytes_have_a_word(play: Play) -> None:
    text = suite("- {read: bytes, at: 0, count: 0, observe: none}")
    result = play(text.replace("title: T\n", "title: T\nobservations: {none: {question: Q}}\n"), buffer())
    assert [(item.answer, item.raw) for item in result.observations] == [("no bytes", "no bytes")]


@pytest.mark.parametrize(("kind", "width"), [("s8", 1), ("s16", 2), ("s32", 4), ("s64", 8)])
def test_a_signed_integer_is_bound_with_its_sign(kind: str, width: int, play: Play) -> None:
    toy = buffer()
    steps = f"""
- {{write: {kind}, at: 8, value: -2}}
- {{read: {kind}, at: 8, as: field, expect: -2}}
- {{write: {kind}, at: 16, value: field}}
- {{read: {kind}, at: 16, expect: field}}
- {{read: u{8 * width}, at: 16, expect: {(1 << 8 * width) - 2}}}
"""
    assert play(suite(steps), toy).outcome == "pass"
    assert toy.params("memory.write", 1)["value"] == {"type": kind, "value": "-2"}


def test_a_result_of_the_guest_is_written_as_the_signed_integer_of_its_bits(play: Play) -> None:
    toy = buffer(pointer={"values": [{"type": "i32", "value": "4294967294"}]})
    assert play(suite("- {call: pointer, as: field}\n- {write: s32, at: 8, value: field}"), toy).outcome == "pass"
    assert toy.params("memory.write")["value"] == {"type": "s32", "value": "-2"}


def test_a_host_that_got_bytes_had_no_negative_number(play: Play) -> None:
    steps = "- {read: s32, at: 0, as: field}\n- {negative: field, observe: sign}"
    text = suite(steps).replace("title: T\n", "title: T\nobservations: {sign: {question: Q}}\n")
    result = play(text, buffer())
    assert [item.answer for item in result.observations] == ["bytes"]
    result = play(suite("- {read: s32, at: 0, as: field}\n- {negative: field, expect: false}"), buffer())
    assert result.outcome == "unsupported"
    assert result.message == "this runtime's host API gave bytes for 'field', which have no sign"


def test_an_import_that_nobody_gives_is_the_scenario_s_fault(play: Play) -> None:
    wat = '(module (import "env" "f" (func)) (memory (export "memory") 1))'
    result = play(suite("- {size: memory}", wat), buffer())
    assert (result.outcome, result.message) == ("error", "nothing gives the import env.f: name it under 'imports'")
    asked = play(suite("- {instantiate: guest, as: i, expect: {link_error: true}}", wat), buffer())
    assert asked.outcome == "fail"  # the toy links anything


def test_an_export_to_import_that_is_not_there_is_the_scenario_s_fault(play: Play) -> None:
    text = suite("- {instantiate: guest, as: one}\n- {instantiate: guest, as: two, imports: {env.f: {export: one.g}}}")
    text = text.replace("(module", '(module (import "env" "f" (func))', 1)
    text = text.replace("as: one}", "as: one, imports: {env.f: {}}}")
    result = play(text, buffer())
    assert result.outcome == "error"
    assert "'one' exports no 'g' to import; it exports: memory" in result.message


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


def test_nothing_is_there_to_bind(play: Play) -> None:
    toy = buffer(**{"memory.read": {"nothing": "undefined"}})
    result = play(suite("- {read: u8, at: 0, as: x}"), toy)
    assert (result.outcome, result.where) == ("fail", "f.yaml:5")
    assert result.message == "read u8 at 0: there is no value to bind to 'x', got undefined"


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


def test_what_an_api_lacks_is_no_answer_where_a_step_only_observes(play: Play) -> None:
    head = "title: T\nobservations: {q: {question: Q, answers: {unsupported: it has none}}}\n"
    lacks = buffer(**{"memory.size": refused("unsupported", "no sizes here")})
    result = play(
        suite("- {size: memory, observe: q}\n- {call: pointer, expect: 1024}").replace("title: T\n", head), lacks
    )
    assert (result.outcome, result.observations) == ("pass", [])
    assert result.unanswered == {"q": "unsupported: it has none"}
    lacks = buffer(**{"memory.size": refused("unsupported", "no sizes here")})
    result = play(suite("- {size: memory, observe: q, expect: 1}").replace("title: T\n", head), lacks)
    assert (result.outcome, result.message) == ("unsupported", "no sizes here")


def test_where_nothing_could_be_tested_nothing_has_passed(play: Play) -> None:
    head = "title: T\nobservations: {q: {question: Q}, r: {question: R}}\n"
    lacks = {"memory.size": refused("unsupported", "no sizes here"), "view.open": refused("unsupported", "no offsets")}
    for steps, message, where in (
        ("- {size: memory, observe: q}", "no sizes here", "f.yaml:6"),
        ("- {call: pointer}\n- {size: memory, observe: q}", "no sizes here", "f.yaml:7"),
        ("- {view: bytewise, offset: 8, as: v, observe: q}\n- {length: v, observe: r}", "no offsets", "f.yaml:6"),
    ):
        result = play(suite(steps).replace("title: T\n", head), buffer(**lacks))
        assert (result.outcome, result.message, result.where) == ("unsupported", message, where)
        assert result.unanswered["q"] == "unsupported"


@pytest.mark.parametrize("more", ["", ", expect: 1", ", observe: r, expect: {no_value: true}"])
def test_what_is_demanded_of_a_view_that_the_api_can_t_open_is_not_met(more: str, play: Play) -> None:
    head = "title: T\nobservations: {q: {question: Q}, r: {question: R}}\n"
    steps = f"- {{view: bytewise, offset: 8, as: v, observe: q}}\n- {{read: u8, at: 0, through: v{more}}}\n- {{call: pointer, expect: 1024}}"
    result = play(
        suite(steps).replace("title: T\n", head), buffer(**{"view.open": refused("unsupported", "no offsets")})
    )
    assert (result.outcome, result.message, result.where) == ("unsupported", "no offsets", "f.yaml:7")


def test_a_view_that_the_api_refused_to_open_reads_nothing(play: Play) -> None:
    head = "title: T\nobservations: {q: {question: Q}, r: {question: R}}\n"
    steps = "- {view: bytewise, offset: 8, as: v, observe: q}\n- {read: u8, at: 0, through: v, observe: r, expect: {no_value: true}}"
    result = play(suite(steps).replace("title: T\n", head), buffer(**{"view.open": refused("host", "RangeError")}))
    assert (result.outcome, result.unanswered) == ("pass", {"r": "not asked"})


def test_what_types_make_impossible_is_an_answer_of_its_own(play: Play) -> None:
    head = "title: T\nobservations: {q: {question: Q, answers: {unsupported: it has none}}}\n"
    told = {"kind": "unsupported", "message": "an offset is a uint32", "expressible": False}
    lacks = buffer(**{"memory.size": CallFailed(-32000, "an offset is a uint32", told)})
    result = play(suite("- {size: memory, observe: q}").replace("title: T\n", head), lacks)
    assert (result.outcome, [seen.answer for seen in result.observations]) == ("pass", ["not expressible"])
    lacks = buffer(**{"memory.size": CallFailed(-32000, "an offset is a uint32", told)})
    result = play(suite("- {size: memory, expect: {error: true}}"), lacks)
    assert (result.outcome, result.message) == ("unsupported", "not expressible: an offset is a uint32")


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
