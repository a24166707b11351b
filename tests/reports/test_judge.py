from __future__ import annotations

import pytest

from reports import judge
from suites.outcome import OUTCOMES, KnownFailure


def entry(outcome):
    return KnownFailure(line=12, reason="it is wrong upstream", outcome=outcome)


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        ("pass", "good"),
        ("unsupported", "good"),
        ("fail", "bad"),
        ("crash", "bad"),
        ("timeout", "bad"),
        ("error", "bad"),
    ],
)
def test_verdict_without_a_known_defect(outcome, verdict):
    assert judge.judge(outcome, None) == verdict
    assert judge.is_good(judge.judge(outcome, None)) is (verdict == "good")
    assert judge.status(outcome, None) == outcome


@pytest.mark.parametrize(
    ("expected", "outcome", "verdict", "status"),
    [
        ("fail", "fail", "known defect", "known"),
        ("fail", "crash", "bad", "crash"),
        ("fail", "timeout", "bad", "timeout"),
        ("fail", "pass", "unexpected pass", "unexpected"),
        ("fail", "unsupported", "bad", "unexpected"),
        ("fail", "error", "bad", "error"),
        ("crash", "crash", "known defect", "known"),
        ("crash", "fail", "bad", "fail"),
        ("timeout", "timeout", "known defect", "known"),
        (None, "fail", "known defect", "known"),
        (None, "crash", "known defect", "known"),
        (None, "timeout", "known defect", "known"),
        (None, "error", "bad", "error"),
    ],
)
def test_verdict_under_a_known_defect(expected, outcome, verdict, status):
    assert judge.judge(outcome, entry(expected)) == verdict
    assert judge.is_good(verdict) is (verdict == "known defect")
    assert judge.status(outcome, entry(expected)) == status


def test_a_status_is_bad_exactly_if_its_verdict_is():
    for outcome in OUTCOMES:
        for known in (None, entry("fail"), entry("crash"), entry(None)):
            good = judge.is_good(judge.judge(outcome, known))
            assert (judge.status(outcome, known) in judge.BAD) is not good


def test_ranks_put_every_bad_status_behind_every_good_one():
    good = [status for status in judge.STATUSES if status not in judge.BAD]
    assert max(map(judge.rank, good)) < min(map(judge.rank, judge.BAD))
