"""What the gate found, by cause: a change of one driver that moved 34 answers is one line with 34 places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from linmem.results.document import GateFinding
from linmem.text import join, plural

_NAMED = 8  # places of one cause that are named


@dataclass(frozen=True)
class GateCause:
    """Findings of one kind that have something in common, at least one: they changed alike, or in the same place."""

    findings: tuple[GateFinding, ...]

    @property
    def first(self) -> GateFinding:
        """The finding that stands for all."""
        return self.findings[0]

    @property
    def name(self) -> str:
        """What it is about: of one finding its name, of several how many and on which runtimes."""
        if len(self.findings) == 1:
            return self.first.name
        runtimes = list(dict.fromkeys(item.runtime for item in self.findings if item.runtime))
        noun = "answer" if self.first.question else "case" if self.first.runtime else "scenario"
        where = f" on {join(runtimes, 6)}"
        told = not runtimes or where in self.what
        return plural(len(self.findings), noun) + ("" if told else where)

    @property
    def what(self) -> str:
        """What changed; of several findings, what they have in common."""
        same = len({item.what for item in self.findings}) == 1
        return self.first.what if same else self.first.cause or ""

    @property
    def places(self) -> list[str]:
        """Of several findings: a case of each kind, how many more are like it, and what changed there."""
        if len(self.findings) == 1:
            return []
        found: dict[str, list[GateFinding]] = defaultdict(list)
        for item in self.findings:
            found[alike(item.what)].append(item)
        groups = list(found.values())
        told = [_place(members, len(groups) > 1) for members in groups[:_NAMED]]
        if rest := sum(map(len, groups[_NAMED:])):
            told.append(f"and {rest:,} more; --format json names each")
        return told

    def __str__(self) -> str:
        return f"{self.first.kind.upper():<10} {self.name}: {self.what}"


def _place(members: Sequence[GateFinding], apart: bool) -> str:
    first = members[0]
    more = f" and {len(members) - 1:,} more" if len(members) > 1 else ""
    detail = f": {first.what}" if apart else ""
    return f"{first.name}{more}{detail}"


def alike(message: str) -> str:
    """A message without the words that have digits: the same wherever the same fault shows."""
    return " ".join("…" if any(map(str.isdigit, word)) else word for word in message.split())


def causes(findings: Sequence[GateFinding]) -> list[GateCause]:
    """Findings by cause, in the order of the first of each."""
    found: dict[object, list[GateFinding]] = defaultdict(list)
    for number, item in enumerate(findings):
        found[number if item.cause is None else (item.kind, item.cause)].append(item)
    return [GateCause(tuple(members)) for members in found.values()]


def common(shared: Sequence[Sequence[str]]) -> Iterator[str | None]:
    """For each finding one of the things that it shares with others, so that there are few different ones: always the
    one that most findings have which are not accounted for. None where it shares none.
    """
    left = set(range(len(shared)))
    chosen: dict[int, str] = {}
    while left:
        members: dict[str, list[int]] = defaultdict(list)
        for number in sorted(left):
            for text in shared[number]:
                members[text].append(number)
        text = max(members, key=lambda text: len(members[text]), default="")
        if len(members[text]) < 2:
            break
        for number in members[text]:
            chosen[number] = text
        left.difference_update(members[text])
    return (chosen.get(number) for number in range(len(shared)))
