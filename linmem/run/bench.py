"""The cases of a run, and how each is played: a scenario with a guest on a runtime gives a `Result`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath

from linmem.drivers.limits import Limits
from linmem.errors import Unavailable, UserError
from linmem.guests import probes
from linmem.play.guest import Guest
from linmem.play.player import Player
from linmem.protocol import DriverFault
from linmem.provision.manifest import all_manifests, all_view_kinds
from linmem.provision.uvtool import tell
from linmem.results import known, known_check, means, verdict
from linmem.results.case import Case
from linmem.results.known import Engine, KnownDefects
from linmem.results.outcome import LEFT_OUT, Result
from linmem.results.verdict import KnownFailure
from linmem.run.ahead import Window
from linmem.run.guests import Guests, modules
from linmem.run.planned import Planned
from linmem.run.runtimes import Chosen
from linmem.run.session import NotStarted, Session
from linmem.scenario.model import Scenario, Suite
from linmem.scenario.names import calls_back
from linmem.scenario.source import SourceError
from linmem.text import join


def view_kinds(scenario: Scenario, chosen: Chosen) -> Sequence[str | None]:
    """The view kinds that the scenario is played with on a runtime; None: it is not about them, or there are none."""
    return (chosen.view_kinds(scenario.each_view) if scenario.each_view else []) or [None]


def runs_glue(session: Session, guest: Guest) -> bool:
    """Whether the runtime starts the guest by its language's own glue, as its driver says."""
    return guest.glue is not None and session.runs_glue(guest.glue.kind)


