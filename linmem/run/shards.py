"""Shards: a run split over machines, each of which plays a part of the scenarios.

A scenario is dealt out whole, with all its guests, runtimes and views, so that every part compares its runtimes. Where
durations are known from an earlier run, the longest scenario goes first, each to the shard with the least to do; others
go where a hash of their names says. So machines that are given the same need not talk to each other, and a new scenario
moves no other.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable

from linmem.results.document import Shard
from linmem.results.outcome import Result

CASE_SECONDS = 0.002  # what a case costs beside its playing
_FORM = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})")


class Shards:
    """How scenarios are dealt out over ``of`` shards, and which of these is ours: ``number``, from 1 on.

    ``played`` are results of an earlier run, as far as they are of what this run plays.
    """

    def __init__(self, number: int, of: int, played: Iterable[Result] = ()) -> None:
        self.number, self.of = number, of
        durations: dict[str, float] = defaultdict(float)
        for result in played:
            durations[result.place] += CASE_SECONDS + result.duration
        loads = [0.0] * of
        self._dealt: dict[str, int] = {}
        for name, seconds in sorted(durations.items(), key=lambda item: (-item[1], item[0])):
            least = loads.index(min(loads))
            loads[least] += seconds
            self._dealt[name] = least

    @property
    def shard(self) -> Shard:
        """Ours, as reports name it."""
        cut = hashlib.sha256(repr(sorted(self._dealt.items())).encode()).hexdigest()[:16]
        return Shard(number=self.number, of=self.of, cut=cut)

    def plays(self, name: str) -> bool:
        """Whether something is in our shard: ``suite::scenario``, or a test's id."""
        dealt = self._dealt.get(name)
        if dealt is None:
            dealt = int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:8], "big") % self.of
        return dealt == self.number - 1


def parse(text: str) -> tuple[int, int]:
    """The numbers of ``3/8``. Raises `ValueError`."""
    found = _FORM.fullmatch(text)
    if found is None or int(found[1]) > int(found[2]):
        raise ValueError(f"'{text}' is no shard: give one as in 3/8, from 1/8 to 8/8")
    return int(found[1]), int(found[2])
