"""Scenarios as typed values. The loader makes them once from YAML; the runner only reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

from linmem.scenario.expectations import Expected, Literal
from linmem.scenario.expressions import Expression
from linmem.scenario.source import Where

GUEST = "guest"  # the name of the instance a scenario is about
CALLER = "caller"  # in a host function's steps: the instance that calls it
MEMORY = "memory"  # stands for that instance's only memory, whatever it is exported as


class Observation(Struct, frozen=True):
    """A question that the specifications leave open; ``answers`` words what was seen."""

    id: str
    question: str
    answers: Mapping[str, str]
    where: Where


class Observe(Struct, frozen=True):
    """Record what a step came to, under this id.

    ``answers`` words what was seen; ``computed`` does so for numbers that only the run knows (``pages * 65536``). An
    expression whose names are not all bound words nothing: so words like ``undefined`` can stand among the keys.
    """

    id: str
    answers: Mapping[str, str]
    computed: Mapping[Expression, str]


class Step(Struct, frozen=True):
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


class Call(Step, frozen=True):
    """Call the function `export` of the instance `on`; None: a kept function of that name, else the guest's."""

    gives: ClassVar[str] = "results"
    export: str
    args: tuple[Literal, ...]
    on: str | None


class PictureLayout(Struct, frozen=True):
    """The pixels among bytes, row after row from the top. ``format`` is a key of `pictures.FORMATS`."""

    title: str
    width: Expression
    height: Expression
    format: str


class Read(Step, frozen=True):
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


class HostValue(Struct, frozen=True):
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


class BoundBytes(Struct, frozen=True):
    """The bytes that a name is bound to."""

    name: str

    def __str__(self) -> str:
        return self.name


class Write(Step, frozen=True):
    """The host writes. ``value`` is bytes, or the name of some, for the type ``bytes``."""

    type: str
    at: Expression
    value: Literal | bytes | BoundBytes | HostValue
    memory: str
    through: str | None
    kind: str | None


class Grow(Step, frozen=True):
    """The host grows a memory by `delta` pages."""

    gives: ClassVar[str] = "u64"
    delta: Expression
    memory: str


class Size(Step, frozen=True):
    """The host asks a memory's size in pages."""

    gives: ClassVar[str] = "u64"
    memory: str


VIEW_WORDS = ("each", "default", "part")
"""The words that stand for a view kind."""


class OpenView(Step, frozen=True):
    """The host opens a view and keeps it; ``offset`` and ``count`` in bytes. ``bind`` is never None.

    ``through`` names the kept view that it is a part of; then ``kind`` is ``part``, and the memory is that view's.
    """

    binds: ClassVar[str] = "view"
    kind: str
    memory: str
    through: str | None
    offset: Expression | None
    count: Expression | None


class ViewLength(Step, frozen=True):
    """The length of a kept view, in bytes."""

    gives: ClassVar[str] = "u64"
    view: str


class Use(Step, frozen=True):
    """The host uses another part of its API, a key of `HOST_APIS`, on a memory or a kept view."""

    api: str
    on: str
    type: str
    value: Expression | str | None


class Instantiate(Step, frozen=True):
    """Instantiate the guest or a further module; ``bind`` names the instance and is never None."""

    binds: ClassVar[str] = "instance"
    module: str
    imports: Mapping[str, ImportSpec]


class MakeMemory(Step, frozen=True):
    """The host makes a memory; sizes in pages of ``page_size`` bytes. ``bind`` is never None."""

    binds: ClassVar[str] = "memory"
    min: Expression
    max: Expression | None
    shared: bool
    index: str
    page_size: int


class TakeExport(Step, frozen=True):
    """The host asks an instance for an export of a kind (``memory``, ``func``, ``global``) and keeps what it gets.

    ``bind`` is never None.
    """

    binds: ClassVar[str] = "object"
    kind: str
    instance: str
    export: str


class MakeGlobal(Step, frozen=True):
    """The host makes a global. ``bind`` is never None."""

    binds: ClassVar[str] = "global"
    type: str
    value: Literal
    mutable: bool


