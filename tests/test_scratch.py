from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from linmem import scratch

OLD = 1_000_000_000


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the system's temporary one."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scratch.sweep.cache_clear()
    return tmp_path


def test_what_a_killed_run_left_is_removed(shared: Path) -> None:
    left = shared / f"{scratch.PREFIX}driver-left"
    left.mkdir()
    (left / "file").write_text("left")
    os.utime(left, (OLD, OLD))
    made = scratch.make("test")
    assert not left.exists()
    assert made.stat().st_mode & 0o777 == 0o700
    scratch.remove(made)
    assert not made.exists()


def test_a_folder_that_is_in_use_or_new_stays(shared: Path) -> None:
    made = scratch.make("test")
    os.utime(made, (OLD, OLD))
    new = shared / f"{scratch.PREFIX}new"
    new.mkdir()
    scratch.sweep.cache_clear()
    scratch.sweep()
    assert made.is_dir()
    assert new.is_dir()
    scratch.remove(made)


def test_what_others_put_there_is_not_waited_for(shared: Path) -> None:
    """A pipe without a writer would be waited for, and a link leads elsewhere."""
    pipe, link, elsewhere = shared / f"{scratch.PREFIX}pipe", shared / f"{scratch.PREFIX}link", shared / "elsewhere"
    os.mkfifo(pipe)
    elsewhere.mkdir()
    os.utime(elsewhere, (OLD, OLD))
    link.symlink_to(elsewhere)
    scratch.sweep()
    assert pipe.exists()
    assert elsewhere.is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_another_user_s_folder_stays(shared: Path) -> None:
    left = shared / f"{scratch.PREFIX}driver-left"
    left.mkdir()
    os.utime(left, (OLD, OLD))
    os.chown(left, 12345, 12345)
    scratch.sweep()
    assert left.is_dir()
