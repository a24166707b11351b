"""Where linmem's own data is, and how paths are shown: the folders that hold suites, runtimes, guests and baselines.

In a clone they stand beside this package, in an installed wheel inside it. No other module knows which.
"""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "data"

IN_CLONE = not _INSTALLED.is_dir()
ROOT = _PACKAGE.parent if IN_CLONE else _INSTALLED
"""The folder that holds the four below: a clone's root, or the wheel's package data."""
SUITES = ROOT / "suites"
RUNTIMES = ROOT / "runtimes"
FIXTURES = ROOT / "fixtures"
REPORTS = ROOT / "reports"


def shown(path: Path) -> str:
    """A path for people: relative to the current folder where it lies in it, else as it is given.

    What is installed with linmem is named as in a clone, ``runtimes/node/known.yaml``: nobody looks for it elsewhere.
    """
    if not IN_CLONE and path.resolve().is_relative_to(ROOT):
        return path.resolve().relative_to(ROOT).as_posix()
    relative = Path(os.path.relpath(path))
    return str(path if ".." in relative.parts else relative)
