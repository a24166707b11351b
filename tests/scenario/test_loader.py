from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from linmem import paths
from linmem.run.guests import modules
from linmem.scenario import model
from linmem.scenario.expectations import Literal
from linmem.scenario.happened import Bytes
from linmem.scenario.loader import load_suite, slugify
from linmem.scenario.model import Call, HostFunction, Read, Suite, Write
from linmem.scenario.names import every_step
from linmem.scenario.source import SourceError, Where

Load = Callable[[str], Suite]


def steps_of(load: Load, steps: str, more: str = "") -> tuple[model.Step, ...]:
    """The steps of a suite with one scenario; without `more`, the first stands in line 6."""
    indented = "".join(f"      {line}\n" for line in steps.splitlines())
    suite = load(f"title: T\nwat: (module)\nscenarios:\n  - name: one\n{more}    steps:\n{indented}")
    return suite.scenarios[0].steps


def test_a_suite_is_loaded_as_written(load: Load) -> None:
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
    assert (first.slug, first.title) == ("wasm-writes-24-at-index-0", "Wasm writes 24 at index 0")
    assert (first.where, first.spec) == (Where("f.yaml", 8), "https://example.org/file")
    assert (first.program, first.guest, first.requires) == ("shared_buffer", None, ())
    assert (second.requires, second.spec) == (("memory64",), "https://example.org/own")
    store, pointer, read = first.steps
    assert isinstance(store, Call)
    assert (store.export, store.on, store.where, store.bind) == ("store", None, Where("f.yaml", 10), None)
    assert [str(arg) for arg in store.args] == ["24", "-1", "1.5"]
    assert pointer.bind == "buffer"
    assert isinstance(read, Read)
    assert (read.type, str(read.at), read.memory, read.through, read.kind) == ("u8", "buffer + 0", "memory", None, None)
    assert str(read.expect) == "24"
    assert read.observe is not None
    assert read.observe.answers == {"24": "the new byte", "buffer * 2": "doubled"}
    assert {str(key): word for key, word in read.observe.computed.items()} == {"buffer * 2": "doubled"}
    (write,) = second.steps
    assert isinstance(write, Write)
    assert write.value == b"hi"


def test_how_each_step_reads(load: Load) -> None:
    steps = steps_of(
        load,
        "- {instantiate: guest}\n"
        "- {instantiate: lib, as: other}\n"
        "- {call: f, as: x}\n"
        "- {call: f, args: [1, x], on: other}\n"
        "- {read: u8, at: x + 0}\n"
        "- {read: bytes, at: 0, count: 2, in: other.memory, kind: DataView}\n"
        "- {view: default, as: u}\n"
        "- {view: Uint8Array, as: v, offset: 8, count: 2}\n"
        "- {write: f64, at: 8, value: nan:0x1, through: v}\n"
        "- {write: bytes, at: 8, value: {hex: 18 19}}\n"
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
        "read u8 at x + 0",
        "read 2 bytes at 0 in other.memory through DataView",
        "open a view as u",
        "open Uint8Array at 8, 2 bytes, as v",
        "write f64 nan:0x1 at 8 through v, which is Uint8Array",
        "write bytes 18 19 at 8",
        "the host grows other.memory by 1 + 1 pages",
        "size of memory in pages",
        "length of v in bytes",
        "make a memory of 1 to 2 pages as m",
        "make a memory of 1 to any number of pages as n",
        "release v, m",
    ]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("24", "24"),
        ("x", "x"),
        ("inf", "inf"),
        ("nan:0x200000", "nan:0x200000"),
        ("[1, 2]", "[1, 2]"),
        ("{trap: unreachable}", "trap: unreachable"),
        ("{trap: true}", "trap"),
        ("{link_error: true}", "link error"),
        ("{compile_error: true}", "compile error"),
        ("{host_error: RangeError}", "host error: RangeError"),
        ("{error: true}", "an error"),
        ("{nan: canonical}", "nan:canonical"),
        ("{at_least: x + 1}", "at least x + 1"),
        ("{any_of: [1, {trap: true}]}", "1 or trap"),
    ],
)
def test_how_each_expectation_reads(written: str, shown: str, load: Load) -> None:
    step = steps_of(load, f"- {{call: f, as: x}}\n- {{call: f, expect: {written}}}")[1]
    assert str(step.expect) == shown


