"""Abuse, with counts: ``python tests/abuse/run.py [KIND ...] [--count N] [--seed N]``. The kinds:

* ``drivers``: drivers that break the protocol in generated ways (`hostile_driver`), each between two sound scenarios.
  No exception of linmem's own, the sound ones pass or are errors that say why, no process is left, memory stays small.
* ``files``: the suites, with random changes. Each loads, or ends in a `SourceError`, within seconds.
* ``environments``: a run in each: no traceback, no failure that the baseline does not have, a status that is documented.
* ``signals``: KILL, STOP and SEGV to drivers at random moments of runs with and without ``-n 2``. Every check is
  recorded once, with the outcome that it has undisturbed or as lost, and no process is left.
* ``kills``: runs that are killed at random moments: the record is valid, no process is left, and the next run is whole.

What it printed last is in ``docs/reliability.md``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import hostile_driver

from linmem import paths
from linmem.provision.manifest import load_manifest
from linmem.results.known import KnownDefects
from linmem.run.bench import Bench
from linmem.run.guests import Guests
from linmem.run.runtimes import Chosen
from linmem.scenario.files import walk
from linmem.scenario.loader import load_suite
from linmem.scenario.source import SourceError

DRIVER = Path(__file__).with_name("hostile_driver.py")
SUITE = """\
title: Abuse
wat: (module (import "env" "tick" (func)) (memory (export "memory") 1) (func (export "plain")) (func (export "hostile")))
imports: {env.tick: {}}
scenarios:
  - {name: before, steps: [{call: plain}, {size: memory, expect: 1}]}
  - {name: hostile, steps: [{call: plain}, {call: hostile}, {size: memory, expect: 1}]}
  - {name: after, steps: [{call: plain}, {size: memory, expect: 1}]}
