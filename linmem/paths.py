"""Where linmem's own data is: the folders that hold suites, runtimes, guests and baselines.

In a clone they stand beside this package, in an installed wheel inside it. No other module knows which.
"""

from __future__ import annotations

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
