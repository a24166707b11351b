from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from linmem.reading import Unreadable, read_bytes, read_text


def fault(path: Path, limit: int = 100) -> str:
    with pytest.raises(Unreadable) as caught:
        read_text(path, limit)
    return str(caught.value)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 << 30)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (os.mkfifo, "it is no regular file"),
        (Path.mkdir, "Is a directory"),
        (_socket, "can't be read: "),
        (_sparse, "has 3,221.2 MB, but such a file may have 0 MB"),
        (lambda path: path.symlink_to("/dev/zero"), "it is no regular file"),
        (lambda path: path.symlink_to(path.name), "can't be read: "),
        (lambda path: None, "can't be read: No such file or directory"),
    ],
)
def test_what_is_not_read(make: Callable[[Path], object], words: str, tmp_path: Path) -> None:
    path = tmp_path / "f"
    make(path)
    assert words in fault(path)


@pytest.mark.parametrize(("name", "words"), [("a\0b", "no file can have such a name"), ("x" * 5000, "too long")])
def test_names_that_no_file_has(name: str, words: str, tmp_path: Path) -> None:
    assert words in fault(tmp_path / name)


def test_a_file_without_a_size_is_limited_too() -> None:
    """Those in /proc say that they have no bytes."""
    assert Path("/proc/self/maps").stat().st_size == 0
    assert fault(Path("/proc/self/maps"), 10).startswith("has more, but such a file may have")


def test_text_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"one\r\ntw\xff")
    assert read_bytes(path, 8) == b"one\r\ntw\xff"
    with pytest.raises(Unreadable) as caught:
        read_text(path, 8)
    assert (caught.value.line, caught.value.message[:38]) == (2, "is not UTF-8 text, from byte 7 on: sav")
