"""Draw the report at the end of a run on a terminal: no wider than it, and plain where it has no colour."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from linmem.report import headline
from linmem.report import rely as findings_of
from linmem.report.build import took_part
from linmem.report.failures import failures
from linmem.report.findings import Phrase, brief, outcome_phrases
from linmem.report.matrix import LABELS, MARKS, matrix, share
from linmem.report.rely import OpenAnswer, SuiteDemands
from linmem.results import verdict
from linmem.results.document import Counts, Report, RuntimeEntry
from linmem.text import join, one_line

_STYLES: dict[verdict.Status, str] = {
    "pass": "green", "unsupported": "dim", "known": "magenta", "missing": "yellow", "unexpected": "bold magenta",
    "fail": "bold red", "timeout": "bold yellow", "crash": "bold red", "error": "bold yellow",
}  # fmt: skip
_LISTED, _QUESTIONS = 10, 5  # entries of a list, and of one whose entries take several lines; the reports have all
_BROKEN = ("fail", "crash", "timeout", "error")
_NAMED = 4  # runtimes that are all named where they differ
_SUITE, _TITLE = 24, 15  # columns of text that a suite's title may take, and always gets
_CELL = 4  # columns of a cell where runtimes stand by number: a mark, a count, a space
_PLAIN: dict[verdict.Status, str] = {
    "pass": ".", "unsupported": "o", "known": "k", "missing": "?", "unexpected": "u", "fail": "F", "timeout": "T",
    "crash": "C", "error": "E",
}  # fmt: skip
"""Marks for a terminal that can't show the others."""


def make_console(file: Any, colours: bool) -> Console:
    """A console that writes where pytest does, in colour only where pytest uses colour."""
    colours = colours and "NO_COLOR" not in os.environ
    return Console(file=file, force_terminal=colours, no_color=not colours, highlight=False, legacy_windows=False)


def render(report: Report, console: Console, html: Path | None = None, failures: bool = False) -> None:
    """Print the run's matrix, what differs, what was not asked, and where the whole report stands (`html`).

    `failures` lists the unexpected results too, for where pytest has not just done so.
    """
    draw = _Drawing(report, console)
    draw.opening()
    if failures:
        draw.failures()
    draw.differences()
    draw.observations()
    draw.away()
    draw.table()
    if html is not None:
        draw.console.print(draw.text(f"report: {html}", limit=4000), soft_wrap=True)


