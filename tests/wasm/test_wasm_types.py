from __future__ import annotations

import pytest
import wasmtime
from hypothesis import example, given
from hypothesis import strategies as st

from linmem.wasm.types import (
    SHARED,
    WIDE,
    Export,
    FuncType,
    Import,
    ModuleTypes,
    SizeLimits,
    UnreadableModule,
    read_types,
)

EVERYTHING = """
(module
  (import "env" "log" (func $log (param i32 f64) (result i64)))
  (import "env" "base" (global i32))
  (import "env" "top" (global (mut f32)))
  (import "env" "memory" (memory 1 2))
  (import "env" "shared" (memory 1 2 shared))
  (import "env" "big" (memory i64 1))
  (import "env" "table" (table 1 10 externref))
  (import "env" "" (func))
  (func (export "none"))
  (func $many (export "many") (param i32 i64 f32 f64 v128 funcref externref) (result f32 i32) unreachable)
  (func (export "pair") (result i32 i32) i32.const 1 i32.const 2)
  (export "again" (func $many))
  (export "the log" (func $log))
  (export "mem" (memory 0))
  (export "mem2" (memory 2))
  (memory (export "own") 0)
  (global (export "count") i64 (i64.const 0))
  (table (export "tab") 1 funcref)
  (data (i32.const 0) "text"))
"""
Signature = tuple[list[str], list[str]]
LOG = FuncType(("i32", "f64"), ("i64",))
MANY = FuncType(("i32", "i64", "f32", "f64", "v128", "funcref", "externref"), ("f32", "i32"))


def types(text: str) -> ModuleTypes:
    return read_types(bytes(wasmtime.wat2wasm(text)))


def test_imports_and_exports_in_order() -> None:
    found = types(EVERYTHING)
    assert found.imports == (
        Import("env", "log", "func", LOG),
        Import("env", "base", "global", None, "i32", False),
        Import("env", "top", "global", None, "f32", True),
        Import("env", "memory", "memory", limits=SizeLimits(1, 2, 1)),
        Import("env", "shared", "memory", limits=SizeLimits(1, 2, 1 | SHARED)),
        Import("env", "big", "memory", limits=SizeLimits(1, None, WIDE)),
        Import("env", "table", "table"),
        Import("env", "", "func", FuncType()),
    )
    assert list(found.exports.values()) == [
        Export("none", "func", FuncType()),
        Export("many", "func", MANY),
        Export("pair", "func", FuncType((), ("i32", "i32"))),
        Export("again", "func", MANY),
        Export("the log", "func", LOG),
        Export("mem", "memory", limits=SizeLimits(1, 2, 1)),
        Export("mem2", "memory", limits=SizeLimits(1, None, WIDE)),
        Export("own", "memory"),
        Export("count", "global", value_type="i64"),
        Export("tab", "table"),
    ]
    assert found.function("many") == MANY
    assert found.function("mem") is None
    assert found.function("nothing") is None
    assert found.names("memory") == ["mem", "mem2", "own"]


kinds = st.lists(st.sampled_from(["i32", "i64", "f32", "f64", "v128", "funcref", "externref"]), max_size=4)
names = st.text(st.characters(codec="utf-8"), max_size=8)
functions = st.dictionaries(names, st.tuples(kinds, kinds), max_size=4)


def fields(word: str, kinds: list[str]) -> str:
    return f"({word} {' '.join(kinds)})"


def quoted(name: str) -> str:
    """A string of the text format. Byte by byte: the parser refuses control characters, also those of bidirectional text."""
    return '"' + "".join(f"\\{byte:02x}" for byte in name.encode()) + '"'


@given(functions, functions)
@example({"\u202e": ([], ["i32"])}, {'"\\\x7f\0\u2066é': (["i64"], [])})
def test_any_signature_under_any_name(imported: dict[str, Signature], exported: dict[str, Signature]) -> None:
    text = "(module"
    for name, (params, results) in imported.items():
        text += f' (import "env" {quoted(name)} (func {fields("param", params)} {fields("result", results)}))'
    for name, (params, results) in exported.items():
        text += f" (func (export {quoted(name)}) {fields('param', params)} {fields('result', results)} unreachable)"
    found = types(text + ")")
    assert {item.name: item.type for item in found.imports} == signatures(imported)
    assert {name: found.function(name) for name in found.exports} == signatures(exported)


def signatures(functions: dict[str, Signature]) -> dict[str, FuncType]:
    return {name: FuncType(tuple(params), tuple(results)) for name, (params, results) in functions.items()}


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ('(type $t (func (param (ref null func)))) (func (export "f") (type $t))', FuncType(("funcref",), ())),
        ('(type $t (func (param (ref func)))) (func (export "f") (type $t))', FuncType(("ref",), ())),
        ('(import "a" "m" (memory 1 1 (pagesize 1))) (func (export "f") (param i64))', FuncType(("i64",), ())),
        ('(import "a" "m" (memory i64 1 5 shared)) (func (export "f") (param i64))', FuncType(("i64",), ())),
        ('(import "a" "t" (tag (param f64))) (func (export "f") (param i64))', FuncType(("i64",), ())),
        ('(tag (export "t") (param i32)) (func (export "f") (param f32))', FuncType(("f32",), ())),
    ],
)
def test_proposals_do_not_get_in_the_way(text: str, signature: FuncType) -> None:
    assert types(f"(module {text})").function("f") == signature


