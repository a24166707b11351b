"""The folder of a run's reports while the run begins: an older run's must not pass for those of one that is killed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from pathlib import Path

from linmem.report.write import remove, write_all
from linmem.results.record import RecordError, RecordWriter, Run

RECORD = "record.jsonl"
_PREVIOUS = ".previous.jsonl"


class Place:
    """A folder that a run takes, and gives back if it never comes to play anything.

    Reports that `leave` names are somebody else's: they are not touched.
    """

    def __init__(self, folder: Path, leave: Collection[str] = ()) -> None:
        self.record, self.previous = folder / RECORD, folder / _PREVIOUS
        self.folder, self.leave = folder, leave
        self.made = [place for place in (folder, *folder.parents) if not place.exists()]

    def take(self, run: Run) -> None:
        """Put reports there that say that this run has not ended. `run` is its first line, with nothing planned yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        remove(self.folder, self.leave)  # first, so that at no moment older pages stand beside a new record
        if self.record.exists():
            os.replace(self.record, self.previous)
        with RecordWriter(self.record) as writer:
            writer.write(run)
        write_all(self.record, self.folder, self.leave)

    def keep(self) -> None:
        """The run has begun its own record: the older one is not needed any more."""
        self.previous.unlink(missing_ok=True)

    def give_back(self) -> None:
        """Leave the folder as it was."""
        remove(self.folder, self.leave)
        self.record.unlink(missing_ok=True)
        if self.previous.exists():
            os.replace(self.previous, self.record)
            with contextlib.suppress(RecordError):  # it was no use before
                write_all(self.record, self.folder, self.leave)
        with contextlib.suppress(OSError):  # somebody has put a file there
            for place in self.made:
                place.rmdir()
