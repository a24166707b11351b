"""``linmem inspect | new``: what a module has, and first files to go on from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from linmem import paths
from linmem.cli import modules
from linmem.cli.parsers import command, group
from linmem.errors import UserError
from linmem.scenario import schema
from linmem.starters import listing, project, runtime, scenario
from linmem.text import say


def add(commands: Any) -> None:
    """Declare the subcommands."""
    parser = command(commands, "inspect", _inspect)
    _module(parser)

    own = group(commands, "new", "write a first scenario, runtime or project")
    parser = command(own, "scenario", _scenario)
    _module(parser)
    parser.add_argument(
        "--glue", type=Path, metavar="SCRIPT", help="the wasm_exec.js that starts a Go or TinyGo module"
    )
    place = "where it goes (default: MODULE's name with .yaml, in the current folder)"
    parser.add_argument("--out", type=Path, metavar="PATH", help=place)

    parser = command(own, "runtime", _runtime)
    parser.add_argument("name", metavar="NAME", help="the runtime's name on the command line and in reports")
    languages = ", ".join(f"{language} ({model})" for language, model in runtime.LANGUAGES.items())
    model = f"the language of its host API, which says whose driver is copied: {languages} (default: python)"
    parser.add_argument("--language", choices=runtime.LANGUAGES, default="python", metavar="LANGUAGE", help=model)
    parser.add_argument("--out", type=Path, metavar="PATH", help="where it goes (default: NAME, in the current folder)")

    parser = command(own, "project", _project)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="default: the current folder"
    )


def _module(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("module", type=Path, metavar="MODULE", help="a binary module, such as main.wasm")


def _inspect(options: argparse.Namespace) -> int:
    """Show what a module imports and exports, and a first scenario. Exit status: 0 it could be read."""
    data, types = modules.read(options.module)
    say("\n".join(listing.lines(options.module, len(data), types)))
    say("\nA scenario file to start from ('linmem new scenario' writes it):\n")
    say(scenario.first(options.module, types), end="")
    return 0


def _scenario(options: argparse.Namespace) -> int:
    """Write a first scenario file that plays a module. Exit status: 0 it was written."""
    out: Path = options.out or Path(f"{options.module.stem}.yaml")
    text = scenario.first(options.module, modules.read(options.module)[1], options.glue, out.parent)
    if out.exists():
        raise UserError(f"{out} is there already: name another with --out, or move it away")
    if (out.parent / schema.COPY).exists():
        text = f"{schema.EDITORS}\n{text}"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    say(f"wrote {out}")
    say(f"play it: linmem run {paths.shown(out.absolute())}")
    return 0


def _runtime(options: argparse.Namespace) -> int:
    """Write a first driver for a runtime of your own: a copy of one of linmem's, which plays as it is. Change it
    call by call to your runtime's API. Exit status: 0 it was written.
    """
    folder: Path = options.out or Path(options.name)
    for path in runtime.begin(options.name, options.language, folder):
        say(f"wrote {path}")
    given = folder if folder.is_absolute() else f"./{folder}"
    say(f"check it: linmem runtimes check {given}")
    say(f"play it: linmem run --runtime {given}")
    return 0


def _project(options: argparse.Namespace) -> int:
    """Write a project file and a first scenario, which play as they are. Exit status: 0 they were written."""
    for path in project.begin(options.folder):
        say(f"wrote {path}")
    here = options.folder == Path()
    say("play it: linmem run" if here else f"play it: cd {options.folder} && linmem run")
    return 0
