"""What each committed module was built from: ``guests.lock.yaml``."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import yaml

from linmem import paths
from linmem.guests.program import Program, read_yaml

LOCK = paths.FIXTURES / "guests.lock.yaml"
_HEADER = """\
# What the built guests were made from. Written by `linmem guests build --write`: don't edit.
# `linmem guests build` rebuilds them from source and compares every byte.
"""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One module: its toolchain and version, the command that built it, its sources' and its own SHA-256."""

    toolchain: str
    command: str
    sources: dict[str, str]
    sha256: str


Lock = dict[str, Entry]


def read_lock(path: Path = LOCK) -> Lock:
    """The lock, by ``program/language``; empty if there is none yet. Raises `UserError`."""
    if not path.exists():
        return {}
    return read_yaml(path, Lock, "; write it again: linmem guests build --write")


def write_lock(lock: Lock, path: Path = LOCK) -> None:
    """Write the lock, its entries in order of their names."""
    data = {name: msgspec.to_builtins(entry) for name, entry in sorted(lock.items())}
    text = yaml.safe_dump(data, sort_keys=False, width=110)
    path.write_text(_HEADER + text, encoding="utf-8", newline="\n")


def sources(folder: Path) -> dict[str, str]:
    """The SHA-256 of every source file below `folder`, by path: all but built modules and hidden files."""
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".wasm" and not path.name.startswith(".")
    }


def sha256(data: bytes) -> str:
    """The SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def drift(program: Program, language: str, lock: Lock) -> list[str]:
    """How a committed module, its source and the lock disagree, if they do. Builds nothing."""
    entry = lock.get(f"{program.name}/{language}")
    if entry is None:
        return ["it is not in guests.lock.yaml"]
    module = program.module(language)
    if not module.exists():
        return [f"{module.name} is missing"]
    now = sources(program.source(language))
    faults = [f"{name} changed since the module was built" for name in now if entry.sources.get(name) != now[name]]
    faults += [f"{name} is gone since the module was built" for name in entry.sources if name not in now]
    if sha256(module.read_bytes()) != entry.sha256:
        faults.append(f"{module.name} is not the module that guests.lock.yaml names")
    return faults
