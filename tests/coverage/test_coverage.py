"""``linmem coverage``: what it reads from modules, what topics ask, what it prints."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import wasmtime

from linmem.cli import main
from linmem.coverage import host, topics
from linmem.coverage.reach import Played, reached
from linmem.coverage.survey import Survey, survey
from linmem.coverage.topics import Ask, Topic
from linmem.run.guests import modules
from linmem.scenario.loader import load_suite
from linmem.scenario.model import Scenario
from linmem.scenario.source import SourceError
from linmem.wasm import code, instructions
from linmem.wasm.types import UnreadableModule
from linmem.wasm.wat import assemble

ROOT = Path(__file__).parents[2]


# ------------------------------------------------------------------------------------------ the list of instructions


def leb(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + leb(rest) if rest else bytes([low])


@functools.cache
def engine() -> wasmtime.Engine:
    config = wasmtime.Config()
    config.wasm_threads = config.wasm_multi_memory = config.wasm_memory64 = True
    return wasmtime.Engine(config)


def complaint(instruction: bytes) -> str:
    """What wasmtime's validator says of a function with this instruction, in a module without memory."""
    body = b"\0\0" + instruction + b"\x0b"  # no locals; unreachable: so any operands are there
    section = b"\x01" + leb(len(body)) + body
    module = b"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a" + leb(len(section)) + section
    try:
        wasmtime.Module.validate(engine(), module)
    except wasmtime.WasmtimeError as error:
        return str(error)
    return ""


def test_the_list_has_every_instruction_that_needs_a_memory() -> None:
    """Asked of wasmtime's validator, opcode by opcode: without a memory it refuses those and no others."""
    immediates = [b"", b"\0", b"\0\0", b"\0\0\0", b"\1\0", b"\2\0", b"\3\0"]  # atomics insist on their alignment
    refusals = ("unknown memory", "data count section required")
    needing = {
        (prefix, number)
        for prefix, last in ((0, 0xFA), (0xFC, 0x30), (0xFD, 0x130), (0xFE, 0x7F))
        for number in range(last + 1)
        for rest in immediates
        if any(
            words in complaint((bytes([prefix]) + leb(number) if prefix else bytes([number])) + rest)
            for words in refusals
        )
    }
    assert needing == set(instructions.opcodes())


def operands(name: str, address: str) -> str:
    """An instruction with its operands; v128 and floats as the name says."""
    kind = name.partition(".")[0]
    constants = {"i32": "i32.const 1", "i64": "i64.const 1", "f32": "f32.const 1", "f64": "f64.const 1"}
    constants["v128"] = "v128.const i64x2 1 1"
    if name == "data.drop":
        return "(data.drop $d)"
    if name == "memory.size":
        return "(drop (memory.size $m))"
    if name == "memory.grow":
        return f"(drop (memory.grow $m ({address})))"
    if name == "memory.fill":
        return f"(memory.fill $m ({address}) (i32.const 0) ({address}))"
    if name == "memory.copy":
        return f"(memory.copy $m $m ({address}) ({address}) ({address}))"
    if name == "memory.init":
        return f"(memory.init $m $d ({address}) (i32.const 0) (i32.const 0))"
    if name == "memory.atomic.notify":
        return f"(drop ({name} $m ({address}) (i32.const 1)))"
    if name.startswith("memory.atomic.wait"):
        return f"(drop ({name} $m ({address}) ({constants['i' + name[-2:]]}) (i64.const 0)))"
    lane = " 0" if "_lane" in name else ""
    values = (
        2 if "cmpxchg" in name else 1 if "rmw" in name or "store" in name or "_lane" in name else 0
    ) * f" ({constants[kind]})"
    text = f"({name} $m{lane} ({address}){values})"
    return text if "store" in name else f"(drop {text})"


@pytest.mark.parametrize(
    ("memory", "address", "peculiar"),
    [
        ("(memory $m 1)", "i32.const 8", set()),
        ("(memory $m i64 1)", "i64.const 8", {code.WIDE}),
        ("(memory $m 1 1 shared)", "i32.const 8", {code.SHARED}),
        ("(memory $other i64 1) (memory $m 1)", "i32.const 8", {code.MULTI}),
        ('(import "a" "b" (memory 1)) (memory $m i64 1 2 shared)', "i64.const 8", {code.WIDE, code.SHARED, code.MULTI}),
        ("(memory $m 1 (pagesize 1))", "i32.const 8", {code.PAGES}),
    ],
)
def test_every_instruction_is_found_with_what_is_peculiar_of_its_memory(
    memory: str, address: str, peculiar: set[str]
) -> None:
    functions = "\n".join(f'(func (export "{name}") {operands(name, address)})' for name in instructions.names())
    module = code.read_code(assemble(f'(module {memory} (data $d "x") {functions})'))
    for name in instructions.names():
        (found,) = module.reach(module.exported[name]).instructions
        assert found == (name, frozenset(peculiar if name != "data.drop" else module.peculiar(0)))


