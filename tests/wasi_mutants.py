"""How many faults in a WASI do the suites notice? ``python tests/wasi_mutants.py [--seed N] [--count N] [--list]``

Mutants of pywasm's WASI, which is plain Python: one place of it is changed mechanically, in a copy of the package, and
the suites of ``suites/wasi`` are played on it as a default run plays them, without what is left out as slow. A mutant is
*noticed* if a scenario fails that passes without it; *by an answer* if only a question is answered otherwise, which a run
with ``--baseline`` notices. The mutants are drawn with a fixed seed.

A mutant is *observable* unless `HIDDEN` says why no guest can see it, or that the specification leaves it open. Not among the tests that run by default: forty
mutants take some minutes.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from linmem import paths
from linmem.guests import probes
from linmem.play.player import Player
from linmem.provision.environments import Provided
from linmem.results.outcome import Result
from linmem.run.guests import INLINE, Guests, modules
from linmem.run.runtimes import choose
from linmem.run.session import Session
from linmem.scenario.loader import load_suite
from linmem.scenario.model import Scenario

SEED, COUNT = 20261129, 40
LAUNCHER = Path(__file__).parent / "fakes" / "mutated_pywasm.py"
TIMEOUT = 10.0

#: What no guest can see: a pattern of "function, change: line", and why.
HIDDEN = (
    (
        r"^sock_\w+, .*: (?!if self\.help_|return \[self\.ERRNO_(BADF|NOTSOCK)\])",
        "unreachable: no scenario can be given a socket",
    ),
    (r"ERRNO_NOTCAPABLE", "open: which rights are checked, and with which errno"),
    (r"^path_\w+, .*: return \[self\.ERRNO_(LOOP|ILSEQ)\]", "open: how a path that is a link or has a NUL is refused"),
    (r"^fd_\w+, wider: mems\.put_u(8|16)\(", "equivalent: what follows the field is padding, which may be written"),
    (r"^path_filestat_get, wider: mems\.put_u8\(", "equivalent: what follows the field is padding"),
    (r"^fd_readdir, wider: mems\.put_u32\(dirent", "equivalent: what follows is written next, and then padding"),
    (r"^poll_oneoff, wider: mems\.put_u(8|16)\(outs", "equivalent: what follows is written next, or padding"),
    (r"^poll_oneoff, narrower: ckid = ", "equivalent: a clock's number is 32 bits wide"),
    (r"^poll_oneoff, narrower: flag = ", "equivalent: the flags are 16 bits wide"),
    (r"^poll_oneoff, narrower: file = ", "unreachable: descriptors are small"),
)

#: Changes of one line: a name, what is found, and what takes its place.
CHANGES = (
    ("narrower", r"\b(put|get)_u64\(", r"\1_u32("),
    ("narrower", r"\b(put|get)_u32\(", r"\1_u16("),
    ("narrower", r"\b(put)_u16\(", r"\1_u8("),
    ("wider", r"\bput_u32\(", "put_u64("),
    ("wider", r"\bput_u16\(", "put_u32("),
    ("wider", r"\bput_u8\(", "put_u16("),
    ("not written", r"^mems\.put\w*\(.*\)$", "pass"),
    ("value + 1", r"^(mems\.put_u\d+\(.*, )(.+)\)$", r"\1(\2) + 1)"),
    ("offset + 1", r"(\+=? ?)(4|8|16|20|24|32|40|48|56)\b", lambda m: f"{m[1]}{int(m[2]) + 1}"),
    ("offset - 4", r"(\+=? ?)(8|16|20|24|32|40|48|56)\b", lambda m: f"{m[1]}{int(m[2]) - 4}"),
    ("offset * 2", r"(\* |\+= )(8|24|32|48)\b", lambda m: f"{m[1]}{int(m[2]) * 2}"),
    ("the first only", r"range\((iovs_len|nsub)\)", r"range(min(1, \1))"),
    ("all but the last", r"range\((iovs_len|nsub)\)", r"range(\1 - 1)"),
    ("wrong errno", r"return \[self\.ERRNO_SUCCESS\]", "return [self.ERRNO_IO]"),
    ("no error", r"return \[self\.ERRNO_(?!SUCCESS)\w+\]", "return [self.ERRNO_SUCCESS]"),
    ("longer by one", r"elem_len\)", "elem_len + 1)"),
    ("shorter by one", r"len\(data\)$", "len(data) - 1"),
    ("max for min", r"\bmin\(len", "max(len"),
)


@dataclass(frozen=True)
class Mutant:
    """One changed line of a function of pywasm's WASI."""

    function: str
    line: int
    was: str
    change: str
    becomes: str

    def __str__(self) -> str:
        return f"{self.function}:{self.line} {self.change}: {self.was.strip()}  ->  {self.becomes.strip()}"

    @property
    def place(self) -> str:
        """What `HIDDEN` looks at."""
        return f"{self.function}, {self.change}: {self.was.strip()}"

    @property
    def hidden(self) -> str | None:
        """Why no guest can see it; None if one can."""
        return next((why for pattern, why in HIDDEN if re.search(pattern, self.place)), None)


