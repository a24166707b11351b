"""What may be wrong with a manifest: what its schema finds, and what no schema can say."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from linmem.scenario.schema import describe

SCHEMA = Path(__file__).with_name("runtime.schema.json")
PLACEHOLDER = re.compile(r"\{(\w+)\}")
_WORDS = {"object": "a mapping", "array": "a list", "string": "text", "boolean": "true or false"}

#: What a launch command may name besides the manifest's folder, by kind of environment.
PLACES: Mapping[str, Sequence[str]] = {
    "pip": ("python", "bin", "site"),
    "npm": ("package",),
    "program": ("program", "python"),
}

Where = tuple[str | int, ...]
Problem = tuple[Where, str]


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def problems(folder: Path, data: Any) -> list[Problem]:
    """What is wrong with the data of a manifest in `folder`: each fault with the keys that lead to it."""
    return [*_broken_rules(data)] or [*_contradictions(folder, data)]


def choices(wrong: str, known: Mapping[str, Any]) -> str:
    """The end of a message about an unknown name: the nearest one and all there are."""
    near = difflib.get_close_matches(wrong, known, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return f"{hint} (known: {', '.join(known)})"


def taken_apart(further: str) -> tuple[str | None, str | None]:
    """Variant and version of an entry of ``also``: ``:variant``, ``@version`` or ``:variant@version``."""
    variant, _, version = further.removeprefix(":").partition("@")
    return variant or None, version or None


def _broken_rules(data: Any) -> Iterator[Problem]:
    """What the schema finds."""
    for error in _validator().iter_errors(data):
        where = tuple(error.absolute_path)
        yield from _explain(error, where)


def _explain(error: jsonschema.ValidationError, where: Where) -> Iterator[Problem]:
    place = f"'{where[-1]}'" if where and isinstance(where[-1], str) else "this"
    rule: Any = error.validator_value
    schema: Any = error.schema
    found: Any = error.instance
    if error.validator == "additionalProperties":
        known = schema.get("properties", {})
        for key in found:
            if key not in known:
                yield (*where, key), f"unknown key '{key}'{choices(key, known)}"
    elif error.validator == "required":
        missing = next(key for key in rule if error.message.startswith(f"'{key}'"))
        yield where, f"{place if where else 'the manifest'} needs the key '{missing}'"
    elif error.validator == "type":
        hint = "; put it in quotes" if rule == "string" and isinstance(found, int | float) else ""
        yield where, f"{place} must be {_WORDS[rule]}, found {describe(found)}{hint}"
    elif error.validator == "enum":
        yield where, f"{describe(found)} is none of {', '.join(map(str, rule))}"
    elif error.validator in ("maxProperties", "minProperties"):
        choice = f"hold one of {', '.join(schema['properties'])}" if "properties" in schema else "not be empty"
        yield where, f"{place} must {choice}"
    elif error.validator == "pattern":
        yield where, f"{place} can't be {describe(found)}; it must match {rule}"
    elif error.validator in ("minItems", "minLength"):
        yield where, f"{place} must not be empty"
    else:
        yield where, f"{place}: {error.message}"


def _contradictions(folder: Path, data: dict[str, Any]) -> Iterator[Problem]:
    """What no schema can say: things that must fit each other."""
    if data["name"] != folder.name:
        yield ("name",), f"the name is '{data['name']}', but the folder is called '{folder.name}'"
    packages = data["environment"].get("pip")
    (kind,) = data["environment"]
    if kind == "absent":
        return
    places = {"folder", *PLACES[kind]}
    yield from (((), f"the manifest needs the key '{key}'") for key in ("launch", "views") if key not in data)
    yield from _unknown_places(("launch",), data.get("launch", ()), places)
    for version, entry in data.get("versions", {}).items():
        yield from _unknown_places(("versions", version, "launch"), entry.get("launch", ()), places)
        yield from _bad_requirements(("versions", version, "requirements"), entry.get("requirements", ()))
    for variant, entry in data.get("variants", {}).items():
        yield from _bad_requirements(("variants", variant, "requirements"), entry.get("requirements", ()))
    if "variant" in data and data["variant"] not in data.get("variants", {}):
        yield (
            ("variant",),
            f"'{data['variant']}' is not among 'variants'{choices(data['variant'], data.get('variants', {}))}",
        )
    yield from _unknown_further(data)
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


def _bad_packages(folder: Path, data: dict[str, Any], packages: dict[str, Any]) -> Iterator[Problem]:
    here = ("environment", "pip")
    yield from _bad_requirements((*here, "requirements"), packages["requirements"])
    try:
        SpecifierSet(packages["python"])
    except InvalidSpecifier:
        yield (*here, "python"), f"{packages['python']!r} is not a version specifier, like '>=3.8,<3.11'"
    if "lock" in packages and not (folder / packages["lock"]).is_file():
        yield (*here, "lock"), f"there is no file {packages['lock']} beside the manifest"


def _unknown_further(data: dict[str, Any]) -> Iterator[Problem]:
    variants = data.get("variants", {})
    for index, text in enumerate(data.get("also", ())):
        variant, _ = taken_apart(text)
        if variant is not None and variant not in variants:
            yield ("also", index), f"'{variant}' is not among 'variants'{choices(variant, variants)}"


def _unknown_places(where: Where, launch: Sequence[str], places: set[str]) -> Iterator[Problem]:
    for index, part in enumerate(launch):
        for place in PLACEHOLDER.findall(part):
            if place not in places:
                known = ", ".join(f"{{{name}}}" for name in sorted(places))
                yield (*where, index), f"unknown placeholder {{{place}}} (known here: {known})"


def _bad_requirements(where: Where, requirements: Sequence[str]) -> Iterator[Problem]:
    for index, text in enumerate(requirements):
        try:
            Requirement(text.replace("{version}", "1"))
        except InvalidRequirement:
            yield (*where, index), f"{text!r} is not a requirement, like 'wasmtime=={{version}}'"
