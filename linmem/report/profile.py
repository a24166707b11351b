"""How two runtimes compare in one scenario: the one definition that pairs, groups and the page's script share.

A *profile* is what a runtime gave for each guest: one value if every view kind gave the same, else the value of each
view kind. View kinds of different runtimes have no counterparts, so runtimes that are not of one mind with themselves
are alike only if they have the same view kinds and each gives the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal

Value = str | frozenset[tuple[str, str]]
Profile = Mapping[str, Value]
"""By guest (empty: the guest is inline), what was given."""

Likeness = Literal["alike", "differs", "apart"]
"""``apart``: they have no guest in common, so they can't be compared."""


def profile(given: Iterable[tuple[str | None, str | None, str]]) -> Profile:
    """The profile of what a runtime gave: guest, view kind and value of each."""
    by_guest: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for guest, view, value in given:
        by_guest[guest or ""].append((view or "", value))
    found: dict[str, Value] = {}
    for guest, values in by_guest.items():
        distinct = {value for _, value in values}
        found[guest] = distinct.pop() if len(distinct) == 1 else frozenset(values)
    return found


def likeness(one: Profile, other: Profile) -> Likeness:
    """How two profiles compare, over the guests that both have."""
    common = one.keys() & other.keys()
    if not common:
        return "apart"
    return "alike" if all(one[guest] == other[guest] for guest in common) else "differs"


def grouped(profiles: Mapping[str, Profile]) -> list[list[str]]:
    """Names whose profiles are alike, the largest group first.

    One that lacks some guests joins a group if it contradicts no one there, and fits into no other group.
    """
    groups: list[tuple[dict[str, Value], list[str]]] = []
    for name in sorted(profiles, key=lambda name: -len(profiles[name])):
        mine = profiles[name]
        fitting = [group for group in groups if likeness(group[0], mine) == "alike"]
        if len(fitting) == 1:
            fitting[0][0].update(mine)
            fitting[0][1].append(name)
        else:
            groups.append((dict(mine), [name]))
    place = {name: number for number, name in enumerate(profiles)}
    ordered = [sorted(names, key=place.__getitem__) for _, names in groups]
    return sorted(ordered, key=lambda names: (-len(names), place[names[0]]))
