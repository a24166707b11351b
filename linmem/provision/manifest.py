"""Manifests: what ``runtimes/<name>/runtime.yaml`` says of a runtime. Reading one starts nothing.

Its form is what ``linmem schema runtime`` prints. Adding a runtime is adding a folder: nothing lists them.
"""

from __future__ import annotations

import fnmatch
import functools
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, get_type_hints

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from linmem import paths
from linmem.drivers.client import ViewKind
from linmem.errors import UserError, nearest
from linmem.provision.local import absolute
from linmem.provision.manifest_rules import PLACEHOLDER, faults, taken_apart
from linmem.scenario import source as yamlsource
from linmem.schema import line_of

FILE = "runtime.yaml"


@dataclass(frozen=True)
class Packages:
    """An environment of Python packages: the CPython versions it allows and its requirements.

    ``{version}`` in a requirement is replaced by the runtime's version. ``lock`` applies to the defaults.
    """

    python: str
    requirements: tuple[str, ...]
    lock: Path | None = None


@dataclass(frozen=True)
class NpmPackage:
    """One package of the npm registry. ``integrity`` is the default version's checksum; None: npm's word must do."""

    name: str
    integrity: str | None = None


@dataclass(frozen=True)
class NpmPackages:
    """A package of the npm registry for each platform, as `npm.platform_name` calls them; ``any`` is for the rest."""

    packages: Mapping[str, NpmPackage]


@dataclass(frozen=True)
class SystemProgram:
    """A program looked for on PATH, and what to tell a user who lacks it.

    A ``name`` that begins with ``./`` is a file beside the manifest.
    """

    name: str
    remedy: str = ""

    def find(self, folder: Path) -> str | None:
        """Its path, or None where there is no such program; ``folder`` is the manifest's."""
        return shutil.which(str(folder / self.name) if self.name.startswith("./") else self.name)

    @property
    def absence(self) -> str:
        """What is wrong where it is not found."""
        return f"{self.name} is not there yet" if self.name.startswith("./") else f"{self.name} is not on PATH"


@dataclass(frozen=True)
class Sources:
    """A driver that is built from the manifest's folder by ``tool``: ``cargo``, ``go`` or ``maven``.

    ``packages`` are those of the tool's registry that have the runtime's version. ``kit`` names a folder of
    ``runtimes/kits`` that is built with it, ``local`` are further folders. ``toolchain`` are the versions of the
    compiler that do, ``cgo`` says whether a C compiler is needed too.
    """

    tool: str
    packages: tuple[str, ...]
    kit: str | None = None
    local: tuple[Path, ...] = ()
    toolchain: SpecifierSet = field(default_factory=SpecifierSet)
    cgo: bool = False


@dataclass(frozen=True)
class Absent:
    """A runtime that linmem can't provide: it is listed with the reason, so that users need not search for it."""

    reason: str
    remedy: str


Environment: TypeAlias = Packages | NpmPackages | Sources | SystemProgram | Absent


@dataclass(frozen=True)
class Variant:
    """One way to set a runtime up.

    ``requirements`` come on top of the environment's. ``remedy`` is what a user can do where it does not start.
    """

    about: str
    requirements: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True)
class Special:
    """What differs for one version; None where nothing does."""

    requirements: tuple[str, ...] | None = None
    launch: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Slow:
    """What takes a runtime minutes, and why.

    ``scenarios`` are patterns of ``suite.yaml::scenario``; ``guests`` and ``variants`` are names. What is empty covers
    all.
    """

    reason: str
    scenarios: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()

    def covers(self, scenario: str, guest: str | None, variant: str | None) -> bool:
        """Whether it covers this scenario (``suite.yaml::slug``) with this guest on this variant."""
        return (
            (not self.variants or variant in self.variants)
            and (not self.guests or guest in self.guests)
            and (not self.scenarios or any(fnmatch.fnmatchcase(scenario, pattern) for pattern in self.scenarios))
        )


