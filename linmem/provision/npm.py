"""Packages of the npm registry, unpacked in the cache folder, their checksums checked here.

npm itself fetches them (``npm pack``), so the user's settings apply: registry, proxy, credentials. It is the npm on
PATH, or else the one that comes with Node.js in its environment. npm runs no script of a package and installs nothing
that it depends on. Using a finished package needs neither network nor npm.
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from linmem.cache import cache_dir, subfolder, write
from linmem.drivers.launching import bound
from linmem.errors import Unavailable, UserError
from linmem.provision import contents
from linmem.provision.folders import NOTED, make_once, ready_in
from linmem.provision.manifest import Manifest, NpmPackage, NpmPackages, load_manifest
from linmem.provision.uvtool import Progress

FOLDER = "npm"
PACKAGE = "package"  # in a finished folder: what the package holds
# Settings of the user's that would keep npm from making its archive, or put it elsewhere.
SETTINGS = (
    "--dry-run=false",
    "--workspaces=false",
    "--ignore-scripts",
    "--update-notifier=false",
    "--loglevel=error",
)
# By default npm tries for over a minute to reach a registry that is not there. The user's environment comes first.
RETRIES = {"npm_config_fetch_retries": "1", "npm_config_fetch_retry_mintimeout": "1000"}
_NAME = re.compile(r"(@[a-z0-9-][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*", re.IGNORECASE)
_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_INTEGRITY = re.compile(r"sha512-[A-Za-z0-9+/]{86}==")
_ERROR = re.compile(r"npm (?:ERR!|error) ?")


class NpmFailed(Exception):
    """npm failed. The text is npm's own message, in one line."""


@dataclass(frozen=True)
class NpmRecipe:
    """A package at one version. ``notes`` are kept with it.

    ``integrity`` is its checksum as npm's lock files write it, ``sha512-…``; without one, that of the first archive
    that was fetched is noted, and later ones must have it too. Raises `UserError` for a name, version or checksum that
    can't be one.
    """

    name: str
    version: str
    integrity: str | None
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UserError(f"{self.name!r} can't be the name of an npm package")
        if not _VERSION.fullmatch(self.version):
            raise UserError(f"{self.name}: {self.version!r} is not an exact version, like 1.2.3")
        if self.integrity is not None and not _INTEGRITY.fullmatch(self.integrity):
            raise UserError(f"{self}: the integrity must be 'sha512-' and 88 characters of base64")

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def folder(self) -> Path:
        """Where it is in the cache; the package itself is in `PACKAGE` there."""
        mark = hashlib.sha256(f"{self.integrity or ''} {contents.FORMAT}".encode()).hexdigest()[:12]
        return cache_dir() / FOLDER / f"{self.name.replace('/', '+')}-{self.version}-{mark}"

    def find(self) -> Path | None:
        """The folder with what the package holds, if it is in the cache."""
        return self.folder / PACKAGE if ready_in(self.folder) is not None else None

    def make(
        self,
        accept: Callable[[Path], None] | None = None,
        *,
        offline: bool = False,
        fresh: bool = False,
        progress: Progress | None = None,
    ) -> Path:
        """The folder with what the package holds, fetched first where it is not in the cache (or always, if `fresh`).

        `accept` looks at a new package before it counts as finished and raises `Unavailable` to refuse it. `offline`
        keeps npm from the network. Raises `Unavailable`.
        """

        def fetch() -> Mapping[str, Any]:
            self._fetch(offline, progress)
            if accept is not None:
                accept(self.folder / PACKAGE)
            kept = {"name": self.name, "version": self.version, "integrity": self.integrity}
            return {**kept, "notes": dict(self.notes)}

        return make_once(self.folder, self.find, fetch, f"waiting for another run that fetches {self}", fresh=fresh)

    def _fetch(self, offline: bool, progress: Progress | None) -> None:
        if progress is not None:
            progress(f"fetching {self} with npm")
        with tempfile.TemporaryDirectory(dir=self.folder) as place:  # no project's .npmrc applies here
            pack = ["pack", f"{self.name}@{self.version}", f"--pack-destination={place}", "--json=false"]
            try:
                run_npm(pack, cwd=Path(place), offline=offline, progress=progress)
            except NpmFailed as error:
                remedy = "check the network, npm's settings and the package's name and version"
                raise Unavailable(f"npm could not fetch {self}: {error}", remedy) from error
            found = list(Path(place).glob("*.tgz"))
            if len(found) != 1:
                raise Unavailable(f"npm fetched {self}, but left no archive", "use a newer npm")
            self._check_integrity(found[0])
            try:
                unpack(found[0], self.folder / PACKAGE)
            except (tarfile.TarError, EOFError) as error:
                raise Unavailable(f"{self} can't be unpacked: {error}", "") from error

    def _check_integrity(self, archive: Path) -> None:
        digest = hashlib.sha512()
        with archive.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        found = f"sha512-{base64.b64encode(digest.digest()).decode()}"
        if self.integrity not in (None, found):
            raise Unavailable(
                f"{self} is not the package that was pinned: its checksum is {found}, not {self.integrity}",
                "if the package is to be trusted, correct the checksum; else look at the registry that npm uses",
            )
        if self.integrity is not None:
            return
        noted = subfolder(NOTED) / f"npm-{self.name.replace('/', '+')}-{self.version}.txt"
        before = noted.read_text(encoding="utf-8").strip() if noted.is_file() else found
        if before != found:
            raise Unavailable(
                f"{self} is not what was installed before: its checksum is {found}, not {before}",
                f"if it is to be trusted, delete {noted}; else look at the registry that npm uses",
            )
        write(noted, f"{found}\n".encode())


