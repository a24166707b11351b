"""All of a run, or of a baseline, that is compared: its columns, its cases, and what it was asked for."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from linmem.report.build import took_part
from linmem.results.case import Case
from linmem.results.case_result import CaseResult, by_case
from linmem.results.document import GuestEntry, Report, Selection
from linmem.run.guests import INLINE

LONGEST = 200  # characters of an answer that a baseline keeps as they are


class RunScope:
    """What a run was asked for.

    ``absent`` are guests that could not take part, with the reason, where that is to count as not being asked for.
    """

    def __init__(self, selection: Selection, absent: Mapping[str, str] | None = None) -> None:
        self._absent = absent or {}
        self._runtimes = set(selection.runtimes)
        self._guests = {part.strip() for text in selection.guests for part in text.split(",") if part.strip()}
        self._places = [path for path in selection.paths if "::" not in path]
        self._ids = [path for path in selection.paths if "::" in path]
        self._deselected = {entry.case for entry in selection.deselected}
        self._shard = selection.shard

    @property
    def everything(self) -> bool:
        """Whether nothing was left out."""
        narrowed = self._runtimes or self._guests or self._places or self._ids or self._deselected
        return not (narrowed or self._absent)

    def runtime_left_out(self, label: str | None) -> bool:
        """Whether runtimes were named and this one (None: one that the run has no column for) was not among them."""
        return bool(self._runtimes) and label not in self._runtimes

    def guest_left_out(self, guest: str | None) -> bool:
        """Whether guests were named and this one (None: the guest inside the file) was not among them."""
        return bool(self._guests) and (guest or INLINE) not in self._guests

    def left_out(self, case: Case, label: str | None) -> str | None:
        """Why the run was not asked for a case that it does not hold; None: it was, so the case is missing.

        ``label`` is the case's runtime in this run, None where it has no such column.
        """
        if self.runtime_left_out(label):
            return f"the run was not asked for runtime {case.runtime}"
        if case.guest is not None and case.guest in self._absent:
            return f"guest {case.guest} can't take part here: {self._absent[case.guest]}"
        if self.guest_left_out(case.guest):
            return f"the run was not asked for guest {case.guest or INLINE}"
        if (self._places or self._ids) and not any(_holds(place, case.suite) for place in self._places):
            named = any(path.startswith(f"{case.suite}::") for path in self._ids)
            return f"the run was asked for other {'scenarios, by their ids' if named else 'suites'}"
        if label is not None and case.on(label) in self._deselected:
            return f"not in shard {self._shard.shown}" if self._shard is not None else "left out by -k or the like"
        return None


def _holds(place: str, suite: str) -> bool:
    return place in (".", suite) or suite.startswith(f"{place}/")


# ----------------------------------------------------------------------------------------------------------- columns


class PairError(Exception):
    """The pairs that were asked for make no sense: one line."""


@dataclass(frozen=True)
class Column:
    """A runtime of a report: its label there, and the version that it had (None: not known)."""

    label: str
    version: str | None = None

    @property
    def kind(self) -> str:
        """Its name and variant, without the version: ``wasmer:llvm``."""
        return self.label.partition("@")[0]

    @property
    def shown(self) -> str:
        """Its label, with the version where the label has none."""
        return self.label if "@" in self.label or not self.version else f"{self.label} {self.version}"


@dataclass(frozen=True)
class ColumnPair:
    """One runtime in the older and in the newer report; one side is None where it has no counterpart."""

    old: Column | None
    new: Column | None

    @property
    def changed(self) -> bool:
        """Whether it is another version, or goes by another label."""
        return self.old is not None and self.new is not None and self.old != self.new


def pair(old: Iterable[Column], new: Iterable[Column], asked: Sequence[tuple[str, str]] = ()) -> list[ColumnPair]:
    """Pair the columns of two reports, in the order of the newer one; those without a counterpart are there too.

    First come the pairs `asked` for (old label, new label), then equal labels, then what is left where the older and
    the newer report have just one column of a runtime and variant each, so that only the version differs. Raises
    `PairError` where a label that is asked for does not exist, or is asked for twice.
    """
    before = {column.label: column for column in old}
    after = {column.label: column for column in new}
    partner: dict[str, str] = {}
    for left, right in asked:
        _check("older", left, before, partner.values())
        _check("newer", right, after, partner)
        partner[right] = left
    free = [label for label in before if label not in partner.values()]
    for label in [label for label in after if label not in partner and label in free]:
        partner[label] = label
        free.remove(label)
    lonely: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for label in free:
        lonely[before[label].kind][0].append(label)
    for label in after:
        if label not in partner:
            lonely[after[label].kind][1].append(label)
    for lefts, rights in lonely.values():
        if len(lefts) == len(rights) == 1:
            partner[rights[0]] = lefts[0]
    pairs = [ColumnPair(before[partner[label]] if label in partner else None, after[label]) for label in after]
    gone = [label for label in before if label not in partner.values()]
    return pairs + [ColumnPair(before[label], None) for label in gone]


def _check(which: str, label: str, columns: Mapping[str, Column], used: Iterable[str]) -> None:
    if label not in columns:
        raise PairError(f"--pair: the {which} report has no runtime '{label}'; it has {', '.join(columns) or 'none'}")
    if label in used:
        raise PairError(f"--pair: '{label}' of the {which} report is paired twice")


# ------------------------------------------------------------------------------------------------------------- whole


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
        questions=report.questions,
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
