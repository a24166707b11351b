"""pytest's options under the heading "linmem", and the settings that they and the project file give."""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from linmem import paths, project
from linmem.drivers.limits import Limits
from linmem.errors import UserError
from linmem.project import Project
from linmem.provision import names
from linmem.run import shards
from linmem.run.runtimes import ALL, default, everyone

TAKE_A_VALUE = (
    "--runtime",
    "--guest",
    "--glue",
    "--suites",
    "--report-dir",
    "--known",
    "--baseline",
    "--record-baseline",
    "--shard",
    "--shard-by",
    "--step-timeout",
    "--step-mib",
    "--step-calls",
    "--scenario-mib",
    "--scenario-calls",
)
STEP_TIMEOUT = 10.0  # seconds
SLOW_STEP_TIMEOUT = 600.0  # seconds, where what takes a runtime minutes is played too
LIMITS = tuple(field.name for field in dataclasses.fields(Limits))


def add(parser: pytest.Parser) -> None:
    """The options under the heading "linmem"."""
    group = parser.getgroup("linmem", "linmem: WebAssembly linear memory across runtimes")
    group.addoption(
        "--runtime",
        action="append",
        default=[],
        metavar="NAME[:VARIANT][@VERSION]",
        help="play on this runtime only; repeatable; 'all' is every available one (default: the main ones)",
    )
    group.addoption(
        "--guest",
        action="append",
        default=[],
        metavar="NAME|PROGRAM=MODULE",
        help="play with this guest only (go, tinygo, wat, ..., or 'inline' for those inside scenario files), or play a "
        "program's scenarios on a module of your own: shared_buffer=path/to/main.wasm; repeatable",
    )
    group.addoption(
        "--glue",
        type=Path,
        metavar="SCRIPT",
        help="the wasm_exec.js of the module given with --guest PROGRAM=MODULE",
    )
    group.addoption(
        "--suites",
        action="append",
        default=[],
        metavar="SUITE",
        help="play only this file or folder, in any place; repeatable; a file can be followed by ::SCENARIO[CELL]",
    )
    group.addoption(
        "--report-dir",
        type=Path,
        metavar="DIR",
        help="where the reports go (default: reports/out; for a run of a part reports/out/partial)",
    )
    group.addoption(
        "--known",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a list of known defects, in addition to those in the runtimes' folders; repeatable",
    )
    group.addoption(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="compare the run with this baseline: a regression ends it with status 1; only what is selected counts",
    )
    group.addoption(
        "--record-baseline",
        type=Path,
        metavar="FILE",
        help="record the run in FILE, for later runs with --baseline",
    )
    group.addoption(
        "--shard",
        type=shard,
        metavar="I/N",
        help="play the I-th of N parts of the scenarios, so that N machines play all; 'linmem merge' makes one run of "
        "their reports",
    )
    group.addoption(
        "--shard-by",
        type=Path,
        metavar="RUN",
        help="make the shards equally long, by the durations in an earlier run's folder, record.jsonl or report.json; "
        "all shards need the same",
    )
    group.addoption(
        "--step-timeout",
        type=seconds,
        metavar="SECONDS",
        help="how long one step may take before the runtime is stopped; compiling a module six times as long "
        f"(default: {STEP_TIMEOUT:.0f}; with --slow {SLOW_STEP_TIMEOUT:.0f})",
    )
    for scope in ("step", "scenario"):
        group.addoption(
            f"--{scope}-mib",
            type=above_zero,
            metavar="MIB",
            help=f"how much a runtime's driver may send for one {scope}, in units of 1,048,576 bytes "
            f"(default: {getattr(Limits, f'{scope}_mib')})",
        )
        group.addoption(
            f"--{scope}-calls",
            type=count,
            metavar="N",
            help=f"how often a guest may call host functions in one {scope} "
            f"(default: {getattr(Limits, f'{scope}_calls')})",
        )
    group.addoption(
        "--slow",
        action="store_true",
        help="also play what takes a runtime minutes, as its manifest says",
    )


