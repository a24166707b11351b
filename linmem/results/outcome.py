"""The result of one scenario × guest × runtime: what the record keeps and reports are built from."""

from __future__ import annotations

import re

import msgspec

from linmem.results.case import Case, CaseEntry, entry
from linmem.results.verdict import Outcome

LEFT_OUT = "left out: "
"""How the message begins of a result that is `unsupported` only because nobody wanted to wait for it."""


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


class KnownFailure(msgspec.Struct, frozen=True):
    """Why this failure is expected: the entry in a list, by file and line.

    ``outcome`` is what the entry expects: ``fail``, ``crash``, ``timeout``, None for any failure, ``sometimes`` for any
    failure or none. ``message`` is what the failure's message must hold, and ``fits`` whether it does.
    """

    file: str
    line: int
    reason: str
    link: str | None = None
    outcome: str | None = None
    message: str | None = None
    fits: bool = True

    @property
    def place(self) -> str:
        """Where the entry stands, for people."""
        return f"{self.file}:{self.line}"

    @property
    def anchor(self) -> str:
        """The same as a page's address has it."""
        return re.sub(r"[^A-Za-z0-9]+", "-", self.place).strip("-")


class Result(CaseEntry, tag="result", tag_field="type", kw_only=True):
    """What one runtime did with one scenario on one guest.

    ``runtime`` and ``label`` are the runtime's label in the report. ``view`` is set where the scenario was played once
    for each view kind. ``steps`` are given up to the failing one, and only when it did not pass. ``duration`` is in
    seconds.
    """

    title: str
    version: str
    outcome: Outcome
    message: str = ""
    where: str | None = None
    steps: list[StepTrace] = msgspec.field(default_factory=list)
    stderr: str = ""
    observations: list[Observed] = msgspec.field(default_factory=list)
    pictures: list[Picture] = msgspec.field(default_factory=list)
    known: KnownFailure | None = None
    duration: float = 0.0
    label: str = ""

    @classmethod
    def begun(cls, case: Case, title: str, version: str, known: KnownFailure | None = None) -> Result:
        """The result of a case that is about to be played; an error until it has been."""
        return cls(**entry(case), title=title, version=version, outcome="error", known=known, label=case.runtime)
