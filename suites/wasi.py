"""WASI preview 1 as the runtime itself brings it: what a scenario says of it, and what a driver is told.

Nothing of it is served here. (`fixtures.wasi` is another thing: the harness's own few functions, for guests whose
language can't go without them.)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suites import model, scratch
from suites.model import Where
from suites.parts import PartBuilder
from suites.wasm_types import ModuleTypes
from suites.yamlsource import Map, SourceError

VERSION = "preview1"  # as drivers name it
MODULE = "wasi_snapshot_preview1"  # as modules import it
FOLDER = "/files"  # as guests see the folder with a scenario's files
ARGS = ("guest",)  # unless a scenario says otherwise


def build(item: Map, parts: PartBuilder) -> model.Wasi:
    """A scenario's ``wasi`` from its data."""
    files = None
    if "files" in item:
        files = {name: parts.data(raw, item["files"].lines[name]) for name, raw in item["files"].items()}
    where = Where(parts.file, item.line)
    return model.Wasi(where, tuple(item.get("args", ARGS)), dict(item.get("env", {})), files)


def check(scenario: model.Scenario) -> None:
    """Raises `SourceError` where something else is to serve what WASI serves."""
    if scenario.wasi is None:
        return
    place = scenario.where.file, scenario.where.line
    if scenario.program is not None:
        message = "'wasi' is for guests given by 'wat' or 'module': a program's languages bring their own host side"
        raise SourceError(*place, message)
    tables = [scenario.imports, *(step.imports for step in scenario.steps if isinstance(step, model.Instantiate))]
    for table in tables:
        for name, spec in table.items():
            if name.startswith(f"{MODULE}."):
                message = f"'{name}' is given under 'imports', but 'wasi' has the runtime serve it: give one of them"
                raise SourceError(spec.where.file, spec.where.line, message)


def concerns(types: ModuleTypes | None) -> bool:
    """Whether a module imports anything of WASI; one whose types can't be read may."""
    return types is None or any(wanted.module == MODULE for wanted in types.imports)


class Provision:
    """What a scenario's guests find, as a driver is told. The folder with the files is made when it is first needed."""

    def __init__(self, wasi: model.Wasi) -> None:
        self.wasi = wasi
        self._folder: Path | None = None

    def params(self) -> Mapping[str, Any]:
        """The parameter ``wasi`` of ``instance.create``. Raises `OSError` where the folder can't be made."""
        preopens = {} if self.wasi.files is None else {FOLDER: self._made(self.wasi.files)}
        return {"args": self.wasi.args, "env": self.wasi.env, "preopens": preopens}

    def _made(self, files: Mapping[str, bytes]) -> str:
        if self._folder is None:
            self._folder = scratch.make("wasi")
            for name, content in files.items():
                (self._folder / name).write_bytes(content)
        return str(self._folder)

    def close(self) -> None:
        """Remove the folder and what guests left in it."""
        if self._folder is not None:
            scratch.remove(self._folder)
            self._folder = None
