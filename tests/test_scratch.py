"""Folders of a run: gone when they are no longer needed, and when the run that made them was killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from linmem import scratch

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The temporary folder, which no run has looked through yet."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for cached in (scratch.sweep, scratch._own):
        cached.cache_clear()
    yield tmp_path
    for cached in (scratch.sweep, scratch._own):
        cached.cache_clear()


def test_a_folder_is_new_private_and_can_be_removed(place: Path) -> None:
    one, two = scratch.make("wasi"), scratch.make("wasi")
    assert one != two
    assert one.parent == two.parent
    assert one.parent.parent == place
    assert one.stat().st_mode & 0o077 == one.parent.stat().st_mode & 0o077 == 0
    (one / "sub").mkdir()
    (one / "sub" / "file").write_text("x")
    scratch.remove(one)
    scratch.remove(one)  # once more does no harm
    assert list(one.parent.iterdir()) == [two]


def test_a_folder_is_made_also_where_the_temporary_folder_was_cleaned(place: Path) -> None:
    shutil.rmtree(scratch.make("wasi").parent)
    assert scratch.make("wasi").is_dir()


def test_a_folder_that_is_still_written_to_is_removed(place: Path) -> None:
    folder, done, begun = scratch.make("driver"), threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            if number > 500:
                begun.set()
            try:
                (folder / str(number)).write_text("x")
            except FileNotFoundError:
                return

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait()
    threading.Timer(0.2, done.set).start()
    scratch.remove(folder)
    writer.join()
    assert not folder.exists()


def test_what_a_killed_run_left_is_swept_once(place: Path) -> None:
    code = "from linmem import scratch; print(scratch.make('driver'), flush=True); input()"
    env = {**os.environ, "TMPDIR": str(place)}
    pipe = subprocess.PIPE
    killed, alive = (
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=env, stdin=pipe, stdout=pipe, text=True)
        for _ in range(2)
    )
    with killed, alive:
        assert killed.stdout is not None
        assert alive.stdout is not None
        left, kept = (Path(process.stdout.readline().strip()).parent for process in (killed, alive))
        killed.kill()
        killed.wait()
        young, other = place / "linmem-run-driver-young", place / "linmem-build-x"
        young.mkdir()
        other.mkdir()
        (left / "file").write_text("x")
        for folder in (left, kept, other):
            os.utime(folder, (0, 0))
        own = scratch.make("driver").parent
        assert sorted(place.iterdir()) == sorted([kept, young, other, own])
        os.utime(young, (0, 0))
        scratch.make("driver")  # it has looked before
        assert young.exists()
        alive.communicate("\n")
    assert not kept.exists()


def test_what_others_put_there_is_not_waited_for(place: Path) -> None:
    """A pipe without a writer would be waited for, and a link leads elsewhere."""
    pipe, link, elsewhere = place / f"{scratch.PREFIX}pipe", place / f"{scratch.PREFIX}link", place / "elsewhere"
    os.mkfifo(pipe)
    elsewhere.mkdir()
    os.utime(elsewhere, (0, 0))
    link.symlink_to(elsewhere)
    scratch.sweep()
    assert pipe.exists()
    assert elsewhere.is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_another_user_s_folder_stays(place: Path) -> None:
    left = place / f"{scratch.PREFIX}driver-left"
    left.mkdir()
    os.utime(left, (0, 0))
    os.chown(left, 12345, 12345)
    scratch.sweep()
    assert left.is_dir()
