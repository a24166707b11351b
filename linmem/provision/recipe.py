"""One environment of Python packages in the cache folder: made once, by one run at a time, and never half.

An environment is finished when its ``ready.json`` is there, which is written last and in one go. A folder
without it is what an interrupted or failed run left: it is wiped and made anew. Using a finished one needs
neither network nor uv.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from linmem.cache import cache_dir, subfolder, unusable
from linmem.errors import Unavailable
from linmem.provision import interpreters
from linmem.provision.folders import FAILED, READY, failure_in, held, notes_in, wipe, write
from linmem.provision.uvtool import Progress, UvFailed, run_uv

FOLDER = "environments"


@dataclass(frozen=True)
class Recipe:
    """What an environment is made of.

    ``python`` is a version specifier. ``lock`` is a requirements file with hashes that stands for
    ``requirements``. ``bytecode`` says whether to compile the packages' Python, which a process started often
    is glad of. ``variant`` keeps environments of the same packages apart: what refuses one says nothing of the
    other. ``again`` is the command that tries once more, for error messages, and ``remedy`` what to do before.
    ``notes`` are kept with the environment.
    """

    name: str
    version: str
    requirements: tuple[str, ...]
    python: str
    lock: Path | None = None
    bytecode: bool = True
    variant: str | None = None
    again: str = ""
    remedy: str = "check the network"
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def folder(self) -> Path:
        """Where it belongs: one folder per requirements, allowed interpreters and platform."""
        lock = self.lock.read_text(encoding="utf-8") if self.lock is not None else None
        where = [sysconfig.get_platform(), *platform.libc_ver()]
        text = json.dumps([self.requirements, lock, self.python, where, self.variant])
        return cache_dir() / FOLDER / f"{self.name}-{self.version}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class PythonEnvironment:
    """A finished environment. ``packages``: versions by name; ``interpreter``: its Python, in words."""

    folder: Path
    python: Path
    site: Path
    interpreter: str
    packages: Mapping[str, str]


def look(recipe: Recipe) -> PythonEnvironment | None:
    """The recipe's environment, if it is finished and its interpreter still exists."""
    folder = recipe.folder
    try:
        marker = json.loads((folder / READY).read_text(encoding="utf-8"))
        found = PythonEnvironment(
            folder,
            folder / marker["python"],
            folder / marker["site"],
            marker["interpreter"],
            marker["packages"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if os.access(found.python, os.X_OK) and found.site.is_dir() else None


def last_failure(recipe: Recipe) -> Unavailable | None:
    """Why the last attempt to make it failed; None where there was none, or none failed."""
    return failure_in(recipe.folder)


def all_notes() -> Iterator[Mapping[str, Any]]:
    """The notes of every environment in the cache folder that was finished once."""
    return notes_in(cache_dir() / FOLDER)


def make(
    recipe: Recipe,
    accept: Callable[[PythonEnvironment], None] | None = None,
    *,
    offline: bool = False,
    fresh: bool = False,
    progress: Progress | None = None,
) -> PythonEnvironment:
    """The recipe's environment, made first where it is not finished (or always, if `fresh`).

    `accept` looks at a new environment before it counts as finished and raises `Unavailable` to refuse it.
    Raises `Unavailable`.
    """
    found = None if fresh else look(recipe)
    if found is not None:
        return found
    lock = subfolder(FOLDER) / f"{recipe.folder.name}.lock"
    with held(lock, f"waiting for another run that installs {recipe}"):
        found = None if fresh else look(recipe)  # made while we waited
        if found is not None:
            return found
        try:
            return _make(recipe, accept, offline, progress or (lambda line: None))
        except OSError as error:
            raise unusable(error) from error


def _make(
    recipe: Recipe, accept: Callable[[PythonEnvironment], None] | None, offline: bool, progress: Progress
) -> PythonEnvironment:
    folder = recipe.folder
    wipe(folder)
    folder.mkdir(parents=True)
    try:
        made = _install(recipe, offline, progress)
        if accept is not None:
            progress("starting its driver to see that it works")
            accept(made)
    except Unavailable as failure:
        wipe(folder)
        folder.mkdir()
        write(folder / FAILED, {"reason": failure.reason, "remedy": failure.remedy})
        raise
    marker = {
        "python": str(made.python.relative_to(folder)),
        "site": str(made.site.relative_to(folder)),
        "interpreter": made.interpreter,
        "packages": made.packages,
        "notes": dict(recipe.notes),
    }
    write(folder / READY, marker)
    return made


def _install(recipe: Recipe, offline: bool, progress: Progress) -> PythonEnvironment:
    folder = recipe.folder
    interpreter = interpreters.find(recipe.python, offline=offline, progress=progress)
    progress(f"installing {', '.join(recipe.requirements)} on {interpreter} ({interpreter.path})")
    python = folder / "bin" / "python"
    wanted = ["--require-hashes", "-r", str(recipe.lock)] if recipe.lock is not None else list(recipe.requirements)
    bytecode = ["--compile-bytecode"] if recipe.bytecode else []
    try:
        # `folder` is the place to run in: no project's uv.toml or pyproject.toml is to have a say.
        run_uv(
            ["venv", "--no-project", "--allow-existing", "--python", interpreter.path, str(folder)],
            cwd=folder,
        )
        install = ["pip", "install", "--python", str(python), *bytecode, *wanted]
        run_uv(install, cwd=folder, offline=offline, progress=progress)
    except UvFailed as error:
        raise Unavailable(f"uv could not install {', '.join(recipe.requirements)}: {error}", _remedy(recipe)) from error
    site = next(folder.glob("lib/python*/site-packages"))
    packages = {item.name: item.version for item in importlib.metadata.distributions(path=[str(site)])}
    return PythonEnvironment(folder, python, site, str(interpreter), packages)


def _remedy(recipe: Recipe) -> str:
    again = f", then: {recipe.again}" if recipe.again else ""
    return f"{recipe.remedy}{again}"
