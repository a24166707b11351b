"""What a finished folder in the cache holds, so that one that was damaged since is noticed and not used.

``contents.json`` has size, time of the last change, and SHA-256 of each file. A file is read again only if its size or
time is another one, as after a copy of the cache; an unchanged folder costs a look at each file's status.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from linmem import cache
from linmem.provision.local import sha256

NAME = "contents.json"
FORMAT = 2  # part of the names of folders: those that were made in another way are not looked at

File = tuple[int, int, str]  # bytes, nanoseconds, hexadecimal
_DECODER = msgspec.json.Decoder(dict[str, File])


def keep(folder: Path) -> None:
    """Note what the folder holds. Raises `OSError`."""
    found = {}
    for path in _files(folder):
        status = path.lstat()
        found[path.relative_to(folder).as_posix()] = (status.st_size, status.st_ctime_ns, sha256(path))
    cache.write(folder / NAME, msgspec.json.encode(found))


def damage(folder: Path) -> str | None:
    """The first file that is not as it was when `keep` was called, or the list itself; None where all are."""
    try:
        version = (folder / NAME).stat().st_ctime_ns
    except OSError:
        return NAME
    return looked_at(folder, version)


@functools.cache
def looked_at(folder: Path, version: int) -> str | None:
    """What `damage` finds: looked at once in a process, for each version of the list."""
    try:
        known = _DECODER.decode((folder / NAME).read_bytes())
    except (OSError, msgspec.DecodeError):
        return NAME
    moved = False
    for name, (size, changed, digest) in known.items():
        path = folder / name
        try:
            status = path.lstat()
            if status.st_size != size:
                return name
            if status.st_ctime_ns != changed:
                if sha256(path) != digest:
                    return name
                moved, known[name] = True, (size, status.st_ctime_ns, digest)
        except OSError:
            return name
    if moved:
        with contextlib.suppress(OSError):  # a cache that can only be read is looked through each time
            cache.write(folder / NAME, msgspec.json.encode(known))
    return None


def _files(folder: Path) -> Iterator[Path]:
    """The regular files below a folder, without links."""
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                yield path
