"""What a module imports and exports, as text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from linmem.guests import tinygo
from linmem.guests.gojs import is_go
from linmem.scenario import wasi
from linmem.text import plural
from linmem.wasm.types import CUSTOM_PAGES, SHARED, WIDE, Export, Import, ModuleTypes, SizeLimits

GO, TINYGO = "go", "tinygo"


def language(types: ModuleTypes) -> str | None:
    """The language whose own glue starts the module, `GO` or `TINYGO`; None for all others."""
    return GO if is_go(types) else TINYGO if tinygo.is_tinygo(types) else None


def lines(path: Path, size: int, types: ModuleTypes) -> Iterator[str]:
    """A module's size in bytes, the tools that made it, its imports and its exports."""
    tools = ", ".join(f"{tool} {version}".strip() for tool, version in types.tools.items())
    yield f"{path.name}: {plural(size, 'byte')}{f', made by {tools}' if tools else ''}"
    for title, items in (("imports", types.imports), ("exports", tuple(types.exports.values()))):
        yield f"{title}:" if items else f"{title}: none"
        for item in items:
            name = f"{item.module}.{item.name}" if isinstance(item, Import) else item.name
            yield f"  {item.kind:8} {name}{_type(item)}"
    if (own := language(types)) is not None:
        yield f"needs: the wasm_exec.js of {'Go' if own == GO else 'TinyGo'}, or a host that does what it does"
    elif (served := wasi.imported(types)) is not None:
        yield f"needs: WASI ({served})"


def signature(types: Export | Import) -> str:
    """A function's signature, such as ``(i32, i32) -> i32``."""
    assert types.type is not None
    results = f" -> {', '.join(types.type.results)}" if types.type.results else ""
    return f"({', '.join(types.type.params)}){results}"


def pages(limits: SizeLimits) -> str:
    """A memory's limits, such as ``2 to 16 pages, shared``."""
    most = f" to {plural(limits.maximum, 'page')}" if limits.maximum is not None else ""
    words = [f"{limits.minimum}{most}" if most else f"{plural(limits.minimum, 'page')} or more"]
    words += ["shared"] * bool(limits.flags & SHARED) + ["64-bit addresses"] * bool(limits.flags & WIDE)
    words += [f"pages of {plural(limits.page_size, 'byte')}"] * bool(limits.flags & CUSTOM_PAGES)
    return ", ".join(words)


def _type(item: Import | Export) -> str:
    if item.type is not None:
        return signature(item)
    if item.kind == "memory":
        return f": {pages(item.limits)}"
    if item.kind == "global":
        return f": {'mutable ' if item.mutable else ''}{item.value_type}"
    return ""