class Bench:
    """The runtimes, guests and known defects of a run: which cases a scenario has, and a player for each.

    ``timeout`` is how many seconds a runtime may take for one step, ``limits`` how much it may send; ``slow`` says
    whether to play also what a manifest says takes minutes. ``describe`` makes of a started session what the report
    says of its runtime.
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
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits
        self.told: set[str] = set()  # ids of cases whose error an earlier one has told
        self.slow, self.defects = slow, defects
        self.runtimes, self.guests, self.timeout, self.describe = runtimes, guests, timeout, describe
        self.sessions: dict[str, Session] = {}
        self.introductions: dict[str, dict[str, object] | None] = {}
        self.windows: dict[str, Window] = {}
        self.coming: dict[str, list[Planned]] = {}
        self.block: int | None = None
        self.engines: dict[tuple[str, str], Engine] = {}  # by labels and versions
        self.computed: dict[int, tuple[Scenario, list[Planned]]] = {}  # cases by their scenarios' ids

    @functools.cached_property
    def view_kinds(self) -> dict[str, set[str]] | None:
        """The view kinds that a scenario may name, with their memory types; None: any."""
        return all_view_kinds(chosen.manifest for chosen in self.runtimes)

    def provide(self, packages: Iterable[str] = ()) -> None:
        """Make the runtimes ready, and the packages of these names.

        One that was asked for by name and can't be had is a `UserError`; others are left out and reported. So is a run
        that has no runtime at all.
        """
        for chosen in self.runtimes:
            if not chosen.try_to_provide(tell) and chosen.asked:
                raise UserError(f"{chosen.label} is not available: {chosen.unavailable}")
        if self.runtimes and all(chosen.unavailable is not None for chosen in self.runtimes):
            reasons: dict[str, list[str]] = {}
            for chosen in self.runtimes:
                reasons.setdefault(str(chosen.unavailable), []).append(chosen.label)
            told = "; ".join(f"{join(labels)}: {reason}" for reason, labels in reasons.items())
            raise UserError(f"none of the runtimes is available, so nothing can be played. {told}")
        self.guests.provide(packages, tell)

    def launch(self) -> None:
        """Launch every runtime, all at a time, and wait for none."""
        for chosen in self.runtimes:
            if chosen.unavailable is None:
                self.session(chosen.label).prepare()

    def start(self, *, keep: bool) -> None:
        """Start every runtime: one that can't be started here is told once, as one that is not available. Unless they
        are to be kept, they end again.
        """
        self.launch()
        for chosen in [chosen for chosen in self.runtimes if chosen.unavailable is None]:
            try:
                self.session(chosen.label).start()
            except DriverFault as fault:
                reason = str(fault).removeprefix(f"{chosen.label} ")
                chosen.unavailable = Unavailable(reason, "see what its process needs")
                self.computed.clear()
                if chosen.asked:
                    raise UserError(f"{chosen.label} is not available: {reason}") from None
        if not keep:
            self.close()
            self.sessions.clear()

    def take_over(self, ready: Mapping[str, str | None], missing: Mapping[str, tuple[str, str]]) -> None:
        """In a worker, in place of `provide`: the runtimes that the controller has made ready, by label with their
        versions, and the packages that it could not get, by name with reason and remedy.
        """
        for name, words in missing.items():
            self.guests.leave_out(name, Unavailable(*words))
        self.runtimes = [chosen for chosen in self.runtimes if chosen.label in ready]
        for chosen in self.runtimes:
            chosen.version = ready[chosen.label]

    def fetch_glue(self, cases: Iterable[Planned]) -> None:
        """Make the glue that cases need ready before the first is played; one that can't be had fails its cases."""
        for guest, label in {(item.guest, item.case.runtime) for item in cases}:
            if guest is None or guest.glue is None or guest.glue.kind not in self.chosen(label).manifest.glue:
                continue  # its language's own glue does not start it there, as far as the manifest tells
            with contextlib.suppress(Unavailable):
                guest.glue.path  # noqa: B018

    def cases(self, scenario: Scenario) -> list[Planned]:
        """Every guest × runtime × view kind that the run is asked for, computed once. Raises `SourceError`."""
        scenario_again, found = self.computed.get(id(scenario), (None, []))
        if scenario_again is not scenario:
            found = self.combinations(scenario)
            self.computed[id(scenario)] = scenario, found
        return found

    def combinations(self, scenario: Scenario) -> list[Planned]:
        """What `cases` computes."""
        for feature in scenario.requires:
            if feature not in probes.names():
                known_features = ", ".join(probes.names())
                message = f"'requires' names '{feature}', for which there is no probe; known: {known_features}"
                raise scenario.where.error(message)
        return [
            Planned(
                Case(scenario.suite, scenario.slug, chosen.label, (guest.label or None) if guest else None, view),
                scenario,
                guest,
                chosen.shown_version,
            )
            for guest in self.guests.of(scenario)
            for chosen in self.runtimes
            if chosen.unavailable is None
            for view in view_kinds(scenario, chosen)
        ]

    def result(self, planned: Planned) -> Result:
        """The result of a case that is about to be played, with the first known defect that covers it."""
        return Result.begun(planned.case, planned.scenario.title, planned.version, self.known(planned))

    def known(self, planned: Planned) -> KnownFailure | None:
        """The first known defect that covers a case."""
        defect = self.defects.covering(planned.case, self.engine(planned))
        return defect.failure if defect is not None else None

    def hint(self, planned: Planned, result: Result) -> str | None:
        """What the lists of known defects say of a failure that none of them covers: that another version has it."""
        if result.known is not None or result.outcome in ("pass", "unsupported", "error"):
            return None
        entry = self.defects.of_other_versions(planned.case, self.engine(planned))
        if entry is None or not known.held_against(entry.failure, result.message).fits:
            return None
        place = f"{entry.file}:{entry.line}"
        return f"{place} lists this failure, but only for the versions {entry.versions}: widen it if this is the same"

    def all_cases(self, suites: Iterable[Suite]) -> Iterator[tuple[Suite, list[Planned]]]:
        """The cases of each suite. One that is wrong is left out: it is reported when the file is collected."""
        for suite in suites:
            with contextlib.suppress(SourceError):
                yield suite, [item for scenario in suite.scenarios for item in self.cases(scenario)]

    def play(self, planned: Planned, result: Result) -> Result:
        """Play a case, and hold a known defect's message against what came."""
        self._play(planned, result)
        if result.known is not None:
            result.known = known.held_against(result.known, result.message)
        return result

    def _play(self, planned: Planned, result: Result) -> Result:
        scenario, label = planned.scenario, planned.case.runtime
        left_out = self.left_out(planned)
        if left_out is not None:
            result.outcome, result.message = "unsupported", left_out
            result.where, result.known = str(scenario.where), None  # what is not played has no defect to show
            return result
        window = self.window(label)
        try:
            player = window.take(planned) or self.player(planned)
        except SourceError as error:
            result.outcome, result.message = "error", error.message
            result.where = f"{error.file}:{error.line}"
            return result
        except (UserError, Unavailable, DriverFault) as error:
            result.outcome, result.message, result.where = "error", str(error), str(scenario.where)
            if isinstance(error, NotStarted) and error.told:
                self.told.add(planned.case.id)
            return result
        session = self.session(label)
        served, session.served = session.served, True
        try:
            player.play(result)
        except BaseException:
            session.discard()
            raise
        means.blame_a_limit(result)
        if player.lost and served and not player.answered:
            self.play_alone(planned, result)
        self.introduce(label)
        # Who knows what it left behind: the next case must not depend on it. So too where a defect is listed
        # and did not show: freed memory that still held the right bytes was used all the same.
        if result.outcome == "fail" or (result.outcome == "pass" and result.known is not None):
            session.discard()
        window.fill(planned)
        return result

    def play_alone(self, planned: Planned, result: Result) -> None:
        """A process was lost before the case had any answer, which may be the doing of the case before it: play it on
        a new process. If that is lost too, it is this case's doing; else neither is sure.
        """
        session, again = self.session(planned.case.runtime), self.result(planned)
        session.discard()
        try:
            player = self.player(planned)
        except (UserError, Unavailable, DriverFault):
            return
        session.served = True
        player.play(again)
        if again.outcome == result.outcome:
            for name in again.__struct_fields__:
                setattr(result, name, getattr(again, name))
            return
        session.discard()
        result.outcome = "error"
        result.message += (
            f", before this scenario had any answer; played alone it comes to '{again.outcome}', "
            "so the scenario before it may have left the process so"
        )

    def left_out(self, planned: Planned) -> str | None:
        """Why the case is not played at all; None where it is."""
        scenario, case = planned.scenario, planned.case
        if scenario.each_view is not None and case.view is None:
            return f"{case.runtime} has no view that reads and writes {scenario.each_view}"
        why = self.takes_long(planned) if not self.slow else None
        return f"{LEFT_OUT}{why}; --slow plays it" if why is not None else None

    def is_left_out(self, planned: Planned) -> bool:
        """Whether the case is not played at all."""
        return self.left_out(planned) is not None

    def takes_long(self, planned: Planned) -> str | None:
        """Why the case takes its runtime minutes; None where it does not."""
        chosen = self.chosen(planned.case.runtime)
        if not chosen.manifest.slow:
            return None
        name = f"{PurePath(planned.scenario.suite).name}::{planned.scenario.slug}"
        return chosen.takes_long(name, planned.case.guest)

    def expect(self, coming: Iterable[Planned], block: int | None = None) -> None:
        """The cases that will be played, in this order: a runtime may be given several at once.

        With `block`, it is only known that a runtime's cases are played in blocks of so many.
        """
        self.block = block
        self.coming.clear()
        for planned in coming:
            self.coming.setdefault(planned.case.runtime, []).append(planned)
        for label, window in self.windows.items():
            window.expect(self.coming.get(label, ()), block)
        for label in self.coming if block is None else ():
            if not self.session(label).ready:
                self.session(label).prepare()

    def window(self, label: str) -> Window:
        """What is posted ahead to a runtime of this run."""
        if label not in self.windows:
            window = Window(self.session(label), self.alone, self.costs_process, self.is_left_out, self.make_player)
            window.expect(self.coming.get(label, ()), self.block)
            self.windows[label] = window
        return self.windows[label]

    def alone(self, planned: Planned) -> bool:
        """Whether a case is posted in its own turn only: it calls us back, takes long, or its runtime is not known
        yet.
        """
        session, guest = self.session(planned.case.runtime), planned.guest
        if planned.case.runtime not in self.introductions or calls_back(planned.scenario):
            return True
        if guest is not None and (guest.fallback if runs_glue(session, guest) else guest.host) is not None:
            return True
        return self.takes_long(planned) is not None

    def costs_process(self, planned: Planned) -> bool:
        """Whether the process will be given up after a case."""
        return self.known(planned) is not None

    def player(self, planned: Planned) -> Player:
        """A player for the case, its runtime started and its guest at hand.

        A process that has ended since the last case was played is not this one's failure: a `DriverFault` says so.
        """
        self.session(planned.case.runtime).start()
        return self.make_player(planned)

    def make_player(self, planned: Planned) -> Player:
        """A player for the case, on a runtime that was started."""
        session, guest = self.session(planned.case.runtime), planned.guest
        parts = modules(planned.scenario, guest)
        if guest is not None and guest.glue is not None and runs_glue(session, guest):
            guest.glue.path  # noqa: B018  # here it may be provisioned, and fail
        session.begin_scenario()
        return Player(planned.scenario, session, parts, guest, planned.case.view)

    def session(self, label: str) -> Session:
        """The running driver of a runtime of this run."""
        if label not in self.sessions:
            self.sessions[label] = self.chosen(label).session(probes.features(), self.timeout, self.limits)
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
        for window in self.windows.values():
            window.drop()
        for session in self.sessions.values():
            session.close()

    def engine(self, planned: Planned) -> Engine:
        """A case's runtime as entries of the known defects name it."""
        key = planned.case.runtime, planned.version
        if key not in self.engines:
            chosen = self.chosen(planned.case.runtime)
            self.engines[key] = Engine(chosen.manifest.name, chosen.variant or chosen.manifest.variant, planned.version)
        return self.engines[key]

    def good(self, result: Result) -> bool:
        """Whether the result lets the run pass."""
        return verdict.is_good(verdict.judge(result.outcome, result.known))

    def problems(self, suites: Iterable[Suite], suite_files: list[str] | None) -> list[str]:
        """What is wrong with the list of known defects, in view of whole suites: a selection of scenarios, guests or
        items makes no entry wrong.
        """
        if not self.defects.entries:
            return []
        slugs: dict[str, list[str]] = {}
        cases: list[tuple[Case, Engine]] = []
        for suite, planned in self.all_cases(suites):
            slugs[suite.path] = [scenario.slug for scenario in suite.scenarios]
            cases += [(item.case, self.engine(item)) for item in planned]
        names = {manifest.name for manifest in (*all_manifests(), *(chosen.manifest for chosen in self.runtimes))}
        return known_check.problems(self.defects.entries, slugs, cases, names, self.guests.absent(), suite_files)
