"""Which versions of a runtime there are: asked of the registry that it comes from, through the registry's own client.

pip is asked about Python packages (run by uv, on the interpreter that the runtime would get, so that versions without a
package for it are left out), npm, cargo, Go and Maven about their own. Pre-releases are left out. Answers are kept for
an hour, and used for longer where the registry can't be asked.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from linmem.cache import subfolder
from linmem.errors import Unavailable, UserError
from linmem.provision import interpreters
from linmem.provision.building import ToolFailed
from linmem.provision.environments import tool_for
from linmem.provision.folders import write
from linmem.provision.manifest import Manifest, NpmPackages, Packages, Sources
from linmem.provision.npm import NpmFailed, run_npm
from linmem.provision.npm import package_of as npm_package_of
from linmem.provision.uvtool import UvFailed, run_uv

FOLDER = "releases"
FRESH_SECONDS = 3600.0


def releases(manifest: Manifest) -> list[str]:
    """The versions that can be asked for and that the driver copes with, oldest first. Raises `Unavailable`."""
    known = {*_offered(manifest), *manifest.versions, *([manifest.version] if manifest.version else [])}
    return [str(version) for version in sorted(_versions(known)) if manifest.supported.contains(version)]


def within(manifest: Manifest, specifier: str) -> list[str]:
    """The versions in a range like ``>=45,<50``, oldest first. Raises `UserError` for one that holds none."""
    try:
        wanted = SpecifierSet(specifier)
    except InvalidSpecifier:
        raise UserError(
            f"{manifest.name}@{specifier}: {specifier!r} is no range of versions, like '>=45,<50'"
        ) from None
    try:
        known = releases(manifest)
    except Unavailable as problem:
        raise UserError(f"{manifest.name}@{specifier}: {problem}") from None
    found = [version for version in known if version in wanted]
    if not found:
        span = f"they go from {known[0]} to {known[-1]}" if known else "none is known"
        raise UserError(f"no version of {manifest.name} is {specifier} ({span}; see linmem runtimes versions)")
    return found


def _versions(texts: Iterable[str]) -> Iterable[Version]:
    for text in texts:
        try:
            version = Version(text)
        except InvalidVersion:
            continue
        if not version.is_prerelease:
            yield version


def _offered(manifest: Manifest) -> list[str]:
    """What the registry says, or said within the last hour."""
    environment = manifest.environment
    if isinstance(environment, Packages):
        name = Requirement(environment.requirements[0].replace("{version}", "1")).name
        kept = subfolder(FOLDER) / f"pypi-{name}.json"
    elif isinstance(environment, NpmPackages):
        name = npm_package_of(environment, manifest).name
        kept = subfolder(FOLDER) / f"npm-{name.replace('/', '+')}.json"
    elif isinstance(environment, Sources):
        name = environment.packages[0]
        kept = subfolder(FOLDER) / f"{environment.tool}-{re.sub('[^A-Za-z0-9.-]', '+', name)}.json"
    else:
        return []  # a program's version is the one that it has
    before = _kept(kept)
    if before is not None and time.time() - before["asked"] < FRESH_SECONDS:
        return list(before["versions"])
    try:
        found = _ask(environment, name)
    except (UvFailed, NpmFailed, ToolFailed, ValueError, KeyError) as error:
        if before is not None:
            return list(before["versions"])
        reason = f"can't ask which versions of {name} there are: {error}"
        raise Unavailable(reason, "check the network") from error
    write(kept, {"asked": time.time(), "versions": found})
    return found


def _ask(environment: Packages | NpmPackages | Sources, name: str) -> list[str]:
    if isinstance(environment, Packages):
        return _ask_pip(name, environment.python)
    if isinstance(environment, NpmPackages):
        return _ask_npm(name)
    return tool_for(environment).releases(name)


def _kept(path: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {"asked": float(data["asked"]), "versions": [str(version) for version in data["versions"]]}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _ask_pip(name: str, python: str) -> list[str]:
    interpreter = interpreters.find(python)
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL")
    pip = ["python", "-m", "pip", "index", "versions", name, "--json", "--disable-pip-version-check"]
    output = run_uv(
        ["run", "--isolated", "--no-project", "--python", interpreter.path, "--with", "pip", "--", *pip]
        + (["--index-url", index.partition("=")[2] if "=" in index else index] if index else []),
        cwd=subfolder(FOLDER),
    )
    return [str(version) for version in json.loads(output)["versions"]]


def _ask_npm(name: str) -> list[str]:
    found = json.loads(run_npm(["view", name, "versions", "--json"], cwd=subfolder(FOLDER)))
    return [str(version) for version in (found if isinstance(found, list) else [found])]
