"""What MkDocs does to the pages: README and changelog become pages too, and links out of docs/ lead to the repository.

MkDocs loads it as a hook (mkdocs.yml). The repository's address is that of the workflow that builds the site; without
one, such links become plain text.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from posixpath import normpath
from typing import Any

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "index.md", "CHANGELOG.md": "changes.md"}
LINK = re.compile(r"(?<!!)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<to>[^)\s]+)\)")
IMAGE = re.compile(r"(!\[[^\]]*\]\()docs/")
CODE = re.compile(r"(^```.*?^```$)", re.M | re.S)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that stand outside of docs/."""
    from mkdocs.structure.files import File

    for source, name in PAGES.items():
        text = IMAGE.sub(r"\1", (ROOT / source).read_text(encoding="utf-8"))
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Turn links round that lead out of docs/, or into it from the README."""
    outside = page.file.src_path in PAGES.values()
    parts = CODE.split(markdown)
    parts[::2] = [LINK.sub(lambda found: _link(found, outside), part) for part in parts[::2]]
    return "".join(parts)


def _link(found: re.Match[str], outside: bool) -> str:
    text, to = found["text"], found["to"]
    if re.match(r"[a-z]+:|#", to):
        return found[0]
    path, _, anchor = to.partition("#")
    place = normpath(path if outside else f"docs/{path}")
    name = PAGES.get(place) or (place.removeprefix("docs/") if place.startswith("docs/") else None)
    if name is not None and not (ROOT / place).is_dir():
        return f"[{text}]({name}{'#' if anchor else ''}{anchor})"
    repository = _repository()
    return f"[{text}]({repository}/{place})" if repository else text


def _repository() -> str | None:
    variables = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA")
    server, name, commit = (os.environ.get(one) for one in variables)
    return f"{server}/{name}/blob/{commit}" if server and name and commit else None
