"""What the page's script draws, as compact JSON: texts and whatever repeats stand once, and are referred to by number.

`web/data.js` is the other side; the two change together. Everything is text or numbers, made printable here.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import combinations
from typing import Any, get_args

import msgspec

from linmem.report import again, anchors, likeness
from linmem.report.failures import FailureGroup, failures
from linmem.report.findings import Finding, Phrase, findings
from linmem.report.matrix import LABELS, MARKS, MEANINGS, Cell, Matrix
from linmem.results import verdict
from linmem.results.case import Case
from linmem.results.document import ObservationEntry, Report
from linmem.results.outcome import Picture, StepTrace
from linmem.text import clip, one_line, printable, web_address

_ROOM = 2_500_000  # characters of failures told in full; of the rest only the headline is told
_PICTURES = 1_000_000  # characters of pictures
_NAMES = ("{suite}", "{scenario}", "{runtime}")  # of which ids are made by the page's script
_COMPARISONS = get_args(likeness.Comparison)
_LIKENESSES = get_args(likeness.Likeness)
_AGREEMENTS = ("everywhere", "by guest", "differs", "where answered", "one runtime")


class _Table:
    """Things by number, each once."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._numbers: dict[Hashable, int] = {}

    def add(self, item: Any, key: Hashable = None) -> int:
        """The number of `item`; `key` stands for it where it can't be hashed itself."""
        key = item if key is None else key
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.items)
            self.items.append(item)
        return number


