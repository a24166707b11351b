"""Drivers that are built from source: the runtime is a library of a compiled language, the driver a program with it.

The driver's folder and its kit are copied into the cache folder and built there by the language's own tool, which also
fetches what it needs: the user's settings for it apply (registry, proxy, credentials). What is copied is what the build
is named by, so nothing that is not part of the name can get into the driver. A finished driver needs no network.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import filelock

from linmem import cache, paths
from linmem.cache import cache_dir
from linmem.drivers.launching import bound
from linmem.errors import Unavailable
from linmem.provision import contents, local
from linmem.provision.folders import NOTED, make_once, ready_in
from linmem.provision.manifest import Sources
from linmem.provision.uvtool import Progress

FOLDER = "drivers"
SOURCE = "source"  # in a finished folder: what it was built from, with the lock file that held
PROGRAM = "driver"
ACCEPTED = ".accepted"  # one build serves all variants; each is started once before it counts
QUIET_SECONDS = 5.0  # between two lines about what a tool is doing
# What lies beside a driver's source and no build reads: the manifest, known defects, reproducers, a page about it.
ASIDE = (".yaml", ".md")


class ToolFailed(Exception):
    """A tool failed. The text is the tool's own message, in one line."""


@dataclass(frozen=True)
class Job:
    """One build. ``source`` is the driver's folder among the copies, ``out`` the folder to be filled.

    ``locked``: the committed lock file holds. Else ``packages`` are to be set to ``version``, and the rest follows.
    """

    name: str
    version: str
    packages: Sequence[str]
    locked: bool
    source: Path
    out: Path
    offline: bool
    log: Path
    progress: Progress

    def run(self, command: Sequence[str], env: Mapping[str, str], point: Callable[[str], bool]) -> str:
        """Run a tool in the driver's folder and return what it prints. All of it is also added to the log.

        `point` says which line tells what is wrong. Raises `ToolFailed`.
        """
        return run_tool(command, self.source, env, point, progress=self.progress, log=self.log)


class BuildTool(Protocol):
    """A language's own tool, found on this machine."""

    @property
    def toolchain(self) -> str:
        """The compiler that it uses, such as ``rustc 1.95.0``."""
        ...

    def build(self, job: Job) -> None:
        """Build the driver. Raises `ToolFailed`, and `Unavailable` where what was fetched is not what was pinned."""
        ...

    def places(self, folder: Path) -> dict[str, Path | str]:
        """What placeholders of the launch command stand for, given the finished folder."""
        ...

    def releases(self, package: str) -> list[str]:
        """The versions of a package, as the registry says. Raises `ToolFailed` and `Unavailable`."""
        ...


@dataclass(frozen=True)
class SourceRecipe:
    """A driver to be built from the folder of its manifest. Raises `Unavailable` where the sources can't be read.

    ``again`` is the command that tries once more, for error messages. ``notes`` are kept with the driver.
    """

    name: str
    version: str
    driver: Path
    sources: Sources
    tool: BuildTool
    locked: bool
    again: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)
    content: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "content", local.digest(self._files()))

    @property
    def folder(self) -> Path:
        """Where it is in the cache: one folder for each content of the sources, version and compiler."""
        where = [sysconfig.get_platform(), *platform.libc_ver()]
        parts = [self.content, self.version, list(self.sources.packages), self.tool.toolchain, where, contents.FORMAT]
        mark = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
        return cache_dir() / FOLDER / f"{self.name}-{self.version}-{mark}"

    def __str__(self) -> str:
        return f"{self.sources.packages[0]} {self.version}, built with {self.tool.toolchain}"

    def find(self) -> Path | None:
        """The folder with the driver, if it is finished."""
        return self.folder if ready_in(self.folder) is not None else None

    def make(
        self,
        accept: Callable[[Path], None] | None = None,
        *,
        offline: bool = False,
        fresh: bool = False,
        progress: Progress | None = None,
    ) -> Path:
        """The folder with the driver, built first where it is not finished (or always, if `fresh`).

        `accept` looks at a new driver before it counts as finished and raises `Unavailable` to refuse it. Raises
        `Unavailable`.
        """

        def build() -> Mapping[str, Any]:
            self._build(offline, progress or (lambda line: None))
            if accept is not None:
                accept(self.folder)
            kept = {"toolchain": self.tool.toolchain, "content": self.content}
            return {**kept, "notes": dict(self.notes)}

        waiting = f"waiting for another run that builds the driver of {self.name} {self.version}"
        return make_once(self.folder, self.find, build, waiting, fresh=fresh)

    def accepted(self, variant: str) -> bool:
        """Whether the driver was started with this variant before, and all was well."""
        return (self.folder / f"{variant}{ACCEPTED}").is_file()

    def accept(self, variant: str) -> None:
        """Note that the driver works with this variant."""
        (self.folder / f"{variant}{ACCEPTED}").touch()

    def places(self) -> dict[str, Path | str]:
        """What placeholders of the launch command stand for."""
        return self.tool.places(self.folder)

    def _build(self, offline: bool, progress: Progress) -> None:
        progress(f"building the driver of {self.name} {self.version} with {self.tool.toolchain}")
        source = self.folder / SOURCE
        for target, file in self._files():
            (source / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, source / target)
        log = self.folder.with_name(f"{self.folder.name}.log")
        log.unlink(missing_ok=True)
        place = source / self._target(self.driver)
        job = Job(
            self.name, self.version, self.sources.packages, self.locked, place, self.folder, offline, log, progress
        )  # fmt: skip
        try:
            self.tool.build(job)
        except ToolFailed as error:
            reason = f"the driver can't be built: {error} (all of the output: {log})"
            remedy = f"check the network and the version, then: {self.again}" if self.again else "check the network"
            raise Unavailable(reason, remedy) from error

    def _files(self) -> list[tuple[str, Path]]:
        """Every file that is copied, and where to, as a relative path."""
        return sorted(self._found())

    def _found(self) -> Iterator[tuple[str, Path]]:
        roots = [self.driver, *self.sources.local]
        kit = paths.RUNTIMES / "kits" / self.sources.kit if self.sources.kit else None
        seen = set()
        try:
            for file in (file for root in roots for file in local.files(root)):
                aside = file.parent == self.driver and file.suffix in ASIDE
                if not aside and file not in seen:
                    seen.add(file)
                    yield self._target(file), file
            for file in local.files(kit) if kit is not None else ():
                beside = os.path.join(os.path.dirname(self._target(self.driver)), "kits", str(self.sources.kit))
                yield os.path.join(beside, file.relative_to(kit or file)), file
        except OSError as error:
            raise Unavailable(f"can't read {error.filename}: {error.strerror}", "correct the manifest") from None

    def _target(self, path: Path) -> str:
        """Where a path of the driver or of its local packages is among the copies: they keep their distance."""
        common = os.path.commonpath([self.driver.parent, *(place.parent for place in self.sources.local)])
        return os.path.relpath(path, common)


