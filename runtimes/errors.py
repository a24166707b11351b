"""The two errors that a user is meant to see, as one line each, without a traceback."""

from __future__ import annotations


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
