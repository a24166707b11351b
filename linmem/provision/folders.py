"""Folders in the cache that are made once, by one run at a time, and never half.

A folder is finished when its ``ready.json`` is there, which is written last and in one go. A folder without it is what
an interrupted or failed run left: it is wiped and made again. So is one whose files are not as they were made.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import filelock

from linmem import cache
from linmem.cache import subfolder, unusable
from linmem.errors import Unavailable
from linmem.provision import contents
from linmem.provision.uvtool import tell

READY = "ready.json"
SUM = "sha256"  # in it: of the rest
FAILED = "failed.json"  # in a folder that could not be made: why
NOTED = "installed"  # a folder in the cache: hashes of what was installed without a lock; kept for good
WAIT_SECONDS = 1.0  # before another run's lock is worth a message

T = TypeVar("T")


def make_once(
    folder: Path, find: Callable[[], T | None], make: Callable[[], Mapping[str, Any]], waiting: str, *, fresh: bool
) -> T:
    """What `find` finds in the folder. Where it finds nothing, or if `fresh`, `make` fills the empty folder first.

    What `make` returns is kept as ``ready.json``. `waiting` goes to standard error where another run makes the folder.
    Raises `Unavailable`: that of `make`, which is kept for `failure_in`, or one about the cache folder.
    """
    if not fresh and (found := find()) is not None:
        return found
    with _held(subfolder(folder.parent.name) / f"{folder.name}.lock", waiting):
        if not fresh and (found := find()) is not None:  # made while we waited
            return found
        damaged = contents.damage(folder) or (READY if _kept(folder / READY) is None else None)
        if (folder / READY).is_file() and damaged is not None:
            tell(f"{folder / damaged} is not as it was made, so that folder is made anew")
        try:
            _empty(folder)
            try:
                ready = make()
            except Unavailable as failure:
                _empty(folder)
                write(folder / FAILED, {"reason": failure.reason, "remedy": failure.remedy})
                raise
            contents.keep(folder)
            write(folder / READY, {**ready, SUM: _sum(ready)})
        except OSError as error:
            raise unusable(error) from error
    found = find()
    assert found is not None, folder
    return found


def ready_in(folder: Path) -> dict[str, Any] | None:
    """What was kept with a finished folder, if that and all its files are still as they were made."""
    ready = _kept(folder / READY)
    return ready if ready is not None and contents.damage(folder) is None else None


def _kept(marker: Path) -> dict[str, Any] | None:
    """What a ``ready.json`` holds, if its own checksum is right."""
    try:
        ready = json.loads(marker.read_text(encoding="utf-8"))
        found = ready.pop(SUM)
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return ready if found == _sum(ready) else None


def _sum(ready: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(ready, sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def _held(path: Path, message: str) -> Iterator[None]:
    lock = filelock.FileLock(path)
    try:
        try:
            lock.acquire(timeout=WAIT_SECONDS)
        except filelock.Timeout:
            tell(message)
            lock.acquire()
    except OSError as error:
        raise unusable(error) from error
    try:
        yield
    finally:
        lock.release()


def failure_in(folder: Path) -> Unavailable | None:
    """Why the last attempt to make the folder failed; None where there was none, or none failed."""
    try:
        kept = json.loads((folder / FAILED).read_text(encoding="utf-8"))
        return Unavailable(str(kept["reason"]), str(kept["remedy"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def notes_in(place: Path) -> Iterator[Mapping[str, Any]]:
    """The notes of every finished folder in `place`."""
    for marker in sorted(place.glob(f"*/{READY}")):
        ready = _kept(marker)
        if ready is not None and "notes" in ready:
            yield ready["notes"]


def _empty(folder: Path) -> None:
    """Make the folder, or empty it."""
    if folder.is_dir() and not folder.is_symlink():
        (folder / READY).unlink(missing_ok=True)  # first: a removal cut short leaves nothing that looks finished
        shutil.rmtree(folder)
    elif folder.exists() or folder.is_symlink():
        folder.unlink()
    folder.mkdir(cache.PRIVATE)


def write(path: Path, data: Mapping[str, Any]) -> None:
    """Write JSON in one go: a reader sees all of it or nothing."""
    cache.write(path, (json.dumps(data, indent=1) + "\n").encode())
