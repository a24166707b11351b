"""Read a YAML file of scenarios into plain data in which every mapping and list knows its line.

Only YAML's plain types come through. What a hostile or damaged file could do (Python tags, alias bombs, endless
nesting, megabytes of text, duplicate keys) ends in one `SourceError` that names the line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from linmem import reading
from linmem.text import one_line

MAX_NODES = 100_000
MAX_DEPTH = 40
TOO_DEEP = f"is nested more than {MAX_DEPTH} levels deep"
LONGEST = 600  # characters of an error, which may quote the file
MAX_DIGITS = 100  # far beyond any address or value

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(0x[0-9a-fA-F]+(_[0-9a-fA-F]+)*|0b[01]+(_[01]+)*|0o[0-7]+(_[0-7]+)*|[0-9]+(_[0-9]+)*)")
_FLOAT = re.compile(r"[-+]?([0-9]+(_[0-9]+)*\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_NEGATIVE_ZERO = re.compile(r"-(0x)?0+")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}


_HINTS = {
    "mapping values are not allowed": " (put text that holds ': ' in quotes)",
    "cannot start any token": " (put text that begins with `, @ or % in quotes)",
    "found a tab character": " (indent with spaces, not with tabs)",
    "end of stream": " (a quote or bracket is not closed)",
    "expected ',' or": " (a bracket is not closed)",
    "did not find expected": " (look at the indentation)",
}


class SourceError(Exception):
    """The file can't be read as scenarios: one line, ``file:line: what is wrong``."""

    def __init__(self, file: str, line: int | None, message: str) -> None:
        self.file, self.line, self.message = file, line, one_line(message, LONGEST)
        place = f"{one_line(file)}:{line}" if line else one_line(file)
        super().__init__(f"{place}: {self.message}")


class Where(Struct, frozen=True):
    """A place in a file."""

    file: str
    line: int

    def error(self, message: str) -> SourceError:
        """The error that something is wrong at this place."""
        return SourceError(self.file, self.line, message)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Map(dict[str, Any]):
    """A YAML mapping; ``line`` is where it starts, ``lines`` where each key stands.

    ``starts`` is where each value's text starts: for a block on the line after its key, for an alias at its anchor.
    """

    def __init__(self, file: str, line: int) -> None:
        super().__init__()
        self.file, self.line = file, line
        self.lines: dict[str, int] = {}
        self.starts: dict[str, int] = {}

    def where(self, key: str = "") -> Where:
        """Where a key stands, or the whole mapping if it is not there."""
        return Where(self.file, self.lines.get(key, self.line))

    def error(self, message: str, key: str = "") -> SourceError:
        """The error that something is wrong with a key, or with the whole mapping."""
        return self.where(key).error(message)


class Seq(list[Any]):
    """A YAML list; ``line`` is where it starts, ``lines`` where each item stands."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__()
        self.file, self.line = file, line
        self.lines: list[int] = []


def read(path: Path, shown: str) -> Any:
    """The data in the file at `path`, named `shown` in errors. Raises `SourceError`."""
    return parse(text(path, shown), shown)


def text(path: Path, shown: str) -> str:
    """The text in the file at `path`, named `shown` in errors. Raises `SourceError`."""
    try:
        return reading.read_text(path, reading.MAX_TEXT)
    except reading.Unreadable as error:
        raise SourceError(shown, error.line, error.message) from None


def parse(text: str, shown: str, *, limit: int = MAX_NODES, typed: bool = True) -> Any:
    """The data in a YAML text, named `shown` in errors; `limit` values at most. Raises `SourceError`.

    If not `typed`, every scalar is text.
    """
    builder = _Builder(shown, text, limit, typed)
    try:
        return builder.document()
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, shown, text) from None
    except yaml.reader.ReaderError as error:
        line = text.partition(chr(error.character))[0].count("\n") + 1
        raise SourceError(shown, line, f"is not YAML: U+{error.character:04X} must not stand in it") from None
    except yaml.YAMLError as error:
        raise SourceError(shown, None, f"is not YAML: {str(error).splitlines()[0]}") from None


def _not_yaml(error: yaml.MarkedYAMLError, shown: str, text: str) -> SourceError:
    """The parser's words with the line, the line where the broken part begins, and what is usually behind it."""
    mark: Any = error.problem_mark or error.context_mark
    begin: Any = error.context_mark
    words = " ".join(part for part in (error.problem, error.context) if part)
    if "maximum nesting depth" in words:  # libyaml, from 0.2.6 on, reads ahead of us and has a limit of its own
        return SourceError(shown, mark.line + 1 if mark else None, TOO_DEEP)
    if mark and begin and begin.line != mark.line:
        words += f" that begins in line {begin.line + 1}"
    if mark and "cannot start any token" in words and _character(text, mark) == "\t":
        words = "found a tab character"
    hint = next((hint for fault, hint in _HINTS.items() if fault in words), "")
    return SourceError(shown, mark.line + 1 if mark else None, f"is not YAML: {words}{hint}")


