r"""Provide a runtime: Python packages, an npm package, a driver that is built, or a program found on the machine.

What is installed counts only after the runtime's driver has started with it and said the version that was asked for.
That keeps packages out that install but don't work, such as wasmer's on CPython 3.11 and later, which only raises
ImportError.

The hashes of Python packages in the default versions are beside the manifests. After a change of version, from the
repository's folder::

    echo wasmtime==50.0.1 | uv pip compile --generate-hashes --no-header --no-emit-index-url --no-annotate \
        --universal --quiet -o runtimes/wasmtime/requirements.txt -
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from linmem import paths
from linmem.cache import cache_dir
from linmem.drivers.client import Driver
from linmem.errors import Unavailable, last_words
from linmem.protocol import CallFailed, DriverFault
from linmem.provision import building, cargo, gotool, maven, npm, recipe
from linmem.provision.building import BuildTool, SourceRecipe
from linmem.provision.folders import failure_in, notes_in
from linmem.provision.local import local
from linmem.provision.manifest import Absent, Manifest, NpmPackages, Packages, Sources, SystemProgram
from linmem.provision.names import RuntimeName
from linmem.provision.npm import NpmRecipe
from linmem.provision.recipe import PythonEnvironment, Recipe
from linmem.provision.uvtool import Progress
from linmem.results import means

READY = "ready"
NOT_PROVISIONED = "not provisioned"
UNAVAILABLE = "unavailable"
START_SECONDS = 60.0


@dataclass(frozen=True)
class Provided:
    """A runtime that can be started: its driver's command, and variables for it besides the harness's own.

    ``version`` is what the runtime says of itself; ``origin`` says in words where it comes from. ``forks``: the driver
    can be forked after it has imported the runtime.
    """

    command: list[str]
    env: dict[str, str]
    version: str
    origin: str
    forks: bool = False


@dataclass(frozen=True)
class Status:
    """Whether a runtime can be used on this machine: ``state`` is `READY`, `NOT_PROVISIONED` or `UNAVAILABLE`."""

    state: str
    reason: str
    remedy: str
    origin: str


def provide(
    manifest: Manifest,
    variant: str | None = None,
    version: str | None = None,
    *,
    offline: bool = False,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Provided:
    """Make a runtime ready to start. None stands for the manifest's default variant and version.

    `offline` keeps uv and npm from the network whatever their settings say; `fresh` makes the environment again;
    `progress` is called with what happens when this takes time. Raises `Unavailable`, and `UserError` for an unknown
    variant and for a version that the driver does not support.
    """
    manifest.check_variant(variant)
    manifest.check_version(version)
    if isinstance(manifest.environment, SystemProgram):
        return _provide_program(manifest, manifest.environment, variant, version)
    wanted = _recipe(manifest, variant, version)

    def accept(made: PythonEnvironment | Path, variant: str | None = variant) -> None:
        if progress is not None:
            progress("starting its driver to see that it works")
        said = _version_said(_command(manifest, wanted, made), manifest, variant)
        _check_version(said, wanted.version, _install_command(manifest, variant, version))

    made: PythonEnvironment | Path
    if isinstance(wanted, SourceRecipe):
        made = wanted.make(lambda made: accept(made, None), offline=offline, fresh=fresh, progress=progress)
        if variant is not None and not wanted.accepted(variant):
            accept(made)
            wanted.accept(variant)
    else:
        made = wanted.make(accept, offline=offline, fresh=fresh, progress=progress)
    command = _command(manifest, wanted, made)
    origin = _origin(manifest, wanted, made)
    return Provided(command, dict(manifest.env), wanted.version, origin, manifest.forks)


def status(manifest: Manifest, variant: str | None = None, version: str | None = None) -> Status:
    """Whether a runtime can be used here. Installs and starts nothing. Raises `UserError` as `provide` does."""
    manifest.check_variant(variant)
    manifest.check_version(version)
    environment = manifest.environment
    if isinstance(environment, SystemProgram):
        path = environment.find(manifest.folder)
        if path is None:
            return Status(UNAVAILABLE, environment.absence, environment.remedy, environment.name)
        return Status(READY, "", "", path)
    try:
        wanted = _recipe(manifest, variant, version)
    except Unavailable as none:
        origin = "npm" if isinstance(environment, NpmPackages) else getattr(environment, "tool", "")
        return Status(UNAVAILABLE, none.reason, none.remedy, origin)
    found = wanted.find()
    if found is not None:
        return Status(READY, "", "", _origin(manifest, wanted, found))
    failure = failure_in(wanted.folder)
    if failure is not None:
        return Status(UNAVAILABLE, failure.reason, failure.remedy, _origin(manifest, wanted))
    return Status(NOT_PROVISIONED, "", _install_command(manifest, variant, version), _origin(manifest, wanted))


def installed() -> Iterator[RuntimeName]:
    """The runtimes of linmem's own that are in the cache folder, each with its version."""
    for place in (recipe.FOLDER, npm.FOLDER, building.FOLDER):
        for notes in notes_in(cache_dir() / place):
            if "runtime" in notes:
                yield RuntimeName(*notes["runtime"])


def tool_for(sources: Sources) -> BuildTool:
    """The tool on this machine that builds a driver. Raises `Unavailable` where there is none that can."""
    if sources.tool == "cargo":
        return cargo.find(sources)
    return gotool.find(sources) if sources.tool == "go" else maven.find(sources)


def machine_lacks(manifest: Manifest) -> bool:
    """Whether a runtime depends on what linmem can't provide, and that is not there: a program, a compiler."""
    if isinstance(manifest.environment, Sources):
        try:
            tool_for(manifest.environment)
        except Unavailable:
            return True
        return False
    return isinstance(manifest.environment, Absent | SystemProgram)


