"""A first driver for a runtime: a copy of one of linmem's own under another name, to be played as it is and changed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from linmem import paths
from linmem.errors import UserError

LANGUAGES = {"python": "wasmtime", "javascript": "node", "rust": "wasmi", "go": "wazero", "java": "chicory"}
"""By the language of a runtime's host API, the runtime whose driver is the beginning."""
NAME = re.compile(r"[a-z][a-z0-9_-]*")
KITS = "kits"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "target", "*.pyc")
_ONE_OF_OURS = re.compile(r"^(?:default|also|supported): .*\n", re.M)  # keys of a manifest that are linmem's business


def begin(name: str, language: str, folder: Path) -> Iterator[Path]:
    """Write a runtime's folder, and beside it the kits that its driver uses unless they are there; what was written.

    Raises `UserError` for a name that no runtime can have, and where the folder is there already.
    """
    if not NAME.fullmatch(name):
        raise UserError(f"'{name}' can't be a runtime's name: write lower-case letters, digits, _ and -")
    if folder.exists():
        raise UserError(f"{folder} is there already: name another with --out, or move it away")
    model = LANGUAGES[language]
    shutil.copytree(paths.RUNTIMES / model, folder, ignore=_LEFT_OUT)
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            changed = _renamed(text, model, name)
            path.write_text(_ONE_OF_OURS.sub("", changed) if path.name == "runtime.yaml" else changed, encoding="utf-8")
    yield folder
    kits = folder.parent / KITS
    if not kits.exists():
        shutil.copytree(paths.RUNTIMES / KITS, kits, ignore=_LEFT_OUT)
        yield kits


def _renamed(text: str, old: str, new: str) -> str:
    """A file with the runtime's name changed where it is a manifest's, a list's or the driver's own."""
    text = re.sub(rf"(?m)(^name: |\bruntime: ){old}(?=[@:\s,}}]|$)", rf"\g<1>{new}", text)
    return re.sub(rf"""((?:"name": |\b[Nn]ame: |Description\(|return \[)"){old}(?=")""", rf"\g<1>{new}", text)
