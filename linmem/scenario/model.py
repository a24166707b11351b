"""Scenarios as typed values. The loader makes them once from YAML; the runner only reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from linmem.scenario.expectations import Expected, Literal
from linmem.scenario.expressions import Expression
from linmem.scenario.source import Where

GUEST = "guest"  # the name of the instance a scenario is about
CALLER = "caller"  # in a host function's steps: the instance that calls it
MEMORY = "memory"  # stands for that instance's only memory, whatever it is exported as


@dataclass(frozen=True, slots=True)
class Observation:
    """A question that the specifications leave open; ``answers`` words what was seen."""

    id: str
    question: str
    answers: Mapping[str, str]
    where: Where


@dataclass(frozen=True, slots=True)
class Observe:
    """Record what a step came to, under this id.

    ``answers`` words what was seen; ``computed`` does so for numbers that only the run knows (``pages * 65536``). An
    expression whose names are not all bound words nothing: so words like ``undefined`` can stand among the keys.
    """

    id: str
    answers: Mapping[str, str]
    computed: Mapping[Expression, str]


@dataclass(frozen=True, slots=True)
class Step:
    """What all steps have: where it stands, how it reads, the name its result gets, and its checks.

    ``gives`` is what a step of this kind results in: ``results`` (of a call), ``truth``, a memory type or ``nothing``.
    ``binds`` is what its name stands for: a ``value``, or a kind of object.
    """

    gives: ClassVar[str] = "nothing"
    binds: ClassVar[str] = "value"
    where: Where
    text: str
    bind: str | None
    expect: Expected | None
    observe: Observe | None


@dataclass(frozen=True, slots=True)
class Call(Step):
    """Call the function `export` of the instance `on`; None: a kept function of that name, else the guest's."""

    gives: ClassVar[str] = "results"
    export: str
    args: tuple[Literal, ...]
    on: str | None


@dataclass(frozen=True, slots=True)
class PictureLayout:
    """The pixels among bytes, row after row from the top. ``format`` is a key of `pictures.FORMATS`."""

    title: str
    width: Expression
    height: Expression
    format: str


@dataclass(frozen=True, slots=True)
class Read(Step):
    """The host reads. ``through`` names a kept view; else ``kind`` is the fresh view's (None: the default).

    With a ``picture``, the bytes are one. What it gives is a value of its ``type``.
    """

    type: str
    at: Expression
    count: Expression | None
    memory: str
    through: str | None
    kind: str | None
    picture: PictureLayout | None = None


@dataclass(frozen=True, slots=True)
class HostValue:
    """A value of the host's language, to be handed to its API as it is.

    ``kind`` is ``float`` (``value`` is the bits of its f64), ``integer``, ``text``, ``boolean`` or ``nothing`` (None).
    """

    kind: str
    value: int | str | bool | None
    text: str

    def wire(self) -> dict[str, Any]:
        """It as the driver protocol has it."""
        value = self.value if self.kind in ("text", "boolean") else str(self.value)
        return {"host": self.kind} if self.kind == "nothing" else {"host": self.kind, "value": value}

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class BoundBytes:
    """The bytes that a name is bound to."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Write(Step):
    """The host writes. ``value`` is bytes, or the name of some, for the type ``bytes``."""

    type: str
    at: Expression
    value: Literal | bytes | BoundBytes | HostValue
    memory: str
    through: str | None
    kind: str | None


@dataclass(frozen=True, slots=True)
class Grow(Step):
    """The host grows a memory by `delta` pages."""

    gives: ClassVar[str] = "u64"
    delta: Expression
    memory: str


@dataclass(frozen=True, slots=True)
class Size(Step):
    """The host asks a memory's size in pages."""

    gives: ClassVar[str] = "u64"
    memory: str


VIEW_WORDS = ("each", "default", "part")
"""The words that stand for a view kind."""


@dataclass(frozen=True, slots=True)
class OpenView(Step):
    """The host opens a view and keeps it; ``offset`` and ``count`` in bytes. ``bind`` is never None.

    ``through`` names the kept view that it is a part of; then ``kind`` is ``part``, and the memory is that view's.
    """

    binds: ClassVar[str] = "view"
    kind: str
    memory: str
    through: str | None
    offset: Expression | None
    count: Expression | None


@dataclass(frozen=True, slots=True)
class ViewLength(Step):
    """The length of a kept view, in bytes."""

    gives: ClassVar[str] = "u64"
    view: str


@dataclass(frozen=True, slots=True)
class Use(Step):
    """The host uses another part of its API, a key of `HOST_APIS`, on a memory or a kept view."""

    api: str
    on: str
    type: str
    value: Expression | str | None


@dataclass(frozen=True, slots=True)
class Instantiate(Step):
    """Instantiate the guest or a further module; ``bind`` names the instance and is never None."""

    binds: ClassVar[str] = "instance"
    module: str
    imports: Mapping[str, ImportSpec]


@dataclass(frozen=True, slots=True)
class MakeMemory(Step):
    """The host makes a memory; sizes in pages of ``page_size`` bytes. ``bind`` is never None."""

    binds: ClassVar[str] = "memory"
    min: Expression
    max: Expression | None
    shared: bool
    index: str
    page_size: int


