"""Known defects of runtimes: failures that are expected, as the lists say that runtimes have in their folders (`FILE`)
and that a user gives.

A list is strict both ways. A listed failure that does not come, or comes with another message, fails
the run, and so does an entry that matches nothing (`linmem.results.known_check`); each says which line to change.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from linmem import paths
from linmem.results.case import Case
from linmem.results.verdict import KnownFailure
from linmem.scenario.source import Map, SourceError
from linmem.scenario.source import parse as parse_yaml
from linmem.scenario.source import read as read_yaml
from linmem.schema import Schema, line_of

FILE = "known.yaml"  # in a runtime's folder
_ALL = SpecifierSet()
_REGEX_BYTES = 1 << 20  # that a compiled regular expression may take
SCHEMA = Schema(Path(__file__).with_name("known.schema.json"), {"": "an entry"})


class KnownError(Exception):
    """The list can't be used: one line, ``file:line: what is wrong``."""


class Engine(NamedTuple):
    """A runtime as entries speak of it; ``name`` is its bare name."""

    name: str
    variant: str | None = None
    version: str | None = None


@functools.cache
def _own_suites() -> dict[str, str]:
    """The paths of the suites that come with linmem, by file name."""
    return {file.name: file.relative_to(paths.ROOT).as_posix() for file in paths.SUITES.rglob("*.yaml")}


def name_of_suite(path: str) -> str:
    """How an entry names the suite at `path`: by its file name, unless that means another one."""
    name = path.rpartition("/")[2]
    return name if _own_suites().get(name, path) == path else path


@dataclass(frozen=True)
class ScenarioPattern:
    """Scenarios that an entry is about: a suite's file name or path, and a slug; both may be patterns (`matches`)."""

    suite: str
    scenario: str

    @property
    def pattern(self) -> bool:
        """Whether it may name more than one scenario."""
        return any(character in self.suite + self.scenario for character in "*?")

    def in_suite(self, path: str) -> bool:
        """Whether its suite, given by file name or by path, is the one at `path`. The bare name of a suite that comes
        with linmem means that one, so no list speaks of a user's file by chance.
        """
        if self.suite in _own_suites():
            return path == _own_suites()[self.suite]
        return matches(self.suite, path) or matches(f"*/{self.suite}", path)

    def names(self, slug: str) -> bool:
        """Whether it names this scenario, if the suite is the right one."""
        return matches(self.scenario, slug)


@dataclass(frozen=True)
class KnownDefect:
    """One entry. What it leaves out (variant, versions, guests, views, message) covers all."""

    file: str
    line: int
    targets: tuple[ScenarioPattern, ...]
    runtime: str
    variant: str | None
    versions: SpecifierSet
    reason: str
    outcome: str | None = "fail"  # None: any failure; `linmem.results.verdict.SOMETIMES`: that, or a pass
    guests: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    message: str | None = None
    link: str | None = None

    def covers(self, case: Case, engine: Engine) -> bool:
        """Whether the entry expects that a case fails on its runtime."""
        return (
            any(target.names(case.scenario) and target.in_suite(case.suite) for target in self.targets)
            and self.on_runtime(engine)
            and (not self.guests or any(matches(pattern, case.guest) for pattern in self.guests))
            and (not self.views or any(matches(pattern, case.view) for pattern in self.views))
        )

    def in_suite(self, path: str) -> bool:
        """Whether it speaks of scenarios of the suite at `path`."""
        return any(target.in_suite(path) for target in self.targets)

    def on_runtime(self, engine: Engine) -> bool:
        """Whether it speaks of this runtime. A version that can't be read is in no range, so it hides nothing."""
        if self.runtime != engine.name or self.variant not in (None, engine.variant):
            return False
        if not len(self.versions):
            return True
        try:
            return self.versions.contains(Version(engine.version or ""), prereleases=True)
        except InvalidVersion:
            return False

    @property
    def failure(self) -> KnownFailure:
        """The entry as a result carries it."""
        return KnownFailure(self.file, self.line, self.reason, self.link, self.outcome, self.message)