def test_what_a_file_requires_its_scenarios_require(load: Load) -> None:
    suite = load(
        "title: T\nwat: (module)\nrequires: [threads]\nscenarios:\n"
        "  - {name: one, steps: [{size: memory}]}\n"
        "  - {name: two, requires: [memory64], steps: [{size: memory}]}\n"
    )
    assert [scenario.requires for scenario in suite.scenarios] == [("threads",), ("threads", "memory64")]


def test_bytes_that_stand_one_after_the_other(load: Load) -> None:
    first, second = steps_of(
        load,
        "- {write: bytes, at: 8, value: {text: ab, times: 3}}\n"
        "- {read: bytes, at: 8, count: 80000, expect: {hex: 18 19, times: 40000}}\n",
    )
    assert isinstance(first, Write)
    assert (first.value, first.text) == (b"ababab", "write bytes ab × 3 at 8")
    assert second.expect is not None
    assert second.expect.holds(Bytes(b"\x18\x19" * 40000, 80000), {})
    assert not second.expect.holds(Bytes(b"\x18\x19" * 39999, 80000), {})
    assert str(second.expect) == "bytes 18 19 × 40,000"


@pytest.mark.parametrize(("written", "shown"), [("{text: Grüße}", "text 'Grüße'"), ("{hex: 18 19}", "bytes 18 19")])
def test_how_bytes_read(written: str, shown: str, load: Load) -> None:
    (step,) = steps_of(load, f"- {{read: bytes, at: 0, count: 2, expect: {written}}}")
    assert str(step.expect) == shown


def test_a_literal_for_a_float_is_no_name(load: Load) -> None:
    (step,) = steps_of(load, "- {write: f32, at: 0, value: -inf}")
    assert isinstance(step, Write)
    assert not isinstance(step.value, bytes)
    assert step.value.bits("f32", {}) == 0xFF80_0000
    assert step.value.names == set()


def test_host_functions(load: Load) -> None:
    suite = load(
        "title: T\nwat: (module)\n"
        "imports:\n"
        "  env.log: {params: [text], steps: [{read: u8, at: text}], return: [text + 1]}\n"
        "  env.stop: {throw: enough}\n"
        "scenarios:\n"
        "  - name: one\n"
        "    imports: {env.stop: {trap: own}, env.base: {global: i64, value: -1, mutable: true}}\n"
        "    steps: [{call: f}]\n"
    )
    imports = suite.scenarios[0].imports
    log, stop, base = (imports[name] for name in ("env.log", "env.stop", "env.base"))
    assert isinstance(log, HostFunction)
    assert (log.params, [str(value) for value in log.returns], log.steps[0].text) == (
        ("text",),
        ["text + 1"],
        "read u8 at text",
    )
    assert isinstance(stop, HostFunction)
    assert (stop.throw, stop.trap) == (None, "own")  # the scenario's own goes before the file's
    assert isinstance(base, model.ImportedGlobal)
    assert (base.type, base.mutable, base.value.bits("i64", {})) == ("i64", True, (1 << 64) - 1)


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
    assert [scenario.slug for scenario in suite.scenarios] == ["write-u8-at-1", "write-f64-at-base-+-8"]
    assert [scenario.each_view for scenario in suite.scenarios] == ["u8", "f64"]
    assert first.case == {"type": "u8", "at": 1, "value": -1, "pages": 16}
    assert first.steps[1].text == "write u8 -1 at 1 + 16"
    assert second.steps[1].text == "write f64 -0.0 at base + 8 + 2"
    assert first.steps[1].where == second.steps[1].where == Where("f.yaml", 12)


def test_cases_without_a_parameter_in_the_name_are_told_apart(load: Load) -> None:
    suite = load(
        "title: T\nwat: (module)\nscenarios:\n  - name: grow\n    cases: [{n: 1}, {n: 2}]\n    steps: [{grow: $n}]\n"
    )
    assert [scenario.title for scenario in suite.scenarios] == ["grow [n=1]", "grow [n=2]"]
    assert [scenario.slug for scenario in suite.scenarios] == ["grow-n-1", "grow-n-2"]


