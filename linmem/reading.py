"""Read files that anybody may have written or named: regular ones only, never blocking, of a limited size."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MAX_TEXT = 1_000_000  # bytes of a file that people write
MAX_MODULE = 64 << 20
MAX_RUN = 1 << 30  # of a record, a report or a baseline


class Unreadable(Exception):
    """The file can't be used; the text says why in one line. ``line`` is where in it, if that is known."""

    def __init__(self, message: str, line: int | None = None, *, missing: bool = False) -> None:
        self.message, self.line, self.missing = message, line, missing
        super().__init__(message)


@contextlib.contextmanager
def opened(path: Path, limit: int) -> Iterator[BinaryIO]:
    """The regular file at `path`, of at most `limit` bytes, to be read. Raises `Unreadable`.

    A pipe or a device is not waited for. Some files, like those in /proc, say that they have no bytes and go on for
    ever: whoever reads must not read more than `limit` either.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unreadable(f"can't be read: {error.strerror}", missing=error.errno == errno.ENOENT) from None
    except ValueError:
        raise Unreadable("can't be read: no file can have such a name") from None
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise Unreadable(f"can't be read: {os.strerror(errno.EISDIR)}")
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("can't be read: it is no regular file")
        if status.st_size > limit:
            raise too_large(limit, f"{status.st_size / 1e6:,.1f} MB")
        with open(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def read_bytes(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes. Raises `Unreadable`."""
    with opened(path, limit) as file:
        try:
            data = file.read(limit + 1)
        except OSError as error:
            raise Unreadable(f"can't be read: {error.strerror}") from None
    if len(data) > limit:
        raise too_large(limit)
    return data


def read_text(path: Path, limit: int) -> str:
    """The same of a file of UTF-8 text."""
    try:
        return read_bytes(path, limit).decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Unreadable(f"is not UTF-8 text, from byte {error.start} on: save it as UTF-8", line) from None


def too_large(limit: int, size: str = "more") -> Unreadable:
    """The error of a file that has more than `limit` bytes."""
    return Unreadable(f"has {size}, but such a file may have {limit / 1e6:,.0f} MB")
