"""Make foreign text fit to be shown: messages, titles and a runtime's own words may hold anything."""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline
    "\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"  # what reorders or hides text
    "\ud800-\udfff\ufffe\uffff]"  # what is no character
)


def printable(text: str) -> str:
    """`text` with every unseen character made visible (``ESC`` as ``␛``); newlines and tabs stay."""
    return _UNSEEN.sub(_shown, text.replace("\r\n", "\n"))


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def clip(text: str, limit: int, rest: str = "report.json") -> str:
    """At most `limit` characters of `text`; what is left out is counted, and `rest` says where it stands whole."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit:,} more characters in {rest})"


def one_line(text: str, limit: int = 300) -> str:
    """`text` on one printable line of at most `limit` characters."""
    line = " ".join(printable(text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def plural(count: int, noun: str) -> str:
    """``1 scenario``, ``2 scenarios``, ``1,000 crashes``."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun}es" if noun.endswith("sh") else f"{count:,} {noun}s"


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
