"""What ``linmem history`` and ``linmem bisect`` do: play a selection on many versions of a runtime."""

from __future__ import annotations

import argparse
import functools
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from linmem import project
from linmem.compare import bisect, inputs, timeline
from linmem.compare.timeline import History, Moment, Timeline, VersionChange
from linmem.provision import names
from linmem.provision.manifest import load_manifest
from linmem.provision.releases import within
from linmem.report.build import ReportError
from linmem.report.markdown import code, prose
from linmem.results.document import Report, as_json
from linmem.results.outcome import Result
from linmem.run.runtimes import ALL
from linmem.scenario.files import find
from linmem.text import plural, say

STDERR = 2  # standard output is the answer's
NOTHING_SELECTED = 5
PLAYED = (0, 1)  # pytest's exit statuses of a run that was played, with failures or without
ANSWER = "unanswered"


# ---------------------------------------------------------------------------------------------------------- playing


class NothingPlayedError(ReportError):
    """No scenario matches what was asked for."""


def play(arguments: Sequence[str], out: Path, *, quiet: bool = False) -> Report:
    """Play with pytest in a process of its own; its report. Raises `ReportError` where nothing was played."""
    command = [
        sys.executable,
        "-m",
        "linmem",
        "run",
        "-q",
        "--tb=no",
        "-rN",
        f"--report-dir={out}",
        "-p",
        "no:cacheprovider",
        *arguments,
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE if quiet else STDERR, text=True)
    if done.returncode == NOTHING_SELECTED:
        raise NothingPlayedError("nothing was selected, so nothing was played")
    if done.returncode not in PLAYED:
        words = [line for line in (done.stdout or "").splitlines() if line.strip()]
        raise ReportError(f"the run ended with status {done.returncode}{': ' + words[-1] if words else ''}")
    return inputs.complete(out)


def history(options: argparse.Namespace) -> int:
    """Show in which version of a runtime outcomes and answers changed. What follows -- goes to linmem run, as in:
    linmem history 'wasmtime@>=40' -- --suites=mine.yaml -n 2.
    """
    extra = [*(["-k", options.expression] if options.expression else []), *options.passed_on]
    if bool(options.runtime) is bool(options.run):
        raise ReportError("give a runtime with a range of versions, such as 'wasmtime@>=40', or a run with --from")
    if options.run:
        report = inputs.load(options.run)
    else:
        _need_versions([*options.runtime, *(text for text in options.passed_on if text.startswith("--runtime"))])
        chosen = [f"--runtime={name}" for name in options.runtime]
        report = play([*chosen, *extra], (options.report_dir or project.find().out / "history").absolute())
    found = timeline.history(report)
    if not found.timelines:
        raise ReportError("no runtime of this run has more than one version")
    say(FORMATS[options.format](found), end="")
    return 0


def _need_versions(given: Sequence[str]) -> None:
    """Refuse, before anything is played, what names one version of one runtime. Raises `ReportError`, `UserError`."""
    asked = names.split(given)
    if len(asked) == 1 and asked[0] != ALL and names.parse_range(asked[0])[1] is None:
        name = asked[0].partition("@")[0]
        raise ReportError(f"{asked[0]} is one version: give a range, such as '{name}@>=1', or several versions")


# -------------------------------------------------------------------------------------------------------- the texts


def text(found: History) -> str:
    """A history for a terminal."""
    return "\n".join("\n".join(_lines(item)) + "\n" for item in found.timelines)


def _lines(item: Timeline) -> list[str]:
    lines = [_headline(item)]
    lines += [f"not to be had: {gone.label}: {gone.reason}" for gone in item.absent]
    for turn in item.turns:
        lines += ["", f"{turn.old} → {turn.new}: {plural(len(turn.changes), 'change')}"]
        for change in turn.changes:
            lines += [f"  {change.id}", f"    {_said(change)}"]
    return lines


def _headline(item: Timeline) -> str:
    versions = [label.partition("@")[2] or label for label in item.versions]
    span = f"{len(versions)} versions, {versions[0]} to {versions[-1]}" if versions else "no version"
    return f"{item.runtime}: {span}; {item.alike:,} of {plural(item.cases, 'case')} alike in all"


