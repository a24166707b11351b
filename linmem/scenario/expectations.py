"""What `expect` may say, and whether it holds. A check is a pure function of what happened and the bound names."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from linmem.scenario import expressions, values
from linmem.scenario.happened import Bytes, Done, Happened, Nothing, Number, Numbers, Refused, Truth

FAILURE_KINDS = {
    "trap": "trap",
    "link_error": "link",
    "compile_error": "compile",
    "host_error": "host",
    "exit": "exit",
}

Scope = Mapping[str, int]


class Expected(Struct, frozen=True):
    """One expectation. ``str()`` is how reports word it."""

    @property
    def names(self) -> frozenset[str]:
        """The bound names it needs."""
        return frozenset()

    def holds(self, happened: Happened, scope: Scope) -> bool:
        """Whether what happened is what is expected."""
        raise NotImplementedError


class Literal(Expected, frozen=True):
    """A number: an integer or expression for integer types, the text format's notation for floats."""

    raw: int | float | str
    expression: expressions.Expression | None

    @property
    def names(self) -> frozenset[str]:
        return self.expression.names if self.expression else frozenset()

    def bits(self, kind: str, scope: Scope) -> int:
        """Its bits as a value of this type. A constant must be in range; what is computed wraps.

        Raises `ValueNotation` or `ExpressionError`.
        """
        if values.is_float(kind):
            return self._float_bits(kind, scope)
        if self.expression is None:
            raise values.ValueNotation(f"{self.raw} is not an integer, as {kind} needs")
        value = self.expression.value(scope)
        if not self.names and not values.in_range(kind, value):
            raise values.ValueNotation(f"{self.raw} is out of range for {kind}")
        return values.integer_bits(kind, value)

    def _float_bits(self, kind: str, scope: Scope) -> int:
        if self.expression is None or not self.names:
            return values.float_bits(kind, self.raw)
        bound = scope.get(self.expression.text)
        if isinstance(bound, expressions.FloatBits) and bound.kind == kind:
            return int(bound)
        return values.float_bits(kind, self.expression.value(scope))

    def holds(self, happened: Happened, scope: Scope) -> bool:
        return isinstance(happened, Number) and happened.bits == self.bits(happened.kind, scope)

    def __str__(self) -> str:
        return str(self.raw)


