from __future__ import annotations

import os

import pytest
from report_records import header, result

from linmem.report import build as report
from linmem.report import junit, write
from linmem.results import record


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_all_reports_are_written_beside_each_other(records, tmp_path):
    out = tmp_path / "a" / "b"
    built = write.write_all(records.write([result()]), out)
    assert names(out) == sorted([*write.NAMES, "badges"])
    assert names(out / "badges") == ["wasmtime.json", "wasmtime.svg"]
    assert report.load(out / "report.json") == built
    assert (out / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (out / "report.md").read_text(encoding="utf-8").startswith("# wasmtime meets the one requirement.")
    assert (out / "junit.xml").read_text(encoding="utf-8") == junit.render(built)


def test_a_file_that_somebody_else_writes_is_left_alone(records, tmp_path):
    path, mine = records.write([result()]), tmp_path / "junit.xml"
    write.write_all(path, tmp_path, leave=["junit.xml"])
    assert not mine.exists()
    mine.write_text("pytest's own")
    write.write_all(path, tmp_path, leave=["junit.xml"])
    write.remove(tmp_path, write.files(tmp_path, leave=["junit.xml"]))
    assert mine.read_text() == "pytest's own"
    assert names(tmp_path) == ["junit.xml", "out"]
    write.remove(tmp_path, write.files(tmp_path))
    assert names(tmp_path) == ["out"]


def test_badges_of_runtimes_that_were_not_asked_this_time_are_removed(records, tmp_path):
    write.write_all(records.write([result(), result(runtime="node")]), tmp_path)
    (tmp_path / "badges" / "mine.txt").write_text("kept")
    write.write_all(records.write([result(runtime="node")]), tmp_path)
    assert names(tmp_path / "badges") == ["mine.txt", "node.json", "node.svg"]
    write.remove(tmp_path, write.files(tmp_path))
    assert names(tmp_path) == ["badges", "out"]
    assert names(tmp_path / "badges") == ["mine.txt"]


def test_reports_can_be_written_while_a_run_goes(tmp_path):
    path = tmp_path / "record.jsonl"
    with record.RecordWriter(path, header([result()])) as writer:
        assert not write.write_all(path, tmp_path).complete
        writer.write(result())
    assert "This run is incomplete" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_failed_write_leaves_the_older_report_whole(records, tmp_path, monkeypatch):
    write.write_all(records.write([result()]), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}

    def full(source, target):
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write.write_all(records.write([result("other")]), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_an_unusable_record_leaves_the_older_reports(records, tmp_path):
    write.write_all(records.write([result()]), tmp_path)
    before = (tmp_path / "report.json").read_bytes()
    records.path.write_bytes(b"nonsense\n")
    with pytest.raises(record.RecordError):
        write.write_all(records.path, tmp_path)
    assert (tmp_path / "report.json").read_bytes() == before


def test_a_report_can_be_read_by_others(records, tmp_path):
    umask = os.umask(0o022)
    try:
        write.write_all(records.write([result()]), tmp_path)
    finally:
        os.umask(umask)
    assert (tmp_path / "report.html").stat().st_mode & 0o777 == 0o644