def rely(report: Report, console: Console, chosen: Collection[str] | None = None, everything: bool = False) -> None:
    """Print what one can rely on, on the report's runtimes; of the suites with the paths `chosen`, if they are given.

    Lists end after a few entries, unless `everything` is wanted.
    """
    draw = _Drawing(report, console)
    columns = took_part(report)
    draw.line(draw.text(f"On {join([column.shown for column in columns])}:", limit=2000))
    if chosen is None:
        draw.line(draw.text(headline.title(report), "bold", 600))
    draw.demands(findings_of.suites(report, chosen))
    limit = 10**9 if everything else _LISTED
    if chosen is None:
        draw.answers("What embedders ask first", findings_of.first_asked(report), 10**9)
    alike, apart = findings_of.open_questions(report, chosen)
    draw.answers("Left open, and answered alike by all", alike, limit)
    draw.answers("Left open, and answered differently: ask before you rely on it", apart, limit)
    draw.differences(limit, chosen)


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
        """What makes the run fail and what to do, then the answers of the first screen."""
        for fault in self.report.faults:
            self.line(self.text(f"FAILED: {fault.what}", "bold red", 1000))
            self.line(self.text(fault.remedy, "red", 1000), 2)
        if not self.report.faults:
            self.line(self.text(headline.state(self.report), "green", 600))
        self.console.print()
        self.line(self.text(headline.title(self.report), "bold", 600))
        for fact in headline.facts(self.report):
            told = list(fact.items[:_LISTED])
            if len(fact.items) > _LISTED:
                told.append(f"and {len(fact.items) - _LISTED:,} more")
            apart = fact.topic == "missing"  # each is long
            text = " ".join(part for part in (fact.text, "" if apart else "; ".join(told)) if part)
            self.line(Text.assemble(self.text(f"{fact.title}:", "bold"), " ", self.text(text, limit=2000)), 2)
            for item in told if apart else ():
                self.line(self.text(item, limit=600), 4)

    def table(self) -> None:
        """Suites × runtimes, in words where these fit beside each other, else with marks and numbered runtimes."""
        if not self.matrix.blocks:
            return
        titles = [self.text(block.suite.title, limit=_SUITE) for block in self.matrix.blocks]
        first = [Text(), *titles] + ([Text("all", style="bold")] if len(titles) > 1 else [])
        columns = []
        for runtime in self.matrix.columns:
            cells = [self._in_words(counts) for counts in self._column(runtime.label)]
            columns.append([self.text(runtime.label, "bold"), *cells])
        self.console.print()
        if _width(first) + sum(map(_width, columns)) - 2 <= self.console.width:
            self._print(first, columns)
        else:
            self._numbered()

    def _column(self, label: str) -> list[Counts]:
        """A runtime's counts in each suite, and in all of them where there are several."""
        summary = self.report.summary
        found = [summary.suites[block.suite.path].runtimes.get(label, {}) for block in self.matrix.blocks]
        return [*found, summary.runtimes.get(label, {})] if len(found) > 1 else found

    def _print(self, first: Sequence[Text], columns: Sequence[Sequence[Text]]) -> None:
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for row in zip(first, *columns, strict=True):
            table.add_row(*row)
        self.console.print(table)

    def _in_words(self, counts: Counts) -> Text:
        """``28 pass``, and one line for each other status, best first."""
        lines = [
            Text(f"{counts[status]} {LABELS[status]}", style=_STYLES[status])
            for status in verdict.STATUSES
            if counts.get(status)
        ]
        return Text("\n").join(lines) if lines else Text("not asked", style="dim")

    def _numbered(self) -> None:
        """Runtimes with their counts, one a line; then a table in which they stand by number."""
        columns = self.matrix.columns
        places = len(str(len(columns)))
        width = min(max(cell_len(runtime.label) for runtime in columns), 30)
        for number, runtime in enumerate(columns, 1):
            counts = self.report.summary.runtimes.get(runtime.label, {})
            label = self.text(runtime.label, "bold", width)
            label.pad_right(width - cell_len(label.plain))
            told = share(counts)
            style = "bold red" if verdict.bad(counts) else "green"
            passing = Text(f"  {told.text if told else '–':>6}", style=style)
            self.line(Text.assemble(f"{number:>{places}} ", label, passing, f"  {told.words if told else 'not asked'}"))
        titles = min(max(self.console.width - 1 - _CELL * len(columns), _TITLE), _SUITE)
        room = max((self.console.width - titles - 1) // _CELL, 1)
        for at in range(0, len(columns), room):
            self._marked(columns[at : at + room], at, titles)
        used = {self._worst(counts) for runtime in columns for counts in self._column(runtime.label) if counts}
        legend = [f"{self._mark(status)} {LABELS[status]}" for status in reversed(verdict.STATUSES) if status in used]
        self.line(self.text(", ".join([*legend, "with how many; the worst counts"]), "dim"))

    def _marked(self, columns: Sequence[RuntimeEntry], before: int, width: int) -> None:
        """A table of marks for some of the columns; `before` is how many stand before them."""
        titles = [self.text(block.suite.title, limit=width) for block in self.matrix.blocks]
        titles += [Text("all", style="bold")] if len(titles) > 1 else []
        rows = list(zip(*(self._column(runtime.label) for runtime in columns), strict=True))
        head = "".join(f"{number:<{_CELL}}" for number in range(before + 1, before + len(columns) + 1))
        self.console.print()
        self.line(Text(" " * (width + 1) + head.rstrip(), style="bold"))
        for title, counts in zip(titles, rows, strict=True):
            title.pad_right(width + 1 - cell_len(title.plain))
            self.line(Text.assemble(title, *(self._cell(item) for item in counts)))

    def _cell(self, counts: Counts) -> Text:
        """The mark of the worst status, and how many have it where that is not a pass."""
        if not counts:
            return Text("-".ljust(_CELL), style="dim")
        worst = self._worst(counts)
        count = "" if worst == "pass" else "++" if counts[worst] > 99 else str(counts[worst])
        return Text(f"{self._mark(worst)}{count}".ljust(_CELL), style=_STYLES[worst])

    @staticmethod
    def _worst(counts: Counts) -> verdict.Status:
        return max(counts, key=verdict.rank)

    def _mark(self, status: verdict.Status) -> str:
        marks = MARKS if self.encodable("".join(MARKS.values())) == "".join(MARKS.values()) else _PLAIN
        return marks[status]

    def failures(self) -> None:
        found = failures(self.report)
        if not found:
            return
        self.heading("Unexpected results")
        for failure in found[:_LISTED]:
            who = Text(self.encodable(f" on {one_line(_who(failure.who))}: "))
            title = self.text(failure.first.title, limit=120)
            message = self.text(failure.headline, "dim", 160)
            self.line(Text.assemble(self.text(failure.word, _STYLES[failure.status]), " ", title, who, message), 2)
        self.more(len(found) - _LISTED)

    def differences(self, limit: int = _LISTED, chosen: Collection[str] | None = None) -> None:
        """The demands that some runtime breaks, and others not or otherwise."""
        found = [item for item in self.report.differences if item.deviates and (not chosen or item.suite in chosen)]
        if not found:
            return
        scenarios = self.report.scenarios
        self.heading("Broken on some runtimes")
        for item in found[:limit]:
            groups = "; ".join(
                f"{what} on {_who(who)}" for what, who in outcome_phrases(item.groups) if what in _BROKEN
            )
            title = self.text(scenarios[item.suite, item.scenario].title, limit=120)
            self.line(Text.assemble(title, ": ", self.text(groups, "dim")), 2)
        self.more(len(found) - limit)

    def observations(self) -> None:
        found = brief(self.report)
        if not found:
            return
        self.heading("Open questions with different answers")
        for question, answers in found[:_QUESTIONS]:
            self.line(self.text(question, limit=160), 2)
            for answer, where in self.places(answers):
                told = Text(self.encodable(f" {one_line(where, 240)}"), style="dim")
                self.line(Text.assemble(self.text(answer, limit=60), told), 4)
        self.more(len(found) - _QUESTIONS)

    def places(self, groups: Sequence[tuple[str, Sequence[Phrase]]]) -> list[tuple[str, str]]:
        """Each of some groups, with where it was seen; of many runtimes, the most stand last as all the others."""
        told = [(what, f"on {_who(who)}") for what, who in groups]
        if len(self.matrix.columns) <= _NAMED or len(told) < 2:
            return told
        return [*reversed(told[1:]), (told[0][0], "elsewhere")]

    def demands(self, suites: Sequence[SuiteDemands]) -> None:
        """How many requirements of each suite all runtimes meet, how many are broken, and the others."""
        if not suites:
            return
        alone = len(self.matrix.columns) == 1
        head = ("met" if alone else "met by all", "broken", "untested" if alone else "not on all")
        width = self.console.width - sum(len(word) + 2 for word in head) - 8
        self.heading(f"{'Requirements':{width}}{''.join(f'{word:>{len(word) + 2}}' for word in (*head, '    of'))}")
        for item in suites:
            demands = item.demands
            met = demands.everywhere
            counts = (met, demands.broken, demands.total - met - demands.broken)
            title = self.text(item.title, limit=width - 1)
            title.pad_right(width - cell_len(title.plain))
            cells = [
                Text(f"{count or '':>{len(word) + 2}}", style="bold red" if count and word == "broken" else "")
                for count, word in zip(counts, head, strict=True)
            ]
            self.line(Text.assemble(title, *cells, f"{demands.total:>8,}"))

    def answers(self, heading: str, questions: Sequence[OpenAnswer], limit: int) -> None:
        """Questions with who answered what; an answer that all gave stands behind its question."""
        if not questions:
            return
        self.heading(f"{heading} ({len(questions):,})")
        for item in questions[:limit]:
            if len(item.answers) == 1:
                only, _ = item.answers[0]
                asked = self.text(item.question, limit=200)
                colon = " " if item.question.endswith("?") else ": "
                self.line(Text.assemble(asked, colon, self.text(only, "green", 80)), 2)
                continue
            self.line(self.text(item.question, limit=200), 2)
            for answer, who in item.answers:
                told = Text(self.encodable(f" {one_line(_who(who), 240)}"), style="dim")
                self.line(Text.assemble(self.text(f"{answer}:", "yellow", 80), told), 4)
        self.more(len(questions) - limit, "--all shows them")

    def more(self, count: int, where: str = "the reports have them all") -> None:
        if count > 0:
            self.line(Text(f"and {count:,} more; {where}", style="dim"), 2)

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
