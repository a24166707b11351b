"""Pair the runtimes of two reports: which column of the one is compared with which of the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


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
