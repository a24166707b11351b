"""Who plays what: scenarios meet guests and runtimes here, and are played.

What comes out of a play is a `linmem.results.outcome.Result`.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from linmem.errors import Unavailable, UserError
from linmem.guests import probes
from linmem.play.guest import Guest
from linmem.play.player import Player
from linmem.protocol import DriverFault
from linmem.provision.manifest import all_manifests
from linmem.results import known, known_check, verdict
from linmem.results.known import DefectCase, KnownDefects
from linmem.results.outcome import LEFT_OUT, KnownFailure, Result
from linmem.run.guests import Guests, modules
from linmem.run.runtimes import Chosen
from linmem.run.session import Session
from linmem.scenario.model import Scenario, Suite
from linmem.scenario.names import calls_back
from linmem.scenario.source import SourceError


def say(line: str) -> None:
    """Tell the user what takes time before the first item runs."""
    print(f"linmem: {line}", file=sys.stderr, flush=True)


def view_kinds(scenario: Scenario, chosen: Chosen) -> Sequence[str | None]:
    """The view kinds that the scenario is played with on a runtime; None: it is not about them, or there are none."""
    return (chosen.view_kinds(scenario.each_view) if scenario.each_view else []) or [None]


def runs_glue(session: Session, guest: Guest) -> bool:
    """Whether the runtime starts the guest by its language's own glue, as its driver says."""
    return guest.glue is not None and session.runs_glue(guest.glue.kind)


@dataclass(frozen=True)
class Cell:
    """Whom a scenario is played on: a runtime by its label and version, a guest (None: inline), a view kind (None: no
    matter).
    """

    runtime: str
    version: str
    guest: Guest | None
    view: str | None

    @property
    def id(self) -> str:
        """As it stands in an item's id: ``go-wasmtime``."""
        parts = [self.guest.label if self.guest else None, self.runtime, self.view]
        return "-".join(part for part in parts if part)


