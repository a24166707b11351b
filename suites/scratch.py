"""Folders for what a process of this run leaves on the disk: they go with the process, at the latest in a later run.

They lie in the system's temporary folder and bear the id of the process that made them, so that the next run can tell
and remove what a killed one couldn't.
"""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "linmem-"
TRIES, PAUSE = 40, 0.05  # seconds; a process that has just been killed may still finish what it was writing


def make(purpose: str) -> Path:
    """A new, empty folder that only this user can read. Raises `OSError` where there can be none."""
    sweep()
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-{purpose}-"))


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it; what can't be removed stays."""
    for _ in range(TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(PAUSE)


@functools.cache
def sweep() -> None:
    """Remove what runs that have ended without a chance to do so left behind. Looks once in a process."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*-*"):
        owner = left.name[len(PREFIX) :].partition("-")[0]
        if owner.isdecimal() and not _is_running(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
