"""A first scenario file for a module, to be played as it is and gone on from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from linmem.scenario import wasi
from linmem.scenario.loader import slugify
from linmem.starters import listing
from linmem.wasm.types import SHARED, WIDE, Export, Import, ModuleTypes, SizeLimits

NUMBERS = ("i32", "i64", "f32", "f64")
GLUE = {listing.GO: ("run", "resume", "getsp"), listing.TINYGO: ("malloc", "free", "calloc", "realloc")}
"""What a language's own glue calls, by language."""
SHOWN = 5  # functions that are called, one scenario each


def first(module: Path, types: ModuleTypes, glue: Path | None = None, beside: Path | None = None) -> str:
    """The text of a scenario file that plays `module`.

    `glue` is the script of the module's language. Paths are written relative to `beside`, the folder that the file is
    for (default: the module's).
    """
    folder = beside or module.parent
    return "\n".join([*_head(module, types, glue, folder), *_scenarios(types), ""])


def _head(module: Path, types: ModuleTypes, glue: Path | None, folder: Path) -> Iterator[str]:
    yield "# Play it: linmem run FILE    Every key: docs/scenario-reference.md"
    yield f"title: {_text(module.stem)}"
    wants = [item for item in types.imports if item.kind == "memory"]
    if wants:  # the host makes the memory first, so the module is instantiated by a step
        yield "wat: (module)  # the host itself has no guest: a step below instantiates the module"
        yield "modules:"
        yield f"  main: {{module: {_path(module, folder)}}}"
    else:
        yield f"module: {_path(module, folder)}"
    if glue is not None:
        yield f"glue: {_path(glue, folder)}  # starts the module, as its language's users do"
    elif listing.language(types) is not None:
        yield "# This module is started by its language's wasm_exec.js. Put it beside this file and take the '#' away:"
        yield "# glue: wasm_exec.js"
    served = wasi.imported(types) if glue is None else None
    if served is not None and listing.language(types) is None:
        yield "wasi: {}  # the runtime's own WASI; 'args', 'env' and 'files' say what the guest sees"
    needed = [item for item in types.imports if _is_given(item, served, listing.language(types) is not None)]
    if needed:
        yield "imports:  # of a host function 'params' names the arguments, and 'steps' can say what it does"
        for item in needed:
            yield f"  {_text(f'{item.module}.{item.name}')}: {_import(item)}"


def _is_given(item: Import, served: str | None, by_language: bool) -> bool:
    """Whether the file has to give an import."""
    return item.kind in ("func", "global", "memory") and item.module != served and not by_language


def _import(item: Import) -> str:
    if item.kind == "memory":
        return "{memory: shared}"
    if item.kind == "global":
        mutable = ", mutable: true" if item.mutable else ""
        return f"{{global: {item.value_type}, value: 0{mutable}}}"
    assert item.type is not None
    names = ", ".join(f"p{number}" for number in range(len(item.type.params)))
    words = [f"params: [{names}]"]
    if item.type.results:
        zeros = [0] * len(item.type.results)
        words.append(f"return: {zeros[0] if len(zeros) == 1 else zeros}")
    return f"{{{', '.join(words)}}}  # {listing.signature(item)}"


def _questions(called: Sequence[Export]) -> Iterator[str]:
    if called:
        yield "observations:  # what is asked and never fails; 'expect: VALUE' in place of 'observe' does"
        for function in called:
            args = ", ".join("0" * len(function.type.params if function.type is not None else ()))
            yield f"  {_question(function)}: {{question: {json.dumps(f'What does {function.name}({args}) give?')}}}"


def _question(function: Export) -> str:
    return slugify(f"gives {function.name}")


def _scenarios(types: ModuleTypes) -> Iterator[str]:
    called = _callable(types)
    yield from _questions(called[:SHOWN])
    yield "scenarios:"
    begin = list(_beginning(types))
    on = ["        on: main"] if begin else []
    memories = [item for item in types.exports.values() if item.kind == "memory"]
    for memory in memories:
        name = f"main.{memory.name}" if begin else memory.name
        yield "  - name: " + _text(f"the host reads and writes {memory.name}")
        yield "    steps:"
        yield from begin
        yield f"      - size: {_text(name)}  # in pages; the module begins with {listing.pages(memory.limits)}"
        yield "        as: pages"
        if memory.limits.minimum:
            yield from _access(name, memory.limits)
    for function in called[:SHOWN]:
        yield "  - name: " + _text(f"the host calls {function.name}")
        yield "    steps:"
        yield from begin
        yield f"      - call: {_text(function.name)}  # {listing.signature(function)}"
        yield from on
        if function.type is not None and function.type.params:
            yield f"        args: {[0] * len(function.type.params)}"
        yield f"        observe: {_question(function)}"
    rest = ", ".join(item.name for item in called[SHOWN:])
    if rest:
        yield f"  # More functions: {rest}"
    if not memories and not called:
        yield "  - name: the module is instantiated"
        yield "    steps:"
        yield from begin or ["      - instantiate: guest"]


def _beginning(types: ModuleTypes) -> Iterator[str]:
    """The steps that make the memory that the module imports, and instantiate it."""
    for item in types.imports:
        if item.kind == "memory":
            limits = item.limits
            words = [f"min: {limits.minimum}"]
            words += [f"max: {limits.maximum}"] if limits.maximum is not None else []
            words += ["shared: true"] * bool(limits.flags & SHARED) + ["index: i64"] * bool(limits.flags & WIDE)
            yield f"      - memory: {{{', '.join(words)}}}"
            yield "        as: shared"
            yield "      - instantiate: main"
            return


def _access(name: str, limits: SizeLimits) -> Iterator[str]:
    """The host writes the last byte of a memory and reads it again: what is there belongs to nobody, most likely."""
    last = limits.minimum * limits.page_size - 1
    place = [] if name == "memory" else [f"        in: {_text(name)}"]
    for step, value in (("write: u8", "value: 24"), ("read: u8", "expect: 24")):
        yield from (f"      - {step}", f"        at: {last}", *place, f"        {value}")


def _callable(types: ModuleTypes) -> list[Export]:
    """The functions that a first scenario can call with numbers: not those that a language's glue calls, and one of
    those whose names differ in what a scenario's id leaves out.
    """
    found: dict[str, Export] = {}
    for item in types.exports.values():
        numbers = item.type is not None and all(kind in NUMBERS for kind in (*item.type.params, *item.type.results))
        own = not item.name.startswith(("_", "asyncify_")) and item.name not in GLUE.get(
            listing.language(types) or "", ()
        )
        if numbers and own and slugify(item.name):
            found.setdefault(slugify(item.name), item)
    return list(found.values())


def _path(path: Path, folder: Path) -> str:
    return _text(os.path.relpath(path, folder))


def _text(text: str) -> str:
    """Text as a YAML value: quoted where a bare word would be something else."""
    plain = text.replace(".", "").replace("_", "").replace("/", "").replace("-", "").replace(" ", "")
    bare = plain.isalnum() and plain.isascii() and plain[0].isalpha() and text.strip() == text and " -" not in text
    reserved = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    return text if bare and text.lower() not in reserved else json.dumps(text)