# -------------------------------------------------------------------------------------------------------- the reader

AROUND = """
(module
  (type $t (func (param i32) (result i32)))
  (import "env" "log" (func $log))
  (memory 1) (table 2 funcref) (elem (i32.const 0) $hidden) (elem declare func $referred) (data $d "abc")
  (tag $e (param i32)) (global $g (mut i64) (i64.const -1))
  (func $hidden (type $t) (i32.load8_s (i32.const 0)))
  (func $referred (f64.store (i32.const 0) (f64.const 0x2828)))
  (func $deep (return_call $deeper))
  (func $deeper (i64.store16 (i32.const 0) (i64.const -1)))
  (func (export "run") (param $p i64) (result i32) (local v128 f32 f64 externref)
    (block $b (result i32)
      (loop $l (br_if $l (i32.eqz (i32.const 0x3f))))
      (if (i32.const 0) (then (call $log)) (else (call $deep)))
      (drop (select (result f32) (f32.const 40) (f32.const 0x1.282828p0) (i32.const 1)))
      (drop (f64.const 0x1.2828282828282p0))
      (drop (v128.const i32x4 0x28282828 0x36363636 0xfe10 0xfd00))
      (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (local.get 1) (local.get 1)))
      (drop (i8x16.extract_lane_s 15 (local.get 1)))
      (drop (i32.trunc_sat_f64_u (local.get 3)))
      (drop (ref.func $referred)) (drop (ref.null extern)) (drop (ref.is_null (local.get 4)))
      (table.set (i32.const 1) (ref.func $referred)) (drop (table.size))
      (drop (table.grow (ref.null func) (i32.const 0)))
      (atomic.fence)
      (global.set $g (i64.const 0x3636363636363636))
      (block $c (result i32) (try_table (catch $e $c) (throw $e (i32.const 1))) (i32.const 2))
      (br_table $b $b $b (i32.const 0))
    )
    (drop (call_indirect (type $t) (i32.const 0) (i32.const 0)))
    (i64.load32_u offset=0x28282828 align=1 (i32.const 0)) (i32.wrap_i64)
    (i32.add)))
"""


def test_what_stands_between_the_memory_instructions_is_passed_over() -> None:
    module = code.read_code(assemble(AROUND))
    reach = module.reach(module.exported["run"])
    assert {name for name, _ in reach.instructions} == {"i64.load32_u", "i64.store16", "f64.store"}
    assert reach.imports == {("env", "log")}


def every_function(data: bytes) -> list[code.FunctionBody]:
    module = code.read_code(data)
    return [module.function(index) for index in range(len(module.imported) + len(module.bodies))]


def test_every_function_of_the_committed_modules_can_be_read() -> None:
    paths = list((ROOT / "fixtures").glob("*/*/*.wasm"))
    assert paths
    for path in paths:
        read = every_function(path.read_bytes())
        assert any(function.instructions for function in read), path


@pytest.mark.parametrize("cut", [9, 20, -3])
def test_a_broken_module_is_unreadable(cut: int) -> None:
    data = assemble(AROUND)
    with pytest.raises(UnreadableModule):
        every_function(data[:cut])


# --------------------------------------------------------------------------------------------- what a scenario reaches

