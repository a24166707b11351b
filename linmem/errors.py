"""The two errors that a user is meant to see, as one line each, without a traceback, and words for them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from linmem.text import printable

COMPARED = 500  # names that are looked through, and characters of one
_NOT_THE_POINT = re.compile(r"note: |stack backtrace:|\s*\d+: |\s+at ")  # what Rust prints after the message of a panic


class UserError(Exception):
    """A mistake of the user's. The text says what is wrong, where, and what to do; it is fit to be shown."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))


class Unavailable(Exception):
    """A runtime or tool that can't be had on this machine.

    ``reason`` says why in one line; ``remedy`` what the user can do about it, possibly empty.
    """

    def __init__(self, reason: str, remedy: str = "") -> None:
        self.reason, self.remedy = printable(reason), printable(remedy)
        super().__init__(f"{self.reason} ({self.remedy})" if remedy else self.reason)


def similar(found: str, known: Iterable[str]) -> str:
    """What to say of a name that is not known: the nearest known one, or nothing where none is near."""
    near = difflib.get_close_matches(found, list(known)[:COMPARED], 1) if len(found) <= COMPARED else []
    return f"did you mean '{near[0]}'?" if near else ""


def nearest(found: str, known: Iterable[str]) -> str:
    """What to say of a name that is not known: the nearest known one, else all there are."""
    known = list(known)
    if near := similar(found, known):
        return near
    more = f" and {len(known) - COMPARED:,} more" if len(known) > COMPARED else ""
    return f"known: {', '.join(known[:COMPARED])}{more}" if known else "there is none"


def unknown(what: str, found: str, known: Iterable[str], place: str) -> str:
    """One line for a name that is not known in some place."""
    return f"unknown {what} '{found}' in {place}; {nearest(found, known)}"


def last_words(stderr: str) -> str:
    """The last line of a process's standard error that says something, or nothing."""
    said = (line.strip() for line in stderr.splitlines() if not _NOT_THE_POINT.match(line))
    lines = [line for line in said if any(map(str.isalnum, line))]
    return lines[-1][:300] if lines else ""