def test_a_parameter_that_is_the_whole_value_keeps_its_type(load: Load) -> None:
    steps = steps_of(
        load,
        "- {write: bytes, at: 0, value: $whole}\n- {write: bytes, at: 0, value: [1, $byte]}",
        "    cases: [{whole: [7, 9], byte: 3}]\n",
    )
    assert [step.value for step in steps if isinstance(step, Write)] == [b"\7\11", b"\1\3"]


def test_wat_keeps_its_dollars(load: Load) -> None:
    """There `$name` is an identifier; only `${name}` is a parameter."""
    suite = load(
        "title: T\nscenarios:\n  - name: of $t\n    cases: [{t: i32}]\n"
        "    wat: (module (func $t (param $x ${t})) ${other})\n"
        "    modules: {lib: {wat: '(module (func $t (result ${t})))'}}\n"
        "    steps: [{call: f}]\n"
    )
    (scenario,) = suite.scenarios
    assert scenario.guest is not None
    assert scenario.guest.wat == "(module (func $t (param $x i32)) ${other})"
    assert scenario.modules["lib"].wat == "(module (func $t (result i32)))"


def test_many_cases_are_checked_once_for_each_mixture_of_types(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    monkeypatch.setattr("linmem.scenario.schema.validate_scenario", lambda data: checked.append(data["name"]))
    rows = ", ".join(f"{{n: {n}}}" for n in [*range(50), 1.5, "a", "b"])
    load(f"title: T\nwat: (module)\nscenarios:\n  - name: n$n\n    cases: [{rows}]\n    steps: [{{call: f}}]\n")
    assert checked == ["n0", "n1.5", "na", "nb"]


# Loops


def test_a_loop_is_unrolled(load: Load) -> None:
    steps = steps_of(
        load,
        "- for: {v: [-1, 1]}\n  steps:\n    - {write: u8, at: $v + 8, value: $v}\n    - {read: u8, at: 1, expect: $v}",
    )
    assert [(step.text, step.where.line) for step in steps] == [
        ("write u8 -1 at -1 + 8", 8),
        ("read u8 at 1", 9),
        ("write u8 0 at 0 + 8", 8),
        ("read u8 at 1", 9),
        ("write u8 1 at 1 + 8", 8),
        ("read u8 at 1", 9),
    ]


def test_loops_nest_and_see_the_case(load: Load) -> None:
    steps = steps_of(
        load,
        "- for: {a: [0, 1]}\n  steps:\n    - for: {b: [2, 3]}\n      steps: [{read: u8, at: $a + $b + $base}]",
        "    cases: [{base: 9}]\n",
    )
    assert [step.text for step in steps] == [
        "read u8 at 0 + 2 + 9",
        "read u8 at 0 + 3 + 9",
        "read u8 at 1 + 2 + 9",
        "read u8 at 1 + 3 + 9",
    ]


def test_the_inner_of_two_equal_names_holds(load: Load) -> None:
    inner = "- for: {n: [1, 2]}\n  steps: [{grow: $n}]"
    by_case = steps_of(load, inner, "    cases: [{n: 9}]\n")
    assert [step.text for step in by_case] == [f"the host grows memory by {n} pages" for n in (1, 2)]
    nested = steps_of(load, "- for: {n: [7, 8]}\n  steps:\n    - for: {n: [1, 2]}\n      steps: [{grow: $n}]")
    assert [step.text for step in nested] == [f"the host grows memory by {n} pages" for n in (1, 2, 1, 2)]


# Modules


def test_where_a_module_s_text_stands(load: Load) -> None:
    """Line n of the text is line `where.line + n` of the file, however the text was given."""
    suite = load(
        "title: T\n"
        "scenarios:\n"
        "  - name: block\n"
        "    wat: &text |\n"
        "      (module\n"
        "        (func))\n"
        "    steps: [{call: f}]\n"
        "  - name: alias\n"
        "    wat: *text\n"
        "    steps: [{call: f}]\n"
        "  - name: plain\n"
        "    wat: (module)\n"
        "    steps: [{call: f}]\n"
        "  - name: case\n"
        "    cases: [{a: 1}]\n"
        "    wat: |\n"
        "      (module)\n"
        "    steps: [{call: f}]\n"
    )
    guests = [scenario.guest for scenario in suite.scenarios]
    assert [guest.where.line + 1 for guest in guests if guest is not None] == [5, 5, 12, 17]


def test_a_module_file_is_looked_for_beside_the_suite(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "guest.wasm").write_bytes(b"\0asm\1\0\0\0")
    guest = load_suite(with_module(tmp_path, "deep/../guest.wasm"), "f.yaml").scenarios[0].guest
    assert guest is not None
    assert guest.path == tmp_path / "guest.wasm"


def with_module(folder: Path, name: str) -> Path:
    suite = folder / "f.yaml"
    text = f"title: T\nmodule: {json.dumps(name)}\nscenarios: [{{name: a, steps: [{{call: f}}]}}]\n"
    suite.write_text(text, encoding="utf-8")
    return suite


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/proc/self/environ", "module '/proc/self/environ' is outside of this file's folder: put it there, or its"),
        ("../other.wasm", "module '../other.wasm' is outside of this file's folder"),
        ("there/other.wasm", "module 'there/other.wasm' is outside of this file's folder"),
        ("link.wasm", "module 'link.wasm' is outside of this file's folder"),
        ("none.wasm", "there is no module 'none.wasm' beside this file"),
        ("a\0b", "module 'a\\x00b' can't be read: no file can have such a name"),
        ("x" * 900, "module 'xxx"),
        ("x/" * 499, "there is no module 'x/x/x/"),
        ("x" * 5000, "'module' may have 1000 characters, found 5000"),
        ("circle", "module 'circle' can't be read: "),
        ("pipe", "module 'pipe' can't be read: it is no regular file"),
        (".", "module '.' can't be read: Is a directory"),
        ("huge", "module 'huge' has 3,221.2 MB, but such a file may have 67 MB"),
        ("secret.txt", "module 'secret.txt' is no binary module: it does not begin with the bytes 00 61 73 6d"),
        ("empty", "module 'empty' is no binary module"),
    ],
)
def test_module_files_that_are_refused(name: str, words: str, tmp_path: Path) -> None:
    folder = tmp_path / "suites"
    folder.mkdir()
    (tmp_path / "other.wasm").write_bytes(b"\0asm\1\0\0\0")
    (folder / "there").symlink_to(tmp_path)
    (folder / "link.wasm").symlink_to(tmp_path / "other.wasm")
    (folder / "circle").symlink_to("circle")
    os.mkfifo(folder / "pipe")
    (folder / "secret.txt").write_text("token=24")
    (folder / "empty").touch()
    with (folder / "huge").open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(SourceError) as caught:
        load_suite(with_module(folder, name), "f.yaml")
    assert str(caught.value).startswith(f"f.yaml:2: {words}")
    assert len(str(caught.value)) < 700
    assert "24" not in str(caught.value)