class GetGlobal(Step, frozen=True):
    """The host reads a global."""

    gives: ClassVar[str] = "results"
    variable: str


class SetGlobal(Step, frozen=True):
    """The host writes a global."""

    variable: str
    value: Literal | HostValue


class Same(Step, frozen=True):
    """Whether the host has one object by two names: bound ones, or exports, which it is asked for anew."""

    gives: ClassVar[str] = "truth"
    objects: tuple[str, str]


class Negative(Step, frozen=True):
    """Whether the host's language had a bound integer as a negative number."""

    gives: ClassVar[str] = "truth"
    name: str


class Release(Step, frozen=True):
    """The host releases bound objects."""

    objects: tuple[str, ...]


class ReleaseStore(Step, frozen=True):
    """The host releases all objects except views, and the store that its API has."""


class Collect(Step, frozen=True):
    """The host's garbage collection is run."""


class AgentCall(Step, frozen=True):
    """What an agent calls, ``times`` times in a row; its result is the last one's, or the first failure."""

    gives: ClassVar[str] = "results"
    export: str
    args: tuple[Literal, ...]
    times: int


class Agent(Struct, frozen=True):
    """A thread or worker of the host's with an instance of its own, and what it does, in order.

    Besides `AgentCall`, these are steps on memories and views, played by the agent's own host.
    """

    where: Where
    name: str
    module: str
    imports: Mapping[str, ImportSpec]
    calls: tuple[Step, ...]


class Agents(Step, frozen=True):
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


class HostFunction(Struct, frozen=True):
    """A host function: it binds its arguments to names, plays steps, then returns, throws or traps."""

    where: Where
    params: tuple[str, ...]
    steps: tuple[Step, ...]
    returns: tuple[Literal, ...]
    throw: str | None
    trap: str | None


class ImportedMemory(Struct, frozen=True):
    """A memory the scenario has bound."""

    where: Where
    memory: str


class ImportedExport(Struct, frozen=True):
    """An export of another instance."""

    where: Where
    instance: str
    export: str


class ImportedGlobal(Struct, frozen=True):
    """A new global."""

    where: Where
    type: str
    value: Literal
    mutable: bool


class BoundGlobal(Struct, frozen=True):
    """A global the scenario has bound."""

    where: Where
    variable: str


ImportSpec = HostFunction | ImportedMemory | ImportedExport | ImportedGlobal | BoundGlobal


class Wasi(Struct, frozen=True):
    """What guests find through the runtime's own WASI.

    ``args`` begin with the program's name. ``files``, by name, are in a fresh folder that guests see as ``/files``;
    None: there is no such folder.
    """

    where: Where
    args: tuple[str, ...]
    env: Mapping[str, str]
    files: Mapping[str, bytes] | None


class ModuleSource(Struct, frozen=True):
    """A module given in the scenario file: inline text (``wat``) or a file (``path``).

    ``where`` is the line before the text's first, so that its n-th line is ``where.line + n``; for a file, its key's.
    ``glue`` is the script of the module's language that starts it, Go's or TinyGo's ``wasm_exec.js``.
    """

    where: Where
    wat: str | None = None
    path: Path | None = None
    glue: Path | None = None


class Scenario(Struct, frozen=True):
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
    modules: Mapping[str, ModuleSource] = {}
    imports: Mapping[str, ImportSpec] = {}
    requires: tuple[str, ...] = ()
    host: str | None = None
    spec: str | None = None
    each_view: str | None = None
    wasi: Wasi | None = None
    case: Mapping[str, Any] = {}

    @property
    def place(self) -> str:
        """Where it is: ``suites/memory/growth.yaml::grows``."""
        return f"{self.suite}::{self.slug}"


class Suite(Struct, frozen=True):
    """One scenario file."""

    path: str
    title: str
    about: str
    scenarios: tuple[Scenario, ...]
    observations: Mapping[str, Observation]
