"""The words of a run's command line, as its record keeps them."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def options(command: Sequence[str], wanted: Collection[str]) -> list[str]:
    """The `wanted` options of a command line, each as ``--option=value``."""
    found = (word.partition("=") for word in joined(command, wanted))
    return ["".join(parts) for parts in found if parts[0] in wanted and parts[1]]


def joined(words: Sequence[str], options: Collection[str]) -> list[str]:
    """A command line with the values of these options behind ``=``, not behind a space."""
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        value = next(rest, None) if word in options else None
        found.append(word if value is None else f"{word}={value}")
    return found
