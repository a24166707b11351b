"""How many of some results pass, as every report puts it."""

from __future__ import annotations

from dataclasses import dataclass

from linmem.results import verdict
from linmem.results.document import Counts


@dataclass(frozen=True)
class Share:
    """How many of some results pass: in per cent, in words, and as parts of a bar (what, from where, how wide)."""

    text: str
    words: str
    parts: list[tuple[str, float, float]]


def share(counts: Counts) -> Share | None:
    """The share of passes among the results whose runtime supports what their scenarios need; None without results.

    It is rounded down, so that only a suite without any other result shows 100 %, and in doubt where results are
    missing.
    """
    known, bad = counts.get("known", 0), verdict.bad(counts)
    passed, unsupported, missing = (counts.get(status, 0) for status in ("pass", "unsupported", "missing"))
    total = sum(counts.values())
    if not total:
        return None
    asked = passed + known + bad
    text = f"{passed * 1000 // asked / 10:g}%{'?' if missing else ''}" if asked else "–"
    words = [f"{passed:,} of {asked:,}"] if asked else []
    words += [
        f"{number:,} {word}"
        for number, word in ((bad, "bad"), (known, "known"), (unsupported, "unsupported"), (missing, "not run"))
        if number
    ]
    parts, start = [], 0.0
    for kind, number in (
        ("pass", passed), ("known", known), ("bad", bad), ("unsupported", unsupported), ("missing", missing),
    ):  # fmt: skip
        if number:
            width = max(round(100 * number / total, 1), 2 if kind in ("bad", "missing") else 0)
            parts.append((kind, min(start, 98), width))
            start += width
    return Share(text, ", ".join(words), parts)
