"""Scenario files that are wrong: each gives one line, with the right place, that says what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jsonschema_rs
import pytest

from linmem.scenario import schema
from linmem.scenario.loader import load_suite
from linmem.scenario.model import Suite
from linmem.scenario.source import SourceError, parse
from linmem.scenario.steps import KINDS

Load = Callable[[str], Suite]
HEAD = "title: T\nwat: (module)\nscenarios:\n"


def scenario(steps: str, more: str = "") -> str:
    """A suite of one scenario; its first step stands in line 6, or `more` lines further down."""
    indented = "".join(f"      {line}\n" for line in steps.splitlines())
    return f"{HEAD}  - name: one\n{more}    steps:\n{indented}"


def imports(what: str) -> str:
    return scenario("- call: f", f"    imports:\n      {what}\n")


def cases(steps: str, rows: str) -> str:
    return scenario(steps, f"    cases: {rows}\n")


FILE = [
    ("- a\n- b\n", 1, "a scenario file is a mapping with 'title' and 'scenarios'"),
    ("hello\n", 1, "a scenario file is a mapping"),
    ("wat: (module)\nscenarios: []\n", 1, "the file needs the key 'title' (and 1 more fault after it)"),
    ("title: T\nwat: (module)\n", 1, "the file needs the key 'scenarios'"),
    ("title: T\nscenarios: []\n", 2, "'scenarios' must not be empty"),
    ("title: T\nscenarios:\n", 2, "'scenarios' must be a list, found nothing"),
    ("title: T\nscenarios: {a: b}\n", 2, "'scenarios' must be a list, found a mapping with the key 'a'"),
    ("title: T\nwatt: x\nscenarios: []\n", 2, "unknown key 'watt' in the file; did you mean 'wat'?"),
    ("title: 24\nscenarios: []\n", 1, "'title' must be text, found 24; put it in quotes"),
    (f"title: {'x' * 400}\nscenarios: []\n", 1, "'title' may have 300 characters, found 400"),
    (HEAD + "  - hello\n", 4, "a scenario must be a mapping, found 'hello'"),
    (HEAD + "  - steps: [{size: memory}]\n", 4, "a scenario needs the key 'name'"),
    (HEAD + "  - name: a\n", 4, "a scenario needs the key 'steps'"),
    (HEAD + "  - name: a\n    steps: []\n", 5, "'steps' must not be empty"),
    (HEAD + "  - name: true\n    steps: [{size: memory}]\n", 4, "'name' must be text, found true; put it in quotes"),
    (HEAD + "  - name: '???'\n    steps: [{size: memory}]\n", 4, "scenario name '???' has no letters or digits"),
    (
        HEAD + "  - name: A b\n    steps: [{size: memory}]\n  - name: a-b\n    steps: [{size: memory}]\n",
        6,
        "scenario 'a-b' has the same name as the one in line 4: 'a-b'",
    ),
    (
        "title: T\nwat: (module)\nprogram: p\nscenarios:\n  - name: a\n    steps: [{size: m}]\n",
        2,
        "one guest, but both",
    ),
    (
        "title: T\nscenarios:\n  - name: a\n    steps: [{size: m}]\n",
        3,
        "no guest: give 'program', 'package', 'wat' or 'module'",
    ),
    ("title: T\nprogram: Shared-Buffer\nscenarios: []\n", 2, "the name of a program: lower-case letters, digits and _"),
    ("title: T\nwat: {a: 1}\nscenarios: []\n", 2, "'wat' must be text, found a mapping with the key 'a'"),
    (
        "title: T\nmodule: none.wasm\nscenarios:\n  - name: a\n    steps: [{size: m}]\n",
        2,
        "there is no module 'none.wasm' beside this file",
    ),
    (
        "title: T\nobservations:\n  Bad Id: {question: x}\nscenarios: []\n",
        3,
        "the key must be an id of lower-case letters, digits and hyphens, like old-view-read, found 'Bad Id'",
    ),
    ("title: T\nobservations:\n  a: {answers: {1: b}}\nscenarios: []\n", 3, "'a' needs the key 'question'"),
    ("title: T\nobservations:\n  a: {question: q, answers: {1: 2}}\nscenarios: []\n", 3, "'1' must be text, found 2"),
    (scenario("- size: memory", "    requires: memory64\n"), 5, "'requires' must be a list, found 'memory64'"),
    (scenario("- size: memory", "    host: Javascript\n"), 5, "'host' must be one of C, Go, JavaScript, Python, Rust"),
    (scenario("- size: memory", "    spec: 24\n"), 5, "'spec' must be text, found 24"),
]

STEP = [
    ("- call", 6, "a step must be a mapping, found 'call'"),
    ("-", 6, "a step must be a mapping, found nothing"),
    ("- {}", 6, "a step must not be empty; known: call, read, write, grow"),
    ("- reed: u8\n  at: 0", 6, "unknown step 'reed' in a scenario; did you mean 'read'?"),
    ("- frobnicate: 1", 6, "unknown step 'frobnicate' in a scenario; known: call, read,"),
    ("- size: memory\n- reed: u8\n- wride: u8", 7, "did you mean 'read'? (and 1 more fault after it)"),
    ("- read: u8\n  write: u8\n  at: 0", 6, "a step does one thing, but this one has both 'read' and 'write'"),
    ("- read: u8\n  att: 0", 7, "unknown key 'att' in a step; did you mean 'at'?"),
    ("- read: u8\n  at: 0\n  expects: 24", 8, "unknown key 'expects' in a step; did you mean 'expect'?"),
    ("- read: u8\n  expect: 24", 6, "a step needs the key 'at'"),
    ("- write: u8\n  at: 24", 6, "a step needs the key 'value'"),
    ("- view: default", 6, "a step needs the key 'as'"),
    (
        "- read: u9\n  at: 0",
        6,
        "'read' must be one of u8, s8, u16, s16, u32, s32, u64, s64, f32, f64, bytes, found 'u9'",
    ),
    ("- read: u8\n  at: [1]", 7, "'at' must be an integer, or an expression over bound names, found a list of 1"),
    ("- read: u8\n  at: 1.5", 7, "'at' must be an integer, or an expression over bound names, found 1.5"),
    ("- call: f\n  args: 24", 7, "'args' must be a list, found 24"),
    ("- call: f\n  args: [[1]]", 7, "an item of 'args' must be a number or text, found a list of 1"),
    ("- call: 24", 6, "'call' must be text, found 24; put it in quotes"),
    ("- call: f\n  as: 2x", 7, "'as' must be a name of letters, digits and _ that begins with no digit, found '2x'"),
    ("- call: f\n  as: nan", 7, "'nan' can't be a name: it is a floating-point value"),
    ("- call: f\n  as: global", 7, "'global' can't be a name: expressions keep the word for themselves"),
    ("- memory: {max: 1}\n  as: m", 6, "'memory' needs the key 'min'"),
    ("- memory: {}\n  as: m", 6, "'memory' needs the key 'min'"),
    ("- memory: {export: guest.m, min: 1}\n  as: m", 6, "'memory' must have one key only, found 'export' and 'min'"),
    ("- memory: {export: m}\n  as: m", 6, "'export' must be an export of an instance, like guest.memory, found 'm'"),
    ("- function: {min: 1}\n  as: f", 6, "unknown key 'min' in 'function'"),
    ("- function: {export: guest.f}", 6, "a step needs the key 'as'"),
    ("- global: {}\n  as: g", 6, "'global' needs the key 'type'"),
    ("- global: {type: i8}\n  as: g", 6, "'type' must be one of i32, i64, f32, f64, found 'i8'"),
    ("- global: {type: i32, value: 1.5}\n  as: g", 6, "1.5 is not an integer, as i32 needs"),
    ("- global: {type: i32, value: 0x1_0000_0000}\n  as: g", 6, "is out of range for i32"),
    ("- global: {export: guest.g, mutable: true}\n  as: g", 6, "'global' must have one key only"),
    ("- set: g", 6, "a step needs the key 'value'"),
    ("- get: g\n  expect: {text: a}", 7, "the step gives numbers, not bytes"),
    ("- same: guest.memory", 6, "'same' must be a list of two: bound names, or exports"),
    ("- same: [a]", 6, "'same' must be a list of two: bound names, or exports"),
    ("- release: {store: false}", 6, "'store' must be true, found false"),
    ("- release: {store: true}\n- size: memory", 7, "unknown instance 'guest'"),
    ("- memory: {min: 1}\n  as: m\n- release: {store: true}\n- size: m", 9, "unknown instance 'guest'"),
    ("- collect: false", 6, "'collect' must be true, found false"),
    ("- memory: {min: 1, index: i16}\n  as: m", 6, "'index' must be one of i32, i64, found 'i16'"),
    ("- for: {v: [1]}\n  steps: [{size: memory}]", 6, "'v' must be a list of two integers, the first and the last"),
    ("- for: {v: {in: []}}\n  steps: [{size: memory}]", 6, "'in' must not be empty"),
    ("- for: {v: {in: [[1]]}}\n  steps: [{size: memory}]", 6, "an item of 'in' must be"),
    ("- for: {v: {in: [u8, u9]}}\n  steps: [{read: $v, at: 0}]", 7, "'read' must be one of u8, s8,"),
    ("- for: {v: {in: [1, a]}}\n  steps: [{read: u8, at: $v}]", 7, "unknown value 'a'"),
    ("- write: u8\n  at: 0\n  value: {host: word}", 8, "'host' must be one of float, integer, text, boolean, nothing"),
    ("- write: u8\n  at: 0\n  value: {host: text, value: 7}", 8, "'text' of the host's language is text, found 7"),
    ("- write: u8\n  at: 0\n  value: {host: boolean, value: 1}", 8, "is true or false, found 1"),
    ("- write: u8\n  at: 0\n  value: {host: nothing, value: 1}", 8, "is given without a value, found 1"),
    (
        "- write: u8\n  at: 0\n  value: {host: integer}",
        8,
        "'integer' of the host's language is an integer, found nothing",
    ),
    ("- write: u8\n  at: 0\n  value: {host: integer, value: 1.5}", 8, "'1.5' is not an integer"),
    ("- write: u8\n  at: 0\n  value: {host: float, value: x}", 8, "'x' is not a number"),
    ("- write: bytes\n  at: 0\n  value: {host: float, value: 1.5}", 8, "is written as one number, not as bytes"),
    ("- for: {v: [0, 1], w: [0, 1]}\n  steps: [{size: memory}]", 6, "'for' must have one key only, found 'v' and 'w'"),
    ("- for: {v: [3, 1]}\n  steps: [{size: memory}]", 6, "'for' goes up: 3 to 1 is empty"),
    ("- for: {v: [0, 100000000]}\n  steps: [{size: memory}]", 6, "a scenario may have 20,000 steps"),
    (
        "- for: {v: [0, 199]}\n  steps:\n    - for: {w: [0, 199]}\n      steps: [{size: memory}]",
        9,
        "a scenario may have 20,000 steps",
    ),
    ("- for: {v: [-1, 1]}\n  steps: [{size: memory, as: x_$v}]", 7, "'as' must be a name of letters, digits and _"),
    ("- for: {v: [0, 1]}\n  steps: [{for: {w: [-1, 1]}, steps: [{call: f, as: x_$v$w}]}]", 7, "'as' must be a name"),
    ("- for: {v: {in: [a, b-]}}\n  steps: [{size: memory, as: x_$v}]", 7, "'as' must be a name of letters"),
    ("- for: {v: {in: [1, -1]}}\n  steps: [{size: memory, as: x_$v}]", 7, "'x_-1' can't be a name: it has"),
    ("- for: {v: [0, 1]}\n  steps: [{call: $v}]", 7, "'call' must be text, found 0"),
    ("- for: {v: [0, 1]}\n  steps:\n    - call: f\n      args: [$w]", 9, "unknown parameter '$w'"),
]

EXPECTATION = [
    ("- call: f\n  expect: {trapp: unreachable}", 7, "unknown key 'trapp' in 'expect'; did you mean 'trap'?"),
    ("- call: f\n  expect: {trap: a, error: true}", 7, "'expect' must have one key only, found 'trap' and 'error'"),
    ("- call: f\n  expect: {}", 7, "'expect' must not be empty"),
    ("- call: f\n  expect:", 7, "'expect' must be a value, a list of values, or a mapping like {trap: unreachable}"),
    ("- call: f\n  expect: true", 7, "only 'same' and 'negative' give true or false, but 'expect' is true"),
    ("- read: u8\n  at: 0\n  expect: {any_of: [1, false]}", 8, "only 'same' and 'negative' give true or false"),
    ("- same: [guest.a, guest.b]\n  expect: 1", 7, "the step gives true or false, but 'expect' is 1"),
    ("- call: f\n  expect: {nan: quiet}", 7, "'nan' must be one of canonical, arithmetic, any, found 'quiet'"),
    ("- call: f\n  expect: {trap: false}", 7, "'trap' must be text, or true for any, found false"),
    ("- call: f\n  expect: {any_of: [1]}", 7, "'any_of' must be a list of at least 2, found a list of 1"),
    ("- call: f\n  expect: [[1]]", 7, "an item of 'expect' must be a number or text, found a list of 1"),
    ("- call: f\n  expect: {text: a}", 7, "the step gives numbers, not bytes"),
    ("- call: f\n  expect: {no_value: true}", 7, "only a read can give 'no_value'"),
    ("- read: u8\n  at: 0\n  expect: 256", 8, "256 is out of range for u8"),
    ("- read: s8\n  at: 0\n  expect: -129", 8, "-129 is out of range for s8"),
    ("- read: u8\n  at: 0\n  expect: 1.5", 8, "1.5 is not an integer, as u8 needs"),
    ("- read: u8\n  at: 0\n  expect: {text: a}", 8, "the step gives one u8, but 'expect' is text 'a'"),
    ("- read: u8\n  at: 0\n  expect: [1, 2]", 8, "the step gives one u8, but 'expect' is [1, 2]"),
    ("- read: u8\n  at: 0\n  expect: {nan: any}", 8, "'nan:any' can't be said of a value of type u8"),
    ("- read: f32\n  at: 0\n  expect: {at_least: 1}", 8, "'at least 1' can't be said of a value of type f32"),
    ("- read: f32\n  at: 0\n  expect: 1e39", 8, "1e+39 is too large for f32"),
    ("- read: bytes\n  at: 0\n  count: 1\n  expect: 24", 9, "the step gives bytes, which are written as a list"),
    ("- read: bytes\n  at: 0\n  count: 1\n  expect: [300]", 9, "300 is out of range for u8"),
    ("- read: bytes\n  at: 0\n  count: 1\n  expect: {times: 3}", 9, "'expect' needs the key 'hex'"),
    ("- read: bytes\n  at: 0\n  count: 1\n  expect: {trap: x, times: 3}", 9, "'expect' needs the key 'hex'"),
    (
        "- read: bytes\n  at: 0\n  count: 1\n  expect: {hex: '18', text: a, times: 3}",
        9,
        "'expect' may have 2 keys, found 'hex'",
    ),
    ("- read: u8\n  at: 0\n  expect: {any_of: [1, 256]}", 8, "256 is out of range for u8"),
    ("- write: u8\n  at: 0\n  value: 1\n  expect: 1", 9, "this step gives no value, so only an error can be expected"),
    ("- call: f\n  observe: x", 7, "unknown observation 'x' in this file's 'observations'; there is none"),
]

VALUE = [
    ("- read: bytes\n  at: 0", 6, "'read: bytes' needs 'count'"),
    ("- read: u8\n  at: 0\n  count: 2", 6, "'count' goes with bytes, not with u8"),
    ("- write: bytes\n  at: 0\n  value: [256]", 8, "an item of 'value' must be a byte, 0 to 255, found 256"),
    (
        "- write: bytes\n  at: 0\n  value: hello",
        6,
        "unknown bytes 'hello' in this scenario (bind it with 'as' in an earlier 'read: bytes', or give a list, {hex",
    ),
    ("- write: bytes\n  at: 0\n  value: {hex: xyz}", 8, "'xyz' is not hexadecimal: two digits for each byte"),
    ("- write: bytes\n  at: 0\n  value: {hex: '123'}", 8, "'123' is not hexadecimal"),
    ("- write: bytes\n  at: 0\n  value: {hex: 18}", 8, "'hex' must be text, found 18; put it in quotes"),
    ("- write: bytes\n  at: 0\n  value: {text: a, times: 0}", 8, "'times' must be an integer from 1 to 1,000,000"),
    (
        "- write: bytes\n  at: 0\n  value: {hex: '%s', times: 999999}" % ("18" * 17),
        8,
        "a step may have 16,777,216 bytes",
    ),
    ("- use: bytes", 6, "bytes needs 'on', the view that it is used on"),
    ("- use: Memory.toResizableBuffer\n  value: 1", 6, "Memory.toResizableBuffer takes no value"),
    ("- view: default\n  as: v\n- use: ArrayBuffer.resize\n  on: v", 8, "ArrayBuffer.resize takes a value: integer"),
    (
        "- view: default\n  as: v\n- use: BytesIO.readinto\n  on: v\n  value: 1",
        10,
        "BytesIO.readinto takes text, found 1",
    ),
    ("- use: Memory.toResizableBuffer\n  as: x", 7, "Memory.toResizableBuffer gives nothing that 'as' could bind"),
    ("- use: Memory.grow", 6, "'use' must be the name of a part of a host's API"),
    ("- view: part\n  as: v", 6, "'view: part' needs 'through', the view that it is a part of"),
    ("- view: default\n  as: v\n- view: default\n  through: v\n  as: w", 8, "'view: part' needs 'through'"),
    ("- write: u8\n  at: 0\n  value: [1]", 8, "'value' is a list of 1, but the step writes one u8"),
    ("- write: u8\n  at: 0\n  value: 1.5", 8, "1.5 is not an integer, as u8 needs"),
    ("- write: u8\n  at: 0\n  value: inf", 8, "inf is not an integer, as u8 needs"),
    ("- write: u8\n  at: 0\n  value: hello world", 8, "'hello world' is not an integer expression"),
    ("- write: f32\n  at: 0\n  value: nan:0x800000", 8, "'nan:0x800000': a NaN's payload has 23 bits in f32"),
    ("- write: f64\n  at: 0\n  value: nan:0x0", 8, "'nan:0x0': a NaN's payload has 52 bits in f64 and is not 0"),
    ("- read: u8\n  at: buffer +", 7, "'at': 'buffer +' is not an integer expression"),
    ("- read: u8\n  at: 2 ** 9", 7, "which may have integers, names, + - * //"),
    ("- read: u8\n  at: __import__('os')", 7, "'at': \"__import__('os')\" is not an integer expression"),
    ("- grow: 1 // 0", 6, "'grow': division by zero"),
    ("- call: f\n  args: [1 << 99]", 7, "a shift by 99 is outside 0 to 64"),
]

NAME = [
    ("- read: u8\n  at: buffer", 6, "unknown value 'buffer' in this scenario (bind it with 'as' in an earlier step)"),
    (
        "- call: f\n  as: buffer\n- read: u8\n  at: bufer + 1",
        8,
        "did you mean 'buffer'? (bind it with 'as' in an earlier",
    ),
    ("- read: u8\n  at: buffer\n- call: f\n  as: buffer", 6, "unknown value 'buffer'"),
    ("- call: f\n  expect: {any_of: [1, buffer]}", 6, "unknown value 'buffer'"),
    ("- call: f\n  expect: [1, buffer]", 6, "unknown value 'buffer'"),
    ("- call: f\n  expect: {at_least: buffer}", 6, "unknown value 'buffer'"),
    ("- write: f64\n  at: 0\n  value: pi", 6, "unknown value 'pi'"),
    ("- grow: pages", 6, "unknown value 'pages'"),
    ("- view: default\n  as: v\n  count: n", 6, "unknown value 'n'"),
    ("- memory: {min: n}\n  as: m", 6, "unknown value 'n'"),
    (
        "- read: u8\n  at: 0\n  through: old",
        6,
        "unknown view 'old' in this scenario (bind it with 'as' in an earlier step)",
    ),
    ("- length: old", 6, "unknown view 'old'"),
    ("- view: part\n  through: old\n  as: v", 6, "unknown view 'old'"),
    ("- memory: {min: 1}\n  as: m\n- use: bytes\n  on: m", 8, "'m' is bound, but not to a view"),
    ("- view: default\n  as: v\n- use: Memory.toResizableBuffer\n  on: v", 8, "'v' is bound, but not to a memory"),
    ("- read: bytes\n  at: 0\n  count: 1\n  as: b\n- read: u8\n  at: b", 10, "unknown value 'b'"),
    ("- call: f\n  as: n\n- write: bytes\n  at: 0\n  value: n", 8, "unknown bytes 'n'"),
    ("- memory: {export: other.m}\n  as: m", 6, "unknown instance 'other'"),
    ("- negative: x", 6, "unknown value 'x'"),
    ("- memory: {min: 1}\n  as: m\n- negative: m", 8, "unknown value 'm'"),
    ("- get: other.g", 6, "unknown instance 'other'"),
    ("- size: caller.memory", 6, "'caller.EXPORT' is a memory of the instance that calls a host function"),
    ("- {instantiate: guest, as: caller}", 6, "'caller' is the instance that calls a host function: take another name"),
    ("- memory: {min: 1}\n  as: m\n- set: m\n  value: 1", 8, "'m' is bound, but not to a global"),
    ("- global: {type: i32, value: x}\n  as: g", 6, "unknown value 'x'"),
    ("- global: {type: i32}\n  as: g\n- set: g\n  value: x", 8, "unknown value 'x'"),
    ("- same: [other.m, guest.m]", 6, "unknown instance 'other'"),
    ("- memory: {min: 1}\n  as: m\n- same: [m, m]", 8, "'m' is one object; an export is asked for twice: guest.m"),
    ("- view: default\n  as: v\n- same: [v, guest.m]", 8, "'v' is bound, but not to a memory or function or global"),
    ("- function: {export: guest.f}\n  as: f\n- read: u8\n  at: 0\n  in: f", 8, "'f' is bound, but not to a memory"),
    ("- function: {export: guest.f}\n  as: f\n- release: [f, guest]\n- call: f", 9, "unknown instance 'guest'"),
    ("- release: old", 6, "unknown object 'old' in this scenario; known: guest"),
    ("- call: f\n  on: other", 6, "unknown instance 'other' in this scenario; known: guest"),
    ("- size: other.memory", 6, "unknown instance 'other'"),
    ("- call: f\n  as: m\n- size: m", 8, "'m' is bound, but not to a memory"),
    ("- instantiate: other", 6, "unknown module 'other' in this scenario (give it under 'modules')"),
    ("- memory: {min: 1}\n  as: m\n- instantiate: guest\n- release: guest\n- call: f", 10, "unknown instance 'guest'"),
    ("- view: default\n  as: v\n- release: v\n- length: v", 9, "unknown view 'v'"),
    ("- view: each\n  as: v", 6, "'each' needs 'each_view' in the scenario"),
    (
        "- view: default\n  as: v\n- read: u8\n  at: 0\n  through: v\n  kind: each",
        8,
        "'through' names a view opened before",
    ),
    ("- instantiate: guest\n  imports: {a.b: {memory: m}}\n- memory: {min: 1}\n  as: m", 7, "unknown memory 'm'"),
]

CASE = [
    ("- size: memory", "[1, 2]", 5, "a case must be a mapping, found 1 (and 1 more fault after it)"),
    ("- size: memory", "[]", 5, "'cases' must not be empty"),
    ("- size: memory", "[{a: 1}, {a: 1}]", 4, "two of its cases have the same name, 'one-a-1'"),
    ("- size: memory", "[{a b: 1}]", 5, "the key must be a name of letters, digits and _ that begins with no digit"),
    ("- read: u8\n  at: $wher", "[{where: 1}]", 8, "unknown parameter '$wher' in this scenario's 'cases' and 'for'; did"),
    ("- read: $t\n  at: 0", "[{t: u8}, {t: u9}]", 7, "'read' must be one of u8, s8"),
    ("- read: u8\n  at: $at", "[{at: 1}, {at: [1, 2]}]", 8, "'at' must be an integer, or an expression over bound names"),
    ("- read: u8\n  at: $at", "[{at: }]", 8, "'at' must be an integer, or an expression over bound names, found nothing"),
    ("- read: u8\n  at: $at", "[{at: true}]", 8, "found true"),
    ("- read: u8\n  at: $at", "[{at: 1.5}]", 8, "found 1.5"),
    ("- call: $f", "[{f: 1.5}]", 7, "'call' must be text, found 1.5"),
    ("- call: f\n  as: $name", "[{name: ok}, {name: not ok}]", 8, "'as' must be a name of letters"),
    ("- write: bytes\n  at: 0\n  value: [$b]", "[{b: 255}, {b: 256}]", 9, "a byte is 0 to 255, found 256"),
    ("- read: u8\n  at: 0\n  expect: $v", "[{v: 255}, {v: 256}]", 9, "256 is out of range for u8"),
]  # fmt: skip

IMPORT = [
    ("env: {return: 1}", 6, "the key must be the name of an import, like env.log, found 'env'"),
    ("env.f: {memory: m, return: 1}", 6, "an import is one thing: 'memory' stands alone"),
    ("env.f: {throw: a, trap: b}", 6, "a host function ends in one way, not in 'throw' and 'trap'"),
    ("env.f: {return: x + 1}", 6, "unknown value 'x'"),
    ("env.f: {params: a}", 6, "'params' must be a list, found 'a'"),
    ("env.f: {params: [a, a]}", 6, "two arguments are called 'a'"),
    ("env.f: {steps: [{reed: u8}]}", 6, "unknown step 'reed'"),
    ("env.f: {steps: [{read: u8, at: x}]}", 6, "unknown value 'x'"),
    ("env.f: {global: nope}", 6, "unknown global 'nope'"),
    ("env.f: {global: nope, value: 1}", 6, "'value' is for a new global, not for 'nope'"),
    ("env.f: {memory: nope}", 6, "unknown memory 'nope'"),
    ("env.f: {export: f}", 6, "'f' is not of the form instance.export"),
    ("env.f: {export: nope.f}", 6, "unknown instance 'nope'"),
    ("env.f: {global: i33}", 6, "unknown global 'i33' in this scenario (bind it with 'as' in an earlier step)"),
    ("env.f: {global: i32, value: 1.5}", 6, "1.5 is not an integer, as i32 needs"),
    ("env.f: {global: i32, value: 4294967296}", 6, "4294967296 is out of range for i32"),
    ("env.f: {global: i32, value: nope}", 6, "unknown value 'nope'"),
]

EVERYTHING = [
    *FILE,
    *((scenario(steps), line, words) for steps, line, words in [*STEP, *EXPECTATION, *VALUE, *NAME]),
    *((cases(steps, rows), line, words) for steps, rows, line, words in CASE),
    *((imports(what), line, words) for what, line, words in IMPORT),
]


@pytest.mark.parametrize(("text", "line", "words"), EVERYTHING)
def test_a_wrong_file_is_one_line(text: str, line: int, words: str, load: Load) -> None:
    with pytest.raises(SourceError) as caught:
        load(text)
    message = str(caught.value)
    assert words in message
    assert message.startswith(f"f.yaml:{line}: ")
    assert "\n" not in message
    assert len(message) < 300
    for internals in ("Traceback", "<class", "Map(", "dict", "propert", "schema", "{'"):
        assert internals not in message


def test_windows_line_ends_do_not_shift_lines(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(scenario("- size: memory\n- reed: u8").replace("\n", "\r\n").encode())
    with pytest.raises(SourceError, match=r"^f\.yaml:7: unknown step 'reed'"):
        load_suite(path, "f.yaml")


def test_the_schema_is_one() -> None:
    jsonschema_rs.Draft202012Validator(schema.SCHEMA.document)


def test_the_schema_knows_the_same_steps() -> None:
    published = schema.SCHEMA.document
    required = [form["required"][0] for form in published["$defs"]["step"]["else"]["oneOf"]]
    described = [branch["then"]["$ref"].removeprefix("#/$defs/step_") for branch in published["$defs"]["step"]["allOf"]]
    assert required == described == list(schema.STEPS)
    assert sorted([*KINDS, "for"]) == sorted(required)
    agents = published["$defs"]["agent_step"]
    assert [form["required"][0] for form in agents["else"]["oneOf"]] == published["$defs"]["agent_act"]["enum"]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("{raed: u8, at: 0}", '"raed" is not one of "call", "read" or 19 other candidates'),
        ("{read: u8, at: 0, exspect: 1}", "Additional properties are not allowed ('exspect' was unexpected)"),
        ("{read: u8}", '"at" is a required property'),
        ("{size: memory, expect: {trapp: x}}", "Additional properties are not allowed ('trapp' was unexpected)"),
        ("{size: memory, expect: [true]}", 'true is not of types "number", "string"'),
        ("{size: memory, observe: {idd: x}}", "Additional properties are not allowed ('idd' was unexpected)"),
        ("{for: {i: [1, 2]}, steps: [{raed: u8}]}", '"raed" is not one of "call", "read" or 19 other candidates'),
        ("{agents: {a: {calls: [{cal: f}]}}}", '"cal" is not one of "call", "read" or 5 other candidates'),
        ("{read: u8, write: u8, at: 0}", "Additional properties are not allowed ('write' was unexpected)"),
    ],
)
def test_an_editor_s_own_validator_says_what_is_wrong_with_a_step(step: str, message: str) -> None:
    """As a JSON Schema validator words it that knows nothing of linmem."""
    data = parse(f"title: T\nwat: (module)\nscenarios:\n  - name: a\n    steps:\n      - {step}\n", "f.yaml")
    told = [error.message for error in jsonschema_rs.validator_for(schema.SCHEMA.document).iter_errors(data)]
    assert message in told
    assert not any("any of the" in text for text in told)