"""
LINMEM = [sys.executable, "-m", "linmem"]
NOBODY = 65534
PLAYED = "growth.yaml"
PATIENCE = 900.0  # seconds for one run, on a busy machine


@dataclass
class Tally:
    """What one kind of abuse came to."""

    name: str
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            self.faults.append(what)
            print(f"  FAULT {what}", flush=True)

    def show(self) -> None:
        counts = ", ".join(f"{number} {name}" for name, number in sorted(self.counts.items()))
        print(f"{self.name}: {counts}; {len(self.faults)} faults", flush=True)


def left(mark: str) -> list[str]:
    """The processes, but for this one, whose environment has the mark, after a while in which they may end."""
    end = time.monotonic() + 30
    while True:
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark.encode() in (place / "environ").read_bytes() and int(place.name) != os.getpid():
                    found.append(place.name)
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.1)


def drivers(count: int, seed: int, folder: Path) -> Tally:
    """Hostile drivers, between sound scenarios."""
    tally = Tally("drivers")
    mark = str(uuid.uuid4())
    path = folder / "abuse.yaml"
    path.write_text(SUITE)
    (folder / "hostile").mkdir()
    for one in range(seed, seed + count):
        manifest = {
            "name": "hostile", "title": "A hostile driver", "homepage": "https://example.org",
            "launch": ["{program}", str(DRIVER), str(one)], "env": {"FAKE_DAEMON": mark},
            "environment": {"program": {"name": sys.executable}},
            "views": [{"kind": "bytewise", "unit": 1, "types": ["u8", "bytes"]}],
        }  # fmt: skip
        (folder / "hostile" / "runtime.yaml").write_text(json.dumps(manifest))
        chosen = Chosen("hostile", load_manifest(folder / "hostile"), None, "1.0", asked=True)
        bench = Bench([chosen], Guests([], None), 5.0, lambda session: {}, KnownDefects([]))
        what = f"seed {one} ({hostile_driver.about(one)})"
        try:
            planned = [item for scenario in load_suite(path, "abuse.yaml").scenarios for item in bench.cases(scenario)]
            bench.expect(planned)
            before, hostile, after = (bench.play(item, bench.result(item)) for item in planned)
            tally.counts[hostile.outcome] += 1
            tally.expect(before.outcome == "pass", f"{what}: the scenario before is {before.outcome}: {before.message}")
            tally.expect(after.outcome in ("pass", "error"), f"{what}: the next is {after.outcome}: {after.message}")
            tally.expect(len(hostile.message) < 20_000, f"{what}: a message of {len(hostile.message)} characters")
        except Exception as error:
            tally.expect(False, f"{what}: {type(error).__name__}: {error}")
        finally:
            bench.close()
    tally.expect(not left(mark), "processes are left")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    tally.counts["MiB at most"] = peak
    tally.expect(peak < 600, f"the harness grew to {peak} MiB")
    return tally


def changed(text: str, draw: random.Random) -> str:
    """A text with a few random changes."""
    bits = [
        "0" * 30,
        "-1",
        "${n}",
        "*a",
        "&a",
        "!!python/name:os.system",
        "\0",
        "\u202e",
        "[" * 200,
        "../../x",
        "1e999",
    ]
    for _ in range(draw.randint(1, 4)):
        at, length = draw.randrange(len(text) + 1), draw.choice((0, 1, 8, 60))
        text = text[:at] + draw.choice([*bits, "", text[at : at + length] * 3]) + text[at + length :]
    return text


def files(count: int, seed: int, folder: Path) -> Tally:
    """Suites with random changes."""
    tally, draw = Tally("files"), random.Random(seed)
    originals = sorted(walk(paths.SUITES))
    slowest = 0.0
    for number in range(count):
        original = draw.choice(originals)
        path = folder / original.name
        path.write_text(changed(original.read_text(encoding="utf-8"), draw), encoding="utf-8")
        began = time.process_time()
        try:
            load_suite(path, path.name)
            tally.counts["loaded"] += 1
        except SourceError:
            tally.counts["refused with a line"] += 1
        except Exception as error:
            tally.expect(False, f"seed {seed}, file {number} ({original.name}): {type(error).__name__}: {error}")
        slowest = max(slowest, time.process_time() - began)
    tally.expect(slowest < 20, f"a file took {slowest:.0f} s")
    return tally


def as_nobody() -> None:
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def few_processes() -> None:
    limited(NPROC=12)()
    as_nobody()


def full_device() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def mounted(*commands: str) -> list[str]:
    """The head of a command that is run where these have been, in name spaces of its own."""
    return ["unshare", "-rm", "sh", "-ec", f'{"; ".join(commands)}; exec "$@"', "sh"]


def limited(**limits: int) -> Callable[[], None]:
    def set_limits() -> None:
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))

    return set_limits


def environments(count: int, seed: int, folder: Path) -> Tally:
    """One run in each environment."""
    tally = Tally("environments")
    strange = folder / "with spaces ünd ほか"
    strange.mkdir()
    tree = folder / "read-only"
    locked = folder / "locked"
    locked.mkdir(mode=0o555)
    open_ = folder / "open"
    open_.mkdir(mode=0o777)
    open_.chmod(0o777)
    small = folder / "small"
    small.mkdir()
    (folder / "out13").mkdir()
    folder.chmod(0o755)
    root = os.geteuid() == 0
    ways: dict[str, tuple[dict[str, str | None], Callable[[], None] | None, list[str], Path]] = {
        "as it is": ({}, None, [], folder),
        "HOME unset": ({"HOME": None}, None, [], folder),
        "LANG=C": ({"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, None, [], folder),
        "spaces and non-ASCII": ({"TMPDIR": str(strange)}, None, [], strange),
        "256 open files": ({}, limited(NOFILE=256), [], folder),
        "24 open files": ({}, limited(NOFILE=24), [], folder),
        "6 GiB of address space": ({}, limited(AS=6 << 30), [], folder),
        "1.5 GiB of address space": ({}, limited(AS=3 << 29), [], folder),
        "0.4 GiB of address space": ({}, limited(AS=4 << 26), [], folder),
        "files of 64 KiB": ({}, limited(FSIZE=1 << 16), [], folder),
        "no network": ({}, None, ["unshare", "-rn"], folder),
        "output to a full device": ({}, full_device, [], folder),
        "a full cache": ({"LINMEM_CACHE": str(small)}, None, mounted(f"mount -t tmpfs -o size=1m small {small}"), folder),
        "a full report folder": ({}, None, mounted(f"mount -t tmpfs -o size=96k small {folder}/out13"), folder),
        "a read-only checkout": (
            {}, None, mounted(f"mount --bind {paths.ROOT} {paths.ROOT}", f"mount -o remount,bind,ro {paths.ROOT}"), folder
        ),
    }  # fmt: skip
    if root:
        ways |= {
            "another user, no cache": ({"HOME": str(open_)}, as_nobody, [], open_),
            "another user, read-only cache and checkout": (
                {"HOME": str(locked), "LINMEM_CACHE": str(locked)}, as_nobody, [], tree.parent
            ),
            "another user, 12 processes": (
                {"HOME": str(open_)}, few_processes, [], open_
            ),
        }  # fmt: skip
    for number, (name, (variables, prepare, head, here)) in enumerate(ways.items()):
        out = (open_ if "user" in name else folder) / f"out{number}"
        mark = str(uuid.uuid4())
        env = {**os.environ, "LINMEM_ABUSE": mark, **{key: value for key, value in variables.items() if value}}
        for key, value in variables.items():
            if value is None:
                env.pop(key, None)
        linmem = LINMEM
        if "user" in name:  # the interpreter of this environment may be in a folder that is closed to others
            linmem = [f"/usr/bin/python3.{sys.version_info.minor}", *LINMEM[1:]]
            env["PYTHONPATH"] = os.pathsep.join([str(paths.ROOT), *sys.path[1:]])
        command = [*head, *linmem, "run", "--runtime", "wasmtime", "--runtime", "node", PLAYED, f"--report-dir={out}"]
        with tempfile.TemporaryFile() as said:
            try:
                ended = subprocess.run(
                    command, cwd=here, env=env, stdout=said, stderr=said, stdin=subprocess.DEVNULL, preexec_fn=prepare,
                    timeout=PATIENCE, check=False,
                )  # fmt: skip
            except (OSError, subprocess.SubprocessError) as error:
                tally.expect(not isinstance(error, subprocess.TimeoutExpired), f"{name}: {error}")
                tally.counts["not possible here"] += 1
                continue
            said.seek(0)
            text = said.read().decode("utf-8", "replace")
        results = Counter(
            line["outcome"] for line in recorded(out) if line.get("type") == "result" and not line["known"]
        )
        print(f"  {name}: status {ended.returncode}, {dict(results) or text.strip().splitlines()[-1:]}", flush=True)
        tally.counts[f"ended with {ended.returncode}"] += 1
        tally.expect(ended.returncode in (0, 1, 2, 4, 5), f"{name}: status {ended.returncode}")
        tally.expect("Traceback" not in text and "INTERNALERROR" not in text, f"{name}: a traceback: {text[-300:]!r}")
        bad = {outcome: results[outcome] for outcome in ("fail", "crash", "timeout") if results[outcome]}
        tally.expect(not bad, f"{name}: {bad}")
        tally.expect(not left(mark), f"{name}: processes are left")
    return tally


def recorded(out: Path) -> Iterator[dict[str, object]]:
    """The lines of a record; the last may be cut where the run was killed."""
    if not (out / "record.jsonl").exists():
        return
    lines = (out / "record.jsonl").read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines):
        try:
            if line:
                yield json.loads(line)
        except ValueError:
            if number < len(lines) - 1:
                raise


SIGNALS = (signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV)
LOST = ("crash", "timeout", "error")
THREE = ["--runtime", "wasmtime", "--runtime", "wasmer", "--runtime", "node"]


def marked(mark: str) -> dict[int, tuple[int, bytes]]:
    """The processes whose environment has the mark: their parents and command lines."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (place / "environ").read_bytes():
                parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
                found[int(place.name)] = parent, (place / "cmdline").read_bytes()
    return found


