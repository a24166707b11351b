"""How subcommands are declared: the same option has the same name and the same help in all of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from linmem.text import say


def command(group: Any, name: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    """Declare a subcommand that `run` carries out. Its help is the docstring of `run`: a summary, more about it, and
    from "Exit status:" on what statuses 0 and 1 mean.
    """
    text = " ".join((run.__doc__ or "").split()).replace("%", "%%")
    about, _, statuses = text.partition("Exit status: ")
    statuses = statuses.strip().removesuffix(".") or "0 all is well; 1 something is not, as the output says"
    summary = about.partition(".")[0]
    parser: argparse.ArgumentParser = group.add_parser(
        name,
        help=summary[:1].lower() + summary[1:],
        description=about,
        epilog=f"Exit status: {statuses}; 2 the command can't be carried out as it was given.",
        allow_abbrev=False,
    )
    parser.set_defaults(run_command=run)
    return parser


def group(groups: Any, name: str, summary: str) -> Any:
    """Declare a command that has subcommands of its own."""
    parser = groups.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    return parser.add_subparsers(title="commands", required=True, metavar="COMMAND")


def a_run(parser: argparse.ArgumentParser) -> None:
    """Declare RUN, which may be left out."""
    parser.add_argument(
        "run",
        nargs="?",
        type=Path,
        metavar="RUN",
        help="a run's folder, record.jsonl or report.json (default: the last)",
    )


def report_dir(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Declare ``--report-dir``; without a default it has to be given."""
    rest = f" (default: {default})" if default else ""
    parser.add_argument(
        "--report-dir", type=Path, metavar="DIR", required=default is None, help=f"where the reports go{rest}"
    )


def output(parser: argparse.ArgumentParser, formats: Iterable[str], out: bool = True) -> None:
    """Declare ``--format``, and ``--out`` where the output can be written to a file."""
    names = list(formats)
    shown = f"{', '.join(names[:-1])} or {names[-1]} (default: {names[0]})"
    parser.add_argument("--format", choices=names, default=names[0], metavar="FORMAT", help=shown)
    if out:
        parser.add_argument("--out", type=Path, metavar="PATH", help="write it there (default: standard output)")


def emit(text: str, out: Path | None) -> None:
    """Print what a command found, or write it to a file."""
    if out is not None:
        out.write_text(text, encoding="utf-8")
    else:
        say(text, end="")