class KnownDefects:
    """The whole list, to be asked about one case after the other."""

    def __init__(self, entries: Sequence[KnownDefect]) -> None:
        self.entries = entries
        self._near: dict[tuple[str, Engine], list[KnownDefect]] = {}  # by suite and runtime

    def covering(self, case: Case, engine: Engine) -> KnownDefect | None:
        """The first entry that covers a case: what stands further up goes first."""
        near = self._near.get((case.suite, engine))
        if near is None:
            near = [entry for entry in self.entries if entry.in_suite(case.suite) and entry.on_runtime(engine)]
            self._near[case.suite, engine] = near
        return next((entry for entry in near if entry.covers(case, engine)), None)

    def of_other_versions(self, case: Case, engine: Engine) -> KnownDefect | None:
        """The first entry that covers a case on other versions of its runtime."""
        return next((entry for entry in self.entries if replace(entry, versions=_ALL).covers(case, engine)), None)


def matches(pattern: str, name: str | None) -> bool:
    """Whether a name is what a pattern says: ``*`` stands for any characters, ``?`` for one, all else for itself."""
    if name is None or pattern == name:
        return name is not None
    return ("*" in pattern or "?" in pattern) and fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def held_against(known: KnownFailure, message: str) -> KnownFailure:
    """The entry of a result whose message is known now: whether it is the failure that the entry speaks of."""
    return msgspec.structs.replace(known, fits=known.message is None or _speaks_of(known.message, message))


def _speaks_of(expected: str, message: str) -> bool:
    if _is_regex(expected):
        return _regex(expected[1:-1]).is_valid(message.encode(errors="replace").decode())
    return " ".join(expected.split()) in " ".join(message.split())


@functools.lru_cache(maxsize=1024)
def _regex(pattern: str) -> jsonschema_rs.Validator:
    """Says whether a text holds a match, in time that grows with the text's length only, whatever the pattern is.
    Raises `ValueError`.
    """
    engine = jsonschema_rs.RegexOptions(size_limit=_REGEX_BYTES)
    return jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=engine)


def _is_regex(expected: str) -> bool:
    return len(expected) > 2 and expected[0] == expected[-1] == "/"


def load(path: Path, text: str | None = None) -> list[KnownDefect]:
    """The list at `path`, or of a `text` that is to stand there. Raises `KnownError`."""
    name = paths.shown(path)
    try:
        return _defects(read_yaml(path, name) if text is None else parse_yaml(text, name), name)
    except SourceError as error:
        if error.message == "is empty":  # the last entry was deleted, only comments are left
            return []
        raise KnownError(str(error)) from None


def _defects(entries: Any, file: str) -> list[KnownDefect]:
    for fault in SCHEMA.faults(entries):
        raise SourceError(file, line_of(entries, fault.path), fault.message)
    defects = [_defect(entries.lines[number], entry) for number, entry in enumerate(entries)]
    first: dict[KnownDefect, int] = {}
    for defect in defects:
        line = first.setdefault(replace(defect, line=0, reason="", link=None, outcome=""), defect.line)
        if line != defect.line:
            raise SourceError(file, defect.line, f"is the same entry as in line {line}: delete one of them")
    return defects


def load_all(paths: Iterable[Path]) -> list[KnownDefect]:
    """The entries of several lists, in their order. Raises `KnownError`."""
    return [entry for path in paths for entry in load(path)]


def _defect(line: int, entry: Map) -> KnownDefect:
    name, _, versions = entry["runtime"].partition("@")
    runtime, _, variant = name.partition(":")
    try:
        covered = SpecifierSet(f"=={versions}" if versions[:1].isdigit() else versions)
    except InvalidSpecifier:
        problem = f"'@{versions}' is no version or range of versions; write '@50.0.1', '@>=50' or '@>=49,<51'"
        raise entry.error(problem, "runtime") from None
    message = entry.get("message")
    if message is not None and _is_regex(message):
        try:
            _regex(message[1:-1])
        except ValueError:
            problem = _wrong_with(message[1:-1])
            raise entry.error(f"'message' is no regular expression{problem}", "message") from None
    return KnownDefect(
        file=entry.file,
        line=line,
        targets=tuple(ScenarioPattern(*text.split("::", 1)) for text in _listed(entry["scenario"])),
        runtime=runtime,
        variant=variant or None,
        versions=covered,
        reason=" ".join(entry["reason"].split()),
        outcome=None if entry.get("outcome") == "any" else entry.get("outcome", "fail"),
        guests=_listed(entry.get("guest")),
        views=_listed(entry.get("view")),
        message=message,
        link=entry.get("link"),
    )


def _wrong_with(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        return f": {error}"
    return " that can be searched in limited time: leave out look-arounds, references back, and large repetitions"


def _listed(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """What may be given as one text or as a list of them."""
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)
