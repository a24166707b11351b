"""Scenarios are dealt out over shards: each once, alike on every machine, and by how long they took."""

from __future__ import annotations

import pytest

from linmem.results.case import Case
from linmem.results.outcome import Result
from linmem.run.shards import Shards, parse

NAMES = [f"suites/a.yaml::{number}" for number in range(300)]


def played(name: str, seconds: float) -> Result:
    suite, _, scenario = name.partition("::")
    result = Result.begun(Case(suite, scenario, "fake", None, None), scenario, "1.0")
    result.duration = seconds
    return result


@pytest.mark.parametrize("known", [0, 100, 300])
@pytest.mark.parametrize("of", [1, 2, 7])
def test_every_scenario_is_in_one_shard(of: int, known: int) -> None:
    earlier = [played(name, number % 7) for number, name in enumerate(NAMES[:known])]
    shards = [Shards(number, of, reversed(earlier) if number % 2 else earlier) for number in range(1, of + 1)]
    assert {name: sum(shard.plays(name) for shard in shards) for name in NAMES} == dict.fromkeys(NAMES, 1)
    assert len({shard.shard.cut for shard in shards}) == 1
    assert all(sum(map(shard.plays, NAMES)) > 300 / of / 2 for shard in shards)


def test_a_new_scenario_moves_no_other() -> None:
    earlier = [played(name, number % 7) for number, name in enumerate(NAMES)]
    before = Shards(1, 5, earlier)
    placed = [name for name in NAMES if before.plays(name)]
    new = [f"suites/a.yaml::new {number}" for number in range(40)]
    assert 0 < sum(map(before.plays, new)) < 40
    assert [name for name in [*NAMES, *new] if before.plays(name) and name not in new] == placed
    assert [name for name in NAMES if Shards(1, 5).plays(name)] != placed


def test_shards_take_equally_long() -> None:
    seconds = {name: 0.01 + (30.0 if number < 3 else number % 11) for number, name in enumerate(NAMES)}
    earlier = [played(name, duration) for name, duration in seconds.items()]
    loads = []
    for number in range(1, 5):
        shard = Shards(number, 4, earlier)
        loads.append(sum(duration for name, duration in seconds.items() if shard.plays(name)))
    assert max(loads) - min(loads) < 1


def test_shards_that_are_cut_otherwise_can_be_told() -> None:
    earlier = [played(name, number % 7) for number, name in enumerate(NAMES)]
    cuts = {Shards(1, 4, earlier[:count]).shard.cut for count in (0, 100, 300)}
    assert len(cuts) == 3
    assert Shards(1, 4, earlier).shard.shown == "1/4"


@pytest.mark.parametrize("text", ["0/3", "4/3", "1/0", "3", "1/", "a/b", "1/3/3", "-1/3", "1/10000", "1 / 3"])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(ValueError, match="is no shard: give one as in 3/8"):
        parse(text)
