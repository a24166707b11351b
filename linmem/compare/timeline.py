"""What became of each case from one version of a runtime to the next.

A case is followed by its scenario, guest and view kind through the versions of one runtime; its label here is the
runtime's without the version. What is compared is what the runtime did, its outcome and its answers to observations,
and not what the list of known defects says of it: an entry's range of versions would look like a change.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from linmem.results.case import Case
from linmem.results.case_result import answers, changed
from linmem.results.document import Report, RuntimeEntry
from linmem.results.outcome import Result

SCHEMA = "linmem-history/1"


class Moment(Struct, frozen=True):
    """What came of a case in one version. ``answers`` are by the observation's id."""

    outcome: str
    answers: dict[str, str]


class VersionChange(Struct, frozen=True, kw_only=True):
    """Something that one version does otherwise than the one before it.

    ``what`` is ``outcome`` or an observation's id, which then has a ``question``. None: there was no such case, or it
    gave no answer.
    """

    id: str
    what: str
    question: str = ""
    old: str | None
    new: str | None


class Turn(Struct, frozen=True, kw_only=True):
    """All that changed from one version to the next; ``old`` and ``new`` are labels as in the report."""

    old: str
    new: str
    changes: list[VersionChange]


class AbsentVersion(Struct, frozen=True, kw_only=True):
    """A version that could not be had."""

    label: str
    reason: str


class Timeline(Struct, frozen=True, kw_only=True):
    """A runtime through its versions, oldest first. ``alike`` of ``cases`` never changed."""

    runtime: str
    versions: list[str]
    cases: int
    alike: int
    turns: list[Turn]
    absent: list[AbsentVersion]


class History(Struct, frozen=True, kw_only=True):
    """The timelines of all runtimes of a run that had more than one version."""

    schema: str = SCHEMA
    timelines: list[Timeline]


def history(report: Report) -> History:
    """The timelines that a report holds. Versions come in the order of the report's runtimes."""
    families: dict[str, list[RuntimeEntry]] = {}
    for runtime in report.runtimes:
        families.setdefault(family(runtime), []).append(runtime)
    several = {name: members for name, members in families.items() if len(members) > 1}
    return History(timelines=[_timeline(report, name, members) for name, members in several.items()])


def family(runtime: RuntimeEntry) -> str:
    """A runtime without its version."""
    return runtime.label.partition("@")[0]


def moment(result: Result) -> Moment:
    """What came of a result's case."""
    return Moment(result.outcome, answers(result))


def _timeline(report: Report, name: str, members: Sequence[RuntimeEntry]) -> Timeline:
    ready = [member.label for member in members if member.status == "ready"]
    columns: dict[str, dict[Case, Moment]] = {label: {} for label in ready}
    for result in report.results:
        if result.runtime in columns:
            columns[result.runtime][result.case.on(name)] = moment(result)
    tracks = list(dict.fromkeys(track for label in ready for track in columns[label]))
    turns, questions = [], report.questions
    for old, new in pairwise(ready):
        found = [
            change
            for track in tracks
            for change in changes(track, columns[old].get(track), columns[new].get(track), questions)
        ]
        if found:
            turns.append(Turn(old=old, new=new, changes=found))
    turned = {change.id for turn in turns for change in turn.changes}
    absent = [
        AbsentVersion(label=member.label, reason=member.reason or "") for member in members if member.status != "ready"
    ]
    return Timeline(
        runtime=name, versions=ready, cases=len(tracks), alike=len(tracks) - len(turned), turns=turns, absent=absent
    )


def changes(
    track: Case, old: Moment | None, new: Moment | None, questions: dict[tuple[str, str], str]
) -> list[VersionChange]:
    """How a case differs between two versions; ``questions`` are by suite and observation's id."""
    found = []
    before, after = (old.outcome if old else None), (new.outcome if new else None)
    if before != after:
        found.append(VersionChange(id=track.id, what="outcome", old=before, new=after))
    if old is None or new is None:
        return found
    for id_, was, is_ in changed(old.answers, new.answers):
        question = questions.get((track.suite, id_), "")
        found.append(VersionChange(id=track.id, what=id_, question=question, old=was, new=is_))
    return found
