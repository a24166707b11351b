"""``linmem diff | gate``: compare a run with another, or with a baseline."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from linmem import paths, project
from linmem.cli.parsers import a_run, command, emit, output
from linmem.compare import diff_text, gate, gate_text, inputs
from linmem.compare.diff import Diff, diff
from linmem.report.build import ReportError
from linmem.results.document import as_json
from linmem.text import say

FORMATS: dict[str, Callable[[Diff], str]] = {
    "text": diff_text.text,
    "markdown": diff_text.markdown,
    "json": as_json,
    "html": diff_text.html,
}


def add(commands: Any) -> None:
    """Declare the subcommands."""
    parser = command(commands, "diff", _diff)
    parser.add_argument("a", type=Path, metavar="A", help="the older run: its folder, record.jsonl or report.json")
    parser.add_argument("b", type=Path, metavar="B", help="the newer run")
    _pairs(parser)
    parser.add_argument("--only", action="store_true", help="compare only the runtimes given with --pair")
    output(parser, FORMATS)

    parser = command(commands, "gate", _gate)
    a_run(parser)
    usual = "a recorded baseline, or a run's report (default: the project file's, unless --record-baseline is given)"
    parser.add_argument("--baseline", type=Path, metavar="FILE", help=usual)
    record = "record the run in FILE; what is there of suites and runtimes that the run did not select is kept"
    parser.add_argument("--record-baseline", type=Path, metavar="FILE", help=record)
    parser.add_argument("--whole", action="store_true", help="what the run did not select counts as missing")
    _pairs(parser)
    output(parser, gate_text.FORMATS)


def _pairs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pair",
        action="append",
        default=[],
        type=_pair,
        metavar="OLD=NEW",
        help="compare the older run's runtime OLD with the newer run's NEW, as in wasmtime@49.0.0=wasmtime@50.0.1; "
        "repeatable (default: equal labels, then those that differ only in the version)",
    )


def _pair(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form OLD=NEW")
    return old, new


def _diff(options: argparse.Namespace) -> int:
    """Compare two runs case by case. Exit status: 0 nothing differs; 1 something differs."""
    if options.only and not options.pair:
        raise ReportError("--only goes with --pair OLD=NEW")
    old, new = inputs.load(options.a), inputs.load(options.b)
    found = diff(old, new, (str(options.a), str(options.b)), options.pair, options.only)
    if not found.compared and found.not_compared:
        raise ReportError(f"{options.a} and {options.b} have no case in common: there is nothing to compare")
    emit(FORMATS[options.format](found), options.out)
    return 0 if found.same else 1


def _gate(options: argparse.Namespace) -> int:
    """Compare a run with a baseline, or record one. The run must be complete. Exit status: 0 nothing got worse; 1
    something got worse.
    """
    baseline: Path | None = options.baseline
    if baseline is None and options.record_baseline is None and (usual := project.find().baseline) is not None:
        baseline = Path(paths.shown(usual))
    if baseline is None and options.record_baseline is None:
        raise ReportError("gate: give --baseline FILE to hold the run against, or --record-baseline FILE to record it")
    place: Path = options.run or inputs.last()
    run = inputs.complete(place)
    status = 0
    if baseline is not None:
        verdict = gate.hold(run, gate.load(baseline), str(baseline), options.pair, options.whole)
        if not verdict.compared:
            raise ReportError(f"{place} and {baseline} have no case in common: nothing was compared")
        recordable = baseline.suffix in (".yaml", ".yml")
        target = baseline if recordable else Path("reports/baselines/main.yaml")
        if verdict.findings:
            verdict.record = gate.command(run, place, target, options.pair)
        emit(gate_text.FORMATS[options.format](verdict), options.out)
        status = 0 if verdict.passed else 1
    if options.record_baseline is not None:
        say(gate.write(run, options.record_baseline, options.pair))
    return status
