"""The pytest plugin of ``--baseline`` and ``--record-baseline``: the gate's verdict when the run ends.

It lives in the controlling process only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from linmem.compare import gate, gate_text
from linmem.compare.baseline import BaselineError
from linmem.paths import shown
from linmem.plugin.recording import Recording
from linmem.results.document import Report
from linmem.text import join, printable

CANNOT_JUDGE = 2  # the status of a run that would have ended with 0, and that can't be held against its baseline
_BAD = ("REGRESSION", "MISSING", "gate: FAILED", "gate: REFUSED")  # how lines about faults begin


class Gating:
    """Holds a run against a baseline, or records it.

    With `part`, nothing of the run needs to be in the baseline: it is the project's, and a part was asked for. Raises
    `BaselineError` and its like where a baseline can't be read.
    """

    def __init__(self, recording: Recording, against: Path | None, record: Path | None, part: bool = False) -> None:
        self.recording, self.path, self.record, self.part = recording, against, record, part
        self.baseline = gate.load(against) if against is not None else None
        if record is not None and record.exists():
            gate.load(record)  # rather now than after the run
        self.lines: list[str] = []
        self.failed = False

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Judge, once the reports are made; a verdict may change the exit status."""
        report = self.recording.report
        if report is None:
            return
        if not report.complete:
            self.refuse(session, f"the run is incomplete: {report.reason}")
            return
        if self.baseline is not None and self.path is not None:
            verdict = gate.hold(report, self.baseline)
            target = self.record or self.path
            record = gate.command(report, Path(shown(self.recording.folder)), Path(shown(target)))
            nothing = verdict.passed and not verdict.compared and self.record is None
            if not nothing:
                self.lines += gate_text.lines(verdict, shown(self.path), record)
            if not verdict.passed:
                self.fail(session, pytest.ExitCode.TESTS_FAILED)
            elif nothing and self.part:
                self.lines.append(f"gate: nothing to compare: {self.unknown(report)} not in {shown(self.path)}")
            elif nothing:
                self.refuse(session, f"nothing of this run is in {shown(self.path)}, so nothing was compared")
        if self.record is not None:
            try:
                self.lines.append(gate.write(report, self.record))
            except BaselineError as error:
                self.refuse(session, str(error))
            except OSError as error:
                self.refuse(session, f"{error.filename}: {error.strerror}")

    def unknown(self, report: Report) -> str:
        """What of a run the baseline lacks, for a sentence: its suites, or else its cases."""
        held = {case.suite for case in self.baseline.cases} if self.baseline is not None else set()
        suites = [suite.path for suite in report.suites]
        if held & set(suites):
            return "these cases are"
        return f"{join(suites, 3)} {'is' if len(suites) == 1 else 'are'}"

    def refuse(self, session: pytest.Session, why: str) -> None:
        self.lines.append(f"gate: REFUSED: {why}")
        self.fail(session, CANNOT_JUDGE)

    def fail(self, session: pytest.Session, status: int) -> None:
        self.failed = True
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = status

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The verdict, last of all, however quiet the run is."""
        if not self.lines:
            return
        terminalreporter.ensure_newline()
        terminalreporter.section("linmem: gate", sep="=")
        for line in self.lines:
            terminalreporter.write_line(printable(line), red=line.startswith(_BAD))
