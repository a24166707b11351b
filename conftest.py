"""The door: pytest's options and hooks. It wires the four rooms together and holds no logic of its own."""

from __future__ import annotations

import functools
from collections.abc import Generator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fixtures import probes
from fixtures.selection import Guests, modules
from reports import VERSION, describe, judge, known
from reports.record import FORMAT, Run
from reports.recording import Recording, command, environment, now
from runtimes.errors import Unavailable, UserError
from runtimes.manifest import all_manifests
from runtimes.pool import Session
from runtimes.selection import Chosen, choose
from suites.interface import DriverFault
from suites.items import Cell, ScenarioItem, SuiteFile
from suites.model import Scenario
from suites.outcome import KnownFailure, Result
from suites.runner import Player
from suites.yamlsource import SourceError

ROOT = Path(__file__).parent
BENCH: pytest.StashKey[Bench] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options under the heading "linmem"."""
    group = parser.getgroup("linmem", "linmem: WebAssembly linear memory across runtimes")
    group.addoption(
        "--runtime",
        action="append",
        default=[],
        metavar="NAME[:VARIANT][@VERSION]",
        help="play on this runtime only; repeatable. Default: every runtime that 'python -m runtimes list' shows.",
    )
    group.addoption(
        "--guest",
        action="append",
        default=[],
        metavar="NAME|PROGRAM=MODULE",
        help="play with this guest only (go, tinygo, wat, ..., or 'inline' for those inside scenario files), or play a "
        "program's scenarios on a module of your own: shared_buffer=path/to/main.wasm; repeatable.",
    )
    group.addoption(
        "--glue",
        type=Path,
        metavar="SCRIPT",
        help="the wasm_exec.js of the module given with --guest PROGRAM=MODULE.",
    )
    group.addoption(
        "--suites",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="play the scenarios of this file or folder, anywhere, in place of suites/; repeatable.",
    )
    group.addoption(
        "--report-dir",
        type=Path,
        default=ROOT / "reports" / "out",
        metavar="DIR",
        help="where the reports go. Default: reports/out.",
    )
    group.addoption(
        "--known",
        type=Path,
        default=ROOT / "reports" / "known.yaml",
        metavar="FILE",
        help="the list of known upstream defects. Default: reports/known.yaml.",
    )
    group.addoption(
        "--step-timeout",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="how long a runtime may take for one step before it is stopped. Default: 10.",
    )


class Bench:
    """What the items ask (`suites.items.Bench`): one object that knows all rooms."""

    def __init__(self, config: pytest.Config) -> None:
        self.timeout: float = config.option.step_timeout
        self.runtimes = choose(config.option.runtime)
        self.guests = Guests(config.option.guest, config.option.glue)
        self.defects = known.load(config.option.known)
        self.sessions: dict[str, Session] = {}
        self.introduced: set[str] = set()

    def cells(self, scenario: Scenario) -> list[Cell]:
        """Every guest × runtime × view kind that the run is asked for."""
        for feature in scenario.requires:
            if feature not in probes.names():
                known_features = ", ".join(probes.names())
                message = f"'requires' names '{feature}', for which there is no probe; known: {known_features}"
                raise SourceError(scenario.where.file, scenario.where.line, message)
        return [
            Cell(chosen.label, chosen.shown_version, guest, view)
            for guest in self.guests.of(scenario)
            for chosen in self.runtimes
            if chosen.unavailable is None
            for view in (chosen.view_kinds(scenario.each_view) if scenario.each_view else [None])
        ]

    def play(self, scenario: Scenario, cell: Cell, result: Result) -> Result:
        """Play a scenario on a cell's runtime."""
        session = self.session(cell.runtime)
        try:
            parts = modules(scenario, cell.guest)
            if cell.guest is not None and cell.guest.glue is not None and session.runs_glue(cell.guest.glue.kind):
                cell.guest.glue.path  # noqa: B018  # here it may be provisioned, and fail
        except (SourceError, UserError, Unavailable, DriverFault) as error:
            result.outcome, result.message = "error", str(error)
            return result
        return Player(scenario, session, parts, cell.guest, cell.view).play(result)

    def session(self, label: str) -> Session:
        """The running driver of a runtime of this run."""
        if label not in self.sessions:
            self.sessions[label] = self.chosen(label).session(probes.features(), self.timeout)
        return self.sessions[label]

    def chosen(self, label: str) -> Chosen:
        """The runtime of this run with that label."""
        return next(chosen for chosen in self.runtimes if chosen.label == label)

    def known(self, scenario: Scenario, cell: Cell) -> KnownFailure | None:
        """The first known defect that covers the cell."""
        chosen = self.chosen(cell.runtime)
        guest = cell.guest.label if cell.guest else None
        for defect in self.defects:
            if defect.covers(
                scenario.suite, scenario.slug, chosen.manifest.name, chosen.variant, cell.version, guest, cell.view
            ):
                return KnownFailure(defect.line, defect.reason, defect.link, defect.outcome)
        return None

    def good(self, result: Result) -> bool:
        """Whether the result lets the run pass."""
        return judge.is_good(judge.judge(result.outcome, result.known))  # type: ignore[arg-type]

    def problems(self, items: list[ScenarioItem]) -> list[str]:
        """What is wrong with the list of known defects, in view of what was collected."""
        cases = [
            known.Case(
                suite=item.scenario.suite,
                scenario=item.scenario.slug,
                runtime=self.chosen(item.cell.runtime).manifest.name,
                variant=self.chosen(item.cell.runtime).variant,
                version=item.cell.version,
                guest=item.cell.guest.label if item.cell.guest else None,
                view=item.cell.view,
            )
            for item in items
        ]
        names = [manifest.name for manifest in all_manifests()]
        return known.problems(self.defects, cases, names, self.guests.absent())

    def introduction(self, label: str) -> dict[str, object] | None:
        """What a runtime's driver says of itself, once per process; None later, or when it does not run."""
        session = self.sessions.get(label)
        if session is None or label in self.introduced or session.pid is None:
            return None
        self.introduced.add(label)
        try:
            return describe.answered(session)
        except DriverFault:
            return None

    def close(self) -> None:
        """End every driver."""
        for session in self.sessions.values():
            session.close()


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of pytest-xdist's workers."""
    return hasattr(config, "workerinput")


