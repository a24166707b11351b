"""The room as a command: ``python -m suites list | check | coverage | schema``. It starts no runtime.

Like ``conftest.py``, `coverage` is a door: it takes the scenarios' modules from the `fixtures` room.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suites import command
from suites.files import ENDINGS, walk
from suites.loader import load_suite
from suites.model import Scenario, Suite
from suites.validation import SCHEMA_PATH
from suites.yamlsource import SourceError

if TYPE_CHECKING:
    from suites.coverage.reach import Played

ROOM = Path(__file__).parent
WIDTH = 80
_EPILOG = "exit status: 0 all is well; 1 a scenario file is wrong; 2 the command makes no sense"


class Unusable(Exception):
    """The command line asks for what is not there: one line."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 all well, 1 a file is wrong, 2 it could not be understood."""
    return command.end("python -m suites", lambda: _run(argv), (Unusable,))


def _run(argv: Sequence[str] | None) -> int:
    options = _parser().parse_args(argv)
    return int(options.run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m suites", description="The suites: scenarios of what must hold.", epilog=_EPILOG
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

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
    listing.set_defaults(run=_list)

    check = commands.add_parser(
        "check",
        help="check scenario files and play nothing",
        description="Check scenario files: form, names and values. Programs, features and the modules' text are "
        "checked when pytest plays them.",
        epilog=_EPILOG,
    )
    check.add_argument("paths", nargs="+", metavar="PATH", help="scenario files or folders")
    check.set_defaults(run=_check)

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
    coverage.set_defaults(run=_coverage)

    schema = commands.add_parser("schema", help="print the JSON Schema of scenario files")
    schema.add_argument("--path", action="store_true", help="print only where it stands, for an editor's settings")
    schema.set_defaults(run=_schema)
    return parser


def _list(options: argparse.Namespace) -> int:
    suites, faults = _load(options.paths or [ROOM])
    if options.json:
        print(json.dumps([_as_json(suite) for suite in suites], indent=2, ensure_ascii=False))
    else:
        for suite in suites:
            print("\n".join(_as_text(suite)), end="\n\n")
        print(f"{_total(suites)} in {_counted(len(suites), 'suite')}; play some: python -m pytest -k NAME")
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
    from suites.coverage import survey, text

    suites, faults = _load(options.paths or [ROOM])
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
    from fixtures.selection import Guests, modules
    from suites.coverage.reach import Played

    guests = Guests([], None)

    def plays(scenario: Scenario) -> list[Played]:
        return [
            Played(modules(scenario, guest), guest is not None and (guest.host or guest.glue) is not None)
            for guest in guests.of(scenario)
            if guest is None or guest.module.suffix == ".wasm"  # a package that was not fetched has no module yet
        ]

    return plays


def _schema(options: argparse.Namespace) -> int:
    print(SCHEMA_PATH if options.path else SCHEMA_PATH.read_text(encoding="utf-8").rstrip())
    return 0


# ------------------------------------------------------------------------------------------------------- the files


def _load(paths: Sequence[str | Path]) -> tuple[list[Suite], list[SourceError]]:
    """The suites in files and folders, and what is wrong with the others. Raises `Unusable`."""
    suites, faults = [], []
    for path in dict.fromkeys(file for given in paths for file in _files(Path(given))):
        try:
            suites.append(load_suite(path, _shown(path)))
        except SourceError as fault:
            faults.append(fault)
    return suites, faults


def _files(path: Path) -> list[Path]:
    """The scenario files that `path` is or holds, in pytest's order. Raises `Unusable`."""
    if path.is_dir():
        try:
            found = sorted(walk(path.absolute()))
        except OSError as error:
            raise Unusable(f"{path}: can't be read: {error.strerror}") from None
        if not found:
            raise Unusable(f"{path}: there is no scenario file in this folder; their names end in {_endings()}")
        return found
    if not path.exists():
        raise Unusable(f"{path}: there is no such file or folder")
    if path.suffix not in ENDINGS:
        raise Unusable(f"{path}: a scenario file's name ends in {_endings()}")
    return [path.absolute()]


def _endings() -> str:
    return " or ".join(ENDINGS)


def _shown(path: Path) -> str:
    """The path as a user would type it: relative where that is shorter."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


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


if __name__ == "__main__":
    sys.exit(main())
