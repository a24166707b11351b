"""Which files are scenario files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from linmem import paths, project
from linmem.errors import UserError
from linmem.text import printable

ENDINGS = (".yaml", ".yml")
SKIPPED = ("out", "__pycache__")  # and hidden folders: what pytest does not enter either


def walk(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """The scenario files in a folder and the folders in it. Raises `OSError` where one can't be read."""
    here = folder.resolve()
    if here in above:  # a link may lead back
        return
    for path in folder.iterdir():
        if path.is_dir():
            if path.name not in SKIPPED and not path.name.startswith("."):
                yield from walk(path, above | {here})
        elif path.suffix in ENDINGS:
            yield path


def is_own(path: Path) -> bool:
    """Whether a resolved path is linmem's suites or lies in them."""
    return path == paths.SUITES or paths.SUITES in path.parents


def find(name: str) -> Path:
    """The file or folder that a user names: a path, from the current folder or the project's, or one of linmem's own
    from anywhere, by its id or its name (``suites/memory/growth.yaml``, ``memory``, ``growth.yaml``; ``suites`` is
    all). Where there is none, `name` as a path.
    """
    given, inside = Path(name), Path(f"{name.rstrip('/')}/".removeprefix("suites/"))
    if given.exists() or inside.is_absolute():
        return given
    if (placed := project.find().folder / given).exists():
        return placed
    if (paths.SUITES / inside).exists():
        return paths.SUITES / inside
    by_name = paths.SUITES.glob(f"*/{name}") if len(given.parts) == 1 and given.suffix in ENDINGS else ()
    return next(iter(sorted(by_name)), given)


def name_of(path: Path, root: Path) -> str:
    """How ids and reports name the scenario file at `path`: one of linmem's own ``suites/…`` wherever it is installed,
    another one relative to `root`, what can't be shown of it escaped. Raises `UserError` where both would have the same
    name.
    """
    if is_own(path):
        return (Path("suites") / path.relative_to(paths.SUITES)).as_posix()
    name = printable(Path(os.path.relpath(path, root)).as_posix())
    if name.startswith("suites/") and (paths.SUITES / name.removeprefix("suites/")).is_file():
        raise UserError(f"{paths.shown(path)}: linmem has a suite of the same name: rename the file or its folder")
    return name


def file_of(name: str, root: Path) -> Path:
    """The scenario file of that name, the other way round."""
    own = paths.SUITES / name.removeprefix("suites/")
    return own if name.startswith("suites/") and own.exists() else root / name
