"""Temporary folders for the processes of this run. They are removed with the process, at the latest in a later run.

They are in the system's temporary folder. The process that made one holds a lock on it while it lives, so that the next
run can find and remove what a killed run left. (Process ids would not do: containers may share the folder.)
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "linmem-run-"
YOUNG = 60.0  # seconds in which a folder may have been made and not yet locked
TRIES, PAUSE = 40, 0.05  # seconds; a process that has just been killed may still finish what it was writing


_locks: dict[Path, int] = {}


def make(purpose: str) -> Path:
    """A new, empty folder that only this user can read. Raises `OSError` where there can be none."""
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{purpose}-"))
    _locks[folder] = os.open(folder, os.O_RDONLY)
    with contextlib.suppress(OSError):  # a file system without locks: `sweep` gets none there either
        fcntl.flock(_locks[folder], fcntl.LOCK_EX | fcntl.LOCK_NB)
    return folder


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it; what can't be removed stays."""
    lock = _locks.pop(folder, None)
    for _ in range(TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        time.sleep(PAUSE)
    if lock is not None:
        os.close(lock)


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
