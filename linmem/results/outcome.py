"""The result of one scenario × guest × runtime: what the record keeps and reports are built from."""

from __future__ import annotations

from typing import Literal

import msgspec

from linmem.results.case import Case, entry
from linmem.results.verdict import KnownFailure, Outcome

NOT_ASKED = "not asked"
"""Why there is no answer, where an earlier step gave nothing that the question could be about."""

LEFT_OUT = "left out: "
"""How the message begins of a result that is `unsupported` only because nobody wanted to wait for it."""


class Lack(msgspec.Struct, frozen=True):
    """Why a result is `unsupported`.

    ``engine``: the runtime does not compile the feature ``what``. ``api``: its host API has no way to do what a step
    asks. ``host``: the scenario is about hosts in the language ``what``, and this one is in another.
    """

    kind: Literal["engine", "api", "host"]
    what: str = ""


class StepTrace(msgspec.Struct, frozen=True, omit_defaults=False):
    """How one step went. ``raw`` holds the runtime's own words where it refused."""

    text: str
    where: str
    status: str  # ok | failed | not reached
    expected: str | None = None
    actual: str | None = None
    raw: str | None = None


class Observed(msgspec.Struct, frozen=True):
    """One observation: its id, the answer as reports word it, and what was seen, literally."""

    id: str
    answer: str
    raw: str
    where: str


class Picture(msgspec.Struct, frozen=True):
    """What a host saw in the guest's memory, as a picture. Sizes in pixels; ``png`` is a PNG file in base64.

    The same pixels give the same text, whichever runtime they came from.
    """

    title: str
    width: int
    height: int
    png: str


class Result(Case, frozen=False, tag="result", tag_field="type", kw_only=True):  # type: ignore[misc]
    """What one runtime did with one scenario on one guest.

    ``label`` is ``runtime``, by the name that it has in the report's list of runtimes. ``view`` is set where the
    scenario was played once for each view kind. ``steps`` are given up to the failing one, and only when it did not
    pass. ``unanswered`` says by the observation's id why a step that was to answer did not: ``unsupported``, with the
    suite's words for that, or ``not asked``. ``lack`` says whose limit it is that it is
    `unsupported`. ``duration`` is in seconds.
    """

    id: str
    title: str
    version: str
    outcome: Outcome
    message: str = ""
    where: str | None = None
    steps: list[StepTrace] = msgspec.field(default_factory=list)
    stderr: str = ""
    observations: list[Observed] = msgspec.field(default_factory=list)
    unanswered: dict[str, str] = msgspec.field(default_factory=dict)
    pictures: list[Picture] = msgspec.field(default_factory=list)
    known: KnownFailure | None = None
    lack: Lack | None = None
    duration: float = 0.0
    label: str = ""

    def __post_init__(self) -> None:
        self.label = self.runtime

    @classmethod
    def begun(cls, case: Case, title: str, version: str, known: KnownFailure | None = None) -> Result:
        """The result of a case that is about to be played; an error until it has been."""
        return cls(**entry(case), title=title, version=version, outcome="error", known=known)
