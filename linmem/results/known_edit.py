"""Keep the list of known defects: find entries that have had their day, delete them, add new ones.

The file is edited as text, so that its comments and its form stay; what comes out is read back before it replaces the
file.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from packaging.version import InvalidVersion, Version

from linmem.results import known, verdict
from linmem.results.atomic import replace
from linmem.results.document import Report, RuntimeEntry
from linmem.results.known import Engine, KnownDefect, KnownDefects, KnownError
from linmem.results.outcome import Result
from linmem.text import one_line, plural

LONGEST = 160  # characters of a message that a new entry quotes

State = Literal["stale", "too wide", "other", "shadowed", "by chance", "comes", "not judged"]
"""What a run tells of an entry.

``stale``: none of its cases failed. ``too wide``: some failed as it says, others did not. ``other``: they failed, but
otherwise. ``shadowed``: entries further up cover all its cases. ``by chance``: it says ``sometimes``, and this time
nothing failed. ``comes``: all is as it says. ``not judged``: the run has no case of it.
"""


@dataclass(frozen=True)
class Judged:
    """An entry and what a run tells of it; ``cases`` are the ids that speak against it."""

    entry: KnownDefect
    state: State
    cases: tuple[str, ...] = ()
    count: int = 0

    @property
    def deletable(self) -> bool:
        """Whether the entry can go as it stands."""
        return self.state in ("stale", "shadowed")

    @property
    def wrong(self) -> bool:
        """Whether something has to be done about it."""
        return self.state in ("stale", "too wide", "other", "shadowed")


def judged(entries: Sequence[KnownDefect], report: Report) -> list[Judged]:
    """What a complete run tells of each entry."""
    table = KnownDefects(entries)
    own: dict[KnownDefect, list[Result]] = defaultdict(list)
    covered: set[KnownDefect] = set()
    runtimes = {runtime.label: runtime for runtime in report.runtimes}
    for result in report.results:
        runtime = runtimes[result.runtime]
        case, engine = result.case, Engine(runtime.name, runtime.variant, result.version)
        entry = table.covering(case, engine)
        if entry is None:
            continue
        own[entry].append(result)
        covered.update(other for other in entries if other is not entry and other.covers(case, engine))
    return [_judged(entry, own.get(entry, []), entry in covered) for entry in entries]


def _judged(entry: KnownDefect, results: Sequence[Result], covered: bool) -> Judged:
    if not results:
        return Judged(entry, "shadowed" if covered else "not judged")
    came, passed, other = 0, list[str](), list[str]()
    for result in results:
        fitting = known.held_against(entry.failure, result.message)
        if verdict.judge(result.outcome, fitting) == "known defect":
            came += 1
        else:
            (passed if result.outcome in ("pass", "unsupported") else other).append(result.id)
    if other:
        return Judged(entry, "other", tuple(other), len(results))
    if not passed or entry.outcome == verdict.SOMETIMES:
        return Judged(entry, "comes" if came else "by chance", (), len(results))
    return Judged(entry, "too wide" if came else "stale", tuple(passed), len(results))


def lines(found: Sequence[Judged], run: str) -> list[str]:
    """What has to be done about entries, one line each and one for each case, and a sum."""
    said: list[str] = []
    for item in found:
        place = f"{item.entry.file}:{item.entry.line}"
        if item.state == "stale":
            none = f"none of its {item.count:,} cases fails" if item.count > 1 else "its case does not fail"
            said.append(f"{place}: delete it: {none} any more ({item.entry.reason})")
        elif item.state == "shadowed":
            said.append(f"{place}: delete it: entries further up cover all its cases")
        elif item.state == "too wide":
            said.append(f"{place}: narrow it: of {plural(item.count, 'case')} these no longer fail:")
        elif item.state == "other":
            said.append(f"{place}: correct it: of {plural(item.count, 'case')} these fail otherwise than it says:")
        if item.state in ("too wide", "other"):
            said += [f"    {id_}" for id_ in item.cases]
    counts = Counter(item.state for item in found)
    rest = [f"{counts['comes']:,} as they say"]
    rest += [f"{counts['by chance']:,} by chance, which did not fail this time"] if counts["by chance"] else []
    rest += [f"{counts['not judged']:,} about what {run} did not play"] if counts["not judged"] else []
    wrong = sum(item.wrong for item in found)
    said.append(f"{plural(wrong, 'entry').replace('entrys', 'entries')} to look at; {', '.join(rest)}")
    return said


# ------------------------------------------------------------------- deleting


def delete(path: Path, entries: Iterable[KnownDefect]) -> None:
    """Delete entries, with the comment above one that had it for itself. Raises `KnownError`."""
    doomed = sorted({entry.line for entry in entries}, reverse=True)
    before = known.load(path)
    text = path.read_text(encoding="utf-8").splitlines()
    for line in doomed:
        _cut(text, line - 1)
    wanted = [entry for entry in before if entry.line not in doomed]
    while text and not text[-1]:
        text.pop()
    if not wanted:
        text.append("[]")
    _write(path, "\n".join(text) + "\n", wanted)


def _cut(text: list[str], start: int) -> None:
    end = start + 1
    while end < len(text) and (text[end].startswith((" ", "\t")) or (not text[end] and _goes_on(text, end))):
        end += 1
    alone = end == len(text) or not text[end].strip()
    above = start
    while above > 0 and text[above - 1].startswith("#"):
        above -= 1
    if alone and 0 < above < start and not text[above - 1].strip():
        start = above
    if alone and end < len(text) and (start == 0 or not text[start - 1].strip()):
        end += 1
    del text[start:end]


def _goes_on(text: Sequence[str], blank: int) -> bool:
    """Whether an entry goes on after a blank line, as a folded reason may."""
    rest = next((line for line in text[blank:] if line), "")
    return rest.startswith((" ", "\t"))


# --------------------------------------------------------------------- adding


def entries(report: Report, wanted: Sequence[str], reason: str | None, link: str | None) -> list[dict[str, Any]]:
    """New entries for cases by their ids, or for every failure that is not listed. Raises `KnownError`.

    View kinds and versions with which a scenario failed in the same way share an entry, which covers versions as
    `_versions` says. Without a reason, the message stands for it.
    """
    runtimes = {runtime.label: runtime for runtime in report.runtimes}
    places: dict[tuple[Any, ...], list[Result]] = defaultdict(list)
    for result in report.results:
        places[_place(result, runtimes)].append(result)
    results = {result.id: result for result in report.results}
    for id_ in wanted:
        if id_ not in results:
            raise KnownError(f"the report has no case {id_}: give an id as reports and pytest show it")
    chosen = [results[id_] for id_ in dict.fromkeys(wanted)] if wanted else list(results.values())
    alike: dict[tuple[Any, ...], list[Result]] = defaultdict(list)
    for result in chosen:
        status = verdict.status(result.outcome, result.known)
        if not wanted and status not in ("fail", "crash", "timeout"):
            continue
        if result.known is not None:
            raise KnownError(f"{result.id} is covered by {result.known.place} already: edit that entry")
        if result.outcome not in ("fail", "crash", "timeout"):
            raise KnownError(f"{result.id} has outcome '{result.outcome}': only a failure can be a known defect")
        place = _place(result, runtimes)
        runtime = place[0] + _versions(result, places[place])
        key = result.suite, result.scenario, runtime, result.guest, result.outcome, result.message
        alike[key].append(result)
    return [_entry(found, key[2], reason, link) for key, found in alike.items()]


def _place(result: Result, runtimes: Mapping[str, RuntimeEntry]) -> tuple[str, ...]:
    """A runtime as an entry names it, and the rest of a case: what is played once on each version."""
    runtime = runtimes[result.runtime]
    name = f"{runtime.name}:{runtime.variant}" if runtime.variant else runtime.name
    return name, result.suite, result.scenario, result.guest or "", result.view or ""


def _versions(result: Result, everywhere: Iterable[Result]) -> str:
    """Which versions an entry covers, as it follows its runtime's name: all, but for those that came out otherwise.

    An entry that is too wide fails the run that shows it, with a line that says so. One that is too narrow would make
    an older version's same failure look like a new one.
    """
    try:
        played = {Version(item.version or ""): _came(item) == _came(result) for item in everywhere}
        own = Version(result.version or "")
    except InvalidVersion:
        return ""
    below = max((version for version, same in played.items() if version < own and not same), default=None)
    above = min((version for version, same in played.items() if version > own and not same), default=None)
    limits = [f">={min(version for version in played if version > below)}"] if below else []
    limits += [f"<{above}"] if above else []
    return f"@{','.join(limits)}" if limits else ""


def _came(result: Result) -> tuple[str, str]:
    return result.outcome, result.message


def _entry(found: Sequence[Result], runtime: str, reason: str | None, link: str | None) -> dict[str, Any]:
    first = found[0]
    entry: dict[str, Any] = {"scenario": f"{known.name_of_suite(first.suite)}::{first.scenario}", "runtime": runtime}
    views = list(dict.fromkeys(result.view for result in found if result.view is not None))
    if first.guest is not None:
        entry["guest"] = first.guest
    if views:
        entry["view"] = views if len(views) > 1 else views[0]
    if first.outcome != "fail":
        entry["outcome"] = first.outcome
    message = first.message[:LONGEST].strip()
    if message and message[0] != "/":
        entry["message"] = message
    entry["reason"] = reason or f"Not looked into yet: {one_line(first.message, 200) or first.outcome}"
    if link:
        entry["link"] = link
    return entry


def add(path: Path, new: Sequence[Mapping[str, Any]]) -> int:
    """Append entries; the line on which the first of them stands. Raises `KnownError`."""
    before, text = (known.load(path), path.read_text(encoding="utf-8")) if path.exists() else ([], "")
    kept = [line for line in text.splitlines() if before or line.strip() != "[]"]
    while kept and not kept[-1].strip():
        kept.pop()
    if kept:
        kept.append("")
    first = len(kept) + 1
    for entry in new:
        kept += _yaml(entry)
    _write(path, "\n".join(kept) + "\n", before, len(new))
    return first


def _yaml(entry: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for key, value in entry.items():
        flow = None if isinstance(value, list) else False
        text = yaml.safe_dump({key: value}, default_flow_style=flow, allow_unicode=True, width=10**9).rstrip("\n")
        lines += text.splitlines()
    return [("  " if number else "- ") + line for number, line in enumerate(lines)]


def _write(path: Path, text: str, kept: Sequence[KnownDefect], added: int = 0) -> None:
    """Put the new text in the file's place, if it holds what it should."""
    try:
        after = known.load(path, text)
    except KnownError as error:
        raise KnownError(f"{path}: would be unusable afterwards, so it stays as it is: {error}") from None
    if len(after) != len(kept) + added or _contents(after[: len(kept)]) != _contents(kept):
        raise KnownError(f"{path}: can't be edited by this command, so it stays as it is: edit it by hand")
    replace(path, text.encode())


def _contents(entries: Sequence[KnownDefect]) -> list[KnownDefect]:
    return [dataclasses.replace(entry, file="", line=0) for entry in entries]
