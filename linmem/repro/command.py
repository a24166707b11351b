"""The subcommand that writes a reproducer: ``repro``."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from linmem.compare import inputs
from linmem.errors import UserError
from linmem.provision.manifest import load_manifest
from linmem.report import again
from linmem.repro import recipe
from linmem.repro.goal import Goal, ReproError
from linmem.repro.script import Script
from linmem.results.document import Report, Result
from linmem.results.text import one_line
from linmem.run.guests import Guests, modules
from linmem.scenario.files import file_of
from linmem.scenario.loader import load_suite
from linmem.scenario.model import Scenario
from linmem.scenario.source import SourceError


def add(commands: Any) -> None:
    """Declare the subcommand."""
    command = commands.add_parser(
        "repro",
        help="write a script that shows a case without linmem, for a bug report",
        description="Write a stand-alone script in the runtime's own API that shows what a case showed in a run.",
    )
    command.add_argument("case", metavar="CASE", help="the case's id, as in a report or in pytest's output")
    command.add_argument("run", type=Path, nargs="?", metavar="RUN", help="default: the last run")
    command.add_argument("--out", type=Path, metavar="FILE", help="write it there (default: standard output)")
    command.set_defaults(run_command=_repro)


def _repro(options: argparse.Namespace) -> int:
    run = options.run or inputs.last()
    report = inputs.load(run)
    result = next((item for item in report.results if item.id == options.case), None)
    if result is None:
        play = shlex.join(["linmem", "run", again.item(options.case)])
        raise ReproError(f"{run} has no case {options.case}: play it first: {play}")
    text = script(report, result)
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


def script(report: Report, result: Result) -> str:
    """The reproducer of a result. Raises `ReproError` where there can be none."""
    if result.outcome in ("unsupported", "error", "timeout"):
        raise ReproError(f"{result.id} has outcome '{result.outcome}': there is nothing that a script could show")
    runtime = next(item for item in report.runtimes if item.label == result.label)
    try:
        manifest = load_manifest(runtime.name)
        scenario = _scenario(result)
        guest = next((item for item in Guests([], None).of(scenario) if item and item.label == result.guest), None)
        if result.guest is not None and guest is None:
            raise ReproError(f"{result.id}: its guest is not there any more")
        if guest is not None and (guest.glue is not None or guest.host is not None):
            raise ReproError(f"{result.id}: its guest needs the host side of its language, which no reproducer has yet")
        found = modules(scenario, guest)
    except (SourceError, UserError) as error:
        raise ReproError(f"{result.id}: {error}") from None
    units = {view.kind: view.unit for view in manifest.views}
    made = Script(scenario, found, recipe.load(manifest), units, result.view, Goal(result))
    return made.text(_head(scenario, result, runtime.engine), result.version, runtime.variant)


def _scenario(result: Result) -> Scenario:
    suite = load_suite(file_of(result.suite, Path.cwd()), result.suite)
    for scenario in suite.scenarios:
        if scenario.slug == result.scenario:
            return scenario
    raise ReproError(f"{result.suite} has no scenario '{result.scenario}' any more")


def _head(scenario: Scenario, result: Result, engine: str | None) -> list[str]:
    lines = [one_line(f"{scenario.title}: {result.label.partition('@')[0]} {result.version}", 110)]
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
