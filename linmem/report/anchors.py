"""The addresses of a report's parts: made of names, so that a link means the same in the next run's report."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from linmem.results.document import RuntimeEntry, SuiteEntry

VIEWS = ("conformance", "portability", "differences", "failures", "environment")
_RESERVED = {*VIEWS, "failure", "observed", "known", "main"}


def words(text: str) -> str:
    """`text` as a part of an address: what may stand in a URL's fragment as it is."""
    return re.sub(r"[^\w.:@~-]+", "-", text) or "-"


def unique(texts: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Each of `texts` as a part of an address that no other has."""
    given: list[str] = []
    used = set(taken)
    for text in texts:
        name = plain = words(text)
        number = 2
        while name in used:
            name, number = f"{plain}~{number}", number + 1
        used.add(name)
        given.append(name)
    return given


def of_suites(suites: Iterable[SuiteEntry]) -> dict[str, str]:
    """By a suite's path, its address: its file's name, or its whole path where two have the same name."""
    paths = [suite.path for suite in suites]
    stems = [PurePosixPath(path).stem for path in paths]
    shown = [stem if stems.count(stem) == 1 else path for stem, path in zip(stems, paths, strict=True)]
    return dict(zip(paths, unique(shown, _RESERVED), strict=True))


def of_columns(columns: Iterable[RuntimeEntry]) -> dict[str, str]:
    """By a runtime's label, its address."""
    labels = [runtime.label for runtime in columns]
    return dict(zip(labels, unique(labels), strict=True))
