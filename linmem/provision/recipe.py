"""Environments of Python packages in the cache folder. uv makes them; to use a finished one, it is not needed."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from linmem.cache import cache_dir
from linmem.errors import Unavailable
from linmem.provision import interpreters
from linmem.provision.folders import READY, make_once
from linmem.provision.local import content, local
from linmem.provision.uvtool import Progress, UvFailed, run_uv

FOLDER = "environments"


@dataclass(frozen=True)
class PythonEnvironment:
    """A finished environment. ``packages``: versions by name; ``interpreter``: such as ``CPython 3.12.4``."""

    python: Path
    site: Path
    interpreter: str
    packages: Mapping[str, str]


@dataclass(frozen=True)
class Recipe:
    """What an environment is made of. Raises `Unavailable` where a local package can't be read.

    ``python`` is a version specifier. ``lock`` is a requirements file with hashes, used in place of ``requirements``.
    ``bytecode`` says whether to compile the packages' Python, which makes a process that is started often start faster.
    ``variant`` keeps environments of the same packages apart: the driver may refuse one variant and accept another.
    ``content`` are the checksums of the local packages among the requirements, by name.
    ``again`` is the command that tries once more, for error messages, and ``remedy`` what to do before. ``notes`` are
    kept with the environment.
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
    content: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        checksums = {name: content(path) for name, path in local(self.requirements).items()}
        object.__setattr__(self, "content", checksums)

    @property
    def folder(self) -> Path:
        """Where the environment is: one folder per requirements, content of local packages, allowed interpreters and
        platform.
        """
        lock = self.lock.read_text(encoding="utf-8") if self.lock is not None else None
        where = [sysconfig.get_platform(), *platform.libc_ver()]
        parts: list[Any] = [self.requirements, lock, self.python, where, self.variant]
        if self.content:  # else nothing is added, so that environments that were made before keep their places
            parts.append(self.content)
        text = json.dumps(parts)
        return cache_dir() / FOLDER / f"{self.name}-{self.version}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def find(self) -> PythonEnvironment | None:
        """The environment, if it is finished and its interpreter still exists."""
        folder = self.folder
        try:
            ready = json.loads((folder / READY).read_text(encoding="utf-8"))
            python, site = folder / ready["python"], folder / ready["site"]
            found = PythonEnvironment(python, site, ready["interpreter"], ready["packages"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if os.access(python, os.X_OK) and site.is_dir() else None

    def make(
        self,
        accept: Callable[[PythonEnvironment], None] | None = None,
        *,
        offline: bool = False,
        fresh: bool = False,
        progress: Progress | None = None,
    ) -> PythonEnvironment:
        """The environment, made first where it is not finished (or always, if `fresh`).

        `accept` looks at a new environment before it counts as finished and raises `Unavailable` to refuse it.
        Raises `Unavailable`.
        """
        folder = self.folder

        def install() -> Mapping[str, Any]:
            made = self._install(folder, offline, progress or (lambda line: None))
            if accept is not None:
                accept(made)
            return {
                "python": str(made.python.relative_to(folder)),
                "site": str(made.site.relative_to(folder)),
                "interpreter": made.interpreter,
                "packages": made.packages,
                "content": dict(self.content),
                "notes": dict(self.notes),
            }

        waiting = f"waiting for another run that installs {self.name} {self.version}"
        return make_once(folder, self.find, install, waiting, fresh=fresh)

    def _install(self, folder: Path, offline: bool, progress: Progress) -> PythonEnvironment:
        interpreter = interpreters.find(self.python, offline=offline, progress=progress)
        names = ", ".join(self.requirements)
        progress(f"installing {names} on {interpreter} ({interpreter.path})")
        python = folder / "bin" / "python"
        wanted = ["--require-hashes", "-r", str(self.lock)] if self.lock is not None else list(self.requirements)
        bytecode = ["--compile-bytecode"] if self.bytecode else []
        anew = [f"--refresh-package={name}" for name in self.content]  # uv looks at few files' times only
        venv = ["venv", "--no-project", "--allow-existing", "--python", interpreter.path, str(folder)]
        try:
            # uv runs in `folder` so that no project's uv.toml or pyproject.toml applies.
            run_uv(venv, cwd=folder)
            install = ["pip", "install", "--python", str(python), *bytecode, *anew, *wanted]
            run_uv(install, cwd=folder, offline=offline, progress=progress)
        except UvFailed as error:
            remedy = f"{self.remedy}, then: {self.again}" if self.again else self.remedy
            raise Unavailable(f"uv could not install {names}: {error}", remedy) from error
        site = next(folder.glob("lib/python*/site-packages"))
        packages = {item.name: item.version for item in importlib.metadata.distributions(path=[str(site)])}
        return PythonEnvironment(python, site, str(interpreter), packages)
