"""The door: pytest's options and hooks. It wires the four rooms together and holds no logic of its own."""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fixtures.casting import Casting
from fixtures.selection import Guests
from reports import VERSION, describe, judge, known, known_check
from reports.baseline import BaselineError
from reports.document import Selection
from reports.gating import Gating
from reports.known import Case
from reports.progress import Live
from reports.record import FORMAT, RecordError, Run
from reports.recording import DESELECTED, Recording, command, environment, is_scenario, now
from reports.report import ReportError
from runtimes.errors import UserError
from runtimes.manifest import all_manifests
from runtimes.selection import choose
from suites.command import joined
from suites.files import ENDINGS, is_other, walk
from suites.items import Cell, ScenarioItem, SuiteFile
from suites.model import Scenario, Suite
from suites.outcome import KnownFailure, Result
from suites.yamlsource import SourceError

ROOT = Path(__file__).parent
TAKE_A_VALUE = (
    "--runtime",
    "--guest",
    "--glue",
    "--suites",
    "--report-dir",
    "--known",
    "--baseline",
    "--record-baseline",
    "--step-timeout",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options under the heading "linmem"."""
    group = parser.getgroup("linmem", "linmem: WebAssembly linear memory across runtimes")
    group.addoption(
        "--runtime",
        action="append",
        default=[],
        metavar="NAME[:VARIANT][@VERSION]",
        help="play on this runtime only; repeatable. 'all' is every one that 'python -m runtimes list' shows. "
        "Default: the main ones.",
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
        metavar="PATH",
        help="play the scenarios of this file or folder, anywhere, in place of suites/; repeatable. A file may be "
        "followed by ::SCENARIO[CELL], as in a test's id.",
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
        "--baseline",
        type=Path,
        metavar="FILE",
        help="hold the run against this baseline: a regression makes it end with status 1. Only what the run is asked "
        "for is compared.",
    )
    group.addoption(
        "--record-baseline",
        type=Path,
        metavar="FILE",
        help="write what the run found into FILE, for later runs to be held against with --baseline.",
    )
    group.addoption(
        "--step-timeout",
        type=seconds,
        default=10.0,
        metavar="SECONDS",
        help="how long a runtime may take for one step before it is stopped; for compiling a module six times as long. "
        "Default: 10.",
    )
    group.addoption(
        "--slow",
        action="store_true",
        help="play also what takes a runtime minutes, as its manifest says; else it is left out, as the report tells.",
    )


def seconds(text: str) -> float:
    """A time that an option gives."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is no time to wait: give seconds, more than 0")
    return value


class Bench(Casting):
    """What the items ask (`suites.items.Bench`): one object that knows all rooms."""

    def __init__(self, config: pytest.Config) -> None:
        option = config.option
        guests = Guests(option.guest, option.glue)
        super().__init__(choose(option.runtime), guests, option.step_timeout, describe.answered, slow=option.slow)
        self.defects = known.KnownDefects(known.load(option.known))

    def play(self, scenario: Scenario, cell: Cell, result: Result) -> Result:
        """Play a scenario on a cell's runtime, and hold a known defect's message against what came."""
        played = super().play(scenario, cell, result)
        if played.known is not None:
            played.known = known.held_against(played.known, played.message)
        return played

    def known(self, scenario: Scenario, cell: Cell) -> KnownFailure | None:
        """The first known defect that covers the cell."""
        defect = self.defects.covering(self.case(scenario, cell))
        return defect.failure if defect is not None else None

    def case(self, scenario: Scenario, cell: Cell) -> Case:
        """An item as entries of the known defects speak of it."""
        chosen = self.chosen(cell.runtime)
        return Case(
            suite=scenario.suite,
            scenario=scenario.slug,
            runtime=chosen.manifest.name,
            variant=chosen.variant or chosen.manifest.variant,
            version=cell.version,
            guest=cell.guest.label if cell.guest else None,
            view=cell.view,
        )

    def good(self, result: Result) -> bool:
        """Whether the result lets the run pass."""
        return judge.is_good(judge.judge(result.outcome, result.known))  # type: ignore[arg-type]

    def problems(self, suites: Iterable[Suite], suite_files: list[str] | None) -> list[str]:
        """What is wrong with the list of known defects, in view of whole suites: a selection of scenarios, guests or
        items makes no entry wrong.
        """
        if not self.defects.entries:
            return []
        slugs: dict[str, list[str]] = {}
        cases: list[Case] = []
        for suite in suites:
            with contextlib.suppress(SourceError):  # it is told where the file is collected
                cells = [(scenario, cell) for scenario in suite.scenarios for cell in self.cells(scenario)]
                slugs[suite.path] = [scenario.slug for scenario in suite.scenarios]
                cases += [self.case(scenario, cell) for scenario, cell in cells]
        names = {manifest.name for manifest in (*all_manifests(), *(chosen.manifest for chosen in self.runtimes))}
        return known_check.problems(self.defects.entries, slugs, cases, names, self.guests.absent(), suite_files)


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of pytest-xdist's workers."""
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    """Read the options and open the door. A user's mistake ends here, in one line."""
    config.args = [suites_argument(text) for text in config.option.suites] or narrowed(config.args)
    try:
        door = Door(config, Bench(config))
    except (UserError, known.KnownError) as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(door, "linmem-door")
    if not is_worker(config):
        recording = Recording(config.option.report_dir, door.header, door.plays_suites)
        config.pluginmanager.register(recording, "linmem-recording")
        live = Live([chosen.label for chosen in door.bench.runtimes], door.plays_suites)
        config.pluginmanager.register(live, "linmem-progress")
        against, record = config.option.baseline, config.option.record_baseline
        if against is not None or record is not None:
            config.pluginmanager.register(gating(recording, against, record), "linmem-gating")