def package_of(environment: NpmPackages, manifest: Manifest) -> NpmPackage:
    """The package for this platform. Raises `Unavailable` where there is none."""
    package = environment.packages.get(platform_name()) or environment.packages.get("any")
    if package is None:
        raise Unavailable(f"there is no {manifest.title} for {platform_name()}", f"see {manifest.homepage}")
    return package


def platform_name() -> str:
    """What we call this platform, such as ``linux-x86_64``, ``linux-musl-x86_64`` or ``darwin-arm64``."""
    system, machine = platform.system().lower(), platform.machine().lower()
    libc = "-musl" if system == "linux" and platform.libc_ver()[0] != "glibc" else ""
    return f"{system}{libc}-{machine}"


def run_npm(args: list[str], *, cwd: Path, offline: bool = False, progress: Progress | None = None) -> str:
    """Run ``npm ARGS`` in `cwd` and return its standard output. Raises `NpmFailed`, or `Unavailable` without npm."""
    command = [*_npm(progress), *args, *SETTINGS, *(["--offline"] if offline else [])]
    done = subprocess.run(
        bound(command),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=cwd,
        env={**RETRIES, **os.environ},
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise NpmFailed(last_error(done.stderr) or f"npm {args[0]} ended with status {done.returncode}")
    return done.stdout


def last_error(output: str) -> str:
    """What npm's error output says, in one line.

    npm writes each line behind ``npm error`` (``npm ERR!`` before npm 10): a code, then sentences, each behind a word
    that says what it is about, then where its log is.
    """
    lines = [_ERROR.sub("", line).strip() for line in output.splitlines() if _ERROR.match(line)]
    codes = [line.removeprefix("code ") for line in lines if line.startswith("code ")]
    said = [line for line in lines if line and not re.match(r"code |errno |syscall |A complete log|/", line)]
    sentence = re.sub(r"^(notarget|network|request to|[a-z0-9]+(?= [A-Z]))\s+", "", said[0]) if said else ""
    return " ".join([*(f"{code}:" for code in codes[:1] if sentence), sentence]) or "".join(codes[:1])


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an npm package without its archive's top folder.

    Only files are taken, as npm does: no link, no device, no owner. Raises `tarfile.TarError` for a broken archive and
    for a file that would lie outside of `folder`.
    """
    folder.mkdir()
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            if not member.isfile():
                continue
            path = PurePosixPath(member.name)
            if path.is_absolute() or ".." in path.parts or len(path.parts) < 2 or "\\" in member.name:
                raise tarfile.ExtractError(f"the file {member.name!r} would lie outside of its folder")
            target = folder.joinpath(*path.parts[1:])
            target.parent.mkdir(parents=True, exist_ok=True)
            content = tar.extractfile(member)
            assert content is not None
            with target.open("wb") as stream:
                shutil.copyfileobj(content, stream)
            target.chmod(0o755 if member.mode & 0o111 else 0o644)


def _npm(progress: Progress | None) -> list[str]:
    """The command that runs npm. Raises `Unavailable`."""
    from linmem.provision.environments import provide  # which imports this module

    found = shutil.which("npm")
    if found is not None:
        return [os.path.abspath(found)]
    try:
        provided = provide(load_manifest("node"), progress=progress)
    except Unavailable as error:
        raise Unavailable(f"npm is not on PATH, and Node.js can't be had: {error.reason}", "install npm") from error
    node = Path(provided.command[0])
    script = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node), str(script)]
