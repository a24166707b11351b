"""Workers own runtimes, and blocks of their items come in the order of collection."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from linmem.plugin.scheduling import BLOCK, RuntimeScheduling


class Node:
    """A worker that takes what it is given."""

    def __init__(self, name: str) -> None:
        self.given: list[list[int]] = []
        self.shutting_down = False
        self.gateway = SimpleNamespace(id=name)

    def send_runtest_some(self, indices: list[int]) -> None:
        self.given.append(list(indices))

    def shutdown(self) -> None:
        self.shutting_down = True


def scheduled(ids: list[str], count: int, config: Any) -> tuple[RuntimeScheduling, list[Node]]:
    """A scheduler that has been given what there is, and its workers."""
    scheduler = RuntimeScheduling(config, None, lambda name: name.partition("-")[0])
    scheduler.numnodes = count
    nodes = [Node(f"gw{number}") for number in range(count)]
    for node in nodes:
        scheduler.add_node(node)
        scheduler.add_node_collection(node, ids)
    scheduler.schedule()
    return scheduler, nodes


@pytest.fixture
def config() -> Any:
    options = {"tx": ["popen"], "maxschedchunk": None}
    return SimpleNamespace(getoption=options.get, getvalue=options.get, hook=None, option=SimpleNamespace(**options))


def play(scheduler: RuntimeScheduling, nodes: list[Node]) -> None:
    """Let every worker play an item in turn, to the end."""
    while scheduler.has_pending:
        for node in nodes:
            if scheduler.node2pending[node]:
                scheduler.mark_test_complete(node, scheduler.node2pending[node][0])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_item_is_given_once_in_blocks_of_a_runtime(count: int, config: Any) -> None:
    ids = [f"{runtime}-{number}" for number in range(3 * BLOCK + 5) for runtime in ("one", "two", "three")]
    scheduler, nodes = scheduled(ids, count, config)
    play(scheduler, nodes)
    blocks = [block for node in nodes for block in node.given]
    assert sorted(index for block in blocks for index in block) == list(range(len(ids)))
    for block in blocks:
        assert len({ids[index].partition("-")[0] for index in block}) == 1
        assert int(ids[block[0]].partition("-")[2]) % BLOCK == 0  # as a worker cuts them, too
    assert all(node.shutting_down for node in nodes)
    if count == 3:
        assert all(len({ids[block[0]].partition("-")[0] for block in node.given}) == 1 for node in nodes)


def test_few_items(config: Any) -> None:
    scheduler, nodes = scheduled(["one-0", "two-0", "two-1"], 2, config)
    play(scheduler, nodes)
    assert sorted(index for node in nodes for block in node.given for index in block) == [0, 1, 2]


def test_a_lost_worker_s_items_are_given_to_others(config: Any) -> None:
    scheduler, nodes = scheduled([f"one-{number}" for number in range(6 * BLOCK)], 2, config)
    assert scheduler.remove_node(nodes[0]) == "one-0"
    play(scheduler, nodes[1:])
    assert sorted(index for block in nodes[1].given for index in block) == list(range(1, 6 * BLOCK))
