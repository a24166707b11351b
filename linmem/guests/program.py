"""Programs: one contract each, in several languages, described by ``fixtures/<name>/program.yaml``."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from linmem import paths
from linmem.errors import UserError, unknown
from linmem.guests.toolchains import TOOLCHAINS
from linmem.scenario.source import LOADER

FILE = "program.yaml"
T = TypeVar("T")


class FunctionContract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A function that every implementation exports or imports: its parameter and result types, and what it does."""

    about: str
    params: tuple[str, ...] = ()
    results: tuple[str, ...] = ()


class Implementation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An implementation. ``memory`` is the name under which its compiler exports the memory."""

    memory: str = "memory"


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A guest program's contract. ``languages`` are the folders beside it, in the order they are reported.

    ``imports`` are functions that scenarios must give, by ``module.name``; what a language needs besides is left out.
    ``maximum`` is what every module declares as its memory's maximum, in pages; None: each language chooses.
    """

    title: str
    about: str
    exports: dict[str, FunctionContract]
    languages: dict[str, Implementation]
    imports: dict[str, FunctionContract] = {}
    maximum: int | None = None
    name: str = ""

    def source(self, language: str) -> Path:
        """The folder that holds this program in `language`."""
        return paths.FIXTURES / self.name / language

    def module(self, language: str) -> Path:
        """Where the built module is committed, for the languages whose toolchain anyone can have."""
        return self.source(language) / f"{self.name}.wasm"


@functools.cache
def programs() -> dict[str, Program]:
    """Every program there is, by name. Raises `UserError` for a description that can't be read."""
    return {path.parent.name: read_program(path) for path in sorted(paths.FIXTURES.glob(f"*/{FILE}"))}


def find_program(name: str) -> Program:
    """The program of this name. Raises `UserError`, with the nearest name there is."""
    try:
        return programs()[name]
    except KeyError:
        raise UserError(unknown("program", name, sorted(programs()), paths.FIXTURES.name)) from None


def read_program(path: Path) -> Program:
    """Read one ``program.yaml``. Raises `UserError` naming the file."""
    program = read_yaml(path, Program)
    for language in program.languages:
        if language not in TOOLCHAINS:
            raise UserError(f"{path}: {unknown('language', language, sorted(TOOLCHAINS), 'languages')}")
    return msgspec.structs.replace(program, name=path.parent.name)


def read_yaml(path: Path, kind: type[T], advice: str = "") -> T:
    """A YAML file's content as a value of type `kind`. Raises `UserError` naming the file, with `advice` at its end."""
    try:
        return msgspec.convert(yaml.load(path.read_text(encoding="utf-8"), LOADER) or {}, kind)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}{advice}") from None