def driven(mark: str, harness: int) -> list[int]:
    """The drivers of a run, or what is about to become one."""
    found = marked(mark)
    ours = {harness, *(pid for pid, (_, line) in found.items() if b"sys.stdin.readline" in line)}  # workers
    parents = {parent for parent, _ in found.values()}
    return [pid for pid, (parent, _) in found.items() if pid not in parents and pid not in ours and parent not in ours]


def signals(count: int, seed: int, folder: Path) -> Tally:
    """Signals to drivers at random moments."""
    tally, draw = Tally("signals"), random.Random(seed)
    out = folder / "out"
    command = [*LINMEM, "run", *THREE, PLAYED, f"--report-dir={out}", "--step-timeout=5"]
    quiet = subprocess.DEVNULL
    subprocess.run(command, stdout=quiet, stderr=quiet, check=True, cwd=folder)
    usual = {str(line["id"]): line["outcome"] for line in recorded(out) if line.get("type") == "result"}
    while sum(tally.counts[each.name] for each in SIGNALS) < count:
        mark = str(uuid.uuid4())
        workers = draw.choice(([], ["-n", "2"]))
        what = f"run {tally.counts['runs']} {' '.join(workers)}"
        tally.counts["runs"] += 1
        env = {**os.environ, "LINMEM_ABUSE": mark}
        shutil.rmtree(out)
        with subprocess.Popen([*command, *workers], env=env, stdout=quiet, stderr=quiet, cwd=folder) as process:
            end = time.monotonic() + PATIENCE
            while process.poll() is None and time.monotonic() < end:
                time.sleep(draw.uniform(0, 0.4))
                plays = any(line.get("type") == "result" for line in recorded(out))
                found = driven(mark, process.pid) if plays else []  # what can't start at the beginning ends the run
                if found:
                    chosen = draw.choice(SIGNALS)
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(draw.choice(found), chosen)
                        tally.counts[chosen.name] += 1
            tally.expect(process.poll() is not None, f"{what}: it did not end")
            process.kill()
        tally.expect(process.returncode in (0, 1), f"{what}: status {process.returncode}")
        lines = [line for line in recorded(out) if line.get("type") == "result"]
        ids = Counter(str(line["id"]) for line in lines)
        tally.expect(ids == Counter(usual.keys()), f"{what}: not every check is recorded once")
        for line in lines:
            if line["outcome"] != usual.get(str(line["id"])):
                tally.counts[f"became {line['outcome']}"] += 1
                tally.expect(line["outcome"] in LOST, f"{what}: {line['id']} is {line['outcome']}: {line['message']}")
        tally.counts["checks"] += len(lines)
        tally.expect(not left(mark), f"{what}: processes are left")
    return tally


