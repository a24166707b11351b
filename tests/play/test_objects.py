"""What the runner asks about the host's objects: exports that are kept, globals, identity, garbage."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from toyruntime import BUFFER, buffer, refused, suite

from linmem.results.outcome import Result

Play = Callable[..., Result]
SEEN = "observations: {one: {question: One?, answers: {true: one, false: two}}}\n"


def test_an_export_is_asked_for_anew_each_time(play: Play) -> None:
    toy = buffer()
    steps = """
- {size: memory}
- {size: memory}
- {memory: {export: guest.memory}, as: kept}
- {same: [kept, guest.memory], expect: true}
- {same: [guest.memory, guest.memory], expect: true}
"""
    assert play(suite(steps), toy).outcome == "pass"
    assert toy.posted.count("memory.export") == 5  # one for both sizes
    one, *_, last, last_but_one = (n for n, (method, _) in toy.requests.items() if method == "memory.export")
    assert toy.params("memory.size", 1)["memory"] == one
    assert toy.params("object.same", 1)["objects"] == [last, last_but_one]


def test_a_kept_memory_outlives_its_instance(play: Play) -> None:
    toy = buffer()
    steps = """
- {memory: {export: guest.memory}, as: kept}
- {release: guest}
- {collect: true}
- {size: kept, expect: 1}
"""
    assert play(suite(steps), toy).outcome == "pass"
    assert toy.params("object.release")["objects"] == [toy.number("instance.create")]
    assert toy.params("memory.size")["memory"] == toy.number("memory.export")


def test_a_kept_function_is_called_by_its_name(play: Play) -> None:
    toy = buffer()
    steps = """
- {function: {export: guest.pointer}, as: where}
- {function: {export: guest.load}, as: store}
- {call: where, as: buffer, expect: 1024}
- {call: store, args: [buffer], expect: 0}
- {call: store, on: guest, args: [1, 2]}
- {release: [where, store]}
- {call: store, args: [1, 2]}
"""
    assert play(suite(steps), toy).outcome == "pass"
    first, second = (n for n, (method, _) in toy.requests.items() if method == "function.export")
    assert toy.params("function.call") == {"function": first, "args": [], "results": ("i32",)}
    assert toy.params("function.call", 1)["function"] == second
    assert [toy.params("function.call", n)["name"] for n in (2, 3)] == ["store", "store"]
    assert toy.params("object.release")["objects"] == [first, second]


@pytest.mark.parametrize(("first", "word"), [("guest.memory", "one"), ("own", "two")])
def test_what_same_finds_is_observed(first: str, word: str, play: Play) -> None:
    steps = f"- {{memory: {{min: 1}}, as: own}}\n- {{same: [{first}, guest.memory], observe: one}}"
    result = play(SEEN + suite(steps), buffer())
    assert (result.outcome, result.observations[0].answer) == ("pass", word)


def test_what_same_finds_is_judged(play: Play) -> None:
    steps = "- {memory: {min: 1}, as: own}\n- {same: [own, guest.memory], expect: true}"
    result = play(suite(steps), buffer())
    assert (result.outcome, result.message) == (
        "fail",
        "whether own and guest.memory are one object: expected true, got false",
    )


def test_a_driver_s_answer_must_be_true_or_false(play: Play) -> None:
    result = play(suite("- {same: [guest.memory, guest.memory]}"), buffer(**{"object.same": {"same": 1}}))
    assert result.outcome == "error"
    assert "'same' is 1, not true or false" in result.message


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("{memory: {export: guest.store}, as: m}", "the guest exports no memory 'store'; it exports: memory"),
        ("{function: {export: guest.memory}, as: f}", "the guest exports no function 'memory'; it exports: pointer"),
        ("{same: [guest.nothing, guest.memory]}", "the guest exports no memory 'nothing'; it exports: memory"),
    ],
)
def test_what_the_guest_does_not_export(step: str, words: str, play: Play) -> None:
    result = play(suite(f"- {step}"), buffer())
    assert result.outcome == "error"
    assert words in result.message


def test_the_only_memory_goes_by_one_name_here_too(play: Play) -> None:
    toy = buffer()
    steps = "- {memory: {export: guest.memory}, as: kept}\n- {same: [kept, guest.memory], expect: true}"
    assert play(suite(steps, BUFFER.replace('"memory"', '"mem"')), toy).outcome == "pass"
    assert {params["name"] for method, params in toy.requests.values() if method == "memory.export"} == {"mem"}


def test_a_host_that_collects_no_garbage_is_unsupported(play: Play) -> None:
    toy = buffer(**{"host.collect": refused("unsupported", "no garbage here")})
    result = play(suite("- {collect: true}"), toy)
    assert (result.outcome, result.message) == ("unsupported", "no garbage here")


GLOBALS = """
  (module
    (import "env" "given" (global i64))
    (memory (export "memory") 1)
    (global (export "end") i64 (i64.const 0))
    (global (export "ratio") (mut f32) (f32.const 1))
    (global (export "vector") v128 (v128.const i32x4 0 1 2 3))
    (global (export "last") i32 (i32.const 0)))
