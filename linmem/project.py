"""The project file: a repository's settings for linmem, so that its command lines stay short.

``linmem.toml``, or the table ``[tool.linmem]`` of ``pyproject.toml``, in the current folder or one above it. Paths in
it are relative to it. What the command line says wins.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from linmem import paths, reading
from linmem.errors import UserError
from linmem.schema import Schema

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SCHEMA = Schema(Path(__file__).with_name("project.schema.json"))
NAME = "linmem.toml"
PYPROJECT = "pyproject.toml"
OUT = Path("reports") / "out"
PARTIAL = "partial"


@dataclass(frozen=True)
class Project:
    """A project's settings. ``folder`` is where its file is; without one, the current folder and nothing set.

    ``step_timeout`` is in seconds; ``limits`` has those of `linmem.drivers.limits.Limits` that the file sets. Paths are
    absolute.
    """

    folder: Path
    file: Path | None = None
    runtimes: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    modules: tuple[Path, ...] = ()
    known: tuple[Path, ...] = ()
    baseline: Path | None = None
    report_dir: Path | None = None
    step_timeout: float | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    keys: frozenset[str] = field(default_factory=frozenset)

    def root(self, otherwise: Path) -> Path:
        """The folder that names of scenario files are relative to: the project file's, or `otherwise` without one."""
        return self.folder if self.file is not None else otherwise

    @property
    def out(self) -> Path:
        """The folder of its reports, relative to the current folder where it is below that."""
        return Path(paths.shown(self.report_dir if self.report_dir is not None else self.folder / OUT))

    @property
    def partial(self) -> Path:
        """The folder of the reports of a run that plays a part only: those of the last whole run stay."""
        return self.out / PARTIAL


def find(start: Path | None = None) -> Project:
    """The project that the folder `start` (the current one) is in. Raises `UserError` for a file that is wrong."""
    return _find((start or Path.cwd()).resolve())


@functools.cache
def _find(here: Path) -> Project:
    for folder in (here, *here.parents):
        own, shared = folder / NAME, folder / PYPROJECT
        if own.is_file():
            return _project(own, _load(own))
        if shared.is_file():
            tools = _load(shared).get("tool")
            table = tools.get("linmem") if isinstance(tools, Mapping) else None
            if table is not None:
                return _project(shared, table)
    return Project(here)


def _load(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = tomllib.loads(reading.read_text(path, reading.MAX_TEXT))
        return found
    except reading.Unreadable as error:
        raise UserError(f"{paths.shown(path)}: {error.message}") from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:  # it has no limits for nesting and digits
        raise UserError(f"{paths.shown(path)}: is not TOML: {error}") from None


def _project(path: Path, table: Any) -> Project:
    for fault in SCHEMA.faults(table, root="the file" if path.name == NAME else "the table"):
        where = "[tool.linmem]: " if path.name == PYPROJECT else ""
        raise UserError(f"{paths.shown(path)}: {where}{fault.message}")
    values = {key.replace("-", "_"): _READ[key](path, value) for key, value in table.items() if key in _READ}
    limits = {key.replace("-", "_"): value for key, value in table.items() if key not in _READ}
    return Project(path.parent, path, keys=frozenset(table), limits=limits, **values)


def _texts(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _runtimes(path: Path, value: Any) -> tuple[str, ...]:
    return tuple(_placed(path, text) if "/" in text.partition("@")[0] else text for text in _texts(value))


def _suites(path: Path, value: Any) -> tuple[str, ...]:
    return tuple(_placed(path, text) for text in _texts(value))


def _placed(path: Path, text: str) -> str:
    """A path in the file, as seen from the current folder, if it leads anywhere; else the text as it is."""
    name, rest = _split(text)
    place = path.parent / name
    if not (place.exists() or name.startswith((".", "/"))):
        return text
    seen = Path(paths.shown(Path(os.path.abspath(place))))
    return f"{seen if seen.is_absolute() else f'./{seen}'}{rest}"


def _split(text: str) -> tuple[str, str]:
    cut = min((index for mark in (":", "@") if (index := text.find(mark)) >= 0), default=len(text))
    return text[:cut], text[cut:]


_READ: Mapping[str, Callable[[Path, Any], Any]] = {
    "runtimes": _runtimes,
    "suites": _suites,
    "modules": lambda path, value: tuple(path.parent / text for text in _texts(value)),
    "known": lambda path, value: tuple(path.parent / text for text in _texts(value)),
    "baseline": lambda path, value: path.parent / value,
    "report-dir": lambda path, value: path.parent / value,
    "step-timeout": lambda path, value: float(value),
}
