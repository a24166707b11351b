"""Which lists of known defects a run is held against: a project's own, and one in each runtime's folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from linmem import paths
from linmem.errors import UserError
from linmem.provision.manifest import all_manifests
from linmem.results import known
from linmem.results.known import KnownDefects
from linmem.run.runtimes import Chosen, given


def load_known(runtimes: Iterable[Chosen], further: Iterable[Path]) -> KnownDefects:
    """The known defects of a run: those of the `further` lists, then each runtime's own. Raises `KnownError`."""
    folders = [chosen.manifest.folder for chosen in runtimes]
    return KnownDefects(known.load_all(_lists(further, folders)))


def all_lists(further: Iterable[Path], command: Sequence[str]) -> list[Path]:
    """The lists that a run with this command line was held against."""
    return _lists(further, _folders(command).values())


def of_runtime(name: str, command: Sequence[str]) -> Path:
    """The list in the folder of a runtime that a run with this command line played. Raises `UserError`."""
    folder = _folders(command).get(name)
    if folder is None and paths.IN_CLONE:
        folder = paths.RUNTIMES / name
    if folder is None or not folder.is_dir():
        raise UserError(f"{name} comes with linmem, whose lists are not yours to change: give --known FILE")
    return folder / known.FILE


def _lists(further: Iterable[Path], folders: Iterable[Path]) -> list[Path]:
    every = dict.fromkeys([*(manifest.folder for manifest in all_manifests()), *folders])
    return [*further, *(place for folder in every if (place := folder / known.FILE).is_file())]


def _folders(command: Sequence[str]) -> dict[str, Path]:
    """The folders that runtimes were given as on a command line, by the runtimes' names."""
    folders = [Path(text.rpartition("@")[0] or text) for text in given(command) if "/" in text]
    return {folder.name.partition(":")[0]: folder.parent / folder.name.partition(":")[0] for folder in folders}
