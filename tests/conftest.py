"""What tests of several folders need: fake runtimes, and a look at the processes that are left."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from playing import load, play  # noqa: F401
from reporting import hostile, records, schema  # noqa: F401

from linmem import project

with contextlib.suppress(ImportError):  # a run of the suites, too, looks in here, and its environment may lack it
    import properties

    properties.set_profiles()

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0  # seconds after which what is waited for counts as never coming, also on a slow and busy machine
FAKE_DRIVER = Path(__file__).parent / "fakes" / "fake_driver.py"
FakeRuntime = Callable[..., Path]
Processes = Callable[..., "list[str]"]


@pytest.hookimpl(tryfirst=True)  # hypothesis reads its options in the same hook
def pytest_configure(config: pytest.Config) -> None:
    if "properties" in sys.modules:
        properties.seed(config.option)


def pytest_report_header(config: pytest.Config) -> str | None:
    seed = properties.seed(config.option) if "properties" in sys.modules else None
    return (
        None if seed is None else f"explores with seed {seed}; --hypothesis-seed={seed} draws the same examples again"
    )


@pytest.fixture
def project_read_anew() -> Iterator[None]:
    """A process reads its project file once; a test writes one of its own."""
    project._find.cache_clear()
    yield
    project._find.cache_clear()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("LINMEM_CACHE", str(folder))
    return folder


@pytest.fixture
def fake_runtime(tmp_path: Path) -> FakeRuntime:
    """Makes a runtime's folder outside of the repository; its driver is ``tests/fakes/fake_driver.py``."""

    def make(name: str = "fake", *args: str, env: dict[str, str] | None = None) -> Path:
        folder = tmp_path / "runtimes" / name
        folder.mkdir(parents=True)
        manifest = {
            "name": name,
            "title": f"A fake called {name}",
            "homepage": "https://example.org",
            "launch": ["{program}", str(FAKE_DRIVER), *args],
            "env": env or {},
            "environment": {"program": {"name": sys.executable}},
            "views": [{"kind": "bytewise", "unit": 1, "types": ["u8", "bytes"]}],
        }
        (folder / "runtime.yaml").write_text(json.dumps(manifest), encoding="utf-8")  # JSON is YAML
        return folder

    return make


def _running() -> Iterator[tuple[int, list[str]]]:
    """Process ids and the fields of their ``stat``, without those that have ended and only wait to be noticed."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            yield int(folder.name), fields


def _settled(look: Callable[[], list[str]], seconds: float = PATIENCE) -> list[str]:
    """What `look` finds, once it finds nothing or time is up: to end takes a process a moment."""
    end = time.monotonic() + seconds
    while (found := look()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


@pytest.fixture
def processes_of_group() -> Processes:
    """The processes of a group that do not end."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs /proc")
    return lambda group: _settled(lambda: [str(pid) for pid, fields in _running() if int(fields[2]) == group])


@pytest.fixture
def processes_with() -> Processes:
    """The processes, but for this one, that have a variable in their environment and do not end."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("needs /proc")

    def look(variable: str) -> list[str]:
        found = []
        for pid, _ in _running():
            try:
                variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                if pid != os.getpid() and variable.encode() in variables:
                    found.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return found

    return lambda variable, seconds=PATIENCE: _settled(lambda: look(variable), seconds)


class Run:
    """A run of pytest in a process of its own: its status, what it printed, and its reports' folder."""

    def __init__(self, folder: Path, args: Sequence[str], env: Mapping[str, str]) -> None:
        self.folder = folder
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:hypothesispytest",
            f"--report-dir={folder}",
            *args,
        ]
        variables = {**os.environ, "COLUMNS": "200", **env}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=pipe, stderr=subprocess.STDOUT, text=True, env=variables, start_new_session=True
        )

    def end(self) -> Run:
        """Wait for its end."""
        self.text, _ = self.process.communicate(timeout=10 * PATIENCE)
        self.status = self.process.returncode
        return self

    def wait_for(self, count: int) -> None:
        """Wait until that many results were recorded."""
        end = time.monotonic() + 2 * PATIENCE
        while len(self.lines("result")) < count:
            assert time.monotonic() < end, "no results"
            assert self.process.poll() is None, self.process.communicate()[0]
            time.sleep(0.02)

    def lines(self, kind: str) -> list[dict[str, Any]]:
        """The whole lines of one type in the record."""
        record = self.folder / "record.jsonl"
        if not record.exists():
            return []
        whole = record.read_text(encoding="utf-8").rpartition("\n")[0]
        return [line for line in map(json.loads, filter(None, whole.split("\n"))) if line["type"] == kind]

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """The results by scenario and cell, as in ``wasm-writes[wasmtime]``."""
        return {line["id"].rpartition("::")[2]: line for line in self.lines("result")}

    @property
    def report(self) -> dict[str, Any]:
        """``report.json``."""
        report: dict[str, Any] = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))
        return report


@pytest.fixture
def start_run(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Starts a run: ``start_run("--suites=…", folder="out", env={})``. It is killed if it outlives the test."""
    runs: list[Run] = []

    def start(*args: str, folder: str = "out", env: Mapping[str, str] | None = None) -> Run:
        runs.append(Run(tmp_path / folder, args, env or {}))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


@pytest.fixture
def run(start_run: Callable[..., Run]) -> Callable[..., Run]:
    """Does a run to its end."""
    return lambda *args, **more: start_run(*args, **more).end()
