"""A script while it is written: its lines, its variables, and which objects are in which of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from linmem.play.scope import Module
from linmem.repro.goal import Goal, ReproError
from linmem.repro.languages import HostLanguage, load
from linmem.repro.templates import ScriptTemplates
from linmem.scenario import model, values
from linmem.scenario.expectations import Literal
from linmem.scenario.expressions import Expression, ExpressionError
from linmem.scenario.model import CALLER, GUEST, MEMORY, Step
from linmem.wasm.types import FuncType, ModuleTypes

_SIMPLE = re.compile(r"-?[\w.]+( [+-] \d+)?")


@dataclass
class StepCode:
    """A step as code: statements, what it came to (an expression), and what follows if it went through.

    ``doing`` is what an exception is put in words for; None: the statements set a variable of that name. ``calls`` are
    steps to be written behind it, and ``together`` writes what decided the case, if only all of them show it.
    """

    lines: Sequence[str]
    came: str = '"done"'
    after: Sequence[str] = ()
    doing: str | None = "call"
    calls: Sequence[Step] = ()
    together: Callable[[], None] | None = None


@dataclass
class InstanceVariable:
    """An instance: its variable, its types, whether its memory is shared, and the variables of what was taken of it."""

    variable: str
    types: ModuleTypes | None
    shared: bool = False
    taken: dict[str, str] = field(default_factory=dict)

    def function(self, export: str) -> FuncType | None:
        """The type of an exported function, if it can be read."""
        return self.types.function(export) if self.types is not None else None

    def memories(self) -> Sequence[str]:
        """The names of exported memories."""
        return self.types.names("memory") if self.types is not None else ()

    def global_type(self, export: str) -> str | None:
        """The value type of an exported global, if it can be read."""
        return self.types.exports[export].value_type if self.types is not None else None


@dataclass
class ViewVariable:
    """A kept view."""

    variable: str
    kind: str


@dataclass
class ScriptBlock:
    """Lines that stand together, and the variables that they assign to."""

    lines: list[str] = field(default_factory=list)
    assigned: dict[str, None] = field(default_factory=dict)


class Output:
    """The lines of a script: its body, and the bodies of the host functions that are being written."""

    def __init__(self) -> None:
        self.body = ScriptBlock()
        self._blocks = [self.body]

    @property
    def nested(self) -> bool:
        """Whether a host function is being written."""
        return len(self._blocks) > 1

    def add(self, *lines: str) -> None:
        self._blocks[-1].lines.extend(lines)

    def assign(self, variable: str) -> str:
        """Note that a variable is assigned to."""
        for block in self._blocks:
            block.assigned[variable] = None
        return variable

    def open(self) -> None:
        """Begin a host function's body."""
        self._blocks.append(ScriptBlock())

    def close(self) -> ScriptBlock:
        """End it."""
        return self._blocks.pop()


class Names:
    """The numbers that steps bind to names."""

    def __init__(self, language: HostLanguage, output: Output) -> None:
        self._language, self._output = language, output
        self.variables: dict[str, str] = {}
        self.floats: dict[str, str] = {}  # the types of those that are floats

    def bind(self, name: str) -> str:
        """The variable of a name that gets bound."""
        return self._output.assign(self._language.variable(name))

    def bind_number(self, name: str, kind: str) -> str:
        """The variable of a name that gets bound to a number of this type."""
        variable = self.variables[name] = self.bind(name)
        if values.is_float(kind):
            self.floats[name] = kind
        return variable

    def integer(self, expression: Expression) -> str:
        self._foresee(expression.names)
        return self._language.integer(expression, self.variables)

    def argument(self, literal: Literal, kind: str) -> str:
        self._foresee(literal.names)
        return self._language.argument(literal, kind, self.variables, self.floats)

    def _foresee(self, names: Iterable[str]) -> None:
        """A host function may use what is bound further down, before it is called."""
        for name in names:
            self.variables.setdefault(name, self._language.variable(name))

    def scaled(self, expression: Expression, unit: int) -> tuple[str, int | None]:
        """A number of bytes in units, as text and as a constant where it is one."""
        if not expression.names:
            known = expression.value({})
            count, rest = divmod(known, unit)
            if rest:  # between two elements: the API is given the fraction
                return f"{self._language.number('u32', known)} / {unit}", None
            return self._language.number("u32", count), count
        text = self.integer(expression)
        return (text if unit == 1 else f"{atom(text)} {self._language.divide} {unit}"), None


