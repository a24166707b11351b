"""Instances as code, and what is imported into them: host functions among it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from linmem.repro.goal import ReproError
from linmem.repro.steps import new_global
from linmem.repro.writer import InstanceVariable, ScriptWriter, StepCode
from linmem.scenario import model, wasi
from linmem.scenario.model import GUEST
from linmem.wasm.types import FuncType, Import, ModuleTypes

_SHARED = re.compile(r"\(memory\b(?:[^()]|\([^()]*\))*\bshared\b")  # the harness reads no limits of memories

Specs = Mapping[str, model.ImportSpec]


def instantiate(script: ScriptWriter, step: model.Instantiate) -> StepCode:
    """A scenario makes an instance."""
    assert step.bind is not None
    return instance(script, step.module, step.bind, {**script.scenario.imports, **step.imports})


def instance(script: ScriptWriter, name: str, bound: str, imports: Specs) -> StepCode:
    """A new instance of a module."""
    module = script.modules[name]
    lines = [*compiling(script, name), script.assignment("doing", '"link"')]
    variable = script.names.bind(bound)
    source = script.scenario.guest if name == GUEST else script.scenario.modules.get(name)
    shared = source is not None and source.wat is not None and _SHARED.search(source.wat) is not None
    script.objects.instances[bound] = InstanceVariable(variable, module.types, shared)  # host functions may use it
    entries = []
    for wanted, spec, words in imports_of(script, module.types, imports):
        entries.append(script.templates.snippet("import", item=extern(script, wanted, spec), **words))
    if script.scenario.wasi is not None and wasi.imported(module.types) is not None:
        how = "wasi_instance"
    else:
        how = "linked" if module.types is None or module.types.imports or entries else "instance"
    text = script.templates.snippet(how, module=script.compiled[name], imports=", ".join(entries))
    return StepCode([*lines, script.assignment(variable, text)], doing=None)


def compiling(script: ScriptWriter, name: str) -> list[str]:
    """What compiles a module, where that is still to be done."""
    if name in script.compiled:
        return []
    constant = script.constants[name] = script.language.variable(name.upper() + "_WASM")
    variable = script.compiled[name] = script.language.variable(f"{name}_module")
    return [script.assignment(variable, script.templates.snippet("module", bytes=constant))]


def imports_of(
    script: ScriptWriter, types: ModuleTypes | None, specs: Specs
) -> Iterator[tuple[Import, model.ImportSpec, dict[str, str]]]:
    """The imports of a module that it is given: what it wants, what it gets, and the words of both names."""
    for wanted in types.imports if types is not None else ():
        spec = specs.get(f"{wanted.module}.{wanted.name}")
        if spec is not None:
            constant = script.language.constant
            yield wanted, spec, {"namespace": constant(wanted.module), "name": constant(wanted.name)}


def extern(script: ScriptWriter, wanted: Import, spec: model.ImportSpec) -> str:
    """What is given for an import, as an expression."""
    name = f"{wanted.module}_{wanted.name}"
    if isinstance(spec, model.ImportedMemory):
        return script.memory(spec.memory)
    if isinstance(spec, model.ImportedExport):
        if spec.instance not in script.objects.instances:
            raise ReproError(f"{spec.where}: there is no instance '{spec.instance}' where this is written")
        return script.exported(script.objects.instances[spec.instance], spec.export)
    if isinstance(spec, model.BoundGlobal):
        return script.objects.variables[spec.variable]
    if isinstance(spec, model.ImportedGlobal):
        variable = script.output.assign(script.language.variable(f"{name}_global"))
        text = new_global(script, "global", spec.type, spec.value, spec.mutable)
        script.output.add(script.assignment(variable, text))
        return variable
    signature = wanted.type or FuncType()
    if id(spec) not in script.hosted:
        script.hosted[id(spec)] = script.language.variable(name)
        script.output.add(*_host_function(script, script.hosted[id(spec)], spec, signature), "")
    params, results = (
        ", ".join(script.templates.snippet("value_type", kind=kind, KIND=kind.upper()) for kind in kinds)
        for kinds in (signature.params, signature.results)
    )
    return script.templates.snippet("import_function", function=script.hosted[id(spec)], params=params, results=results)


def _host_function(script: ScriptWriter, name: str, spec: model.HostFunction, signature: FuncType) -> list[str]:
    language, output = script.language, script.output
    output.open()
    for param, kind in zip(spec.params, signature.params, strict=False):
        variable = script.names.bind_number(param, kind)
        output.add(*script.number(variable, param, kind, f"{variable}_"))
    script.play(spec.steps)
    returned = [
        script.names.argument(literal, kind) for literal, kind in zip(spec.returns, signature.results, strict=False)
    ]
    if spec.throw is not None or spec.trap is not None:
        text = spec.throw or spec.trap or ""
        trap = spec.trap is not None and script.templates.has("trap")
        error = script.templates.snippet("trap", text=language.constant(text)) if trap else None
        output.add(language.throwing(error, text))
    elif returned:
        output.add(language.text("give_back", values=returned))
    body = output.close()
    params = [language.variable(param) for param in spec.params]
    lines, variables = body.lines or [language.empty], list(body.assigned)
    return language.lines("function", name=name, params=params, body=lines, variables=variables)
