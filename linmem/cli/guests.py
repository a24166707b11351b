"""``linmem guests``: list the guests, fetch published ones, build the others, and give exports further names."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from linmem.cli import modules
from linmem.cli.parsers import command, group
from linmem.errors import UserError, unknown
from linmem.guests import build, packages
from linmem.provision.uvtool import tell
from linmem.results.atomic import replace
from linmem.text import say
from linmem.wasm.aliases import add_names


def add(commands: Any) -> None:
    """Declare the subcommands."""
    own = group(commands, "guests", "list, fetch and build the guest programs")
    command(own, "list", _list)
    command(own, "fetch", _fetch)
    parser = command(own, "alias", _alias)
    parser.add_argument("module", type=Path, metavar="MODULE", help="a binary module")
    parser.add_argument("result", type=Path, metavar="RESULT", help="where the module with the further names goes")
    help_ = "a further name, and the export that it stands for, as in load=read_byte"
    parser.add_argument("names", nargs="+", metavar="NAME=EXPORT", help=help_)
    builder = command(own, "build", _build)
    builder.add_argument("guests", nargs="*", metavar="PROGRAM[/LANGUAGE]", help="which guests (default: all)")
    builder.add_argument("--strict", action="store_true", help="fail also if a committed module could not be checked")
    builder.add_argument("--write", action="store_true", help="replace the committed modules and record their sources")


def _list(options: argparse.Namespace) -> int:
    """Show every program in every language, with its toolchain and state."""
    rows = [("guest", "toolchain", "state")]
    rows += [(str(target), *build.state(target)) for target in build.select([])]
    rows += [
        (f"{name}/{packages.LABEL}", package.origin, "in the cache" if package.folder() else "fetched on first use")
        for name, package in packages.packages().items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for guest, toolchain, state in rows:
        say(f"{guest:{widths[0]}}  {toolchain:{widths[1]}}  {state}")
    return 0


def _fetch(options: argparse.Namespace) -> int:
    """Fetch the published modules, so that later runs need no network. Exit status: 0 all are in the cache; 1 one is
    not available.
    """
    missing = packages.fetch_all(packages.packages().values(), tell)
    for name in packages.packages():
        if name not in missing:
            say(f"{name} is in the cache")
    for name, error in missing.items():
        say(f"{name} is not available: {error}", file=sys.stderr)
    return 1 if missing else 0


def _alias(options: argparse.Namespace) -> int:
    """Give exports of a module further names, so that it can be played as the guest of a program whose contract calls
    them otherwise. Nothing else of the module changes. Exit status: 0 it was written.
    """
    names = dict(text.split("=", 1) for text in options.names if "=" in text)
    if len(names) < len(options.names):
        raise UserError("alias: each name is of the form NAME=EXPORT, and is given once")
    data, types = modules.read(options.module)
    missing = [export for export in names.values() if export not in types.exports]
    if missing:
        raise UserError(unknown("export", missing[0], list(types.exports), str(options.module)))
    replace(options.result, add_names(data, names))
    say(f"wrote {options.result}: play it with --guest PROGRAM={options.result}")
    return 0


def _build(options: argparse.Namespace) -> int:
    """Rebuild guests from source and compare every byte with the committed modules. Exit status: 0 nothing differs; 1 a
    module differs or could not be built.
    """
    targets = build.select(options.guests)
    unsure, good = [], True
    for built in map(build.write, targets) if options.write else build.check_all(targets):
        say(f"{built.state:4}  {built.target}: {built.text}", flush=True)
        good = good and built.state != "FAIL"
        if built.state == "none" and built.target.toolchain.committed:
            unsure.append(str(built.target))
    if unsure:
        say(f"not checked here, {len(unsure)} of {len(targets)}: {', '.join(unsure)}", file=sys.stderr)
    return 0 if good and not (options.strict and unsure) else 1
