"""The baseline: what a run found, kept in a file that later runs are held against.

The file is made to live in a repository: sorted, a line for each outcome of a scenario and for each answer, so that two
branches that change different scenarios merge. Cases stand behind what came of them, runtime by runtime::

    suites/memory/growth.yaml:
      wasm-grows-by-one-page:
        pass: node[go wat] wasmer[go wat] wasmtime[go wat]
        answers:
          length-of-an-old-view:
            "0": node[go wat]
            unchanged: wasmer[go wat] wasmtime[go wat]

In brackets stand guests, view kinds (``.DataView``), or both (``go.DataView``); ``-`` is neither.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from linmem import reading
from linmem.compare.snapshot import Column, Snapshot
from linmem.results.case import Case
from linmem.results.case_result import BY_CHANCE, CaseResult
from linmem.scenario import source as yamlsource
from linmem.scenario.source import Map, Where
from linmem.text import printable

FORMAT = "linmem-baseline/1"
MAX_VALUES = 2_000_000
STATES = ("pass", "unsupported", "known", BY_CHANCE, "fail", "timeout", "crash", "error")
_HEAD = """\
# What linmem found, for later runs to be held against (docs/comparing.md). It is written by
#   linmem gate RUN --record-baseline FILE      or by      linmem run --record-baseline=FILE
"""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_TOKEN = re.compile(r"([^\s\[\]]+)(?:\[([^\[\]]*)\])?(?:\s+|$)")


class BaselineError(Exception):
    """The file can't be used: one line, ``file:line: what is wrong``."""


# --------------------------------------------------------------------- writing


def dump(snapshot: Snapshot) -> str:
    """The file for a snapshot, whose answers must be short already (`Snapshot.shortened`)."""
    used = {case.runtime for case in snapshot.cases}
    lines = [_HEAD, f"format: {FORMAT}", "runtimes:"]
    for column in sorted(snapshot.columns, key=lambda column: column.label):
        if column.label in used:
            lines.append(f"  {_scalar(column.label)}: {json.dumps(column.version or '')}")
    lines.append("suites:")
    suites: dict[str, dict[str, dict[Case, CaseResult]]] = defaultdict(lambda: defaultdict(dict))
    for case, found in snapshot.cases.items():
        suites[case.suite][case.scenario][case] = found
    for path in sorted(suites):
        lines.append(f"  {_scalar(path)}:")
        for slug in sorted(suites[path]):
            lines += _scenario(slug, suites[path][slug])
    lines.append("end: of the baseline")  # a file that was cut off has none
    return "\n".join(lines) + "\n"


def _scenario(slug: str, found: Mapping[Case, CaseResult]) -> Iterator[str]:
    yield f"    {_scalar(slug)}:"
    states: dict[str, list[Case]] = defaultdict(list)
    answers: dict[str, dict[str, list[Case]]] = defaultdict(lambda: defaultdict(list))
    for case, came in found.items():
        states[came.state].append(case)
        for question, answer in came.answers.items():
            answers[question][answer].append(case)
    for state in sorted(states, key=STATES.index):
        yield f"      {state}: {_shown(_tokens(states[state]))}"
    if answers:
        yield "      answers:"
    for question in sorted(answers):
        yield f"        {_scalar(question)}:"
        for answer in sorted(answers[question]):
            yield f"          {_scalar(answer)}: {_shown(_tokens(answers[question][answer]))}"


def _tokens(cases: Iterable[Case]) -> str:
    runtimes: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        runtimes[case.runtime].append(_token(case))
    words = []
    for label in sorted(runtimes):
        inside = sorted(runtimes[label])
        words.append(label if inside == ["-"] else f"{label}[{' '.join(inside)}]")
    return " ".join(words)


def _token(case: Case) -> str:
    guest = quote(case.guest, safe="+@:").replace(".", "%2E") if case.guest is not None else ""
    view = f".{quote(case.view, safe='+@:')}" if case.view is not None else ""
    return guest + view or "-"


def _shown(tokens: str) -> str:
    return tokens if printable(tokens) == tokens else _quoted(tokens)


