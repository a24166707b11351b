"""Drivers in Rust: built by the machine's cargo from a ``Cargo.toml`` and a ``Cargo.lock``.

The committed lock file leaves out which registry its crates come from, because that is the user's to decide. cargo says
which one it uses, and the lines are put back before the build, which then checks every crate's checksum.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import filelock

from linmem import cache
from linmem.errors import Unavailable
from linmem.provision.building import PROGRAM, Job, ToolFailed, hold, programs, run_tool, said, without
from linmem.provision.manifest import Sources

LOCK = "Cargo.lock"
TARGETS = "cargo"  # in the cache folder: what cargo keeps between builds of one driver
FOREIGN = (
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "RUSTC",
)
_SOURCE = re.compile(r'^source = "registry\+.*"$', re.MULTILINE)
_CHECKSUM = re.compile(r'^name = "(.*)"\nversion = "(.*)"\n(?:source = ".*"\n)?checksum = "(.*)"$', re.MULTILINE)
_PACKAGE = re.compile(r'^(version = ".*"\n)(checksum = )', re.MULTILINE)


@dataclass(frozen=True)
class Cargo:
    """The cargo in a folder, and the version of the ``rustc`` beside it."""

    bin: Path
    version: str

    @property
    def toolchain(self) -> str:
        return f"rustc {self.version}"

    def build(self, job: Job) -> None:
        lock = job.source / LOCK
        committed = lock.read_text(encoding="utf-8") if lock.is_file() else None
        if committed is not None:
            lock.unlink()
            self._run(job, "generate-lockfile")
            lock.write_text(with_sources(committed, lock.read_text(encoding="utf-8")), encoding="utf-8")
        if not job.locked:
            self._run(job, "add", *(f"{package}@={job.version}" for package in job.packages))
        target = cache.subfolder(TARGETS) / job.name
        with filelock.FileLock(target.with_suffix(".lock")):  # until the driver is copied out of it
            if not job.locked or committed is None:
                self._run(job, "fetch")
                hold("cargo", checksums(lock.read_text(encoding="utf-8")))
            self._run(job, "build", "--release", "--locked", target=target)
            shutil.copy2(target / "release" / PROGRAM, job.out / PROGRAM)

    def places(self, folder: Path) -> dict[str, Path | str]:
        return {"program": folder / PROGRAM}

    def _run(self, job: Job, command: str, *args: str, target: Path | None = None) -> None:
        offline = ["--offline"] if job.offline else []
        job.run([str(self.bin / "cargo"), command, *offline, *args], self._env(target), _is_error)

    def _env(self, target: Path | None = None) -> dict[str, str]:
        path = os.pathsep.join([str(self.bin), os.environ.get("PATH", os.defpath)])
        env = without(FOREIGN, PATH=path, CARGO_TERM_COLOR="never", CARGO_TERM_PROGRESS_WHEN="never")
        return {**env, "CARGO_TARGET_DIR": str(target)} if target else env

    def releases(self, package: str) -> list[str]:
        """The versions of a crate but for yanked ones: cargo fetches the registry's list, which is read from its own
        cache. Raises `ToolFailed`.
        """
        where = cache.subfolder(TARGETS)
        run_tool([str(self.bin / "cargo"), "info", package], where, self._env(), _is_error)
        home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
        lists = [file for file in home.glob(f"registry/index/*/.cache/**/{package.lower()}") if file.is_file()]
        if not lists:
            raise ToolFailed(f"cargo keeps no list of the versions of {package} in {home}")
        newest = max(lists, key=lambda file: file.stat().st_mtime).read_bytes()
        entries = [json.loads(part) for part in newest.split(b"\0") if part.startswith(b"{")]
        return [str(entry["vers"]) for entry in entries if not entry.get("yanked")]


def find(sources: Sources) -> Cargo:
    """A cargo that satisfies the manifest. Raises `Unavailable`."""
    wanted = sources.toolchain
    seen = _toolchains()
    for bin_, version in seen:
        if wanted.contains(version, prereleases=True):
            return Cargo(bin_, version)
    need = f"Rust {wanted}" if len(wanted) else "Rust"
    there = ", ".join(version for _, version in seen)
    here = f"the one on PATH is {there}" if seen else "cargo is not on PATH"
    raise Unavailable(f"{need} is needed to build its driver, and {here}", f"install {need}, for instance with rustup")


@functools.cache
def _toolchains() -> list[tuple[Path, str]]:
    """The folders with a cargo and a rustc, and the version of that."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    found = []
    for program in programs("cargo", [home / "bin"]):
        match = re.match(r"rustc (\S+)", said([str(program.with_name("rustc")), "--version"]))
        if match:
            found.append((program.parent, match[1]))
    return found


def with_sources(lock: str, made: str) -> str:
    """A lock file with the source that cargo names in one that it has just made. Raises `ToolFailed`."""
    if _SOURCE.search(lock):
        return lock
    source = _SOURCE.search(made)
    if source is None:
        raise ToolFailed("cargo names no registry in the lock file that it makes")
    return _PACKAGE.sub(lambda match: f"{match[1]}{source[0]}\n{match[2]}", lock)


def checksums(lock: str) -> dict[str, str]:
    """The checksums in a lock file, by crate and version."""
    return {f"{name} {version}": checksum for name, version, checksum in _CHECKSUM.findall(lock)}


def _is_error(line: str) -> bool:
    return line.startswith("error")
