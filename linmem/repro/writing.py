"""What a script knows while it is written: names, objects, and how small things are put."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from linmem.play.scope import Module
from linmem.repro.goal import Goal, ReproError
from linmem.repro.languages import LANGUAGES, JavaScript, Python
from linmem.repro.recipe import Recipe
from linmem.scenario import model, values
from linmem.scenario.expressions import Expression
from linmem.scenario.model import GUEST, MEMORY, Step
from linmem.wasm.types import FuncType, ModuleTypes

_SIMPLE = re.compile(r"-?[\w.]+( [+-] \d+)?")


@dataclass
class Code:
    """A step as code: statements, what it came to (an expression), and what follows if it went through."""

    lines: list[str]
    came: str
    after: list[str] = field(default_factory=list)
    doing: str | None = "call"


@dataclass
class Instance:
    """An instance: its variable, its types, whether its memory is shared, and the variables of what was taken of it."""

    variable: str
    types: ModuleTypes | None
    shared: bool = False
    taken: dict[str, str] = field(default_factory=dict)


@dataclass
class View:
    """A kept view."""

    variable: str
    kind: str


class Writing:
    """The state of a script. ``units`` are the bytes that an index of each view kind counts."""

    def __init__(
        self,
        scenario: model.Scenario,
        modules: Mapping[str, Module],
        recipe: Recipe,
        units: Mapping[str, int],
        view: str | None,
        goal: Goal,
    ) -> None:
        self.scenario, self.modules, self.recipe, self.units = scenario, modules, recipe, units
        self.view, self.goal = view, goal
        self.language: Python | JavaScript = LANGUAGES[recipe.language]()
        self.names: dict[str, str] = {}
        self.floats: dict[str, str] = {}
        self.objects: dict[str, str] = {}
        self.views: dict[str, View] = {}
        self.functions: dict[str, FuncType] = {}
        self.globals: dict[str, str] = {}
        self.instances: dict[str, Instance] = {}
        self.shared: set[str] = set()
        self.used: dict[str, str] = {}  # constants of modules by their names in the scenario
        self.compiled: dict[str, str] = {}
        self.variables: dict[str, None] = {}
        self.outcomes: dict[int, tuple[str, FuncType]] = {}  # of agents' calls: where they stand, and their types
        self.hosted: dict[int, str] = {}
        self.nested: list[dict[str, None]] = []
        self.negatives = {step.name for step in scenario.steps if isinstance(step, model.Negative)}
        self.foreseen = {step.bind: step for step in scenario.steps if isinstance(step, model.OpenView)}

    # ------------------------------------------------------------- small parts

    def comment(self, line: str) -> str:
        return self.language.comment(line)

    def statement(self, text: str) -> str:
        return text if self.language.name == "python" else f"{text};"

    def print(self, label: str, what: str) -> str:
        if self.language.name == "python":
            return f"print({self.language.text(label)}, {what}, flush=True)"
        return f"say(`{label} ${{{what}}}`);"

    def assign(self, variable: str) -> str:
        """Note that a variable is assigned to."""
        self.variables[variable] = None
        for scope in self.nested:
            scope[variable] = None
        return variable

    def bind(self, name: str) -> str:
        """The variable of a name that gets bound."""
        return self.assign(self.language.variable(name))

    def integer(self, expression: Expression) -> str:
        self.foresee(expression.names)
        return self.language.integer(expression, self.names)

    def foresee(self, names: Iterable[str]) -> None:
        """A host function may use what is bound further down, before it is called."""
        for name in names:
            self.names.setdefault(name, self.language.variable(name))

    def constant(self, expression: Expression) -> int | None:
        return None if expression.names else expression.value({})

    def scaled(self, expression: Expression, unit: int) -> tuple[str, int | None]:
        """A number of bytes in units, as text and as a constant where it is one."""
        known = self.constant(expression)
        if known is not None:
            count, rest = divmod(known, unit)
            if rest:
                raise ReproError(f"{expression} bytes are between two indices, which count {unit} bytes")
            return self.number(count), count
        text = self.integer(expression)
        sign = "//" if self.language.name == "python" else "/"
        return (text if unit == 1 else f"{atom(text)} {sign} {unit}"), None

    def number(self, value: int) -> str:
        return self.language.number("u32", value)

    def snippet(self, name: str, /, **words: str) -> str:
        return self.recipe.snippet(name, **words)

    def show(self, kind: str, what: str, asked: str = "") -> str:
        return f'show("{kind}", {what}{f", {asked}" if asked else ""})'

    def bound(self, step: Step, kind: str, variable: str) -> list[str]:
        """What binds a step's number to its name."""
        if step.bind is None:
            return []
        self.names[step.bind] = variable
        if values.is_float(kind):
            self.floats[step.bind] = kind
        lines = []
        if step.bind in self.negatives:
            lines.append(self.statement(f"{self.assign(variable + '_negative')} = {variable} < 0"))
        return [*lines, self.statement(f'{variable} = bits("{kind}", {variable})')]

    def target(self, step: Step) -> str:
        return self.bind(step.bind) if step.bind is not None else self.assign("value")

    # ----------------------------------------------------------------- objects

    def owner(self, name: str, step: Step | None) -> tuple[Instance, str]:
        owner, dot, export = name.partition(".")
        if not dot or owner not in self.instances:
            owner, export = GUEST, name
        if owner not in self.instances:
            raise ReproError(f"there is no instance '{owner}' where this is written")
        return self.instances[owner], export

    def memory(self, name: str, step: Step | None, out: list[str]) -> str:
        """The variable of a memory, taken from its instance if that is still to be done."""
        if name in self.objects:
            return self.objects[name]
        instance, export = self.owner(name, step)
        if export == MEMORY and instance.types is not None and MEMORY not in instance.types.names("memory"):
            export = (instance.types.names("memory") or [MEMORY])[0]
        return self.take(instance, export, out)

    def take(self, instance: Instance, export: str, out: list[str]) -> str:
        if export in instance.taken:
            return instance.taken[export]
        variable = self.language.variable(export if instance.variable == "guest" else f"{instance.variable}_{export}")
        while variable in self.variables:
            variable += "_"
        self.assign(variable)
        if instance.shared:
            self.shared.add(variable)
        out.append(self.statement(f"{variable} = {self.exported(instance, export)}"))
        if not self.nested:  # a host function takes it each time
            instance.taken[export] = variable
        return variable

    def exported(self, instance: Instance, export: str) -> str:
        """An export as an expression: an API may have a way of its own to get a memory."""
        memory = instance.types is not None and export in instance.types.names("memory")
        how = "memory_export" if memory and self.recipe.has("memory_export") else "export"
        return self.snippet(how, instance=instance.variable, name=self.language.text(export))

    def is_shared(self, variable: str) -> bool:
        return variable in self.shared


def atom(text: str) -> str:
    """A text that can stand before an operator."""
    return text if _SIMPLE.fullmatch(text) else f"({text})"
