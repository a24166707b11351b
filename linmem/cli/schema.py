"""``linmem schema``: the JSON Schemas of the files that linmem reads and writes."""

from __future__ import annotations

import argparse
from typing import Any

from linmem.provision import manifest_rules
from linmem.report import build
from linmem.results import known
from linmem.scenario import schema

SCHEMAS = {
    "scenario": schema.SCHEMA_PATH,
    "runtime": manifest_rules.SCHEMA,
    "known": known.SCHEMA,
    "report": build.SCHEMA,
}


def add(commands: Any) -> None:
    """Declare the subcommand."""
    command = commands.add_parser("schema", help="print the JSON Schema of a file format")
    command.add_argument("format", choices=SCHEMAS, help="scenario files, runtime.yaml, known.yaml or report.json")
    command.add_argument("--path", action="store_true", help="print only where it stands, for an editor's settings")
    command.set_defaults(run_command=_schema)


def _schema(options: argparse.Namespace) -> int:
    path = SCHEMAS[options.format]
    print(path if options.path else path.read_text(encoding="utf-8").rstrip())
    return 0
