"""How drivers are started."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from linmem import paths

LAUNCHER = str(paths.RUNTIMES / "kits" / "launch.py")


def bound(command: Sequence[str]) -> list[str]:
    """The command line that runs `command` so that it ends when this process does, however that ends."""
    return [sys.executable, "-I", "-S", "-B", LAUNCHER, *command]


def kept(command: Sequence[str], keeper: int) -> list[str]:
    """The command line that runs `command` below a keeper, whose socket to this process has this descriptor."""
    return bound(["--keep", str(keeper), *command])
