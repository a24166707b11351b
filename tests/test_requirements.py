"""What tox installs is pinned with hashes, and is what pyproject.toml asks for."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from linmem.project import tomllib

ROOT = Path(__file__).parents[1]
FILES = {path.stem: path for path in sorted((ROOT / "requirements").glob("*.txt"))}
PINNED = re.compile(r"(?P<pin>[a-z0-9][^\s\\;]*==[^\s\\;]+)(?: ; [^\\\n]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n")


def pinned(name: str) -> dict[str, list[str]]:
    """The versions by package; there are several where the version of Python decides."""
    found: dict[str, list[str]] = {}
    for match in PINNED.finditer(FILES[name].read_text(encoding="utf-8")):
        package, _, version = match["pin"].partition("==")
        found.setdefault(canonicalize_name(package), []).append(version)
    return found


def group(name: str) -> Iterator[Requirement]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = settings["project"]["dependencies"] if name == "linmem" else settings["dependency-groups"][name]
    for item in wanted:
        yield from [Requirement(item)] if isinstance(item, str) else group(item["include-group"])


@pytest.mark.parametrize("name", FILES)
def test_every_package_has_a_version_and_hashes(name: str) -> None:
    assert PINNED.sub("", FILES[name].read_text(encoding="utf-8")) == ""
    assert pinned(name)


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("tox", ["tox"]),
        ("build", ["build"]),
        ("report", ["linmem", "parallel"]),
        ("test", ["linmem", "test", "types"]),
        ("lint", ["lint"]),
    ],
)
def test_what_is_asked_for_is_pinned(file: str, wanted: list[str]) -> None:
    versions = pinned(file)
    for requirement in (item for name in wanted for item in group(name)):
        found = versions[canonicalize_name(requirement.name)]
        assert any(version in requirement.specifier for version in found), f"{requirement}: tox -e lock"


def test_runs_and_tests_have_the_same_packages() -> None:
    assert pinned("report").items() <= pinned("test").items()


def test_tox_installs_nothing_else() -> None:
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    environments = [name for name in tox.sections() if name.startswith("testenv") and name != "testenv:.pkg"]
    assert environments
    for name in environments:
        assert "dependency_groups" not in tox[name]
        deps = tox[name].get("deps", tox["testenv"]["deps"]).split()
        assert deps[0] == "-r"
        assert (ROOT / deps[1]).is_file(), name
    assert tox["testenv:.pkg"]["set_env"] == "PIP_CONSTRAINT = {tox_root}/requirements/build.txt"


@pytest.mark.parametrize("file", ["README.md", "CONTRIBUTING.md", ".ci/run", "docs/ci.md"])
def test_tox_itself_is_installed_by_its_hash(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    installs = re.findall(r"pip install [^&`\n]*", text)
    assert any("-r requirements/tox.txt" in line for line in installs)
    assert not [line for line in installs if re.search(r"(install|[' ])tox\b", line)]


@pytest.mark.parametrize("file", ["README.md", "docs/ci.md", "action.yml"])
def test_what_linmem_needs_is_installed_by_its_hash(file: str) -> None:
    """Where linmem is installed without tox, and what builds it: first from the files, then itself, alone."""
    text = (ROOT / file).read_text(encoding="utf-8")
    installs = [line for line in re.findall(r"pip install ([^&`\n]*)", text) if "tox.txt" not in line]
    from_files = [line for line in installs if "requirements/build.txt" in line and "requirements/report.txt" in line]
    itself = [line for line in installs if line not in from_files and not line.startswith("path/to/linmem")]
    assert from_files
    assert itself
    for line in itself:
        assert "--no-deps" in line.split()
        assert "--no-build-isolation" in line.split()


def test_what_builds_linmem_is_asked_for_by_the_same_versions_everywhere() -> None:
    """pip installs the two files together."""
    build, report = pinned("build"), pinned("report")
    assert all(build[name] == report[name] for name in build.keys() & report.keys())
