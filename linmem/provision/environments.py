"""Provide a runtime: Python packages, an npm package, or a program found on the machine.

What is installed counts only after the runtime's driver has started with it and said the version that was asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from linmem.errors import Unavailable
from linmem.provision import npm, pip, recipe
from linmem.provision.manifest import Absent, Manifest, NpmPackage, NpmPackages, Packages, SystemProgram
from linmem.provision.names import RuntimeName
from linmem.provision.provided import (
    NOT_PROVISIONED,
    READY,
    UNAVAILABLE,
    Provided,
    Status,
    check_version,
    install_command,
    notes,
    version_of,
)
from linmem.provision.recipe import Recipe
from linmem.provision.uvtool import Progress

__all__ = [
    "NOT_PROVISIONED",
    "READY",
    "UNAVAILABLE",
    "Provided",
    "Status",
    "installed",
    "provide",
    "provide_package",
    "status",
]


def provide(
    manifest: Manifest,
    variant: str | None = None,
    version: str | None = None,
    *,
    offline: bool | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Provided:
    """Make a runtime ready to start. None stands for the manifest's default variant and version.

    `offline` keeps uv and npm from the network whatever their settings say; `fresh` makes the environment anew;
    `progress` is told in words what happens when this takes time. Raises `Unavailable`, and `UserError` for an unknown
    variant and for a version that the driver does not cope with.
    """
    manifest.check_variant(variant)
    manifest.check_version(version)
    if isinstance(manifest.environment, Packages):
        return pip.provide(manifest, variant, version, offline=bool(offline), fresh=fresh, progress=progress)
    if isinstance(manifest.environment, NpmPackages):
        return _provide_npm(manifest, variant, version, bool(offline), fresh, progress)
    if isinstance(manifest.environment, Absent):
        raise Unavailable(manifest.environment.reason, manifest.environment.remedy)
    return _provide_program(manifest, manifest.environment, variant, version)


def status(manifest: Manifest, variant: str | None = None, version: str | None = None) -> Status:
    """How a runtime stands here. Installs and starts nothing. Raises `UserError` as `provide` does."""
    manifest.check_variant(variant)
    manifest.check_version(version)
    if isinstance(manifest.environment, Packages):
        return pip.status(manifest, variant, version)
    if isinstance(manifest.environment, NpmPackages):
        return _npm_status(manifest, variant, version)
    if isinstance(manifest.environment, Absent):
        return Status(UNAVAILABLE, manifest.environment.reason, manifest.environment.remedy, "")
    program = manifest.environment
    path = program.find(manifest.folder)
    if path is None:
        return Status(UNAVAILABLE, program.absence, program.remedy, program.name)
    return Status(READY, "", "", path)


def provide_package(
    name: str,
    requirements: Sequence[str],
    python: str = ">=3.8",
    *,
    offline: bool | None = None,
    progress: Progress | None = None,
) -> Path:
    """The site-packages folder of an environment with packages that are tools, not runtimes. Raises
    `Unavailable`.

    The first requirement pins its version with ``==``.
    """
    wanted = Recipe(name, pip.pinned(requirements[0]), tuple(requirements), python, bytecode=False)
    return recipe.make(wanted, offline=bool(offline), progress=progress).site


def installed() -> Iterator[RuntimeName]:
    """The runtimes that are in the cache folder, each with its version."""
    for kept in (*recipe.all_notes(), *npm.all_notes()):
        if "runtime" in kept:
            yield RuntimeName(*kept["runtime"])


# ----------------------------------------------------------------------------------------------------------------- npm


def _npm_package(manifest: Manifest, version: str | None) -> tuple[NpmPackage, str, str | None]:
    """The package for this platform, its version and, for the default version, its checksum. Raises `Unavailable`."""
    assert isinstance(manifest.environment, NpmPackages)
    assert manifest.version is not None
    package = npm.package_of(manifest.environment, manifest)
    chosen = version or manifest.version
    return package, chosen, package.integrity if chosen == manifest.version else None


def _provide_npm(
    manifest: Manifest, variant: str | None, version: str | None, offline: bool, fresh: bool, progress: Progress | None
) -> Provided:
    package, chosen, integrity = _npm_package(manifest, version)

    def command(folder: Path) -> list[str]:
        return manifest.command(chosen, {"folder": str(manifest.folder), "package": str(folder)})

    def accept(folder: Path) -> None:
        if progress is not None:
            progress("starting its driver to see that it works")
        check_version(
            version_of(command(folder), manifest, variant), chosen, install_command(manifest, variant, version)
        )

    folder = npm.provide_npm(
        package.name,
        chosen,
        integrity,
        accept=accept,
        notes=notes(manifest, variant, chosen),
        offline=offline,
        fresh=fresh,
        progress=progress,
    )
    return Provided(command(folder), dict(manifest.env), chosen, f"npm {package.name} {chosen}")


def _npm_status(manifest: Manifest, variant: str | None, version: str | None) -> Status:
    try:
        package, chosen, integrity = _npm_package(manifest, version)
    except Unavailable as none:
        return Status(UNAVAILABLE, none.reason, none.remedy, "npm")
    origin = f"npm {package.name} {chosen}"
    if npm.find_package(package.name, chosen, integrity) is not None:
        return Status(READY, "", "", origin)
    failure = npm.last_failure(package.name, chosen, integrity)
    if failure is not None:
        return Status(UNAVAILABLE, failure.reason, failure.remedy, origin)
    return Status(NOT_PROVISIONED, "", install_command(manifest, variant, version), origin)


# ------------------------------------------------------------------------------------------------------------ programs


def _provide_program(manifest: Manifest, program: SystemProgram, variant: str | None, version: str | None) -> Provided:
    path = program.find(manifest.folder)
    if path is None:
        raise Unavailable(program.absence, program.remedy)
    path = os.path.abspath(path)
    places = {"folder": str(manifest.folder), "program": path, "python": sys.executable}
    command = manifest.command(version, places)
    said = version_of(command, manifest, variant)
    wanted = version or manifest.version
    if wanted is not None:
        check_version(said, wanted, f"put {program.name} {wanted} first on PATH")
    return Provided(command, dict(manifest.env), said, path)
