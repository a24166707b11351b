"""Build guests from source, and check that the committed modules are what their sources give."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from linmem.errors import Unavailable, UserError, unknown
from linmem.guests import lockfile
from linmem.guests.program import Program, programs
from linmem.guests.toolchains import TOOLCHAINS, BuildError, Toolchain


@dataclass(frozen=True)
class BuildTarget:
    """One guest: a program in a language."""

    program: Program
    language: str

    def __str__(self) -> str:
        return f"{self.program.name}/{self.language}"

    @property
    def toolchain(self) -> Toolchain:
        """What builds it."""
        return TOOLCHAINS[self.language]


@dataclass(frozen=True)
class Built:
    """The outcome for one target: the module is the committed one, it differs, or it could not be compared here."""

    target: BuildTarget
    state: Literal["ok", "FAIL", "none"]
    text: str


def select(names: Sequence[str]) -> list[BuildTarget]:
    """The targets that ``PROGRAM`` or ``PROGRAM/LANGUAGE`` name; all for no name. Raises `UserError`."""
    known = {str(target): target for target in _all_targets()}
    if not names:
        return list(known.values())
    chosen: dict[str, BuildTarget] = {}
    for name in names:
        found = {key: target for key, target in known.items() if name in (key, target.program.name)}
        if not found:
            raise UserError(unknown("guest", name, [*programs(), *known], "fixtures"))
        chosen.update(found)
    return list(chosen.values())


def state(target: BuildTarget) -> tuple[str, str]:
    """A target's toolchain and how its committed module stands, in words. Builds and installs nothing."""
    if not target.toolchain.committed:
        try:
            return target.toolchain.version(), "built into the cache when it takes part"
        except Unavailable as error:
            return error.reason, f"takes no part here: {error.remedy}"
    lock = lockfile.read_lock()
    faults = lockfile.drift(target.program, target.language, lock)
    entry = lock.get(str(target))
    return entry.toolchain if entry else "", "; ".join(faults) or "matches its source"


def check_all(targets: Sequence[BuildTarget]) -> Iterator[Built]:
    """`check` for each target, as many at once as there are processors; in the order of the targets."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(check, targets)


def check(target: BuildTarget) -> Built:
    """Rebuild a target and compare it with the committed module and the lock, byte by byte."""
    lock = lockfile.read_lock()
    entry = lock.get(str(target))
    faults = lockfile.drift(target.program, target.language, lock) if target.toolchain.committed else []
    reason = _incomparable(target, entry)
    if reason is not None:
        return Built(target, "FAIL" if faults else "none", "; ".join([*faults, reason]))
    try:
        data = _build(target)
    except (Unavailable, BuildError) as error:
        return Built(target, "FAIL", "; ".join([*faults, f"not built: {error}"]))
    if not target.toolchain.committed:
        return Built(target, "ok", "built; no module is committed to compare it with")
    return _compare(target, data, entry, faults)


def write(target: BuildTarget) -> Built:
    """Build a target and commit the module and what it was built from to the tree."""
    if not target.toolchain.committed:
        return Built(target, "ok", "nothing is committed for this language")
    try:
        data = _build(target)
    except (Unavailable, BuildError) as error:
        return Built(target, "FAIL", f"not built: {error}")
    target.program.module(target.language).write_bytes(data)
    lockfile.write_lock({**lockfile.read_lock(), str(target): _entry(target, data)})
    return Built(target, "ok", f"written, sha256 {lockfile.sha256(data)}")


def _all_targets() -> Iterator[BuildTarget]:
    for program in programs().values():
        yield from (BuildTarget(program, language) for language in program.languages)


def _build(target: BuildTarget) -> bytes:
    with tempfile.TemporaryDirectory(prefix="linmem-build-") as folder:
        module = Path(folder) / "module.wasm"
        target.toolchain.build(target.program.source(target.language), module, target.program.maximum)
        return module.read_bytes()


def _incomparable(target: BuildTarget, entry: lockfile.Entry | None) -> str | None:
    """Why the module can't be built again here: the machine's own toolchain is missing, or is of another version than
    the one that built the committed module.
    """
    toolchain = target.toolchain
    if toolchain.provided:
        return None
    try:
        version = toolchain.version()
    except Unavailable as error:
        return f"not built: {error.reason} ({error.remedy})"
    if toolchain.committed and entry is not None and entry.toolchain != version:
        return f"not compared: it was built by {entry.toolchain}, and here is {version}"
    return None


def _compare(target: BuildTarget, data: bytes, entry: lockfile.Entry | None, faults: Sequence[str]) -> Built:
    """Compare what was built with what is committed."""
    module, actual = target.program.module(target.language), lockfile.sha256(data)
    if not module.exists():
        return Built(target, "FAIL", f"{module} is missing; its source gives sha256 {actual}")
    committed = lockfile.sha256(module.read_bytes())
    if committed != actual:
        return Built(target, "FAIL", f"{module} differs: it has sha256 {committed}, its source gives {actual}")
    if entry is not None and entry != _entry(target, data):
        faults = faults or [f"guests.lock.yaml tells of another build: linmem guests build {target} --write"]
    return Built(target, "FAIL" if faults else "ok", "; ".join(faults) or f"same bytes, sha256 {actual}")


def _entry(target: BuildTarget, data: bytes) -> lockfile.Entry:
    return lockfile.Entry(
        toolchain=target.toolchain.version(),
        command=target.toolchain.command(target.program.maximum),
        sources=lockfile.sources(target.program.source(target.language)),
        sha256=lockfile.sha256(data),
    )
