"""Put a script together: what it says of itself, what it needs, and its steps."""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from linmem.repro import agents, instances, steps
from linmem.repro.goal import ReproError
from linmem.repro.templates import fill
from linmem.repro.writer import ScriptWriter, StepCode
from linmem.scenario import model, wasi
from linmem.scenario.model import GUEST, Step
from linmem.scenario.names import makes_own_instances

WIDTH = 100  # of a line of base64

STEPS: Mapping[type[Step], Callable[[ScriptWriter, Any], StepCode]] = {
    model.Call: steps.call,
    model.Read: steps.read,
    model.Write: steps.write,
    model.Grow: steps.pages,
    model.Size: steps.pages,
    model.OpenView: steps.open_view,
    model.ViewLength: steps.view_length,
    model.Use: steps.use,
    model.MakeMemory: steps.make_memory,
    model.Instantiate: instances.instantiate,
    model.TakeExport: steps.take_export,
    model.MakeGlobal: steps.make_global,
    model.GetGlobal: steps.get_global,
    model.SetGlobal: steps.set_global,
    model.Same: steps.same,
    model.Negative: steps.negative,
    model.Release: steps.release,
    model.ReleaseStore: steps.release_store,
    model.Collect: steps.collect,
    model.Agents: agents.agents,
    model.AgentCall: agents.call,
}


def script(writer: ScriptWriter, head: Sequence[str], version: str, variant: str | None) -> str:
    """A scenario as a script in a runtime's own API; `head` is what the script says of itself.

    Raises `ReproError` where the templates or the modules can't express a step.
    """
    scenario, goal = writer.scenario, writer.goal
    if not makes_own_instances(scenario):
        code = instances.instance(writer, GUEST, GUEST, scenario.imports)
        writer.output.add(writer.language.comment("the guest"), *code.lines, "")
    if not writer.play(scenario.steps) and goal.turn and not goal.reached:
        raise ReproError("the step at which the case was decided is not in this scenario any more: run it again")
    return _assembled(writer, head, writer.output.body.lines, version, variant)


def _assembled(
    script: ScriptWriter, head: Sequence[str], body: Sequence[str], version: str, variant: str | None
) -> str:
    """The whole text of a script."""
    templates, language = script.templates, script.language
    variants = templates.data.get("variants", {})
    name = variant or next(iter(variants), "")
    if variant is not None and variant not in variants:
        raise ReproError(f"{templates.runtime}'s repro.yaml has no variant '{variant}'")
    words = {"version": version, "variant_name": name, "variant": str(variants.get(name, "")).rstrip("\n")}
    words |= {key: str(value) for key, value in templates.data.get("fill", {}).items()}
    setup = templates.text("setup", **words).rstrip("\n").split("\n")
    modules: list[str] = []
    for module, variable in script.constants.items():
        source = script.scenario.guest if module == model.GUEST else script.scenario.modules.get(module)
        if source is not None and source.wat is not None:
            modules += [language.comment(line) for line in textwrap.dedent(source.wat).strip("\n").split("\n")]
        modules += [*language.lines("module", name=variable, encoded=_encoded(script.modules[module].data)), ""]
    parts = _parts(script, "\n".join(body))
    code = "\n".join([*parts, *body])
    helpers = _helpers(script, code + "\n" + templates.text("told"))
    files = _files(script)
    declared = language.declare(list(script.output.body.assigned))
    blocks = [*helpers, *files, *parts, *modules, *declared, *body]
    text = "\n".join(blocks)
    top = [
        language.comment(line)
        for line in [*head, "", templates.text("install", file=f"repro{language.suffix}", **words)]
    ]
    imports = language.imports(text + "\n".join(setup))
    whole = [*top, "", *imports, *setup, "", *blocks]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(whole)).strip() + "\n"


def _parts(script: ScriptWriter, body: str) -> list[str]:
    """The pieces that the steps use, WASI's filled in with what guests find there."""
    found: list[str] = []
    templates, language = script.templates, script.language
    words: dict[str, str] = {}
    setting = script.scenario.wasi
    if setting is not None:
        folder, path = "folder", language.constant(wasi.FOLDER)
        preopen = templates.part("preopen", folder=folder, path=path) if setting.files is not None else ""
        texts = [language.constant(item) for item in setting.args]
        module = next(
            filter(None, (wasi.imported(item.types) for item in script.modules.values())), "wasi_snapshot_preview1"
        )
        words = {
            "wasi_module": language.constant(module),
            "wasi_version": language.constant(wasi.VERSIONS[module]),
            "args": f"[{', '.join(texts)}]",
            "program": texts[0] if texts else language.constant(""),
            "arguments": f"[{', '.join(texts[1:])}]",
            "env": language.text(
                "dictionary", pairs={key: language.constant(value) for key, value in setting.env.items()}
            ),
            "preopen": preopen,
        }
    for name, text in templates.data["parts"].items():
        filled = fill(text, words).rstrip("\n")
        used = name == "wasi" and setting is not None
        if name != "preopen" and (used or re.search(rf"\b{language.function_name(name)}\(", body)):
            found += [*filled.split("\n"), ""]
    if any("link(imports)" in line for line in found) and not any("function link(" in line for line in found):
        found = [*templates.part("link").rstrip("\n").split("\n"), "", *found]
    return found


def _files(script: ScriptWriter) -> list[str]:
    setting = script.scenario.wasi
    if setting is None or setting.files is None:
        return []
    return [*script.language.lines("folder", files=setting.files), ""]


def _helpers(script: ScriptWriter, code: str) -> list[str]:
    """Those functions that the code calls, and those that they call."""
    language = script.language
    sources = {name: str(text).strip("\n") for name, text in script.templates.data["helpers"].items()}
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
        needs = str(script.templates.data.get("told_needs", "")).rstrip("\n")
        lines += ([*needs.split("\n"), ""] if needs else []) + [
            *language.lines("told", body=script.templates.text("told").rstrip().split("\n")),
            "",
        ]
    return lines


def _encoded(data: bytes) -> list[str]:
    return textwrap.wrap(base64.b64encode(data).decode(), WIDTH)
