"""The limits that the system sets to processes: a check that met one of them says nothing about its runtime."""

from __future__ import annotations

import re
import resource
from dataclasses import dataclass

from linmem.results.outcome import Result

GIB = 1 << 30


@dataclass(frozen=True)
class Limit:
    """A limit of processes, as ``ulimit`` shows it, and what runtimes and systems say where it is met.

    Runtimes start with ``enough`` of it.
    """

    what: str
    option: str
    number: int
    words: re.Pattern[str]
    enough: int
    size: bool = False

    @property
    def value(self) -> int | None:
        """The limit; None: there is none."""
        soft, _ = resource.getrlimit(self.number)
        return soft if soft != resource.RLIM_INFINITY else None

    def __str__(self) -> str:
        value = self.value
        shown = f"{(value or 0) / GIB:.2g} GiB" if self.size else f"{value:,}"
        return f"the limit for {self.what} ({shown}; ulimit -{self.option})"


_MEMORY = re.compile(
    r"cannot allocate memory|could not allocate|out of memory|not enough memory|unable to grow|failed to grow"
    r"|os error 12\b|insufficient resources|bad_alloc|MemoryError|ENOMEM|failed to (?:reserve|allocate|map)",
    re.IGNORECASE,
)
LIMITS = (
    Limit("address space", "v", resource.RLIMIT_AS, _MEMORY, 64 * GIB, size=True),
    Limit("data", "d", resource.RLIMIT_DATA, _MEMORY, 4 * GIB, size=True),
    Limit(
        "open files",
        "n",
        resource.RLIMIT_NOFILE,
        re.compile(r"too many open files|os error 24\b|EMFILE", re.IGNORECASE),
        256,
    ),
    Limit(
        "processes",
        "u",
        resource.RLIMIT_NPROC,
        re.compile(r"can't start new thread|failed to spawn thread|os error 11\b|EAGAIN", re.IGNORECASE),
        256,
    ),
)


def blame_a_limit(result: Result) -> None:
    """Make an error of a failure or crash in whose words a limit of this process is met, and name the limit."""
    if result.outcome not in ("fail", "crash", "timeout"):
        return
    said = "\n".join((result.message, result.stderr, *(step.raw or "" for step in result.steps)))
    for limit in LIMITS:
        if limit.value is not None and limit.words.search(said):
            result.outcome = "error"
            result.message = f"{result.message}; {limit} is linmem's environment, not the runtime's doing"
            return


def tight() -> str:
    """The limits that can keep a runtime from starting, to be told where one did not start; empty where none is low."""
    low = [str(limit) for limit in LIMITS if limit.value is not None and limit.value < limit.enough]
    return f"; low for a runtime here: {' and '.join(low)}" if low else ""


def narrow() -> str | None:
    """A warning, where processes may have so little address space that runtimes can't reserve their memories."""
    limit = LIMITS[0]
    if limit.value is None:
        return None
    return (
        f"linmem: {limit} is low for runtimes that reserve gigabytes for a memory: checks may end as errors, "
        "and growth may be refused that is granted elsewhere"
    )
