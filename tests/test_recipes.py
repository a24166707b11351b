"""The recipes of docs/recipes.md, each played as it stands there on modules that others have published."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from linmem.provision.npm import NpmRecipe

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[1] / "docs" / "recipes.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^<!-- recipe: (\S+) -->\n```yaml\n(.*?)^```$", PAGE, re.M | re.S))
JAVASCRIPT_ONLY = {"go.yaml"}


class Package(msgspec.Struct, forbid_unknown_fields=True):
    npm: str
    version: str
    integrity: str
    files: dict[str, str]


PACKAGES = msgspec.yaml.decode(Path(__file__).with_name("recipes.yaml").read_bytes(), type=dict[str, list[Package]])


def test_every_recipe_has_its_packages_and_tells_their_versions() -> None:
    assert list(RECIPES) == list(PACKAGES)
    for packages in PACKAGES.values():
        assert packages[0].version in PAGE


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_plays(name: str, run: Callable[..., Any], tmp_path: Path) -> None:
    for package in PACKAGES[name]:
        folder = NpmRecipe(package.npm, package.version, package.integrity).make()
        for file, place in package.files.items():
            shutil.copyfile(folder / place, tmp_path / file)
    (tmp_path / name).write_text(RECIPES[name], encoding="utf-8")
    played = run(f"--suites={tmp_path}", "--runtime=wasmtime", "--runtime=node", "--step-timeout=120")
    assert played.status == 0, played.text
    outcomes = {result["runtime"]: result["outcome"] for result in played.lines("result")}
    assert outcomes == {"wasmtime": "unsupported" if name in JAVASCRIPT_ONLY else "pass", "node": "pass"}
