"""Draw the report at the end of a run on a terminal: no wider than it, and plain where it has no colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports import headline, judge
from reports.document import Counts, Report
from reports.failures import failures
from reports.findings import Phrase, brief, outcome_phrases
from reports.matrix import LABELS, matrix
from reports.text import one_line

_STYLES: dict[judge.Status, str] = {
    "pass": "green", "unsupported": "dim", "known": "magenta", "missing": "yellow", "unexpected": "bold magenta",
    "fail": "bold red", "timeout": "bold yellow", "crash": "bold red", "error": "bold yellow",
}  # fmt: skip
_LISTED = 15  # entries of a list; the reports have them all
_SUITE = 24  # columns of text that a suite's title may take


def render(report: Report, console: Console, html: Path | None = None, failures: bool = False) -> None:
    """Print the run's matrix, what differs, what was not asked, and where the whole report stands (`html`).

    `failures` lists the bad results too, for where pytest has not just done so.
    """
    draw = _Drawing(report, console)
    draw.opening()
    draw.table()
    if failures:
        draw.failures()
    draw.differences()
    draw.observations()
    draw.away()
    if html is not None:
        draw.console.print(draw.text(f"report: {html}", limit=4000), soft_wrap=True)


class _Drawing:
    """One report on one console. Foreign text reaches it without control characters, and never as rich's markup."""

    def __init__(self, report: Report, console: Console) -> None:
        self.report, self.console = report, console
        self.matrix = matrix(report)

    def text(self, text: str, style: str = "", limit: int = 300) -> Text:
        return Text(self.encodable(one_line(text, limit)), style=style)

    def encodable(self, text: str) -> str:
        encoding = self.console.encoding or "utf-8"
        return text.encode(encoding, "replace").decode(encoding)

    def line(self, text: Text, indent: int = 0) -> None:
        """Print a line, its continuations indented further; no trailing spaces, so that a log stays clean."""
        hang = indent + 4 if indent else 0
        for number, part in enumerate(text.wrap(self.console, max(self.console.width - hang, 20))):
            part.rstrip()
            self.console.print(Text(" " * (hang if number else indent)) + part, highlight=False, soft_wrap=True)

    def heading(self, text: str) -> None:
        self.console.print()
        self.line(Text(text, style="bold"))

    def opening(self) -> None:
        if not self.report.complete:
            self.line(self.text(f"INCOMPLETE: {self.report.reason}", "bold red", 600))
        self.line(self.text(headline.answer(self.report), "bold", 600))
        verdict = headline.verdict(self.report)
        if verdict:
            self.line(self.text(verdict, limit=600))

    def table(self) -> None:
        """Suites × runtimes; runtimes that don't fit beside each other stand in a further table."""
        summary = self.report.summary
        paths = [block.suite.path for block in self.matrix.blocks]
        titles = [self.text(block.suite.title, limit=_SUITE) for block in self.matrix.blocks]
        if not paths:
            return
        columns = []
        for runtime in self.matrix.columns:
            cells = [self._counts(summary.suites[path].runtimes.get(runtime.label, {})) for path in paths]
            if len(paths) > 1:
                cells.append(self._counts(summary.runtimes.get(runtime.label, {})))
            columns.append([self.text(runtime.label, "bold"), *cells])
        first = [Text(), *titles] + ([Text("all", style="bold")] if len(paths) > 1 else [])
        for some in self._fitting(first, columns):
            table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
            for row in zip(first, *some, strict=True):
                table.add_row(*row)
            self.console.print()
            self.console.print(table)

    def _fitting(self, first: Sequence[Text], columns: Sequence[Sequence[Text]]) -> Iterator[list[Sequence[Text]]]:
        """The columns in as many parts as the console's width asks for."""
        room = 0
        some: list[Sequence[Text]] = []
        for column in columns:
            room -= _width(column)
            if room < 0 and some:
                yield some
            if room < 0:
                room, some = self.console.width - _width(first) - _width(column), []
            some.append(column)
        yield some

    def _counts(self, counts: Counts) -> Text:
        """``28 pass``, and one line for each other status, best first."""
        lines = [
            Text(f"{counts[status]} {LABELS[status]}", style=_STYLES[status])
            for status in judge.STATUSES
            if counts.get(status)
        ]
        return Text("\n").join(lines) if lines else Text("not asked", style="dim")

    def failures(self) -> None:
        found = failures(self.report)
        if not found:
            return
        self.heading("Bad results")
        for failure in found[:_LISTED]:
            word = f"unexpected {failure.first.outcome}" if failure.status == "unexpected" else LABELS[failure.status]
            who = Text(self.encodable(f" on {one_line(_who(failure.who))}: "))
            title = self.text(failure.title, limit=120)
            message = self.text(failure.headline, "dim", 160)
            self.line(Text.assemble(self.text(word, _STYLES[failure.status]), " ", title, who, message), 2)
        self.more(len(found) - _LISTED)

    def differences(self) -> None:
        found = self.report.differences
        if not found:
            return
        titles = {(suite.path, item.scenario): item.title for suite in self.report.suites for item in suite.scenarios}
        self.heading("Outcomes that differ between runtimes")
        for item in found[:_LISTED]:
            groups = "; ".join(f"{outcome} on {_who(who)}" for outcome, who in outcome_phrases(item.groups))
            title = self.text(titles[item.suite, item.scenario], limit=120)
            self.line(Text.assemble(title, ": ", self.text(groups, "dim")), 2)
        self.more(len(found) - _LISTED)

    def observations(self) -> None:
        found = brief(self.report)
        if not found:
            return
        self.heading("Observations that differ")
        for question, answers in found[:_LISTED]:
            self.line(self.text(question, limit=160), 2)
            for answer, who in answers:
                told = Text(self.encodable(f": {one_line(_who(who))}"), style="dim")
                self.line(Text.assemble(self.text(answer, limit=60), told), 4)
        self.more(len(found) - _LISTED)

    def more(self, count: int) -> None:
        if count > 0:
            self.line(Text(f"and {count:,} more; the reports have them all", style="dim"), 2)

    def away(self) -> None:
        lines = [
            f"runtime {runtime.label} not asked: {_reason(runtime.reason, runtime.remedy)}"
            for runtime in self.report.runtimes
            if runtime.status != "ready"
        ]
        lines += [
            f"guest {guest.guest} of {guest.program} not run: {_reason(guest.reason, guest.remedy)}"
            for guest in self.report.guests
            if guest.status != "ready"
        ]
        self.console.print()
        for line in lines:
            self.line(self.text(line, "yellow", 500))


def _width(column: Iterable[Text]) -> int:
    """How wide a column of the table is, with the space that follows it."""
    return 2 + max(cell_len(line) for cell in column for line in cell.plain.split("\n"))


def _reason(reason: str | None, remedy: str | None) -> str:
    return "; ".join(part for part in (reason or "no reason given", remedy) if part)


def _who(phrases: Iterable[Phrase]) -> str:
    return ", ".join(map(str, phrases))
