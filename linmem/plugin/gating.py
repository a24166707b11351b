"""The pytest plugin of ``--baseline`` and ``--record-baseline``: the gate's verdict when the run ends.

The verdict becomes a part of the report, so it is found before the reports are written.

It lives in the controlling process only.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from linmem.compare import gate, gate_text
from linmem.compare.baseline import BaselineError
from linmem.compare.gate_text import GateLine
from linmem.paths import shown
from linmem.results.document import GateVerdict, Report
from linmem.text import join, printable

CANNOT_JUDGE = 2  # the status of a run that would have ended with 0, and that can't be held against its baseline


class Gating:
    """Holds a run against a baseline, or records it.

    With `part`, nothing of the run needs to be in the baseline: it is the project's, and a part was asked for. Raises
    `BaselineError` and its like where a baseline can't be read.
    """

    def __init__(self, folder: Path, against: Path | None, record: Path | None, part: bool = False) -> None:
        self.folder, self.path, self.record, self.part = folder, against, record, part
        self.baseline = gate.load(against) if against is not None else None
        if record is not None and record.exists():
            gate.load(record)  # rather now than after the run
        self.lines: list[GateLine] = []
        self.verdict: GateVerdict | None = None

    def judge(self, session: pytest.Session, report: Report) -> GateVerdict | None:
        """The verdict on a run that has ended, if anything was compared; it may change the exit status."""
        if report.complete:
            self._hold(session, report)
        else:
            self.refuse(session, f"the run is incomplete: {report.reason}")
        return self.verdict

    def _hold(self, session: pytest.Session, report: Report) -> None:
        if self.baseline is not None and self.path is not None:
            verdict = gate.hold(report, self.baseline, shown(self.path))
            target = self.record or self.path
            if verdict.findings:
                verdict.record = gate.command(report, Path(shown(self.folder)), Path(shown(target)))
            nothing = verdict.passed and not verdict.compared and self.record is None
            if not nothing:
                self.verdict = verdict
                self.lines += gate_text.lines(verdict)
            if not verdict.passed:
                self.fail(session, pytest.ExitCode.TESTS_FAILED)
            elif nothing and self.part:
                self.lines.append(
                    GateLine(f"gate: nothing to compare: {self.unknown(report)} not in {shown(self.path)}")
                )
            elif nothing:
                self.refuse(session, f"nothing of this run is in {shown(self.path)}, so nothing was compared")
        if self.record is not None:
            try:
                self.lines.append(GateLine(gate.write(report, self.record)))
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
        self.lines.append(GateLine(f"gate: REFUSED: {why}", bad=True))
        if self.verdict is None or self.verdict.passed:
            self.verdict = gate.refusal(why, shown(self.path or self.record or self.folder))
        self.fail(session, CANNOT_JUDGE)

    def fail(self, session: pytest.Session, status: int) -> None:
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = status

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, None, None]:
        """The verdict, last of all, however quiet the run is."""
        yield
        if not self.lines:
            return
        terminalreporter.ensure_newline()
        terminalreporter.section("linmem: gate", sep="=")
        for line in self.lines:
            terminalreporter.write_line(printable(line.text), red=line.bad)
