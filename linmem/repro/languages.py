"""What is the same for all scripts in one host language."""

from __future__ import annotations

import ast
import json
import keyword
import re
import struct
import textwrap
from collections.abc import Mapping, Sequence

from linmem.scenario import model, values
from linmem.scenario.expectations import Literal
from linmem.scenario.expressions import Expression

_SAFE = (1 << 53) - 1


class Language:
    """How a host language writes what every script has. Integers that are bound to names are unsigned."""

    name: str
    suffix: str
    reserved: frozenset[str]
    indent = "    "

    def variable(self, name: str) -> str:
        """A name of a scenario as a variable."""
        word = re.sub(r"\W", "_", name)
        return f"{word}_" if word in self.reserved else word

    def integer(self, expression: Expression, names: Mapping[str, str]) -> str:
        """An integer expression; `names` are the variables of bound names."""
        raise NotImplementedError

    def argument(self, literal: Literal, kind: str, names: Mapping[str, str], floats: Mapping[str, str]) -> str:
        """An argument of a call, as the host API takes it; `floats` are the types of bound floats."""
        if not literal.names:
            bits = literal.bits(kind, {})
            return (
                self.float(kind, str(bits)) if values.is_float(kind) else self.number(kind, values.signed(kind, bits))
            )
        expression = literal.expression
        assert expression is not None
        if values.is_float(kind):
            text = expression.text
            bound = floats.get(text) == kind
            return self.float(kind, names[text]) if bound else self.to_float(kind, self.integer(expression, names))
        return self.wrapped(kind, self.integer(expression, names))

    def float(self, kind: str, bits: str) -> str:
        """The float of these bits."""
        return f"{kind}({bits})"

    def number(self, kind: str, value: int) -> str:
        """A constant integer of a value or memory type."""
        raise NotImplementedError

    def wrapped(self, kind: str, text: str) -> str:
        """A computed integer as a signed one of its width."""
        return f"{kind}({text})"

    def to_float(self, kind: str, text: str) -> str:
        raise NotImplementedError

    def host_value(self, value: model.HostValue) -> str:
        """A value of the language's own."""
        raise NotImplementedError


# --------------------------------------------------------------------- Python


class Python(Language):
    """Python, as of 3.7."""

    name, suffix = "python", ".py"
    reserved = frozenset(
        {*keyword.kwlist, "announce", "base64", "bits", "bytes", "came", "config", "ctypes", "doing", "engine", "f32"}
        | {"f64", "feature", "folder", "gc", "i32", "i64", "len", "link", "linker", "os", "print", "show", "store"}
        | {"struct", "sys", "tempfile", "told", "value", "wasi", "wasmer", "wasmtime", "getattr", "memoryview", "TRAPS"}
        | {"given", "result_of", "run_agents", "threading"}
        | {"environment", "export", "invoke", "io", "parse", "pywasm", "running", "runtime", "wasm3"}
    )
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

    def to_float(self, kind: str, text: str) -> str:
        return f"float({text})"

    def host_value(self, value: model.HostValue) -> str:
        if value.kind == "float":
            (number,) = struct.unpack("<d", int(value.value or 0).to_bytes(8, "little"))
            return (
                f"float({str(number)!r})"
                if number != number or number in (float("inf"), -float("inf"))
                else repr(number)
            )
        return repr(value.value)

    def data(self, data: bytes) -> str:
        return repr(data)

    def text(self, text: str) -> str:
        return repr(text)

    def module(self, name: str, encoded: Sequence[str]) -> list[str]:
        return [f"{name} = base64.b64decode(", *(f'    "{line}"' for line in encoded), ")"]

    def comment(self, line: str) -> str:
        return f"# {line}".rstrip()

    def told(self, body: str) -> list[str]:
        return [
            "def told(error, doing):",
            '    """What an exception says."""',
            '    text = " ".join((str(error) or repr(error)).split())',
            *textwrap.indent(body.rstrip(), "    ").split("\n"),
            "    name = type(error).__name__",
            '    name = "%s.error" % type(error).__module__ if name == "error" else name',
            '    return name + ": " + text if text else name',
        ]

    def guarded(self, body: Sequence[str], came: str, doing: str | None, after: Sequence[str]) -> list[str]:
        what = "doing" if doing is None else repr(doing)
        return [
            "try:",
            *(f"    {line}" for line in body),
            f"    came = {came}",
            *(f"    {line}" for line in after),
            "except BaseException as error:",
            f"    came = told(error, {what})",
        ]

    def function(self, name: str, params: Sequence[str], body: Sequence[str], variables: Sequence[str]) -> list[str]:
        lines = [f"def {name}({', '.join([*(f'{param}_' for param in params), '*more'])}):"]
        if variables:
            lines.append(f"    global {', '.join(variables)}")
        return [*lines, *(f"    {line}" for line in body)]

    def dictionary(self, pairs: Mapping[str, str]) -> str:
        return "{" + ", ".join(f"{key!r}: {value}" for key, value in pairs.items()) + "}"

    def called(self, part: str) -> str:
        return part

    def folder(self, files: Mapping[str, bytes]) -> list[str]:
        lines = ["folder = tempfile.mkdtemp()"]
        for name, data in files.items():
            lines += [f"with open(os.path.join(folder, {name!r}), 'wb') as file:", f"    file.write({data!r})"]
        return [*lines, ""]

    def imports(self, text: str) -> list[str]:
        return [f"import {name}" for name in self.MODULES if re.search(rf"\b{name}\.", text)] + [""]

    def choice(self, condition: str) -> str:
        return f'"true" if {condition} else "false"'

    def same(self, one: str, other: str) -> str:
        return f"{one} is {other}"

    def show_all(self, kinds: Sequence[str], value: str) -> str:
        return f'"[" + ", ".join(map(show, {tuple(kinds)!r}, {value})) + "]"'

    def condition(self, condition: str, action: str) -> list[str]:
        return [f"if {condition}:", f"    {action}"]

    def truth(self, value: bool) -> str:
        return str(value)

    def throw(self, error: str) -> str:
        return f"raise {error}"

    def new_throw(self, text: str) -> str:
        return f"HostThrow({text})"

    def give_back(self, values: Sequence[str]) -> str:
        return f"return {', '.join(values)}"

    nothing = "pass"

    def of_type(self, kind: str, text: str) -> str:
        return text