SUITE = """\
title: Reach
modules:
  peer:
    wat: |
      (module
        (memory (export "memory") 1)
        (func (export "twice") (i32.store8 (i32.const 0) (i32.const 1)))
        (func (export "other") (i32.store16 (i32.const 0) (i32.const 1))))
  user:
    wat: |
      (module
        (import "peer" "f" (func $f))
        (func (export "run") (call $f)))
  trapping:
    wat: |
      (module (memory 1)
        (func $s (drop (i64.load (i32.const 0))) (unreachable))
        (start $s))
wat: |
  (module
    (import "env" "back" (func $back))
    (memory (export "memory") 1) (table 1 funcref) (elem (i32.const 0) $indirect)
    (func $start (drop (memory.grow (i32.const 0))))
    (func $indirect (drop (f32.load (i32.const 0))))
    (func (export "load") (drop (i32.load (i32.const 0))))
    (func (export "uncalled") (drop (i64.load (i32.const 0))))
    (func (export "back") (call $back) (call_indirect (i32.const 0)))
    (func (export "called-back") (drop (i64.load8_s (i32.const 0))))
    (start $start))
scenarios:
  - name: direct
    steps: [{call: load}]
  - name: host function
    imports:
      env.back:
        steps: [{call: called-back}]
    steps: [{call: back}]
  - name: another instance
    steps:
      - instantiate: peer
      - instantiate: user
        imports: {peer.f: {export: peer.twice}}
      - {call: run, on: user}
  - name: kept function
    steps:
      - instantiate: peer
      - {function: {export: peer.other}, as: keep}
      - {call: keep}
  - name: an agent
    requires: [threads]
    steps:
      - agents:
          only: {instantiate: peer, calls: [{call: twice}]}
  - name: a start function traps
    steps: [{instantiate: trapping, expect: {trap: unreachable}}]
  - name: an instance that is refused
    steps: [{instantiate: trapping, expect: {link_error: true}}]
"""


@pytest.fixture
def scenarios(tmp_path: Path) -> Mapping[str, Scenario]:
    path = tmp_path / "reach.yaml"
    path.write_text(SUITE, encoding="utf-8")
    return {scenario.slug: scenario for scenario in load_suite(path, "reach.yaml").scenarios}


@pytest.mark.parametrize(
    ("scenario", "names"),
    [
        ("direct", {"i32.load", "memory.grow"}),
        ("host-function", {"i64.load8_s", "memory.grow"}),
        ("another-instance", {"i32.store8"}),
        ("kept-function", {"i32.store16"}),
        ("an-agent", {"i32.store8", "memory.grow"}),
        ("a-start-function-traps", {"i64.load"}),
        ("an-instance-that-is-refused", set()),
    ],
)
def test_an_instruction_counts_where_a_call_leads(
    scenarios: Mapping[str, Scenario], scenario: str, names: set[str]
) -> None:
    played = Played(modules(scenarios[scenario], None))
    assert reached(scenarios[scenario], [played]).keys() == names


def test_what_a_languages_host_calls_counts_too(scenarios: Mapping[str, Scenario]) -> None:
    scenario = scenarios["an-instance-that-is-refused"]
    module = '(module (memory 1) (func (export "_start") (drop (i32.load (i32.const 0)))))'
    direct = scenarios["direct"]
    guest = {**modules(direct, None)}
    guest["guest"] = type(guest["guest"])(assemble(module), None)
    assert reached(direct, [Played(guest, started=True)]).keys() == {"i32.load"}
    assert reached(direct, [Played(guest)]) == {}
    assert reached(scenario, []) == {}


# ------------------------------------------------------------------------------------------- the host, and the topics

HOST = """\
title: Host
wat: (module (memory (export "memory") 1) (func (export "load") (drop (i32.load (i32.const 0)))))
observations: {seen: {question: What?}}
scenarios:
  - name: kept
    each_view: u16
    steps:
      - {view: each, as: old}
      - {view: default, as: plain}
      - {read: u16, at: 0, through: old, observe: seen}
      - {read: u16, at: 2, through: plain}
      - {write: u16, at: 0, value: 1, kind: each}
      - for: {i: [1, 2]}
        steps:
          - {grow: $i, expect: {any_of: [{host_error: true}, 1]}}
  - name: plain
    steps:
      - {read: bytes, at: 0, count: 2, expect: [0, 0]}
      - {call: load}
"""


@pytest.fixture
def found(tmp_path: Path) -> Survey:
    path = tmp_path / "host.yaml"
    path.write_text(HOST, encoding="utf-8")
    suite = load_suite(path, "host.yaml")
    return survey([(path, suite)], lambda scenario: [Played(modules(scenario, None))], ())


def test_the_ways_of_the_host(found: Survey) -> None:
    assert {way: names for way, names in found.ways.items() if names} == {
        "read u16 kept": {"host.yaml::kept"},
        "write u16 each kind": {"host.yaml::kept"},
        "read bytes default": {"host.yaml::plain"},
    }
    assert len(found.ways) == 2 * 11 * 3