class Literals(Expected, frozen=True):
    """A list: the results of a call in order, or bytes."""

    items: tuple[Literal, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset().union(*(item.names for item in self.items))

    def holds(self, happened: Happened, scope: Scope) -> bool:
        if isinstance(happened, Number):
            happened = Numbers((happened,))
        if isinstance(happened, Bytes):
            found = tuple(Number("u8", byte) for byte in happened.data)
        elif isinstance(happened, Numbers):
            found = happened.items
        elif isinstance(happened, Done):
            found = ()
        else:
            return False
        pairs = zip(self.items, found, strict=False)
        return len(found) == len(self.items) and all(item.holds(number, scope) for item, number in pairs)

    def __str__(self) -> str:
        return "[" + ", ".join(map(str, self.items)) + "]"


class ExactBytes(Expected, frozen=True):
    """Bytes, one by one; ``word`` is how they stood in the file."""

    data: bytes
    word: str

    def holds(self, happened: Happened, scope: Scope) -> bool:
        return isinstance(happened, Bytes) and happened.data == self.data

    def __str__(self) -> str:
        return self.word


class AllBytes(Expected, frozen=True):
    """As many bytes as were asked for, whatever they are."""

    def holds(self, happened: Happened, scope: Scope) -> bool:
        return isinstance(happened, Bytes) and len(happened.data) == happened.asked

    def __str__(self) -> str:
        return "all bytes that were asked for"


class Failure(Expected, frozen=True):
    """A failure of one kind (None: of any), with a certain message or class (None: with any)."""

    kind: str | None
    detail: str | None

    def holds(self, happened: Happened, scope: Scope) -> bool:
        if not isinstance(happened, Refused) or happened.failure.kind == "skipped":
            return False
        failure = happened.failure
        if self.kind is not None and failure.kind != self.kind:
            return False
        if self.detail is None:
            return True
        if self.kind == "host":
            return self.detail == failure.type
        return self.detail in (failure.message, failure.text, *failure.messages)

    def __str__(self) -> str:
        kind = {"host": "host error", "link": "link error", "compile": "compile error", None: "an error"}.get(
            self.kind, str(self.kind)
        )
        return f"{kind}: {self.detail}" if self.detail else kind


class Holds(Expected, frozen=True):
    """That something holds, or that it does not."""

    truth: bool

    def holds(self, happened: Happened, scope: Scope) -> bool:
        return isinstance(happened, Truth) and happened.holds is self.truth

    def __str__(self) -> str:
        return str(self.truth).lower()


class Nan(Expected, frozen=True):
    """A NaN: ``canonical``, ``arithmetic`` (as the core specification defines them) or ``any``."""

    which: str

    def holds(self, happened: Happened, scope: Scope) -> bool:
        return (
            isinstance(happened, Number)
            and values.is_float(happened.kind)
            and values.is_nan(happened.kind, happened.bits, self.which)
        )

    def __str__(self) -> str:
        return f"nan:{self.which}"


class AtLeast(Expected, frozen=True):
    """An integer of this size or larger, unsigned."""

    least: Literal

    @property
    def names(self) -> frozenset[str]:
        return self.least.names

    def holds(self, happened: Happened, scope: Scope) -> bool:
        return (
            isinstance(happened, Number)
            and not values.is_float(happened.kind)
            and happened.bits >= self.least.bits(happened.kind, scope)
        )

    def __str__(self) -> str:
        return f"at least {self.least}"


class NoValue(Expected, frozen=True):
    """The host gets no value of the type: an error of the host API, the language's nothing, or too few bytes.

    A step that also observes may find nothing to read from: the view that it names was refused.
    """

    def holds(self, happened: Happened, scope: Scope) -> bool:
        if isinstance(happened, Bytes):
            return len(happened.data) < happened.asked
        return isinstance(happened, Nothing) or (
            isinstance(happened, Refused) and happened.failure.kind in ("host", "skipped")
        )

    def __str__(self) -> str:
        return "no value"


class AnyOf(Expected, frozen=True):
    """One of several, where the specification allows more than one."""

    items: tuple[Expected, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset().union(*(item.names for item in self.items))

    def holds(self, happened: Happened, scope: Scope) -> bool:
        return any(item.holds(happened, scope) for item in self.items)

    def __str__(self) -> str:
        return " or ".join(map(str, self.items))


def allows_no_value(check: Expected | None) -> bool:
    """Whether that there is nothing to read from is among what is expected."""
    return any(isinstance(item, NoValue) for item in (check.items if isinstance(check, AnyOf) else (check,)))


def shown(check: Expected, happened: Happened, scope: Scope) -> str:
    """How messages word what was expected beside what happened: in the same form, and names with what they stand for.

    ``37 (pages)`` where the file says ``pages``; bytes in hexadecimal on both sides.
    """
    try:
        return _shown(check, happened, scope)
    except (values.ValueNotation, expressions.ExpressionError):
        return str(check)


def _shown(check: Expected, happened: Happened, scope: Scope) -> str:
    if isinstance(check, AnyOf):
        return " or ".join(_shown(item, happened, scope) for item in check.items)
    if isinstance(check, AtLeast):
        return f"at least {_shown(check.least, happened, scope)}"
    if isinstance(check, Literal):
        return _shown_literal(check, happened.kind if isinstance(happened, Number) else None, scope)
    if isinstance(check, Literals):
        if isinstance(happened, Bytes):
            data = bytes(item.bits("u8", scope) for item in check.items)
            return str(Bytes(data, len(data)))
        numbers = (happened,) if isinstance(happened, Number) else getattr(happened, "items", ())
        kinds = [*(number.kind for number in numbers), *[None] * len(check.items)]
        told = (_shown_literal(item, kind, scope) for item, kind in zip(check.items, kinds, strict=False))
        return f"[{', '.join(told)}]"
    if isinstance(check, ExactBytes) and isinstance(happened, Bytes):
        found = str(Bytes(check.data, len(check.data)))
        return f"{found} ({check.word})" if check.word.startswith("text ") else found
    return str(check)


def _shown_literal(literal: Literal, kind: str | None, scope: Scope) -> str:
    if kind is not None:
        value = values.show(kind, literal.bits(kind, scope))
    elif literal.names and literal.expression is not None:
        value = str(literal.expression.value(scope))
    else:
        return str(literal)
    return value if value == str(literal) else f"{value} ({literal})"


def impossible(check: Expected, gives: str) -> str | None:
    """Why the check, or one of several, can never hold for a step, whatever a runtime does; None where it can.

    ``gives`` is what the step gives: a memory type, ``bytes``, ``results`` (of a call), ``truth`` or ``nothing``.
    """
    if isinstance(check, AnyOf):
        return next((reason for item in check.items if (reason := impossible(item, gives))), None)
    if isinstance(check, Failure):
        return None
    if isinstance(check, NoValue):
        return None if gives in (*values.MEMORY_TYPES, "bytes") else "only a read can give 'no_value'"
    if isinstance(check, Holds) or gives == "truth":
        only = "the step gives" if gives == "truth" else "only 'same' and 'negative' give"
        both = isinstance(check, Holds) and gives == "truth"
        return None if both else f"{only} true or false, but 'expect' is {check}"
    if gives == "nothing":
        return "this step gives no value, so only an error can be expected of it"
    if gives == "results":
        return "the step gives numbers, not bytes" if isinstance(check, ExactBytes) else None
    if gives == "bytes":
        if isinstance(check, Literals):
            return next((reason for item in check.items if (reason := _not_of("u8", item))), None)
        form = "the step gives bytes, which are written as a list, {hex: …} or {text: …}"
        return None if isinstance(check, ExactBytes | AllBytes) else f"{form}, but 'expect' is {check}"
    if isinstance(check, Literals | ExactBytes):
        return f"the step gives one {gives}, but 'expect' is {check}"
    if isinstance(check, Nan | AtLeast) and isinstance(check, Nan) is not values.is_float(gives):
        return f"'{check}' can't be said of a value of type {gives}"
    literal = check.least if isinstance(check, AtLeast) else check
    return _not_of(gives, literal) if isinstance(literal, Literal) else None


def _not_of(kind: str, literal: Literal) -> str | None:
    if literal.names:
        return None
    try:
        literal.bits(kind, {})
    except (values.ValueNotation, expressions.ExpressionError) as error:
        return str(error)
    return None
