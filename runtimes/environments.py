r"""Provide a runtime: an environment with its packages, made by uv on first use, or a program found on the
machine.

A new environment counts only after the runtime's driver has started in it and said the version that was asked
for. That keeps packages out that install but don't work, such as wasmer's on CPython 3.11 and later, which
only raises ImportError.

The hashes of the default versions stand beside the manifests. After a change of version, from the
repository's folder::

    echo wasmtime==50.0.1 | uv pip compile --generate-hashes --no-header --no-emit-index-url --no-annotate \
        --universal --quiet -o runtimes/wasmtime/requirements.txt -
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from runtimes import recipe
from runtimes.driver import Driver
from runtimes.errors import Unavailable, last_words
from runtimes.manifest import ROOM, Manifest, Packages
from runtimes.names import RuntimeName
from runtimes.recipe import Environment, Recipe
from runtimes.uvtool import Progress
from suites.interface import CallFailed, DriverFault

READY = "ready"
NOT_PROVISIONED = "not provisioned"
UNAVAILABLE = "unavailable"
START_SECONDS = 60.0


@dataclass(frozen=True)
class Provided:
    """A runtime that can be started: its driver's command, and variables for it over the harness's own.

    ``version`` is what the runtime says of itself; ``origin`` says in words where it comes from.
    """

    command: list[str]
    env: dict[str, str]
    version: str
    origin: str


@dataclass(frozen=True)
class Status:
    """How a runtime stands on this machine: ``ready``, ``not provisioned`` or ``unavailable``."""

    state: str
    reason: str
    remedy: str
    origin: str


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

    `offline` keeps uv from the network whatever ``UV_OFFLINE`` says; `fresh` makes the environment anew;
    `progress` is told in words what happens when this takes time. Raises `Unavailable`, and `UserError` for
    an unknown variant.
    """
    manifest.check_variant(variant)
    if not isinstance(manifest.environment, Packages):
        return _provide_program(manifest, variant, version)
    wanted = _recipe(manifest, variant, version)

    def accept(made: Environment) -> None:
        said = _version_of(_command(manifest, wanted, made), manifest, variant)
        _check_version(said, wanted.version, wanted.again)

    made = recipe.make(wanted, accept, offline=bool(offline), fresh=fresh, progress=progress)
    command = _command(manifest, wanted, made)
    return Provided(command, dict(manifest.env), wanted.version, _origin(manifest, wanted, made))


def status(manifest: Manifest, variant: str | None = None, version: str | None = None) -> Status:
    """How a runtime stands here. Installs and starts nothing. Raises `UserError` for an unknown variant."""
    manifest.check_variant(variant)
    program = manifest.environment
    if not isinstance(program, Packages):
        path = shutil.which(program.name)
        if path is None:
            return Status(UNAVAILABLE, f"{program.name} is not on PATH", program.remedy, program.name)
        return Status(READY, "", "", path)
    wanted = _recipe(manifest, variant, version)
    found = recipe.look(wanted)
    if found is not None:
        return Status(READY, "", "", _origin(manifest, wanted, found))
    failure = recipe.last_failure(wanted)
    if failure is not None:
        return Status(UNAVAILABLE, failure.reason, failure.remedy, _origin(manifest, wanted))
    return Status(NOT_PROVISIONED, "", wanted.again, _origin(manifest, wanted))


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
    wanted = Recipe(name, _pinned(requirements[0]), tuple(requirements), python, bytecode=False)
    return recipe.make(wanted, offline=bool(offline), progress=progress).site


def installed() -> Iterator[RuntimeName]:
    """The runtimes whose environments are in the cache folder, each with its version."""
    for notes in recipe.all_notes():
        if "runtime" in notes:
            yield RuntimeName(*notes["runtime"])


def spelled(manifest: Manifest, variant: str | None, version: str | None) -> str:
    """The runtime as a user names it on the command line."""
    name = manifest.name if manifest.folder.parent == ROOM else str(manifest.folder)
    return str(RuntimeName(name, variant, version))


def _recipe(manifest: Manifest, variant: str | None, version: str | None) -> Recipe:
    packages = manifest.environment
    assert isinstance(packages, Packages)
    assert manifest.version is not None
    chosen = version or manifest.version
    requirements = manifest.requirements(variant, chosen)
    is_default = requirements == manifest.requirements(None, manifest.version)
    return Recipe(
        name=manifest.name,
        version=chosen,
        requirements=requirements,
        python=packages.python,
        lock=packages.lock if is_default else None,
        bytecode=_uses_python(manifest),
        variant=variant or manifest.variant,
        again=f"python -m runtimes install {spelled(manifest, variant, version)}",
        notes={"runtime": [manifest.name, variant, chosen]} if manifest.folder.parent == ROOM else {},
    )


def _command(manifest: Manifest, wanted: Recipe, made: Environment) -> list[str]:
    places = {"folder": manifest.folder, "python": made.python, "site": made.site}
    return manifest.command(wanted.version, {name: str(place) for name, place in places.items()})


def _uses_python(manifest: Manifest) -> bool:
    return "{python}" in manifest.launch[0]


def _origin(manifest: Manifest, wanted: Recipe, made: Environment | None = None) -> str:
    installed = made.packages if made is not None else {}
    parts = []
    for text in wanted.requirements:
        requirement = Requirement(text)
        parts.append(f"{requirement.name} {installed.get(requirement.name) or _pinned(text, wanted.version)}")
    host = f" on {made.interpreter}" if made is not None and _uses_python(manifest) else ""
    return f"PyPI {', '.join(parts)}{host}"


def _pinned(requirement: str, otherwise: str = "any") -> str:
    for specifier in Requirement(requirement).specifier:
        if specifier.operator == "==":
            return specifier.version
    return otherwise


def _provide_program(manifest: Manifest, variant: str | None, version: str | None) -> Provided:
    program = manifest.environment
    assert not isinstance(program, Packages)
    path = shutil.which(program.name)
    if path is None:
        raise Unavailable(f"{program.name} is not on PATH", program.remedy)
    path = os.path.abspath(path)
    places: Mapping[str, str] = {"folder": str(manifest.folder), "program": path}
    command = manifest.command(version, places)
    said = _version_of(command, manifest, variant)
    wanted = version or manifest.version
    if wanted is not None:
        _check_version(said, wanted, f"put {program.name} {wanted} first on PATH")
    return Provided(command, dict(manifest.env), said, path)


def _version_of(command: list[str], manifest: Manifest, variant: str | None) -> str:
    """The version that the driver says its runtime has. Raises `Unavailable` where it does not start."""
    driver = Driver(command, label=manifest.name, env=manifest.env)
    try:
        return driver.start(variant or manifest.variant, None, timeout=START_SECONDS).runtime["version"]
    except (DriverFault, CallFailed, KeyError) as error:
        what = "it names no version" if isinstance(error, KeyError) else str(error)
        words = last_words(driver.take_stderr())
        raise Unavailable(
            f"the driver does not start: {what}{f' ({words})' if words else ''}", f"look at {manifest.folder}"
        ) from error
    finally:
        driver.close()


def _check_version(said: str, wanted: str, remedy: str) -> None:
    try:
        same = Version(said) == Version(wanted)
    except InvalidVersion:
        same = said == wanted
    if not same:
        raise Unavailable(f"the runtime says that it is version {said}, not {wanted}", remedy)
