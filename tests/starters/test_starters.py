"""What ``linmem inspect`` shows of a module, and what ``linmem new scenario`` writes for it, played as it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linmem.cli import main
from linmem.guests.packages import find_package
from linmem.guests.program import programs
from linmem.guests.toolchains import Go
from linmem.provision.manifest import load_manifest
from linmem.results import known
from linmem.starters import runtime
from linmem.wasm.wat import assemble

SOURCES = (".py", ".mjs", ".rs", ".go", ".java")

LIBRARY = """
(module
  (import "env" "log" (func (param i32 i32)))
  (import "env" "now" (func (result f64)))
  (import "env" "base" (global i32))
  (import "env" "depth" (global (mut i64)))
  (memory (export "memory") 2 16)
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "Add") (result i32) (i32.const 1))
  (func (export "yes") (result i32) (i32.const 1))
  (func (export "_hidden"))
  (func (export "of a reference") (param externref)))
"""
IMPORTS_MEMORY = """
(module
  (import "env" "memory" (memory 1 4))
  (export "memory" (memory 0))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))
"""
WASI = """
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "print") (result i32)
    (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 16))))
"""
NOTHING = "(module)"


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, folder: Path, name: str = "main.wasm") -> Path:
    (folder / name).write_bytes(assemble(text))
    return folder / name


def test_a_module_is_listed_with_its_types(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = len(write(LIBRARY, at).read_bytes())
    assert main(["inspect", "main.wasm"]) == 0
    listed = capsys.readouterr().out.partition("\n\n")[0].splitlines()
    assert listed == [
        f"main.wasm: {size} bytes",
        "imports:",
        "  func     env.log(i32, i32)",
        "  func     env.now() -> f64",
        "  global   env.base: i32",
        "  global   env.depth: mutable i64",
        "exports:",
        "  memory   memory: 2 to 16 pages",
        "  func     add(i32, i32) -> i32",
        "  func     divide(i32, i32) -> i32",
        "  func     Add() -> i32",
        "  func     yes() -> i32",
        "  func     _hidden()",
        "  func     of a reference(externref)",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('(memory (export "m") 1)', "1 page or more"),
        ('(memory (export "m") 1 2 shared)', "1 to 2 pages, shared"),
        ('(memory (export "m") i64 0)', "0 pages or more, 64-bit addresses"),
        ('(memory (export "m") 3 (pagesize 1))', "3 pages or more, pages of 1 byte"),
    ],
)
def test_a_memory_is_listed_with_its_kind(text: str, shown: str, at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(f"(module {text})", at)
    assert main(["inspect", "main.wasm"]) == 0
    assert f"  memory   m: {shown}\n" in capsys.readouterr().out


@pytest.mark.parametrize("text", [LIBRARY, IMPORTS_MEMORY, WASI, NOTHING], ids=["library", "memory", "wasi", "nothing"])
def test_the_first_scenario_plays_as_it_is(text: str, at: Path, run: Callable[..., Any]) -> None:
    write(text, at)
    assert main(["new", "scenario", "main.wasm"]) == 0
    assert main(["check", "main.yaml"]) == 0
    played = run(f"--suites={at}/main.yaml", "--runtime=wasmtime", "--runtime=node")
    assert played.status == 0, played.text
    assert {result["outcome"] for result in played.lines("result")} == {"pass"}


@pytest.mark.parametrize("language", ["go", "tinygo"])
def test_a_module_with_glue_is_started_by_it_or_by_its_languages_host(
    language: str, at: Path, run: Callable[..., Any]
) -> None:
    if language == "go":
        module, glue = programs()["shared_buffer"].module("go"), Go().glue()
    else:
        package = find_package("sh_syntax")
        assert package.glue is not None
        module, glue = package.fetch() / package.module, package.fetch() / package.glue
    (at / "main.wasm").write_bytes(module.read_bytes())
    (at / "wasm_exec.js").write_bytes(glue.read_bytes())
    assert main(["new", "scenario", "main.wasm", "--glue", "wasm_exec.js"]) == 0
    played = run(f"--suites={at}/main.yaml", "--runtime=wasmtime", "--runtime=node")
    assert played.status == 0, played.text
    results = played.lines("result")
    assert {(result["runtime"], result["outcome"]) for result in results} == {("wasmtime", "pass"), ("node", "pass")}


def test_without_its_glue_such_a_module_is_the_scenarios_fault(at: Path, run: Callable[..., Any]) -> None:
    (at / "main.wasm").write_bytes(programs()["shared_buffer"].module("go").read_bytes())
    assert main(["new", "scenario", "main.wasm"]) == 0
    assert "# glue: wasm_exec.js" in (at / "main.yaml").read_text("utf-8")
    played = run(f"--suites={at}/main.yaml", "--runtime=wasmtime")
    assert {result["outcome"] for result in played.lines("result")} == {"error"}
    assert "nothing gives the import gojs.runtime.scheduleTimeoutEvent" in played.text


def test_a_file_that_is_there_is_kept(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(NOTHING, at)
    (at / "main.yaml").write_text("mine", "utf-8")
    assert main(["new", "scenario", "main.wasm"]) == 2
    assert capsys.readouterr().err == "linmem: main.yaml is there already: name another with --out, or move it away\n"
    assert (at / "main.yaml").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can't be read: No such file or directory"),
        (b"", "not a module that can be read: it does not start with the magic bytes '\\0asm'"),
        (b"\0asm\x0d\0\1\0", "not a module that can be read: it is not a core module of version 1"),
    ],
)
def test_what_is_no_module_is_told_in_a_line(
    content: bytes | None, message: str, at: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (at / "main.wasm").write_bytes(content)
    assert main(["inspect", "main.wasm"]) == 2
    assert capsys.readouterr().err == f"linmem: main.wasm: {message}\n"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("wat: (module)\nglue: x.js", "'glue' starts the module under 'module', which is missing"),
        ("module: main.wasm\nglue: x.js", "there is no glue 'x.js' beside this file"),
        ("module: main.wasm\nglue: ../x.js", "glue '../x.js' is outside of this file's folder"),
        ("module: main.wasm\nglue: main.js\nwasi: {}", "'wasi' and 'glue' would serve the same imports"),
    ],
)
def test_glue_that_can_not_be_is_told(keys: str, message: str, at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(NOTHING, at)
    (at / "main.js").write_text("", "utf-8")
    (at / "main.yaml").write_text(
        f"title: x\n{keys}\nscenarios:\n  - {{name: a, steps: [{{instantiate: guest}}]}}\n", "utf-8"
    )
    assert main(["check", "main.yaml"]) == 1
    assert message in capsys.readouterr().out


def test_a_first_project_plays_as_it_is(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its suite has the name of one of linmem's: the lists of known defects don't speak of it."""
    assert main(["new", "project"]) == 0
    wrote = [
        "wrote linmem.toml",
        "wrote scenarios/shared_buffer.yaml",
        "wrote scenarios/scenario.schema.json",
        "play it: linmem run",
    ]
    assert capsys.readouterr().out.splitlines() == wrote
    assert main(["check", "scenarios"]) == 0
    assert main(["run", "--runtime", "wasmtime"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"= 5 passed in ", told)
    assert "report: build/linmem/partial/report.html" in told
    assert main(["new", "project"]) == 2
    assert capsys.readouterr().err == "linmem: linmem.toml is there already: name another folder, or move it away\n"


def test_a_first_runtime_answers_and_plays_as_the_one_it_is_a_copy_of(
    at: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "runtime", "my-vm"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "wrote my-vm", "wrote kits", "check it: linmem runtimes check ./my-vm", "play it: linmem run --runtime ./my-vm",
    ]  # fmt: skip
    assert main(["new", "runtime", "other", "--language", "javascript"]) == 0
    assert "kits" not in capsys.readouterr().out
    assert main(["runtimes", "check", "./my-vm"]) == 0
    assert capsys.readouterr().out.startswith("my-vm 50.0.1, ")
    assert main(["run", "--runtime", "./my-vm", "growth.yaml"]) == 0
    assert main(["new", "runtime", "my-vm"]) == 2
    assert capsys.readouterr().err == "linmem: my-vm is there already: name another with --out, or move it away\n"
    assert main(["new", "runtime", "My VM"]) == 2
    assert "'My VM' can't be a runtime's name: " in capsys.readouterr().err


@pytest.mark.parametrize("language", runtime.LANGUAGES)
def test_a_first_runtime_has_no_trace_of_the_name_it_had(language: str, at: Path) -> None:
    assert main(["new", "runtime", "my-vm", "--language", language]) == 0
    manifest = load_manifest(at / "my-vm")
    assert (manifest.name, manifest.default, manifest.also) == ("my-vm", False, ())
    assert {entry.runtime for entry in known.load_all([at / "my-vm" / "known.yaml"])} == {"my-vm"}
    model = runtime.LANGUAGES[language]
    texts = [path.read_text("utf-8") for path in (at / "my-vm").rglob("*") if path.suffix in SOURCES]
    assert sum(text.count('"my-vm"') for text in texts) == 1
    assert not any(re.search(rf'name": "{model}"|Name: "{model}"', text) for text in texts)
