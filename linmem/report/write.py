"""Write a run's reports beside each other, each whole or not at all; and what stands there while the run goes."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Collection
from pathlib import Path

import filelock

from linmem import paths
from linmem.cache import subfolder
from linmem.errors import Unavailable, UserError
from linmem.report import badges, html, junit, markdown
from linmem.report import build as report
from linmem.results import record
from linmem.results.atomic import replace
from linmem.results.document import Report, as_json
from linmem.results.record import RecordError, RecordWriter, Run

NAMES = ("report.html", "report.md", "report.json", junit.NAME)
BADGES = "badges"
RECORD = "record.jsonl"
_PREVIOUS = ".previous.jsonl"


def write_all(record_path: Path, out_dir: Path, leave: Collection[str] = ()) -> Report:
    """Build the report on a record and write its files and badges into `out_dir`.

    Files that `leave` names are somebody else's: they are not touched. Raises `linmem.results.record.RecordError` where
    the record can't be used, `OSError` where a file can't be written; a file that was there before then stays as it
    was.
    """
    built = report.build(record.read(record_path))
    write_pages(built, out_dir, leave)
    return built


def write_pages(built: Report, out_dir: Path, leave: Collection[str] = ()) -> None:
    """Write a report's files and badges into `out_dir`, as `write_all` does."""
    out_dir.mkdir(parents=True, exist_ok=True)
    pages = (html.render(built).encode(), markdown.render(built).encode(), as_json(built).encode(), junit.render(built))
    for name, page in zip(NAMES, pages, strict=True):
        if name not in leave:
            replace(out_dir / name, page)
    _write_badges(built, out_dir / BADGES)


def remove(out_dir: Path, leave: Collection[str] = ()) -> None:
    """Remove what `write_all` writes."""
    for name in NAMES:
        if name not in leave:
            (out_dir / name).unlink(missing_ok=True)
    folder = out_dir / BADGES
    for path in _badges_in(folder):
        path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # there is none, or somebody has put a file there
        folder.rmdir()


def _write_badges(built: Report, folder: Path) -> None:
    """Each runtime's badges; those of runtimes that this run did not ask for are removed."""
    folder.mkdir(exist_ok=True)
    written = dict(badges.badges(built))
    for path in _badges_in(folder):
        if path.name not in written:
            path.unlink(missing_ok=True)
    for name, data in written.items():
        replace(folder / name, data)


def _badges_in(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*") if path.suffix in (".json", ".svg")] if folder.is_dir() else []


def _lock(folder: Path) -> filelock.BaseFileLock | None:
    """The lock of a report folder; None where there is no cache folder to keep it in."""
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()
    with contextlib.suppress(Unavailable):
        return filelock.FileLock(subfolder("locks") / f"{name}.lock")
    return None


class Place:
    """The folder of a run's reports, which the run takes, and gives back if it never comes to play anything.

    While it goes, an older run's reports must not pass for those of one that is killed, and no other run may take it:
    their records would mix. The lock is the system's, which forgets it with the process, whatever ends that.

    Reports that `leave` names are somebody else's: they are not touched.
    """

    def __init__(self, folder: Path, leave: Collection[str] = ()) -> None:
        self.record, self.previous = folder / RECORD, folder / _PREVIOUS
        self.folder, self.leave = folder, leave
        self.made = [place for place in (folder, *folder.parents) if not place.exists()]
        self.lock = _lock(folder)

    def take(self, run: Run) -> None:
        """Put reports there that say that this run has not ended. `run` is its first line, with nothing planned yet.

        Raises `UserError` while another run has the folder, and `OSError`.
        """
        if self.lock is not None:
            try:
                self.lock.acquire(blocking=False)
            except filelock.Timeout:
                other = "wait for its end, or give this one a folder of its own: --report-dir DIR"
                raise UserError(
                    f"{paths.shown(self.folder)}: another run is writing its reports there; {other}"
                ) from None
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

    def leave_it(self) -> None:
        """Another run may take the folder."""
        if self.lock is not None:
            self.lock.release()

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
