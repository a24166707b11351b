"""What makes a run fail, as annotations of GitHub Actions: lines that its log shows beside the file they are about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from linmem.report.failures import failures
from linmem.results.causes import causes
from linmem.results.document import Report
from linmem.text import WithoutCommands, one_line

_SHOWN = 10
"""GitHub shows that many errors of a step."""


def write(file: Any, report: Report) -> None:
    """Write the annotations of a report, in a job of GitHub Actions only."""
    if isinstance(file, WithoutCommands):
        for line in commands(report):
            file.command(line)


def commands(report: Report) -> list[str]:
    """First what makes the run fail; then where, as far as GitHub shows it."""
    return [*(error(f"{fault.what} {fault.remedy}") for fault in report.faults), *_places(report)][:_SHOWN]


def _places(report: Report) -> Iterator[str]:
    for broken in report.broken:
        yield error(broken.message, broken.suite)
    for failure in failures(report):
        first = failure.first
        line = int(number) if (number := (first.where or "").rpartition(":")[2]).isdigit() else None
        yield error(f"{first.title} on {first.runtime}: {failure.word}: {failure.headline}", first.suite, line)
    if report.gate is not None:
        for cause in causes([finding for finding in report.gate.findings if finding.failing]):
            finding = cause.first
            entry = report.scenarios.get((finding.suite or "", finding.scenario or ""))
            told = ": ".join([cause.name, cause.what, "; ".join(cause.places)]).removesuffix(": ")
            yield error(told, finding.suite, entry.line if entry else None)


def error(message: str, file: str | None = None, line: int | None = None) -> str:
    """The workflow command that makes an annotation."""
    places = [f"file={_property(file)}"] if file else []
    places += [f"line={line}"] if file and line else []
    return f"::error {','.join([*places, 'title=linmem'])}::{_data(one_line(message, 1000))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text, 400)).replace(":", "%3A").replace(",", "%2C")
