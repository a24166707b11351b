"""How the repository is built: each name once, short chains of classes, no engine among the data."""

from __future__ import annotations

import ast
import importlib
import itertools
import pkgutil
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import linmem

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "linmem"


def tracked(*patterns: str) -> list[Path]:
    """The files of the repository that git knows."""
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).exists()]


def class_names() -> Counter[str]:
    return Counter(
        node.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    )


def classes() -> set[type]:
    """The classes of linmem's modules."""
    names = [name for _, name, _ in pkgutil.walk_packages(linmem.__path__, "linmem.") if name != "linmem.__main__"]
    found = {item for name in names for item in vars(importlib.import_module(name)).values() if isinstance(item, type)}
    return {item for item in found if ours(item)}


def ours(item: type) -> bool:
    return item.__module__.partition(".")[0] == "linmem"


def chain(item: type) -> int:
    """How many classes of linmem's stand one above the other, from `item` up."""
    return 1 + max((chain(base) for base in item.__bases__ if ours(base)), default=0)


def test_no_class_name_stands_for_two_things() -> None:
    assert {name for name, count in class_names().items() if count > 1} == set()


def test_a_class_inherits_from_one_of_linmem_that_inherits_from_none() -> None:
    assert {f"{item.__module__}.{item.__qualname__}" for item in classes() if chain(item) > 2} == set()


def test_a_chain_is_counted_to_its_end() -> None:
    one = type("One", (Exception,), {"__module__": "linmem.one"})
    two = type("Two", (one,), {"__module__": "linmem.two"})
    mixin = type("Mixin", (), {"__module__": "elsewhere"})
    three = type("Three", (mixin, two), {"__module__": "linmem.three"})
    assert [chain(item) for item in (one, two, three)] == [1, 2, 3]


@pytest.mark.parametrize("folder", ["suites", "reports"])
def test_what_users_browse_is_only_data(folder: str) -> None:
    files = tracked(folder)
    assert files
    assert {path.suffix for path in files} <= {".yaml", ".md", ".xz"}


@pytest.mark.parametrize("folder", ["runtimes", "fixtures"])
def test_drivers_and_guests_do_without_the_harness(folder: str) -> None:
    """They run where linmem is not installed."""
    files = tracked(f"{folder}/**/*.py")
    assert bool(files) == (folder == "runtimes")
    imports = re.compile(r"^\s*(?:from|import)\s+linmem[.\s]", re.MULTILINE)
    assert [str(path) for path in files if imports.search(path.read_text(encoding="utf-8"))] == []


def test_no_text_names_a_place_on_the_machine_where_it_was_written() -> None:
    place = re.compile(rb"(?<![\w.~-])/(?:(?:root|home|Users|work)/\w|tmp/\w/)")
    assert [str(path) for path in tracked() if place.search(path.read_bytes())] == []


def test_the_architecture_page_has_the_order_that_import_linter_checks() -> None:
    (contract,) = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    table = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("| Part of `linmem/` |")[2]
    rows = re.findall(r"^\| (`.+?`) \|", table.partition("\n\n")[0], re.MULTILINE)
    told = iter([name for row in rows for name in re.findall(r"`(\w+)/?`", row)])
    assert contract["exhaustive"]
    for layer in reversed(contract["layers"][1:]):  # without __main__, which only starts the command
        names = layer.split(" | ")
        assert sorted(names) == sorted(itertools.islice(told, len(names)))
    assert list(told) == []
