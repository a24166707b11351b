"""Published modules: ``packages.yaml``, and how they come into the cache.

`linmem.provision.npm` fetches a package and checks its checksum. What is in the cache needs no network.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path

import msgspec

from linmem import paths
from linmem.errors import Unavailable, UserError, unknown
from linmem.guests.program import read_yaml
from linmem.provision.npm import NpmRecipe
from linmem.provision.uvtool import Progress

PATH = paths.FIXTURES / "packages.yaml"
LABEL = "npm"  # the guest's, in items' ids and after --guest


class Package(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A module in an npm package. ``integrity`` is the archive's; ``module`` and ``glue`` are paths within it."""

    title: str
    about: str
    npm: str
    version: str
    integrity: str
    module: str
    licence: str
    homepage: str
    glue: str | None = None
    name: str = ""

    @property
    def origin(self) -> str:
        """The package and its version, as reports name it."""
        return f"{self.npm} {self.version}"

    @property
    def _recipe(self) -> NpmRecipe:
        return NpmRecipe(self.npm, self.version, self.integrity)

    def folder(self) -> Path | None:
        """Its folder in the cache; None where it is not there."""
        return self._recipe.find()

    def fetch(self, progress: Progress | None = None) -> Path:
        """Its folder in the cache, fetched if need be. Raises `Unavailable`."""
        return self._recipe.make(progress=progress)


@functools.cache
def packages() -> dict[str, Package]:
    """Every package that scenarios may name. Raises `UserError` for a list that can't be read."""
    return read_packages(PATH)


def find_package(name: str) -> Package:
    """The package of this name. Raises `UserError`, with the nearest name there is."""
    try:
        return packages()[name]
    except KeyError:
        raise UserError(unknown("package", name, sorted(packages()), PATH.name)) from None


def read_packages(path: Path) -> dict[str, Package]:
    """Read a list of packages. Raises `UserError` naming the file."""
    found = read_yaml(path, dict[str, Package])
    return {name: msgspec.structs.replace(package, name=name) for name, package in found.items()}


def fetch_all(wanted: Iterable[Package], progress: Progress | None = None) -> dict[str, Unavailable]:
    """Fetch what is not in the cache; what is not available, by name, and why.

    npm takes long to give up on a network that is not there, so after one failure no other package is tried.
    """
    missing: dict[str, Unavailable] = {}
    for package in wanted:
        if package.folder() is not None:
            continue
        if missing:
            first = next(iter(missing.values()))
            missing[package.name] = Unavailable(f"not tried, because {first.reason}", first.remedy)
            continue
        try:
            package.fetch(progress)
        except Unavailable as error:
            missing[package.name] = error
    return missing
