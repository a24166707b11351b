"""Known defects of runtimes: failures that are expected, listed in ``reports/known.yaml``.

The list is strict both ways. A listed failure that does not come fails the run, and so does an entry that matches
nothing; each says which line to change.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from suites.yamlsource import SourceError
from suites.yamlsource import read as read_yaml

SCHEMA = Path(__file__).with_name("known.schema.json")


_TYPES = {"array": "a list", "object": "a mapping", "string": "text"}


class KnownError(Exception):
    """The list can't be used: one line, ``file:line: what is wrong``."""


class Case(NamedTuple):
    """One collected item, as far as entries of the list tell items apart."""

    suite: str
    scenario: str
    runtime: str
    """The runtime's bare name."""
    variant: str | None
    version: str | None
    guest: str | None
    view: str | None


@dataclass(frozen=True)
class KnownDefect:
    """One entry. What it leaves out (variant, versions, guest, view) covers all."""

    file: str
    line: int
    suite: str
    scenario: str
    runtime: str
    variant: str | None
    versions: SpecifierSet
    reason: str
    outcome: str | None = "fail"  # None: any failure
    guest: str | None = None
    view: str | None = None
    link: str | None = None

    def covers(
        self,
        suite: str,
        scenario: str,
        runtime_name: str,
        variant: str | None,
        version: str | None,
        guest: str | None,
        view: str | None,
    ) -> bool:
        """Whether the entry expects that this case fails."""
        return (
            self.scenario == scenario
            and self.in_suite(suite)
            and self.on_runtime(runtime_name, variant, version)
            and self.guest in (None, guest)
            and self.view in (None, view)
        )

    def in_suite(self, path: str) -> bool:
        """Whether its suite, given by file name or by path, is the one at `path`."""
        return path == self.suite or path.endswith(f"/{self.suite}")

    def on_runtime(self, name: str, variant: str | None, version: str | None) -> bool:
        """Whether it speaks of this runtime. A version that can't be read is in no range, so it hides nothing."""
        if self.runtime != name or self.variant not in (None, variant):
            return False
        if not len(self.versions):
            return True
        try:
            return self.versions.contains(Version(version or ""), prereleases=True)
        except InvalidVersion:
            return False


def load(path: Path) -> list[KnownDefect]:
    """Read the list at `path`. Raises `KnownError`."""
    relative = os.path.relpath(path)
    shown = str(path) if relative.startswith("..") else relative
    try:
        entries = read_yaml(path, shown)
    except SourceError as error:
        if error.message == "is empty":  # the last entry was deleted, only comments are left
            return []
        raise KnownError(str(error)) from None
    found = [(_line(entries, list(problem.absolute_path)), problem) for problem in _validator().iter_errors(entries)]
    if found:
        line, problem = min(found, key=lambda item: item[0])
        raise KnownError(f"{shown}:{line}: {_words(problem)}")
    defects = [_defect(shown, entries.lines[number], entry) for number, entry in enumerate(entries)]
    first: dict[KnownDefect, int] = {}
    for defect in defects:
        key = replace(defect, line=0, reason="", link=None, outcome="")
        if key in first:
            raise KnownError(f"{shown}:{defect.line}: is the same entry as in line {first[key]}: delete one of them")
        first[key] = defect.line
    return defects


@lru_cache(maxsize=1)
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _line(data: Any, path: Sequence[str | int]) -> int:
    """The line of the innermost key or item of `path` that has one."""
    line = getattr(data, "line", 1)
    for part in path:
        lines = getattr(data, "lines", None)
        line = lines[part] if lines is not None else line
        data = data[part]
    return int(line)


