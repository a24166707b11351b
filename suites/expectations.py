"""What `expect` may say, and whether it holds. A check is a pure function of what happened and the bound names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from suites import expressions, values
from suites.happened import Bytes, Happened, Number, Numbers, Refused

FAILURE_KINDS = {"trap": "trap", "link_error": "link", "compile_error": "compile", "host_error": "host"}

Scope = Mapping[str, int]


class Check(Protocol):
    """One expectation. ``str()`` is how reports word it."""

    @property
    def names(self) -> frozenset[str]:
        """The bound names it needs."""
        ...

    def holds(self, happened: Happened, scope: Scope) -> bool:
        """Whether what happened is what is expected."""
        ...


@dataclass(frozen=True)
class Literal:
    """A number: an integer or expression for integer types, the text format's notation for floats."""

    raw: int | float | str
    expression: expressions.Expression | None

    @property
    def names(self) -> frozenset[str]:
        return self.expression.names if self.expression else frozenset()

    def bits(self, kind: str, scope: Scope) -> int:
        """Its bits as a value of this type. Raises `ValueNotation` or `ExpressionError`."""
        if values.is_float(kind):
            if self.expression is not None and self.expression.names:
                return values.float_bits(kind, self.expression.value(scope))
            return values.float_bits(kind, self.raw)
        if self.expression is None:
            raise values.ValueNotation(f"'{self.raw}' is not an integer, as {kind} needs")
        return values.integer_bits(kind, self.expression.value(scope))

    def holds(self, happened: Happened, scope: Scope) -> bool:
        return isinstance(happened, Number) and happened.bits == self.bits(happened.kind, scope)

    def __str__(self) -> str:
        return str(self.raw)


@dataclass(frozen=True)
class Literals:
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
        else:
            return False
        pairs = zip(self.items, found, strict=False)
        return len(found) == len(self.items) and all(item.holds(number, scope) for item, number in pairs)

    def __str__(self) -> str:
        return "[" + ", ".join(map(str, self.items)) + "]"


@dataclass(frozen=True)
class ExactBytes:
    """Bytes, one by one; ``word`` is how they stood in the file."""

    data: bytes
    word: str
    names: frozenset[str] = frozenset()

    def holds(self, happened: Happened, scope: Scope) -> bool:
        return isinstance(happened, Bytes) and happened.data == self.data

    def __str__(self) -> str:
        return self.word


@dataclass(frozen=True)
class Failure:
    """A failure of one kind (None: of any), with a certain message or class (None: with any)."""

    kind: str | None
    detail: str | None
    names: frozenset[str] = frozenset()

    def holds(self, happened: Happened, scope: Scope) -> bool:
        if not isinstance(happened, Refused) or happened.failure.kind == "skipped":
            return False
        failure = happened.failure
        if self.kind is not None and failure.kind != self.kind:
            return False
        if self.detail is None:
            return True
        return self.detail == failure.type if self.kind == "host" else self.detail in (failure.message, failure.text)

    def __str__(self) -> str:
        kind = {"host": "host error", "link": "link error", "compile": "compile error", None: "an error"}.get(
            self.kind, str(self.kind)
        )
        return f"{kind}: {self.detail}" if self.detail else kind


@dataclass(frozen=True)
class Nan:
    """A NaN: ``canonical``, ``arithmetic`` (as the core specification defines them) or ``any``."""

    which: str
    names: frozenset[str] = frozenset()

    def holds(self, happened: Happened, scope: Scope) -> bool:
        return (
            isinstance(happened, Number)
            and values.is_float(happened.kind)
            and values.is_nan(happened.kind, happened.bits, self.which)
        )

    def __str__(self) -> str:
        return f"nan:{self.which}"


@dataclass(frozen=True)
class AtLeast:
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


@dataclass(frozen=True)
class AnyOf:
    """One of several, where the specification allows more than one."""

    items: tuple[Check, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset().union(*(item.names for item in self.items))

    def holds(self, happened: Happened, scope: Scope) -> bool:
        return any(item.holds(happened, scope) for item in self.items)

    def __str__(self) -> str:
        return " or ".join(map(str, self.items))