@dataclass
class Objects:
    """What the names of a scenario's objects stand for."""

    variables: dict[str, str] = field(default_factory=dict)
    views: dict[str, ViewVariable] = field(default_factory=dict)
    functions: dict[str, FuncType] = field(default_factory=dict)
    globals: dict[str, str] = field(default_factory=dict)  # their value types
    instances: dict[str, InstanceVariable] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)  # variables of shared memories

    def owner(self, name: str) -> tuple[InstanceVariable, str]:
        """The instance that has an export, and what it exports it as."""
        owner, dot, export = name.partition(".")
        if not dot or owner not in self.instances:
            owner, export = GUEST, name
        if owner not in self.instances:
            raise ReproError(f"there is no instance '{owner}' where this is written")
        return self.instances[owner], export


@dataclass
class ScriptWriter:
    """Writes the steps of a scenario."""

    scenario: model.Scenario
    modules: Mapping[str, Module]
    templates: ScriptTemplates
    units: Mapping[str, int]  # the bytes that an index of each view kind counts
    view: str | None  # the view kind of the case
    goal: Goal
    steps: Mapping[type[Step], Callable[[ScriptWriter, Any], StepCode]]  # how each step kind is written

    def __post_init__(self) -> None:
        self.language = load(self.templates.language)
        self.output = Output()
        self.names = Names(self.language, self.output)
        self.objects = Objects()
        self.constants: dict[str, str] = {}  # of modules, by their names in the scenario
        self.compiled: dict[str, str] = {}
        self.hosted: dict[int, str] = {}  # the functions that were written for host functions
        self.outcomes: dict[int, tuple[str, FuncType]] = {}  # of agents' calls: where they stand, and their types
        self.negatives = {step.name for step in self.scenario.steps if isinstance(step, model.Negative)}

    # ------------------------------------------------------------------- steps

    def play(self, steps: Sequence[Step]) -> bool:
        """Write steps; whether the deciding one is among them, outside of host functions."""
        for step in steps:
            if self.goal.skipped(step):
                self.output.add(self._comment(step, ": not asked of this runtime"), "")
                continue
            final = self.goal.is_next(step, self.output.nested)
            code = self._code(step)
            by_all = final and code.together is not None
            self._write(step, code, final and not by_all)
            if (by_all or not final) and self.play(code.calls):
                return True
            if by_all and code.together is not None:
                code.together()
            if final and not self.output.nested:
                return True
        return False

    def _code(self, step: Step) -> StepCode:
        try:
            if type(step) not in self.steps:
                raise cannot(step, "no reproducer can express this step yet")
            return self.steps[type(step)](self, step)
        except (values.ValueNotation, ExpressionError) as error:
            raise cannot(step, str(error)) from None
        except KeyError as error:
            raise cannot(step, f"{error} is not known where this is written") from None

    def _comment(self, step: Step, more: str = "") -> str:
        return self.language.comment(f"{step.where}: {step.text}{more}")

    def _write(self, step: Step, code: StepCode, final: bool) -> None:
        language, output = self.language, self.output
        output.add(self._comment(step))
        if step.expect is None and step.observe is None and not final:
            output.add(*code.lines, *code.after, "")
            return
        self.announce(step, None if step.expect is None else str(step.expect))
        if code.doing is None:
            output.add(self.assignment("doing", '"compile"'))
        output.assign("came")
        doing = "doing" if code.doing is None else language.constant(code.doing)
        body = [*code.lines, language.statement(f"came = {code.came}"), *code.after]
        output.add(*language.lines("guarded", body=body, caught=language.statement(f"came = told(error, {doing})")))
        if step.expect is not None or final:
            output.add(language.text("print", label="  actual:  ", what="came"))
        if step.observe is not None:
            output.add(language.text("print", label=f"  {step.observe.id}:", what="came"))
        if final and output.nested:
            output.add(*language.lines("exit_if", variable="came", text=self.goal.actual or ""))
        elif final:
            output.add(language.statement("finish()"))
        output.add("")

    def announce(self, step: Step, expected: str | None) -> None:
        """Have the script say what it does next."""
        said = [f"{step.where}: {step.text}", *([] if expected is None else [expected])]
        self.output.add(self.language.statement(f"announce({', '.join(map(self.language.constant, said))})"))

    # ------------------------------------------------------------- small parts

    def assignment(self, variable: str, text: str) -> str:
        """A statement."""
        return self.language.statement(f"{self.output.assign(variable)} = {text}")

    def show(self, kind: str, what: str, asked: str = "") -> str:
        return f'show("{kind}", {what}{f", {asked}" if asked else ""})'

    def bind(self, step: Step) -> str:
        """The variable of the object that a step makes."""
        assert step.bind is not None  # the loader sees to it
        variable = self.objects.variables[step.bind] = self.names.bind(step.bind)
        return variable

    def made(self, step: Step, text: str) -> StepCode:
        """A step that makes an object."""
        return StepCode([self.assignment(self.bind(step), text)])

    def gives(self, step: Step, kind: str, text: str, asked: str = "") -> StepCode:
        """A step that gives a number, and binds it if it has a name."""
        target = self.target(step)
        lines = [self.assignment(target, text)]
        return StepCode(lines, self.show(kind, target, asked), self.bound(step, kind, target))

    def target(self, step: Step) -> str:
        return self.names.bind(step.bind) if step.bind is not None else self.output.assign("value")

    def bound(self, step: Step, kind: str, variable: str) -> list[str]:
        """What binds a step's number to its name."""
        if step.bind is None or kind == "bytes":  # the target is the variable of bytes
            return []
        return self.number(self.names.bind_number(step.bind, kind), step.bind, kind, variable)

    def number(self, variable: str, name: str, kind: str, given: str) -> list[str]:
        """What binds what is in a variable to a name, as an unsigned number or a float's bits."""
        sign = [self.assignment(f"{variable}_negative", f"{given} < 0")] if name in self.negatives else []
        return [*sign, self.assignment(variable, f'bits("{kind}", {given})')]

    # ----------------------------------------------------------------- objects

    def memory(self, name: str) -> str:
        """The variable of a memory, taken from its instance if that is still to be done."""
        if name in self.objects.variables:
            return self.objects.variables[name]
        if name.partition(".")[0] == CALLER:
            raise ReproError(f"no reproducer can express a memory of the caller yet: {name}")
        instance, export = self.objects.owner(name)
        if export == MEMORY and instance.types is not None and MEMORY not in instance.memories():
            export = (*instance.memories(), MEMORY)[0]
        return self.take(instance, export)

    def take(self, instance: InstanceVariable, export: str) -> str:
        """The variable of an export."""
        if export in instance.taken:
            return instance.taken[export]
        variable = self.language.variable(export if instance.variable == "guest" else f"{instance.variable}_{export}")
        while variable in self.output.body.assigned:
            variable += "_"
        if instance.shared:
            self.objects.shared.add(variable)
        self.output.add(self.assignment(variable, self.exported(instance, export)))
        if not self.output.nested:  # a host function takes it each time
            instance.taken[export] = variable
        return variable

    def exported(self, instance: InstanceVariable, export: str) -> str:
        """An export as an expression: an API may have a way of its own to get a memory."""
        how = "memory_export" if export in instance.memories() and self.templates.has("memory_export") else "export"
        return self.templates.snippet(how, instance=instance.variable, name=self.language.constant(export))


def atom(text: str) -> str:
    """A text that can stand before an operator."""
    return text if _SIMPLE.fullmatch(text) else f"({text})"


def cannot(step: Step, why: str) -> ReproError:
    """The error of a step that can't be written."""
    return ReproError(f"{step.where}: {step.text}: {why}")
