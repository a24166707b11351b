"""The subcommand that makes one report of several: ``merge``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from linmem.compare import inputs
from linmem.compare.merge import Merged, Part, merge
from linmem.report.build import ReportError
from linmem.report.place import RECORD
from linmem.report.write import NAMES, write_all
from linmem.results.record import RecordWriter
from linmem.results.text import join, plural

SHOWN = 20  # duplicates that are named one by one; they are harmless


def add(commands: Any) -> None:
    """Declare the subcommand."""
    command = commands.add_parser(
        "merge",
        help="make one report of the parts that several jobs or machines played",
        description="Make one report, in all formats, of the parts of a run. Ends with 0 if they fit together and "
        "nothing is lacking, 1 if there are conflicts, gaps or incomplete parts, 2 if an input can't be used.",
    )
    command.add_argument("parts", nargs="+", type=Path, metavar="RUN", help="record.jsonl, report.json, or a folder")
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the merged reports go")
    command.add_argument(
        "--allow-gaps", action="store_true", help="cases that no part played do not make the run incomplete"
    )
    command.set_defaults(run_command=_merge)


def _merge(options: argparse.Namespace) -> int:
    for path in options.parts:
        folder = path if path.is_dir() else path.parent
        if folder.resolve() == options.out.resolve():
            raise ReportError(f"--out {options.out} holds one of the parts, which would be lost: give another folder")
    parts = [Part(str(path), inputs.load(path)) for path in options.parts]
    words = ["linmem", "merge", *map(str, options.parts), "--out", str(options.out)]
    merged = merge(parts, words, options.allow_gaps)
    with RecordWriter(options.out / RECORD) as writer:
        for item in merged.lines:
            writer.write(item)
    write_all(options.out / RECORD, options.out)
    for line in _lines(merged, options.allow_gaps):
        print(line)
    for name in NAMES:
        print(options.out / name)
    return 1 if merged.conflicts or merged.unfinished or (merged.gaps and not options.allow_gaps) else 0


def _lines(merged: Merged, allow_gaps: bool) -> list[str]:
    said = [f"incomplete: {reason}" for reason in merged.unfinished]
    said += [f"conflict: {line}" for line in merged.conflicts]
    said += [f"gap: {id_}" for id_ in merged.gaps]
    if merged.duplicates:
        some = join(merged.duplicates, SHOWN)
        said.append(f"played more than once, with the same result: {some}")
    runtimes = join([runtime.label for runtime in merged.run.runtimes])
    said.append(f"merged {plural(len(merged.results), 'result')} on {runtimes}")
    if merged.gaps and not allow_gaps:
        said.append(f"{plural(len(merged.gaps), 'case')} that nobody played: the merged run is incomplete")
    return said
