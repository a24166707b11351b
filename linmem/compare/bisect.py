"""Find the version in which a case began to come out otherwise, with as few versions installed as can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from linmem.compare.timeline import Moment


class Bisection(Struct, frozen=True, kw_only=True):
    """What a search came to.

    ``last`` is the last version that was as the first one, ``first`` the first that was not; both None where the two
    ends are alike. ``between`` are versions between them that could not be played, so that the change may be theirs.
    """

    last: str | None
    first: str | None
    between: list[str]
    asked: dict[str, Moment]


Ask = Callable[[str], "Moment | None"]


def search(versions: Sequence[str], ask: Ask) -> Bisection:
    """Halve the distance between two versions that differ, until they are neighbours.

    ``ask`` plays the case on a version; None where it can't be played there. Then a neighbour is asked in its place.
    Raises `ValueError` where not even two versions can be played.
    """
    asked: dict[str, Moment] = {}
    lost: list[str] = []

    def found(version: str) -> Moment | None:
        if version not in asked:
            answer = ask(version)
            if answer is None:
                lost.append(version)
                return None
            asked[version] = answer
        return asked[version]

    low = next((i for i, version in enumerate(versions) if found(version) is not None), len(versions))
    high = next((i for i in range(len(versions) - 1, low, -1) if found(versions[i]) is not None), low)
    if high <= low:
        raise ValueError("fewer than two versions can be played")
    if asked[versions[low]] == asked[versions[high]]:
        return Bisection(last=None, first=None, between=[], asked=asked)
    while (middle := _middle(low, high, versions, lost)) is not None:
        answer = found(versions[middle])
        if answer is None:
            continue
        if answer == asked[versions[low]]:
            low = middle
        else:
            high = middle
    return Bisection(last=versions[low], first=versions[high], between=list(versions[low + 1 : high]), asked=asked)


def _middle(low: int, high: int, versions: Sequence[str], lost: Sequence[str]) -> int | None:
    """The place nearest to the middle that may still be asked; None where none is left."""
    centre = (low + high) // 2
    left = [i for i in range(low + 1, high) if versions[i] not in lost]
    return min(left, key=lambda i: abs(i - centre)) if left else None
