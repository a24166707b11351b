"""Folders of a run: gone when they are no longer needed, and when the run that made them was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from suites import scratch


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The temporary folder, which no run has looked through yet."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scratch.sweep.cache_clear()
    yield tmp_path
    scratch.sweep.cache_clear()


def test_a_folder_is_new_private_and_can_be_removed(place: Path) -> None:
    one, two = scratch.make("wasi"), scratch.make("wasi")
    assert one != two
    assert one.parent == place
    assert one.stat().st_mode & 0o077 == 0
    (one / "sub").mkdir()
    (one / "sub" / "file").write_text("x")
    scratch.remove(one)
    scratch.remove(one)  # once more does no harm
    assert list(place.iterdir()) == [two]


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
    assert list(place.iterdir()) == []


def test_what_a_killed_run_left_is_swept_once(place: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = [f"linmem-{dead.pid}-driver-x", f"linmem-{os.getpid()}-driver-x", "linmem-build-x", "linmem-99x-driver-x"]
    for name in names:
        (place / name).mkdir()
        (place / name / "file").write_text("x")
    made = scratch.make("driver").name
    assert sorted(path.name for path in place.iterdir()) == sorted([*names[1:], made])
    (place / names[0]).mkdir()
    assert scratch.make("driver").is_dir()
    assert (place / names[0]).exists()