def mutants(source: list[str]) -> Iterator[Mutant]:
    """All mutants: of each function of WASI that is given an address, which it needs the memory for."""
    starts = [number for number, line in enumerate(source) if line.startswith("    def ")] + [len(source)]
    for start, end in itertools.pairwise(starts):
        name = source[start].split("def ")[1].split("(")[0]
        body = range(start + 1, end)
        if not any("mems = " in source[number] for number in body):
            continue
        for number in body:
            line = source[number]
            indent, code = line[: len(line) - len(line.lstrip())], line.strip()
            for change, find, put in CHANGES:
                becomes = re.sub(find, put, code, count=1)
                if becomes != code:
                    yield Mutant(name, number + 1, line, change, indent + becomes)
        yield from _swapped(source, name, body)


def _swapped(source: list[str], name: str, body: range) -> Iterator[Mutant]:
    """Two fields that follow each other change their values."""
    put = re.compile(r"^( +mems\.put_u(\d+)\([^,]+, )(.+)\)$")
    for number in body:
        one, other = (put.match(source[at]) if at < len(source) else None for at in (number, number + 1))
        if one and other and one[2] == other[2]:
            line = f"{one[1]}{other[3]}); {other[1].strip()} {one[3]})"
            yield Mutant(name, number + 1, source[number], "swapped with the next", line)


class Bench:
    """pywasm, as it is or mutated, and what a default run plays of the WASI suites on it."""

    def __init__(self) -> None:
        (self.chosen,) = choose(["pywasm"])
        self.provided = self.chosen.provide()
        found = Path(self.provided.command[0]).parent.parent.glob("lib/*/site-packages/pywasm")
        self.package = next(iter(found))
        self.source = (self.package / "wasi.py").read_text("utf-8").splitlines()
        self.scenarios = [
            scenario
            for file in sorted((paths.SUITES / "wasi").glob("*.yaml"))
            for scenario in load_suite(file, str(file.relative_to(paths.SUITES.parent))).scenarios
            if Guests([INLINE], None).of(scenario)  # not published modules
            and self.chosen.takes_long(f"{file.name}::{scenario.slug}", None) is None
        ]

    def session(self, folder: Path) -> Session:
        """A session with the package in a folder, mutated or not."""
        *python, driver = self.provided.command
        command = [*python, str(LAUNCHER), str(folder), driver]
        mutated: Provided = replace(self.provided, command=command, forks=False)
        return Session("pywasm", None, lambda: mutated, probes.features(), TIMEOUT)

    def copy(self, to: Path, mutant: Mutant | None) -> Path:
        """The package, with one line changed."""
        shutil.copytree(self.package, to / "pywasm", ignore=shutil.ignore_patterns("__pycache__"))
        lines = list(self.source)
        if mutant is not None:
            lines[mutant.line - 1] = mutant.becomes
            if mutant.change == "swapped with the next":
                lines[mutant.line] = ""
        (to / "pywasm" / "wasi.py").write_text("\n".join(lines) + "\n", "utf-8")
        return to

    def results(self, mutant: Mutant | None, only: set[str] | None = None) -> Iterator[tuple[Scenario, Result]]:
        """What scenarios come to, those first that name the mutant's function."""
        with tempfile.TemporaryDirectory() as folder:
            session = self.session(self.copy(Path(folder), mutant))
            name = "" if mutant is None else mutant.function
            try:
                for scenario in sorted(self.scenarios, key=lambda one: name not in one.slug):
                    if only is not None and scenario.slug not in only:
                        continue
                    names = dict.fromkeys(("id", "suite", "scenario", "title", "runtime", "version"), "")
                    result = Result(**names, guest=None, view=None, outcome="error")
                    session.start()
                    yield scenario, Player(scenario, session, modules(scenario, None), None, None).play(result)
                    if result.outcome not in ("pass", "unsupported"):
                        session.close()
            finally:
                session.close()


def answers(result: Result) -> list[tuple[str, str]]:
    """What was answered to a scenario's questions."""
    return [(observed.id, observed.answer) for observed in result.observations]


def noticed(bench: Bench, mutant: Mutant, sound: dict[str, Result]) -> tuple[str | None, str | None]:
    """The first scenario that fails with the mutant and passes without, and the first that only answers otherwise."""
    otherwise = None
    for scenario, result in bench.results(mutant, set(sound)):
        if result.outcome in ("fail", "crash", "timeout"):
            return scenario.slug, otherwise
        if otherwise is None and answers(result) != answers(sound[scenario.slug]):
            otherwise = scenario.slug
    return None, otherwise


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--count", type=int, default=COUNT, help="how many observable mutants")
    parser.add_argument("--list", action="store_true", help="list the drawn mutants only")
    options = parser.parse_args()
    bench = Bench()
    every = list(mutants(bench.source))
    random.Random(options.seed).shuffle(every)
    observable = [one for one in every if one.hidden is None]
    drawn = observable[: options.count]
    print(f"{len(every)} mutants, {len(every) - len(observable)} of them hidden; {len(drawn)} drawn")
    if options.list:
        print(*drawn, sep="\n")
        return 0
    sound = {scenario.slug: result for scenario, result in bench.results(None) if result.outcome == "pass"}
    print(f"{len(sound)} of {len(bench.scenarios)} scenarios pass without a mutant")
    failed = answered = 0
    for number, mutant in enumerate(drawn, 1):
        by, otherwise = noticed(bench, mutant, sound)
        failed += by is not None
        answered += by is None and otherwise is not None
        how = f"fails: {by}" if by else f"answers otherwise: {otherwise}" if otherwise else "NOT NOTICED"
        print(f"{number:3} {mutant}\n    {how}", flush=True)
    print(f"noticed: {failed} of {len(drawn)} by a failure, {answered} more by another answer")
    return 0


if __name__ == "__main__":
    sys.exit(main())
