"""How a runtime is named everywhere: ``name[:variant][@version]``, as in ``wasmer:llvm@1.1.0``.

Instead of a name, the path of a folder with a ``runtime.yaml`` may be given; it must hold a ``/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from linmem.errors import UserError

NAME = r"[a-z][a-z0-9_-]*"
VARIANT = r"[a-z0-9][a-z0-9_.-]*"
VERSION = r"[0-9][0-9A-Za-z.+_-]*"
_FORM = re.compile(rf"(?P<name>{NAME}|[^@]*/[^@:]*)(?::(?P<variant>{VARIANT}))?(?:@(?P<version>{VERSION}))?")


@dataclass(frozen=True)
class RuntimeName:
    """A runtime as it was asked for. What was left out is None: the manifest's defaults hold."""

    name: str
    variant: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        variant = f":{self.variant}" if self.variant else ""
        version = f"@{self.version}" if self.version else ""
        return f"{self.name}{variant}{version}"


def parse_range(text: str) -> tuple[RuntimeName, str | None]:
    """Like `parse`, but what follows ``@`` may be a range of versions, like ``>=45,<50``, which is returned second."""
    name, _, version = text.partition("@")
    if version[:1] in ("<", ">", "=", "!", "~"):
        return parse(name), version
    return parse(text), None


def split(texts: Iterable[str]) -> list[str]:
    """Names that are separated by commas, one by one. A comma within a range separates nothing."""
    found: list[str] = []
    for part in (part.strip() for text in texts for part in text.split(",")):
        if part[:1] in ("<", ">", "=", "!", "~") and found:
            found[-1] += f",{part}"
        elif part:
            found.append(part)
    return found


def parse(text: str) -> RuntimeName:
    """Take a runtime's name apart, without asking whether it exists. Raises `UserError`."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise UserError(f"{text!r} does not name a runtime: write name[:variant][@version], like wasmer:llvm@1.1.0")
    return RuntimeName(match["name"], match["variant"], match["version"])
