"""The driver in Go of docs/adding-a-runtime-in-go.md: built as the page says, checked, and played."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from linmem import cache
from linmem.guests.toolchains import TOOLCHAINS
from linmem.provision.environments import provide
from linmem.provision.manifest import load_manifest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "adding-a-runtime-in-go.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime's folder, its driver built with the Go and the wasmtime that linmem itself provides."""
    if shutil.which("cc") is None and not os.environ.get("CI"):
        pytest.skip("needs a C compiler")
    made = tmp_path_factory.mktemp("go") / "my-go-runtime"
    shutil.copytree(ROOT / "docs" / "my-go-runtime", made, ignore=shutil.ignore_patterns("lib", "driver"))
    python = provide(load_manifest("wasmtime")).command[0]
    where = "import wasmtime, os; print(os.path.dirname(os.path.dirname(wasmtime.__file__)))"
    site = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True).stdout.strip()
    (made / "lib").symlink_to(site)
    root = TOOLCHAINS["go"].root()  # type: ignore[attr-defined]
    keep = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    env = {**keep, "HOME": str(made.parent), "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false"}
    env["GOCACHE"] = str(cache.subfolder("go-build") / "cache")
    for command in (["go", "vet", "."], ["go", "build", "-o", "driver", "."]):
        done = subprocess.run(
            [root / "bin" / command[0], *command[1:]], cwd=made, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    return made


def test_the_check_passes_as_the_page_shows(folder: Path) -> None:
    command = [sys.executable, "-m", "linmem", "runtimes", "check", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    (shown,) = re.findall(r"```text\n(my-go-runtime .*?)```", PAGE, re.DOTALL)
    assert done.stdout.replace(str(folder.parent), "/tmp") == shown
    assert done.returncode == 0


def test_it_plays(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "linmem", "run", f"--runtime={folder}", f"--report-dir={tmp_path}"]
    suites = ["suites/memory/growth.yaml", "suites/calls/reentrancy.yaml", "suites/memory/shared_buffer.yaml"]
    done = subprocess.run(
        [*command, "--guest=wat,inline", "-p", "no:cacheprovider", *suites], cwd=ROOT, capture_output=True, text=True
    )
    lines = [json.loads(line) for line in (tmp_path / "record.jsonl").read_text(encoding="utf-8").splitlines()]
    outcomes = [line["outcome"] for line in lines if line["type"] == "result"]
    assert set(outcomes) <= {"pass", "unsupported"}, done.stdout
    assert outcomes.count("pass") > 50
