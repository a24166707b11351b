"""``linmem list | check | coverage``: what scenario files hold. No runtime is started."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linmem import paths
from linmem.errors import UserError
from linmem.scenario.files import ENDINGS, walk
from linmem.scenario.loader import load_suite
from linmem.scenario.model import Scenario, Suite
from linmem.scenario.source import SourceError

if TYPE_CHECKING:
    from linmem.coverage.reach import Played

WIDTH = 80
_EPILOG = "exit status: 0 all is well; 1 a scenario file is wrong; 2 the command makes no sense"


def add(commands: Any) -> None:
    """Declare the subcommands."""
    listing = commands.add_parser(
        "list",
        help="show the scenarios of suites",
        description="Show every scenario by its line in the file and the name that pytest's -k matches, under the "
        "clause of a specification that it checks. -k also matches a suite's file name, a guest, a runtime and a "
        "view kind.",
        epilog=_EPILOG,
    )
    listing.add_argument("paths", nargs="*", metavar="PATH", help="scenario files or folders; default: suites/")
    listing.add_argument("--json", action="store_true", help="print JSON, with all that is known of each scenario")
    listing.set_defaults(run_command=_list)

    check = commands.add_parser(
        "check",
        help="check scenario files and play nothing",
        description="Check scenario files: form, names and values. Programs, features and the modules' text are "
        "checked when pytest plays them.",
        epilog=_EPILOG,
    )
    check.add_argument("paths", nargs="+", metavar="PATH", help="scenario files or folders")
    check.set_defaults(run_command=_check)

    coverage = commands.add_parser(
        "coverage",
        help="show which memory instructions and topics scenarios reach, and what is uncovered",
        description="Show which memory instructions, ways of the host and topics the scenarios reach. An instruction "
        "counts where it stands in a function that a scenario's calls lead to; this is read from the modules' code. "
        "Nothing is played.",
        epilog="exit status: 0 nothing is uncovered; 1 something is, or a scenario file is wrong; 2 the command makes "
        "no sense",
    )
    coverage.add_argument("paths", nargs="*", metavar="PATH", help="scenario files or folders; default: suites/")
    how = coverage.add_mutually_exclusive_group()
    how.add_argument("--missing", action="store_true", help="only what is uncovered, one per line")
    how.add_argument("--json", action="store_true", help="print JSON: every instruction and topic, with its scenarios")
    coverage.set_defaults(run_command=_coverage)


def _list(options: argparse.Namespace) -> int:
    suites, faults = _load(options.paths or [paths.SUITES])
    if options.json:
        print(json.dumps([_as_json(suite) for suite in suites], indent=2, ensure_ascii=False))
    else:
        for suite in suites:
            print("\n".join(_as_text(suite)), end="\n\n")
        print(f"{_total(suites)} in {_counted(len(suites), 'suite')}; play some: linmem run -k NAME")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _check(options: argparse.Namespace) -> int:
    suites, faults = _load(options.paths)
    for fault in faults:
        print(fault)
    if not faults:
        print(f"ok: {_total(suites)}")
    return 1 if faults else 0


def _coverage(options: argparse.Namespace) -> int:
    from linmem.coverage import survey, text

    suites, faults = _load(options.paths or [paths.SUITES])
    try:
        found = survey.survey([(Path(suite.path).absolute(), suite) for suite in suites], _plays())
    except SourceError as error:  # a module's text that does not assemble
        print("\n".join(map(str, [*faults, error])), file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(survey.as_json(found), indent=2, ensure_ascii=False))
    else:
        for line in found.missing if options.missing else text.lines(found):
            print(line)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults or found.missing else 0


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


# ------------------------------------------------------------------------------------------------------- the files


def _load(places: Sequence[str | Path]) -> tuple[list[Suite], list[SourceError]]:
    """The suites in files and folders, and what is wrong with the others. Raises `UserError`."""
    suites, faults = [], []
    for path in dict.fromkeys(file for given in places for file in _files(Path(given))):
        try:
            suites.append(load_suite(path, paths.shown(path)))
        except SourceError as fault:
            faults.append(fault)
    return suites, faults


def _files(path: Path) -> list[Path]:
    """The scenario files that `path` is or holds, in pytest's order. Raises `UserError`."""
    if path.is_dir():
        try:
            found = sorted(walk(path.absolute()))
        except OSError as error:
            raise UserError(f"{path}: can't be read: {error.strerror}") from None
        if not found:
            raise UserError(f"{path}: there is no scenario file in this folder; their names end in {_endings()}")
        return found
    if not path.exists():
        raise UserError(f"{path}: there is no such file or folder")
    if path.suffix not in ENDINGS:
        raise UserError(f"{path}: a scenario file's name ends in {_endings()}")
    return [path.absolute()]


def _endings() -> str:
    return " or ".join(ENDINGS)


# -------------------------------------------------------------------------------------------------------- in words


def _as_text(suite: Suite) -> Iterator[str]:
    """A suite's lines. A clause stands once above the scenarios that follow each other under it."""
    yield f"{suite.path}: {suite.title}, {_counted(len(suite.scenarios), 'scenario')}"
    clause: str | None = ""
    for scenario in suite.scenarios:
        if scenario.spec != clause:
            clause = scenario.spec
            yield f" {clause or 'no clause of a specification'}"
        yield from _line(scenario)


def _line(scenario: Scenario) -> Iterator[str]:
    line = f"{scenario.where.line:6}  {scenario.slug}"
    needs = f"needs {', '.join(scenario.requires)}" if scenario.requires else ""
    if len(f"{line}  {needs}") <= WIDTH:
        yield f"{line}  {needs}".rstrip()
    else:
        yield line
        yield f"{'':8}{needs}"


def _as_json(suite: Suite) -> dict[str, Any]:
    return {
        "path": suite.path,
        "title": suite.title,
        "about": suite.about,
        "scenarios": [
            {
                "scenario": scenario.slug,
                "title": scenario.title,
                "about": scenario.about,
                "line": scenario.where.line,
                "spec": scenario.spec,
                "requires": list(scenario.requires),
                "program": scenario.program,
                "package": scenario.package,
                "each_view": scenario.each_view,
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
    return _counted(sum(len(suite.scenarios) for suite in suites), "scenario")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
