"""The report document, schema ``linmem-report/3``; its published form is ``report.schema.json``.

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

FORMAT = "linmem-report/3"

Counts = dict[Status, int]
"""How many results have each status; statuses that none has are left out."""

Agreement = Literal["everywhere", "by guest", "where answered", "differs", "one runtime"]
"""How the answers to an observation compare.

``everywhere``: every runtime, view kind and guest gave the same. ``by guest``: they differ from guest to guest, but
for each guest all runtimes gave the same. ``where answered``: those that answered are alike. ``differs``: with the
same guest, answers differ between runtimes or view kinds. ``one runtime``: only one runtime answered, with one
answer.
"""


class Shard(Struct, kw_only=True, frozen=True):
    """One of so many parts of a run that machines share; the first has number 1.

    ``cut`` is equal for parts that were cut alike: a digest of which scenarios earlier durations have put where.
    """

    number: int
    of: int
    cut: str

    @property
    def shown(self) -> str:
        """As ``--shard`` takes it: ``3/8``."""
        return f"{self.number}/{self.of}"


class Selection(Struct, kw_only=True):
    """What a run was asked for; empty lists narrow nothing.

    ``runtimes`` are labels, ``guests`` what ``--guest`` named, ``paths`` the files, folders and ids given in place of
    ``suites/``, relative to where ids begin. ``deselected`` are the cases that ``--shard``, ``-k`` and the like left
    out.
    """

    runtimes: list[str] = []
    guests: list[str] = []
    paths: list[str] = []
    shard: Shard | None = None
    deselected: list[CaseEntry] = []


class HarnessEnvironment(Struct, kw_only=True):
    """Where the harness itself ran. ``packages`` maps a distribution's name to its version."""

    python: str = ""
    implementation: str = ""
    platform: str = ""
    packages: dict[str, str] = {}


class DriverAnswer(Struct, kw_only=True):
    """What the driver of the runtime with this label says when it first answers."""

    label: str
    engine: str | None = None
    host: str | None = None
    language: str | None = None
    views: list[str] = []
    features: dict[str, bool] = {}


class RuntimeEntry(DriverAnswer, kw_only=True):
    """A runtime that the run was asked for: a host API, so ``language`` is a part of what it is.

    ``family`` and ``api`` are what it shares with others, as manifests say: the engine inside, and the host API.
    """

    name: str
    family: str | None = None
    api: str | None = None
    variant: str | None = None
    version: str | None = None
    origin: str | None = None
    status: Literal["ready", "unavailable"] = "ready"
    reason: str | None = None
    remedy: str | None = None

    @property
    def suffix(self) -> str:
        """The version with a space before it, for behind the label; empty where the label has it."""
        return f" {self.version}" if self.version and "@" not in self.label else ""

    @property
    def shown(self) -> str:
        """Label, version and API: ``wasmtime 50.0.1 (Python API)``."""
        api = f" ({self.language} API)" if self.language else ""
        return f"{self.label}{self.suffix}{api}"


class GuestEntry(Struct, kw_only=True):
    """A guest module of a program, or why it took no part. ``sha256`` is that of the module, in hexadecimal."""

    program: str
    guest: str
    toolchain: str | None = None
    sha256: str | None = None
    status: Literal["ready", "unavailable"] = "ready"
    reason: str | None = None
    remedy: str | None = None


class StatedStep(Struct, kw_only=True):
    """A step as its scenario states it, at a ``line`` of the file: what must come of it, and what it asks."""

    line: int
    text: str
    expects: str | None = None
    asks: str | None = None


class ScenarioEntry(Struct, kw_only=True):
    """A scenario as its suite states it. ``spec`` links the clause it checks, ``line`` is where it stands, ``position``
    its place among the suite's scenarios, of which one line can make many; from 0 on.

    ``demands``: some of its steps expect something. A scenario without only observes. ``steps`` are as it states them,
    which is also what was done where it passed; of very many, the first.
    """

    scenario: str
    title: str
    spec: str | None = None
    line: int | None = None
    position: int | None = None
    demands: bool = True
    steps: list[StatedStep] = []


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
    """Who gave no answer, and why: its result's outcome, ``missing``, ``not asked``, or ``unsupported`` with words."""

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

    @property
    def deviates(self) -> bool:
        """Whether some runtime breaks a demand there; else some only lack what it needs."""
        return any(group.outcome not in ("pass", "unsupported") for group in self.groups)