@dataclass(frozen=True)
class Manifest:
    """One runtime. ``version`` and ``variant`` are the defaults; None: known only to the program, or none.

    ``engine`` and ``api`` are what it shares with other runtimes: the engine inside, and the host API.
    ``default`` says whether a run plays it that names no runtime; ``also`` which others of its versions and variants
    ``--runtime all`` plays. ``supported`` are the versions that the driver copes with. ``peculiar`` says of questions
    of ``linmem runtimes check`` why the runtime answers them otherwise, ``slow`` what takes it minutes. ``forks``: its
    driver uses the Python kit, and the library can be forked when it has been imported.
    """

    folder: Path
    name: str
    title: str
    homepage: str
    environment: Environment
    engine: str = ""
    api: str = ""
    launch: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None
    versions: Mapping[str, Special] = field(default_factory=dict)
    variant: str | None = None
    variants: Mapping[str, Variant] = field(default_factory=dict)
    views: tuple[ViewKind, ...] = ()
    glue: tuple[str, ...] = ()
    default: bool = False
    also: tuple[tuple[str | None, str | None], ...] = ()  # (variant, version)
    supported: SpecifierSet = field(default_factory=SpecifierSet)
    remedy: str = ""
    peculiar: Mapping[str, str] = field(default_factory=dict)
    slow: tuple[Slow, ...] = ()
    forks: bool = False

    def check_version(self, version: str | None) -> None:
        """Raise `UserError` where the driver does not cope with the version. None is always right."""
        if version is None or not len(self.supported):
            return
        try:
            copes = self.supported.contains(Version(version), prereleases=True)
        except InvalidVersion:
            copes = False
        if not copes:
            raise UserError(f"{self.name}'s driver copes with versions {self.supported}, not with {version}")

    def check_variant(self, variant: str | None) -> None:
        """Raise `UserError` where the runtime has no such variant. None is always right."""
        if variant is None or variant in self.variants:
            return
        if not self.variants:
            raise UserError(f"{self.name} has no variants, so '{self.name}:{variant}' names nothing")
        raise UserError(f"{self.name} has no variant '{variant}'; {nearest(variant, self.variants)}")

    def requirements(self, variant: str | None, version: str) -> tuple[str, ...]:
        """The packages' requirements for a version, filled in; paths of local packages are absolute."""
        assert isinstance(self.environment, Packages)
        special = self.versions.get(version)
        wanted = self.environment.requirements
        if special is not None and special.requirements is not None:
            wanted = special.requirements
        variant = variant or self.variant
        if variant is not None:
            wanted += self.variants[variant].requirements
        return tuple(absolute(item.replace("{version}", version), self.folder) for item in wanted)

    def remedy_for(self, variant: str | None, otherwise: str) -> str:
        """What a user can do where the runtime can't be installed or does not start: the manifest's advice, or
        `otherwise`.
        """
        chosen = self.variants.get(variant or self.variant or "")
        return (chosen.remedy if chosen is not None else "") or self.remedy or otherwise

    def command(self, version: str | None, places: Mapping[str, str | Path]) -> list[str]:
        """The launch command for a version, its placeholders replaced by `places`."""
        special = self.versions.get(version) if version is not None else None
        launch = special.launch if special is not None and special.launch is not None else self.launch
        return [PLACEHOLDER.sub(lambda match: str(places[match[1]]), part) for part in launch]


def load_manifest(name_or_folder: str | Path) -> Manifest:
    """A runtime's manifest, by name, or by the path of its folder (a string with a ``/``, or a `Path`).

    Raises `UserError` for an unknown runtime and for a manifest that is not right.
    """
    if isinstance(name_or_folder, Path) or os.sep in name_or_folder:
        folder = Path(name_or_folder).absolute()
        if not (folder / FILE).is_file():
            what = f"there is no {FILE} in this folder" if folder.is_dir() else "there is no such folder"
            raise UserError(f"{name_or_folder}: {what}")
        return _load(folder)
    known = _folders()
    if name_or_folder not in known:
        raise UserError(f"there is no runtime '{name_or_folder}'; {nearest(name_or_folder, known)}")
    return _load(known[name_or_folder])


def all_manifests() -> list[Manifest]:
    """The manifests of all runtimes that come with linmem, by name. Raises `UserError` where one is not right."""
    return [_load(folder) for folder in _folders().values()]


def all_view_kinds(further: Iterable[Manifest] = ()) -> dict[str, set[str]] | None:
    """The memory types of every view kind of the runtimes that come with linmem and of `further` ones.

    None where a further manifest does not say its kinds: then any may exist. Raises `UserError`.
    """
    own = {manifest.folder: manifest for manifest in all_manifests()}
    others = [manifest for manifest in further if manifest.folder not in own]
    if not all(manifest.views for manifest in others):
        return None
    kinds: dict[str, set[str]] = {}
    for manifest in (*own.values(), *others):
        for view in manifest.views:
            kinds.setdefault(view.kind, set()).update(view.types)
    return kinds


def _folders() -> dict[str, Path]:
    return {path.parent.name: path.parent for path in sorted(paths.RUNTIMES.glob(f"*/{FILE}"))}


def _load(folder: Path) -> Manifest:
    try:
        found = (folder / FILE).stat()
    except OSError:
        return _read(folder, ())  # which says what is wrong
    return _read(folder, (found.st_ino, found.st_size, found.st_mtime_ns))


@functools.cache
def _read(folder: Path, state: tuple[int, ...]) -> Manifest:
    """The manifest in a folder, read once for each state of the file: a run asks for all of them several times."""
    path = folder / FILE
    try:
        data = yamlsource.read(path, paths.shown(path))
    except yamlsource.SourceError as error:
        raise UserError(str(error)) from None
    found = [f"{paths.shown(path)}:{line_of(data, fault.path)}: {fault.message}" for fault in faults(folder, data)]
    if found:
        raise UserError("\n".join(found))
    return _build(folder, data)


def _build(folder: Path, data: dict[str, Any]) -> Manifest:
    """The manifest of data without faults."""
    types = get_type_hints(Manifest)
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key == "environment":
            values[key] = _environment(folder, value)
        elif key == "also":
            values[key] = tuple(map(taken_apart, value))
        else:
            values[key] = msgspec.convert(value, types[key], dec_hook=lambda kind, text: kind(text))
    return Manifest(folder=folder, **{"engine": data["title"], "api": data["title"], **values})


def _environment(folder: Path, data: dict[str, Any]) -> Environment:
    ((kind, given),) = data.items()
    types = {"pip": Packages, "npm": NpmPackages, "program": SystemProgram, "absent": Absent}

    def convert(kind: Any, text: str) -> Any:
        return Path(os.path.abspath(folder / text)) if kind is Path else kind(text)

    found: Environment
    given = given if kind in types else {"tool": kind, **given}
    found = msgspec.convert(given, types.get(kind, Sources), dec_hook=convert)
    return found
