"""Host languages: how each writes what scripts in it have in common.

``python.yaml`` and ``javascript.yaml`` have the words and the texts; here is what takes more than a text.
"""

from __future__ import annotations

import ast
import functools
import json
import math
import re
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import jinja2
import msgspec

from linmem.scenario import model, values
from linmem.scenario.expectations import Literal
from linmem.scenario.expressions import Expression

_SAFE = (1 << 53) - 1  # the largest integer that is exact as a number of JavaScript


class HostLanguage(msgspec.Struct):
    """A host language. Integers that are bound to names are unsigned."""

    suffix: str  # of a script's file
    reserved: str  # words that no variable may be called
    modules: list[str]  # of the language's own library
    remark: str  # what begins a comment
    end: str  # what ends a statement
    absent: str  # an argument that is left out
    empty: str  # the body of a function that does nothing
    divide: str  # the operator that divides integers
    same: str  # the operator that compares identities
    length: str  # asks for the length of ``{}``, which is bytes
    to_float: str  # the function that makes a float of an integer
    throw: str  # the word that throws
    exception: str  # what makes the scripts' own exception
    texts: dict[str, str]  # templates

    def text(self, name: str, /, **words: object) -> str:
        """One of the texts, filled in."""
        return _template(self.texts[name], type(self).constant).render(words)

    def lines(self, name: str, /, **words: object) -> list[str]:
        """The same as lines; there may be none."""
        return self.text(name, **words).splitlines()

    def comment(self, line: str) -> str:
        return f"{self.remark} {line}".rstrip()

    def statement(self, text: str) -> str:
        return text + self.end

    def variable(self, name: str) -> str:
        """A name of a scenario as a variable."""
        word = re.sub(r"\W", "_", name)
        return f"{word}_" if word in self.reserved.split() else word

    def argument(self, literal: Literal, kind: str, names: Mapping[str, str], floats: Mapping[str, str]) -> str:
        """An argument of a call, as the host API takes it.

        `names` are the variables of bound names, `floats` the types of those that are floats.
        """
        is_float = values.is_float(kind)
        if not literal.names:
            bits = literal.bits(kind, {})
            return self.float(kind, str(bits)) if is_float else self.number(kind, values.signed(kind, bits))
        expression = literal.expression
        assert expression is not None
        if not is_float:
            return f"{kind}({self.integer(expression, names)})"
        if floats.get(expression.text) == kind:
            return self.float(kind, names[expression.text])
        return f"{self.to_float}({self.integer(expression, names)})"

    def float(self, kind: str, bits: str) -> str:
        """The float of these bits."""
        return self.text("float", kind=kind, bits=bits)

    def throwing(self, error: str | None, text: str) -> str:
        """A statement that throws an expression, or else the scripts' own exception with a text."""
        return self.statement(f"{self.throw} {error or f'{self.exception}({self.constant(text)})'}")

    def imports(self, code: str) -> list[str]:
        """The imports that code needs."""
        used = [name for name in self.modules if re.search(rf"\b{name}\.\w", code)]
        return [*self.lines("imports", used=used, code=code), ""]

    def converted(self, kind: str, text: str) -> str:
        """A computed integer, as views take one of a memory type."""
        return text

    def function_name(self, part: str) -> str:
        """The name of the function that a part of the templates defines."""
        return part

    def declare(self, variables: list[str]) -> list[str]:
        """The declaration of the script's variables."""
        return []

    @staticmethod
    def constant(value: object) -> str:
        """A constant."""
        raise NotImplementedError

    def integer(self, expression: Expression, names: Mapping[str, str]) -> str:
        """An integer expression; `names` are the variables of bound names."""
        raise NotImplementedError

    def number(self, kind: str, value: int) -> str:
        """A constant integer of a value or memory type."""
        raise NotImplementedError

    def host_value(self, value: model.HostValue) -> str:
        """A value of the language's own."""
        raise NotImplementedError


