"""All of a run, or of a baseline, that is compared: its columns, its cases, and what it was asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from linmem.compare.columns import Column
from linmem.compare.scope import RunScope
from linmem.report.build import took_part
from linmem.results.case import Case
from linmem.results.case_result import CaseResult, by_case
from linmem.results.document import GuestEntry, Report, Selection

LONGEST = 200  # characters of an answer that a baseline keeps as they are


@dataclass
class Snapshot:
    """What one side of a comparison holds.

    ``absent`` maps the label of a runtime that took no part to the reason. ``questions`` are by suite and id, as in a
    report; ``missing`` are the cases that were planned and not run.
    """

    columns: list[Column]
    cases: dict[Case, CaseResult]
    asked: RunScope = field(default_factory=lambda: RunScope(Selection()))
    guests: dict[tuple[str, str], GuestEntry] = field(default_factory=dict)
    absent: dict[str, str | None] = field(default_factory=dict)
    questions: dict[tuple[str, str], str] = field(default_factory=dict)
    missing: frozenset[Case] = frozenset()

    def only(self, labels: Iterable[str]) -> Snapshot:
        """The same with these columns only."""
        wanted = set(labels)
        return replace(
            self,
            columns=[column for column in self.columns if column.label in wanted],
            cases={case: found for case, found in self.cases.items() if case.runtime in wanted},
        )

    def shortened(self) -> Snapshot:
        """The same with answers as a baseline keeps them."""
        return replace(self, cases={case: _shortened(found) for case, found in self.cases.items()})


def of(report: Report) -> Snapshot:
    """What a report holds."""
    return Snapshot(
        columns=[Column(runtime.label, runtime.version) for runtime in took_part(report)],
        cases=by_case(report.results),
        asked=RunScope(report.selection),
        guests={(guest.program, guest.guest): guest for guest in report.guests},
        absent={runtime.label: runtime.reason for runtime in report.runtimes if runtime.status == "unavailable"},
        questions={(suite.path, item.id): item.question for suite in report.suites for item in suite.observations},
        missing=frozenset(item.case for item in report.missing),
    )


def _shortened(found: CaseResult) -> CaseResult:
    if all(len(answer) <= LONGEST for answer in found.answers.values()):
        return found
    return replace(found, answers={id_: short(answer) for id_, answer in found.answers.items()})


def short(answer: str) -> str:
    """An answer, or the beginning of a long one with the SHA-256 of the whole."""
    if len(answer) <= LONGEST:
        return answer
    return f"{answer[: LONGEST // 2]}… sha256:{hashlib.sha256(answer.encode('utf-8', 'replace')).hexdigest()[:32]}"