def test_the_words_of_the_language(found: Survey) -> None:
    used = {kind: {word for word, names in words.items() if names} for kind, words in found.words.items()}
    assert used["step"] == {"view", "read", "write", "for", "grow", "call"}
    assert used["expect"] == {"any_of", "host_error", "a value", "a list"}
    assert used["import"] == set()
    assert "step 'instantiate'" in found.missing


def ask(tmp_path: Path, **fields: object) -> tuple[str, ...]:
    path = tmp_path / "host.yaml"
    path.write_text(HOST, encoding="utf-8")
    question = Ask("it", **fields)  # type: ignore[arg-type]
    suite = load_suite(path, "host.yaml")
    one = survey([(path, suite)], lambda scenario: [Played(modules(scenario, None))], [Topic("T", (question,))])
    return one.topics[0][1][0].missing


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"scenarios": ("host.yaml::*",), "instructions": ("i32.load",), "steps": ("grow",), "views": ("u16",)}, ()),
        ({"scenarios": ("host.yaml::kept",), "expect": ("host_error",), "observes": True}, ()),
        ({"scenarios": ("host.yaml::none", "host.yaml::k*")}, ("no scenario matches host.yaml::none",)),
        ({"scenarios": ("*",), "instructions": ("i32.load", "size")}, ("not reached: memory.size, memory.grow",)),
        (
            {"scenarios": ("*",), "instructions": ("i32.load",), "form": "memory64"},
            ("not reached (memory64): i32.load",),
        ),
        (
            {"scenarios": ("*::plain",), "steps": ("grow",), "expect": ("trap",), "views": ("u16",), "observes": True},
            ("no step 'grow'", "no expect 'trap'", "u16 not through every view kind", "nothing is observed"),
        ),
    ],
)
def test_what_a_topic_asks_is_held_against_the_scenarios(
    tmp_path: Path, fields: dict[str, object], missing: tuple[str, ...]
) -> None:
    assert ask(tmp_path, **fields) == missing


def test_the_topics_are_the_thirteen_and_each_word_in_them_is_known() -> None:
    assert len(topics.load()) == 13
    for topic in topics.load():
        for question in topic.asks:
            assert set(question.steps) <= set(host.vocabulary()["step"]), question
            assert set(question.expect) <= set(host.vocabulary()["expect"]), question


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("instructions: [i32.lod]", "topics.yaml:3: unknown instruction 'i32.lod' in topics; did you mean 'i32.load'?"),
        ("form: wide", "topics.yaml:3: unknown form 'wide' in topics; known: memory64, multi-memory"),
        ("stepps: [call]", "topics.yaml:1: Object contains unknown field `stepps`"),
    ],
)
def test_a_mistake_in_the_topics_is_told_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "topics.yaml"
    path.write_text(f'- title: T\n  asks:\n    - ask: it\n      scenarios: ["*"]\n      {text}\n', encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        topics.load(path)
    assert str(caught.value).startswith(words)


# ------------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "host.yaml").write_text(HOST, encoding="utf-8")


@pytest.mark.usefixtures("small")
def test_the_command_shows_what_is_covered_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", "host.yaml"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "    i32.load                     1       -       -      -  host" in lines
    assert "    i64.load                  NONE       -       -      -" in lines
    assert "  u16            NONE       NONE          1       NONE          1       NONE" in lines
    assert lines[-1].startswith("2 scenarios: ")
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.usefixtures("small")
def test_the_command_shows_only_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", "--missing", "host.yaml"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "instruction i64.load" in lines
    assert "instruction i32.load" not in lines
    assert "host: read u8 default" in lines


@pytest.mark.usefixtures("small")
def test_the_command_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", "--format=json", "host.yaml"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["instructions"]["loads"]["i32.load"] == {"host.yaml::plain": []}
    assert data["scenarios"] == 2
    assert data["covered"] is False
    assert data["host"]["write u16 each kind"] == ["host.yaml::kept"]


@pytest.mark.usefixtures("small")
def test_text_that_does_not_assemble_is_told_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "host.yaml").write_text(HOST.replace("(i32.load (", "(i32.lod ("), encoding="utf-8")
    assert main(["coverage", "host.yaml"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("host.yaml:2: the module's text does not assemble: ")


def test_nothing_is_uncovered(capsys: pytest.CaptureFixture[str]) -> None:
    """What is new in the language, and what a topic asks, has a scenario."""
    status = main(["coverage", "--missing"])
    assert capsys.readouterr().out.split("\n") == [""]
    assert status == 0
