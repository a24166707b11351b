"""A few of each kind of abuse that is quick; ``run.py`` has all of them, with counts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

import run as abuse

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("kind", "count"), [("drivers", 12), ("files", 20), ("signals", 15), ("kills", 2)])
def test_abuse_finds_no_fault(kind: str, count: int, tmp_path: Path) -> None:
    play, _ = abuse.KINDS[kind]
    tally = play(count, 1000, tmp_path)
    assert tally.faults == []
    assert sum(tally.counts.values()) >= count
