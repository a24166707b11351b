"""Read what a command is given, a report, a record or a folder of them, as one report document."""

from __future__ import annotations

from pathlib import Path

from linmem import project
from linmem.report import build as report
from linmem.report.build import ReportError
from linmem.report.write import RECORD
from linmem.results import record
from linmem.results.document import Report
from linmem.results.outcome import Result

REPORT = "report.json"


def last() -> Path:
    """The folder of the last run, of everything or of a part, here or in the project."""
    mine = project.find()
    return max((mine.out, mine.partial), key=_written)  # the first where there is none


def _written(folder: Path) -> float:
    return max((path.stat().st_mtime for name in (RECORD, REPORT) if (path := folder / name).is_file()), default=0.0)


def load(path: Path) -> Report:
    """The report at `path`: a ``report.json``, a ``record.jsonl``, or a folder with one of them.

    In a folder the record counts, because it is written while a run goes and the report only when it ends. Raises
    `ReportError` or `RecordError` for what can't be used. A run that is incomplete can be: see `Report.complete`.
    """
    if not path.exists():
        raise ReportError(f"{path}: there is no such run: play one first, as 'tox -e report' does, or name another")
    if path.is_dir():
        found = next((path / name for name in (RECORD, REPORT) if (path / name).is_file()), None)
        if found is None:
            raise ReportError(f"{path}: holds neither {RECORD} nor {REPORT}: give a run's report folder")
        path = found
    if path.suffix == ".jsonl" or path.name.endswith(".jsonl.xz"):
        return report.build(record.read(path))
    loaded = report.load(path)
    _check(path, loaded)
    return loaded


def results(path: Path) -> list[Result]:
    """The results of a run, whole or not, without a report being built. Raises as `load` does."""
    place = record_of(path)
    return record.read(place).results if place.suffix == ".jsonl" and place.is_file() else load(path).results


def record_of(run: Path) -> Path:
    """The record of a run that is given by its folder or by the record itself."""
    return run / RECORD if run.is_dir() else run


def complete(path: Path) -> Report:
    """The same, of a run that is complete: of any other one can't say what it lacks. Raises `ReportError` too."""
    loaded = load(path)
    if not loaded.complete:
        raise ReportError(f"{path}: the run is incomplete, so it is not taken for a whole one: {loaded.reason}")
    return loaded


def _check(path: Path, loaded: Report) -> None:
    """Whether a report's parts fit together: one that lost some of its results must not pass for whole. Raises
    `ReportError`.
    """
    places, labels = loaded.scenarios.keys(), {runtime.label for runtime in loaded.runtimes}
    cases = [*loaded.results, *loaded.missing]
    known = all((item.suite, item.scenario) in places and item.runtime in labels for item in cases)
    known &= all((item.suite, item.scenario) in places for item in loaded.differences)
    known &= all((item.suite, item.scenario) in places for item in loaded.observations)
    if not known or not loaded.summary.suites.keys() >= {suite.path for suite in loaded.suites}:
        raise ReportError(f"{path}: is damaged: its results and its lists of suites and runtimes don't fit together")
    counted = sum(loaded.summary.total.values())
    held = len(loaded.results) + len(loaded.missing)
    if counted != held:
        raise ReportError(f"{path}: is damaged: it counts {counted:,} results and holds {held:,}")