class PageData:
    """The data of one report's page. ``untold`` counts the failures of which only the headline is told."""

    def __init__(self, report: Report, table: Matrix) -> None:
        self.report, self.table = report, table
        self.texts, self.vectors, self.cells = _Table(), _Table(), _Table()
        self.answers, self.steps, self.pictures = _Table(), _Table(), _Table()
        self.texts.add("")
        self.suites = anchors.of_suites(block.suite for block in table.blocks)
        self.columns = {runtime.label: number for number, runtime in enumerate(table.columns)}
        self.places: dict[likeness.Key, tuple[int, int]] = {}
        self.untold = 0
        self._room, self._picture_room = _ROOM, _PICTURES
        self._behaviours = likeness.behaviours(report)
        self._pairs = list(combinations(self.columns, 2))
        self._observed: dict[likeness.Key, list[ObservationEntry]] = defaultdict(list)
        for item in report.observations:
            self._observed[item.suite, item.scenario].append(item)

    def encoded(self) -> str:
        """The JSON, fit to stand inside of a script element: nothing in it can end the element or be markup."""
        text = msgspec.json.encode(self.build()).decode()
        for character in "<>&\u2028\u2029":
            text = text.replace(character, f"\\u{ord(character):04x}")
        return text

    def build(self) -> dict[str, Any]:
        """The data as plain lists and mappings."""
        report = self.report
        addresses = anchors.of_columns(self.table.columns)
        suites = [self._suite(number) for number in range(len(self.table.blocks))]
        return {
            "statuses": [[status, MARKS[status], LABELS[status], MEANINGS[status], int(status in verdict.BAD)]
                         for status in verdict.STATUSES],
            "columns": [[one_line(column.label, 200), one_line(column.version or "", 200), addresses[column.label],
                         shlex.join(again.runtime(report, column.label)),
                         one_line(column.family or column.name, 100), one_line(column.api or column.name, 100)]
                        for column in self.table.columns],
            "suites": suites,
            "findings": [self._finding(item) for item in findings(report)],
            "failures": [self._failure(item) for item in _by_weight(failures(report, verdict.BAD | {"known"}))],
            "agreements": _AGREEMENTS,
            "comparisons": _COMPARISONS,
            "likenesses": _LIKENESSES,
            "rerun": shlex.join(again.start(report)),
            "own": again.OURS,
            "ids": [Case(*_NAMES, guest, view).id for guest in (None, "{guest}") for view in (None, "{view}")],
            "texts": self.texts.items,
            "vectors": self.vectors.items,
            "cells": self.cells.items,
            "answers": self.answers.items,
            "steps": self.steps.items,
            "pictures": self.pictures.items,
        }  # fmt: skip

    def text(self, text: str | None, limit: int = 400) -> int:
        """The number of a text on one line."""
        return self.texts.add(one_line(text or "", limit))

    def prose(self, text: str | None, limit: int) -> int:
        """The number of a text that keeps its lines."""
        return self.texts.add(printable(clip(text or "", limit)))

    # ------------------------------------------------------------------------------------- scenarios and their cells

    def _suite(self, number: int) -> list[Any]:
        block = self.table.blocks[number]
        path = block.suite.path
        rows = []
        slugs = anchors.unique(row.scenario.scenario for row in block.rows)
        for place, (row, address) in enumerate(zip(block.rows, slugs, strict=True)):
            slug = row.scenario.scenario
            self.places[path, slug] = number, place
            behaviour = self._behaviours[path, slug]
            cells = [self._cell(row.cells.get(label), path, slug) for label in self.columns]
            observed = [self._observation(item) for item in self._observed[path, slug]]
            rows.append([
                address, slug if slug != address else 0, self.text(row.scenario.title, 300),
                self.text(web_address(row.scenario.spec)), row.scenario.line or 0,
                sum(1 << likeness.KINDS.index(kind) for kind in row.kinds), self._vector(cells), observed,
                self._digits(_COMPARISONS.index(behaviour.compare(*pair)) for pair in self._pairs),
                [
                    number
                    for step in row.scenario.steps
                    for number in (step.line, self.text(step.text), self.text(step.expects), self.text(step.asks))
                ],
            ])  # fmt: skip
        return [
            self.suites[path],
            self.text(path),
            self.text(block.suite.title, 200),
            self.prose(block.suite.about, 1000),
            rows,
        ]

    def _vector(self, numbers: list[int]) -> int:
        return self.vectors.add(numbers, tuple(numbers))

    def _digits(self, numbers: Iterable[int]) -> int:
        """The number of a text with a digit for each two columns."""
        return self.texts.add("".join(map(str, numbers)))

    def _cell(self, cell: Cell | None, suite: str, slug: str) -> int:
        """The number of a cell's content, or -1 where the runtime was not asked."""
        if cell is None or not (cell.results or cell.missing):
            return -1
        parts: dict[tuple[Any, ...], list[tuple[int, int]]] = defaultdict(list)
        for result in cell.results:
            status = verdict.status(result.outcome, result.known)
            key = (
                verdict.rank(status),
                verdict.OUTCOMES.index(result.outcome),
                self.text(result.message, 300) if status == "unsupported" else 0,
                tuple(self._picture(picture) for picture in result.pictures),
            )
            parts[key].append((self.text(result.guest), self.text(result.view)))
        content = tuple(
            (*key, tuple(sorted(who)))
            for key, who in sorted(parts.items(), key=lambda part: (-part[0][0], part[0][1:3]))
        )
        return self.cells.add((cell.missing, content))

    def _picture(self, picture: Picture) -> int:
        """The number of a picture; -1 where there is no room for more."""
        if len(picture.png) > self._picture_room:
            return -1
        before = len(self.pictures.items)
        number = self.pictures.add((self.text(picture.title), picture.width, picture.height, picture.png))
        if len(self.pictures.items) > before:
            self._picture_room -= len(picture.png)
        return number

    # --------------------------------------------------------------------------------------------------- observations

    def _observation(self, item: ObservationEntry) -> list[Any]:
        given: dict[str, list[Any]] = defaultdict(list)
        silent: dict[str, list[Any]] = defaultdict(list)
        for group in item.groups:
            for one in group.subjects:
                raw = next((raw for raw in one.raw if raw and raw != group.answer), "")
                given[one.runtime].append((
                    self.text(group.answer), self.text(one.view),
                    tuple(self.text(guest) for guest in one.guests), self.text(raw, 160),
                ))  # fmt: skip
        for quiet in item.unanswered:
            guests = tuple(self.text(guest) for guest in quiet.guests)
            silent[quiet.runtime].append((self.text(quiet.why), self.text(quiet.view), guests))
        numbers = [
            self.answers.add((tuple(given[label]), tuple(silent[label]))) if given[label] or silent[label] else -1
            for label in self.columns
        ]
        question = self.text(item.question or item.id)
        answer = self._behaviours[item.suite, item.scenario].answer
        likenesses = (_LIKENESSES.index(answer(item.id, *pair)) for pair in self._pairs)
        agreement = _AGREEMENTS.index(item.agreement)
        return [self.text(item.id), question, agreement, self._vector(numbers), self._digits(likenesses)]

    def _finding(self, item: Finding) -> list[Any]:
        suite = self.places[item.suite, item.scenarios[0]][0]
        groups = [
            [
                [self.columns[label] for label in group.runtimes],
                [
                    [self.text(answer.answer), self._phrases(answer.who),
                     [[self.text(who), self.text(words, 160)] for who, words in answer.words[:6]]]
                    for answer in group.answers
                ],
            ]
            for group in item.groups
        ]  # fmt: skip
        silent = [[self.text(why), self._phrases(who)] for why, who in item.silent]
        rows = [self.places[item.suite, scenario][1] for scenario in item.scenarios]
        return [
            suite,
            anchors.words(item.id),
            self.text(item.question),
            _AGREEMENTS.index(item.agreement),
            rows,
            groups,
            silent,
        ]

    def _phrases(self, who: Sequence[Phrase]) -> list[list[int]]:
        return [[self.text(phrase.runtime), self.text(phrase.views), self.text(phrase.guests)] for phrase in who]

    # ------------------------------------------------------------------------------------------------------- failures

    def _failure(self, failure: FailureGroup) -> list[Any]:
        first = failure.first
        suite, row = self.places[failure.first.suite, failure.first.scenario]
        size = len(self.texts.items), len(self.steps.items)
        full = self._room > 0
        headline = self.prose(failure.headline, 2000 if full else 200)
        steps: list[int] = []
        stderr = 0
        if full:
            steps = [self._step(step) for step in first.steps]
            stderr = self.prose(first.stderr, 4000)
        else:
            self.untold += len(failure.results)
        self._room -= 60 + 6 * len(steps) + sum(len(text) for text in self.texts.items[size[0] :])
        self._room -= 30 * (len(self.steps.items) - size[1])
        known: list[Any] = []
        if first.known is not None:
            known = [
                self.text(first.known.place),
                first.known.anchor,
                self.text(first.known.reason),
                self.text(web_address(first.known.link)),
            ]
        return [
            suite, row, self.columns[failure.first.runtime], verdict.rank(failure.status),
            verdict.OUTCOMES.index(first.outcome), headline,
            [[self.text(r.guest), self.text(r.view)] for r in failure.results], steps, stderr,
            self.text(first.where), known, int(full),
        ]  # fmt: skip

    def _step(self, step: StepTrace) -> int:
        states = ("ok", "failed", "not reached")
        values = [
            self.prose(value, 1000) + 1 if value is not None else 0 for value in (step.expected, step.actual, step.raw)
        ]
        return self.steps.add((self.prose(step.text, 1000), self.text(step.where), states.index(step.status), *values))


def _by_weight(found: list[FailureGroup]) -> list[FailureGroup]:
    """The bad ones before the known ones, else in the suites' order."""
    return sorted(found, key=lambda failure: failure.status == "known")
