"""linmem as others have it: the wheel is built, installed into an environment of its own, and used outside the clone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
FAKE_DRIVER = Path(__file__).parent / "fakes" / "fake_driver.py"
Linmem = Callable[..., "subprocess.CompletedProcess[str]"]

PROJECT = """\
runtimes = "./my-runtime"
suites = "memory"
"""
SCENARIOS = """\
title: Memories of mine
wat: (module (memory (export "memory") 1) (func (export "plain")))
scenarios:
  - {name: the memory has a page, steps: [{size: memory, expect: 1}]}
  - {name: a byte is zero, steps: [{read: u8, at: 0, expect: 0}]}
  - {name: a function is called, steps: [{call: plain}]}
  - {name: growing gives the old size, steps: [{grow: 1, expect: 7}]}
"""
DEFECT = "memory/mine.yaml::growing-gives-the-old-size[my-runtime]"


def done(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command that must succeed."""
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended


def build(target: str, source: Path, out: Path) -> Path:
    """Build a wheel or an sdist of the tree at `source`."""
    done(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", out, cwd=source)
    (built,) = out.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


def names(wheel: Path) -> set[str]:
    """The files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


# ---------------------------------------------------------------------------------------------------- what is in it


def delivered() -> set[str]:
    """The files of the clone that the wheel must hold, by their names in it."""
    listed = done("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout.split("\0")
    there = [name for name in listed if name and (ROOT / name).is_file()]
    data = ("suites/", "runtimes/", "fixtures/", "reports/baselines/")
    return {
        f"linmem/data/{name}" if name.startswith(data) else name
        for name in there
        if name.startswith((*data, "linmem/"))
    }


def test_the_wheel_holds_the_package_and_all_its_data(wheel: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("needs a clone")
    held = names(wheel)
    own = {name for name in held if ".dist-info/" not in name}
    assert own == delivered()
    for part in (
        "suites/memory/growth.yaml", "runtimes/wasmtime/driver.py", "runtimes/wasmtime/runtime.yaml",
        "runtimes/wasmtime/known.yaml", "runtimes/wasmtime/repro.yaml", "runtimes/wasmtime/requirements.txt",
        "runtimes/node/driver.mjs", "runtimes/kits/python/linmem_driver.py", "runtimes/kits/javascript/core.mjs",
        "runtimes/kits/browser/page.html", "runtimes/kits/launch.py", "fixtures/guests.lock.yaml",
        "fixtures/packages.yaml", "fixtures/shared_buffer/go/main.go", "fixtures/probes/threads.wat",
        "reports/baselines/main.yaml",
    ):  # fmt: skip
        assert f"linmem/data/{part}" in held
    schemas = {Path(name).name for name in held if name.endswith("schema.json")}
    assert schemas == {
        "schema.json", "runtime.schema.json", "known.schema.json", "project.schema.json", "report.schema.json",
    }  # fmt: skip
    assert any(name.startswith("linmem/data/fixtures/shared_buffer/") and name.endswith(".wasm") for name in held)
    assert {"linmem/report/web/boot.js", "linmem/report/templates/report.html.j2", "linmem/py.typed"} <= held
    assert not [name for name in held if "__pycache__" in name or "/out/" in name]


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    sdist = build("sdist", ROOT, tmp_path)
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert names(build("wheel", source, tmp_path / "again")) == names(wheel)


# ------------------------------------------------------------------------------------------------------- how it is used


@pytest.fixture(scope="session")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command ``linmem`` in an environment that has nothing but it."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    done(sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, folder, cwd=folder.parent)
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(folder), str(wheel)]
    if subprocess.run([*install, "--offline"], cwd=folder.parent, capture_output=True).returncode != 0:
        done(*install, cwd=folder.parent)
    return folder / "bin" / "linmem"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository of somebody else's: a runtime, a scenario file and a project file."""
    made = tmp_path / "theirs"
    (made / "my-runtime").mkdir(parents=True)
    (made / "memory").mkdir()
    shutil.copy(FAKE_DRIVER, made / "my-runtime" / "driver.py")
    manifest = {
        "name": "my-runtime",
        "title": "A runtime of mine",
        "homepage": "https://example.org",
        "launch": ["{program}", "{folder}/driver.py"],
        "environment": {"program": {"name": sys.executable}},
        "views": [{"kind": "bytewise", "unit": 1, "types": ["u8", "bytes"]}],
    }
    (made / "my-runtime" / "runtime.yaml").write_text(json.dumps(manifest))
    (made / "memory" / "mine.yaml").write_text(SCENARIOS)
    (made / "linmem.toml").write_text(PROJECT)
    return made


@pytest.fixture
def linmem(program: Path, folder: Path) -> Linmem:
    """Runs the command in their repository."""
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    env["COLUMNS"] = "200"
    return lambda *words: subprocess.run([program, *words], cwd=folder, env=env, capture_output=True, text=True)


def outcomes(folder: Path) -> dict[str, str]:
    """What the last run of everything found."""
    lines = map(json.loads, (folder / "reports" / "out" / "record.jsonl").read_text(encoding="utf-8").splitlines())
    return {line["id"]: line["outcome"] for line in lines if line["type"] == "result"}


def test_it_brings_its_suites_and_runtimes(linmem: Linmem, program: Path) -> None:
    helped = linmem("--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert helped.stdout.startswith("usage: linmem COMMAND")
    listed = linmem("list")
    assert listed.returncode == 0
    assert "    growth.yaml " in listed.stdout
    assert re.search(r"^[\d,]+ scenarios in \d+ suites; show some: ", listed.stdout, re.MULTILINE)
    assert str(ROOT) not in listed.stdout
    runtimes = linmem("runtimes", "list")
    assert runtimes.returncode == 0
    assert "wasmtime" in runtimes.stdout
    for name in ("scenario", "runtime", "known", "report"):
        assert "$schema" in json.loads(linmem("schema", name).stdout)
    found = linmem("run", "growth.yaml", "--runtime=wasmtime,./my-runtime", "--collect-only", "-q")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "suites/memory/growth.yaml::wasm-grows-by-0-pages[my-runtime]" in found.stdout.splitlines()
    where = done(program.with_name("python"), "-c", "import linmem; print(linmem.__file__)", cwd=program.parent)
    assert not Path(where.stdout).is_relative_to(ROOT)


def test_a_runtime_is_played_its_defect_listed_and_its_regression_found(linmem: Linmem, folder: Path) -> None:
    mine = folder / "memory" / "mine.yaml"
    assert linmem("check", "memory").returncode == 0

    # A defect is found, and listed beside the runtime.
    first = linmem("run", "--runtime", "./my-runtime", str(mine))
    assert first.returncode == 1
    assert "1 failed, 3 passed" in first.stdout
    assert "report: reports/out/partial/report.html" in first.stdout
    added = linmem("known", "--add", "--reason", "It counts from 1.")
    assert (added.returncode, added.stderr) == (0, "")
    assert added.stdout.startswith("my-runtime/known.yaml:")
    assert "reason: It counts from 1." in (folder / "my-runtime" / "known.yaml").read_text()

    # With the list the run is good; it becomes the baseline that the project file names.
    (folder / "linmem.toml").write_text(f'{PROJECT}baseline = "baseline.yaml"\n')
    lacking = linmem("run")
    assert (lacking.returncode, len((lacking.stdout + lacking.stderr).strip().splitlines())) == (4, 1)
    assert "baseline.yaml: there is no such baseline; record one: " in lacking.stderr
    recorded = linmem("run", "--record-baseline=baseline.yaml")
    assert recorded.returncode == 0, recorded.stdout + recorded.stderr
    assert "gate: recorded 4 cases in baseline.yaml" in recorded.stdout
    assert outcomes(folder)[DEFECT] == "fail"
    assert linmem("known", "--stale").returncode == 0
    gated = linmem("gate")
    assert (gated.returncode, gated.stdout) == (0, "gate: passed: 4 cases compared with baseline.yaml\n")

    # The runtime gets worse: both the run and the gate say so.
    driver = folder / "my-runtime" / "driver.py"
    driver.write_text(driver.read_text().replace('"memory.size": {"pages": 1}', '"memory.size": {"pages": 2}'))
    worse = linmem("run")
    assert worse.returncode == 1
    gated = linmem("gate")
    assert gated.returncode == 1
    said = gated.stdout.splitlines()
    assert said[0].startswith("REGRESSION memory/mine.yaml::the-memory-has-a-page[my-runtime]: pass → fail: ")
    assert said[1] == "gate: FAILED: 1 regression; 4 cases compared with baseline.yaml"

    # It brings no recipe for reproducers, and that is one line.
    repro = linmem("repro", DEFECT)
    assert (repro.returncode, repro.stdout) == (2, "")
    assert repro.stderr.startswith("linmem: ")
    assert "my-runtime" in repro.stderr
    assert len(repro.stderr.splitlines()) == 1
