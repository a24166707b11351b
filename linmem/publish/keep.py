"""Records that are kept: what a run found, without the steps by which it did, small enough to be committed."""

from __future__ import annotations

import lzma
from pathlib import Path

from msgspec.structs import replace

from linmem.report.build import ReportError
from linmem.results import record
from linmem.results.atomic import replace as replace_file
from linmem.results.outcome import Result
from linmem.results.record import Record, as_line

ENDING = ".jsonl.xz"


def keep(source: Path, out: Path) -> int:
    """Write what `source`, the record of a complete run, found to `out`; how many bytes that takes.

    Left out are steps, pictures, times, what drivers printed, the command line and the machine's name. Raises
    `RecordError`, `ReportError`.
    """
    played = record.read(source)
    if played.incomplete is not None:
        raise ReportError(f"{source}: the run is incomplete, so it is not kept: {played.incomplete}")
    environment = replace(played.run.environment, platform=played.run.environment.platform.partition("-")[0])
    suites = [replace(it, scenarios=[replace(each, steps=[]) for each in it.scenarios]) for it in played.run.suites]
    head = replace(played.run, command=[], environment=environment, suites=suites)
    lines: list[object] = [head, *played.answered.values(), *map(_bare, played.results), played.end]
    packed = lzma.compress(b"".join(as_line(line) for line in lines), preset=9)  # type: ignore[arg-type]
    out.parent.mkdir(parents=True, exist_ok=True)
    replace_file(out, packed)
    return len(packed)


def _bare(result: Result) -> Result:
    seen = [replace(item, raw="") for item in result.observations]
    return replace(result, steps=[], stderr="", pictures=[], duration=0.0, observations=seen)


def united(records: list[Record]) -> Record:
    """Several complete records as one: each runtime and version as the newest record has it that played it.

    A scenario is there as the newest record has it; what older ones hold of scenarios that are gone is left out.
    Where a runtime has several versions, each label names its version.
    """
    newest_first = sorted(records, key=lambda item: item.run.started, reverse=True)
    whole = Record(replace(newest_first[0].run, runtimes=[], suites=[], planned=[]), end=newest_first[0].end)
    versions: dict[tuple[str, str | None], set[str]] = {}
    for item in newest_first:
        for runtime in item.run.runtimes:
            if runtime.status == "ready":
                versions.setdefault((runtime.name, runtime.variant), set()).add(runtime.version or "")
    paths: set[str] = set()
    scenarios: set[tuple[str, str]] = set()
    for item in newest_first:
        for suite in item.run.suites:
            if suite.path not in paths:
                paths.add(suite.path)
                whole.run.suites.append(suite)
                scenarios |= {(suite.path, entry.scenario) for entry in suite.scenarios}
    seen: set[str] = set()
    for item in newest_first:
        labels = {}
        for runtime in item.run.runtimes:
            kind = runtime.label.partition("@")[0]
            several = len(versions.get((runtime.name, runtime.variant), ())) > 1
            label = f"{kind}@{runtime.version}" if several and runtime.version else runtime.label
            if runtime.status == "ready" and label not in seen:
                labels[runtime.label] = label
                whole.run.runtimes.append(replace(runtime, label=label))
                if runtime.label in item.answered:
                    whole.answered[label] = replace(item.answered[runtime.label], label=label)
        seen |= set(labels.values())
        for result in item.results:
            if result.runtime in labels and (result.suite, result.scenario) in scenarios:
                case = result.case.on(labels[result.runtime])
                whole.results.append(replace(result, runtime=case.runtime, id=case.id))
    whole.run.runtimes.sort(key=lambda runtime: (runtime.name, runtime.variant or "", _order(runtime.version)))
    return whole


def _order(version: str | None) -> tuple[int, ...]:
    """Versions in their order, the newest first."""
    return tuple(-int(part) for part in (version or "").split(".") if part.isdigit())


def main_columns(records: list[Record]) -> Record:
    """The newest version of each runtime, without its variants, as runs of everything have played it; of all runs, if
    none played everything.
    """
    whole = [item for item in records if not item.run.selection.paths and not (item.end and item.end.deselected)]
    played = {(it.name, it.variant, it.version) for item in whole or records for it in item.run.runtimes}
    found = united(records)
    newest: dict[str, str] = {}
    for runtime in found.run.runtimes:  # the newest version comes first
        if runtime.variant is None and (runtime.name, None, runtime.version) in played:
            newest.setdefault(runtime.name, runtime.label)
    labels = set(newest.values())
    found.run.runtimes = [runtime for runtime in found.run.runtimes if runtime.label in labels]
    found.results = [result for result in found.results if result.runtime in labels]
    return found
