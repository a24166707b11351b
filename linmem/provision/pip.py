r"""Runtimes that are Python packages, each in an environment of its own that uv makes on first use.

A new environment counts only after the runtime's driver has started in it and said the version that was asked for. That
keeps packages out that install but don't work, such as wasmer's on CPython 3.11 and later, which only raises
ImportError.

The hashes of the default versions stand beside the manifests. After a change of version, from the repository's folder::

    echo wasmtime==50.0.1 | uv pip compile --generate-hashes --no-header --no-emit-index-url --no-annotate \
        --universal --quiet -o runtimes/wasmtime/requirements.txt -
"""

from __future__ import annotations

from packaging.requirements import Requirement

from linmem.provision import recipe
from linmem.provision.manifest import Manifest, Packages
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
    versions_command,
)
from linmem.provision.recipe import PythonEnvironment, Recipe
from linmem.provision.uvtool import Progress


def provide(
    manifest: Manifest,
    variant: str | None,
    version: str | None,
    *,
    offline: bool,
    fresh: bool,
    progress: Progress | None,
) -> Provided:
    """As `environments.provide`, which see."""
    wanted = _recipe(manifest, variant, version)

    def accept(made: PythonEnvironment) -> None:
        said = version_of(_command(manifest, wanted, made), manifest, variant)
        check_version(said, wanted.version, wanted.again)

    made = recipe.make(wanted, accept, offline=offline, fresh=fresh, progress=progress)
    command = _command(manifest, wanted, made)
    return Provided(command, dict(manifest.env), wanted.version, _origin(manifest, wanted, made))


def status(manifest: Manifest, variant: str | None, version: str | None) -> Status:
    """As `environments.status`, which see."""
    wanted = _recipe(manifest, variant, version)
    found = recipe.look(wanted)
    if found is not None:
        return Status(READY, "", "", _origin(manifest, wanted, found))
    failure = recipe.last_failure(wanted)
    if failure is not None:
        return Status(UNAVAILABLE, failure.reason, failure.remedy, _origin(manifest, wanted))
    return Status(NOT_PROVISIONED, "", wanted.again, _origin(manifest, wanted))


def _recipe(manifest: Manifest, variant: str | None, version: str | None) -> Recipe:
    packages = manifest.environment
    assert isinstance(packages, Packages)
    assert manifest.version is not None
    chosen = version or manifest.version
    remedy = f"'{versions_command(manifest)}' lists the versions; choose one, or check the network"
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
        again=install_command(manifest, variant, version),
        remedy=manifest.remedy(variant, remedy if version else Recipe.remedy),
        notes=notes(manifest, variant, chosen),
    )


def _command(manifest: Manifest, wanted: Recipe, made: PythonEnvironment) -> list[str]:
    places = {"folder": manifest.folder, "python": made.python, "bin": made.python.parent, "site": made.site}
    return manifest.command(wanted.version, {name: str(place) for name, place in places.items()})


def _uses_python(manifest: Manifest) -> bool:
    return "{python}" in manifest.launch[0]


def _origin(manifest: Manifest, wanted: Recipe, made: PythonEnvironment | None = None) -> str:
    installed = made.packages if made is not None else {}
    parts = []
    for text in wanted.requirements:
        requirement = Requirement(text)
        parts.append(f"{requirement.name} {installed.get(requirement.name) or pinned(text, wanted.version)}")
    host = f" on {made.interpreter}" if made is not None and _uses_python(manifest) else ""
    return f"PyPI {', '.join(parts)}{host}"


def pinned(requirement: str, otherwise: str = "any") -> str:
    """The version that a requirement pins with ``==``."""
    for specifier in Requirement(requirement).specifier:
        if specifier.operator == "==":
            return specifier.version
    return otherwise
