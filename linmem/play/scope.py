"""What a scenario's names stand for while it is played."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from linmem.play.guest import LanguageHost
from linmem.play.stop import Stop
from linmem.scenario import values
from linmem.scenario.model import CALLER, GUEST, MEMORY, Step
from linmem.wasm.types import FuncType, ModuleTypes


@dataclass(frozen=True)
class Module:
    """A module ready to be sent: its bytes and what could be read of its types (None: unreadable)."""

    data: bytes
    types: ModuleTypes | None


@dataclass
class Instance:
    """An instance, with the handles of those of its exported memories and globals that were asked for."""

    handle: int
    types: ModuleTypes | None
    memories: dict[str, int] = field(default_factory=dict)
    globals: dict[str, int] = field(default_factory=dict)
    host: LanguageHost | None = None  # that serves its language's imports
    starting: bool = False  # whether it is being made, and its start function may call a host function

    def exported(self, kind: str, export: str) -> list[str]:
        """The names of its exports of a kind; `export` alone where its types can't be read."""
        return self.types.names(kind) if self.types is not None else [export]


@dataclass(frozen=True)
class Held:
    """An object that a scenario keeps by a name, and what the harness must know to use it."""

    handle: int
    unit: int | None = None  # of a view: how many bytes an index counts
    signature: FuncType | None = None  # of a function
    value_type: str | None = None  # of a global


class Scope:
    """The names of one scenario: integers, bytes, kept objects and instances, and what is known of their types."""

    def __init__(self) -> None:
        self.integers: dict[str, int] = {}
        self.bytes: dict[str, bytes] = {}
        self.awaited: dict[str, int] = {}  # name → request whose answer will give the integer
        self.objects: dict[str, Held] = {}
        self.instances: dict[str, Instance] = {}
        self.page_sizes: dict[int, int] = {}  # memory's handle → bytes

    def held(self, name: str, step: Step) -> Held:
        """The object that is kept by a name."""
        if name not in self.objects:
            raise Stop("error", f"there is no '{name}' here: it was released, or not made yet", step)
        return self.objects[name]

    def view_unit(self, view: str, step: Step) -> int:
        """How many bytes an index of a kept view counts."""
        unit = self.held(view, step).unit
        assert unit is not None  # names are checked when the scenario is loaded
        return unit

    def release(self, name: str) -> list[int]:
        """Forget an object or instance; the handles that stood for it."""
        if name in self.objects:
            return [self.objects.pop(name).handle]
        if name in self.instances:
            instance = self.instances.pop(name)
            return [instance.handle, *instance.memories.values(), *instance.globals.values()]
        return []

    def release_all_but_views(self) -> None:
        self.instances.clear()
        self.objects = {name: held for name, held in self.objects.items() if held.unit is not None}

    # ------------------------------------------------- instances and exports

    def instance(self, name: str, step: Step) -> Instance:
        if name not in self.instances:
            raise Stop("error", f"there is no instance '{name}' here", step)
        if self.instances[name].starting:
            what = f"the host has no instance '{name}' while its start function runs"
            raise Stop("error", f"{what}; a memory of the caller is named 'in: {CALLER}.{MEMORY}'", step)
        return self.instances[name]

    def owner(self, name: str, step: Step) -> tuple[Instance, str]:
        """The instance and its export that a name speaks of: ``instance.export``, or an export of the guest."""
        owner, dot, export = name.partition(".")
        if not dot or owner not in self.instances:
            owner, export = GUEST, name
        instance = self.instance(owner, step)
        return instance, only_memory(instance, step) if export == MEMORY else export


def only_memory(instance: Instance, step: Step) -> str:
    """What an instance's only memory is exported as."""
    exported = instance.exported("memory", MEMORY)
    if MEMORY in exported:
        return MEMORY
    if len(exported) != 1:
        found = ", ".join(exported) or "none"
        raise Stop(
            "error", f"the guest must export one memory, or the step must name it ('in'); it exports: {found}", step
        )
    return exported[0]


def must_export(instance: Instance, kind: str, word: str, export: str, step: Step) -> None:
    """Raises `Stop` where an instance has no export of this kind and name; ``word`` is what messages call the kind."""
    exported = instance.exported(kind, export)
    if export not in exported:
        _exports_no(word, export, exported, step)


def signature(types: ModuleTypes | None, export: str, step: Step, whose: str = "the guest") -> FuncType:
    """The type of an exported function."""
    if types is None:
        raise Stop("error", "the module's types can't be read, so its functions can't be called", step)
    found = types.function(export)
    if found is not None:
        return found
    exported = types.names("func")
    if export in exported:
        raise Stop("error", f"the type of '{export}' can't be read, so it can't be called", step)
    _exports_no("function", export, exported, step, whose)


def global_type(instance: Instance, export: str, step: Step) -> str:
    """The value type of an exported global."""
    found = instance.types.exports.get(export) if instance.types is not None else None
    if found is None or found.value_type not in values.NUMBER_TYPES:
        shown = found.value_type if found is not None and found.value_type else "a type that can't be read"
        raise Stop("error", f"the global '{export}' is of {shown}, so it can't be used here", step)
    return found.value_type


def check_arity(call: str, takes: FuncType, gives: int, binds: bool, step: Step) -> None:
    """Raises `Stop` where a call gives the wrong number of arguments, or binds what is not one result."""
    if len(takes.params) != gives:
        raise Stop("error", f"'{call}' takes {len(takes.params)} arguments, the step gives {gives}", step)
    if binds and len(takes.results) != 1:
        raise Stop("error", f"'{call}' gives {len(takes.results)} results, and 'as' binds one", step)


def _exports_no(word: str, export: str, exported: list[str], step: Step, whose: str = "the guest") -> NoReturn:
    found = ", ".join(exported) or "none"
    raise Stop("error", f"{whose} exports no {word} '{export}'; it exports: {found}", step)
