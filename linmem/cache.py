"""Where linmem keeps what it can make again: environments and compiled modules.

``LINMEM_CACHE`` names the folder; without it, the user's cache folder of this platform is taken. Deleting it
is always safe while nothing runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from pathlib import Path

import platformdirs

from linmem.errors import Unavailable

VARIABLE = "LINMEM_CACHE"
PRIVATE = 0o700  # the mode of folders
_SUM = hashlib.sha256().digest_size
# The Cache Directory Tagging Specification: backup programs skip folders that hold a file with this first line.
TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# linmem keeps here what it can make again.\n"


def cache_dir() -> Path:
    """The cache folder as an absolute path. It need not exist yet."""
    chosen = os.environ.get(VARIABLE)
    path = Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("linmem"))
    return path.absolute()


def subfolder(name: str) -> Path:
    """The folder `name` in the cache folder, made if needed. Raises `Unavailable` where that is forbidden.

    Only this user can enter what is made here, because what it holds is run. The mode of a folder that is there already
    is the user's choice.
    """
    root = cache_dir()
    try:
        root.mkdir(PRIVATE, parents=True, exist_ok=True)
        for folder in (*reversed((root / name).relative_to(root).parents), Path(name)):
            (root / folder).mkdir(PRIVATE, exist_ok=True)
        tag = root / "CACHEDIR.TAG"
        if not tag.exists():
            tag.write_text(TAG, encoding="utf-8")
    except OSError as error:
        raise unusable(error) from error
    return root / name


def write(path: Path, data: bytes) -> None:
    """Write a file in one go: a reader in another process sees none of it or all. Raises `OSError`."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        draft.write_bytes(data)
        os.replace(draft, path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def write_summed(path: Path, data: bytes) -> None:
    """Write a file as `write` does, its SHA-256 before its content. Raises `OSError`."""
    write(path, hashlib.sha256(data).digest() + data)


def read_summed(path: Path) -> bytes | None:
    """What `write_summed` wrote; None where there is nothing, or another content."""
    try:
        found = path.read_bytes()
    except OSError:
        return None
    data = found[_SUM:]
    return data if hashlib.sha256(data).digest() == found[:_SUM] else None


def unusable(error: OSError) -> Unavailable:
    """The error for a cache folder that can't be used."""
    what = error.strerror or str(error)
    return Unavailable(f"can't write to the cache folder {cache_dir()}: {what}", f"set {VARIABLE} to another folder")
