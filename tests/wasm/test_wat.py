from __future__ import annotations

import os
import subprocess
import sys

import pytest
import wasmtime

from linmem.wasm.wat import WatError, assemble


def cached(cache):
    return sorted(cache.glob("wat/*/*"))


def files(cache):
    return {path for path in cache.rglob("*") if path.is_file()}


def test_a_module_assembles(cache):
    assert assemble("(module)") == b"\0asm\x01\0\0\0"


def test_what_was_assembled_is_read_from_the_cache(cache, monkeypatch):
    module = assemble('(module (memory (export "m") 3))')
    monkeypatch.setattr(wasmtime, "wat2wasm", None)
    assert assemble('(module (memory (export "m") 3))') == module
    with pytest.raises(TypeError):
        assemble('(module (memory (export "m") 4))')


def test_fresh_does_not_look_into_the_cache(cache, monkeypatch):
    assemble("(module)")
    monkeypatch.setattr(wasmtime, "wat2wasm", lambda text: b"\0asm made anew")
    assert assemble("(module)") == b"\0asm\x01\0\0\0"
    assert assemble("(module)", fresh=True) == b"\0asm made anew"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[:20],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: data + b"\0",
        lambda data: b"\0asm\x01\0\0\0",
    ],
)
def test_a_damaged_cache_entry_is_made_again(cache, damage):
    text = '(module (memory (export "m") 3))'
    module = assemble(text)
    (file,) = cached(cache)
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert assemble(text) == module
    assert file.read_bytes() == whole


def test_nothing_but_whole_modules_is_left_in_the_cache(cache):
    assemble("(module)")
    with pytest.raises(WatError):
        assemble("(module")
    assert [file.suffix for file in cached(cache)] == [".sum-wasm"]


def test_nobody_else_can_enter_what_is_made_in_the_cache(cache):
    umask = os.umask(0)
    try:
        assemble("(module)")
    finally:
        os.umask(umask)
    assert {path.stat().st_mode & 0o777 for path in [cache, *cache.rglob("*")] if path.is_dir()} == {0o700}


def test_the_assembler_is_loaded_only_when_needed(cache):
    assemble("(module)")
    script = "import sys; from linmem.wasm.wat import assemble; assemble('(module)'); print('wasmtime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("(module (func unknown))", "unknown operator or unexpected token", 1, 15),
        ("(module\n  (func\n    (local.get 0 1)))", "expected an instruction", 3, 18),
        ("(module (func $a)\n(func $a))", "duplicate func identifier", 2, 7),
        ("(module", "expected ')'", 1, 8),
        ("", "expected at least one module field", 1, 1),
        ("no module", "expected '('", 1, 1),
        ("(module)\n(; \ud800 ;)", "a lone surrogate is not text", 2, 4),
    ],
)
def test_errors_say_what_and_where(cache, text, message, line, column):
    with pytest.raises(WatError) as caught:
        assemble(text)
    error = caught.value
    assert (error.message, error.line, error.column) == (message, line, column)
    assert str(error) == f"{message} (line {line}, column {column})"


@pytest.mark.parametrize(
    "text",
    [
        "(module (memory i64 1))",
        "(module (memory 1) (memory 1))",
        "(module (memory 1 1 shared) (func (drop (i32.atomic.load (i32.const 0)))))",
        "(module (memory 1 (pagesize 1)))",
        "(module (memory $all i64 1 2 shared (pagesize 1)))",
    ],
)
def test_memory_proposals_are_in_the_assemblers_language(cache, text):
    assert assemble(text).startswith(b"\0asm\x01\0\0\0")


def test_an_invalid_module_assembles_all_the_same(cache):
    """Judging it is the runtimes' task."""
    module = assemble("(module (func (i32.add)))")
    with pytest.raises(wasmtime.WasmtimeError):
        wasmtime.Module(wasmtime.Engine(), module)


def test_without_a_cache_that_can_be_written_a_module_assembles_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LINMEM_CACHE", str(tmp_path / "file"))
    assert assemble("(module)") == b"\0asm\1\0\0\0"


def test_on_a_full_disk_it_does_too_and_leaves_nothing(cache):
    import resource
    import signal

    assemble("(module)")
    before, limits = files(cache), resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8, limits[1]))
        assert assemble('(module (memory (export "m") 1))').startswith(b"\0asm")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert files(cache) == before
