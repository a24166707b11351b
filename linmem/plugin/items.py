"""pytest's view of the suites: a scenario file is a collector, a case is an item.

The items know neither runtimes nor guests: the `Bench` they are given does.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linmem import project
from linmem.plugin.failure import failure_text
from linmem.results.outcome import Result
from linmem.run.bench import Bench
from linmem.run.planned import Planned
from linmem.scenario import files
from linmem.scenario.loader import load_suite
from linmem.scenario.model import Suite
from linmem.scenario.source import SourceError
from linmem.scenario.view_kinds import check_view_kinds
from linmem.text import one_line, printable

LONGEST = 500  # characters of a reason or a heading that pytest shows


class ScenarioFailed(Exception):
    """The item's result is not good; pytest shows `failure_text` of it."""

    def __init__(self, result: Result) -> None:
        self.result = result
        super().__init__(result.message)


class SuiteFile(pytest.File):
    """One scenario file."""

    bench: Bench
    suite: Suite
    named: str | None = None

    @classmethod
    def make(cls, parent: pytest.Collector, path: Path, bench: Bench) -> SuiteFile:
        """A collector for the file at `path`."""
        shown = files.name_of(path.resolve(), project.find().root(parent.config.rootpath))
        file: SuiteFile = cls.from_parent(parent, path=path, nodeid=shown)
        file.bench = bench
        return file

    def location_of(self, path: Path) -> str:
        """How items' locations name the file."""
        if self.named is None:
            self.named = self.session._node_location_to_relpath(path)
        return self.named

    def collect(self) -> Iterator[ScenarioItem]:
        """An item for every case of every scenario. A fault in the file is one line, and other files still run."""
        try:
            self.suite = load_suite(self.path, self.nodeid)
            check_view_kinds(self.suite.scenarios, self.bench.view_kinds)
            for scenario in self.suite.scenarios:
                for planned in self.bench.cases(scenario):
                    yield ScenarioItem.make(self, planned)
        except SourceError as error:
            raise self.CollectError(str(error)) from None


class ScenarioItem(pytest.Item):
    """One case."""

    planned: Planned
    bench: Bench
    result: Result | None = None

    @classmethod
    def make(cls, parent: SuiteFile, planned: Planned) -> ScenarioItem:
        """The item of a case of this file; its id is the case's."""
        case, scenario = planned.case, planned.scenario
        item: ScenarioItem = cls.from_parent(parent, name=case.name)
        item.planned, item.bench = planned, parent.bench
        guest = case.guest or "inline"
        item.extra_keyword_matches.update((scenario.title, case.runtime, guest))
        item.user_properties += [
            ("suite", case.suite),
            ("runtime", case.runtime),
            ("version", printable(planned.version)),
            ("guest", guest),
            *([("view", case.view)] if case.view else []),
            *([("spec", printable(scenario.spec))] if scenario.spec else []),
        ]
        return item

    def runtest(self) -> None:
        """Play it. Not good is `ScenarioFailed`; unsupported is a skip; a known defect an expected failure."""
        result = self.bench.result(self.planned)
        try:
            self.result = self.bench.play(self.planned, result)
        except Exception as error:  # a defect of linmem's own: let pytest show the traceback, and the report the cell
            result.outcome, result.message = "error", f"linmem itself failed: {type(error).__name__}: {error}"
            self.result = result
            raise
        if not self.bench.good(result):
            raise ScenarioFailed(result)
        if result.known is not None and result.outcome != "pass":
            link = f" ({result.known.link})" if result.known.link else ""
            pytest.xfail(one_line(result.known.reason + link, LONGEST))
        if result.outcome == "unsupported":
            pytest.skip(one_line(result.message, LONGEST))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The scenario's steps and what went wrong, in place of a Python traceback."""
        if isinstance(excinfo.value, ScenarioFailed):
            return failure_text(excinfo.value.result, self.bench.hint(self.planned, excinfo.value.result))
        if isinstance(excinfo.value, pytest.xfail.Exception):  # pytest would format a traceback that is not shown
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    @functools.cached_property
    def location(self) -> tuple[str, int | None, str]:
        """As `pytest.Item` has it; the file's part is found once for a file."""
        path, line, heading = self.reportinfo()
        file = self.parent
        assert isinstance(file, SuiteFile)
        return file.location_of(path), line, heading

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the scenario stands, for pytest's headings."""
        scenario = self.planned.scenario
        heading = one_line(f"{scenario.title} [{self.planned.case.cell}]", LONGEST)
        return self.path, scenario.where.line - 1, heading