def _words(problem: Any) -> str:
    """A schema's finding in words that name the way out."""
    keys = list(problem.schema.get("properties", ()))
    if problem.validator == "additionalProperties":
        wrong = next(key for key in problem.instance if key not in keys)
        near = difflib.get_close_matches(wrong, keys, 1)
        return f"unknown key '{wrong}'" + (
            f"; did you mean '{near[0]}'?" if near else f"; the keys are {', '.join(keys)}"
        )
    if problem.validator == "required":
        absent = next(key for key in problem.validator_value if key not in problem.instance)
        return f"the entry has no '{absent}'"
    place = problem.absolute_path[-1] if problem.absolute_path else None
    what = f"'{place}'" if isinstance(place, str) else "an entry" if place is not None else "the file"
    if problem.validator == "type":
        return f"{what} must be {_TYPES[problem.validator_value]}, not {problem.instance!r:.60}"
    if problem.validator == "enum":
        return f"{what} must be one of {', '.join(problem.validator_value)}, not {problem.instance!r:.60}"
    hint = problem.schema.get("description", problem.message)
    return f"{what} is {problem.instance!r:.80}, but must be {hint}"


def _defect(shown: str, line: int, entry: Mapping[str, Any]) -> KnownDefect:
    suite, _, scenario = entry["scenario"].partition("::")
    name, _, versions = entry["runtime"].partition("@")
    runtime, _, variant = name.partition(":")
    return KnownDefect(
        file=shown,
        line=line,
        suite=suite,
        scenario=scenario,
        runtime=runtime,
        variant=variant or None,
        versions=_versions(shown, entry.lines["runtime"] if hasattr(entry, "lines") else line, versions),
        reason=" ".join(entry["reason"].split()),
        outcome=None if entry.get("outcome") == "any" else entry.get("outcome", "fail"),
        guest=entry.get("guest"),
        view=entry.get("view"),
        link=entry.get("link"),
    )


def _versions(shown: str, line: int, text: str) -> SpecifierSet:
    exact = f"=={text}" if text[:1].isdigit() else text
    try:
        return SpecifierSet(exact)
    except InvalidSpecifier:
        raise KnownError(
            f"{shown}:{line}: '@{text}' is no version or range of versions; write '@50.0.1', '@>=50' or '@>=49,<51'"
        ) from None


def problems(
    known: Iterable[KnownDefect],
    collected: Iterable[Case],
    runtime_names: Collection[str],
    absent_guests: Collection[str] = (),
) -> list[str]:
    """One line for each entry that can match nothing, because what it names does not exist.

    `collected` are the cases of the collected suites before any selection; `runtime_names` are all bare names that
    are known, in this run or not; `absent_guests` are guests that exist but take no part here. Suites, runtimes and
    versions that are not in this run are no problem.
    """
    cases: dict[str, list[Case]] = {}
    for case in collected:
        cases.setdefault(case.suite, []).append(case)
    found = []
    for defect in known:
        problem = _problem(defect, cases, runtime_names, absent_guests)
        if problem:
            found.append(f"{defect.file}:{defect.line}: {problem}; correct the entry or delete it")
    return found


def _problem(
    defect: KnownDefect,
    cases: Mapping[str, Sequence[Case]],
    runtime_names: Collection[str],
    absent_guests: Collection[str],
) -> str:
    if defect.runtime not in runtime_names:
        return f"there is no runtime '{defect.runtime}'{_near(defect.runtime, runtime_names)}"
    suites = [suite for suite in cases if defect.in_suite(suite)]
    if not suites:
        return ""
    slugs = {case.scenario for suite in suites for case in cases[suite]}
    if defect.scenario not in slugs:
        return f"{suites[0]} has no scenario '{defect.scenario}'{_near(defect.scenario, slugs)}"
    here = [
        case
        for suite in suites
        for case in cases[suite]
        if case.scenario == defect.scenario and defect.on_runtime(case.runtime, case.variant, case.version)
    ]
    if not here:
        return ""
    guests = {case.guest for case in here if case.guest is not None}
    if defect.guest is not None and defect.guest not in guests | set(absent_guests):
        return f"no guest '{defect.guest}' plays '{defect.scenario}' on {defect.runtime}{_near(defect.guest, guests)}"
    views = {case.view for case in here if case.view is not None}
    if defect.view is not None and defect.view not in views:
        near = _near(defect.view, views)
        return f"'{defect.scenario}' is not played with view '{defect.view}' on {defect.runtime}{near}"
    return ""


def _near(word: str, words: Collection[str]) -> str:
    near = difflib.get_close_matches(word, words, 1)
    return f" (did you mean '{near[0]}'?)" if near else ""
