"""Folders in the cache that are made once, by one run at a time, and never half.

A folder is finished when its ``ready.json`` is there, which is written last and in one go. A folder without it is what
an interrupted or failed run left: it is wiped and made anew.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import filelock

from linmem.cache import unusable
from linmem.errors import Unavailable

READY = "ready.json"
FAILED = "failed.json"  # in a folder that could not be made: why
WAIT_SECONDS = 1.0  # before another run's lock is worth a message


@contextlib.contextmanager
def held(path: Path, message: str) -> Iterator[None]:
    """Hold the lock at `path`; `message` goes to standard error where another run must be waited for.

    Raises `Unavailable` where no lock can be made there.
    """
    lock = filelock.FileLock(path)
    try:
        try:
            lock.acquire(timeout=WAIT_SECONDS)
        except filelock.Timeout:
            print(f"linmem: {message}", file=sys.stderr, flush=True)
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
        told = json.loads((folder / FAILED).read_text(encoding="utf-8"))
        return Unavailable(str(told["reason"]), str(told["remedy"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def notes_in(place: Path) -> Iterator[Mapping[str, Any]]:
    """The notes of every finished folder in `place`."""
    for marker in sorted(place.glob(f"*/{READY}")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            yield dict(json.loads(marker.read_text(encoding="utf-8"))["notes"])


def wipe(folder: Path) -> None:
    """Remove the folder, or what stands in its place."""
    if folder.is_dir() and not folder.is_symlink():
        (folder / READY).unlink(missing_ok=True)  # first, so that a wipe cut short leaves nothing that looks finished
        shutil.rmtree(folder)
    elif folder.exists() or folder.is_symlink():
        folder.unlink()


def write(path: Path, data: Mapping[str, Any]) -> None:
    """Write JSON in one go: whoever looks sees all of it or nothing."""
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    os.replace(draft, path)
