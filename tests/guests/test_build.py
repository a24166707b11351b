from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest

from linmem.errors import UserError
from linmem.guests import lockfile
from linmem.guests.build import select
from linmem.guests.program import programs, read_program

COMMITTED = [target for target in select([]) if target.toolchain.committed]


@pytest.fixture
def no_rust(tmp_path, monkeypatch):
    """A machine without Rust, and a folder that stands first on PATH."""
    first = tmp_path / "bin"
    first.mkdir()
    here = [part for part in os.environ["PATH"].split(os.pathsep) if not (Path(part) / "rustc").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join([str(first), *here]))
    monkeypatch.setenv("RUSTUP_HOME", str(tmp_path / "rustup"))
    return first


@pytest.fixture
def other_rust(no_rust, tmp_path):
    """A Rust of another version than the one that built the modules. It brings its own linker; it builds nothing."""
    root = tmp_path / "root"
    for file in ("lib/rustlib/wasm32-unknown-unknown/lib/libstd-1.rlib", "lib/rustlib/here/bin/rust-lld"):
        (root / file).parent.mkdir(parents=True)
        (root / file).touch()
    script = no_rust / "rustc"
    script.write_text(f"""#!/bin/sh
case "$*" in
  *target-libdir*) echo {root}/lib/rustlib/wasm32-unknown-unknown/lib ;;
  *sysroot*) echo {root} ;;
  -vV) printf 'rustc 9.9.9 (abc 2031-01-01)\nhost: here\nLLVM version: 99\n' ;;
  *) exit 1 ;;
esac
""")
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("target", COMMITTED, ids=str)
def test_the_lock_agrees_with_the_tree(target):
    """A source changed without its module, or a module without its source: linmem guests build --write."""
    assert lockfile.drift(target.program, target.language, lockfile.read_lock()) == []


def test_the_lock_names_no_guest_that_is_gone():
    assert set(lockfile.read_lock()) == {str(target) for target in COMMITTED}


@pytest.mark.slow
@pytest.mark.usefixtures("no_tinygo")
def test_a_program_is_built_again_to_the_same_bytes_in_every_language(fixtures_command):
    """From a copy of the sources in another folder: paths have no part in the bytes. `tox -e fixtures` does them all."""
    done = fixtures_command("build", "shared_buffer")
    assert done.returncode == 0, done.stdout + done.stderr
    told = dict(line[6:].split(": ", 1) for line in done.stdout.splitlines())
    assert list(told) == [str(target) for target in select(["shared_buffer"])]
    assert told.pop("shared_buffer/tinygo").startswith("not built: tinygo not found")
    if "same bytes" not in told["shared_buffer/rust"]:  # which may be another or none on this machine
        assert re.match(r"not (built|compared): ", told.pop("shared_buffer/rust"))
    assert {words[:17] for words in told.values()} == {"same bytes, sha25"}


@pytest.mark.slow
@pytest.mark.usefixtures("no_rust")
def test_a_compiler_that_is_missing_is_told_and_fails_only_where_all_is_asked_for(fixtures_command):
    done = fixtures_command("build", "shared_buffer/rust", "shared_buffer/wat")
    assert done.returncode == 0
    first, second = done.stdout.splitlines()
    assert first.startswith("none  shared_buffer/rust: not built: rustc not found (apt-get install rustc")
    assert second.startswith("ok    shared_buffer/wat: same bytes")
    assert done.stderr == "not checked here, 1 of 2: shared_buffer/rust\n"
    assert fixtures_command("build", "--strict", "shared_buffer/rust").returncode == 1
    assert fixtures_command("build", "--strict", "shared_buffer/wat", "shared_buffer/tinygo").returncode == 0


@pytest.mark.slow
@pytest.mark.usefixtures("other_rust")
def test_another_version_of_a_compiler_is_told_and_not_held_against_the_bytes(fixtures_command):
    done = fixtures_command("build", "shared_buffer/rust")
    assert done.returncode == 0
    assert "none  shared_buffer/rust: not compared: it was built by rustc 1.63.0" in done.stdout
    assert "and here is rustc 9.9.9 (abc 2031-01-01) (LLVM 99)" in done.stdout
    assert fixtures_command("build", "--strict", "shared_buffer/rust").returncode == 1


@pytest.mark.slow
@pytest.mark.usefixtures("no_rust")
def test_a_changed_source_fails_also_where_nothing_can_be_built(tree, fixtures_command):
    source = tree / "fixtures/shared_buffer/rust/shared_buffer.rs"
    source.write_text(source.read_text() + "\n")
    done = fixtures_command("build", "shared_buffer/rust")
    assert done.returncode == 1
    assert "FAIL  shared_buffer/rust: shared_buffer.rs changed since the module was built; not built" in done.stdout


@pytest.mark.slow
def test_a_rust_without_the_target_is_no_compiler_for_guests(no_rust, other_rust, fixtures_command, tmp_path):
    next(tmp_path.glob("root/lib/rustlib/wasm32*/lib/libstd-*")).unlink()
    done = fixtures_command("build", "shared_buffer/rust")
    assert (
        f"no rustc with the target wasm32-unknown-unknown and a linker for it (looked at {other_rust})" in done.stdout
    )