class Bench:
    """The runtimes, guests and known defects of a run: which cells a scenario has, and a player for each.

    ``timeout`` is how many seconds a runtime may take for one step; ``slow`` says whether to play also what a manifest
    says takes minutes. ``describe`` makes of a started session what the
    report wants to know of its runtime.
    """

    def __init__(
        self,
        runtimes: list[Chosen],
        guests: Guests,
        timeout: float,
        describe: Callable[[Session], dict[str, object]],
        defects: KnownDefects,
        *,
        slow: bool = False,
    ) -> None:
        self.slow, self.defects = slow, defects
        self.runtimes, self.guests, self.timeout, self.describe = runtimes, guests, timeout, describe
        self.sessions: dict[str, Session] = {}
        self.introductions: dict[str, dict[str, object] | None] = {}
        self.ahead: tuple[Scenario, Cell, Player] | None = None

    def provide(self, packages: Iterable[str] = ()) -> None:
        """Make the runtimes ready, and the packages of these names.

        One that was asked for by name and can't be had is a `UserError`; others are left out and reported.
        """
        for chosen in self.runtimes:
            if not chosen.try_to_provide(say) and chosen.asked:
                raise UserError(f"{chosen.label} is not available: {chosen.unavailable}")
        self.guests.provide(packages, say)

    def take_over(self, ready: Mapping[str, str | None], missing: Mapping[str, tuple[str, str]]) -> None:
        """In a worker: leave it at the runtimes, by label, and their versions that the controller found, and at the
        packages that it did not find, by name with reason and remedy.
        """
        for name, words in missing.items():
            self.guests.leave_out(name, Unavailable(*words))
        self.runtimes = [chosen for chosen in self.runtimes if chosen.label in ready]
        for chosen in self.runtimes:
            chosen.version = ready[chosen.label]

    def fetch_glue(self, cells: Iterable[Cell]) -> None:
        """Make the glue that cells need ready before the first is played; one that can't be had fails its cells."""
        for guest in {cell.guest for cell in cells if self.needs_glue(cell)}:
            if guest is not None and guest.glue is not None:
                with contextlib.suppress(Unavailable):
                    guest.glue.path  # noqa: B018

    def needs_glue(self, cell: Cell) -> bool:
        """Whether the cell's guest is started by its language's own glue, as far as the manifest tells."""
        guest = cell.guest
        return (
            guest is not None and guest.glue is not None and guest.glue.kind in self.chosen(cell.runtime).manifest.glue
        )

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
            for view in view_kinds(scenario, chosen)
        ]

    def play(self, scenario: Scenario, cell: Cell, result: Result) -> Result:
        """Play a scenario on a cell's runtime, and hold a known defect's message against what came."""
        self._play(scenario, cell, result)
        if result.known is not None:
            result.known = known.held_against(result.known, result.message)
        return result

    def _play(self, scenario: Scenario, cell: Cell, result: Result) -> Result:
        left_out = self.left_out(scenario, cell)
        if left_out is not None:
            result.outcome, result.message = "unsupported", left_out
            result.where, result.known = str(scenario.where), None  # what is not played has no defect to show
            return result
        try:
            player = self.taken_up(scenario, cell) or self.player(scenario, cell)
        except SourceError as error:
            result.outcome, result.message = "error", error.message
            result.where = f"{error.file}:{error.line}"
            return result
        except (UserError, Unavailable, DriverFault) as error:
            result.outcome, result.message, result.where = "error", str(error), str(scenario.where)
            return result
        player.play(result)
        self.introduce(cell.runtime)
        # Who knows what it left behind: the next scenario's cell must not depend on it. So too where a defect is listed
        # and did not show: freed memory that still held the right bytes was used all the same.
        if result.outcome == "fail" or (result.outcome == "pass" and result.known is not None):
            self.session(cell.runtime).discard()
        return result

    def left_out(self, scenario: Scenario, cell: Cell) -> str | None:
        """Why the cell is not played at all; None where it is."""
        if scenario.each_view is not None and cell.view is None:
            return f"{cell.runtime} has no view that reads and writes {scenario.each_view}"
        chosen = self.chosen(cell.runtime)
        if self.slow or not chosen.manifest.slow:
            return None
        name = f"{PurePath(scenario.suite).name}::{scenario.slug}"
        why = chosen.takes_long(name, cell.guest.label if cell.guest else None)
        return f"{LEFT_OUT}{why}; --slow plays it" if why is not None else None

    def taken_up(self, scenario: Scenario, cell: Cell) -> Player | None:
        """The player that has begun with this item; one that has begun with another is given up."""
        ahead, self.ahead = self.ahead, None
        if ahead is None or ahead[:2] == (scenario, cell):
            return ahead[2] if ahead is not None else None
        ahead[2].abandon()
        return None

    def begin(self, scenario: Scenario, cell: Cell) -> None:
        """Let a runtime that already runs start on the next item, if it can go without us for a while."""
        session = self.sessions.get(cell.runtime)
        if session is None or not session.alive or calls_back(scenario) or self.left_out(scenario, cell):
            return
        guest = cell.guest
        if guest is not None and (guest.fallback if runs_glue(session, guest) else guest.host) is not None:
            return
        with contextlib.suppress(Exception):  # its own turn will tell
            player = self.player(scenario, cell)
            player.begin()
            self.ahead = (scenario, cell, player)

    def player(self, scenario: Scenario, cell: Cell) -> Player:
        """A player for the cell, its runtime started and its guest at hand."""
        session = self.session(cell.runtime)
        parts = modules(scenario, cell.guest)
        session.start()
        guest = cell.guest
        if guest is not None and guest.glue is not None and runs_glue(session, guest):
            guest.glue.path  # noqa: B018  # here it may be provisioned, and fail
        return Player(scenario, session, parts, cell.guest, cell.view)

    def session(self, label: str) -> Session:
        """The running driver of a runtime of this run."""
        if label not in self.sessions:
            self.sessions[label] = self.chosen(label).session(probes.features(), self.timeout)
        return self.sessions[label]

    def chosen(self, label: str) -> Chosen:
        """The runtime of this run with that label."""
        return next(chosen for chosen in self.runtimes if chosen.label == label)

    def introduce(self, label: str) -> None:
        """Ask a runtime's driver what it is, once, and before it is given the next scenario."""
        session = self.sessions[label]
        if label not in self.introductions and session.pid is not None:
            with contextlib.suppress(DriverFault):
                self.introductions[label] = self.describe(session)

    def introduction(self, label: str) -> dict[str, object] | None:
        """What a runtime's driver said of itself, the first time that this is asked; None later."""
        line = self.introductions.get(label)
        if line is not None:
            self.introductions[label] = None
        return line

    def close(self) -> None:
        """End every driver."""
        for session in self.sessions.values():
            session.close()

    def known_failure(self, scenario: Scenario, cell: Cell) -> KnownFailure | None:
        """The first known defect that covers the cell."""
        defect = self.defects.covering(self.defect_case(scenario, cell))
        return defect.failure if defect is not None else None

    def defect_case(self, scenario: Scenario, cell: Cell) -> DefectCase:
        """An item as entries of the known defects speak of it."""
        chosen = self.chosen(cell.runtime)
        return DefectCase(
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
        return verdict.is_good(verdict.judge(result.outcome, result.known))  # type: ignore[arg-type]

    def problems(self, suites: Iterable[Suite], suite_files: list[str] | None) -> list[str]:
        """What is wrong with the list of known defects, in view of whole suites: a selection of scenarios, guests or
        items makes no entry wrong.
        """
        if not self.defects.entries:
            return []
        slugs: dict[str, list[str]] = {}
        cases: list[DefectCase] = []
        for suite in suites:
            with contextlib.suppress(SourceError):  # it is told where the file is collected
                cells = [(scenario, cell) for scenario in suite.scenarios for cell in self.cells(scenario)]
                slugs[suite.path] = [scenario.slug for scenario in suite.scenarios]
                cases += [self.defect_case(scenario, cell) for scenario, cell in cells]
        names = {manifest.name for manifest in (*all_manifests(), *(chosen.manifest for chosen in self.runtimes))}
        return known_check.problems(self.defects.entries, slugs, cases, names, self.guests.absent(), suite_files)
