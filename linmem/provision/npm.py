"""One npm package at one version, unpacked in the cache folder, its checksum checked by us.

npm itself fetches it (``npm pack``), so the user's settings hold: registry, proxy, credentials. It is the npm on PATH,
or else the one that comes with Node.js in its environment. npm runs no script of the package and installs nothing that
the package depends on.

A finished package needs neither network nor npm.
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from linmem.cache import cache_dir, subfolder, unusable
from linmem.drivers.process import LAUNCHER
from linmem.errors import Unavailable, UserError
from linmem.provision import pip
from linmem.provision.folders import FAILED, READY, failure_in, held, notes_in, wipe, write
from linmem.provision.manifest import Manifest, NpmPackage, NpmPackages, load_manifest
from linmem.provision.uvtool import Progress

FOLDER = "npm"
PACKAGE = "package"  # in a finished folder: what the package holds
# What npm must not take from the surroundings, or its tarball would not lie where we look, or not be made.
SETTINGS = (
    "--dry-run=false",
    "--workspaces=false",
    "--ignore-scripts",
    "--update-notifier=false",
    "--loglevel=error",
)
# npm tries for over a minute to reach a registry that is not there. Whoever is offline should hear of it soon; what the
# user's environment says comes first.
PATIENCE = {"npm_config_fetch_retries": "1", "npm_config_fetch_retry_mintimeout": "1000"}
_NAME = re.compile(r"(@[a-z0-9-][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*", re.IGNORECASE)
_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_INTEGRITY = re.compile(r"sha512-[A-Za-z0-9+/]{86}==")
_ERROR = re.compile(r"npm (?:ERR!|error) ?")


class NpmFailed(Exception):
    """npm gave up. The text is its own account, in one line."""


def provide_npm(
    name: str,
    version: str,
    integrity: str | None,
    *,
    accept: Callable[[Path], None] | None = None,
    notes: Mapping[str, Any] | None = None,
    offline: bool = False,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Path:
    """The folder with what the package holds: its ``package.json`` and the rest.

    `integrity` is its checksum as npm's lock files write it, ``sha512-…``; without one, npm's own check against what
    the registry says must do. `accept` looks at a new package before it counts as finished and raises `Unavailable` to
    refuse it; `notes` are kept with it. `offline` keeps npm from the network; `fresh` fetches the package again. Raises
    `Unavailable`, and `UserError` for a name, version or checksum that can't be one.
    """
    _check(name, version, integrity)
    folder = _folder(name, version, integrity)
    if not fresh and (folder / READY).is_file():
        return folder / PACKAGE
    lock = subfolder(FOLDER) / f"{folder.name}.lock"
    with held(lock, f"waiting for another run that fetches {name} {version}"):
        if not fresh and (folder / READY).is_file():  # made while we waited
            return folder / PACKAGE
        try:
            wipe(folder)
            folder.mkdir()
            try:
                _fetch(folder, name, version, integrity, offline, progress)
                if accept is not None:
                    accept(folder / PACKAGE)
            except Unavailable as failure:
                wipe(folder)
                folder.mkdir()
                write(folder / FAILED, {"reason": failure.reason, "remedy": failure.remedy})
                raise
            write(folder / READY, {"name": name, "version": version, "integrity": integrity, "notes": notes or {}})
        except OSError as error:
            raise unusable(error) from error
    return folder / PACKAGE


def find_package(name: str, version: str, integrity: str | None) -> Path | None:
    """The package's folder, if it is in the cache. Fetches nothing."""
    folder = _folder(name, version, integrity)
    return folder / PACKAGE if (folder / READY).is_file() else None


def last_failure(name: str, version: str, integrity: str | None) -> Unavailable | None:
    """Why the last attempt to fetch it failed; None where there was none, or none failed."""
    return failure_in(_folder(name, version, integrity))


def all_notes() -> Iterator[Mapping[str, Any]]:
    """The notes of every package in the cache folder."""
    return notes_in(cache_dir() / FOLDER)


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
    # Through the launcher npm dies with us.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", LAUNCHER, *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=cwd,
        env={**PATIENCE, **os.environ},
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


def _check(name: str, version: str, integrity: str | None) -> None:
    if not _NAME.fullmatch(name):
        raise UserError(f"{name!r} can't be the name of an npm package")
    if not _VERSION.fullmatch(version):
        raise UserError(f"{name}: {version!r} is not an exact version, like 1.2.3")
    if integrity is not None and not _INTEGRITY.fullmatch(integrity):
        raise UserError(f"{name} {version}: the integrity must be 'sha512-' and 88 characters of base64")


def _folder(name: str, version: str, integrity: str | None) -> Path:
    mark = hashlib.sha256((integrity or "").encode()).hexdigest()[:12]
    return cache_dir() / FOLDER / f"{name.replace('/', '+')}-{version}-{mark}"


def _fetch(
    folder: Path, name: str, version: str, integrity: str | None, offline: bool, progress: Progress | None
) -> None:
    if progress is not None:
        progress(f"fetching {name} {version} with npm")
    with tempfile.TemporaryDirectory(dir=folder) as place:  # no package.json or .npmrc of a project is to have a say
        try:
            run_npm(
                ["pack", f"{name}@{version}", f"--pack-destination={place}", "--json=false"],
                cwd=Path(place),
                offline=offline,
                progress=progress,
            )
        except NpmFailed as error:
            raise Unavailable(
                f"npm could not fetch {name} {version}: {error}",
                "check the network, npm's settings and the package's name and version",
            ) from error
        found = list(Path(place).glob("*.tgz"))
        if len(found) != 1:
            raise Unavailable(f"npm fetched {name} {version}, but left no archive", "use a newer npm")
        _check_integrity(found[0], name, version, integrity)
        try:
            unpack(found[0], folder / PACKAGE)
        except (tarfile.TarError, EOFError) as error:
            raise Unavailable(f"{name} {version} can't be unpacked: {error}", "") from error


def _check_integrity(archive: Path, name: str, version: str, integrity: str | None) -> None:
    if integrity is None:
        return
    with archive.open("rb") as stream:
        digest = hashlib.sha512()
        while block := stream.read(1 << 20):
            digest.update(block)
    found = f"sha512-{base64.b64encode(digest.digest()).decode()}"
    if found != integrity:
        raise Unavailable(
            f"{name} {version} is not the package that was pinned: its checksum is {found}, not {integrity}",
            "if the package is to be trusted, correct the checksum; else look at the registry that npm uses",
        )


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
    found = shutil.which("npm")
    if found is not None:
        return [os.path.abspath(found)]
    try:
        provided = pip.provide(load_manifest("node"), None, None, offline=False, fresh=False, progress=progress)
    except Unavailable as error:
        raise Unavailable(f"npm is not on PATH, and Node.js can't be had: {error.reason}", "install npm") from error
    node = Path(provided.command[0])
    script = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(node), str(script)]
