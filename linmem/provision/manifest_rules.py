"""What may be wrong with a manifest: what its schema finds, and what no schema can say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from linmem.errors import nearest
from linmem.schema import Fault, Keys, Schema

SCHEMA = Schema(Path(__file__).with_name("runtime.schema.json"), {"views": "a view"})
PLACEHOLDER = re.compile(r"\{(\w+)\}")

#: What a launch command may name besides the manifest's folder, by kind of environment.
PLACES: Mapping[str, Sequence[str]] = {
    "pip": ("python", "bin", "site"),
    "npm": ("package",),
    "cargo": ("program",),
    "go": ("program",),
    "maven": ("java", "classpath"),
    "program": ("program", "python"),
}


def faults(folder: Path, data: Any) -> list[Fault]:
    """What is wrong with the data of a manifest in `folder`."""
    return SCHEMA.faults(data, root="the manifest") or [Fault(*fault) for fault in _contradictions(folder, data)]


def taken_apart(further: str) -> tuple[str | None, str | None]:
    """Variant and version of an entry of ``also``: ``:variant``, ``@version`` or ``:variant@version``."""
    variant, _, version = further.removeprefix(":").partition("@")
    return variant or None, version or None


def _contradictions(folder: Path, data: dict[str, Any]) -> Iterator[tuple[Keys, str]]:
    """What no schema can say: things that must fit each other."""
    if data["name"] != folder.name:
        yield ("name",), f"the name is '{data['name']}', but the folder is called '{folder.name}'"
    packages = data["environment"].get("pip")
    (kind,) = data["environment"]
    if kind == "absent":
        return
    places = {"folder", *PLACES[kind]}
    yield from _unknown_places(("launch",), data.get("launch", ()), places)
    for version, entry in data.get("versions", {}).items():
        yield from _unknown_places(("versions", version, "launch"), entry.get("launch", ()), places)
        yield from _bad_requirements(("versions", version, "requirements"), entry.get("requirements", ()))
    for variant, entry in data.get("variants", {}).items():
        yield from _bad_requirements(("variants", variant, "requirements"), entry.get("requirements", ()))
    if "variant" in data and data["variant"] not in data.get("variants", {}):
        hint = nearest(data["variant"], data.get("variants", ()))
        yield ("variant",), f"'{data['variant']}' is not among 'variants'; {hint}"
    yield from _unknown_further(data)
    sources = data["environment"][kind]
    try:
        SpecifierSet(sources.get("toolchain", ""))
    except InvalidSpecifier:
        yield ("environment", kind, "toolchain"), f"{sources['toolchain']!r} is not a version specifier, like '>=1.85'"
    if "version" not in data and kind != "program":
        yield (), "the manifest needs the key 'version', because its packages have one"
    try:
        SpecifierSet(data.get("supported", ""))
    except InvalidSpecifier:
        yield ("supported",), f"{data['supported']!r} is not a version specifier, like '>=20,<60'"
    kinds = [view["kind"] for view in data.get("views", ())]
    for index, kind in enumerate(kinds):
        if kind in kinds[:index]:
            yield ("views", index), f"view kind '{kind}' stands here twice"
    if packages:
        yield from _bad_packages(folder, data, packages)


def _bad_packages(folder: Path, data: dict[str, Any], packages: dict[str, Any]) -> Iterator[tuple[Keys, str]]:
    here = ("environment", "pip")
    yield from _bad_requirements((*here, "requirements"), packages["requirements"])
    try:
        SpecifierSet(packages["python"])
    except InvalidSpecifier:
        yield (*here, "python"), f"{packages['python']!r} is not a version specifier, like '>=3.8,<3.11'"
    if "lock" in packages and not (folder / packages["lock"]).is_file():
        yield (*here, "lock"), f"there is no file {packages['lock']} beside the manifest"


def _unknown_further(data: dict[str, Any]) -> Iterator[tuple[Keys, str]]:
    variants = data.get("variants", {})
    for index, text in enumerate(data.get("also", ())):
        variant, _ = taken_apart(text)
        if variant is not None and variant not in variants:
            yield ("also", index), f"'{variant}' is not among 'variants'; {nearest(variant, variants)}"


def _unknown_places(where: Keys, launch: Sequence[str], places: set[str]) -> Iterator[tuple[Keys, str]]:
    for index, part in enumerate(launch):
        for place in PLACEHOLDER.findall(part):
            if place not in places:
                known = ", ".join(f"{{{name}}}" for name in sorted(places))
                yield (*where, index), f"unknown placeholder {{{place}}} (known here: {known})"


def _bad_requirements(where: Keys, requirements: Sequence[str]) -> Iterator[tuple[Keys, str]]:
    for index, text in enumerate(requirements):
        try:
            Requirement(text.replace("{version}", "1"))
        except InvalidRequirement:
            yield (*where, index), f"{text!r} is not a requirement, like 'wasmtime=={{version}}'"
