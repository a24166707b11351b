"""WASI as the runtime itself brings it, preview 1 or the version before: what a scenario says of it.

Nothing of it is served here. (`linmem.guests.wasi` is another thing: the harness's own few functions, for guests whose
language can't go without them.)
"""

from __future__ import annotations

from linmem.scenario import model
from linmem.scenario.limits import Budget
from linmem.scenario.names import import_tables
from linmem.scenario.parts import data
from linmem.scenario.source import Map
from linmem.wasm.types import ModuleTypes

VERSIONS = {"wasi_snapshot_preview1": "preview1", "wasi_unstable": "unstable"}
"""The versions: as modules import them, and as drivers and Node.js name them."""
FOLDER = "/files"  # as guests see the folder with a scenario's files
LONGEST_NAME = 255  # bytes; file systems allow no more
ARGS = ("guest",)  # unless a scenario says otherwise


def build(item: Map, budget: Budget) -> model.Wasi:
    """A scenario's ``wasi`` from its data."""
    given: Map | None = item.get("files")
    files = None if given is None else {name: data(raw, given.where(name), budget) for name, raw in given.items()}
    for name in given or ():
        if len(name.encode()) > LONGEST_NAME:
            raise item["files"].error(f"the name of a file may have {LONGEST_NAME} bytes, found {len(name)}", name)
    return model.Wasi(item.where(), tuple(item.get("args", ARGS)), dict(item.get("env", {})), files)


def check(scenario: model.Scenario) -> None:
    """Raises `SourceError` where something else is to serve what WASI serves."""
    if scenario.wasi is None:
        return
    if scenario.program is not None:
        message = "'wasi' is for guests given by 'wat', 'module' or 'package': a program brings its own host side"
        raise scenario.where.error(message)
    if scenario.guest is not None and scenario.guest.glue is not None:
        raise scenario.where.error("'wasi' and 'glue' would serve the same imports: give one of them")
    for table in import_tables(scenario):
        for name, spec in table.items():
            if name.partition(".")[0] in VERSIONS:
                message = f"'{name}' is given under 'imports', but 'wasi' has the runtime serve it: give one of them"
                raise spec.where.error(message)


def imported(types: ModuleTypes | None) -> str | None:
    """Under which name a module imports WASI, a key of `VERSIONS`; None where it does not.

    A module whose types can't be read may import preview 1. No host API gives one instance two versions: where a module
    imports both, it is the first.
    """
    if types is None:
        return "wasi_snapshot_preview1"
    return next((wanted.module for wanted in types.imports if wanted.module in VERSIONS), None)
