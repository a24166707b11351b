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
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import yaml

from linmem.compare.snapshot import Column, Snapshot
from linmem.results.case import Case
from linmem.results.case_result import BY_CHANCE, CaseResult

FORMAT = "linmem-baseline/1"
STATES = ("pass", "unsupported", "known", BY_CHANCE, "fail", "timeout", "crash", "error")
_HEAD = """\
# What linmem found, for later runs to be held against (docs/comparing.md). It is written by
#   linmem gate RUN --record-baseline FILE      or by      linmem run --record-baseline=FILE
"""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*")
_BREAKS = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")  # what YAML takes for the end of a line, or refuses
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
        yield f"      {state}: {_tokens(states[state])}"
    if answers:
        yield "      answers:"
    for question in sorted(answers):
        yield f"        {_scalar(question)}:"
        for answer in sorted(answers[question]):
            yield f"          {_scalar(answer)}: {_tokens(answers[question][answer])}"


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


def _scalar(text: str) -> str:
    """Text as YAML has it on one line: plain where that is safe, else in quotes."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    quoted = json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)
    return _BREAKS.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


# --------------------------------------------------------------------- reading


def load(path: Path) -> Snapshot:
    """Read a baseline back. Raises `BaselineError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        how = f"linmem gate RUN --record-baseline {path}, or linmem run --record-baseline={path}"
        raise BaselineError(f"{path}: there is no such baseline; record one: {how}") from None
    except OSError as error:
        raise BaselineError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BaselineError(f"{path}: is no UTF-8 text") from None
    try:
        node = yaml.compose(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BaselineError(f"{path}:{line}: is not YAML: {error.problem} (left over from a merge?)") from None
    except yaml.YAMLError as error:
        raise BaselineError(f"{path}: is not YAML: {str(error).splitlines()[0]}") from None
    return _BaselineReader(path).snapshot(node)


class _BaselineReader:
    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, node: Any, message: str) -> BaselineError:
        return BaselineError(
            f"{self.path}:{node.start_mark.line + 1}: {message}" if node else f"{self.path}: {message}"
        )

    def mapping(self, node: Any, what: str) -> Iterator[tuple[str, Any]]:
        """Keys and values; a key that stands twice, as after a merge gone wrong, is an error."""
        if not isinstance(node, yaml.MappingNode):
            raise self.fail(node, f"{what} must be a mapping: it is no linmem baseline, or a damaged one")
        seen: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.fail(key, "a key must be a word")
            line = key.start_mark.line + 1
            if key.value in seen:
                raise self.fail(key, f"'{key.value}' stands twice, first in line {seen[key.value]}: merge the two")
            seen[key.value] = line
            yield key.value, value

    def snapshot(self, node: Any) -> Snapshot:
        top = dict(self.mapping(node, "the file"))
        form = getattr(top.get("format"), "value", None)
        if form != FORMAT:
            raise self.fail(top.get("format") or node, f"has format {form!r}; this linmem reads '{FORMAT}'")
        for key in ("runtimes", "suites", "end"):
            if key not in top:
                raise self.fail(node, f"has no '{key}': it is damaged, or was cut off")
        columns = [Column(label, value.value or None) for label, value in self.mapping(top["runtimes"], "'runtimes'")]
        labels = {column.label for column in columns}
        cases: dict[Case, CaseResult] = {}
        for suite, scenarios in self.mapping(top["suites"], "'suites'"):
            for slug, parts in self.mapping(scenarios, f"'{suite}'"):
                cases.update(self.scenario(suite, slug, parts, labels))
        return Snapshot(columns, cases)

    def scenario(self, suite: str, slug: str, node: Any, labels: set[str]) -> dict[Case, CaseResult]:
        found: dict[Case, CaseResult] = {}
        answers: dict[Case, dict[str, str]] = defaultdict(dict)
        for key, value in self.mapping(node, f"'{slug}'"):
            if key == "answers":
                for question, given in self.mapping(value, "'answers'"):
                    for answer, who in self.mapping(given, f"'{question}'"):
                        for case in self.who(suite, slug, who, labels):
                            if question in answers[case]:
                                raise self.fail(who, f"{case.id} answers '{question}' twice")
                            answers[case][question] = answer
                continue
            if key not in STATES:
                raise self.fail(value, f"'{key}' is no outcome; there are {', '.join(STATES)}")
            for case in self.who(suite, slug, value, labels):
                if case in found:
                    raise self.fail(value, f"{case.id} stands under two outcomes")
                found[case] = CaseResult(key, answers=answers[case])
        lost = next((case for case in answers if case not in found), None)
        if lost is not None:
            raise self.fail(node, f"{lost.id} has an answer and no outcome")
        return found

    def who(self, suite: str, slug: str, node: Any, labels: set[str]) -> Iterator[Case]:
        text = node.value if isinstance(node, yaml.ScalarNode) else ""
        end = 0
        for match in _TOKEN.finditer(text):
            if match.start() != end:
                break
            end = match.end()
            label, inside = match[1], match[2]
            if label not in labels:
                raise self.fail(node, f"'{label}' is not among the 'runtimes' of this baseline")
            for word in ["-"] if inside is None else inside.split():
                guest, dot, view = ("", "", "") if word == "-" else word.partition(".")
                yield Case(suite, slug, label, unquote(guest) if guest else None, unquote(view) if dot else None)
        if not text or end != len(text):
            raise self.fail(node, f"{text[end:]!r:.40} names no runtimes, as in 'node[go wat] wasmtime'")
