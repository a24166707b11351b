"""Host languages: how each writes what scripts in it have in common."""

from __future__ import annotations

import ast
import json
import keyword
import math
import re
import struct
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from linmem.scenario import model, values
from linmem.scenario.expectations import Literal
from linmem.scenario.expressions import Expression

_SAFE = (1 << 53) - 1  # the largest integer that is exact as a number of JavaScript

# What scripts and their templates use, and JavaScript's own words.
_PYTHON = """
TRAPS announce base64 bits bytes came config ctypes doing engine environment export f32 f64 feature folder gc
getattr given i32 i64 invoke io len link linker memoryview os parse print pywasm result_of run_agents running
runtime show store struct sys tempfile threading told value wasi wasm3 wasmer wasmtime
"""
_JAVASCRIPT = """
MessageChannel TextDecoder TextEncoder TRAPS WASI announce await bits break came case catch class const
continue crypto default delete do doing else enum eval export extends f32 f64 false finally finish folder
for fs function i32 i64 if import in instanceof let link linkWasi new null os path process return scratch
show static structuredClone super switch this throw told true try typeof undefined value var void while with
yield
"""


class HostLanguage(ABC):
    """A host language. Integers that are bound to names are unsigned."""

    suffix: str  # of a script's file
    indent: str
    reserved: frozenset[str]  # words that no variable may be called
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
    tries: tuple[str, str, list[str]]  # what stands before, within and after a body whose exceptions are caught

    def comment(self, line: str) -> str:
        return f"{self.remark} {line}".rstrip()

    def statement(self, text: str) -> str:
        return text + self.end

    def variable(self, name: str) -> str:
        """A name of a scenario as a variable."""
        word = re.sub(r"\W", "_", name)
        return f"{word}_" if word in self.reserved else word

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

    def throwing(self, error: str | None, text: str) -> str:
        """A statement that throws an expression, or else the scripts' own exception with a text."""
        return self.statement(f"{self.throw} {error or f'{self.exception}({self.constant(text)})'}")

    def guarded(self, body: Sequence[str], came: str, doing: str | None, after: Sequence[str]) -> list[str]:
        """Statements that set ``came``: to an expression after the body, or to what an exception says."""
        before, within, end = self.tries
        told = self.statement(f"came = told(error, {'doing' if doing is None else self.constant(doing)})")
        tried = [*body, self.statement(f"came = {came}"), *after]
        return [before, *self.indented(tried), within, *self.indented([told]), *end]

    def indented(self, lines: Sequence[str]) -> list[str]:
        return [self.indent + line for line in lines]

    def converted(self, kind: str, text: str) -> str:
        """A computed integer, as views take one of a memory type."""
        return text

    def function_name(self, part: str) -> str:
        """The name of the function that a part of the templates defines."""
        return part

    def declare(self, variables: Sequence[str]) -> list[str]:
        """The declaration of the script's variables."""
        return []

    @abstractmethod
    def constant(self, value: str | bool) -> str:
        """A constant."""

    @abstractmethod
    def integer(self, expression: Expression, names: Mapping[str, str]) -> str:
        """An integer expression; `names` are the variables of bound names."""

    @abstractmethod
    def number(self, kind: str, value: int) -> str:
        """A constant integer of a value or memory type."""

    @abstractmethod
    def float(self, kind: str, bits: str) -> str:
        """The float of these bits."""


