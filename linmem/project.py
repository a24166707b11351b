"""The project file: what a repository always wants of linmem, so that its command lines stay short.

``linmem.toml``, or the table ``[tool.linmem]`` of ``pyproject.toml``, in the current folder or one above it. Paths in
it are relative to it. What the command line says wins.
"""

from __future__ import annotations

import difflib
import functools
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from linmem import paths
from linmem.errors import UserError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME = "linmem.toml"
PYPROJECT = "pyproject.toml"
OUT = Path("reports") / "out"
PARTIAL = "partial"


@dataclass(frozen=True)
class Project:
    """A project's settings. ``folder`` is where its file is; without one, the current folder and nothing set.

    ``step_timeout`` is in seconds. Paths are absolute.
    """

    folder: Path
    file: Path | None = None
    runtimes: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    known: tuple[Path, ...] = ()
    baseline: Path | None = None
    report_dir: Path | None = None
    step_timeout: float | None = None
    keys: frozenset[str] = field(default_factory=frozenset)

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
        found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return found
    except OSError as error:
        raise UserError(f"{paths.shown(path)}: can't be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{paths.shown(path)}: is not TOML: {error}") from None


def _project(path: Path, table: Any) -> Project:
    if not isinstance(table, Mapping):
        raise _wrong(path, "'linmem' must be a table")
    values: dict[str, Any] = {}
    for key, value in table.items():
        read = _READ.get(key)
        if read is None:
            near = difflib.get_close_matches(key, _READ, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(_READ)}"
            raise _wrong(path, f"unknown key '{key}'; {hint}")
        values[key.replace("-", "_")] = read(path, key, value)
    return Project(path.parent, path, keys=frozenset(table), **values)


def _texts(path: Path, key: str, value: Any) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) and item for item in items):
        raise _wrong(path, f"'{key}' must be a text or a list of texts")
    return tuple(items)


def _runtimes(path: Path, key: str, value: Any) -> tuple[str, ...]:
    return tuple(_placed(path, text) if "/" in text.partition("@")[0] else text for text in _texts(path, key, value))


def _suites(path: Path, key: str, value: Any) -> tuple[str, ...]:
    return tuple(_placed(path, text) for text in _texts(path, key, value))


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


def _paths(path: Path, key: str, value: Any) -> tuple[Path, ...]:
    return tuple(path.parent / text for text in _texts(path, key, value))


def _path(path: Path, key: str, value: Any) -> Path:
    if not isinstance(value, str) or not value:
        raise _wrong(path, f"'{key}' must be the path of one file or folder")
    return path.parent / value


def _seconds(path: Path, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise _wrong(path, f"'{key}' must be a number of seconds, more than 0")
    return float(value)


_READ: Mapping[str, Callable[[Path, str, Any], Any]] = {
    "runtimes": _runtimes,
    "suites": _suites,
    "known": _paths,
    "baseline": _path,
    "report-dir": _path,
    "step-timeout": _seconds,
}


def _wrong(path: Path, message: str) -> UserError:
    where = "[tool.linmem]: " if path.name == PYPROJECT else ""
    return UserError(f"{paths.shown(path)}: {where}{message}")