class Python(HostLanguage):
    """Python, as of 3.7."""

    @staticmethod
    def constant(value: object) -> str:
        return repr(value)

    def integer(self, expression: Expression, names: Mapping[str, str]) -> str:
        if not expression.names:
            return str(expression.value({}))
        if expression.base is not None and expression.offset is not None:
            return _sum(names[expression.base], expression.offset)
        tree = ast.parse(expression.text, mode="eval")
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                node.id = names[node.id]
        return ast.unparse(tree)

    def number(self, kind: str, value: int) -> str:
        return str(value)

    def host_value(self, value: model.HostValue) -> str:
        if value.kind == "float":
            (number,) = struct.unpack("<d", int(value.value or 0).to_bytes(8, "little"))
            return repr(number) if math.isfinite(number) else f"float({str(number)!r})"
        return repr(value.value)


class JavaScript(HostLanguage):
    """JavaScript, with Node.js's modules."""

    @staticmethod
    def constant(value: object) -> str:
        return json.dumps(value)

    def integer(self, expression: Expression, names: Mapping[str, str]) -> str:
        if not expression.names:
            value = expression.value({})
            return str(value) if abs(value) <= _SAFE else f"{value}n"
        if expression.base is not None and expression.offset is not None and abs(expression.offset) <= _SAFE:
            return _sum(names[expression.base], expression.offset)
        return f"Number({_big(ast.parse(expression.text, mode='eval').body, names)})"

    def number(self, kind: str, value: int) -> str:
        if kind in ("i64", "u64", "s64"):
            return f"{value}n"
        return str(value) if abs(value) <= _SAFE else f"Number({value}n)"

    def host_value(self, value: model.HostValue) -> str:
        if value.kind == "float":
            return f"f64({value.value}n)"
        if value.kind == "integer":
            return f"{value.value}n"
        return "undefined" if value.kind == "nothing" else json.dumps(value.value)

    def function_name(self, part: str) -> str:
        first, *rest = part.split("_")
        return first + "".join(word.capitalize() for word in rest)

    def declare(self, variables: list[str]) -> list[str]:
        return [f"let {', '.join(variables)};", ""] if variables else []

    def converted(self, kind: str, text: str) -> str:
        return f"BigInt({text})" if kind in ("u64", "s64") else text


def _sum(variable: str, offset: int) -> str:
    return f"{variable} {'-' if offset < 0 else '+'} {abs(offset)}" if offset else variable


def _big(tree: ast.expr, names: Mapping[str, str]) -> str:
    """An expression over BigInts."""
    if isinstance(tree, ast.Constant):
        return f"{int(tree.value)}n"  # type: ignore[arg-type]  # only integers come through
    if isinstance(tree, ast.Name):
        return f"BigInt({names[tree.id]})"
    if isinstance(tree, ast.UnaryOp):
        sign = {"USub": "-", "UAdd": "", "Invert": "~"}[type(tree.op).__name__]
        return f"({sign}{_big(tree.operand, names)})"
    assert isinstance(tree, ast.BinOp)
    signs = {"Add": "+", "Sub": "-", "Mult": "*", "FloorDiv": "/", "Mod": "%", "LShift": "<<", "RShift": ">>"}
    signs |= {"BitAnd": "&", "BitOr": "|", "BitXor": "^"}
    return f"({_big(tree.left, names)} {signs[type(tree.op).__name__]} {_big(tree.right, names)})"


@functools.cache
def _template(text: str, constant: Callable[[object], str]) -> jinja2.Template:
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters["constant"] = constant
    return environment.from_string(text)


@functools.cache
def load(name: str) -> HostLanguage:
    """The language of this name."""
    kind = {"python": Python, "javascript": JavaScript}[name]
    return msgspec.yaml.decode(Path(__file__).with_name(f"{name}.yaml").read_bytes(), type=kind)
