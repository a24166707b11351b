"""Which of pytest-xdist's workers plays what: a worker owns a runtime as long as there is work for it.

Items are given in blocks of one runtime, so that a worker can post a block's cases ahead, and few drivers are started
twice for the same work. Only imported where pytest-xdist is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from xdist.scheduler import LoadScheduling

BLOCK = 64
"""Items in a block. Blocks are cut in the order of collection, runtime by runtime, so workers know where they end."""


class RuntimeScheduling(LoadScheduling):  # type: ignore[misc,unused-ignore]
    """Gives blocks of items to workers. ``runtime_of`` tells the runtime of an item by its id."""

    def __init__(self, config: pytest.Config, log: Any, runtime_of: Callable[[str], str]) -> None:
        super().__init__(config, log)
        self.runtime_of = runtime_of
        self.owned: dict[Any, str] = {}

    def check_schedule(self, node: Any, duration: float = 0) -> None:
        """Give a worker a block when little is left of its last one; end it when there is none."""
        if node.shutting_down:
            return
        if not self.pending:
            node.shutdown()
        elif len(self.node2pending[node]) < BLOCK // 2:
            self._send_tests(node, BLOCK)

    def remove_node(self, node: Any) -> str | None:
        """A worker is gone; its runtime is free."""
        self.owned.pop(node, None)
        found: str | None = super().remove_node(node)
        return found

    def _send_tests(self, node: Any, num: int) -> None:
        block = self._next_block(node)
        if block:
            given = set(block)
            self.pending[:] = [index for index in self.pending if index not in given]
            self.node2pending[node].extend(block)
            node.send_runtest_some(block)

    def _next_block(self, node: Any) -> list[int]:
        """A block of the worker's runtime. Where that has none: of one that nobody has, else of the longest."""
        assert self.collection is not None
        waiting: dict[str, list[int]] = {}
        for index in self.pending:
            waiting.setdefault(self.runtime_of(self.collection[index]), []).append(index)
        if not waiting:
            return []
        if self.owned.get(node) not in waiting:
            others = {runtime for other, runtime in self.owned.items() if other is not node}
            free = [runtime for runtime in waiting if runtime not in others] or list(waiting)
            self.owned[node] = max(free, key=lambda runtime: len(waiting[runtime]))
        return waiting[self.owned[node]][:BLOCK]
