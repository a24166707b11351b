"""The runner against a runtime made of Python: what it asks, in what form, and when."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from toyruntime import ToyRuntime, buffer, module, refused, suite

from linmem.play.player import Player
from linmem.protocol import DriverDied
from linmem.results.outcome import Result
from linmem.scenario.model import GUEST, Suite

Play = Callable[..., Result]

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
    assert toy.params("view.read")["at"] == {"$ref": call}
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


def test_a_view_of_wider_units_is_asked_in_bytes(play: Play) -> None:
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
    assert toy.params("view.write")["at"] == 8
    assert toy.params("view.read")["at"] == 8
    assert (toy.params("view.read", 1)["at"], toy.params("view.read", 1)["count"]) == (8, 8)
    assert toy.params("memory.read")["at"] == 65535  # what is bound is bytes, though the driver gave units


def test_an_access_between_two_elements_is_asked_of_the_driver(play: Play) -> None:
    toy = buffer()
    assert play(suite("- {view: wordwise, as: v}\n- {read: u32, at: 6, through: v}"), toy).outcome == "pass"
    assert toy.params("view.read")["at"] == 6


def test_a_view_has_a_whole_number_of_elements(play: Play) -> None:
    result = play(suite("- {view: wordwise, count: 6, as: v}"), buffer())
    assert result.outcome == "error"
    assert result.message == "'count' is in bytes: 6 are no whole number for wordwise, whose elements have 4 bytes"


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


def test_a_host_that_counts_bytes_is_told_a_page_size(play: Play) -> None:
    toy = ToyRuntime()
    steps = """
- {memory: {min: 1, page_size: 1}, as: own}
- {instantiate: guest}
- {size: own}
- {size: bytes}
- {size: pages}
"""
    wat = '(module (memory (export "bytes") 1 (pagesize 1)) (memory (export "pages") 1))'
    assert play(suite(steps, wat), toy).outcome == "pass"
    assert toy.params("memory.create")["page_size"] == 1
    assert [toy.params("memory.size", index).get("page_size") for index in range(3)] == [1, 1, None]


# The end


def test_whatever_comes_all_is_released(play: Play) -> None:
    for steps in ("- {call: pointer}", "- {call: pointer, expect: 5}", "- {call: pointer}\n- {call: nothing}"):
        toy = buffer()
        play(suite(steps), toy)
        assert toy.params("object.release") == {"all": True}
        assert toy.events[-1] == "wait object.release"


def test_a_driver_that_can_t_release(play: Play) -> None:
    result = play(suite("- {call: pointer}"), buffer(**{"object.release": refused("host", "it is in use")}))
    assert result.outcome == "error"
    assert result.message == "the driver could not release the scenario's objects: it is in use"


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
    assert toy.events[-1] == "post object.release"
    assert player.posted
    assert player.play(empty_result()).outcome == "pass"


def test_what_went_wrong_at_the_beginning_is_told_in_its_turn(load: Callable[[str], Suite]) -> None:
    toy = buffer()
    player = begun(load, toy, "- {call: pointer}\n- {call: nothing}")
    result = player.play(empty_result())
    assert (result.outcome, result.where) == ("error", "f.yaml:6")
    toy = buffer(**{"module.compile": DriverDied("killed by SIGSEGV")})
    assert begun(load, toy, "- {call: pointer}").play(empty_result()).outcome == "crash"


@pytest.mark.parametrize(
    ("steps", "posted"),
    [
        ("- {call: pointer, as: at}\n- {read: u8, at: at + 1}\n- {size: memory}", True),  # the driver adds
        ("- {call: pointer, as: at}\n- {read: u8, at: at * 2}\n- {size: memory}", False),
        ("- {read: bytes, at: 0, count: 1, as: b}\n- {write: bytes, at: 4, value: b}\n- {size: memory}", False),
        ("- {call: pointer}\n- {read: u8, at: 0, kind: none}\n- {size: memory}", False),
    ],
)
def test_what_needs_an_answer_is_posted_in_its_turn(load: Callable[[str], Suite], steps: str, posted: bool) -> None:
    toy, plain = buffer(), buffer()
    player = begun(load, toy, steps)
    assert player.posted is posted
    assert not [event for event in toy.events if event.startswith("wait")]
    result = player.play(empty_result())
    scenario = load(suite(steps)).scenarios[0]
    assert scenario.guest is not None
    once = Player(scenario, plain, {GUEST: module(scenario.guest)}).play(empty_result())
    assert (result.outcome, result.message, result.steps) == (once.outcome, once.message, once.steps)
    assert [toy.requests[number] for number in toy.requests] == [plain.requests[number] for number in plain.requests]
