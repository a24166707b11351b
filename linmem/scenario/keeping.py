"""Suites that were loaded before, kept in the cache: to check a scenario file takes twenty times as long as to read the
typed scenarios that were made of it.

What is kept is known by the file's content and by the code that made it. A suite that names other files is not kept:
these are looked at anew each time.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import pickle
import sys
from pathlib import Path

from linmem import cache
from linmem.errors import Unavailable
from linmem.scenario.model import Suite

_FOLDER = "scenarios"
_CODE = Path(__file__).parents[1]
_MADE_BY = (".", "scenario", "wasm")  # the parts of linmem that a loaded suite depends on


@functools.cache
def _code() -> bytes:
    """A digest of the code that makes suites of text."""
    digest = hashlib.sha256(sys.version.encode())
    for part in _MADE_BY:
        for path in sorted((_CODE / part).glob("*.*")):
            digest.update(path.read_bytes())
    return digest.digest()


def _key(text: str, shown: str) -> bytes:
    return hashlib.sha256(_code() + hashlib.sha256(shown.encode()).digest() + text.encode()).digest()


def _place(shown: str) -> Path:
    """Where a suite of that name is kept; the next content takes the place of this one. Raises `Unavailable`."""
    name = hashlib.sha256(f"{_CODE}\0{sys.implementation.cache_tag}\0{shown}".encode()).hexdigest()
    return cache.subfolder(_FOLDER) / f"{name[:32]}.sum-pickle"


def look_up(text: str, shown: str) -> Suite | None:
    """The suite that was made of a file with this text and this name, if it was kept."""
    try:
        found = cache.read_summed(_place(shown))
    except Unavailable:
        return None
    key = _key(text, shown)
    if found is None or not found.startswith(key):
        return None
    suite: Suite = pickle.loads(found[len(key) :])  # from a folder whose content is run, too
    return suite


def keep(suite: Suite, text: str) -> None:
    """Keep a suite that was made of this text, where there is a cache that can be written."""
    with contextlib.suppress(Unavailable, OSError):
        data = pickle.dumps(suite, pickle.HIGHEST_PROTOCOL)
        cache.write_summed(_place(suite.path), _key(text, suite.path) + data)
