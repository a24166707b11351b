"""Which files are scenario files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ENDINGS = (".yaml", ".yml")
SKIPPED = ("out", "__pycache__")  # and hidden folders: what pytest does not enter either
OTHERS = (Path(__file__).parent.resolve() / "coverage",)  # linmem's own folders with YAML of another sort


def walk(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """The scenario files in a folder and the folders in it. Raises `OSError` where one can't be read."""
    here = folder.resolve()
    if here in above or is_other(here):  # a link may lead back
        return
    for path in folder.iterdir():
        if path.is_dir():
            if path.name not in SKIPPED and not path.name.startswith("."):
                yield from walk(path, above | {here})
        elif path.suffix in ENDINGS:
            yield path


def is_other(path: Path) -> bool:
    """Whether a resolved path is or lies in a folder with YAML of another sort."""
    return any(path == place or place in path.parents for place in OTHERS)
