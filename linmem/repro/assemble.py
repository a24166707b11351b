"""Put a script together: what it says of itself, what it needs, and its steps."""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from linmem.repro.goal import ReproError
from linmem.repro.recipe import fill
from linmem.scenario import model, wasi

if TYPE_CHECKING:
    from linmem.repro.script import Script

WIDTH = 100  # of a line of base64


def assemble(script: Script, head: Sequence[str], body: Sequence[str], version: str, variant: str | None) -> str:
    """The whole text of a script."""
    recipe, language = script.recipe, script.language
    variants = recipe.data.get("variants", {})
    name = variant or next(iter(variants), "")
    if variant is not None and variant not in variants:
        raise ReproError(f"the recipe for {recipe.runtime} has no variant '{variant}'")
    words = {"version": version, "variant_name": name, "variant": str(variants.get(name, "")).rstrip("\n")}
    words |= {key: str(value) for key, value in recipe.data.get("fill", {}).items()}
    setup = recipe.text("setup", **words).rstrip("\n").split("\n")
    modules: list[str] = []
    for module, variable in script.used.items():
        source = script.scenario.guest if module == model.GUEST else script.scenario.modules.get(module)
        if source is not None and source.wat is not None:
            modules += [language.comment(line) for line in textwrap.dedent(source.wat).strip("\n").split("\n")]
        modules += [*language.module(variable, _encoded(script.modules[module].data)), ""]
    parts = _parts(script, "\n".join(body))
    code = "\n".join([*parts, *body])
    helpers = _helpers(script, code + "\n" + recipe.text("told"))
    files = _files(script)
    declared = [f"let {', '.join(script.variables)};", ""] if language.name == "javascript" and script.variables else []
    blocks = [*helpers, *files, *parts, *modules, *declared, *body]
    text = "\n".join(blocks)
    top = [
        language.comment(line) for line in [*head, "", recipe.text("install", file=f"repro{language.suffix}", **words)]
    ]
    imports = language.imports(text + "\n".join(setup))
    whole = [*top, "", *imports, *setup, "", *blocks]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(whole)).strip() + "\n"


def _parts(script: Script, body: str) -> list[str]:
    """The pieces that the steps use, WASI's filled in with what guests find there."""
    found: list[str] = []
    recipe, language = script.recipe, script.language
    words: dict[str, str] = {}
    setting = script.scenario.wasi
    if setting is not None:
        folder, path = "folder", language.text(wasi.FOLDER)
        preopen = recipe.part("preopen", folder=folder, path=path) if setting.files is not None else ""
        texts = [language.text(item) for item in setting.args]
        words = {
            "args": f"[{', '.join(texts)}]",
            "program": texts[0] if texts else language.text(""),
            "arguments": f"[{', '.join(texts[1:])}]",
            "env": language.dictionary({key: language.text(value) for key, value in setting.env.items()}),
            "preopen": preopen,
        }
    for name, text in recipe.data["parts"].items():
        filled = fill(text, words).rstrip("\n")
        used = name == "wasi" and setting is not None
        if name != "preopen" and (used or re.search(rf"\b{language.called(name)}\(", body)):
            found += [*filled.split("\n"), ""]
    if any("link(imports)" in line for line in found) and not any("function link(" in line for line in found):
        found = [*recipe.part("link").rstrip("\n").split("\n"), "", *found]
    return found


def _files(script: Script) -> list[str]:
    setting = script.scenario.wasi
    if setting is None or setting.files is None:
        return []
    return script.language.folder(dict(setting.files))


def _helpers(script: Script, code: str) -> list[str]:
    """Those functions that the code calls, and those that they call."""
    language = script.language
    sources = {name: str(text).strip("\n") for name, text in script.recipe.data["helpers"].items()}
    if '"f32"' not in code and '"f64"' not in code:  # the part of `show` that is about floats goes
        shown = sources["show"].split("\n")
        sources["show"] = "\n".join(line for line in shown if not re.search(r"show_?float\(", line, re.IGNORECASE))
    needed: dict[str, None] = {}
    todo = [name for name in sources if re.search(rf"\b{name}\b", code)]
    while todo:
        name = todo.pop()
        if name in needed:
            continue
        needed[name] = None
        todo += [other for other in sources if other != name and re.search(rf"\b{other}\(", sources[name])]
    lines: list[str] = []
    for name, source in sources.items():
        if name in needed:
            lines += [*source.split("\n"), ""]
    if "told(" in code:
        needs = str(script.recipe.data.get("told_needs", "")).rstrip("\n")
        lines += ([*needs.split("\n"), ""] if needs else []) + [*language.told(script.recipe.text("told")), ""]
    return lines


def _encoded(data: bytes) -> list[str]:
    return textwrap.wrap(base64.b64encode(data).decode(), WIDTH)
