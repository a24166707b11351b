"""The pytest plugin that keeps the record while a run goes, and makes the reports when it ends.

It lives in the controlling process only; workers' results reach it through pytest's own reports.
"""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pytest
from msgspec import Struct

from linmem import paths
from linmem.errors import UserError
from linmem.plugin.gating import Gating
from linmem.plugin.items import ScenarioItem
from linmem.plugin.rescue import Rescue
from linmem.report import github
from linmem.report.build import build, judge
from linmem.report.place import Place
from linmem.report.write import NAMES, RECORD, write_pages
from linmem.results.case import Case
from linmem.results.document import HarnessEnvironment, Report
from linmem.results.record import RecordWriter, Run, read
from linmem.text import one_line

PACKAGES = ("pytest", "pytest-xdist", "msgspec", "PyYAML", "jsonschema-rs", "wasmtime", "uv")
UNWRITABLE = pytest.ExitCode.INTERRUPTED
DESELECTED = "linmem_deselected"  # in what a worker puts out


def now() -> str:
    """The time, UTC, to the second, as in RFC 3339."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def environment() -> HarnessEnvironment:
    """What the harness itself runs on."""
    packages: dict[str, str] = {}
    for name in PACKAGES:
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return HarnessEnvironment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        platform=platform.platform(),
        packages=packages,
    )


class Recording:
    """One run's record.

    ``header`` makes its first line from the cases that are about to run, ``cases`` are these by their ids once they are
    known; ``plays`` says whether this run is about scenarios at all; ``leave`` names reports that pytest itself writes
    into the folder. ``gating`` judges the run, if it is held against a baseline.
    """

    def __init__(
        self,
        folder: Path,
        header: Callable[[list[Case]], Run],
        cases: Mapping[str, Case],
        plays: Callable[[], bool],
        leave: Collection[str] = (),
        gating: Gating | None = None,
    ) -> None:
        self.folder, self.header, self.cases, self.plays, self.leave = folder, header, cases, plays, leave
        self.gating = gating
        self.place: Place | None = None
        self.writer: RecordWriter | None = None
        self.report: Report | None = None
        self.broken: list[tuple[str, str]] = []
        self.deselected: dict[Case, None] = {}
        self.stopped: str | None = None
        self.rescue = Rescue(lambda: self.folder if self.writer is not None and self.unwritable is None else None)
        self.unwritable: str | None = None
        """Why the folder can't be written any more."""

    # ------------------------------------------------------------- the plan

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Set older reports aside: none may be taken for this run's, whatever ends it."""
        if self.plays() and not session.config.option.collectonly:
            self.rescue.watch()
            self.place = Place(self.folder, self.leave)  # before it is taken: Ctrl-C may come at any moment
            try:
                self.place.take(self.header([]))
            except UserError as error:
                raise pytest.UsageError(str(error)) from None
            except OSError as error:
                raise pytest.UsageError(f"--report-dir {self.folder}: can't be written: {error.strerror}") from None

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """What `-k` and the like leave out: it is not missing."""
        self.deselected.update(dict.fromkeys(item.planned.case for item in items if isinstance(item, ScenarioItem)))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """With workers: each reports at its end what was deselected."""
        cases = getattr(node, "workeroutput", {}).get(DESELECTED, [])
        self.deselected.update(dict.fromkeys(msgspec.convert(cases, list[Case])))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without workers: the items are known here."""
        if not session.config.option.collectonly:
            self.plan(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """With workers: the first one that has collected tells."""
        self.plan(ids)

    def plan(self, ids: Iterable[str]) -> None:
        """Begin the record. The reports keep saying that this run has not ended, until it has."""
        planned = [self.cases[id_] for id_ in ids if id_ in self.cases]
        if self.writer is not None or not (planned or self.broken):
            return
        run = self.header(planned)
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self.writer = RecordWriter(self.folder / RECORD, run)
        except OSError as error:
            self.stop(error)
        if self.place is not None:
            self.place.keep()
        for suite, message in self.broken:
            self.write({"type": "broken", "suite": suite, "message": message})

    # -------------------------------------------------------------- results

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A scenario file that can't be loaded is in the report, too."""
        if report.failed and report.nodeid.endswith((".yaml", ".yml")):
            message = str(report.longrepr)
            if (report.nodeid, message) not in self.broken:
                self.broken.append((report.nodeid, message))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Append a result, and drop it from pytest's report, which pytest keeps until the run ends."""
        runtime = report.__dict__.pop("linmem_runtime", None)
        result = report.__dict__.pop("linmem_result", None)
        if self.writer is None:
            return
        if runtime is not None:
            self.write({"type": "runtime", **runtime})
        if result is not None:
            self.write({"type": "result", **result})

    def write(self, line: Mapping[str, Any] | Struct) -> None:
        """Append a line. If there is no room for it, the run ends: a result that is nowhere is worth nothing."""
        try:
            if self.writer is not None:
                self.writer.write(line)
        except OSError as error:
            self.stop(error)

    def stop(self, error: OSError) -> NoReturn:
        """End the run, with what is in the record as its results."""
        self.unwritable = f"{self.folder}: can't be written: {error.strerror}"
        pytest.exit(self.unwritable, UNWRITABLE)

    # ------------------------------------------------------------------ end

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C, or `pytest.exit`."""
        self.stopped = "interrupted" if isinstance(excinfo.value, KeyboardInterrupt) else str(excinfo.value)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Close the record and make the reports."""
        if self.writer is None:
            self.pytest_unconfigure()
            return
        early = self.stopped or session.shouldfail or session.shouldstop
        complete = not early and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        reason = None if complete else str(early or f"pytest ended with status {int(exitstatus)}")
        try:
            if self.unwritable is None:
                self.writer.write(
                    {
                        "type": "end",
                        "finished": now(),
                        "complete": complete,
                        "reason": reason,
                        "deselected": list(self.deselected),
                    }
                )
            report = build(read(self.folder / RECORD))
            verdict = self.gating.judge(session, report) if self.gating is not None else None
            if verdict is not None:
                judge(report, verdict)
                if self.unwritable is None:
                    self.writer.write(verdict)
            self.writer.close()
            write_pages(report, self.folder, self.leave)
            self.report = report
            self.rescue.done()
        except OSError as error:
            self.unwritable = f"{self.folder}: can't be written: {error.strerror}"
            session.exitstatus = UNWRITABLE

    def pytest_unconfigure(self) -> None:
        """A run that has played nothing restores the reports that were there."""
        self.rescue.leave()
        if self.writer is None and self.place is not None:
            with contextlib.suppress(OSError):
                self.place.give_back()
        if self.place is not None:
            self.place.leave_it()
            self.place = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, None, None]:
        """The matrix, below pytest's own lines, so that it is what stays on the screen."""
        yield
        self.summarize(terminalreporter)

    def summarize(self, terminalreporter: Any) -> None:
        if self.unwritable is not None:
            left = "the reports are not whole" if self.writer is not None else "the reports are still those of before"
            terminalreporter.write_line(f"ERROR: {self.unwritable}: {left}", red=True)
        if self.report is None:
            return
        from linmem.report import terminal  # which takes a while, and is not needed before

        github.write(terminalreporter._tw._file, self.report)
        console = terminal.make_console(terminalreporter._tw._file, terminalreporter._tw.hasmarkup)
        page = Path(paths.shown(self.folder / "report.html"))
        if terminalreporter.config.option.verbose < 0:
            for fault in self.report.faults:
                terminalreporter.write_line(one_line(f"{fault.what} {fault.remedy}", 1000), red=True)
            console.print(f"report: {page}", highlight=False, soft_wrap=True)
            return
        terminalreporter.ensure_newline()
        terminalreporter.section("linmem", sep="=")
        terminal.render(self.report, console, page, failures=True)


def by_pytest(config: pytest.Config, folder: Path) -> list[str]:
    """The reports in a folder that pytest's own ``--junitxml`` names: pytest writes them."""
    given = config.getoption("xmlpath", None)
    path = Path(os.path.expanduser(os.path.expandvars(given))).resolve() if given else None  # as pytest reads it
    return [name for name in NAMES if (folder / name).resolve() == path]


def command() -> list[str]:
    """The command line of this run, as one could type it again."""
    program = Path(sys.argv[0]) if sys.argv and sys.argv[0] else Path("pytest")
    name = program.parent.name if program.name == "__main__.py" else program.name  # as for python -m linmem
    return ["pytest" if name == "py.test" else name, *sys.argv[1:]]
