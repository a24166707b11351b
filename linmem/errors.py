"""The two errors that a user is meant to see, as one line each, without a traceback."""

from __future__ import annotations

import re

_NOT_THE_POINT = re.compile(r"note: |stack backtrace:|\s*\d+: |\s+at ")  # what Rust prints after the message of a panic


class UserError(Exception):
    """A mistake of the user's. The text says what is wrong, where, and what to do."""


class Unavailable(Exception):
    """A runtime or tool that can't be had on this machine.

    ``reason`` says why in one line; ``remedy`` what the user can do about it, possibly empty.
    """

    def __init__(self, reason: str, remedy: str = "") -> None:
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{reason} ({remedy})" if remedy else reason)


def last_words(stderr: str) -> str:
    """The last line of a process's standard error that says something, or nothing."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not _NOT_THE_POINT.match(line)]
    return lines[-1][:300] if lines else ""