@pytest.mark.usefixtures("project_read_anew")
def test_the_project_file_names_other_folders_of_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "guest.wasm").write_bytes(b"\0asm\1\0\0\0")
    (tmp_path / "suites").mkdir()
    (tmp_path / "linmem.toml").write_text("modules = 'build'\n")
    monkeypatch.chdir(tmp_path)
    guest = load_suite(with_module(tmp_path / "suites", "../build/guest.wasm"), "f.yaml").scenarios[0].guest
    assert guest is not None
    assert guest.path == tmp_path / "build" / "guest.wasm"


def test_a_module_file_that_has_changed_is_not_played(tmp_path: Path) -> None:
    (tmp_path / "guest.wasm").write_bytes(b"\0asm\1\0\0\0")
    (scenario,) = load_suite(with_module(tmp_path, "guest.wasm"), "f.yaml").scenarios
    assert modules(scenario, None)["guest"].data == b"\0asm\1\0\0\0"
    (tmp_path / "guest.wasm").write_bytes(b"secret")
    with pytest.raises(SourceError, match=r"^f\.yaml:2: module guest\.wasm is no binary module"):
        modules(scenario, None)


def test_a_scenario_s_guest_goes_before_the_file_s(load: Load) -> None:
    suite = load(
        "title: T\nprogram: p\nscenarios:\n"
        "  - {name: a, steps: [{call: f}]}\n"
        "  - {name: b, wat: (module), steps: [{call: f}]}\n"
    )
    assert [(scenario.program, scenario.guest is None) for scenario in suite.scenarios] == [("p", True), (None, False)]