@dataclass(frozen=True, slots=True)
class TakeExport(Step):
    """The host asks an instance for an export of a kind (``memory``, ``func``, ``global``) and keeps what it gets.

    ``bind`` is never None.
    """

    binds: ClassVar[str] = "object"
    kind: str
    instance: str
    export: str


@dataclass(frozen=True, slots=True)
class MakeGlobal(Step):
    """The host makes a global. ``bind`` is never None."""

    binds: ClassVar[str] = "global"
    type: str
    value: Literal
    mutable: bool


@dataclass(frozen=True, slots=True)
class GetGlobal(Step):
    """The host reads a global."""

    gives: ClassVar[str] = "results"
    variable: str


@dataclass(frozen=True, slots=True)
class SetGlobal(Step):
    """The host writes a global."""

    variable: str
    value: Literal | HostValue


@dataclass(frozen=True, slots=True)
class Same(Step):
    """Whether the host has one object by two names: bound ones, or exports, which it is asked for anew."""

    gives: ClassVar[str] = "truth"
    objects: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Negative(Step):
    """Whether the host's language had a bound integer as a negative number."""

    gives: ClassVar[str] = "truth"
    name: str


@dataclass(frozen=True, slots=True)
class Release(Step):
    """The host releases bound objects."""

    objects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReleaseStore(Step):
    """The host releases all objects except views, and the store that its API has."""


@dataclass(frozen=True, slots=True)
class Collect(Step):
    """The host's garbage collection is run."""


@dataclass(frozen=True, slots=True)
class AgentCall(Step):
    """What an agent calls, ``times`` times in a row; its result is the last one's, or the first failure."""

    gives: ClassVar[str] = "results"
    export: str
    args: tuple[Literal, ...]
    times: int


@dataclass(frozen=True, slots=True)
class Agent:
    """A thread or worker of the host's with an instance of its own, and what it does, in order.

    Besides `AgentCall`, these are steps on memories and views, played by the agent's own host.
    """

    where: Where
    name: str
    module: str
    imports: Mapping[str, ImportSpec]
    calls: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Agents(Step):
    """Agents that run at once, once or for many rounds, each of which all begin together.

    ``meanwhile`` are steps that the host plays while they run, in their only round.
    ``allowed`` and ``forbidden`` have results of one round, by the names that calls bind them to: each round must be
    one of the former, if there are any, and none of the latter.
    """

    agents: tuple[Agent, ...]
    rounds: int
    meanwhile: tuple[Step, ...]
    allowed: tuple[Mapping[str, Literal], ...]
    forbidden: tuple[Mapping[str, Literal], ...]


def bound_as(step: Step) -> str:
    """What a step's name stands for: a ``value``, ``bytes``, or a kind of object."""
    if isinstance(step, TakeExport):
        return "function" if step.kind == "func" else step.kind
    return "bytes" if isinstance(step, Read | Use) and step.type == "bytes" else step.binds


@dataclass(frozen=True, slots=True)
class HostFunction:
    """A host function: it binds its arguments to names, plays steps, then returns, throws or traps."""

    where: Where
    params: tuple[str, ...]
    steps: tuple[Step, ...]
    returns: tuple[Literal, ...]
    throw: str | None
    trap: str | None


@dataclass(frozen=True, slots=True)
class ImportedMemory:
    """A memory the scenario has bound."""

    where: Where
    memory: str


@dataclass(frozen=True, slots=True)
class ImportedExport:
    """An export of another instance."""

    where: Where
    instance: str
    export: str


@dataclass(frozen=True, slots=True)
class ImportedGlobal:
    """A new global."""

    where: Where
    type: str
    value: Literal
    mutable: bool


@dataclass(frozen=True, slots=True)
class BoundGlobal:
    """A global the scenario has bound."""

    where: Where
    variable: str


ImportSpec = HostFunction | ImportedMemory | ImportedExport | ImportedGlobal | BoundGlobal


@dataclass(frozen=True, slots=True)
class Wasi:
    """What guests find through the runtime's own WASI.

    ``args`` begin with the program's name. ``files``, by name, are in a fresh folder that guests see as ``/files``;
    None: there is no such folder.
    """

    where: Where
    args: tuple[str, ...]
    env: Mapping[str, str]
    files: Mapping[str, bytes] | None


@dataclass(frozen=True, slots=True)
class ModuleSource:
    """A module given in the scenario file: inline text (``wat``) or a file (``path``).

    ``where`` is the line before the text's first, so that its n-th line is ``where.line + n``; for a file, its key's.
    ``glue`` is the script of the module's language that starts it, Go's or TinyGo's ``wasm_exec.js``.
    """

    where: Where
    wat: str | None = None
    path: Path | None = None
    glue: Path | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario, after `cases` expansion."""

    suite: str
    slug: str
    title: str
    about: str
    where: Where
    steps: tuple[Step, ...]
    program: str | None = None
    package: str | None = None
    guest: ModuleSource | None = None
    modules: Mapping[str, ModuleSource] = field(default_factory=dict)
    imports: Mapping[str, ImportSpec] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    host: str | None = None
    spec: str | None = None
    each_view: str | None = None
    wasi: Wasi | None = None
    case: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suite:
    """One scenario file."""

    path: str
    title: str
    about: str
    scenarios: tuple[Scenario, ...]
    observations: Mapping[str, Observation]
