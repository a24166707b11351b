"""Compare two reports case by case: what is new, what is gone, what came out otherwise, which answers changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct, field

from linmem.compare import snapshot
from linmem.compare.snapshot import ColumnPair, Snapshot, pair
from linmem.results.case import Case, entry
from linmem.results.case_result import BY_CHANCE, CaseResult, changed
from linmem.results.document import GuestEntry, Report

SCHEMA = "linmem-diff/1"

Kind = Literal["added", "removed", "not run", "outcome", "failure", "observation", "chance"]
"""How a case differs.

``added`` and ``removed``: only one report has it. ``not run``: it was planned, but the newer run never came to it.
``outcome``: another outcome. ``failure``: it still fails, otherwise. ``observation``: another answer to a question.
``chance``: another failure, or none, where a known defect says that this is a matter of chance; no difference.
"""

FAILING = ("fail", "crash", "timeout", "error", "known")


class Side(Struct, kw_only=True):
    """One of the two reports. ``reason`` says why it is incomplete."""

    name: str = ""
    linmem: str = ""
    started: str = ""
    complete: bool = True
    reason: str | None = None


class RuntimeChange(Struct, kw_only=True):
    """A runtime that was added, that vanished, or that has another version or label. ``cases``: how many it had."""

    kind: Literal["added", "vanished", "version", "label"]
    old: str | None = None
    new: str | None = None
    cases: int = 0
    reason: str | None = None


class GuestChange(Struct, kw_only=True):
    """A guest that was added, that vanished, or whose module has other bytes."""

    kind: Literal["added", "vanished", "module"]
    program: str
    guest: str
    cases: int = 0
    reason: str | None = None


class SuiteChange(Struct, kw_only=True):
    """A suite of which one report has no case. ``cases``: how many the other has."""

    kind: Literal["added", "removed"]
    path: str
    cases: int


class CaseChange(Case, frozen=False, kw_only=True):  # type: ignore[misc]
    """How one case differs.

    ``id`` is its id in the newer report, or in the older one where it is gone. ``question`` is an observation's id;
    ``old`` and ``new`` are outcomes, or answers (null: none). ``within`` names the runtime, guest or suite as a part of
    which it was added or removed.
    """

    id: str
    kind: Kind
    question: str | None = None
    asks: str | None = None
    old: str | None = None
    new: str | None = None
    message: str | None = None
    within: str | None = None


class NotCompared(Struct, kw_only=True):
    """Cases that one report has and that the other run was not asked for."""

    side: Literal["old", "new"]
    reason: str
    ids: list[str]


class Diff(Struct, kw_only=True):
    """Two reports compared. ``compared`` counts the cases that both have."""

    schema: str = SCHEMA
    old: Side = field(default_factory=Side)
    new: Side = field(default_factory=Side)
    compared: int = 0
    runtimes: list[RuntimeChange] = field(default_factory=list)
    guests: list[GuestChange] = field(default_factory=list)
    suites: list[SuiteChange] = field(default_factory=list)
    changes: list[CaseChange] = field(default_factory=list)
    not_compared: list[NotCompared] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether nothing differs that both runs were asked for, and both are complete."""
        runtimes = [change for change in self.runtimes if change.kind != "label"]
        parts = runtimes or self.guests or self.suites or not (self.old.complete and self.new.complete)
        return not parts and all(change.kind == "chance" for change in self.changes)


def diff(
    old: Report,
    new: Report,
    names: tuple[str, str] = ("A", "B"),
    asked: Sequence[tuple[str, str]] = (),
    only: bool = False,
) -> Diff:
    """Compare two reports; `names` are what they are called.

    `asked` are pairs of runtimes, an older label and a newer one each (`linmem.compare.snapshot.pair`); with `only`, no
    other runtimes are compared. Raises `linmem.compare.snapshot.PairError`.
    """
    sides = [
        Side(name=name, linmem=item.linmem, started=item.started, complete=item.complete, reason=item.reason)
        for name, item in zip(names, (old, new), strict=True)
    ]
    found = compare(snapshot.of(old), snapshot.of(new), asked, only)
    found.old, found.new = sides
    return found


def compare(old: Snapshot, new: Snapshot, asked: Sequence[tuple[str, str]] = (), only: bool = False) -> Diff:
    """How two snapshots differ. Raises `linmem.compare.snapshot.PairError`."""
    pairs = pair(old.columns, new.columns, asked)
    if only:
        pairs = [item for item in pairs if item.old and item.new and (item.old.label, item.new.label) in asked]
        old = old.only(item.old.label for item in pairs if item.old)
        new = new.only(item.new.label for item in pairs if item.new)
    differ = _Differ(old, new, pairs)
    differ.parts(pairs)
    differ.cases()
    return differ.diff


