"""What tests of several rooms need: fake runtimes, and a look at the processes that are left."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FAKE_DRIVER = Path(__file__).parent / "fakes" / "fake_driver.py"
FakeRuntime = Callable[..., Path]
Processes = Callable[..., "list[str]"]


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


def _settled(look: Callable[[], list[str]], seconds: float = 10.0) -> list[str]:
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

    return lambda variable, seconds=10.0: _settled(lambda: look(variable), seconds)