def gating(recording: Recording, against: Path | None, record: Path | None) -> Gating:
    """The gate, with its baseline read: a baseline that can't be used is told before anything runs."""
    try:
        return Gating(recording, against, record)
    except (BaselineError, RecordError, ReportError) as error:
        raise pytest.UsageError(str(error)) from None


def suites_argument(text: str) -> str:
    """What `--suites` names, as pytest wants it: a file or folder, or what a file holds (``PATH::SCENARIO[CELL]``)."""
    name, separator, inside = text.partition("::")
    path = Path(name)
    if not path.exists():
        raise pytest.UsageError(f"--suites {name}: there is no such file or folder")
    if path.is_file() and path.suffix not in ENDINGS:
        raise pytest.UsageError(f"--suites {name}: a scenario file's name ends in {' or '.join(ENDINGS)}")
    return f"{path.resolve()}{separator}{inside}"


def narrowed(args: list[str]) -> list[str]:
    """What the command line names, without the folder of the suites if it also names some of what the folder holds:
    ``tox -e report -- suites/growth.yaml`` says "suites" by itself.
    """
    folder = ROOT / "suites"
    places = [Path(arg.partition("::")[0]).resolve() for arg in args]
    if not any(folder in place.parents for place in places):
        return args
    return [arg for arg, place in zip(args, places, strict=True) if place != folder]


def suite_files() -> list[str]:
    """Linmem's own suites, as ids name them."""
    return [f"suites/{path.name}" for path in sorted((ROOT / "suites").iterdir()) if path.suffix in ENDINGS]