class _Differ:
    def __init__(self, old: Snapshot, new: Snapshot, pairs: Sequence[ColumnPair]) -> None:
        self.diff, self.old, self.new = Diff(), old, new
        self.before, self.after = old.cases, new.cases
        self.asked = old.asked, new.asked
        self.lefts = {item.old.label: item.new.label if item.new else None for item in pairs if item.old}
        self.rights = {item.new.label: item.old.label if item.old else None for item in pairs if item.new}

    # ----------------------------------------------------------------- parts

    def parts(self, pairs: Sequence[ColumnPair]) -> None:
        """Runtimes, guests and suites."""
        counts = [Counter(case.runtime for case in found) for found in (self.before, self.after)]
        for item in pairs:
            change = self.runtime(item, counts)
            if change is not None:
                self.diff.runtimes.append(change)
        self.diff.guests = list(self.guests())
        before, after = (Counter(case.suite for case in found) for found in (self.before, self.after))
        gone = (path for path in sorted(before.keys() - after) if self.lacks(1, suite=path))
        come = (path for path in sorted(after.keys() - before) if self.lacks(0, suite=path))
        self.diff.suites += [SuiteChange(kind="removed", path=path, cases=before[path]) for path in gone]
        self.diff.suites += [SuiteChange(kind="added", path=path, cases=after[path]) for path in come]

    def runtime(self, item: ColumnPair, counts: Sequence[Counter[str]]) -> RuntimeChange | None:
        left, right = item.old, item.new
        if left is not None and right is not None:
            kind: Literal["version", "label"] = "version" if left.version != right.version else "label"
            shown = RuntimeChange(kind=kind, old=left.shown, new=right.shown, cases=counts[1][right.label])
            return shown if item.changed else None
        if left is not None:
            if not self.lacks(1, runtime=left.label):
                return None
            why = self.new.absent.get(left.label)
            return RuntimeChange(kind="vanished", old=left.label, cases=counts[0][left.label], reason=why)
        assert right is not None
        if not self.lacks(0, runtime=right.label):
            return None
        return RuntimeChange(kind="added", new=right.label, cases=counts[1][right.label])

    def lacks(self, side: int, suite: str | None = None, guest: str | None = None, runtime: str | None = None) -> bool:
        """Whether a side (0: the older) was asked for any case of a suite, guest or runtime that the other has."""
        labels, found = (self.rights, self.after) if side == 0 else (self.lefts, self.before)
        return any(
            self.asked[side].left_out(case, labels.get(case.runtime)) is None
            for case in found
            if suite in (None, case.suite) and guest in (None, case.guest) and runtime in (None, case.runtime)
        )

    def guests(self) -> Iterator[GuestChange]:
        """Guests by their names: which program a case is about, a report does not say."""
        used = [Counter(case.guest for case in found) for found in (self.before, self.after)]
        programs: dict[str, list[str]] = {}
        reasons: dict[str, str] = {}
        for (program, guest), left in self.old.guests.items():
            right = self.new.guests.get((program, guest))
            if _ready(left) and right is not None and _ready(right) and left.sha256 != right.sha256:
                yield GuestChange(kind="module", program=program, guest=guest, cases=used[1][guest])
        for program, guest in dict.fromkeys((*self.old.guests, *self.new.guests)):
            programs.setdefault(guest, []).append(program)
            right = self.new.guests.get((program, guest))
            if right is not None and right.reason:
                reasons.setdefault(guest, right.reason)
        for guest, names in programs.items():
            change = GuestChange(kind="added", program=", ".join(names), guest=guest, cases=used[1][guest])
            if used[0][guest] and not used[1][guest] and self.lacks(1, guest=guest):
                change.kind, change.cases, change.reason = "vanished", used[0][guest], reasons.get(guest)
                yield change
            elif used[1][guest] and not used[0][guest] and self.lacks(0, guest=guest):
                yield change

    # ----------------------------------------------------------------- cases

    def cases(self) -> None:
        gone = {item.old for item in self.diff.runtimes if item.kind == "vanished"}
        come = {item.new for item in self.diff.runtimes if item.kind == "added"}
        for case, found in self.before.items():
            label = self.lefts.get(case.runtime)
            other = case.on(label) if label is not None else None
            if other is not None and other in self.after:
                self.diff.compared += 1
                self.compare(other, found, self.after[other])
                continue
            reason = self.asked[1].left_out(case, label)
            if reason is not None:
                self.leave_out("new", reason, case)
                continue
            kind: Kind = "not run" if other is not None and other in self.new.missing else "removed"
            within = f"runtime {case.runtime}" if case.runtime in gone else self.within(case, "removed", "vanished")
            self.add(kind, case, old=found.word, within=within)
        for case, found in self.after.items():
            label = self.rights.get(case.runtime)
            if label is not None and case.on(label) in self.before:
                continue
            reason = self.asked[0].left_out(case, label)
            if reason is not None:
                self.leave_out("old", reason, case)
                continue
            within = f"runtime {case.runtime}" if case.runtime in come else self.within(case, "added", "added")
            self.add("added", case, new=found.word, message=found.message or None, within=within)

    def within(self, case: Case, suites: str, guests: str) -> str | None:
        if any(item.kind == suites and item.path == case.suite for item in self.diff.suites):
            return f"suite {case.suite}"
        if any(item.kind == guests and item.guest == case.guest for item in self.diff.guests):
            return f"guest {case.guest}"
        return None

    def compare(self, case: Case, old: CaseResult, new: CaseResult) -> None:
        if old.state != new.state:
            self.add("outcome", case, old=old.word, new=new.word, message=new.message or None)
        elif new.state == BY_CHANCE and old.message != new.message:
            self.add("chance", case, old=old.message or "pass", new=new.message or "pass")
        elif new.state in FAILING and old.message and old.message != new.message:
            self.add("failure", case, old=old.message, new=new.message)
        if BY_CHANCE in (old.state, new.state):
            return
        for question, was, is_ in changed(old.answers, new.answers):
            asks = self.new.questions.get((case.suite, question)) or self.old.questions.get((case.suite, question))
            self.add("observation", case, question=question, asks=asks, old=was, new=is_)

    def add(self, kind: Kind, case: Case, **more: str | None) -> None:
        self.diff.changes.append(CaseChange(kind=kind, **entry(case) | more))

    def leave_out(self, side: Literal["old", "new"], reason: str, case: Case) -> None:
        for item in self.diff.not_compared:
            if (item.side, item.reason) == (side, reason):
                item.ids.append(case.id)
                return
        self.diff.not_compared.append(NotCompared(side=side, reason=reason, ids=[case.id]))


def _ready(guest: GuestEntry | None) -> bool:
    return guest is not None and guest.status == "ready"