@pytest.mark.slow
def test_a_flipped_byte_is_found(cache, tree, fixtures_command):
    module = tree / "fixtures/shared_buffer/wat/shared_buffer.wasm"
    expected = hashlib.sha256(module.read_bytes()).hexdigest()
    data = bytearray(module.read_bytes())
    data[-1] ^= 1
    module.write_bytes(data)
    done = fixtures_command("build", "shared_buffer/wat")
    assert done.returncode == 1
    assert str(module) in done.stdout
    assert expected in done.stdout
    assert hashlib.sha256(data).hexdigest() in done.stdout


@pytest.mark.slow
def test_a_changed_source_is_found_without_building(cache, tree, fixtures_command):
    source = tree / "fixtures/shared_buffer/go/main.go"
    source.write_text(source.read_text() + "\n")
    (tree / "fixtures/shared_buffer/go/extra.go").write_text("package main\n")
    done = fixtures_command("list")
    assert done.returncode == 0
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("shared_buffer/go")]
    assert "main.go changed since the module was built" in line
    assert "extra.go changed since the module was built" in line
    assert "matches its source" in done.stdout  # the others


@pytest.mark.slow
def test_a_source_that_gives_the_same_module_must_be_recorded_all_the_same(cache, tree, fixtures_command):
    source = tree / "fixtures/shared_buffer/wat/shared_buffer.wat"
    source.write_text(source.read_text() + ";; a comment\n")
    assert "shared_buffer.wat changed" in fixtures_command("build", "shared_buffer/wat").stdout
    assert fixtures_command("build", "--write", "shared_buffer/wat").returncode == 0
    done = fixtures_command("build", "shared_buffer/wat")
    assert (done.returncode, done.stdout[:4]) == (0, "ok  ")


@pytest.mark.slow
def test_a_lost_module_and_a_lost_source(cache, tree, fixtures_command):
    (tree / "fixtures/shared_buffer/wat/shared_buffer.wasm").unlink()
    done = fixtures_command("build", "shared_buffer/wat")
    assert done.returncode == 1
    assert "is missing; its source gives sha256" in done.stdout
    (tree / "fixtures/shared_buffer/go/memory_wasm.s").unlink()
    assert "memory_wasm.s is gone" in fixtures_command("list").stdout


@pytest.mark.slow
def test_a_source_that_does_not_compile(cache, tree, fixtures_command):
    source = tree / "fixtures/shared_buffer/wat/shared_buffer.wat"
    source.write_text("(module\n  (func nonsense))\n")
    done = fixtures_command("build", "shared_buffer/wat")
    assert done.returncode == 1
    assert f"{source}:2:9: unknown operator or unexpected token" in done.stdout
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            ["build", "shared_bufer"],
            "linmem: unknown guest 'shared_bufer' in fixtures; did you mean 'shared_buffer'?",
        ),
        (["build", "shared_buffer/cobol"], "linmem: unknown guest 'shared_buffer/cobol'"),
        ([], "required: COMMAND"),
    ],
)
def test_unusable_input(cache, fixtures_command, args, words):
    done = fixtures_command(*args)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("text", ["shared_buffer/go: 3\n", "[", "a: {toolchain: x, unheard: of}\n"])
def test_an_unreadable_lock(cache, tree, fixtures_command, text):
    (tree / "fixtures/guests.lock.yaml").write_text(text)
    done = fixtures_command("list")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("linmem: ")
    assert "guests.lock.yaml" in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: T\n", "missing required field `about`"),
        (
            "title: T\nabout: A\nexports: {}\nlanguages: {gop: {}}\n",
            "unknown language 'gop' in languages; did you mean 'go'",
        ),
        ("title: T\nabout: A\nexports: {}\nlanguages: {}\nextra: 1\n", "unknown field `extra`"),
        ("title: [\n", "expected node content"),
    ],
)
def test_an_unreadable_program(tmp_path, text, words):
    path = tmp_path / "program.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_program(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_select():
    every = [f"shared_buffer/{language}" for language in programs()["shared_buffer"].languages]
    assert [str(target) for target in select(["shared_buffer"])] == every
    assert {target.program.name for target in select([])} == set(programs())
    assert [str(target) for target in select(["shared_buffer/wat", "shared_buffer/go"])] == [
        "shared_buffer/wat",
        "shared_buffer/go",
    ]
    assert [str(target) for target in select(["shared_buffer", "shared_buffer/wat"])] == every


def test_every_language_has_its_source():
    for program in programs().values():
        for language in program.languages:
            assert lockfile.sources(program.source(language)), f"{program.name}/{language}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("c/shared_buffer.c", "zig cc in .*: shared_buffer.c:LINE:[0-9]+: error: "),
        ("zig/shared_buffer.zig", "zig build-exe in .*: shared_buffer.zig:LINE:[0-9]+: error: "),
        ("rust/shared_buffer.rs", "rustc in .*: shared_buffer.rs:LINE:[0-9]+: error: |rustc not found|no rustc with"),
        ("assemblyscript/shared_buffer.ts", r"asc in .*: shared_buffer.ts\(LINE,1\): ERROR "),
        ("go/main.go", "go build in .*: ./main.go:LINE:1: "),
    ],
)
def test_a_compiler_s_complaint_has_its_place(tree, fixtures_command, file, place):
    source = tree / "fixtures/shared_buffer" / file
    text = source.read_text()
    source.write_text(text + "nonsense;\n")
    done = fixtures_command("build", "--write", f"shared_buffer/{file.partition('/')[0]}")
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert re.search(place.replace("LINE", str(text.count("\n") + 1)), line)
