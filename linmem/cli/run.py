"""``linmem run``, pytest with linmem's plugin, and ``history`` and ``bisect``, which play on many versions."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from linmem.cli.parsers import command, output, report_dir
from linmem.compare import sweep

CONFIGURATION = Path(__file__).with_name("run.ini")
PYTEST = (
    "Every option of pytest works too, such as -k EXPRESSION, -x, -v, --lf, --collect-only and, with pytest-xdist, -n "
    "NUMBER; 'pytest --help' shows them. Exit status: 0 nothing unexpected came; 1 something did, or a scenario file "
    "is wrong; 2 interrupted, or nothing could be compared; 3 an internal error; 4 the command line is wrong or a "
    "runtime is not available; 5 nothing was selected."
)


def main(arguments: Sequence[str]) -> int:
    """Play what the arguments name, or all suites; pytest's exit status.

    The configuration of the repository it is called in is another program's: neither its options nor its conftest
    files count.
    """
    if {"-h", "--help"} & set(arguments):
        print(_help(), end="")
        return 0
    import pytest  # takes a while

    own = [] if _has(arguments, "-c") else ["-c", str(CONFIGURATION), "--noconftest"]
    root = [] if _has(arguments, "--rootdir") else [f"--rootdir={Path.cwd()}"]
    return int(pytest.main(["-p", "linmem.plugin", *own, *root, *arguments]))


def _has(arguments: Sequence[str], option: str) -> bool:
    return any(word == option or word.startswith(f"{option}=") for word in arguments)


class _Group:
    """Takes the plugin's options as pytest's parser does."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.addoption = parser.add_argument

    def getgroup(self, name: str, description: str) -> _Group:
        return self


def _help() -> str:
    from linmem.plugin import options

    parser = argparse.ArgumentParser(
        prog="linmem run",
        usage="linmem run [OPTION ...] [SUITE ...]",
        description="Play scenarios and write the reports.",
        epilog=PYTEST,
    )
    parser.add_argument(
        "suites",
        nargs="*",
        metavar="SUITE",
        help="a topic, a suite, a scenario or a case, as reports name them: memory, growth.yaml, "
        "growth.yaml::SCENARIO[CELL] (default: all)",
    )
    options.add(_Group(parser))  # type: ignore[arg-type]
    return parser.format_help()


def add(commands: Any) -> None:
    """Declare the subcommands. ``run`` is only named: `main` carries it out."""
    commands.add_parser("run", help="play scenarios on runtimes and write the reports", add_help=False)
    parser = command(commands, "history", sweep.history)
    parser.add_argument("runtime", nargs="*", metavar="NAME@RANGE", help="such as 'wasmtime@>=40'; repeatable")
    parser.add_argument("--from", dest="run", type=Path, metavar="RUN", help="a run that was played before")
    report_dir(parser, "history in the usual folder")
    parser.add_argument("-k", dest="expression", metavar="EXPRESSION", help="play only what it selects")
    output(parser, sweep.FORMATS, out=False)
    parser.set_defaults(passes_on=True)

    parser = command(commands, "bisect", sweep.bisect_case)
    parser.add_argument(
        "case", metavar="CASE", help="growth.yaml::SCENARIO[CELL], or without [CELL] all cases of the scenario"
    )
    parser.add_argument("runtime", metavar="NAME@RANGE", help="such as 'wasmtime@>=20'")
