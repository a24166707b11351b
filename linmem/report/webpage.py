"""What the self-contained pages share: style sheets and scripts that are put into them, templates, their policy."""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from linmem.text import clip, printable

LONGEST = 20_000  # characters of one text on a page
_TEMPLATES = Path(__file__).with_name("templates")
_WEB = Path(__file__).with_name("web")


def read(name: str) -> str:
    """A file of ``web/``."""
    return (_WEB / name).read_text(encoding="utf-8")


def style(*sheets: str) -> str:
    """The colours, and after them each sheet by its name, or rules as they are.

    The dark colours stand twice: for those whose system is dark, and for those who chose dark.
    """
    dark = read("dark.css")
    system = f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{\n{dark}}} }}\n"
    chosen = f":root[data-theme=dark] {{\n{dark}}}\n"
    rest = [sheet if "{" in sheet else read(f"{sheet}.css") for sheet in sheets]
    return "\n".join([read("colours.css"), system, chosen, *rest])


def script(*names: str) -> str:
    """Scripts as one: they share a scope, and nothing of it is seen from outside."""
    return '"use strict";\n(() => {\n' + "\n".join(read(f"{name}.js") for name in names) + "\n})();\n"


def source(text: str) -> str:
    """The source expression by which a content security policy allows just this inline text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _finalize(value: Any) -> Any:
    """What stands in a page for a value, which may be an object that says its text by itself."""
    if isinstance(value, Markup):
        return Markup(printable(value))
    return printable(clip(str(value), LONGEST))


@functools.cache
def templates() -> jinja2.Environment:
    """The templates. Every text is escaped, and made printable first."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
