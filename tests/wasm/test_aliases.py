"""Further names for exports: the module is the same otherwise, and plays as a guest of the program it implements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linmem import paths
from linmem.cli import main
from linmem.wasm.aliases import add_names
from linmem.wasm.types import read_types
from linmem.wasm.wat import assemble

MODULE = paths.FIXTURES / "shared_buffer/rust/shared_buffer.wasm"
OTHER = {
    "getWasmMemoryBufferPointer": "get_pointer",
    "storeValueInWasmMemoryBufferIndexZero": "store_value",
    "readWasmMemoryBufferAndReturnIndexOne": "read_value",
    "growByAllocating": "grow_by",
}


def test_names_are_added_and_nothing_else_changes() -> None:
    text = '(module (memory (export "m") 1) (func (export "f") (result i32) i32.const 7) (data (i32.const 0) "x"))'
    data = assemble(text)
    long = "é" * 100  # longer than one byte of LEB128 counts, so that the section's size takes two
    more = add_names(data, {long: "f", "memory": "m", "f": "m"})
    found = {name: (item.kind, item.type, item.limits) for name, item in read_types(more).exports.items()}
    assert list(found) == ["m", "f", long, "memory"]
    assert found[long] == found["f"]
    assert found["memory"] == found["m"]
    assert data[:8] == more[:8]
    assert data[-15:] == more[-15:]
    assert add_names(data, {}) == data
    with pytest.raises(KeyError):
        add_names(assemble("(module)"), {"a": "b"})


def renamed(folder: Path) -> Path:
    """A module of the program with names of its own, as another author would choose them."""
    data = MODULE.read_bytes()
    for name, own in OTHER.items():
        data = data.replace(bytes([len(name)]) + name.encode(), bytes([len(name)]) + own.ljust(len(name), "_").encode())
    (folder / "mine.wasm").write_bytes(data)
    return folder / "mine.wasm"


def test_what_cannot_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module, out = str(renamed(tmp_path)), str(tmp_path / "out.wasm")
    for words, message in (
        (["a=nowhere"], "unknown export 'nowhere'"),
        (["a"], "of the form NAME=EXPORT"),
        (["a=memory", "a=memory"], "is given once"),
    ):
        assert main(["guests", "alias", module, out, *words]) == 2
        assert message in capsys.readouterr().err
    (tmp_path / "text.wasm").write_text("no module")
    assert main(["guests", "alias", str(tmp_path / "text.wasm"), out, "a=b"]) == 2
    assert not Path(out).exists()


@pytest.mark.slow
def test_a_module_with_other_names_is_a_guest_of_the_program(tmp_path: Path, run: Callable[..., Any]) -> None:
    module, out = renamed(tmp_path), tmp_path / "aliased.wasm"
    names = [f"{name}={own.ljust(len(name), '_')}" for name, own in OTHER.items()]
    assert main(["guests", "alias", str(module), str(out), *names]) == 0
    played = run("suites/memory/shared_buffer.yaml", "--runtime=wasmtime", f"--guest=shared_buffer={out}")
    assert played.status == 0, played.text
    results = played.lines("result")
    assert len(results) > 10
    assert {item["guest"] for item in results} == {"aliased"}
    assert {item["outcome"] for item in results} <= {"pass", "unsupported"}
    bare = run(
        "suites/memory/shared_buffer.yaml", "--runtime=wasmtime", f"--guest=shared_buffer={module}", folder="bare"
    )
    assert bare.status == 1
