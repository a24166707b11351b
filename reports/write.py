"""Write a run's reports beside each other, each whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from reports import html, markdown, record, report
from reports.document import Report

NAMES = ("report.html", "report.md", "report.json")


def write_all(record_path: Path, out_dir: Path) -> Report:
    """Build the report on a record and write its HTML, Markdown and JSON files into `out_dir`.

    Raises `reports.record.RecordError` where the record can't be used, `OSError` where a file can't be written; a
    file that was there before then stays as it was.
    """
    built = report.build(record.read(record_path))
    out_dir.mkdir(parents=True, exist_ok=True)
    pages = (html.render(built).encode(), markdown.render(built).encode(), to_json(built))
    for name, page in zip(NAMES, pages, strict=True):
        replace(out_dir / name, page)
    return built


def to_json(built: Report) -> bytes:
    """The report document as `report.json` holds it."""
    return msgspec.json.format(msgspec.json.encode(built), indent=1) + b"\n"


def replace(path: Path, data: bytes) -> None:
    """Put `data` in the place of the file at `path`, in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
