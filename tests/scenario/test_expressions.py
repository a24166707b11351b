from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linmem.scenario.expressions import LIMIT, ExpressionError, FloatBits, parse

NAMES = ("buffer", "size", "_x1")
scopes = st.fixed_dictionaries({name: st.integers(0, (1 << 64) - 1) for name in NAMES})
atoms = st.one_of(st.integers(0, (1 << 66) - 1).map(str), st.integers(0, 1 << 32).map(hex), st.sampled_from([*NAMES]))


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%", "<<", ">>", "&", "|", "^"]), inner)
    unary = st.tuples(st.sampled_from("+-~"), inner)
    return st.one_of(binary.map(" ".join), unary.map("".join), inner.map(lambda text: f"({text})"), binary.map("".join))


texts = st.recursive(atoms, larger, max_leaves=8).filter(lambda text: len(text) <= 500)


class Int(int):
    """Python's integer with our limits: shifts by 0 to 64, results below 2^72. Beyond them, it divides by zero."""


def limited(method: str) -> None:
    def compute(self: Int, *others: int) -> Int:
        if "shift" in method and not 0 <= others[0] <= 64:
            raise ZeroDivisionError
        result = getattr(int, method)(int(self), *map(int, others))
        if abs(result) >= LIMIT:
            raise ZeroDivisionError
        return Int(result)

    setattr(Int, method, compute)


for name in ("add", "sub", "mul", "floordiv", "mod", "lshift", "rshift", "and", "or", "xor", "neg", "pos", "invert"):
    limited(f"__{name}__")


def python_value(text: str, scope: dict[str, int]) -> int | None:
    """What Python makes of it; None where our limits say no."""
    wrapped = re.sub(r"\b(0x[0-9a-f]+|[0-9]+)\b", r"Int(\1)", text)
    try:
        return int(eval(wrapped, {"Int": Int}, {name: Int(value) for name, value in scope.items()}))
    except ZeroDivisionError:
        return None


@given(texts, scopes)
def test_it_computes_what_python_computes(text: str, scope: dict[str, int]) -> None:
    expected = python_value(text, scope)
    try:
        found = parse(text).value(scope)
    except ExpressionError:
        assert expected is None
    else:
        assert found == expected


@given(texts, scopes)
def test_base_and_offset_give_the_same_value(text: str, scope: dict[str, int]) -> None:
    """What is sent to a driver as a reference must be what the harness would compute."""
    try:
        expression = parse(text)
        value = expression.value(scope)
    except ExpressionError:
        return
    if expression.offset is not None:
        base = 0 if expression.base is None else scope[expression.base]
        assert base + expression.offset == value
    if expression.base is not None:
        assert expression.names == {expression.base}


@given(st.text(max_size=40))
def test_any_text_is_an_expression_or_a_plain_error(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert parse(text).names <= set(re.findall(r"\w+", text))


@pytest.mark.parametrize(
    ("text", "base", "offset"),
    [
        ("24", None, 24),
        (-24, None, -24),
        ("4 * 1024", None, 4096),
        ("buffer", "buffer", 0),
        ("(buffer)", "buffer", 0),
        ("buffer + 4 * 2", "buffer", 8),
        ("8 + buffer", "buffer", 8),
        ("buffer - 1 + 3", "buffer", 2),
        ("1 + (buffer + 2)", "buffer", 3),
        ("buffer * 2", None, None),
        ("8 - buffer", None, None),
        ("buffer + size", None, None),
        ("-buffer", None, None),
        ("buffer + buffer", None, None),
    ],
)
def test_what_a_driver_can_compute_by_itself(text: str | int, base: str | None, offset: int | None) -> None:
    expression = parse(text)
    assert (expression.base, expression.offset) == (base, offset)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'' is not an integer expression"),
        ("buffer +", "'buffer +' is not an integer expression"),
        ("1.5", "which may have integers, names, + - * // % << >> & | ^ ~ and parentheses"),
        ("buffer / 2", "which may have"),
        ("2 ** 9", "which may have"),
        ("True", "which may have"),
        ("'1'", "which may have"),
        ("f(1)", "which may have"),
        ("a.b", "which may have"),
        ("a[0]", "which may have"),
        ("a if b else c", "which may have"),
        ("(a, b)", "which may have"),
        ("lambda: 1", "which may have"),
        ("__import__('os').system('id')", "which may have"),
        ("1\0", "is not an integer expression"),
        ("buffer − 1", "it has signs that are not ASCII"),
        ("\ud800", "it has signs that are not ASCII"),
        ("(" * 240 + "1" + ")" * 240, "is not an integer expression"),
        ("-" * 60 + "1", "is nested more than 50 levels deep"),
        ("+".join("a" * 60), "is nested more than 50 levels deep"),
        ("1 + " * 200 + "1", "may have 500 characters"),
        ("1" + "0" * 30, "is beyond any address or value"),
        ("1 // 0", "division by zero"),
        ("1 % 0", "division by zero"),
        ("1 << 65", "a shift by 65 is outside 0 to 64"),
        ("1 >> -1", "a shift by -1 is outside 0 to 64"),
        ("(1 << 64) * (1 << 64)", "the result is beyond any address"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 200


def test_what_can_only_be_refused_when_it_is_computed() -> None:
    scope = {"zero": 0, "huge": 1 << 64}
    for text, words in [
        ("1 // zero", "division by zero"),
        ("1 << huge", "a shift by"),
        ("huge * huge", "beyond any address"),
        ("other", "nothing is bound to 'other'"),
        ("other + 1", "nothing is bound to 'other'"),
    ]:
        with pytest.raises(ExpressionError, match=words):
            parse(text).value(scope)


def test_a_float_is_no_number_to_compute_with() -> None:
    scope = {"pi": FloatBits("f32", 0x40490FDB)}
    for text in ("pi", "pi + 1", "pi * 2"):
        with pytest.raises(
            ExpressionError, match="'pi' is an f32: it can be passed on and compared, not computed with"
        ):
            parse(text).value(scope)
