"""Which guests a run is about, and the modules of each scenario."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from linmem import reading
from linmem.errors import Unavailable, UserError, unknown
from linmem.guests import catalogue, packages
from linmem.play.guest import Guest, MissingGuest
from linmem.play.scope import Module
from linmem.provision.uvtool import Progress
from linmem.scenario.loader import NO_MODULE
from linmem.scenario.model import GUEST, ModuleSource, Scenario
from linmem.scenario.source import SourceError
from linmem.wasm.types import MAGIC, UnreadableModule, read_types
from linmem.wasm.wat import WatError, assemble

INLINE = "inline"  # how `--guest` names the guests inside scenario files


class Guests:
    """The guests asked for: languages by name, ``inline``, and users' modules as ``program=path``; all when none is
    asked for.
    """

    def __init__(self, wanted: Sequence[str], glue: Path | None) -> None:
        texts = [part.strip() for text in wanted for part in text.split(",") if part.strip()]
        if wanted and not texts:
            raise UserError(f"--guest '{wanted[0]}' names no guest ('linmem guests list' shows those there are)")
        own = [text for text in texts if "=" in text]
        if glue is not None and not own:
            raise UserError("--glue goes with --guest PROGRAM=MODULE: it is the glue of a module of your own")
        self._own: list[Guest] = []
        for text in own:
            self._own.append(catalogue.user_guest(text, glue, [guest.label for guest in self._own]))
        self._labels = [text for text in texts if "=" not in text]
        self.missing: dict[str, MissingGuest] = {}
        """The packages that this run can't have, by name."""
        known = sorted({guest.label for guest in _every_guest()} | {INLINE, packages.LABEL})
        for label in self._labels:
            if label not in known:
                raise UserError(unknown("guest", label, known, "--guest (or give PROGRAM=MODULE)"))
            self._insist(label)

    def of(self, scenario: Scenario) -> list[Guest | None]:
        """The guests that take part in a scenario; None is its own module, without glue. Raises `SourceError`."""
        if scenario.package is not None:
            return self._packaged(scenario, scenario.package)
        if scenario.program is None:
            return [_own(scenario)] if self._wants(INLINE) else []
        if scenario.program not in catalogue.programs():
            message = unknown("program", scenario.program, sorted(catalogue.programs()), "fixtures/")
            raise scenario.where.error(message)
        own: list[Guest | None] = [guest for guest in self._own if guest.program == scenario.program]
        return own + [guest for guest in self.all(scenario.program) if isinstance(guest, Guest) and guest not in own]

    def _packaged(self, scenario: Scenario, name: str) -> list[Guest | None]:
        try:
            package = packages.find_package(name)
            if not self._wants(packages.LABEL) or name in self.missing:
                return []
            # Where nothing is played, packages are not fetched, and have no module yet.
            return [catalogue.package_guest(package) or Guest(name, packages.LABEL, packages.PATH)]
        except UserError as error:
            raise scenario.where.error(str(error)) from None

    def provide(self, names: Iterable[str], progress: Progress) -> None:
        """Fetch the packages of these names, as far as they take part.

        Those that can't be had take no part. If packages were asked for by name, that is a `UserError`.
        """
        known = packages.packages()
        wanted = [known[name] for name in names if name in known and self._wants(packages.LABEL)]
        for name, error in packages.fetch_all(wanted, progress).items():
            if packages.LABEL in self._labels:
                raise UserError(f"--guest {packages.LABEL}: {name} is not available: {error}")
            self.leave_out(name, error)

    def leave_out(self, name: str, error: Unavailable) -> None:
        """A package takes no part in this run."""
        self.missing[name] = MissingGuest(name, packages.LABEL, error.reason, error.remedy)

    def all(self, program: str) -> list[Guest | MissingGuest]:
        """The wanted guests of a program or package, those that can't take part included."""
        if program in packages.packages():
            guest = self.missing.get(program) or catalogue.package_guest(packages.find_package(program))
            return [guest] if guest is not None else []
        own: list[Guest | MissingGuest] = [guest for guest in self._own if guest.program == program]
        return own + [guest for guest in catalogue.guests(program) if self._wants(guest.label)]

    def _insist(self, label: str) -> None:
        """A guest that was asked for by name must be there for some program. Raises `UserError`."""
        asked = [guest for guest in _every_guest() if guest.label == label]
        missing = [guest for guest in asked if isinstance(guest, MissingGuest)]
        if missing and len(missing) == len(asked):
            raise UserError(f"--guest {label}: {missing[0].reason}; {missing[0].remedy}")

    def absent(self) -> list[str]:
        """The labels of guests that exist but take no part in this run."""
        missing = (guest for guest in _every_guest() if isinstance(guest, MissingGuest) or not self._wants(guest.label))
        absent = [guest.label for guest in missing]
        return absent + [packages.LABEL] * (bool(self.missing) or not self._wants(packages.LABEL))

    def _wants(self, label: str) -> bool:
        return label in self._labels or not (self._labels or self._own)


def _own(scenario: Scenario) -> Guest | None:
    """The guest of a scenario that gives its module, where glue starts it."""
    source = scenario.guest
    if source is None or source.path is None or source.glue is None:
        return None
    try:
        return catalogue.scenario_guest(source.path, source.glue)
    except UserError as error:
        raise source.where.error(str(error)) from None


def _every_guest() -> list[Guest | MissingGuest]:
    """The guests of all programs, in all their languages."""
    return [guest for program in catalogue.programs() for guest in catalogue.guests(program)]


def modules(scenario: Scenario, guest: Guest | None) -> dict[str, Module]:
    """The modules of a scenario by name.

    Raises `SourceError` for text that does not assemble and `UserError` for a lost file.
    """
    found = {name: _from_source(source) for name, source in scenario.modules.items()}
    if guest is not None:
        found[GUEST] = _from_file(guest.module, guest.sha256)
    elif scenario.guest is not None:
        found[GUEST] = _from_source(scenario.guest)
    return found


def _from_source(source: ModuleSource) -> Module:
    if source.path is not None:
        try:
            data = reading.read_bytes(source.path, reading.MAX_MODULE)
        except reading.Unreadable as error:
            raise source.where.error(f"module {source.path.name} {error.message}") from None
        if not data.startswith(MAGIC):  # it has changed since the scenario was loaded
            raise source.where.error(NO_MODULE.format(f"module {source.path.name}"))
        return _module(data)
    assert source.wat is not None
    try:
        return _from_wat(source.wat)
    except WatError as error:
        line = source.where.line + error.line  # a block's text starts on the line after its key
        raise SourceError(source.where.file, line, f"the module's text does not assemble: {error.message}") from None


@functools.lru_cache(maxsize=256)
def _from_wat(text: str) -> Module:
    return _module(assemble(text))


@functools.lru_cache(maxsize=64)
def _from_file(path: Path, sha256: str) -> Module:
    try:
        data = reading.read_bytes(path, reading.MAX_MODULE)
    except reading.Unreadable as error:
        raise UserError(f"{path}: {error.message}") from None
    if sha256 != hashlib.sha256(data).hexdigest():
        raise UserError(f"{path}: has changed since the run began")
    return _module(data)


def _module(data: bytes) -> Module:
    try:
        return Module(data, read_types(data))
    except UnreadableModule:  # how to treat it is up to the runtimes
        return Module(data, None)
