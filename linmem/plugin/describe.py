"""Describe what takes part in a run, for the record's first line: from the types of the run to the report's."""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterable
from pathlib import Path

from linmem.play.guest import Guest, MissingGuest
from linmem.report import explain
from linmem.results import document
from linmem.run.runtimes import Chosen
from linmem.run.session import Session
from linmem.scenario import files as scenario_files
from linmem.scenario.loader import load_suite
from linmem.scenario.model import Agents, Scenario, Suite
from linmem.scenario.names import every_step
from linmem.scenario.source import SourceError

_STATED = 60  # steps of a scenario that the report states


def runtime(chosen: Chosen) -> document.RuntimeEntry:
    """A runtime of the run, and why it takes no part where it can't."""
    missing = chosen.unavailable
    return document.RuntimeEntry(
        label=chosen.label,
        name=chosen.manifest.name,
        variant=chosen.variant,
        family=chosen.manifest.engine,
        api=chosen.manifest.api,
        version=chosen.version,
        origin=chosen.origin or None,
        status="ready" if missing is None else "unavailable",
        reason=missing.reason if missing else None,
        remedy=(missing.remedy or None) if missing else None,
    )


def answered(session: Session) -> dict[str, object]:
    """What a driver said of itself, as a line of the record. It must have been started. Raises `DriverFault`."""
    info = session.start()
    host = " ".join(info.host.get(key, "") for key in ("implementation", "version")).strip()
    return {
        "label": session.label,
        "engine": info.runtime.get("engine") or f"{info.runtime['name']} {info.runtime['version']}",
        "host": host or info.host["language"],
        "language": info.host["language"],
        "views": [view.kind for view in info.views],
        "features": session.features(),
    }


def guest(guest: Guest | MissingGuest) -> document.GuestEntry:
    """A guest, with its module's checksum, or why it takes no part."""
    if isinstance(guest, MissingGuest):
        return document.GuestEntry(
            program=guest.program, guest=guest.label, status="unavailable", reason=guest.reason, remedy=guest.remedy
        )
    return document.GuestEntry(
        program=guest.program,
        guest=guest.label,
        toolchain=guest.toolchain or None,
        sha256=guest.sha256,
    )


def loadable(root: Path, files: Iterable[Path]) -> list[Suite]:
    """The suites in scenario files, by paths relative to `root`. One that can't be read is left out: pytest reports it
    when it collects the file.
    """
    found = []
    for path in files:
        with contextlib.suppress(SourceError):
            found.append(load_suite(path, scenario_files.name_of(path, root)))
    return found


def packages(suites: Iterable[Suite]) -> list[str]:
    """The names of the packages that suites have for guests."""
    return sorted({item.package for suite in suites for item in suite.scenarios if item.package is not None})


def demands(scenario: Scenario) -> bool:
    """Whether a scenario expects something, so that a runtime can break it by an answer."""
    return any(
        step.expect is not None or (isinstance(step, Agents) and bool(step.allowed or step.forbidden))
        for step in every_step(scenario)
    )


def suite(suite: Suite, places: Container[str]) -> document.SuiteEntry:
    """A suite as the report states it, with the scenarios that take part."""
    return document.SuiteEntry(
        path=suite.path,
        title=suite.title,
        about=suite.about or None,
        scenarios=[
            document.ScenarioEntry(
                scenario=item.slug,
                title=item.title,
                spec=item.spec,
                line=item.where.line,
                position=position,
                demands=demands(item),
                steps=explain.stated(item, suite, _STATED),
            )
            for position, item in enumerate(suite.scenarios)
            if item.place in places
        ],
        observations=[
            document.Question(id=item.id, question=item.question, answers=list(item.answers.values()))
            for item in suite.observations.values()
        ],
    )
