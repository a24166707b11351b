"""The record of a run, ``record.jsonl``: one JSON object a line, written while the run goes.

Every report is built from it, so whatever ends a run, what was done up to then can be reported. Lines are of type
``run`` (first), ``broken`` (a scenario file can't be loaded), ``runtime`` (a driver first answered), ``result``,
``end``, and ``gate`` (last, where the run was held against a baseline).
"""

from __future__ import annotations

import io
import json
import lzma
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import msgspec
from msgspec import Struct

from linmem import reading
from linmem.results import verdict
from linmem.results.case import Case
from linmem.results.document import (
    Broken,
    DriverAnswer,
    GateVerdict,
    GuestEntry,
    HarnessEnvironment,
    RuntimeEntry,
    Selection,
    SuiteEntry,
)
from linmem.results.outcome import Result
from linmem.text import join, plural

FORMAT = 2


class RecordError(Exception):
    """The record can't be used: one line that says which file, where and why."""


class Run(Struct, kw_only=True, tag_field="type", tag="run"):
    """The first line: what the run set out to do."""

    format: int
    linmem: str
    started: str
    command: list[str] = []
    environment: HarnessEnvironment = msgspec.field(default_factory=HarnessEnvironment)
    runtimes: list[RuntimeEntry] = []
    guests: list[GuestEntry] = []
    suites: list[SuiteEntry] = []
    planned: list[Case] = []
    selection: Selection = msgspec.field(default_factory=Selection)


class Answered(DriverAnswer, kw_only=True, tag_field="type", tag="runtime"):
    """A runtime's driver answered for the first time in a process."""


class End(Struct, kw_only=True, tag_field="type", tag="end"):
    """The last line of the run itself: how the run ended, and which cases its selection had left out."""

    finished: str | None = None
    complete: bool = False
    reason: str | None = None
    deselected: list[Case] = []


@dataclass
class Record:
    """A record as read back. ``missing``: planned cases without a result; ``unreadable``: numbers of damaged lines."""

    run: Run
    answered: dict[str, Answered] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    end: End | None = None
    gate: GateVerdict | None = None
    missing: list[Case] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)

    @property
    def incomplete(self) -> str | None:
        """Why the run is incomplete, or None if it is complete."""
        reasons = []
        if self.end is None:
            reasons.append("the run was killed, or has not ended yet")
        elif not self.end.complete:
            reasons.append(self.end.reason or "the run did not finish")
        if self.missing:
            one = len(self.missing) == 1
            verb = "is" if one else "are"
            reasons.append(f"{len(self.missing):,} of {plural(len(self.run.planned), 'planned result')} {verb} missing")
        if self.broken:
            names = join([item.suite for item in self.broken], 3)
            reasons.append(f"{plural(len(self.broken), 'scenario file')} can't be loaded: {names}")
        if self.unreadable:
            lines = ", ".join(map(str, self.unreadable[:5]))
            reasons.append(f"{plural(len(self.unreadable), 'line')} of the record can't be read (line {lines})")
        if self.end is not None and not (self.run.planned or self.results or self.broken):
            reasons.append("no scenario was selected")
        return "; ".join(reasons) or None


class RecordWriter:
    """Writes a record, each line flushed to the operating system, so a killed run loses at most its last line.

    The file is opened once. It takes the place of an older record when its `first` line is written, never before.
    Raises `OSError`.
    """

    def __init__(self, path: Path, first: Mapping[str, Any] | Struct) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            self._file = draft.open("wb")
            self.write(first)
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)

    def write(self, line: Mapping[str, Any] | Struct) -> None:
        """Append one line: a mapping with its ``type``, or a struct that is tagged with it."""
        self._file.write(as_line(line))
        self._file.flush()

    def close(self) -> None:
        """Close the file; the record stays as it is."""
        self._file.close()

    def __enter__(self) -> RecordWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def as_line(line: Mapping[str, Any] | Struct) -> bytes:
    """A line of a record. A lone surrogate in what a runtime said is marked as such."""
    try:
        return msgspec.json.encode(line) + b"\n"
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(line), ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def read(path: Path) -> Record:
    """Read a record back, a torn last line or a damaged one in its midst included. Raises `RecordError`."""
    try:
        with reading.opened(path, reading.MAX_RUN) as file:
            lines = _unpacked(path, file) if path.suffix == ".xz" else file
            record = Record(_first(path, lines.readline()))
            _rest(record, lines)
    except reading.Unreadable as error:
        raise RecordError(f"{path}: {error}") from None
    except OSError as error:
        raise RecordError(f"{path}: can't be read: {error.strerror}") from None
    done = {result.case for result in record.results}
    record.missing = [planned for planned in record.run.planned if planned not in done]
    return record


def _unpacked(path: Path, file: IO[bytes]) -> IO[bytes]:
    """The record in a file that `linmem report keep` has made, of the usual size at most. Raises `RecordError`."""
    try:
        text = lzma.LZMADecompressor(memlimit=1 << 28).decompress(file.read(), reading.MAX_RUN + 1)
    except lzma.LZMAError as error:
        raise RecordError(f"{path}: is no record that was kept: {error}") from None
    if len(text) > reading.MAX_RUN:
        raise RecordError(f"{path}: holds more than the {reading.MAX_RUN:,} bytes that a record may have")
    return io.BytesIO(text)


def _first(path: Path, line: bytes) -> Run:
    if not line.strip():
        raise RecordError(f"{path}: is empty: the run ended before it began, so there is nothing to report")
    try:
        head = msgspec.json.decode(line, type=_RecordHead)
        if head.type != "run":
            raise RecordError(f"{path}:1: is no record of a run: its first line is not of type 'run'")
        if head.format != FORMAT:
            raise RecordError(f"{path}:1: has record format {head.format}; this linmem reads format {FORMAT}")
        return msgspec.json.decode(line, type=Run)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordError(f"{path}:1: is no record of a run: {error}") from None


class _RecordHead(Struct):
    type: str = ""
    format: int = 0


class _Tag(Struct):
    type: str


_KINDS: dict[str, type[Struct]] = {
    "runtime": Answered,
    "result": Result,
    "end": End,
    "broken": Broken,
    "gate": GateVerdict,
}


def _rest(record: Record, lines: Iterable[bytes]) -> None:
    decoders = {kind: msgspec.json.Decoder(struct) for kind, struct in _KINDS.items()}
    tag = msgspec.json.Decoder(_Tag)
    results: dict[Case, Result] = {}
    for number, line in enumerate(lines, 2):
        try:
            kind = tag.decode(line).type
            item = decoders[kind].decode(line) if kind in decoders else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if line.endswith(b"\n"):  # else the last line, torn when the run was killed: no end line follows it
                record.unreadable.append(number)
            continue
        if isinstance(item, Result):
            results[item.case] = _worse(results.get(item.case), item)
        elif isinstance(item, Answered):
            record.answered[item.label] = item
        elif isinstance(item, Broken):
            record.broken.append(item)
        elif isinstance(item, End):
            record.end = item
        elif isinstance(item, GateVerdict):
            record.gate = item
    record.results = list(results.values())


def _worse(first: Result | None, second: Result) -> Result:
    """Of two results of one case (a test run twice), the worse: a second try must not hide the first."""
    if first is None:
        return second
    ranks = [verdict.rank(verdict.status(result.outcome, result.known)) for result in (first, second)]
    return first if ranks[0] > ranks[1] else second