def _said(change: VersionChange) -> str:
    asked = f"{change.question or change.what} " if change.what != "outcome" else ""
    nothing = ANSWER if change.what != "outcome" else "not there"
    return f"{asked}{change.old or nothing} → {change.new or nothing}"


def markdown(found: History) -> str:
    """A history as tables."""
    parts = []
    for item in found.timelines:
        parts += [f"## {prose(item.runtime)}", prose(_headline(item)) + "."]
        parts += [f"Not to be had: {code(gone.label)}: {prose(gone.reason)}" for gone in item.absent]
        for turn in item.turns:
            rows = [f"| {code(change.id)} | {prose(_said(change))} |" for change in turn.changes]
            parts += [f"### {code(turn.old)} → {code(turn.new)}", "\n".join(["| Case | Change |", "|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


FORMATS: dict[str, Callable[[History], str]] = {
    "text": text,
    "markdown": markdown,
    "json": as_json,
}


# --------------------------------------------------------------------------------------------------------- bisecting


def bisect_case(options: argparse.Namespace) -> int:
    """Find the version of a runtime that changed a case. As few versions as possible are installed and played."""
    name, versions = names.parse_range(options.runtime)
    manifest = load_manifest(name.name)
    if versions is None:
        raise ReportError(f"{options.runtime}: give a range of versions, such as '{name.name}@>=20'")
    place, _, cell = options.case.partition("[")
    path, separator, scenario = place.partition("::")
    if not separator or not scenario:
        raise ReportError(f"{options.case}: a case is named like suites/memory/growth.yaml::SCENARIO[CELL]")
    known = within(manifest, versions)
    ask = functools.partial(
        _ask, path, scenario, cell.rstrip("]"), str(names.RuntimeName(name.name, name.variant, None))
    )
    try:
        found = bisect.search(known, ask)
    except ValueError as error:
        raise ReportError(f"{options.case}: {error}") from None
    if found.last is None:
        say(f"{known[0]} and {known[-1]} are alike (what is between them was not asked: see history)")
        return 0
    say(f"changed in {found.first}; {found.last} was the last as before")
    say(f"{len(found.asked)} of {len(known)} versions were played")
    if found.between:
        say(f"not to be had, so it may have been one of these: {', '.join(found.between)}")
    return 0


def _ask(path: str, scenario: str, cell: str, runtime: str, version: str) -> Moment | None:
    """The case on one version, all its cells as one; None where it can't be had."""
    label = f"{runtime}@{version}"
    with tempfile.TemporaryDirectory() as out:
        try:
            report = play([f"--suites={find(path)}", f"--runtime={label}", "-k", scenario], Path(out), quiet=True)
        except NothingPlayedError:
            raise ReportError(f"{path}::{scenario}: there is no such scenario") from None
        except ReportError as error:
            say(f"  {version}: {error}", flush=True)
            return None
    mine = [result for result in report.results if result.scenario == scenario and _is_cell(result, cell, runtime)]
    if not mine:
        raise ReportError(
            f"{path}::{scenario}: there is no such case on {label}" + (f" with cell [{cell}]" if cell else "")
        )
    outcomes = ", ".join(dict.fromkeys(result.outcome for result in mine))
    answers = {_key(result, id_): answer for result in mine for id_, answer in timeline.moment(result).answers.items()}
    say(f"  {version}: {outcomes}{''.join(f'; {id_}: {answer}' for id_, answer in answers.items())}", flush=True)
    each = {_key(result, "outcome"): result.outcome for result in mine}
    return Moment(outcomes, {**answers, **each})


def _is_cell(result: Result, cell: str, runtime: str) -> bool:
    """Whether a result is of the cell that was named, with a version or without."""
    if not cell:
        return True
    mine = re.escape(result.case.on("\0").cell).replace("\0", f"{re.escape(runtime)}(@[^-]+)?")
    return re.fullmatch(mine, cell) is not None


def _key(result: Result, what: str) -> str:
    """What is asked of a cell, told apart where a scenario has several."""
    return " ".join(part for part in (what, result.guest, result.view) if part)
