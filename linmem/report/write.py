"""Write a run's reports beside each other, each whole or not at all; and what stands there while the run goes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from pathlib import Path

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


class Place:
    """The folder of a run's reports, which the run takes, and gives back if it never comes to play anything.

    While it goes, an older run's reports must not pass for those of one that is killed.

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
