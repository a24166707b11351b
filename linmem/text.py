"""Make text fit to be shown, above all text from outside: what files hold and what runtimes say may be anything.

`printable` is the one rule for all outputs: terminal, HTML, Markdown, JUnit, badges.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from typing import Any, TextIO

_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # letters and marks that take no room or are blank


def printable(text: str) -> str:
    r"""`text` in which each character that can't be seen as itself is written as Python escapes it (``\x1b``,
    ``\u202e``): control and format characters, such as those that turn text around or take no room, halves of
    surrogate pairs, private and unassigned ones. Newlines and tabs stay.
    """
    return _escaped(text.replace("\r\n", "\n"), _python_escape)


def printable_json(text: str) -> str:
    """JSON text in which the same characters are written as JSON's escapes, so that it stands for the same data."""
    return _escaped(text, _json_escape)


def _escaped(text: str, escape: Callable[[str], str]) -> str:
    if text.isprintable() and text.isascii():
        return text
    unseen = {character for character in set(text) if _is_unseen(character)}
    return text.translate({ord(character): escape(character) for character in unseen}) if unseen else text


def _is_unseen(character: str) -> bool:
    if character.isprintable():
        return character in _INVISIBLE
    return character not in "\n\t" and unicodedata.category(character) != "Zs"  # spaces are seen as such


def _python_escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def say(text: object, *, file: TextIO | None = None, end: str = "\n", flush: bool = False) -> None:
    """Print text, on standard output unless said."""
    print(printable(str(text)), file=file, end=end, flush=flush)


_COMMAND = re.compile(r"(?<![^\n\r])([^\S\n\r]*):(?=:|\Z)|##(?=\[)")


class WithoutCommands:
    """A text file whose lines GitHub Actions does not take as workflow commands, whoever said what is in them.

    It takes a line for one that begins with ``::`` behind white space, or that holds ``##[`` anywhere: of the former
    the first colon is written as an escape, of the latter the second hash.
    """

    def __init__(self, file: TextIO) -> None:
        self._file, self._blank = file, True  # whether the line that is being written is blank so far

    def write(self, text: str) -> int:
        """Write text from anywhere."""
        line = "" if self._blank else "-"
        self._file.write(_COMMAND.sub(_no_command, line + text)[len(line) :])
        self._blank = not (line + text).rpartition("\n")[2].strip()
        return len(text)

    def command(self, line: str) -> None:
        """Write a workflow command."""
        self._file.write(("" if self._blank else "\n") + line + "\n")
        self._blank = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def without_commands(file: Any) -> Any:
    """The file; in a job of GitHub Actions `WithoutCommands` of it."""
    wanted = os.environ.get("GITHUB_ACTIONS") == "true" and file is not None
    return WithoutCommands(file) if wanted and not isinstance(file, WithoutCommands) else file


_COLOUR = re.compile(r"(\x1b\[(?:0|1|3[0-7]|9[0-7])m)")


class Printable:
    """A text file that gets what is written as `printable` has it. On a terminal, colours stay."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write text from anywhere."""
        parts = _COLOUR.split(text) if self._file.isatty() else [text]
        self._file.write("".join(part if number % 2 else printable(part) for number, part in enumerate(parts)))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _no_command(found: re.Match[str]) -> str:
    return f"{found[1]}\\x3a" if found[1] is not None else "#\\x23"


def clip(text: str, limit: int, rest: str = "report.json") -> str:
    """At most `limit` characters of `text`; what is left out is counted, and `rest` says where it stands whole."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit:,} more characters{f' in {rest}' if rest else ''})"


def one_line(text: str, limit: int = 300) -> str:
    """`text` on one printable line of at most `limit` characters."""
    line = " ".join(printable(text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def plural(count: int, noun: str) -> str:
    """``1 scenario``, ``2 scenarios``, ``1,000 crashes``, ``2 passes``."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun}es" if noun.endswith(("sh", "ss")) else f"{count:,} {noun}s"


def join(words: list[str], limit: int = 0) -> str:
    """``a, b and c``; beyond `limit` words (0: none) the rest is counted."""
    if limit and len(words) > limit:
        return f"{', '.join(words[:limit])} and {len(words) - limit:,} more"
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1] if words else "") if part)


def sentence(text: str, capital: bool = True) -> str:
    """`text` as a sentence of its own: with a full stop, and a capital where that is wanted."""
    stop = "" if text.endswith((".", "!", "?", "…")) else "."
    return (text[:1].upper() + text[1:] if capital else text) + stop


def web_address(url: str | None) -> str | None:
    """A URL that may be linked to; None for what is no web address, such as ``javascript:``."""
    return url if url and re.fullmatch(r"https?://\S+", url) else None