def hold(tool: str, fetched: Mapping[str, str]) -> None:
    """Note what a tool has fetched without a lock: the hash of each artifact, by its name and version.

    Raises `Unavailable` where one had another hash before.
    """
    noted = cache.subfolder(NOTED) / f"{tool}.txt"
    with filelock.FileLock(noted.with_suffix(".lock")):
        lines = noted.read_text(encoding="utf-8", errors="replace").splitlines() if noted.is_file() else []
        known = {name: found for found, _, name in (line.partition("  ") for line in lines)}
        for name, found in sorted(fetched.items()):
            before = known.setdefault(name, found)
            if before != found:
                raise Unavailable(
                    f"{name} is not what was fetched before: its checksum is {found}, not {before}",
                    f"if it is to be trusted, delete its line in {noted}; else look at where {tool} fetches from",
                )
        cache.write(noted, "".join(f"{known[name]}  {name}\n" for name in sorted(known)).encode())


def run_tool(
    command: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    point: Callable[[str], bool],
    *,
    progress: Progress | None = None,
    log: Path | None = None,
) -> str:
    """Run a tool and return what it prints. `point` says which of its lines tells what is wrong. Raises `ToolFailed`.

    Some of its lines are passed on to `progress` while it runs, and all are added to `log`.
    """
    shown = " ".join([Path(command[0]).name, *command[1:2]])
    lines: list[str] = []
    told = time.monotonic()
    with open(log or os.devnull, "a", encoding="utf-8") as kept:
        try:
            process = subprocess.Popen(
                bound(command),  # a killed run leaves no compiler behind
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=dict(env),
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise ToolFailed(f"{shown}: {error.strerror}") from error
        try:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line.strip())
                kept.write(line)
                says = lines[-1].removeprefix("[INFO]").strip(" -")
                if progress is not None and says and time.monotonic() - told > QUIET_SECONDS:
                    told = time.monotonic()
                    progress(says)
            process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
    if process.returncode != 0:
        said = [line for line in lines if point(line)] or [line for line in reversed(lines) if line]
        raise ToolFailed(f"{shown}: {said[0] if said else f'it ended with status {process.returncode}'}")
    return "".join(f"{line}\n" for line in lines)


def programs(name: str, further: Iterable[Path] = ()) -> Iterator[Path]:
    """Every program of this name: those on PATH, in its order, then those in `further` folders."""
    seen = set()
    for folder in (*os.get_exec_path(), *further):
        found = shutil.which(name, path=str(folder))
        if found is not None and found not in seen:
            seen.add(found)
            yield Path(found).absolute()


def said(command: Sequence[str], folder: Path | None = None) -> str:
    """What a tool prints when it is asked for its version; nothing where it can't be run."""
    try:
        where = folder or cache.subfolder(FOLDER)
        return run_tool(command, where, os.environ, lambda line: False)
    except ToolFailed:
        return ""


def without(names: Iterable[str], **more: str) -> dict[str, str]:
    """The user's environment without variables that would change what is built, and with `more`."""
    left = {name: value for name, value in os.environ.items() if name not in set(names)}
    return {**left, **more}
