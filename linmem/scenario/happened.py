"""The results of steps, in the same types for every runtime: the player makes them, checks and reports read them."""

from __future__ import annotations

from msgspec import Struct

from linmem.protocol import CallFailed
from linmem.scenario import values
from linmem.scenario.expressions import FloatBits


class Bound(int):
    """An integer that a name is bound to: unsigned, but for the signed memory types.

    ``kind`` is its value type or memory type. ``negative`` is whether the host's language had it as a negative number;
    None: the host had bytes.
    """

    kind: str
    negative: bool | None

    def __new__(cls, kind: str, value: int, negative: bool | None) -> Bound:
        made = super().__new__(cls, value)
        made.kind, made.negative = kind, negative
        return made


class Number(Struct, frozen=True):
    """A number of a value type or memory type.

    ``said`` is the integer as the host's language had it; None: the host had bytes, and the harness decoded them.
    """

    kind: str
    bits: int
    said: str | None = None

    def bound(self) -> int:
        """What a name is bound to that gets this number: a `Bound`, or the `FloatBits` of a float."""
        if values.is_float(self.kind):
            return FloatBits(self.kind, self.bits)
        value = values.signed(self.kind, self.bits) if values.is_signed(self.kind) else self.bits
        return Bound(self.kind, value, None if self.said is None else self.said.startswith("-"))

    def __str__(self) -> str:
        return values.show(self.kind, self.bits)


class Numbers(Struct, frozen=True):
    """The results of a call that does not have exactly one."""

    items: tuple[Number, ...]

    def __str__(self) -> str:
        return "[" + ", ".join(map(str, self.items)) + "]"


class Bytes(Struct, frozen=True):
    """Bytes that a host API gave, out of ``asked`` bytes."""

    data: bytes
    asked: int

    def __str__(self) -> str:
        shown = self.data[:32].hex(" ") + (" …" if len(self.data) > 32 else "")
        if len(self.data) != self.asked:
            return f"{len(self.data)} of {self.asked} bytes" + (f": {shown}" if self.data else "")
        return f"bytes {shown}" if shown else "no bytes"


class Nothing(Struct, frozen=True):
    """The host language's word for no value."""

    word: str

    def __str__(self) -> str:
        return self.word


class Done(Struct, frozen=True):
    """It went through and gave nothing."""

    def __str__(self) -> str:
        return "done"


class Refused(Struct, frozen=True):
    """The runtime refused or failed."""

    failure: CallFailed

    def __str__(self) -> str:
        failure, message = self.failure, " ".join(self.failure.message.split())
        if failure.kind == "skipped":  # the driver's words name a request, by an id that means nothing elsewhere
            return "skipped: an earlier step that this one builds on gave nothing"
        if not failure.expressible:
            return f"not expressible: {message}"
        if failure.kind == "trap":
            return f"trap: {message}"
        if failure.kind == "host":
            return f"{failure.type or 'error'}: {message}" if message else failure.type
        return f"{failure.kind or 'error'}: {message}"


class Truth(Struct, frozen=True):
    """Whether something holds."""

    holds: bool

    def __str__(self) -> str:
        return "true" if self.holds else "false"


class Short(Struct, frozen=True):
    """A write of which the host API says that it wrote less, or more, than it was given."""

    count: int
    asked: int

    def __str__(self) -> str:
        return f"{self.count} of {self.asked} bytes"


Happened = Number | Numbers | Bytes | Nothing | Done | Truth | Refused | Short


def answer(happened: Happened) -> str:
    """The stable word for what happened, by which observations are grouped and compared.

    Numbers in decimal, bytes in hexadecimal, short reads as ``n of m bytes``, the language's word for nothing, and for
    refusals their kind alone (``trap``, ``error``, ``not expressible``, ...): classes and wordings differ between
    languages without meaning anything.
    """
    if isinstance(happened, Refused):
        if not happened.failure.expressible:
            return "not expressible"
        return {"host": "error", "link": "link error", "compile": "compile error"}.get(
            happened.failure.kind, happened.failure.kind or "error"
        )
    if isinstance(happened, Bytes) and len(happened.data) == happened.asked:
        return happened.data.hex(" ") or "no bytes"
    if isinstance(happened, Bytes):
        return f"{len(happened.data)} of {happened.asked} bytes"
    return str(happened)
