"""``linmem list | explain | check | coverage | schema``: what scenario files hold and may hold. Nothing is played."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linmem import paths, project
from linmem.cli.parsers import a_run, command, output
from linmem.compare import inputs
from linmem.errors import UserError, unknown
from linmem.provision import manifest_rules
from linmem.provision.manifest import all_view_kinds
from linmem.report import build, explain, github
from linmem.results import known
from linmem.run.runtimes import choose
from linmem.scenario import schema, tables, view_kinds
from linmem.scenario.files import ENDINGS, find, is_own, name_of, walk
from linmem.scenario.loader import examine, load_suite
from linmem.scenario.model import Scenario, Suite
from linmem.scenario.source import SourceError
from linmem.text import plural, printable_json, say

if TYPE_CHECKING:
    from linmem.coverage.reach import Played

WIDTH = 80
SCHEMAS = {
    "scenario": schema.SCHEMA.path,
    "runtime": manifest_rules.SCHEMA.path,
    "known": known.SCHEMA.path,
    "project": project.SCHEMA.path,
    "report": build.SCHEMA,
}
_SUITE = "scenario files or folders; linmem's own suites also by name: memory, growth.yaml"


def add(commands: Any) -> None:
    """Declare the subcommands."""
    parser = command(commands, "list", _list)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"{_SUITE} (default: an overview)")
    output(parser, ("text", "json"), out=False)

    parser = command(commands, "explain", _explain)
    parser.add_argument("scenario", metavar="SCENARIO", help="SUITE::NAME, as a report or 'linmem list SUITE' names it")
    a_run(parser)

    parser = command(commands, "check", _check)
    parser.add_argument("suites", nargs="+", metavar="SUITE", help=_SUITE)
    output(parser, CHECK_FORMATS, out=False)

    parser = command(commands, "coverage", _coverage)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"{_SUITE} (default: all of linmem's)")
    parser.add_argument("--missing", action="store_true", help="show only what is uncovered, one per line")
    output(parser, ("text", "json"), out=False)

    parser = command(commands, "schema", _schema)
    files = "scenario, runtime (runtime.yaml), known (known.yaml), project (linmem.toml) or report (report.json)"
    parser.add_argument("file", choices=SCHEMAS, metavar="FILE", help=files)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--path", action="store_true", help="print only the path of the schema, for an editor")
    page = "write its tables of keys in a Markdown page, docs/scenario-reference.md"
    what.add_argument("--fill", type=Path, metavar="PAGE", help=page)


def _list(options: argparse.Namespace) -> int:
    """Show linmem's suites, or the scenarios of some suites. A scenario is shown by its line in the file and the name
    that -k of linmem run matches, under the clause of a specification that it checks. -k also matches a file's name, a
    guest, a runtime and a view kind. Exit status: 0 all is well; 1 a scenario file is wrong.
    """
    suites, wrong = _load(options.suites or [paths.SUITES])
    found = [suite for _, suite in suites]
    if options.format == "json":
        say(printable_json(json.dumps([_as_json(suite) for suite in found], indent=2, ensure_ascii=False)))
    elif options.suites:
        for suite in found:
            say("\n".join(_scenarios(suite)), end="\n\n")
        say(f"{_total(found)} in {plural(len(found), 'suite')}; play some: linmem run -k NAME")
    else:
        say("\n".join(_overview(suites)))
        say(f"{_total(found)} in {plural(len(found), 'suite')}; show some: linmem list SUITE")
    return _told(wrong)


def _explain(options: argparse.Namespace) -> int:
    """Show what a scenario does, and what came of it in the last run. Exit status: 0 it was shown."""
    file, _, name = options.scenario.partition("::")
    suites, wrong = _load([file])
    if wrong:
        return _told(wrong)
    found = {scenario.slug: (suite, scenario) for _, suite in suites for scenario in suite.scenarios}
    slug = name.partition("[")[0]
    if slug not in found:
        raise UserError(unknown("scenario", slug, found, file))
    suite, scenario = found[slug]
    run: Path = options.run or inputs.last()
    played = explain.results_of(inputs.load(run), scenario) if options.run or run.exists() else None
    say("\n".join(explain.lines(suite, scenario, played)))
    return 0


def _check(options: argparse.Namespace) -> int:
    """Check scenario files and play nothing. Form, names and values are checked, and every fault is told: of each step
    the first. Programs, features and the modules' text are checked when they are played. Exit status: 0 nothing is
    wrong; 1 a scenario file is.
    """
    kinds = all_view_kinds(chosen.manifest for chosen in choose(project.find().runtimes))
    count, wrong = 0, list[SourceError]()
    for path, shown in _named(options.suites):
        scenarios, faults = examine(path, shown)
        count += len(scenarios)
        if kinds is not None:
            faults += [fault for scenario in scenarios for fault in view_kinds.faults(scenario, kinds)]
        faults.sort(key=lambda fault: fault.line or 0)
        wrong += {str(fault): fault for fault in faults}.values()  # each once, of the many cases of a scenario
    CHECK_FORMATS[options.format](count, wrong)
    return 1 if wrong else 0


def _check_text(right: int, wrong: Sequence[SourceError]) -> None:
    for fault in wrong:
        say(fault)
    if wrong:
        files = len({fault.file for fault in wrong})
        say(f"Found {plural(len(wrong), 'fault')} in {plural(files, 'file')}.")
    else:
        say(f"ok: {plural(right, 'scenario')}")


def _check_github(scenarios: int, wrong: Sequence[SourceError]) -> None:
    """Workflow commands, which make annotations; then what a person reads."""
    for fault in wrong:
        print(github.error(fault.message, fault.file, fault.line))
    _check_text(scenarios, wrong)


def _check_json(scenarios: int, wrong: Sequence[SourceError]) -> None:
    faults = [{"file": fault.file, "line": fault.line, "message": fault.message} for fault in wrong]
    said = {"schema": "linmem-check/1", "scenarios": scenarios, "faults": faults}
    say(printable_json(json.dumps(said, indent=2, ensure_ascii=False)))


CHECK_FORMATS = {"text": _check_text, "github": _check_github, "json": _check_json}


def _coverage(options: argparse.Namespace) -> int:
    """Show which memory instructions and topics scenarios reach. An instruction counts if it is in a function that a
    scenario's calls lead to; this is read from the modules' code. Nothing is played. Exit status: 0 nothing is
    uncovered; 1 something is, or a scenario file is wrong.
    """
    from linmem.coverage import survey, text

    suites, wrong = _load(options.suites or [paths.SUITES])
    try:
        found = survey.survey(suites, _plays())
    except SourceError as error:  # a module's text that does not assemble
        return _told([*wrong, error])
    if options.format == "json":
        whole = found.missing if options.missing else survey.as_json(found)
        say(printable_json(json.dumps(whole, indent=2, ensure_ascii=False)))
    else:
        for line in found.missing if options.missing else text.lines(found):
            say(line)
    return 1 if _told(wrong) or found.missing else 0


def _plays() -> Callable[[Scenario], list[Played]]:
    """What gives the modules that a scenario is played with, one guest after the other."""
    from linmem.coverage.reach import Played
    from linmem.run.guests import Guests, modules

    guests = Guests([], None)

    def plays(scenario: Scenario) -> list[Played]:
        return [
            Played(modules(scenario, guest), guest is not None and (guest.host or guest.glue) is not None)
            for guest in guests.of(scenario)
            if guest is None or guest.module.suffix == ".wasm"  # a package that was not fetched has no module yet
        ]

    return plays


def _schema(options: argparse.Namespace) -> int:
    """Print the JSON Schema of a file format."""
    path, page = SCHEMAS[options.file], options.fill
    text = path.read_text(encoding="utf-8")
    if page is not None:
        page.write_text(tables.fill(page.read_text(encoding="utf-8"), json.loads(text)), encoding="utf-8")
    else:
        say(path if options.path else text.rstrip())
    return 0


# ------------------------------------------------------------------------------------------------------- the files


def _load(given: Sequence[str | Path]) -> tuple[list[tuple[Path, Suite]], list[SourceError]]:
    """The suites in files and folders, and the first fault of each of the others. Raises `UserError`."""
    suites, wrong = [], []
    for path, shown in _named(given):
        try:
            suites.append((path, load_suite(path, shown)))
        except SourceError as fault:
            wrong.append(fault)
    return suites, wrong


def _named(given: Sequence[str | Path]) -> Iterator[tuple[Path, str]]:
    """The scenario files in files and folders, each once, with their names in messages. Raises `UserError`."""
    for path in dict.fromkeys(file for item in given for file in _files(find(str(item)))):
        yield path, name_of(path, Path.cwd()) if is_own(path) else paths.shown(path)


def _files(path: Path) -> list[Path]:
    """The scenario files that `path` is or holds, in pytest's order. Raises `UserError`."""
    endings = " or ".join(ENDINGS)
    if path.is_dir():
        try:
            found = sorted(walk(path.absolute()))
        except OSError as error:
            raise UserError(f"{path}: can't be read: {error.strerror}") from None
        if not found:
            raise UserError(f"{path}: there is no scenario file in this folder; their names end in {endings}")
        return found
    if not path.exists():
        raise UserError(f"{path}: there is no such file, folder or suite; 'linmem list' shows the suites")
    if path.suffix not in ENDINGS:
        raise UserError(f"{path}: a scenario file's name ends in {endings}")
    return [path.absolute()]


