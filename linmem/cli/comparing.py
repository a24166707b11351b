"""The subcommands that hold a run against another, or against a baseline: ``diff``, ``gate``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from linmem import paths, project
from linmem.compare import diff_text, gate, inputs
from linmem.compare.diff import Diff, diff
from linmem.report.build import ReportError
from linmem.report.markdown import code, prose
from linmem.results.text import plural

FORMATS: dict[str, Callable[[Diff], str]] = {
    "text": diff_text.text,
    "markdown": diff_text.markdown,
    "json": lambda found: msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n",
    "html": diff_text.html,
}


def add(commands: Any) -> None:
    """Declare the subcommands."""
    command = commands.add_parser(
        "diff",
        help="compare two reports case by case",
        description="Compare two reports case by case. Ends with 0 if nothing differs, 1 if something does, 2 if an "
        "input can't be used.",
    )
    command.add_argument("a", type=Path, metavar="A", help="the older one: a report.json, a record.jsonl or a folder")
    command.add_argument("b", type=Path, metavar="B", help="the newer one")
    pairs(command)
    command.add_argument("--only", action="store_true", help="compare only the runtimes given with --pair")
    command.add_argument("--format", choices=FORMATS, default="text", help="default: %(default)s")
    command.add_argument("--out", type=Path, metavar="FILE", help="write it there (default: standard output)")
    command.set_defaults(run_command=_diff)

    command = commands.add_parser(
        "gate",
        help="hold a run against a baseline",
        description="Hold a complete run against a baseline. Ends with 0 if nothing got worse, 1 if something did, "
        "2 if an input can't be used; an incomplete run can't.",
    )
    command.add_argument(
        "run",
        nargs="?",
        type=Path,
        metavar="RUN",
        help="a report.json, a record.jsonl or a run's folder; default: the last run's",
    )
    command.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="a recorded baseline, or another run's report; default: the project file's, unless --record is given",
    )
    command.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        help="write what the run found into FILE, the new baseline; of an older one there, what the run was not asked "
        "for is kept",
    )
    command.add_argument(
        "--whole", action="store_true", help="what the run was not asked for is missing too: all must be there"
    )
    pairs(command)
    command.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="default: %(default)s")
    command.add_argument("--out", type=Path, metavar="FILE", help="write it there (default: standard output)")
    command.set_defaults(run_command=_gate)


def pairs(command: argparse.ArgumentParser) -> None:
    """Declare ``--pair``."""
    command.add_argument(
        "--pair",
        action="append",
        default=[],
        type=_pair,
        metavar="OLD=NEW",
        help="compare the older side's runtime OLD with the newer's NEW, as in wasmtime@49.0.0=wasmtime@50.0.1; "
        "repeatable. Without it equal labels are paired, and then what differs only in its version.",
    )


def _pair(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form OLD=NEW")
    return old, new


def _diff(options: argparse.Namespace) -> int:
    if options.only and not options.pair:
        raise ReportError("--only goes with --pair OLD=NEW")
    old, new = inputs.load(options.a), inputs.load(options.b)
    found = diff(old, new, (str(options.a), str(options.b)), options.pair, options.only)
    if not found.compared and found.not_compared:
        raise ReportError(f"{options.a} and {options.b} have no case in common: there is nothing to compare")
    emit(FORMATS[options.format](found), options.out)
    return 0 if found.same else 1


def _gate(options: argparse.Namespace) -> int:
    baseline: Path | None = options.baseline
    if baseline is None and options.record is None and (usual := project.find().baseline) is not None:
        baseline = Path(paths.shown(usual))
    if baseline is None and options.record is None:
        raise ReportError("gate: give --baseline FILE to hold the run against, or --record FILE to record it")
    place: Path = options.run or inputs.last()
    run = inputs.complete(place)
    status = 0
    if baseline is not None:
        verdict = gate.hold(run, gate.load(baseline), options.pair, options.whole)
        if not verdict.compared:
            raise ReportError(f"{place} and {baseline} have no case in common: nothing was compared")
        recordable = baseline.suffix in (".yaml", ".yml")
        target = baseline if recordable else Path("reports/baselines/main.yaml")
        record = gate.command(run, place, target, options.pair)
        emit(GATE_FORMATS[options.format](verdict, str(baseline), record), options.out)
        status = 0 if verdict.passed else 1
    if options.record is not None:
        print(gate.write(run, options.record, options.pair))
    return status


def _gate_text(verdict: gate.Verdict, name: str, record: str | None) -> str:
    return "\n".join(gate.lines(verdict, name, record)) + "\n"


def _gate_markdown(verdict: gate.Verdict, name: str, record: str | None) -> str:
    *found, last = gate.lines(verdict, name, record) if verdict.to_record else [*gate.lines(verdict, name, record), ""]
    summary = next(line for line in reversed([*found, last]) if line.startswith(("gate: passed", "gate: FAILED")))
    head = [f"# {prose(summary.removeprefix('gate: ').capitalize(), 1000)}", ""]
    rows = [f"| {item.weight} | {code(item.name, 400)} | {prose(item.what, 400)} |" for item in verdict.findings]
    table = ["| | | |", "| --- | --- | --- |", *rows, ""] if rows else []
    rest = [f"Not compared: {plural(count, 'case')}: {prose(reason)}." for reason, count in verdict.left_out]
    told = f"To record it: {code(record, 400)}" if record else "To record it, play all of the baseline's cases."
    how = ["", told] if verdict.to_record else []
    return "\n".join([*head, *table, *rest, *how]) + "\n"


def _gate_json(verdict: gate.Verdict, name: str, record: str | None) -> str:
    found = {
        "schema": "linmem-gate/1",
        "passed": verdict.passed,
        "baseline": name,
        "compared": verdict.compared,
        "findings": [{"kind": item.weight.lower(), "name": item.name, "what": item.what} for item in verdict.findings],
        "not_compared": [{"reason": reason, "cases": count} for reason, count in verdict.left_out],
        "record": record if verdict.to_record else None,
    }
    return msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n"


GATE_FORMATS: dict[str, Callable[[gate.Verdict, str, str | None], str]] = {
    "text": _gate_text,
    "markdown": _gate_markdown,
    "json": _gate_json,
}


def emit(text: str, out: Path | None) -> None:
    """Print what a command found, or write it into a file."""
    if out is not None:
        out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
