"""Temporary folders for the processes of this run. They are removed with the process, at the latest in a later run.

They are in a folder of this process's in the system's temporary folder. The process holds a lock on it while it lives,
so that the next run can find and remove what a killed run left. (Process ids would not do: containers may share the
temporary folder.)
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import itertools
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "linmem-run-"
YOUNG = 60.0  # seconds in which a folder may have been made and not yet locked
TRIES, PAUSE = 40, 0.05  # seconds; a process that has just been killed may still finish what it was writing


_numbers = itertools.count()


def make(purpose: str) -> Path:
    """A new, empty folder that only this user can read. Raises `OSError` where there can be none."""
    try:
        return _made(purpose)
    except FileNotFoundError:  # somebody has cleaned up the temporary folder
        _own.cache_clear()
        return _made(purpose)


def _made(purpose: str) -> Path:
    folder = _own() / f"{purpose}-{next(_numbers)}"
    folder.mkdir(0o700)
    return folder


@functools.cache
def _own() -> Path:
    """The folder of this process, which has all others. It has the one lock: to lock each took longer than all else."""
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = os.open(folder, os.O_RDONLY)  # as long as this process lives
    with contextlib.suppress(OSError):  # a file system without locks: `sweep` gets none there either
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    atexit.register(_leave, folder, os.getpid())
    return folder


def _leave(folder: Path, pid: int) -> None:
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it; what can't be removed stays."""
    for _ in range(TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        time.sleep(PAUSE)


@functools.cache
def sweep() -> None:
    """Remove the folders of this user's runs that were killed; once per process.

    Anybody may put something of such a name into the temporary folder. Only a folder is opened, never a link or a pipe,
    which would be waited for, and only one of this user's is removed.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found = os.fstat(lock)
                if found.st_uid == os.geteuid() and time.time() - found.st_mtime > YOUNG:
                    shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(lock)