def shard(text: str) -> tuple[int, int]:
    """The shard that an option gives."""
    try:
        return shards.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def seconds(text: str) -> float:
    """A time that an option gives."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no time to wait: give seconds, more than 0")
    return value


def above_zero(text: str) -> float:
    """A size that an option gives."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no size: give a number more than 0")
    return value


def count(text: str) -> int:
    """A number of calls that an option gives."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is no count")
    return value


@dataclass(frozen=True)
class Settings:
    """What a run is asked for. ``step_timeout`` is in seconds; ``known`` are lists beside those of the runtimes.

    ``part``: it leaves out something of what the project plays otherwise, and its baseline, if any, is the project's.
    ``unsaid`` are options that the project file gives and the run's record needs, as the command line would have them.
    """

    runtimes: list[str]
    guests: list[str]
    glue: Path | None
    suites: list[str]
    report_dir: Path
    known: list[Path]
    baseline: Path | None
    record_baseline: Path | None
    step_timeout: float
    limits: Limits
    slow: bool
    unsaid: list[str]
    part: bool
    shard: tuple[int, int] | None = None
    shard_by: Path | None = None


def settings(config: pytest.Config) -> Settings:
    """The command line's options; where it has none, the project file's. Raises `UserError`."""
    option, mine = config.option, project.find()
    if option.shard_by is not None and option.shard is None:
        raise UserError("--shard-by goes with --shard I/N")
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    part = plays_a_part(config, mine)
    usual = Path(paths.shown(mine.baseline)) if mine.baseline is not None and option.record_baseline is None else None
    return Settings(
        runtimes=option.runtime or list(mine.runtimes),
        guests=option.guest,
        glue=option.glue,
        suites=option.suites or ([] if named else list(mine.suites)),
        report_dir=option.report_dir or (mine.partial if part else mine.out),
        known=option.known or list(mine.known),
        baseline=option.baseline or usual,
        record_baseline=option.record_baseline,
        shard=option.shard,
        shard_by=option.shard_by,
        step_timeout=option.step_timeout or mine.step_timeout or (SLOW_STEP_TIMEOUT if option.slow else STEP_TIMEOUT),
        limits=limits(option, mine),
        slow=option.slow,
        unsaid=[] if option.runtime else [f"--runtime={text}" for text in mine.runtimes],
        part=part and option.baseline is None,
    )


def limits(option: argparse.Namespace, mine: Project) -> Limits:
    """How much a driver may send: as the command line says, else the project file."""
    given = {name: value for name in LIMITS if (value := getattr(option, name)) is not None}
    return Limits(**{**mine.limits, **given})


NARROWING = ("shard", "guest", "keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise")
"""pytest's options and ours that leave something out, by their names in its configuration."""


def plays_a_part(config: pytest.Config, mine: Project) -> bool:
    """Whether the command line leaves out something of what the project plays otherwise."""
    option = config.option
    if any(getattr(option, name, None) for name in NARROWING):
        return True
    named = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
    return _other_places(option.suites or named, mine) or _lacks_a_runtime(option.runtime, mine)


def _other_places(texts: Iterable[str], mine: Project) -> bool:
    places = _places(texts)
    usual = _places(mine.suites)
    return places != usual if places and usual else not places <= _places(map(str, (paths.SUITES, paths.ROOT)))


def _places(texts: Iterable[str]) -> set[str]:
    parts = (text.partition("::") for text in texts)
    return {f"{Path(path).resolve()}{separator}{inside}" for path, separator, inside in parts}


def _lacks_a_runtime(given: Iterable[str], mine: Project) -> bool:
    asked, usual = _runtimes(given), _runtimes(mine.runtimes) or {str(name) for _, name in default()}
    if ALL in asked:
        asked |= {str(name) for _, name in everyone()}
    return bool(asked) and not usual <= asked


def _runtimes(texts: Iterable[str]) -> set[str]:
    """Runtimes as they are asked for, folders by their full paths."""
    return {os.path.abspath(text) if "/" in text.partition("@")[0] else text for text in names.split(texts)}