class Door:
    """The hooks. They stand in a plugin, because pytest asks a conftest only about files beside and below it."""

    def __init__(self, config: pytest.Config, bench: Bench) -> None:
        self.config, self.bench = config, bench
        self.given = [Path(text.partition("::")[0]).resolve() for text in config.option.suites]
        self.named = [Path(arg.split("::")[0]).resolve() for arg in config.args]

    # --------------------------------------------------------------------------------------------- who takes part

    def pytest_sessionstart(self) -> None:
        """Make the runtimes ready, once and before any worker starts."""
        gc.disable()  # until the items run: thousands of them and of steps are made, and live to the end
        if is_worker(self.config):
            given = getattr(self.config, "workerinput", {})
            self.bench.take_over(given["linmem_runtimes"], given["linmem_missing"])
        elif self.plays_suites():
            suites = describe.loadable(self.config.rootpath, self.files())
            if not self.config.option.collectonly:
                try:
                    self.bench.provide(describe.packages(suites))
                except UserError as error:
                    raise pytest.UsageError(str(error)) from None
            problems = self.bench.problems(suites, None if self.selection().paths else suite_files())
            if problems:
                raise pytest.UsageError("\n".join(problems))

    def plays_suites(self) -> bool:
        """Whether the run is (also) about scenarios, not only about linmem's own tests."""
        folder = ROOT / "suites"
        return bool(self.given) or any(path.suffix in ENDINGS or path in (ROOT, folder) for path in self.named)

    def files(self) -> list[Path]:
        """The run's scenario files."""
        files = [place for place in (*self.given, *self.named) if place.suffix in ENDINGS]
        folders = [ROOT / "suites" if place == ROOT else place for place in self.named if place.is_dir()]
        files += [path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in ENDINGS]
        files += [path for place in self.given if place.is_dir() for path in sorted(walk(place))]
        return list(dict.fromkeys(files))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self) -> None:
        """Workers read the command line again, when the run has made folders: pytest, which takes an existing path
        that stands alone for a test file, must not find the value of an option of ours there.
        """
        given = self.config.invocation_params
        self.config.invocation_params = pytest.Config.InvocationParams(
            args=joined([str(word) for word in given.args], TAKE_A_VALUE), plugins=given.plugins, dir=given.dir
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker which runtimes take part, in which versions."""
        ready = {chosen.label: chosen.version for chosen in self.bench.runtimes if chosen.unavailable is None}
        node.workerinput["linmem_runtimes"] = ready
        missing = self.bench.guests.missing
        node.workerinput["linmem_missing"] = {name: (guest.reason, guest.remedy) for name, guest in missing.items()}

    # --------------------------------------------------------------------------------------------------- the items

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
        """A scenario file: one in suites/, or given by the user."""
        path = file_path.resolve()
        if path.suffix not in ENDINGS:
            return None
        given = path in self.given or (any(place in path.parents for place in self.given) and not is_other(path))
        if given or path.parent == ROOT / "suites" or path in self.named:
            return SuiteFile.make(parent, file_path, self.bench)
        return None

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The items are known. (In a run with workers, each worker fetches what it needs itself.)"""
        if not self.config.option.collectonly:
            self.bench.fetch_glue(item.cell for item in session.items if isinstance(item, ScenarioItem))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """The collector need not look again at what was made so far."""
        gc.freeze()
        gc.enable()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Let an item know its successor."""
        if isinstance(item, ScenarioItem) and isinstance(nextitem, ScenarioItem):
            item.successor = nextitem

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport | None:
        """Let the result travel with pytest's report, which reaches the controlling process from workers too."""
        if call.when != "call" or not isinstance(item, ScenarioItem) or item.result is None:
            return None
        report = pytest.TestReport.from_item_and_call(item, call)
        report.__dict__["linmem_result"] = msgspec.to_builtins(item.result)
        line = self.bench.introduction(item.cell.runtime)
        if line is not None:
            report.__dict__["linmem_runtime"] = line
        item.result = None  # it has been handed on; pytest keeps items until the run ends
        if report.skipped and isinstance(report.longrepr, tuple):
            path, above, _ = item.reportinfo()
            report.longrepr = (str(path), above + 1, report.longrepr[2])  # the scenario's place, not our code's
        return report

    # -------------------------------------------------------------------------------------------------- the record

    def header(self, planned: list[str]) -> Run:
        """The record's first line: what this run is about to do."""
        bench = self.bench
        suites = describe.suites(self.config.rootpath, planned)
        scenarios = [scenario for suite in suites for scenario in suite.scenarios]
        programs = {name for scenario in scenarios for name in (scenario.program, scenario.package) if name}
        programs.update(bench.guests.missing)
        return Run(
            format=FORMAT,
            linmem=VERSION,
            started=now(),
            command=command(),
            environment=environment(),
            runtimes=[describe.runtime(chosen) for chosen in bench.runtimes],
            guests=[describe.guest(guest) for program in sorted(programs) for guest in bench.guests.all(program)],
            suites=[describe.suite(suite) for suite in suites],
            planned=planned,
            selection=self.selection(),
        )

    def selection(self) -> Selection:
        """What the run was asked for, in place of everything."""
        option, root = self.config.option, self.config.rootpath
        places = [argument.partition("::") for argument in self.config.args]
        paths = [
            Path(os.path.relpath(Path(path).resolve(), root)).as_posix() + sep + rest for path, sep, rest in places
        ]
        return Selection(
            runtimes=[chosen.label for chosen in self.bench.runtimes if chosen.asked],
            guests=list(option.guest),
            paths=[] if {".", "suites"} & set(paths) else paths,
        )

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """In a worker: tell the controller what the selection leaves out."""
        if is_worker(self.config):
            out = self.config.workeroutput.setdefault(DESELECTED, [])  # type: ignore[attr-defined]
            out += [item.nodeid for item in items if is_scenario(item.nodeid)]

    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> None:
        """A selection that matches nothing is an error, and says so."""
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self.plays_suites():
            terminalreporter.write_line(
                "ERROR: no scenario matches this selection, so nothing was played and no report was written "
                "('python -m suites list' shows what there is)",
                red=True,
            )

    def pytest_unconfigure(self) -> None:
        """Nothing is left running."""
        gc.enable()  # where the items never came to run
        self.bench.close()
