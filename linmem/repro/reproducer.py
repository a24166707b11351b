"""The reproducer of a case in a run."""

from __future__ import annotations

import shlex
from pathlib import Path

from linmem import project
from linmem.compare import inputs
from linmem.errors import UserError
from linmem.report import again
from linmem.repro.goal import Goal, ReproError
from linmem.repro.script import STEPS, script
from linmem.repro.templates import load
from linmem.repro.writer import ScriptWriter
from linmem.results.document import Report
from linmem.results.outcome import Result
from linmem.run.guests import Guests, modules
from linmem.run.runtimes import manifest_of
from linmem.scenario.files import file_of
from linmem.scenario.loader import load_suite
from linmem.scenario.model import Scenario
from linmem.scenario.source import SourceError
from linmem.text import one_line


def of_case(case: str, run: Path) -> str:
    """The reproducer of a case, by its id in a run. Raises `ReproError`."""
    report = inputs.load(run)
    result = next((item for item in report.results if item.id == case), None)
    if result is None:
        play = shlex.join(["linmem", "run", again.item(case)])
        raise ReproError(f"{run} has no case {case}: play it first: {play}")
    return of_result(report, result)


def of_result(report: Report, result: Result) -> str:
    """The reproducer of a result. Raises `ReproError` where there can be none."""
    if result.outcome in ("unsupported", "error", "timeout"):
        raise ReproError(f"{result.id} has outcome '{result.outcome}': there is nothing that a script could show")
    runtime = next(item for item in report.runtimes if item.label == result.runtime)
    try:
        manifest = manifest_of(runtime.name, report.command)
        scenario = _scenario(result)
        guest = next(
            (item for item in Guests([], None).of(scenario) if item and item.label == (result.guest or "")), None
        )
        if result.guest is not None and guest is None:
            raise ReproError(f"{result.id}: its guest is not there any more")
        hosted = guest is not None and (guest.glue is not None or guest.host is not None)
        if hosted and scenario.wasi is None:  # else the runtime's own WASI serves it
            raise ReproError(f"{result.id}: its guest needs the host side of its language, which no reproducer has yet")
        found = modules(scenario, guest)
    except (SourceError, UserError) as error:
        raise ReproError(f"{result.id}: {error}") from None
    units = {view.kind: view.unit for view in manifest.views}
    writer = ScriptWriter(scenario, found, load(manifest), units, result.view, Goal(result), STEPS)
    return script(writer, _head(scenario, result, runtime.engine), result.version, runtime.variant)


def _scenario(result: Result) -> Scenario:
    suite = load_suite(file_of(result.suite, project.find().folder), result.suite)
    for scenario in suite.scenarios:
        if scenario.slug == result.scenario:
            return scenario
    raise ReproError(f"{result.suite} has no scenario '{result.scenario}' any more")


def _head(scenario: Scenario, result: Result, engine: str | None) -> list[str]:
    lines = [one_line(f"{scenario.title}: {result.runtime.partition('@')[0]} {result.version}", 110)]
    if engine:
        lines.append(f"({one_line(engine, 100)})")
    last = result.steps[-1] if result.steps and result.steps[-1].status == "failed" else None
    if last is not None:
        lines += ["", one_line(last.text, 110)]
        lines += [one_line(f"  expected: {last.expected}", 110)] if last.expected else []
        lines += [one_line(f"  actual:   {last.actual}", 200)]
    lines += [scenario.spec] if scenario.spec else []
    if result.known is not None and result.known.link:
        lines.append(f"Known as {result.known.link}")
    return lines
