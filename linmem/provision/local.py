"""Packages that lie on this machine, such as a runtime under development: where they are, and what is in them.

An environment made of them is used again only while their content is the same, so that a changed build is never taken
for the old one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from packaging.requirements import Requirement

from linmem.errors import Unavailable

# What tools leave beside the sources, and no package is made of. A wrong guess here would test an old build; a folder
# that is missing here costs an installation.
IGNORED = {".git", ".hg", ".svn", "__pycache__"}
MARKS = ("CACHEDIR.TAG", "pyvenv.cfg")  # of a cache folder (cargo's `target`, tools' caches), a virtual environment
BLOCK = 1 << 20


def absolute(requirement: str, folder: Path) -> str:
    """A requirement that names a local file or folder, with its absolute path; any other one as it is.

    Relative paths, such as ``name @ ./build/name.whl``, are relative to `folder`.
    """
    parsed = Requirement(requirement)
    if parsed.url is None or (path := _path(parsed.url)) is None:
        return requirement
    parsed.url = Path(os.path.abspath(folder / path)).as_uri()
    return str(parsed)


def local(requirements: Iterable[str]) -> dict[str, Path]:
    """The packages among `requirements` that are local files or folders, by name."""
    found = ((item.name, _path(item.url or "")) for item in map(Requirement, requirements))
    return {name: path for name, path in found if path is not None}


def content(path: Path) -> str:
    """The SHA-256 of a file, or of the names and contents of the files in a folder, but for what tools leave there.

    Raises `Unavailable` where it can't be read.
    """
    try:
        if path.is_dir():
            return digest((file.relative_to(path).as_posix(), file) for file in files(path))
        return sha256(path)
    except OSError as error:
        raise Unavailable(f"can't read {path}: {error.strerror}", "build it, or correct the requirement") from None


def digest(named: Iterable[tuple[str, Path]]) -> str:
    """The SHA-256 of files' names and contents. Raises `OSError`."""
    found = hashlib.sha256()
    for name, file in named:
        found.update(f"{name}\0{sha256(file)}\n".encode(errors="surrogateescape"))
    return found.hexdigest()


def _path(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(url2pathname(parts.path)) if parts.scheme in ("file", "") and parts.path else None


def files(folder: Path) -> list[Path]:
    """The regular files below a folder, sorted; links are followed to files, not to folders. Raises `OSError`."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=_raise):
        if place != str(folder) and not set(MARKS).isdisjoint(names):
            folders.clear()
            continue
        folders[:] = [name for name in folders if name not in IGNORED]
        found += [path for name in names if (path := Path(place, name)).is_file()]
    return sorted(found)


def _raise(error: OSError) -> None:
    raise error


def sha256(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal. Raises `OSError`."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