def plays_suites(config: pytest.Config) -> bool:
    """Whether the run is (also) about scenarios, not only about linmem's own tests."""
    return any(_is_suites_path(Path(arg.split("::")[0])) for arg in config.args)


def _is_suites_path(path: Path) -> bool:
    path = path if path.is_absolute() else Path.cwd() / path
    return path.suffix in (".yaml", ".yml") or path in (ROOT, ROOT / "suites") or (ROOT / "suites") in path.parents


@functools.cache
def _given(config: pytest.Config) -> tuple[Path, ...]:
    return tuple(path.resolve() for path in config.option.suites)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the options. A user's mistake ends here, in one line."""
    for path in config.option.suites:
        if not path.exists():
            raise pytest.UsageError(f"--suites {path}: there is no such file or folder")
    if config.option.suites and not is_worker(config):
        config.args = [str(path.resolve()) for path in config.option.suites]
    try:
        config.stash[BENCH] = Bench(config)
    except (UserError, known.KnownError) as error:
        raise pytest.UsageError(str(error)) from None
    if not is_worker(config):
        config.pluginmanager.register(
            Recording(config.option.report_dir, functools.partial(header, config)), "linmem-recording"
        )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Make the runtimes ready, once and before any worker starts."""
    config = session.config
    if is_worker(config):
        take_over(config)
    elif plays_suites(config) and not config.option.collectonly:
        provide(config)


def provide(config: pytest.Config) -> None:
    """Provide the runtimes.

    One that was asked for by name and can't be had is an error; others are left out and reported.
    """
    for chosen in config.stash[BENCH].runtimes:
        if not chosen.try_to_provide() and chosen.asked:
            raise pytest.UsageError(f"{chosen.label} is not available: {chosen.unavailable}")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker which runtimes can't take part."""
    bench = node.config.stash[BENCH]
    node.workerinput["linmem_unavailable"] = [c.label for c in bench.runtimes if c.unavailable is not None]


def take_over(config: pytest.Config) -> None:
    """In a worker: leave out what the controller found unavailable."""
    left_out = getattr(config, "workerinput", {}).get("linmem_unavailable", [])
    bench = config.stash[BENCH]
    bench.runtimes = [chosen for chosen in bench.runtimes if chosen.label not in left_out]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    """A scenario file: one in suites/, or given by the user."""
    if file_path.suffix not in (".yaml", ".yml"):
        return None
    config = parent.config
    path = file_path.resolve()
    wanted = path.parent == ROOT / "suites" or any(path == given or given in path.parents for given in _given(config))
    wanted = wanted or any(Path(arg.split("::")[0]).resolve() == path for arg in config.args)
    return SuiteFile.make(parent, file_path, config.stash[BENCH]) if wanted else None


# ------------------------------------------------------------------------------------------------------- the record


def header(config: pytest.Config, planned: list[str]) -> Run:
    """The record's first line: what this run is about to do."""
    bench = config.stash[BENCH]
    suites = describe.suites(config.rootpath, planned)
    programs = sorted({scenario.program for suite in suites for scenario in suite.scenarios if scenario.program})
    return Run(
        format=FORMAT,
        linmem=VERSION,
        started=now(),
        command=command(),
        environment=environment(),
        runtimes=[describe.runtime(chosen) for chosen in bench.runtimes],
        guests=[describe.guest(guest) for program in programs for guest in bench.guests.all(program)],
        suites=[describe.suite(suite) for suite in suites],
        planned=planned,
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Hold the known defects against everything collected, before `-k` and the like take items away."""
    played = [item for item in items if isinstance(item, ScenarioItem)]
    bench = config.stash[BENCH]
    if played and bench.defects:
        problems = bench.problems(played)
        if problems:
            raise pytest.UsageError("\n".join(problems))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Let the result travel with pytest's report, which comes through to the controlling process from workers too."""
    outcome = yield
    if call.when != "call" or not isinstance(item, ScenarioItem) or item.result is None:
        return
    report = outcome.get_result()
    report.linmem_result = msgspec.to_builtins(item.result)
    del report.linmem_result["type"]
    line = item.config.stash[BENCH].introduction(item.cell.runtime)
    if line is not None:
        report.linmem_runtime = line
    item.result = None  # it has been handed on; pytest keeps items until the run ends


def pytest_unconfigure(config: pytest.Config) -> None:
    """Nothing is left running."""
    if BENCH in config.stash:
        config.stash[BENCH].close()
