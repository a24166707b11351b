"""Small integer expressions over bound names, as addresses and values in scenarios use them: ``buffer + 4 * 2``.

Python's own parser reads them; only integers, names, ``+ - * // % << >> & | ^ ~`` and parentheses are let through.
Results are plain integers (no wrap-around): an address past 2³² is what a scenario may want to ask for.
"""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Callable, Mapping

from msgspec import Struct

LIMIT = 1 << 72  # far beyond any address; keeps `1 << 9**9` from eating the machine
MAX_CHARACTERS = 500
MAX_DEPTH = 50
ALLOWED = "integers, names, + - * // % << >> & | ^ ~ and parentheses"

_BINARY: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_UNARY: dict[type[ast.unaryop], Callable[[int], int]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}


class ExpressionError(ValueError):
    """The text is not an expression of this language, or can't be computed."""


class FloatBits(int):
    """The bits of a float that is bound to a name. They are no integer to compute with."""

    kind: str

    def __new__(cls, kind: str, bits: int) -> FloatBits:
        made = super().__new__(cls, bits)
        made.kind = kind
        return made


class Expression(Struct, frozen=True):
    """A parsed expression. ``names`` are those it needs.

    ``base`` and ``offset`` are set when it has the form *name + constant* or is constant (``base`` None), which is
    what the driver protocol can compute by itself (``$ref``); otherwise ``offset`` is None.
    """

    text: str
    names: frozenset[str]
    base: str | None
    offset: int | None

    def value(self, scope: Mapping[str, int]) -> int:
        """Compute it. Raises `ExpressionError` for a missing name, a float, a division by zero or a huge result."""
        if self.offset is not None:
            return self.offset if self.base is None else _look_up(self.base, scope) + self.offset
        return _evaluate(_tree(self.text), scope)

    def __str__(self) -> str:
        return self.text


@functools.lru_cache(maxsize=8192, typed=True)
def parse(source: int | str) -> Expression:
    """Parse an integer or the text of an expression. Raises `ExpressionError`."""
    text = str(source).strip()
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"an expression may have {MAX_CHARACTERS} characters, this one has {len(text)}")
    if not text.isascii():
        raise ExpressionError(f"{_quoted(text)} is not an integer expression: it has signs that are not ASCII")
    try:
        tree = _tree(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"{_quoted(text)} is not an integer expression") from None
    names = frozenset(_names(tree, text, 0))
    base, offset = _linear(tree)
    if offset is None and not names:
        offset = _evaluate(tree, {})
    return Expression(text, names, base, offset)


@functools.lru_cache(maxsize=1024)
def _tree(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _names(tree: ast.expr, text: str, depth: int) -> list[str]:
    if depth > MAX_DEPTH:
        raise ExpressionError(f"{_quoted(text)} is nested more than {MAX_DEPTH} levels deep")
    if isinstance(tree, ast.Constant) and type(tree.value) is int:
        if tree.value >= LIMIT:
            raise ExpressionError(f"{_quoted(text)} is beyond any address or value")
        return []
    if isinstance(tree, ast.Name):
        return [tree.id]
    if isinstance(tree, ast.UnaryOp) and type(tree.op) in _UNARY:
        return _names(tree.operand, text, depth + 1)
    if isinstance(tree, ast.BinOp) and type(tree.op) in _BINARY:
        return _names(tree.left, text, depth + 1) + _names(tree.right, text, depth + 1)
    raise ExpressionError(f"{_quoted(text)} is not an integer expression, which may have {ALLOWED}")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:59] + "…")


def _linear(tree: ast.expr) -> tuple[str | None, int | None]:
    """(name, constant) for *name*, *name + n*, *name - n*, *n*; the constant is None for anything else."""
    if isinstance(tree, ast.Name):
        return tree.id, 0
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add | ast.Sub):
        base, offset = _linear(tree.left)
        other, constant = _linear(tree.right)
        if offset is not None and other is None and constant is not None:
            return base, offset + constant if isinstance(tree.op, ast.Add) else offset - constant
        if base is None and offset is not None and constant is not None and isinstance(tree.op, ast.Add):
            return other, offset + constant
        return None, None
    try:
        return None, _evaluate(tree, {})
    except ExpressionError:
        return None, None


def _look_up(name: str, scope: Mapping[str, int]) -> int:
    try:
        value = scope[name]
    except KeyError:
        raise ExpressionError(f"nothing is bound to '{name}'") from None
    if isinstance(value, FloatBits):
        raise ExpressionError(f"'{name}' is an {value.kind}: it can be passed on and compared, not computed with")
    return value


def _evaluate(tree: ast.expr, scope: Mapping[str, int]) -> int:
    if isinstance(tree, ast.Constant):
        return int(tree.value)  # type: ignore[arg-type]  # only integers came through `_names`
    if isinstance(tree, ast.Name):
        return _look_up(tree.id, scope)
    if isinstance(tree, ast.UnaryOp):
        return _UNARY[type(tree.op)](_evaluate(tree.operand, scope))
    assert isinstance(tree, ast.BinOp)
    left, right = _evaluate(tree.left, scope), _evaluate(tree.right, scope)
    if isinstance(tree.op, ast.LShift | ast.RShift) and not 0 <= right <= 64:
        raise ExpressionError(f"a shift by {right} is outside 0 to 64")
    try:
        result = _BINARY[type(tree.op)](left, right)
    except ZeroDivisionError:
        raise ExpressionError("division by zero") from None
    if abs(result) >= LIMIT:
        raise ExpressionError("the result is beyond any address")
    return result
