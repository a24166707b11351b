"""The hooks of a run: which scenarios it plays, on what, and what travels in pytest's reports.

They are in a plugin object that `linmem.plugin` registers when it has read the options.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from linmem import __version__, paths, project
from linmem.compare import inputs
from linmem.errors import UserError
from linmem.plugin import describe, onephase
from linmem.plugin.items import ScenarioItem, SuiteFile
from linmem.plugin.options import TAKE_A_VALUE, Settings
from linmem.plugin.recording import DESELECTED, command, environment, now
from linmem.results import means
from linmem.results.case import Case
from linmem.results.commandline import joined
from linmem.results.document import Selection
from linmem.results.record import FORMAT, Run
from linmem.run.bench import Bench
from linmem.run.shards import Shards
from linmem.scenario.files import ENDINGS, find, is_own, name_of, walk
from linmem.scenario.model import Suite
from linmem.text import printable


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of pytest-xdist's workers."""
    return hasattr(config, "workerinput")


def suites_argument(text: str) -> str:
    """What `--suites` names, as pytest wants it: a file or folder, or what a file holds (``PATH::SCENARIO[CELL]``)."""
    name, separator, inside = text.partition("::")
    path = find(name)
    if not path.exists():
        raise pytest.UsageError(f"--suites {name}: there is no such file or folder")
    if path.is_file() and path.suffix not in ENDINGS:
        raise pytest.UsageError(f"--suites {name}: a scenario file's name ends in {' or '.join(ENDINGS)}")
    return f"{path.resolve()}{separator}{inside}"


def arguments(config: pytest.Config, settings: Settings) -> list[str]:
    """What pytest is to collect: the files that options name, those of the command line, or all suites.

    The folder of the suites is left out if the command line also names some of what it holds: ``tox -e report --
    suites/memory/growth.yaml`` adds "suites" by itself.
    """
    if settings.suites:
        return [suites_argument(text) for text in settings.suites]
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        return config.args
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return [str(paths.SUITES)]
    named = {}
    for name, separator, inside in (text.partition("::") for text in config.args):
        place = find(name)
        named[f"{place}{separator}{inside}"] = place.resolve()
    if any(paths.SUITES in place.parents for place in named.values()):
        return [text for text, place in named.items() if place != paths.SUITES]
    return list(named)


NOT_STARTED = "not started"  # pytest's category of cases that were not played for a reason that is told already