def _recipe(manifest: Manifest, variant: str | None, version: str | None) -> Recipe | NpmRecipe | SourceRecipe:
    """What to install for a runtime. Raises `Unavailable` where there is nothing for this platform."""
    environment = manifest.environment
    if isinstance(environment, Absent):
        raise Unavailable(environment.reason, environment.remedy)
    assert isinstance(environment, NpmPackages | Packages | Sources)
    assert manifest.version is not None
    chosen = version or manifest.version
    notes = {"runtime": [manifest.name, variant, chosen]} if _is_own(manifest) else {}
    if isinstance(environment, NpmPackages):
        package = npm.package_of(environment, manifest)
        return NpmRecipe(package.name, chosen, package.integrity if chosen == manifest.version else None, notes)
    if isinstance(environment, Sources):
        return SourceRecipe(
            manifest.name,
            chosen,
            manifest.folder,
            environment,
            tool_for(environment),
            locked=chosen == manifest.version,
            again=_install_command(manifest, variant, version),
            notes=notes,
        )
    requirements = manifest.requirements(variant, chosen)
    remedy = f"'linmem runtimes versions {_spelled(manifest)}' lists the versions; choose one, or check the network"
    return Recipe(
        name=manifest.name,
        version=chosen,
        requirements=requirements,
        python=environment.python,
        lock=environment.lock if requirements == manifest.requirements(None, manifest.version) else None,
        bytecode=_uses_python(manifest),
        variant=variant or manifest.variant,
        again=_install_command(manifest, variant, version),
        remedy=manifest.remedy_for(variant, remedy if version else Recipe.remedy),
        notes=notes,
    )


def _command(
    manifest: Manifest, wanted: Recipe | NpmRecipe | SourceRecipe, made: PythonEnvironment | Path
) -> list[str]:
    places: dict[str, Path | str]
    if isinstance(wanted, SourceRecipe):
        places = wanted.places()
    elif isinstance(made, Path):
        places = {"package": made}
    else:
        places = {"python": made.python, "bin": made.python.parent, "site": made.site}
    return manifest.command(wanted.version, {"folder": manifest.folder, **places})


def _origin(
    manifest: Manifest,
    wanted: Recipe | NpmRecipe | SourceRecipe,
    made: PythonEnvironment | Path | None = None,
) -> str:
    if isinstance(wanted, NpmRecipe | SourceRecipe):
        return str(wanted) if isinstance(wanted, SourceRecipe) else f"npm {wanted}"
    environment = made if isinstance(made, PythonEnvironment) else None
    published, here = [], []
    places = local(wanted.requirements)
    for requirement in map(Requirement, wanted.requirements):
        pinned = [item.version for item in requirement.specifier if item.operator == "=="]
        found = environment.packages.get(requirement.name) if environment is not None else None
        name = f"{requirement.name} {found or (pinned or [wanted.version])[0]}"
        if requirement.name in places:
            mark = wanted.content[requirement.name][:12]
            here.append(f"{name} from {paths.shown(places[requirement.name])} (SHA-256 {mark}…)")
        else:
            published.append(name)
    origins = [*([f"PyPI {', '.join(published)}"] if published else []), *here]
    host = f" on {environment.interpreter}" if environment is not None and _uses_python(manifest) else ""
    return f"{', '.join(origins)}{host}"


def _uses_python(manifest: Manifest) -> bool:
    return "{python}" in manifest.launch[0]


def _provide_program(manifest: Manifest, program: SystemProgram, variant: str | None, version: str | None) -> Provided:
    found = program.find(manifest.folder)
    if found is None:
        raise Unavailable(program.absence, program.remedy)
    path = os.path.abspath(found)
    command = manifest.command(version, {"folder": manifest.folder, "program": path, "python": sys.executable})
    said = _version_said(command, manifest, variant)
    wanted = version or manifest.version
    if wanted is not None:
        _check_version(said, wanted, f"put {program.name} {wanted} first on PATH")
    return Provided(command, dict(manifest.env), said, path, manifest.forks)


def _is_own(manifest: Manifest) -> bool:
    return manifest.folder.parent == paths.RUNTIMES


def _spelled(manifest: Manifest, variant: str | None = None, version: str | None = None) -> str:
    """The runtime as a user names it on the command line."""
    return str(RuntimeName(manifest.name if _is_own(manifest) else str(manifest.folder), variant, version))


def _install_command(manifest: Manifest, variant: str | None, version: str | None) -> str:
    return f"linmem runtimes install {_spelled(manifest, variant, version)}"


def _version_said(command: list[str], manifest: Manifest, variant: str | None) -> str:
    """The version that the driver says its runtime has. Raises `Unavailable` where it does not start."""
    driver = Driver(command, label=manifest.name, env=manifest.env)
    try:
        return driver.start(variant or manifest.variant, None, timeout=START_SECONDS).runtime["version"]
    except (DriverFault, CallFailed, KeyError) as error:
        what = "it names no version" if isinstance(error, KeyError) else str(error)
        words = last_words(driver.take_stderr())
        reason = f"the driver does not start: {what}{f' ({words})' if words else ''}{means.tight()}"
        raise Unavailable(reason, manifest.remedy_for(variant, f"look at {manifest.folder}")) from error
    finally:
        driver.close()


def _check_version(said: str, wanted: str, remedy: str) -> None:
    """Raise `Unavailable` where the runtime says another version than the one that was asked for."""
    try:
        same = Version(said) == Version(wanted)
    except InvalidVersion:
        same = said == wanted
    if not same:
        raise Unavailable(f"the runtime says that it is version {said}, not {wanted}", remedy)
