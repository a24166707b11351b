"""Whether a run was asked for a case that it does not hold: what it was not asked for is not missing."""

from __future__ import annotations

from collections.abc import Mapping

from linmem.results.case import Case
from linmem.results.document import Selection

INLINE = "inline"  # how --guest names the guests inside scenario files


class RunScope:
    """What a run was asked for.

    ``absent`` are guests that could not take part, with the reason, where that is to count as not being asked for.
    """

    def __init__(self, selection: Selection, absent: Mapping[str, str] | None = None) -> None:
        self._absent = absent or {}
        self._runtimes = set(selection.runtimes)
        self._guests = {part.strip() for text in selection.guests for part in text.split(",") if part.strip()}
        self._places = [path for path in selection.paths if "::" not in path]
        self._ids = [path for path in selection.paths if "::" in path]
        self._deselected = {entry.case for entry in selection.deselected}

    @property
    def everything(self) -> bool:
        """Whether nothing was left out."""
        narrowed = self._runtimes or self._guests or self._places or self._ids or self._deselected
        return not (narrowed or self._absent)

    def runtime_left_out(self, label: str | None) -> bool:
        """Whether runtimes were named and this one (None: one that the run has no column for) was not among them."""
        return bool(self._runtimes) and label not in self._runtimes

    def guest_left_out(self, guest: str | None) -> bool:
        """Whether guests were named and this one (None: the guest inside the file) was not among them."""
        return bool(self._guests) and (guest or INLINE) not in self._guests

    def left_out(self, case: Case, label: str | None) -> str | None:
        """Why the run was not asked for a case that it does not hold; None: it was, so the case is missing.

        ``label`` is the case's runtime in this run, None where it has no such column.
        """
        if self.runtime_left_out(label):
            return f"the run was not asked for runtime {case.runtime}"
        if case.guest is not None and case.guest in self._absent:
            return f"guest {case.guest} can't take part here: {self._absent[case.guest]}"
        if self.guest_left_out(case.guest):
            return f"the run was not asked for guest {case.guest or INLINE}"
        if (self._places or self._ids) and not any(_holds(place, case.suite) for place in self._places):
            named = any(path.startswith(f"{case.suite}::") for path in self._ids)
            return f"the run was asked for other {'scenarios, by their ids' if named else 'suites'}"
        if label is not None and case.on(label) in self._deselected:
            return "left out by -k or the like"
        return None


def _holds(place: str, suite: str) -> bool:
    return place in (".", suite) or suite.startswith(f"{place}/")
