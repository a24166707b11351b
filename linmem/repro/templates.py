"""How code for a runtime is written: its ``repro.yaml``, texts with ``$words`` to be filled in."""

from __future__ import annotations

import functools
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from linmem.provision.manifest import Manifest
from linmem.repro.goal import ReproError

NAME = "repro.yaml"


class ScriptTemplates:
    """A runtime's templates. What they have no entry for, a reproducer can't express."""

    def __init__(self, data: Mapping[str, Any], runtime: str) -> None:
        self.data, self.runtime = data, runtime
        self.language: str = data["language"]

    def text(self, key: str, /, **words: str) -> str:
        """A text at the top of the file, filled in."""
        return fill(str(self.data.get(key, "")), words)

    def part(self, name: str, /, **words: str) -> str:
        """A piece of code that a script needs once. Raises `ReproError` where there is none."""
        return self._filled("parts", name, words)

    def snippet(self, name: str, /, **words: str) -> str:
        """An expression or a statement. Raises `ReproError` where there is none."""
        return self._filled("snippets", name, words)

    def has(self, name: str) -> bool:
        """Whether there is a snippet of this name."""
        return name in self.data["snippets"]

    def _filled(self, section: str, name: str, words: Mapping[str, str]) -> str:
        if name not in self.data[section]:
            raise ReproError(f"{self.runtime}'s repro.yaml has no '{name}', so this can't be written for it yet")
        return fill(str(self.data[section][name]), words)

    def default_view(self, memory_type: str, shared: bool) -> str:
        """The view kind that a user takes for this memory type."""
        views: Mapping[str, str] = self.data["default_views"]
        if shared and "shared" in views:
            return views["shared"]
        return views.get(memory_type, views["all"])

    def view(self, kind: str, what: str, memory_type: str = "") -> str | None:
        """How a view kind is opened, read, written or asked for its length; None: it can't be."""
        views: Mapping[str, Any] = self.data["views"]
        if kind not in views:
            raise ReproError(f"{self.runtime}'s repro.yaml has no view kind '{kind}'")
        found = views[kind].get(what)
        if isinstance(found, dict):
            found = found.get(memory_type, found.get("all"))
        return None if found is None else str(found)

    def use(self, api: str) -> str | None:
        """How another part of the host's API is used; None: it can't be."""
        uses: Mapping[str, str] = self.data.get("uses", {})
        return uses.get(api)


def fill(text: str, words: Mapping[str, str]) -> str:
    """A template with its words filled in; a line that is nothing but a word takes several lines, or goes."""
    lines = []
    for line in text.split("\n"):
        word = line.strip()[1:]
        if line.strip().startswith("$") and word in words:
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + part if part else "" for part in words[word].split("\n")] if words[word] else []
        else:
            lines.append(string.Template(line).safe_substitute(words))
    return "\n".join(lines)


def load(manifest: Manifest) -> ScriptTemplates:
    """The templates of a runtime. Raises `ReproError` where it has none."""
    path = manifest.folder / NAME
    if not path.exists():
        raise ReproError(
            f"{manifest.name} has no {path.parent.name}/{NAME}, so no reproducer can be written for it yet"
        )
    return ScriptTemplates(_read(path), manifest.name)


@functools.lru_cache(maxsize=64)
def _read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "like" not in data:
        return data
    base = _read((path.parent / data["like"]).resolve())
    return {**base, **data, "helpers": {**base["helpers"], **data.get("helpers", {})}}