def _told(faults: Sequence[SourceError], out: Any = None) -> int:
    """Print what is wrong with files, on standard error unless said; the exit status."""
    for fault in faults:
        say(fault, file=out or sys.stderr)
    return 1 if faults else 0


# -------------------------------------------------------------------------------------------------------- in words


def _overview(suites: Sequence[tuple[Path, Suite]]) -> Iterator[str]:
    """Each topic with what its README says of it, and its suites."""
    wide = max(len(path.name) for path, _ in suites)
    for topic, members in itertools.groupby(suites, lambda item: item[0].parent):
        about = (topic / "README.md").read_text(encoding="utf-8").partition("\n")[2]
        yield topic.name
        yield textwrap.fill(" ".join(about.split()), WIDTH, initial_indent="  ", subsequent_indent="  ")
        for path, suite in members:
            line = f"    {path.name:{wide}}  {len(suite.scenarios):3}  {suite.title}"
            yield textwrap.fill(line, WIDTH, subsequent_indent=" " * (wide + 11))
        yield ""


def _scenarios(suite: Suite) -> Iterator[str]:
    """A suite's lines. A clause stands once above the scenarios that follow each other under it."""
    yield f"{suite.path}: {suite.title}, {plural(len(suite.scenarios), 'scenario')}"
    clause: str | None = ""
    for scenario in suite.scenarios:
        if scenario.spec != clause:
            clause = scenario.spec
            yield f" {clause or 'no clause of a specification'}"
        line = f"{scenario.where.line:6}  {scenario.slug}"
        needs = f"needs {', '.join(scenario.requires)}" if scenario.requires else ""
        yield from [f"{line}  {needs}".rstrip()] if len(f"{line}  {needs}") <= WIDTH else [line, f"{'':8}{needs}"]


def _as_json(suite: Suite) -> dict[str, Any]:
    words = ("title", "about", "spec", "program", "package", "each_view")
    return {
        "path": suite.path,
        "title": suite.title,
        "about": suite.about,
        "scenarios": [
            {
                "scenario": scenario.slug,
                **{word: getattr(scenario, word) for word in words},
                "line": scenario.where.line,
                "requires": list(scenario.requires),
                "case": dict(scenario.case),
            }
            for scenario in suite.scenarios
        ],
        "observations": [
            {"id": item.id, "question": item.question, "answers": dict(item.answers), "line": item.where.line}
            for item in suite.observations.values()
        ],
    }


def _total(suites: Sequence[Suite]) -> str:
    return plural(sum(len(suite.scenarios) for suite in suites), "scenario")
