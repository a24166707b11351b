"""Write a run's reports beside each other, each whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from linmem.report import badges, html, junit, markdown
from linmem.report import build as report
from linmem.results import record
from linmem.results.atomic import replace
from linmem.results.document import Report, as_json

NAMES = ("report.html", "report.md", "report.json", junit.NAME)
BADGES = "badges"
RECORD = "record.jsonl"


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
    renderers: tuple[Callable[[Report], str], ...] = (html.render, markdown.render, as_json, junit.render)
    for name, render in zip(NAMES, renderers, strict=True):  # one after another: each takes much memory
        if name not in leave:
            replace(out_dir / name, render(built).encode())
    _write_badges(built, out_dir / BADGES)


def files(out_dir: Path, leave: Collection[str] = ()) -> list[Path]:
    """What `write_all` has written there, and the record: relative paths."""
    found = [Path(name) for name in (RECORD, *NAMES) if name not in leave and (out_dir / name).is_file()]
    return found + [path.relative_to(out_dir) for path in _badges_in(out_dir / BADGES)]


def remove(out_dir: Path, names: Iterable[Path]) -> None:
    """Remove these of the `files` of a folder, and the badges' folder if it is empty then."""
    for name in names:
        (out_dir / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # there is none, it holds more, or somebody has put a file there
        (out_dir / BADGES).rmdir()


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
