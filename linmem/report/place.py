"""The folder of a run's reports: one run at a time has it, and an older run's reports are not lost before it plays."""

from __future__ import annotations

import contextlib
import fcntl
import filecmp
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from linmem import paths
from linmem.errors import UserError
from linmem.report import write
from linmem.report.build import build
from linmem.report.write import RECORD
from linmem.results import record
from linmem.results.record import Record, RecordError, RecordWriter, Run

PREVIOUS = ".previous"  # in the folder: an older run's files, all of them
_DRAFT, _DROPPED = ".previous.draft", ".previous.dropped"  # a copy that is not whole yet, or not any more


class Place:
    """The folder of a run's reports, which the run takes, and gives back if it never comes to play anything.

    While it goes, an older run's reports must not pass for those of one that is killed, and no other run may take it:
    their records would mix. The lock is the system's, on the folder itself: it holds whatever caches the runs have and
    by whatever path they name the folder, and ends with the process. A file system may have no such locks.

    The older run's files are whole in the folder or in `PREVIOUS` at every moment, so that neither Ctrl-C nor a kill
    loses them. Reports that `leave` names are somebody else's: they are not touched.
    """

    def __init__(self, folder: Path, leave: Collection[str] = ()) -> None:
        self.folder, self.leave = folder, leave
        self.previous = folder / PREVIOUS
        self.made = [place for place in (folder, *folder.parents) if not place.exists()]
        self.lock: int | None = None  # a descriptor of the folder, while it is this run's
        self.taken = False

    def take(self, run: Run) -> None:
        """Put reports there that say that this run has not ended. `run` is its first line, with nothing planned yet.

        Raises `UserError` while another run has the folder, and `OSError`. After an error or Ctrl-C, `give_back`
        restores what was there.
        """
        self._lock()
        self.taken = True
        self._put_aside()
        # The pages first: at no moment do older ones stand beside a new record.
        write.write_pages(build(Record(run)), self.folder, self.leave)
        RecordWriter(self.folder / RECORD, run).close()

    def keep(self) -> None:
        """The run has begun its own record: the older files are not needed any more."""
        self._drop_previous()

    def leave_it(self) -> None:
        """Another run may take the folder."""
        lock, self.lock = self.lock, None
        if lock is not None:
            os.close(lock)

    def give_back(self) -> None:
        """Leave the folder as it was. May raise `OSError`; then the older files are whole in `PREVIOUS`."""
        if not self.taken:
            return
        if self.previous.is_dir():  # else nothing has been touched yet
            older = write.files(self.previous)
            _copy(self.previous, self.folder, older)
            write.remove(self.folder, set(write.files(self.folder, self.leave)) - set(older))
            self._drop_previous()
        shutil.rmtree(self.folder / _DRAFT, ignore_errors=True)
        with contextlib.suppress(OSError):  # somebody has put a file there
            for place in self.made:
                place.rmdir()

    def _lock(self) -> None:
        """Make the folder, if need be, and take the lock on it."""
        while self.lock is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not os.path.samestat(os.fstat(self.lock), self.folder.stat()):
                    raise FileNotFoundError
            except BlockingIOError:
                self.leave_it()
                other = "wait for its end, or give this one a folder of its own: --report-dir DIR"
                raise UserError(
                    f"{paths.shown(self.folder)}: another run is writing its reports there; {other}"
                ) from None
            except FileNotFoundError:  # another run has given it back in between, and removed it
                self.leave_it()
            except OSError:
                pass  # a file system without locks

    def _put_aside(self) -> None:
        """Copy the older run's files. Where there is a copy already, a run was killed before it played anything, and
        what it left in the folder is worth nothing.
        """
        for name in (_DRAFT, _DROPPED):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        if self.previous.is_dir():
            if not _has_begun(self.folder / RECORD, self.previous / RECORD):
                return
            self._drop_previous()
        draft = self.folder / _DRAFT
        draft.mkdir()
        _copy(self.folder, draft, write.files(self.folder, self.leave))
        draft.rename(self.previous)

    def _drop_previous(self) -> None:
        dropped = self.folder / _DROPPED
        with contextlib.suppress(FileNotFoundError):
            self.previous.rename(dropped)
        shutil.rmtree(dropped, ignore_errors=True)


def _has_begun(path: Path, older: Path) -> bool:
    """Whether a record is not still the older one, and tells of more than that a run was started."""
    try:
        if older.exists() and filecmp.cmp(path, older, shallow=False):
            return False
        found = record.read(path)
    except (RecordError, OSError):
        return False
    return bool(found.run.planned or found.broken)


def _copy(source: Path, target: Path, names: Collection[Path]) -> None:
    """Put the files of these names into `target` too, each in one step and without a second copy of its bytes where the
    file system can do that.
    """
    for name in names:
        (target / name).parent.mkdir(exist_ok=True)
        draft = target / f".{name.name}.{os.getpid()}.tmp"
        try:
            try:
                os.link(source / name, draft)
            except OSError:
                shutil.copy2(source / name, draft)
            os.replace(draft, target / name)
        finally:
            draft.unlink(missing_ok=True)
