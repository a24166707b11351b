from __future__ import annotations

import pytest

from linmem.results import verdict
from linmem.results.verdict import OUTCOMES, KnownFailure


def entry(outcome):
    return KnownFailure(file="known.yaml", line=12, reason="it is wrong upstream", outcome=outcome)


@pytest.mark.parametrize(
    ("outcome", "judged"),
    [
        ("pass", "good"),
        ("unsupported", "good"),
        ("fail", "bad"),
        ("crash", "bad"),
        ("timeout", "bad"),
        ("error", "bad"),
    ],
)
def test_verdict_without_a_known_defect(outcome, judged):
    assert verdict.judge(outcome, None) == judged
    assert verdict.is_good(verdict.judge(outcome, None)) is (judged == "good")
    assert verdict.status(outcome, None) == outcome


@pytest.mark.parametrize(
    ("expected", "outcome", "judged", "status"),
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
def test_verdict_under_a_known_defect(expected, outcome, judged, status):
    assert verdict.judge(outcome, entry(expected)) == judged
    assert verdict.is_good(judged) is (judged == "known defect")
    assert verdict.status(outcome, entry(expected)) == status


def test_a_status_is_bad_exactly_if_its_verdict_is():
    for outcome in OUTCOMES:
        for known in (None, entry("fail"), entry("crash"), entry(None)):
            good = verdict.is_good(verdict.judge(outcome, known))
            assert (verdict.status(outcome, known) in verdict.BAD) is not good


def test_ranks_put_every_bad_status_behind_every_good_one():
    good = [status for status in verdict.STATUSES if status not in verdict.BAD]
    assert max(map(verdict.rank, good)) < min(map(verdict.rank, verdict.BAD))
