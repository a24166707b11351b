"""What the runner needs to know of a guest; `linmem.guests` makes them, as the command line asks.

A *guest* is one module that implements a program's contract (its exports), in one language. Languages whose modules
need a host side of their own bring it in one of two forms:

* a **glue** script of the language's own toolchain, run by a driver that can (Go's ``wasm_exec.js`` in a JavaScript
  driver), or
* a **language host** here, which serves the same imports through the host-function mechanism that scenarios use, so
  that every other driver gets the language without knowing it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class GuestAccess(Protocol):
    """A running instance as a language host sees it, while one of its calls is under way or after."""

    def read(self, at: int, count: int) -> bytes:
        """`count` bytes of the guest's memory from byte address `at`. Raises `HostFault` where the runtime refuses."""
        ...

    def write(self, at: int, data: bytes) -> None:
        """Write `data` into the guest's memory at byte address `at`. Raises `HostFault` where the runtime refuses."""
        ...

    def call(self, export: str, args: Sequence[int]) -> list[int]:
        """Call an exported function with integer arguments; its results as unsigned integers."""
        ...

    def log(self, text: str) -> None:
        """Keep what the guest printed: it is shown with failures, beside the driver's standard error."""
        ...


class HostFault(Exception):
    """A language host can't go on: the guest sees a host exception with this text."""


class LanguageHost(Protocol):
    """The host side of a language, served by the harness. One object per instance, so it may keep state."""

    def provides(self, module: str, name: str) -> bool:
        """Whether it serves the import `module`.`name`."""
        ...

    def call(self, module: str, name: str, args: Sequence[int], guest: GuestAccess) -> Sequence[int]:
        """Serve one call of an import. Integers are unsigned. Raises `HostFault` to throw a host exception."""
        ...

    @property
    def ended(self) -> int | None:
        """The status with which the program has ended, where that came back as if nothing had happened; else None."""
        ...

    def start(self, guest: GuestAccess) -> None:
        """What the language's users do after instantiation (run `main`, `_initialize`, ...)."""
        ...


@dataclass(frozen=True)
class Glue:
    """A language's own JavaScript glue.

    ``kind`` names how it is used (``go``: a script that defines ``globalThis.Go``). ``locate`` finds the script.
    """

    kind: str
    locate: Callable[[], Path]

    @property
    def path(self) -> Path:
        """The script. Asking may provision the toolchain it belongs to: ask when a driver is to run it, not before."""
        return self.locate()


@dataclass(frozen=True)
class Guest:
    """One module that takes part in a program's scenarios.

    ``label`` is the language (or the user's name for the module) and appears in item ids. ``module`` is the file, and
    ``sha256`` its hash when the guest was looked at, in hexadecimal: no other content is played.
    ``host`` makes a fresh language host per instance where a driver can't run ``glue``; where it can, ``fallback``
    serves the imports that the glue lacks (an older module's, under a newer glue).
    """

    program: str
    label: str
    module: Path
    glue: Glue | None = None
    host: Callable[[], LanguageHost] | None = None
    fallback: Callable[[], LanguageHost] | None = None
    toolchain: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class MissingGuest:
    """A guest that can't take part here, with the reason and the remedy the report shows."""

    program: str
    label: str
    reason: str
    remedy: str
