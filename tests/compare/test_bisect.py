"""The search for the version that changed something."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linmem.compare.bisect import search
from linmem.compare.timeline import Moment

PASS, FAIL = Moment("pass", {}), Moment("fail", {})


class Runtime:
    """A runtime whose versions from `changed` on fail, and of which some can't be had."""

    def __init__(self, changed: int, lost: set[str] | None = None) -> None:
        self.changed, self.lost = changed, lost or set()
        self.asked: list[str] = []

    def ask(self, version: str) -> Moment | None:
        self.asked.append(version)
        if version in self.lost:
            return None
        return FAIL if int(version) >= self.changed else PASS


@given(st.integers(2, 200).flatmap(lambda count: st.tuples(st.just(count), st.integers(1, count - 1))))
def test_the_change_is_found_with_few_questions(numbers: tuple[int, int]) -> None:
    count, changed = numbers
    runtime = Runtime(changed)
    found = search([str(i) for i in range(count)], runtime.ask)
    assert (found.last, found.first, found.between) == (str(changed - 1), str(changed), [])
    assert len(runtime.asked) == len(set(runtime.asked)) <= 2 + math.ceil(math.log2(count - 1))
    assert set(found.asked) == set(runtime.asked)


@given(st.data())
def test_versions_that_cannot_be_had_are_named_where_they_matter(data: st.DataObject) -> None:
    count = data.draw(st.integers(3, 40))
    changed = data.draw(st.integers(1, count - 1))
    lost = data.draw(st.sets(st.integers(0, count - 1), max_size=count - 2))
    versions = [i for i in range(count) if i not in lost]
    runtime = Runtime(changed, set(map(str, lost)))
    if not versions or not versions[0] < changed <= versions[-1]:
        return
    found = search([str(i) for i in range(count)], runtime.ask)
    last = max(i for i in versions if i < changed)
    first = min(i for i in versions if i >= changed)
    assert (found.last, found.first) == (str(last), str(first))
    assert found.between == [str(i) for i in range(last + 1, first)]
    assert len(runtime.asked) == len(set(runtime.asked))


def test_two_ends_that_are_alike_are_not_searched_between() -> None:
    runtime = Runtime(100)
    found = search([str(i) for i in range(50)], runtime.ask)
    assert (found.last, found.first) == (None, None)
    assert runtime.asked == ["0", "49"]


def test_an_answer_is_a_change_as_much_as_an_outcome() -> None:
    answers = {"1": "old", "2": "old", "3": "new"}
    found = search(list(answers), lambda version: Moment("pass", {"view": answers[version]}))
    assert (found.last, found.first) == ("2", "3")


def test_one_version_is_not_enough() -> None:
    with pytest.raises(ValueError, match="fewer than two versions"):
        search(["1", "2", "3"], Runtime(2, {"1", "3"}).ask)