def kills(count: int, seed: int, folder: Path) -> Tally:
    """Runs that are killed at random moments."""
    tally, draw = Tally("kills"), random.Random(seed)
    out = folder / "out"
    command = [*LINMEM, "run", "--runtime", "wasmtime", "--runtime", "node", PLAYED, f"--report-dir={out}"]
    for number in range(count):
        mark = str(uuid.uuid4())
        workers = draw.choice(([], ["-n", "2"]))
        after = draw.uniform(0.2, 40)
        quiet = subprocess.DEVNULL
        env = {**os.environ, "LINMEM_ABUSE": mark}
        with subprocess.Popen([*command, *workers], env=env, stdout=quiet, stderr=quiet, cwd=folder) as process:
            try:
                process.wait(after)
                tally.counts["had ended"] += 1
            except subprocess.TimeoutExpired:
                process.send_signal(draw.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT)))
                tally.counts["killed"] += 1
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                tally.expect(False, f"kill {number}: it did not end")
                process.kill()
        try:
            tally.counts["results recorded"] += sum(line.get("type") == "result" for line in recorded(out))
        except ValueError as error:
            tally.expect(False, f"kill {number}: the record is not valid: {error}")
        tally.expect(not left(mark), f"kill {number} after {after:.1f} s: processes are left")
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, check=False)
    tally.expect(ended.returncode == 0, f"the run after all kills ended with status {ended.returncode}")
    return tally


KINDS = {
    "drivers": (drivers, 200),
    "files": (files, 300),
    "environments": (environments, 1),
    "signals": (signals, 1000),
    "kills": (kills, 100),
}


def main() -> int:
    """Do what the command line says; 1 where something was not as it should be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], default=[])
    parser.add_argument("--count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    bad = 0
    for name in given.kinds or KINDS:
        play, usual = KINDS[name]
        folder = Path(tempfile.mkdtemp(prefix="abuse-"))
        try:
            tally = play(given.count or usual, given.seed, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        tally.show()
        bad += len(tally.faults)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
