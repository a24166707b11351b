"""``linmem run``: pytest with linmem's plugin. Every option of pytest works, and it ends with pytest's status."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

CONFIGURATION = Path(__file__).with_name("run.ini")


def main(arguments: Sequence[str]) -> int:
    """Play what the arguments name, or all suites.

    The configuration of the repository it is called in is another program's: neither its options nor its conftest
    files count.
    """
    own = [] if _has(arguments, "-c") else ["-c", str(CONFIGURATION), "--noconftest"]
    root = [] if _has(arguments, "--rootdir") else [f"--rootdir={Path.cwd()}"]
    return int(pytest.main(["-p", "linmem.plugin", *own, *root, *arguments]))


def _has(arguments: Sequence[str], option: str) -> bool:
    return any(word == option or word.startswith(f"{option}=") for word in arguments)