# ----------------------------------------------------------------- JavaScript


class JavaScript(Language):
    """JavaScript, with Node.js's modules."""

    name, suffix, indent = "javascript", ".mjs", "  "
    reserved = frozenset(
        {
            "announce",
            "await",
            "bits",
            "break",
            "came",
            "case",
            "catch",
            "class",
            "const",
            "continue",
            "default",
            "delete",
        }
        | {
            "do",
            "doing",
            "else",
            "enum",
            "eval",
            "export",
            "extends",
            "f32",
            "f64",
            "false",
            "finally",
            "finish",
            "for",
        }
        | {"fs", "function", "i32", "i64", "if", "import", "in", "instanceof", "let", "link", "linkWasi", "new", "null"}
        | {
            "os",
            "path",
            "process",
            "return",
            "show",
            "static",
            "super",
            "switch",
            "this",
            "throw",
            "told",
            "true",
            "try",
        }
        | {
            "typeof",
            "undefined",
            "value",
            "var",
            "void",
            "while",
            "with",
            "yield",
            "TRAPS",
            "WASI",
            "scratch",
            "folder",
        }
    )

    def float(self, kind: str, bits: str) -> str:
        return super().float(kind, f"{bits}n" if bits.isdigit() else bits)

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
        return (
            f"{value}n" if kind in ("i64", "u64", "s64") else str(value) if abs(value) <= _SAFE else f"Number({value}n)"
        )

    def to_float(self, kind: str, text: str) -> str:
        return f"Number({text})"

    def host_value(self, value: model.HostValue) -> str:
        if value.kind == "float":
            return f"f64({value.value}n)"
        if value.kind == "integer":
            return f"{value.value}n"
        return "undefined" if value.kind == "nothing" else json.dumps(value.value)

    def data(self, data: bytes) -> str:
        return f"new Uint8Array([{', '.join(map(str, data))}])"

    def text(self, text: str) -> str:
        return json.dumps(text)

    def module(self, name: str, encoded: Sequence[str]) -> list[str]:
        joined = [f'  "{line}"' + (" +" if number < len(encoded) - 1 else ",") for number, line in enumerate(encoded)]
        return [f"const {name} = Uint8Array.from(atob(", *joined, "), (character) => character.charCodeAt(0));"]

    def comment(self, line: str) -> str:
        return f"// {line}".rstrip()

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

    def guarded(self, body: Sequence[str], came: str, doing: str | None, after: Sequence[str]) -> list[str]:
        what = "doing" if doing is None else json.dumps(doing)
        return [
            "try {",
            *(f"  {line}" for line in body),
            f"  came = {came};",
            *(f"  {line}" for line in after),
            "} catch (error) {",
            f"  came = told(error, {what});",
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

    def called(self, part: str) -> str:
        first, *rest = part.split("_")
        return first + "".join(word.capitalize() for word in rest)

    def folder(self, files: Mapping[str, bytes]) -> list[str]:
        lines = ['const folder = fs.mkdtempSync(path.join(os.tmpdir(), "repro-"));']
        for name, data in files.items():
            words: list[str] = ["fs.writeFileSync(path.join(folder, ", json.dumps(name), "), ", self.data(data), ");"]
            lines.append("".join(words))
        return [*lines, ""]

    def imports(self, text: str) -> list[str]:
        modules = ("fs", "os", "path")
        lines = [f'import {name} from "node:{name}";' for name in modules if re.search(rf"\b{name}\.\w", text)]
        lines += ['import { WASI } from "node:wasi";'] if "new WASI(" in text else []
        return [*lines, ""]

    def choice(self, condition: str) -> str:
        return f'{condition} ? "true" : "false"'

    def same(self, one: str, other: str) -> str:
        return f"{one} === {other}"

    def show_all(self, kinds: Sequence[str], value: str) -> str:
        inner = f"{json.dumps(list(kinds))}.map((kind, i) => show(kind, {value}[i])).join(', ')"
        return "`[${" + inner + "}]`"

    def condition(self, condition: str, action: str) -> list[str]:
        return [f"if ({condition.replace(' == ', ' === ')}) {action};"]

    def truth(self, value: bool) -> str:
        return str(value).lower()

    def throw(self, error: str) -> str:
        return f"throw {error};"

    def new_throw(self, text: str) -> str:
        return f"new HostThrow({text})"

    def give_back(self, values: Sequence[str]) -> str:
        return f"return {values[0] if len(values) == 1 else '[' + ', '.join(values) + ']'};"

    nothing = ""

    def of_type(self, kind: str, text: str) -> str:
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


LANGUAGES: dict[str, type[Python] | type[JavaScript]] = {"python": Python, "javascript": JavaScript}