class Python(HostLanguage):
    """Python, as of 3.7."""

    suffix, indent, remark, end = ".py", "    ", "#", ""
    absent, empty, divide, same = "None", "pass", "//", "is"
    length, to_float, throw, exception = "len({})", "float", "raise", "HostThrow"
    tries = ("try:", "except BaseException as error:", [])
    reserved = frozenset([*keyword.kwlist, *_PYTHON.split()])
    MODULES = ("base64", "ctypes", "gc", "io", "os", "struct", "sys", "tempfile", "threading")

    def integer(self, expression: Expression, names: Mapping[str, str]) -> str:
        if not expression.names:
            return str(expression.value({}))
        if expression.base is not None and expression.offset is not None:
            sign = "" if not expression.offset else f" {'-' if expression.offset < 0 else '+'} {abs(expression.offset)}"
            return names[expression.base] + sign
        tree = ast.parse(expression.text, mode="eval")
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                node.id = names[node.id]
        return ast.unparse(tree)

    def number(self, kind: str, value: int) -> str:
        return str(value)

    def float(self, kind: str, bits: str) -> str:
        return f"{kind}({bits})"

    def host_value(self, value: model.HostValue) -> str:
        """A value of the language's own."""
        if value.kind == "float":
            (number,) = struct.unpack("<d", int(value.value or 0).to_bytes(8, "little"))
            return repr(number) if math.isfinite(number) else f"float({str(number)!r})"
        return repr(value.value)

    def data(self, data: bytes) -> str:
        """Constant bytes."""
        return repr(data)

    def constant(self, value: str | bool) -> str:
        return repr(value)

    def module(self, name: str, encoded: Sequence[str]) -> list[str]:
        """A constant of a module's bytes, given in base64."""
        return [f"{name} = base64.b64decode(", *(f'    "{line}"' for line in encoded), ")"]

    def told(self, body: str) -> list[str]:
        """The function that puts an exception in words; `body` is the runtime's part of it."""
        return [
            "def told(error, doing):",
            '    """What an exception says."""',
            '    text = " ".join((str(error) or repr(error)).split())',
            *textwrap.indent(body.rstrip(), "    ").split("\n"),
            "    name = type(error).__name__",
            '    name = "%s.error" % type(error).__module__ if name == "error" else name',
            '    return name + ": " + text if text else name',
        ]

    def function(self, name: str, params: Sequence[str], body: Sequence[str], variables: Sequence[str]) -> list[str]:
        """A host function, which assigns to these variables of the script."""
        lines = [f"def {name}({', '.join([*(f'{param}_' for param in params), '*more'])}):"]
        if variables:
            lines.append(f"    global {', '.join(variables)}")
        return [*lines, *(f"    {line}" for line in body)]

    def dictionary(self, pairs: Mapping[str, str]) -> str:
        """A dictionary of strings to expressions."""
        return "{" + ", ".join(f"{key!r}: {value}" for key, value in pairs.items()) + "}"

    def folder(self, files: Mapping[str, bytes]) -> list[str]:
        """Statements that make a folder with files."""
        lines = ["folder = tempfile.mkdtemp()"]
        for name, data in files.items():
            lines += [f"with open(os.path.join(folder, {name!r}), 'wb') as file:", f"    file.write({data!r})"]
        return [*lines, ""]

    def imports(self, code: str) -> list[str]:
        """The imports that code needs."""
        return [f"import {name}" for name in self.MODULES if re.search(rf"\b{name}\.", code)] + [""]

    def choice(self, condition: str) -> str:
        """The word true or false."""
        return f'"true" if {condition} else "false"'

    def show_all(self, kinds: Sequence[str], value: str) -> str:
        """Several results in one string."""
        return f'"[" + ", ".join(map(show, {tuple(kinds)!r}, {value})) + "]"'

    def print(self, label: str, what: str) -> str:
        """A statement that prints a line."""
        return f"print({self.constant(label)}, {what}, flush=True)"

    def exit_if(self, variable: str, text: str) -> list[str]:
        """Statements that end the script if a variable has this text."""
        return [f"if {variable} == {self.constant(text)}:", "    finish()"]

    def give_back(self, values: Sequence[str]) -> str:
        """A statement that returns from a host function."""
        return f"return {', '.join(values)}"

    def forget(self, variables: Sequence[str]) -> list[str]:
        """Statements after which variables hold their objects no more."""
        return [f"del {', '.join(variables)}"] if variables else []