def _character(text: str, mark: Any) -> str:
    """The character at a place of the text."""
    lines = text.splitlines()
    return lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""


class _Builder:
    """Builds data from YAML's events (not its node tree, whose C code would recurse as deep as the file asks)."""

    def __init__(self, shown: str, text: str, limit: int, typed: bool) -> None:
        self.shown, self.limit, self.typed = shown, limit, typed
        self.events: Iterator[Any] = yaml.parse(text, Loader=LOADER)
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.nodes = 0
        self.starts = 1  # the line on which the text of the last value starts

    def document(self) -> Any:
        next(self.events)  # stream start
        event: Any = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            raise SourceError(self.shown, 1, "is empty")
        data = self.value(next(self.events), 0)
        next(self.events)  # document end
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise SourceError(self.shown, event.start_mark.line + 1, "holds a second YAML document; one is enough")
        return data

    def line(self, event: Any) -> int:
        return int(event.start_mark.line) + 1

    def fail(self, event: Any, message: str) -> SourceError:
        return SourceError(self.shown, event.start_mark.line + 1, message)

    def value(self, event: Any, depth: int) -> Any:
        self.count(event, 1)
        if depth > MAX_DEPTH:
            raise self.fail(event, TOO_DEEP)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise self.fail(event, f"alias '*{event.anchor}' stands before its anchor, or inside it")
            data, self.starts = self.anchors[event.anchor]
            self.count(event, _size(data, self.limit))
            return data
        if event.tag is not None and event.tag not in _PLAIN_TAGS:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise self.fail(event, f"tag '{tag}' is not allowed: such a file holds plain data only")
        if isinstance(event, yaml.ScalarEvent):
            data = self.scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            data = self.sequence(event, depth)
        else:
            data = self.mapping(event, depth)
        if event.anchor:
            self.anchors[event.anchor] = data, self.starts
        return data

    def count(self, event: Any, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > self.limit:
            message = f"grows to more than {self.limit:,} values (aliases counted as often as they are used)"
            raise self.fail(event, message)

    def sequence(self, event: Any, depth: int) -> Seq:
        data = Seq(self.shown, event.start_mark.line + 1)
        for item in self.events:
            if isinstance(item, yaml.SequenceEndEvent):
                break
            data.append(self.value(item, depth + 1))
            data.lines.append(item.start_mark.line + 1)
        return data

    def mapping(self, event: Any, depth: int) -> Map:
        data = Map(self.shown, event.start_mark.line + 1)
        for key_event in self.events:
            if isinstance(key_event, yaml.MappingEndEvent):
                break
            if not isinstance(key_event, yaml.ScalarEvent):
                raise self.fail(key_event, "a key must be a plain word")
            self.value(key_event, depth + 1)
            key = key_event.value  # keys are always text: `24:` and `true:` are the words '24' and 'true'
            if key == "<<" and not key_event.style:
                raise self.fail(key_event, "'<<' does not merge mappings here: write the keys out")
            if key in data:
                raise self.fail(key_event, f"key '{key}' stands twice (first in line {data.lines[key]})")
            data.lines[key] = self.line(key_event)
            data[key] = self.value(next(self.events), depth + 1)
            data.starts[key] = self.starts
        return data

    def scalar(self, event: Any) -> Any:
        text: str = event.value
        if not text.isascii() and re.search("[\ud800-\udfff]", text):  # libyaml refuses it itself
            raise self.fail(event, "is not YAML: half of a surrogate pair is no character")
        self.starts = self.line(event) + (event.style in ("|", ">"))
        if event.style or not self.typed or (event.tag or "").endswith(":str"):  # quoted, a block, or said to be text
            return text
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        if _NEGATIVE_ZERO.fullmatch(text):  # as a float it has a sign, which an integer would lose
            return text
        if _INT.fullmatch(text):
            if len(text) > MAX_DIGITS:
                raise self.fail(event, f"an integer may have {MAX_DIGITS} digits, this one has {len(text)}")
            plain = text.replace("_", "")
            return int(plain, 0) if not re.fullmatch(r"[-+]?0[0-9]+", plain) else int(plain, 10)
        if _FLOAT.fullmatch(text):
            number = float(text.replace("_", ""))
            if math.isinf(number):
                raise self.fail(event, f"{text} is too large for a number")
            return number
        return text


def _size(data: Any, limit: int) -> int:
    """How many values `data` holds, counted up to `limit`."""
    total, todo = 0, [data]
    while todo and total <= limit:
        item = todo.pop()
        total += 1
        if isinstance(item, dict):
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
    return total
