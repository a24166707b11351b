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

from packaging.requirements import Requirement

from linmem.cache import cache_dir, subfolder, unusable, write
from linmem.errors import Unavailable
from linmem.provision import contents, interpreters
from linmem.provision.folders import NOTED, make_once, ready_in
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
        parts = [self.requirements, lock, self.python, where, self.variant, self.content, contents.FORMAT]
        text = json.dumps(parts)
        return cache_dir() / FOLDER / f"{self.name}-{self.version}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def find(self) -> PythonEnvironment | None:
        """The environment, if it is finished and its interpreter still exists."""
        folder = self.folder
        ready = ready_in(folder)
        if ready is None:
            return None
        try:
            python, site = folder / ready["python"], folder / ready["site"]
            found = PythonEnvironment(python, site, ready["interpreter"], ready["packages"])
        except (KeyError, TypeError):
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

    @property
    def _noted(self) -> Path:
        return cache_dir() / NOTED / f"{self.folder.name}.txt"

    def _wanted(self, python: Path, offline: bool) -> list[str]:
        """What uv is to install: the lock, or what was installed the first time, which is noted with its hashes.

        What has no hash, because it is not from an index, is taken as it is.
        """
        if self.lock is not None:
            return ["--require-hashes", "-r", str(self.lock)]
        if any(Requirement(text).url for text in self.requirements):
            return list(self.requirements)
        if not self._noted.is_file():
            subfolder(NOTED)
            asked = self.folder / "requirements.in"
            asked.write_text("\n".join(self.requirements) + "\n", encoding="utf-8")
            form = ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "--quiet"]
            found = run_uv(
                ["pip", "compile", "--python", str(python), *form, str(asked)], cwd=self.folder, offline=offline
            )
            write(self._noted, found.encode())
        return ["--require-hashes", "-r", str(self._noted)]

    def _install(self, folder: Path, offline: bool, progress: Progress) -> PythonEnvironment:
        interpreter = interpreters.find(self.python, offline=offline, progress=progress)
        names = ", ".join(self.requirements)
        progress(f"installing {names} on {interpreter} ({interpreter.path})")
        python = folder / "bin" / "python"
        bytecode = ["--compile-bytecode"] if self.bytecode else []
        anew = [f"--refresh-package={name}" for name in self.content]  # uv looks at few files' times only
        venv = ["venv", "--no-project", "--allow-existing", "--python", interpreter.path, str(folder)]
        try:
            # uv runs in `folder` so that no project's uv.toml or pyproject.toml applies.
            run_uv(venv, cwd=folder)
            wanted = self._wanted(python, offline)
            # Copies, not links: what happens to a file here must not reach uv's cache, which it is made anew from.
            install = ["pip", "install", "--python", str(python), "--link-mode=copy", *bytecode, *anew, *wanted]
            run_uv(install, cwd=folder, offline=offline, progress=progress)
        except UvFailed as error:
            if "ash mismatch" in str(error) and self.lock is None:
                reason = f"{self.name} {self.version} is not what was installed before: {error}"
                raise Unavailable(
                    reason, f"if it is to be trusted, delete {self._noted}; else look at the index"
                ) from None
            remedy = f"{self.remedy}, then: {self.again}" if self.again else self.remedy
            raise Unavailable(f"uv could not install {names}: {error}", remedy) from error
        except OSError as error:
            raise unusable(error) from error
        site = next(folder.glob("lib/python*/site-packages"))
        packages = {item.name: item.version for item in importlib.metadata.distributions(path=[str(site)])}
        return PythonEnvironment(python, site, str(interpreter), packages)