class Hooks:
    """The hooks of one run."""

    def __init__(self, config: pytest.Config, bench: Bench, settings: Settings) -> None:
        self.config, self.bench, self.settings = config, bench, settings
        self.given = [Path(text.partition("::")[0]).resolve() for text in settings.suites]
        self.named = [Path(arg.split("::")[0]).resolve() for arg in config.args]
        self.clone = paths.ROOT if paths.IN_CLONE else None  # the user sees the suites in it
        # A folder of the user's own, but not one of the clone, which has linmem's tests too.
        self.given += [
            place
            for place in self.named
            if place.is_dir() and not is_own(place) and self.clone not in (place, *place.parents)
        ]
        self.suites: list[Suite] = []
        self.cases: dict[str, Case] = {}
        """The cases of the items that are about to run, by their ids, once they are known."""
        self.one_phase = False
        self.root = project.find().root(config.rootpath)
        # A name that is taken is reported before anything runs.
        names = {name_of(path.resolve(), self.root) for path in self.files()}
        self.shards = self.cut(names) if settings.shard is not None else None

    def cut(self, suites: Collection[str]) -> Shards:
        """How the scenarios of these suites are dealt out. What is available on this machine plays no part in it."""
        assert self.settings.shard is not None
        earlier = inputs.results(self.settings.shard_by) if self.settings.shard_by is not None else []
        labels = {chosen.label for chosen in self.bench.runtimes}
        played = (item for item in earlier if item.suite in suites and item.runtime in labels)
        return Shards(*self.settings.shard, played)

    # --------------------------------------------------------------------------------------------- who takes part

    def pytest_sessionstart(self) -> None:
        """Make the runtimes ready, once and before any worker starts."""
        gc.disable()  # until the items run: thousands of them and of steps are made, and live to the end
        if is_worker(self.config):
            given = getattr(self.config, "workerinput", {})
            self.bench.take_over(given["linmem_runtimes"], given["linmem_missing"])
        elif self.plays_suites():
            self.suites = describe.loadable(self.root, self.files())
            plays = not self.config.option.collectonly
            try:
                if plays:
                    self.bench.provide(describe.packages(self.suites))
                    self.bench.launch()  # they start while we look at the lists
                self.check_lists()
                if plays:
                    self.bench.start(keep=not getattr(self.config.option, "tx", None))
            except UserError as error:
                raise pytest.UsageError(str(error)) from None

    def check_lists(self) -> None:
        """Raise `pytest.UsageError` for what is wrong with the lists of known defects."""
        whole = None if self.selection().paths else [name_of(path, paths.ROOT) for path in walk(paths.SUITES)]
        problems = self.bench.problems(self.suites, whole)
        if problems:
            raise pytest.UsageError(printable("\n".join(problems)))

    def plays_suites(self) -> bool:
        """Whether the run is (also) about scenarios, not only about linmem's own tests."""
        return bool(self.given) or any(
            path.suffix in ENDINGS or is_own(path) or path == self.clone for path in self.named
        )

    def files(self) -> list[Path]:
        """The run's scenario files."""
        places = [*self.given, *(paths.SUITES if place == self.clone else place for place in self.named)]
        files = [place for place in places if place.suffix in ENDINGS]
        folders = [place for place in places if place.is_dir() and (place in self.given or is_own(place))]
        files += [path for place in folders for path in sorted(walk(place))]
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

    def in_blocks(self) -> bool:
        """Whether workers are given blocks of a runtime's items: pytest-xdist's usual way is replaced."""
        return self.plays_suites() and self.config.getoption("dist", "no") == "load"

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Let workers own runtimes."""
        if not self.in_blocks():
            return None
        from linmem.plugin.scheduling import RuntimeScheduling

        return RuntimeScheduling(config, log, self.runtime_of)

    def runtime_of(self, id_: str) -> str:
        """The runtime of an item; none of another test's."""
        return self.cases[id_].runtime if id_ in self.cases else ""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker which runtimes take part, in which versions."""
        ready = {chosen.label: chosen.version for chosen in self.bench.runtimes if chosen.unavailable is None}
        node.workerinput["linmem_runtimes"] = ready
        if self.in_blocks():
            from linmem.plugin.scheduling import BLOCK

            node.workerinput["linmem_block"] = BLOCK
        missing = self.bench.guests.missing
        node.workerinput["linmem_missing"] = {name: (guest.reason, guest.remedy) for name, guest in missing.items()}

    # --------------------------------------------------------------------------------------------------- the items

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
        """A scenario file: one in suites/, or given by the user."""
        path = file_path.resolve()
        if path.suffix not in ENDINGS:
            return None
        given = any(path == place or place in path.parents for place in self.given)
        if given or is_own(path) or path in self.named:
            return SuiteFile.make(parent, file_path, self.bench)
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The items are known. (In a run with workers, each worker fetches what it needs itself.)"""
        planned = [item.planned for item in session.items if isinstance(item, ScenarioItem)]
        self.cases.update((item.case.id, item.case) for item in planned)
        if not self.config.option.collectonly:
            self.bench.fetch_glue(planned)
            if not is_worker(self.config):
                self.bench.expect(planned)
            elif block := getattr(self.config, "workerinput", {}).get("linmem_block"):
                self.bench.expect(planned, block)

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """With workers, these have the items: of the cases that the run has, those that they name."""
        if not self.cases:
            every = {item.case.id: item.case for _, found in self.bench.all_cases(self.suites) for item in found}
            self.cases.update((id_, every[id_]) for id_ in ids if id_ in every)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """Keep the garbage collector from examining again what was made so far."""
        gc.freeze()
        gc.enable()
        self.one_phase = onephase.possible(self.config)

    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a scenario in one phase where nobody looks at phases."""
        if not self.one_phase or not isinstance(item, ScenarioItem) or onephase.marked(item):
            return None
        onephase.run(item, nextitem)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport | None:
        """Attach the result to pytest's report, which reaches the controlling process from workers too."""
        if call.when != "call" or not isinstance(item, ScenarioItem) or item.result is None:
            return None
        report = pytest.TestReport.from_item_and_call(item, call)
        report.__dict__["linmem_result"] = msgspec.to_builtins(item.result)
        if item.planned.case.id in self.bench.told:
            report.__dict__["linmem_told"] = item.planned.case.runtime
        line = self.bench.introduction(item.planned.case.runtime)
        if line is not None:
            report.__dict__["linmem_runtime"] = line
        item.result = None  # the report has it; pytest keeps items until the run ends
        if report.skipped and isinstance(report.longrepr, tuple):
            path, above, _ = item.reportinfo()  # the scenario's place, not our code's
            report.longrepr = (printable(str(path)), above + 1, report.longrepr[2])
        return report

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """A runtime that can't be started is told with its first case; the others' errors are counted."""
        if report.when == "call" and hasattr(report, "linmem_told"):
            return NOT_STARTED, "N", ("NOT STARTED", {"red": True})
        return None

    def pytest_report_header(self) -> str | None:
        """What of this environment makes results uncertain."""
        return means.narrow()

    # -------------------------------------------------------------------------------------------------- the record

    def header(self, planned: list[Case]) -> Run:
        """The record's first line: what this run is about to do."""
        bench = self.bench
        places = {case.place for case in planned}
        suites = [entry for suite in self.suites if (entry := describe.suite(suite, places)).scenarios]
        scenarios = [item for suite in self.suites for item in suite.scenarios if item.place in places]
        programs = {name for scenario in scenarios for name in (scenario.program, scenario.package) if name}
        programs.update(bench.guests.missing)
        return Run(
            format=FORMAT,
            linmem=__version__,
            started=now(),
            command=[*command(), *self.settings.unsaid],
            environment=environment(),
            runtimes=[describe.runtime(chosen) for chosen in bench.runtimes],
            guests=[describe.guest(guest) for program in sorted(programs) for guest in bench.guests.all(program)],
            suites=suites,
            planned=planned,
            selection=self.selection(),
        )

    def selection(self) -> Selection:
        """What the run was asked for, in place of everything."""
        places = [argument.partition("::") for argument in self.config.args]
        named = [name_of(Path(path).resolve(), self.root) + sep + rest for path, sep, rest in places]
        return Selection(
            runtimes=[chosen.label for chosen in self.bench.runtimes if chosen.asked],
            guests=list(self.settings.guests),
            paths=[] if {paths.SUITES, self.clone} & set(self.named) else named,
            shard=self.shards.shard if self.shards is not None else None,
        )

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave what other shards play to them, of what `-k` and the like have left."""
        if self.shards is None:
            return
        ours: list[pytest.Item] = []
        others: list[pytest.Item] = []
        for item in items:
            name = item.planned.case.place if isinstance(item, ScenarioItem) else item.nodeid
            (ours if self.shards.plays(name) else others).append(item)
        items[:] = ours
        if others:
            config.hook.pytest_deselected(items=others)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """In a worker: tell the controller what the selection leaves out."""
        if is_worker(self.config):
            out = self.config.workeroutput.setdefault(DESELECTED, [])  # type: ignore[attr-defined]
            out += [msgspec.to_builtins(item.planned.case) for item in items if isinstance(item, ScenarioItem)]

    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> None:
        """A selection that matches nothing is an error, and says so; and a runtime that could not be started."""
        left = Counter(report.linmem_told for report in terminalreporter.stats.get(NOT_STARTED, ()))
        for label, number in left.items():
            terminalreporter.write_line(
                f"ERROR: {label} could not be started: {number:,} more of its checks were not played", red=True
            )
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self.plays_suites():
            terminalreporter.write_line(
                f"ERROR: no scenario {self.where()}, so nothing was played and no report was written "
                "('linmem list' shows what there is)",
                red=True,
            )

    def where(self) -> str:
        """Where no scenario is, in a run that has none."""
        if self.shards is None:
            return "matches this selection"
        return f"of this selection is in shard {self.shards.shard.shown}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Reports are made of all that there is, and nothing of it is garbage."""
        gc.freeze()
        gc.disable()

    def pytest_unconfigure(self) -> None:
        """End all drivers."""
        gc.freeze()  # pytest looks through all for coroutines that nobody awaited
        gc.enable()  # where the items never came to run
        self.bench.close()