def _scalar(text: str) -> str:
    """Text as YAML has it on one line: plain where that is safe, else in quotes."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    quoted = json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)
    return printable(quoted)  # YAML has the same escapes


# --------------------------------------------------------------------- reading


def load(path: Path) -> Snapshot:
    """Read a baseline back. Raises `BaselineError`."""
    shown = str(path)
    try:
        text = reading.read_text(path, reading.MAX_RUN)
        data = yamlsource.parse(text, shown, limit=MAX_VALUES, typed=False)
    except reading.Unreadable as error:
        if error.missing:
            how = f"linmem gate RUN --record-baseline {path}, or linmem run --record-baseline={path}"
            raise BaselineError(f"{path}: there is no such baseline; record one: {how}") from None
        raise BaselineError(f"{path}: {error}") from None
    except yamlsource.SourceError as error:
        hint = " (left over from a merge?)" if "is not YAML" in error.message else ""
        raise BaselineError(f"{error}{hint}") from None
    try:
        return _BaselineReader(shown).snapshot(data)
    except yamlsource.SourceError as error:
        raise BaselineError(str(error)) from None


class _BaselineReader:
    def __init__(self, shown: str) -> None:
        self.shown = shown

    def mapping(self, data: Any, what: str, where: Where) -> Map:
        if not isinstance(data, Map):
            raise where.error(f"{what} must be a mapping: it is no linmem baseline, or a damaged one")
        return data

    def snapshot(self, data: Any) -> Snapshot:
        top = self.mapping(data, "the file", Where(self.shown, 1))
        form = top.get("format")
        if form != FORMAT:
            raise top.error(f"has format {form!r}; this linmem reads '{FORMAT}'", "format")
        for key in ("runtimes", "suites", "end"):
            if key not in top:
                raise top.error(f"has no '{key}': it is damaged, or was cut off")
        runtimes = self.mapping(top["runtimes"], "'runtimes'", top.where("runtimes"))
        columns = [Column(label, version or None) for label, version in runtimes.items()]
        cases: dict[Case, CaseResult] = {}
        suites = self.mapping(top["suites"], "'suites'", top.where("suites"))
        for suite, scenarios in suites.items():
            scenarios = self.mapping(scenarios, f"'{suite}'", suites.where(suite))
            for slug, parts in scenarios.items():
                parts = self.mapping(parts, f"'{slug}'", scenarios.where(slug))
                cases.update(self.scenario(suite, slug, parts, runtimes.keys()))
        return Snapshot(columns, cases)

    def scenario(self, suite: str, slug: str, data: Map, labels: Collection[str]) -> dict[Case, CaseResult]:
        found: dict[Case, CaseResult] = {}
        answers: dict[Case, dict[str, str]] = defaultdict(dict)
        for key in data:
            if key == "answers":
                questions = self.mapping(data[key], "'answers'", data.where(key))
                for question in questions:
                    given = self.mapping(questions[question], f"'{question}'", questions.where(question))
                    for answer in given:
                        for case in self.who(suite, slug, given, answer, labels):
                            if question in answers[case]:
                                raise given.error(f"{case.id} answers '{question}' twice", answer)
                            answers[case][question] = answer
                continue
            if key not in STATES:
                raise data.error(f"'{key}' is no outcome; there are {', '.join(STATES)}", key)
            for case in self.who(suite, slug, data, key, labels):
                if case in found:
                    raise data.error(f"{case.id} stands under two outcomes", key)
                found[case] = CaseResult(key, answers=answers[case])
        lost = next((case for case in answers if case not in found), None)
        if lost is not None:
            raise data.error(f"{lost.id} has an answer and no outcome")
        return found

    def who(self, suite: str, slug: str, holder: Map, key: str, labels: Collection[str]) -> Iterator[Case]:
        text = holder[key] if isinstance(holder[key], str) else ""
        end = 0
        for match in _TOKEN.finditer(text):
            if match.start() != end:
                break
            end = match.end()
            label, inside = match[1], match[2]
            if label not in labels:
                raise holder.error(f"'{label}' is not among the 'runtimes' of this baseline", key)
            for word in ["-"] if inside is None else inside.split():
                guest, dot, view = ("", "", "") if word == "-" else word.partition(".")
                yield Case(suite, slug, label, unquote(guest) if guest else None, unquote(view) if dot else None)
        if not text or end != len(text):
            raise holder.error(f"{text[end:]!r:.40} names no runtimes, as in 'node[go wat] wasmtime'", key)
