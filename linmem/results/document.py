"""The report document, schema ``linmem-report/2``; its published form is ``report.schema.json``.

The classes also read the record's lines, which have the same shapes (see `linmem.results.record`).
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct, field

from linmem.results.case import CaseEntry
from linmem.results.outcome import Result
from linmem.results.verdict import Outcome, Status
from linmem.text import printable_json

FORMAT = "linmem-report/2"

Counts = dict[Status, int]
"""How many results have each status; statuses that none has are left out."""

Agreement = Literal["everywhere", "by guest", "where answered", "differs", "one runtime"]
"""How the answers to an observation compare.

``everywhere``: every runtime, view kind and guest gave the same. ``by guest``: they differ from guest to guest, but
for each guest all runtimes gave the same. ``where answered``: those that answered are alike. ``differs``: with the
same guest, answers differ between runtimes or view kinds. ``one runtime``: only one runtime answered, with one
answer.
"""


class Selection(Struct, kw_only=True):
    """What a run was asked for; empty lists narrow nothing.

    ``runtimes`` are labels, ``guests`` what ``--guest`` named, ``paths`` the files, folders and ids given in place of
    ``suites/``, relative to where ids begin. ``deselected`` are the cases that ``-k`` and the like left out.
    """

    runtimes: list[str] = []
    guests: list[str] = []
    paths: list[str] = []
    deselected: list[CaseEntry] = []


class HarnessEnvironment(Struct, kw_only=True):
    """Where the harness itself ran. ``packages`` maps a distribution's name to its version."""

    python: str = ""
    implementation: str = ""
    platform: str = ""
    packages: dict[str, str] = {}


class RuntimeEntry(Struct, kw_only=True):
    """A runtime that the run was asked for. The last five fields are known once its driver has answered."""

    label: str
    name: str
    variant: str | None = None
    version: str | None = None
    origin: str | None = None
    status: Literal["ready", "unavailable"] = "ready"
    reason: str | None = None
    remedy: str | None = None
    engine: str | None = None
    host: str | None = None
    views: list[str] = []
    features: dict[str, bool] = {}


class GuestEntry(Struct, kw_only=True):
    """A guest module of a program, or why it took no part. ``sha256`` is that of the module, in hexadecimal."""

    program: str
    guest: str
    toolchain: str | None = None
    sha256: str | None = None
    status: Literal["ready", "unavailable"] = "ready"
    reason: str | None = None
    remedy: str | None = None


class ScenarioEntry(Struct, kw_only=True):
    """A scenario as its suite states it. ``spec`` links the clause it checks, ``line`` is where it stands."""

    scenario: str
    title: str
    spec: str | None = None
    line: int | None = None


class Question(Struct, kw_only=True):
    """What an observation asks, and the answers that its suite foresees."""

    id: str
    question: str
    answers: list[str] = []


class SuiteEntry(Struct, kw_only=True):
    """A scenario file that took part."""

    path: str
    title: str
    about: str | None = None
    scenarios: list[ScenarioEntry] = []
    observations: list[Question] = []


class Broken(Struct, kw_only=True, tag_field="type", tag="broken"):
    """A scenario file that could not be loaded, so none of its scenarios was played."""

    suite: str
    message: str


class Subject(Struct, kw_only=True):
    """Who gave an answer: a runtime, by way of a view kind (null: its default), with these guests.

    ``raw`` holds the distinct answers in the runtime's own words.
    """

    runtime: str
    view: str | None = None
    guests: list[str] = []
    raw: list[str] = []


class Silence(Struct, kw_only=True):
    """Who gave no answer, and why: the outcome of its result, ``missing``, or ``not asked``."""

    runtime: str
    view: str | None = None
    guests: list[str] = []
    why: str


class AnswerGroup(Struct, kw_only=True):
    """All who gave the same answer."""

    answer: str
    subjects: list[Subject]


class ObservationEntry(Struct, kw_only=True):
    """One observation of one scenario, compared between runtimes, view kinds and guests."""

    suite: str
    scenario: str
    id: str
    question: str
    agreement: Agreement
    groups: list[AnswerGroup]
    unanswered: list[Silence] = []


class OutcomeGroup(Struct, kw_only=True):
    """All whose outcome was the same."""

    outcome: Outcome
    subjects: list[Subject]


class Difference(Struct, kw_only=True):
    """A scenario whose outcome differs between runtimes."""

    suite: str
    scenario: str
    groups: list[OutcomeGroup]


class Compared(Struct, kw_only=True):
    """How scenarios compare between the runtimes of the run. The last four add up to ``total``."""

    total: int = 0
    alike: int = 0
    outcome_differs: int = 0
    observed_differs: int = 0
    not_compared: int = 0


class SuiteSummary(Struct, kw_only=True):
    """Counts of one suite, whole and for each runtime."""

    total: Counts
    runtimes: dict[str, Counts]


class Summary(Struct, kw_only=True):
    """Counts of the whole run, by runtime label and by suite path."""

    total: Counts
    runtimes: dict[str, Counts]
    suites: dict[str, SuiteSummary]
    scenarios: Compared


class Report(Struct, kw_only=True):
    """One run, whole. ``reason`` says why it is incomplete; times are UTC, as in RFC 3339."""

    schema: str = FORMAT
    linmem: str
    complete: bool
    reason: str | None
    started: str
    finished: str | None
    command: list[str]
    environment: HarnessEnvironment
    runtimes: list[RuntimeEntry]
    guests: list[GuestEntry]
    suites: list[SuiteEntry]
    broken: list[Broken]
    planned: int
    missing: list[CaseEntry]
    summary: Summary
    differences: list[Difference]
    observations: list[ObservationEntry]
    results: list[Result] = field(default_factory=list)
    selection: Selection = field(default_factory=Selection)

    @property
    def scenarios(self) -> dict[tuple[str, str], ScenarioEntry]:
        """The scenarios by their suites' paths and their own names."""
        return {(suite.path, item.scenario): item for suite in self.suites for item in suite.scenarios}

    @property
    def questions(self) -> dict[tuple[str, str], str]:
        """What observations ask, by their suites' paths and their ids."""
        return {(suite.path, item.id): item.question for suite in self.suites for item in suite.observations}


def as_json(document: object) -> str:
    """A document, this one or another, as its file has it."""
    return printable_json(msgspec.json.format(msgspec.json.encode(document), indent=1).decode()) + "\n"