"""
GIVEN = "imports: {env.given: {global: i64, value: 0}}\n"


def test_globals_are_made_read_and_written(play: Play) -> None:
    toy = buffer()
    steps = """
- {call: pointer, as: buffer}
- {global: {type: i64, value: buffer, mutable: true}, as: g}
- {get: g, as: was, expect: 1024}
- {set: g, value: was + 1}
- {get: g, expect: 1025}
- {read: u8, at: was}
"""
    assert play(suite(steps), toy).outcome == "pass"
    made, got = toy.number("global.create"), toy.number("global.get")
    assert toy.params("global.create") == {"type": "i64", "value": {"$ref": 2}, "mutable": True}
    assert toy.params("global.get") == {"global": made, "type": "i64"}
    assert toy.params("global.set") == {"global": made, "value": {"type": "i64", "value": {"$ref": got, "+": 1}}}
    assert toy.params("memory.read")["at"] == {"$ref": got}


def test_an_exported_global_is_taken_once_unless_a_step_takes_it(play: Play) -> None:
    toy = buffer(**{"a global": 0x3F800000})
    steps = """
- {get: ratio, as: r, expect: 1.0}
- {set: guest.ratio, value: r}
- {set: ratio, value: -0.0}
- {global: {export: guest.ratio}, as: kept}
- {get: kept, expect: 1.0}
- {get: last}
- {release: guest}
"""
    assert play(suite(steps, GLOBALS) + GIVEN, toy).outcome == "pass"
    taken = [n for n, (method, _) in toy.requests.items() if method == "global.export"]
    assert [toy.params("global.export", n)["name"] for n in range(3)] == ["ratio", "ratio", "last"]
    assert [toy.params("global.set", n)["value"]["value"] for n in range(2)] == [str(0x3F800000), str(1 << 31)]
    assert [toy.params("global.get", n) for n in (1, 2)] == [
        {"global": taken[1], "type": "f32"},
        {"global": taken[2], "type": "i32"},
    ]
    assert set(toy.params("object.release")["objects"]) == {toy.number("instance.create"), taken[0], taken[2]}


def test_a_bound_global_is_imported(play: Play) -> None:
    toy = buffer()
    steps = """
- {global: {type: i64, value: 5}, as: g}
- {instantiate: guest, imports: {env.given: {global: g}}}
"""
    assert play(suite(steps, GLOBALS) + GIVEN, toy).outcome == "pass"
    assert toy.given["env.given"]["object"] == toy.number("global.create")


def test_an_instance_s_own_imports_go_before_the_scenario_s(play: Play) -> None:
    toy = buffer()
    steps = """