class RuntimeDemands(Struct, kw_only=True):
    """What one runtime made of what scenarios demand: in how many it kept all, broke some, or lacked what they need.

    ``known`` and ``unexpected`` are those that it broke: as known defects say, or otherwise. Of those that it lacks
    something for, ``features`` has how many need what the engine does not compile, by feature, and ``api`` how many
    need what the host API has no way to do, by suite; most first. ``elsewhere`` are about hosts in another language.
    """

    kept: int = 0
    known: int = 0
    unexpected: int = 0
    lacking: int = 0
    features: dict[str, int] = {}
    api: dict[str, int] = {}
    elsewhere: int = 0

    @property
    def broken(self) -> int:
        """How many it broke, known or not."""
        return self.known + self.unexpected


class Demands(Struct, kw_only=True):
    """How the runtimes of the run keep what scenarios demand.

    ``everywhere``: kept by every runtime. ``where_supported``: kept by every runtime that could be asked, and not all
    could. ``nowhere``: none could. ``broken``: not kept by some runtime, ``unexpected``: and no known defect says so.
    ``lacking``: some runtime could not be asked. ``unknown``: not played on some runtime, or in error there.

    Deviations and lacks are counted apart: a scenario can be among both, and neither is the other's rest.
    """

    total: int = 0
    everywhere: int = 0
    where_supported: int = 0
    nowhere: int = 0
    broken: int = 0
    unexpected: int = 0
    lacking: int = 0
    unknown: int = 0
    runtimes: dict[str, RuntimeDemands] = {}


class OpenQuestions(Struct, kw_only=True):
    """How the questions that specifications leave open were answered. The last three add up to ``total``.

    ``everywhere``: in each scenario that asks it, all runtimes and view kinds gave one answer (with the same guest).
    ``differs``: in some scenario, answers differ. ``partly``: no answers differ, but some runtime gave none.
    """

    total: int = 0
    everywhere: int = 0
    differs: int = 0
    partly: int = 0


class SuiteSummary(Struct, kw_only=True):
    """Counts of one suite, whole and for each runtime."""

    total: Counts
    runtimes: dict[str, Counts]


class Summary(Struct, kw_only=True):
    """Counts of the whole run, by runtime label and by suite path."""

    total: Counts
    runtimes: dict[str, Counts]
    suites: dict[str, SuiteSummary]
    demands: Demands
    questions: OpenQuestions


GateKind = Literal["regression", "missing", "improved", "new", "changed"]


class GateFinding(Struct, kw_only=True, frozen=True):
    """One thing that the gate found.

    ``name`` is what it is about: a case's id, a scenario, a suite, a guest, a runtime. Of a scenario or case ``suite``
    and ``scenario`` are given, of a case or runtime ``runtime``, of an answer the ``question``'s id. Findings of one
    kind with the same ``cause`` changed in the same way (`linmem.results.causes`).
    """

    kind: GateKind
    name: str
    what: str
    suite: str | None = None
    scenario: str | None = None
    runtime: str | None = None
    question: str | None = None
    cause: str | None = None

    @property
    def failing(self) -> bool:
        """Whether it makes the gate fail."""
        return self.kind in ("regression", "missing")

    def __str__(self) -> str:
        return f"{self.kind.upper():<10} {self.name}: {self.what}"


class NotHeld(Struct, kw_only=True, frozen=True):
    """How many cases of the baseline were not compared with the run, and why."""

    reason: str
    cases: int


class GateVerdict(Struct, kw_only=True, tag_field="type", tag="gate"):
    """What the gate says of a complete run.

    ``refused``: why the run could not be held against the baseline, or not be recorded. ``record`` is the command that
    records the run, if the baseline would change and the run can be recorded.
    """

    passed: bool
    baseline: str
    refused: str | None = None
    compared: int = 0
    findings: list[GateFinding] = []
    not_compared: list[NotHeld] = []
    record: str | None = None

    def count(self, *kinds: GateKind) -> int:
        """How many findings are of one of these kinds."""
        return sum(finding.kind in kinds for finding in self.findings)


class RunFault(Struct, kw_only=True, frozen=True):
    """Something that makes the run fail, in a sentence, and what to do about it."""

    what: str
    remedy: str


class Report(Struct, kw_only=True):
    """One run, whole. ``reason`` says why it is incomplete; times are UTC, as in RFC 3339.

    ``faults`` are all that makes the run fail; without any, it passes. ``gate`` is given where the run was held against
    a baseline.
    """

    schema: str = FORMAT
    linmem: str
    faults: list[RunFault] = field(default_factory=list)
    gate: GateVerdict | None = None
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
