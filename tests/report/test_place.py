"""The folder of a run's reports: who has it, and that no older report is lost."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from report_records import header, result

from linmem.errors import UserError
from linmem.report import html, place, write
from linmem.report.place import PREVIOUS, Place
from linmem.results import atomic, record
from linmem.results.record import Run

FILES = {module.__file__ for module in (place, write, record, atomic)}


def begun(*results) -> Run:
    return msgspec.convert(header(list(results)), Run)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def quick(monkeypatch):
    """Pages that are drawn in no time."""
    monkeypatch.setattr(html, "render", lambda report: f"complete: {report.complete}")


@pytest.fixture
def older(records) -> Path:
    """A folder with the reports of a run, and a file of the user's."""
    folder = records.path.parent
    write.write_all(records.write([result()]), folder)
    (folder / "mine.txt").write_text("mine")
    return folder


def test_two_runs_do_not_share_a_folder(tmp_path):
    first, second = Place(tmp_path / "out"), Place(tmp_path / "out")
    first.take(begun())
    before = content(tmp_path)
    with pytest.raises(UserError) as caught:
        second.take(begun())
    assert str(caught.value).endswith(
        "out: another run is writing its reports there; "
        "wait for its end, or give this one a folder of its own: --report-dir DIR"
    )
    second.give_back()
    assert content(tmp_path) == before
    Place(tmp_path / "other").take(begun())
    first.leave_it()
    second.take(begun())
    second.leave_it()


def test_nor_do_runs_with_different_caches_and_names_for_it(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    first = Place(folder)
    first.take(begun())
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.setenv("LINMEM_CACHE", str(tmp_path / "another cache"))
    for name in (folder, tmp_path / "link", folder / ".." / "out"):
        with pytest.raises(UserError, match="another run is writing its reports there"):
            Place(name).take(begun())
    first.leave_it()
    second = Place(folder)
    second.take(begun())
    second.give_back()
    second.leave_it()


def test_a_folder_that_another_run_removes_in_between_is_made_again(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    lock, removed = fcntl.flock, []

    def too_late(descriptor, operation):
        lock(descriptor, operation)
        if not removed:
            removed.append(folder.rmdir())

    monkeypatch.setattr(fcntl, "flock", too_late)
    first = Place(folder)
    first.take(begun())
    monkeypatch.setattr(fcntl, "flock", lock)
    assert removed == [None]
    with pytest.raises(UserError, match="another run"):
        Place(folder).take(begun())
    first.leave_it()


def test_an_older_report_does_not_pass_for_that_of_the_run_that_goes(older):
    taken = Place(older)
    taken.take(begun())
    assert "This run is incomplete" in (older / "report.html").read_text(encoding="utf-8")
    assert record.read(older / write.RECORD).results == []
    taken.keep()
    assert not (older / PREVIOUS).exists()
    taken.leave_it()


def test_a_run_that_plays_nothing_leaves_no_trace(older, tmp_path):
    before = content(older)
    taken = Place(older)
    taken.take(begun())
    taken.give_back()
    assert content(older) == before
    taken.leave_it()
    nowhere = Place(tmp_path / "new" / "deep")
    nowhere.take(begun())
    nowhere.give_back()
    nowhere.leave_it()
    assert not (tmp_path / "new").exists()


def test_reports_that_this_version_can_not_read_are_given_back_too(older):
    (older / write.RECORD).write_text('{"type":"run","format":0}\n')
    before = content(older)
    taken = Place(older)
    taken.take(begun())
    taken.give_back()
    assert content(older) == before
    taken.leave_it()


class Interrupted(BaseException):
    """Stands for Ctrl-C, or for the end of the process."""


class Stopping:
    """Raises `Interrupted` when so many lines of the code that moves files have run."""

    def __init__(self, lines: int) -> None:
        self.left = lines

    def __enter__(self) -> None:
        self.before = sys.gettrace()
        sys.settrace(self.call)

    def __exit__(self, *error: object) -> None:
        sys.settrace(self.before)

    def call(self, frame, event, argument):
        return self.line if frame.f_code.co_filename in FILES else None

    def line(self, frame, event, argument):
        if event == "line":
            self.left -= 1
            if self.left == 0:
                raise Interrupted
        return self.line


def stopped_takes(folder: Path) -> Iterator[Place]:
    """`Place.take`, stopped before its first line, its second line, and so on."""
    lines = 1
    while True:
        taken = Place(folder)
        try:
            with Stopping(lines):
                taken.take(begun())
        except Interrupted:
            yield taken
        else:
            taken.give_back()
            taken.leave_it()
            break
        lines += 1
    assert lines > 50  # else nothing has been tried


@pytest.mark.usefixtures("quick")
def test_ctrl_c_at_any_line_does_not_lose_the_older_report(older):
    before = content(older)
    for taken in stopped_takes(older):
        taken.give_back()
        taken.leave_it()
        assert content(older) == before


@pytest.mark.usefixtures("quick")
def test_a_second_ctrl_c_does_not_lose_it_either(older):
    before, lines, ended = content(older), 1, False
    while not ended:
        taken = Place(older)
        taken.take(begun())
        try:
            with Stopping(lines):
                taken.give_back()
            ended = True
        except Interrupted:
            ours = {name: data for name, data in before.items() if name != "mine.txt"}
            assert before.items() <= content(older).items() or content(older / PREVIOUS) == ours
        taken.leave_it()
        again = Place(older)
        again.take(begun())
        again.give_back()
        again.leave_it()
        assert content(older) == before
        lines += 1
    assert lines > 20


@pytest.mark.usefixtures("quick")
def test_a_kill_at_any_line_leaves_the_older_report_whole_and_the_next_run_gives_it_back(older):
    before = content(older)
    for killed in stopped_takes(older):
        killed.leave_it()  # as the system does when the process is gone
        ours = {name: data for name, data in before.items() if name != "mine.txt"}
        assert before.items() <= content(older).items() or content(older / PREVIOUS) == ours
        following = Place(older)
        following.take(begun())
        following.give_back()
        following.leave_it()
        assert {name for name in content(older) if not name.endswith(".tmp")} == set(before)
        assert before.items() <= content(older).items()


def test_a_run_that_was_killed_after_it_had_begun_has_the_newer_report(older):
    killed = Place(older)
    killed.take(begun())
    record.RecordWriter(older / write.RECORD, begun(result("newer"))).close()
    killed.leave_it()  # before `keep`
    before = (older / write.RECORD).read_bytes()
    following = Place(older)
    following.take(begun())
    following.give_back()
    following.leave_it()
    assert (older / write.RECORD).read_bytes() == before


def test_without_hard_links_files_are_copied(older, monkeypatch):
    def refused(source, target):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    before = content(older)
    taken = Place(older)
    taken.take(begun())
    taken.give_back()
    taken.leave_it()
    assert content(older) == before