- {global: {type: i64, value: 5}, as: first}
- {global: {type: i64, value: 6}, as: second}
- {instantiate: guest, imports: {env.given: {global: second}}}
"""
    text = suite(steps, GLOBALS).replace("    steps:\n", "    imports: {env.given: {global: first}}\n    steps:\n", 1)
    assert play(text, toy).outcome == "pass"
    assert toy.given["env.given"]["object"] == toy.number("global.create", 1)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("{get: memory}", "the guest exports no global 'memory'; it exports: end, ratio, vector, last"),
        ("{get: vector}", "the global 'vector' is of v128, so it can't be used here"),
    ],
)
def test_a_global_that_can_t_be_read(step: str, words: str, play: Play) -> None:
    result = play(suite(f"- {step}", GLOBALS) + GIVEN, buffer())
    assert result.outcome == "error"
    assert words in result.message


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("{host: float, value: 1.5}", {"host": "float", "value": str(0x3FF8000000000000)}),
        ("{host: float, value: -inf}", {"host": "float", "value": str(0xFFF0000000000000)}),
        ("{host: integer, value: 1 << 64}", {"host": "integer", "value": str(1 << 64)}),
        ("{host: text, value: '7'}", {"host": "text", "value": "7"}),
        ("{host: boolean, value: true}", {"host": "boolean", "value": True}),
        ("{host: nothing}", {"host": "nothing"}),
    ],
)
def test_a_value_of_the_host_s_language_is_sent_as_it_is(given: str, sent: dict[str, object], play: Play) -> None:
    toy = buffer(**{"memory.write": {}, "view.write": {}, "global.set": {}})
    steps = f"""
- {{write: u8, at: 0, value: {given}}}
- {{view: bytewise, as: v}}
- {{write: f64, at: 0, through: v, value: {given}}}
- {{global: {{type: i32, mutable: true}}, as: g}}
- {{set: g, value: {given}}}
"""
    assert play(suite(steps), toy).outcome == "pass"
    assert [toy.params(method)["value"] for method in ("memory.write", "view.write", "global.set")] == [sent] * 3


HIGH = """
  (module
    (import "env" "look" (func $look (param i32)))
    (memory (export "memory") 1)
    (func (export "high") (result i32) unreachable))
"""


@pytest.mark.parametrize(("said", "negative"), [("-2147483648", "true"), ("2147483648", "false")])
def test_how_the_host_s_language_had_an_integer(said: str, negative: str, play: Play) -> None:
    toy = buffer(high={"values": [{"type": "i32", "value": said}]})
    steps = f"""
- {{call: high, as: x, expect: 0x80000000}}
- {{negative: x, expect: {negative}}}
- {{size: memory, as: y}}
- {{negative: y, expect: false}}
"""
    assert play(suite(steps, HIGH, "    imports: {env.look: {}}\n"), toy).outcome == "pass"


def test_how_the_host_s_language_had_an_argument(play: Play) -> None:
    toy = buffer()
    toy.functions = {"high": lambda: (toy.host("env.look", -1 << 31), 0)[1]}
    more = (
        "    imports: {env.look: {params: [p], steps: [{negative: p, observe: one}, {read: u8, at: p - 0x80000000}]}}\n"
    )
    result = play(SEEN + suite("- {call: high}", HIGH, more), toy)
    assert (result.outcome, result.observations[0].answer) == ("pass", "one")


def test_how_an_integer_was_had_that_never_came(play: Play) -> None:
    more = "    imports: {env.look: {params: [p]}}\n"
    result = play(suite("- {negative: p}", HIGH, more), buffer())
    assert (result.outcome, result.message) == ("error", "nothing is bound to 'p'")


@pytest.mark.parametrize(("host", "outcome"), [("Python", "pass"), ("JavaScript", "unsupported")])
def test_a_scenario_for_hosts_of_one_language(host: str, outcome: str, play: Play) -> None:
    result = play(suite("- {size: memory}", more=f"    host: {host}\n"), buffer())
    assert result.outcome == outcome
    if outcome == "unsupported":
        assert result.message == "is about hosts in JavaScript, and this one is in Python"


def test_a_view_outlives_the_store(play: Play) -> None:
    toy = buffer()
    steps = """
- {view: bytewise, as: v}
- {release: {store: true}}
- {read: u8, at: 0, through: v, expect: 0}
- {instantiate: guest, as: later}
- {size: later.memory, expect: 1}
"""
    steps = "- {instantiate: guest}\n" + steps.strip()
    assert play(suite(steps), toy).outcome == "pass"
    assert toy.params("object.release") == {"store": True}
    assert toy.params("view.read")["view"] == toy.number("view.open")