class JavaScript(HostLanguage):
    """JavaScript, with Node.js's modules."""

    suffix, indent, remark, end = ".mjs", "  ", "//", ";"
    absent, empty, divide, same = "undefined", "", "/", "==="
    length, to_float, throw, exception = "{}.length", "Number", "throw", "new HostThrow"
    tries = ("try {", "} catch (error) {", ["}"])
    reserved = frozenset(_JAVASCRIPT.split())

    def float(self, kind: str, bits: str) -> str:
        return f"{kind}({bits}{'n' if bits.isdigit() else ''})"

    def integer(self, expression: Expression, names: Mapping[str, str]) -> str:
        if not expression.names:
            value = expression.value({})
            return str(value) if abs(value) <= _SAFE else f"{value}n"
        if expression.base is not None and expression.offset is not None and abs(expression.offset) <= _SAFE:
            if not expression.offset:
                return names[expression.base]
            return f"{names[expression.base]} {'-' if expression.offset < 0 else '+'} {abs(expression.offset)}"
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

    def data(self, data: bytes) -> str:
        return f"new Uint8Array([{', '.join(map(str, data))}])"

    def constant(self, value: str | bool) -> str:
        return json.dumps(value)

    def module(self, name: str, encoded: Sequence[str]) -> list[str]:
        joined = [f'  "{line}"' + (" +" if number < len(encoded) - 1 else ",") for number, line in enumerate(encoded)]
        return [f"const {name} = Uint8Array.from(atob(", *joined, "), (character) => character.charCodeAt(0));"]

    def told(self, body: str) -> list[str]:
        return [
            "/** What an exception says. */",
            "function told(error, doing) {",
            '  const text = String(error?.message ?? error?.toString() ?? "").split(/\\s+/).join(" ").trim();',
            *textwrap.indent(body.rstrip(), "  ").split("\n"),
            "  const name = error?.constructor?.name ?? typeof error;",
            "  return text ? `${name}: ${text}` : name;",
            "}",
        ]

    def function(self, name: str, params: Sequence[str], body: Sequence[str], variables: Sequence[str]) -> list[str]:
        return [
            f"function {name}({', '.join(f'{param}_' for param in params)}) {{",
            *(f"  {line}" for line in body),
            "}",
        ]

    def dictionary(self, pairs: Mapping[str, str]) -> str:
        return "{ " + ", ".join(f"{json.dumps(key)}: {value}" for key, value in pairs.items()) + " }"

    def function_name(self, part: str) -> str:
        first, *rest = part.split("_")
        return first + "".join(word.capitalize() for word in rest)

    def folder(self, files: Mapping[str, bytes]) -> list[str]:
        lines = ['const folder = fs.mkdtempSync(path.join(os.tmpdir(), "repro-"));']
        for name, data in files.items():
            lines.append(f"fs.writeFileSync(path.join(folder, {json.dumps(name)}), {self.data(data)});")
        return [*lines, ""]

    def imports(self, code: str) -> list[str]:
        modules = ("fs", "os", "path")
        lines = [f'import {name} from "node:{name}";' for name in modules if re.search(rf"\b{name}\.\w", code)]
        lines += ['import { WASI } from "node:wasi";'] if "new WASI(" in code else []
        return [*lines, ""]

    def choice(self, condition: str) -> str:
        return f'{condition} ? "true" : "false"'

    def show_all(self, kinds: Sequence[str], value: str) -> str:
        inner = f"{json.dumps(list(kinds))}.map((kind, i) => show(kind, {value}[i])).join(', ')"
        return "`[${" + inner + "}]`"

    def print(self, label: str, what: str) -> str:
        return f"say(`{label} ${{{what}}}`);"

    def exit_if(self, variable: str, text: str) -> list[str]:
        return [f"if ({variable} === {self.constant(text)}) finish();"]

    def give_back(self, values: Sequence[str]) -> str:
        return f"return {values[0] if len(values) == 1 else '[' + ', '.join(values) + ']'};"

    def forget(self, variables: Sequence[str]) -> list[str]:
        return [f"{variable} = undefined;" for variable in variables]

    def declare(self, variables: Sequence[str]) -> list[str]:
        return [f"let {', '.join(variables)};", ""] if variables else []

    def converted(self, kind: str, text: str) -> str:
        return f"BigInt({text})" if kind in ("u64", "s64") else text


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


LANGUAGES: Mapping[str, Python | JavaScript] = {"python": Python(), "javascript": JavaScript()}