# Names in ids


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Wasm writes 24 at index 0", "wasm-writes-24-at-index-0"),
        ("the host's view", "the-host-s-view"),
        ("grow by -1 pages", "grow-by-minus-1-pages"),
        ("2^32-1", "2-32-1"),
        ("n ≥ 3", "n-ge-3"),
        ("n ≤ 3", "n-le-3"),
        ("2³²", "232"),
        ("  A_b+c.d  ", "a_b+c.d"),
        ("[x]::y/z", "x-y-z"),
        ("Größe", "gr-e"),
        ("???", ""),
    ],
)
def test_slugs(title: str, slug: str) -> None:
    assert slugify(title) == slug


# The suites that are delivered


@pytest.mark.parametrize("path", sorted(paths.SUITES.rglob("*.yaml")), ids=lambda path: path.name)
def test_every_suite_loads(path: Path) -> None:
    suite = load_suite(path, path.name)
    assert len({scenario.slug for scenario in suite.scenarios}) == len(suite.scenarios) > 0


@pytest.mark.parametrize("path", sorted(paths.SUITES.rglob("*.yaml")), ids=lambda path: path.name)
def test_no_suite_demands_a_result_of_growing_but_of_javascript(path: Path) -> None:
    """The embedding interface's mem_grow gives a memory or an error; only JavaScript's gives the old size."""
    demanded = [
        str(step.where)
        for scenario in load_suite(path, path.name).scenarios
        if scenario.host != "JavaScript"
        for step in every_step(scenario)
        if isinstance(step, model.Grow) and isinstance(step.expect, Literal)
    ]
    assert not demanded


def test_not_a_mapping(load: Load) -> None:
    with pytest.raises(SourceError, match=r"^f\.yaml:1: a scenario file is a mapping with 'title' and 'scenarios'$"):
        load("- a\n")


def test_a_loop_over_a_list(load: Load) -> None:
    text = (
        "title: T\nwat: (module)\nscenarios:\n  - name: one\n    steps:\n"
        "      - for: {type: {in: [u8, f64]}}\n        steps:\n"
        "          - for: {at: {in: [7, x + 1]}}\n            steps: [{read: $type, at: $at}]\n"
        "    imports: {a.b: {params: [x]}}\n"
    )
    steps = load(text).scenarios[0].steps
    assert [step.text for step in steps] == [
        "read u8 at 7", "read u8 at x + 1", "read f64 at 7", "read f64 at x + 1"
    ]  # fmt: skip


ANSWERS = """
title: T
wat: (module)
observations: {seen: {question: What?}}
scenarios:
  - name: one $of
    cases: [{of: 7, word: seven}, {of: 8, word: eight}]
    steps:
      - read: u8
        at: 0
        observe: {id: seen, answers: {$of: the $word, x + $of: $word more, MORE: the same}}
      - call: f
        as: x
"""


def test_answers_may_be_parameters(load: Load) -> None:
    seen = load(ANSWERS.replace("MORE", "$of * 10")).scenarios[1].steps[0].observe
    assert seen is not None
    assert seen.answers == {"8": "the eight", "x + 8": "eight more", "8 * 10": "the same"}
    assert [expression.text for expression in seen.computed] == ["x + 8"]


def test_an_answer_that_parameters_make_twice(load: Load) -> None:
    with pytest.raises(SourceError, match=r"f\.yaml:11: .8. is there twice among the answers"):
        load(ANSWERS.replace("MORE", "8"))
