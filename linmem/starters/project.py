"""A first project: a project file and a folder with a scenario, to be played as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from linmem import project
from linmem.errors import UserError
from linmem.scenario import schema

SCENARIOS = "scenarios"
SETTINGS = f"""\
# What 'linmem run' does in this folder and below it. Paths are relative to this file; the command line goes first.
runtimes = ["wasmtime", "wasmer", "node"]
suites = ["{SCENARIOS}"]
report-dir = "build/linmem"
# Failures that are expected: 'linmem known --add' writes them there.
# known = ["known.yaml"]
# Answers as they are today: 'linmem run --record-baseline=baseline.yaml' writes them, and from then on a run fails
# where one has changed.
# baseline = "baseline.yaml"
"""
FIRST = (
    f"{schema.EDITORS}\n"
    + """\
# Play it: linmem run    Check it: linmem check scenarios    Every key: docs/scenario-reference.md
title: A buffer that host and guest share
wat: |
  (module
    (memory (export "memory") 1 2)
    (func $buffer (export "buffer") (result i32) (i32.const 1024))
    (func (export "store") (param i32 i32) (i32.store8 (i32.add (call $buffer) (local.get 0)) (local.get 1)))
    (func (export "load") (param i32) (result i32) (i32.load8_u (i32.add (call $buffer) (local.get 0)))))

observations:
  old-view:
    question: What does a view from before the guest's memory grew read where the guest has written since?
    answers: {24: the new byte, 0: an old byte, undefined: undefined, error: an error}

scenarios:
  - name: Wasm writes 24 at index 0
    steps:
      - {call: buffer, as: buffer}
      - {call: store, args: [0, 24]}
      - {read: u8, at: buffer, expect: 24}

  - name: the host writes 25 at index 1
    steps:
      - {call: buffer, as: buffer}
      - {write: u8, at: buffer + 1, value: 25}
      - {call: load, args: [1], expect: 25}

  - name: a view is used again after the host grew the memory
    each_view: u8  # once with each of the runtime's ways into memory
    steps:
      - {call: buffer, as: buffer}
      - {view: each, as: view}
      - {grow: 1}
      - {call: store, args: [0, 24]}
      - {read: u8, through: view, at: buffer, observe: old-view}
"""
)


def begin(folder: Path) -> Iterator[Path]:
    """Write a project file, a scenario file and its schema for editors; what was written. Raises `UserError` where one
    is there already.
    """
    files = {
        folder / project.NAME: SETTINGS,
        folder / SCENARIOS / "shared_buffer.yaml": FIRST,
        folder / SCENARIOS / schema.COPY: schema.SCHEMA.path.read_text(encoding="utf-8"),
    }
    for path in files:
        if path.exists():
            raise UserError(f"{path} is there already: name another folder, or move it away")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        yield path
