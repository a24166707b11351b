"""Compile and instantiate modules, with their language's host where they need one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from linmem.play import decoding
from linmem.play.context import Context
from linmem.play.guest import HostFault, LanguageHost
from linmem.play.imports import Access
from linmem.play.scope import Instance
from linmem.play.stop import Stop, outcome_of
from linmem.play.wasi import Provision
from linmem.protocol import FAILED, CallFailed
from linmem.results.outcome import Lack
from linmem.scenario import model, wasi
from linmem.scenario.happened import Refused
from linmem.scenario.model import GUEST, Step
from linmem.text import plural
from linmem.wasm.types import ModuleTypes

SCRIPT = ".syscall/js."  # what Go's package for JavaScript imports, in the name of an import


def instantiate(
    context: Context, module_name: str, name: str, imports: Mapping[str, model.ImportSpec], step: Step | None
) -> None:
    """Instantiate a module and know the instance by `name`. `step` is None for the instance that no step asks for."""
    pipeline, module = context.pipeline, context.modules[module_name]
    if step is None:
        pipeline.module = context.runtime.compile(module.data)
        compiled: int | CallFailed = pipeline.module.request
    else:
        compiled = pipeline.compiled(module.data, step)
    if isinstance(compiled, CallFailed):
        refused(context, compiled, step)
        return
    own = context.wasi is not None  # then the runtime serves a published module's imports, and no host of its language
    guest = context.guest if module_name == GUEST and not own else None
    glue = guest.glue if guest is not None else None
    if glue is not None and not context.runtime.runs_glue(glue.kind):
        glue = None
    make_host = (guest.fallback if glue is not None else guest.host) if guest is not None else None
    host = make_host() if make_host is not None else None
    instance = Instance(0, module.types)
    entries = context.imports.entries(instance, module.types, imports, host, step)
    if glue is None and (step is None or (step.expect is None and step.observe is None)):
        must_be_given(context, module.types, entries, host, step)
    params: dict[str, Any] = {
        "module": compiled,
        "imports": entries,
        "glue": {"kind": glue.kind, "path": str(glue.path.resolve())} if glue is not None else None,
    }
    served = wasi.imported(module.types)
    if context.wasi is not None and served is not None:
        params["wasi"] = own_wasi(context, context.wasi, wasi.VERSIONS[served], step)
    context.imports.collect_if_called()
    context.scope.instances[name] = instance
    if step is not None:
        instance.handle = pipeline.due(step, "instance.create", params, decoding.done)
    else:
        instance.handle = context.runtime.post("instance.create", params)
        pipeline.setup.append(instance.handle)
    instance.starting = context.imports.calls_back
    context.imports.collect_if_called()
    instance.starting = False
    if host is not None and glue is None:
        instance.host = host
        start_language(context, instance, host)


def must_be_given(
    context: Context,
    types: ModuleTypes | None,
    entries: Sequence[Mapping[str, Any]],
    host: LanguageHost | None,
    step: Step | None,
) -> None:
    """Raises `Stop` for an import that nobody gives, where the scenario does not ask what the runtime makes of that.

    What a guest imports of its language's package for JavaScript is not the scenario's fault, where `host` serves the
    language in place of JavaScript.
    """
    given = {(entry["module"], entry["name"]) for entry in entries}
    served = wasi.imported(types) if context.wasi is not None else None
    missing = [
        f"{wanted.module}.{wanted.name}"
        for wanted in (types.imports if types is not None else ())
        if (wanted.module, wanted.name) not in given and wanted.module != served
    ]
    if missing and host is not None and all(SCRIPT in name for name in missing):
        what = f"{missing[0]} and {plural(len(missing) - 1, 'function')} more" if missing[1:] else missing[0]
        raise Stop("unsupported", f"the guest calls JavaScript ({what})", step, lack=Lack("host", "JavaScript"))
    if missing:
        raise Stop("error", f"nothing gives the import {', '.join(missing)}: name it under 'imports'", step)


def refused(context: Context, failure: CallFailed, step: Step | None) -> None:
    """A module was not compiled: what its step came to, or the scenario's end."""
    context.pipeline.collect()
    outcome = outcome_of(failure)
    if step is None or outcome != "fail":
        raise Stop(outcome, f"the module could not be compiled: {Refused(failure)}", step)
    context.findings.judge(step, Refused(failure))


def own_wasi(context: Context, provision: Provision, version: str, step: Step | None) -> Mapping[str, Any]:
    """What the runtime's own WASI is told, if there is one of this version."""
    if not context.runtime.brings_wasi(version):
        raise Stop("unsupported", f"needs the runtime's own WASI {version}, and its driver has none", step)
    try:
        return {"version": version, **provision.params()}
    except OSError as error:
        raise Stop("error", f"{provision.wasi.where}: the files can't be made: {error}", step) from None


def start_language(context: Context, instance: Instance, host: LanguageHost) -> None:
    """Do what the language's users do after instantiation (run `main`, `_initialize`, ...)."""
    pipeline = context.pipeline
    pipeline.collect()
    pipeline.starting = True
    try:
        host.start(Access(pipeline, context.findings, instance))
        if host.ended is not None:  # a driver with glue says it so
            raise CallFailed(FAILED, str(host.ended), {"kind": "exit"})
    except (CallFailed, HostFault) as error:
        pipeline.raise_stopped()
        outcome = outcome_of(error) if isinstance(error, CallFailed) else "fail"
        reason = Refused(error) if isinstance(error, CallFailed) else error
        raise Stop(outcome, f"the guest could not be started: {reason}") from None
    pipeline.starting = False
