"""Find a CPython on this machine whose version satisfies a specifier.

The interpreter that runs linmem is taken if it fits. Else the newest of those on PATH and of pyenv's installed
versions, active or not; else the newest that uv has installed (asking uv takes seconds where PATH is long); else one
that uv downloads. Each is run before it counts, because a name on PATH may be a shim for a version that pyenv has not
activated.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from linmem.errors import Unavailable
from linmem.provision.uvtool import Progress, UvFailed, run_uv

PROBE = (
    "import json, sys, sysconfig; "
    "print(json.dumps([sys.executable, '%d.%d.%d' % sys.version_info[:3], sys.implementation.name, "
    "sys.version_info[3], sysconfig.get_platform()]))"
)
PROBE_SECONDS = 10.0
_NAMES = re.compile(r"python(3(\.\d+)?)?")


@dataclass(frozen=True)
class Interpreter:
    """A CPython that runs here. ``machine`` is its platform, like ``linux-x86_64``."""

    path: str
    version: str
    machine: str

    def __str__(self) -> str:
        return f"CPython {self.version}"


def find(specifier: str, *, offline: bool = False, progress: Progress | None = None) -> Interpreter:
    """A CPython that satisfies `specifier`, like ``>=3.7,<3.11``.

    The one that runs linmem, if it fits; else the newest there is; else one that uv downloads, unless `offline`. Raises
    `Unavailable` where there is none.
    """
    wanted = SpecifierSet(specifier)
    running = probe(sys.executable)
    if running is not None and running.version in wanted:
        return running
    found = _newest(wanted, installed()) or _newest(wanted, _known_to_uv())
    if found is not None:
        return found
    remedy = f"install CPython {specifier}, for example with your system's packages or pyenv"
    missing = f"there is no CPython {specifier} on this machine"
    if offline:
        raise Unavailable(missing, remedy)
    if progress is not None:
        progress(f"{missing}: asking uv for one")
    try:
        run_uv(["python", "install", specifier], cwd=Path(tempfile.gettempdir()), progress=progress)
    except UvFailed as error:
        raise Unavailable(f"{missing}, and uv could not download one: {error}", remedy) from error
    found = _newest(wanted, _known_to_uv())
    if found is None:
        raise Unavailable(f"{missing}, and the one that uv downloaded does not run", remedy)
    return found


@cache
def installed() -> tuple[Interpreter, ...]:
    """Every CPython on PATH or among pyenv's versions, each once, in this order."""
    paths: dict[str, str] = {}
    for path in (sys.executable, *_on_path(), *_in_pyenv()):
        paths.setdefault(os.path.realpath(path), path)
    found = (probe(path) for path in paths.values())
    return tuple(interpreter for interpreter in found if interpreter is not None)


@cache
def probe(path: str) -> Interpreter | None:
    """Run the interpreter at `path` and ask what it is; None where it does not run, or is no CPython."""
    try:
        done = subprocess.run(
            [path, "-I", "-S", "-c", PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PROBE_SECONDS,
            check=True,
        )
        executable, version, implementation, level, machine = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if implementation != "cpython" or level != "final" or not executable:
        return None
    return Interpreter(executable, version, machine)  # not `path`: what a shim leads to may change with the folder


def _newest(wanted: SpecifierSet, interpreters: tuple[Interpreter, ...]) -> Interpreter | None:
    fitting = [interpreter for interpreter in interpreters if interpreter.version in wanted]
    return max(fitting, key=lambda interpreter: Version(interpreter.version), default=None)


def _on_path() -> Iterator[str]:
    shims = _pyenv_root() / "shims"  # slow, and what they can lead to is found among pyenv's versions
    for folder in os.get_exec_path():
        if Path(folder) == shims:
            continue
        try:
            names = sorted(name for name in os.listdir(folder) if _NAMES.fullmatch(name))
        except OSError:
            continue
        for name in names:
            if shutil.which(name, path=folder):
                yield os.path.join(folder, name)


def _in_pyenv() -> Iterator[str]:
    for path in sorted(_pyenv_root().glob("versions/*/bin/python")):
        yield str(path)


def _pyenv_root() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")


def _known_to_uv() -> tuple[Interpreter, ...]:
    args = ["python", "list", "--only-installed", "--managed-python", "--output-format=json"]
    try:
        output = run_uv(args, cwd=Path(tempfile.gettempdir()), offline=True)
        entries = json.loads(output)
    except (UvFailed, Unavailable, ValueError):
        return ()
    found = (probe(entry["path"]) for entry in entries if entry.get("implementation") == "cpython" and entry["path"])
    return tuple(interpreter for interpreter in found if interpreter is not None)
