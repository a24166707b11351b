"""The pytest plugin that shows progress on a terminal: the suite and runtime being played, and how far the run is.

In a pipe, and with ``-q``, ``-v`` or ``-s``, pytest's own dots and lines are shown instead.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import PurePosixPath
from time import monotonic
from typing import Any

import pytest
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from linmem.report.terminal import make_console
from linmem.results.case import Case
from linmem.text import one_line

_WORDS = 26  # columns of what is played now
_PAUSE = 0.1  # seconds between two drawings of the line


class Live:
    """One line that changes while the run goes, and a line that stays for each unexpected result.

    `cases` are the run's cases by their ids, once they are known. The dots of pytest's `reporter` are turned off.
    """

    def __init__(self, cases: Mapping[str, Case], reporter: Any) -> None:
        self.cases, self.reporter = cases, reporter
        self.total = self.bad = 0
        self.progress: Progress | None = None
        self.task, self.drawn = TaskID(0), 0.0
        self.reporter.showfspath = False
        self.reporter._show_progress_info = False

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without workers: how much there is to do."""
        self.total = len(session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """With workers: the first that has collected says how much there is to do."""
        self.total = self.total or len(ids)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """What is played now."""
        self.progress = self.progress or self._start()
        if monotonic() - self.drawn > _PAUSE:
            self.drawn = monotonic()
            self.progress.update(self.task, description=self.now(nodeid), refresh=True)

    def now(self, nodeid: str) -> str:
        """``growth on wasmtime``: the suite and the runtime of an item; of any other test, its id."""
        case = self.cases.get(nodeid)
        words = f"{PurePosixPath(case.suite).stem} on {case.runtime}" if case is not None else nodeid
        return one_line(words, _WORDS).ljust(_WORDS)

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, tuple[str, str, Any], tuple[str, str, Any]]:
        """No letter for what the line counts."""
        category, _, word = yield
        return category, "", word

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count it, and keep a line for what is unexpected."""
        if self.progress is None:
            return
        if report.failed:
            self.bad += 1
            told = str(report.longrepr).strip().partition("\n")[0] if report.nodeid in self.cases else report.nodeid
            width = max(self.progress.console.width - 4, 20)
            self.progress.console.print(Text(f"✗ {one_line(told, width)}", style="red"), highlight=False)
        if report.when == "teardown":
            self.progress.update(self.task, advance=1, bad=f"{self.bad:,} unexpected" if self.bad else "")

    def pytest_sessionfinish(self) -> None:
        """Remove the line: what follows is the report."""
        if self.progress is not None:
            self.progress.stop()
            self.progress = None

    pytest_unconfigure = pytest_sessionfinish  # where pytest ends without the former

    def _start(self) -> Progress:
        self.reporter.ensure_newline()
        progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=8),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("left", markup=False),
            TextColumn("{task.fields[bad]}", style="red", markup=False),
            console=make_console(self.reporter._tw._file, self.reporter._tw.hasmarkup),
            transient=True,
            auto_refresh=False,  # a thread would get little time beside the run
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self.task = progress.add_task("", total=self.total or None, bad="")
        progress.start()
        return progress


def wanted(config: pytest.Config, reporter: Any) -> bool:
    """Whether the terminal of pytest's `reporter` can show the line, and no option excludes it."""
    if config.option.verbose != 0:
        return False
    if config.option.capture == "no" or config.option.collectonly or getattr(config.option, "usepdb", False):
        return False
    console = Console(file=reporter._tw._file)
    return console.is_terminal and not console.is_dumb_terminal