def test_the_page_sizes_of_memories() -> None:
    found = types("""(module
      (import "env" "bytes" (memory $bytes i64 5 9 (pagesize 1)))
      (import "env" "pages" (memory $pages 1 1 shared))
      (memory $own (export "own") 1 (pagesize 1))
      (memory (export "plain") 1 (pagesize 65536))
      (export "passed" (memory $bytes))
      (export "usual" (memory $pages)))""")
    assert [item.limits.page_size for item in found.imports] == [1, 65536]
    assert {name: item.limits.page_size for name, item in found.exports.items()} == {
        "own": 1,
        "plain": 65536,
        "passed": 1,
        "usual": 65536,
    }


def test_a_function_of_an_unreadable_type_is_exported_all_the_same() -> None:
    found = types('(module (type (struct (field i32))) (func (export "f") (param i32)) (memory (export "m") 1))')
    assert found.exports["f"] == Export("f", "func", None)
    assert found.names("memory") == ["m"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it does not start with the magic bytes"),
        (b"\0as", "it does not start with the magic bytes"),
        (b"not wasm", "it does not start with the magic bytes"),
        (b"\0asm", "it is not a core module of version 1"),
        (b"\0asm\x0d\0\1\0", "it is not a core module of version 1"),  # a component
        (b"\0asm\1\0\0\0\1", "unexpected end at byte 9"),
        (b"\0asm\1\0\0\0\1\5\1", "section 1 is longer than the file"),
        (b"\0asm\1\0\0\0\7\2\1\5", "unexpected end at byte 12"),
        (b"\0asm\1\0\0\0\1" + b"\x80" * 11, "integer too long"),
        (b"\0asm\1\0\0\0\2\4\1\0\0\x63", "import of unknown kind 99"),
        (b"\0asm\1\0\0\0" + b"\2\5\1\0\0\0\0" * 30_000, "section 2 is there twice"),  # what they import adds up
        (b"\0asm\1\0\0\0\1\4\xc1\x84\x3d\x60", "1,000,001 items at byte 13, more than 1,000,000"),
        (b"\0asm\1\0\0\0\1\5\1\x60\xe9\7\0", "1,001 items at byte 14, more than 1,000"),
    ],
)
def test_what_can_t_be_read(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableModule) as caught:
        read_types(data)
    assert words in str(caught.value)


@given(st.data())
def test_a_damaged_module_never_does_worse(data: st.DataObject) -> None:
    module = bytearray(wasmtime.wat2wasm(EVERYTHING))
    for _ in range(data.draw(st.integers(0, 4))):
        module[data.draw(st.integers(0, len(module) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(module)))
    try:
        found = read_types(bytes(module[:cut]))
    except UnreadableModule:
        return
    assert isinstance(found, ModuleTypes)


def test_the_types_of_exported_globals() -> None:
    wat = """
      (module
        (import "env" "given" (global $given (mut i64)))
        (global $sum i32 (i32.add (i32.const -70000) (i32.mul (i32.const 3) (i32.const 4))))
        (global $ratio (mut f32) (f32.const 1.5))
        (global $large f64 (f64.const 11))
        (global $vector v128 (v128.const i32x4 11 11 11 11))
        (global $f funcref (ref.func 0))
        (global $none (mut externref) (ref.null extern))
        (global $last i64 (i64.const -1))
        (func)
        (export "given" (global $given)) (export "sum" (global $sum)) (export "ratio" (global $ratio))
        (export "large" (global $large)) (export "vector" (global $vector)) (export "f" (global $f))
        (export "none" (global $none)) (export "last" (global $last)))
    """
    exports = read_types(bytes(wasmtime.wat2wasm(wat))).exports
    assert {name: (found.value_type, found.mutable) for name, found in exports.items()} == {
        "given": ("i64", True),
        "sum": ("i32", False),
        "ratio": ("f32", True),
        "large": ("f64", False),
        "vector": ("v128", False),
        "f": ("funcref", False),
        "none": ("externref", True),
        "last": ("i64", False),
    }


def test_globals_behind_an_instruction_that_is_not_known_have_no_type() -> None:
    section = bytes.fromhex("06 09 02 7f00 fb0000 0b 7f00")  # cut short behind the first initialiser
    export = bytes.fromhex("07 09 02 0161 0300 0162 0301")
    exports = read_types(b"\0asm\x01\0\0\0" + section + export).exports
    assert [exports[name].value_type for name in "ab"] == ["i32", ""]
