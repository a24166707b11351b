"""The command that plays results of a report again, as a POSIX shell takes it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from linmem.results.commandline import options
from linmem.results.document import Report
from linmem.results.outcome import Result
from linmem.run.runtimes import given

_CARRIED = (  # options of the run that a result depends on
    "--guest",
    "--glue",
    "--known",
    "--step-timeout",
    "--step-mib",
    "--step-calls",
    "--scenario-mib",
    "--scenario-calls",
)
_FLAGS = ("--slow",)
OURS = "suites/"


def rerun(report: Report, results: Sequence[Result]) -> str:
    """A command that runs just these results again, on the runtimes and guests that were given in the run."""
    told = {result.runtime: None for result in results}
    return shlex.join(
        [
            *start(report),
            *(word for name in told for word in runtime(report, name)),
            *(item(result.id) for result in results),
        ]
    )


def start(report: Report) -> list[str]:
    """Its words up to the runtime: ``linmem run``, with the options of the run that its results depend on.

    An option's value stands behind ``=``: pytest would take an existing path that stands alone for a test file.
    """
    words = report.command
    return ["linmem", "run", *options(words, _CARRIED), *(flag for flag in _FLAGS if flag in words)]


def runtime(report: Report, label: str) -> list[str]:
    """The words that ask for a runtime: by its label, or by the folder that it was given with."""
    for text in given(report.command):
        folder, slash, name = text.rpartition("/")
        if slash and _name(name) == _name(label):
            return [f"--runtime={folder}/{label}"]
    return ["--runtime", label]


def item(id_: str) -> str:
    """The word for one result. Of a file that is not linmem's own, pytest would look for its configuration there."""
    return id_ if id_.startswith(OURS) else f"--suites={id_}"


def _name(text: str) -> str:
    return text.partition("@")[0].partition(":")[0]
