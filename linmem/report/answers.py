"""What embedders ask first, answered by a run: one table for a README."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from linmem.errors import UserError
from linmem.results.document import ObservationEntry, RuntimeEntry

FILE = Path(__file__).with_name("answers.yaml")
NOT_ASKED = "–"


class AnswerRow(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the table: what is asked, and the observation of a scenario, in one of linmem's suites, that answers."""

    ask: str
    suite: str
    scenario: str
    observation: str


@functools.cache
def asks() -> tuple[AnswerRow, ...]:
    """The rows, in their order."""
    return msgspec.yaml.decode(FILE.read_bytes(), type=tuple[AnswerRow, ...])


def table(runtimes: Sequence[RuntimeEntry], observations: Sequence[ObservationEntry]) -> str:
    """The table of a run in Markdown. Runtimes that answer everything alike share a column. Raises `UserError` for a
    run in which no row's scenario was played.
    """
    columns = alike(runtimes, observations)
    if not any(cell != NOT_ASKED for cells in columns for cell in cells):
        raise UserError("this run has played none of the scenarios that the table is made of: linmem run plays all")
    names = [", ".join(f"{item.label} {item.version or ''}".strip() for item in alike) for alike in columns.values()]
    lines = [["", *names], ["---"] * (len(names) + 1)]
    lines += [[ask.ask, *cells] for ask, *cells in zip(asks(), *columns, strict=True)]
    return rows_of(lines)


def alike(
    runtimes: Sequence[RuntimeEntry], observations: Sequence[ObservationEntry]
) -> dict[tuple[str, ...], list[RuntimeEntry]]:
    """The runtimes that answer everything alike, by their answers in the order of `asks`, in Markdown's form."""
    found = {(item.suite, item.scenario, item.id): item for item in observations}
    rows = [found.get((ask.suite, ask.scenario, ask.observation)) for ask in asks()]
    columns: dict[tuple[str, ...], list[RuntimeEntry]] = {}
    for runtime in runtimes:
        if runtime.status == "ready":
            columns.setdefault(tuple(_cell(row, runtime.label) for row in rows), []).append(runtime)
    return columns


def rows_of(lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown: a line for each row."""
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def fill(page: str, name: str, text: str) -> str:
    """The page with another text between the marks of this name. Raises `UserError` for a page without them."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    filled, places = re.subn(f"(?<={begin}\n).*?(?={end})", lambda _: text, page, flags=re.S)
    if not places:
        raise UserError(f"the page has no lines '{begin}' and '{end}'")
    return filled


def _cell(entry: ObservationEntry | None, runtime: str) -> str:
    """A runtime's answers, each with the view kinds that give it where there are several."""
    said = dict(_said(entry, runtime)) if entry is not None else {}
    if len(said) == 1:
        return next(iter(said))
    return "<br>".join(f"{answer} ({', '.join(views)})" for answer, views in said.items()) or NOT_ASKED


def _said(entry: ObservationEntry, runtime: str) -> Iterator[tuple[str, list[str]]]:
    for group in entry.groups:
        views = [item.view or "" for item in group.subjects if item.runtime == runtime]
        if views:
            yield group.answer, views
    reasons: dict[str, list[str]] = {}
    for item in entry.unanswered:
        if item.runtime == runtime and item.why in ("crash", "timeout", "fail"):
            reasons.setdefault(item.why, []).append(item.view or "")
    yield from reasons.items()
