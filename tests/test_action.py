"""The action for GitHub: its scripts are run as GitHub runs them, and what they leave is looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from linmem import __version__

ROOT = Path(__file__).parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
SCENARIO = """\
title: Mine
wat: (module (memory (export "memory") 1))
scenarios:
  - name: a fresh byte
    steps:
      - {read: u8, at: 0, expect: VALUE}
"""


def script(name: str) -> str:
    return str(next(step["run"] for step in ACTION["runs"]["steps"] if step.get("name") == name))


@pytest.mark.parametrize(("value", "status"), [(0, 0), (1, 1)])
def test_a_run_leaves_a_report_a_summary_and_its_status(value: int, status: int, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SCENARIO.replace("VALUE", str(value)), "utf-8")
    summary = tmp_path / "summary.md"
    inputs = {"RUNTIMES": "wasmtime", "SUITES": "mine.yaml", "BASELINE": "", "ARGUMENTS": "-q", "REPORT_DIR": "out"}
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script("Run linmem")],
        cwd=tmp_path,
        env=own
        | inputs
        | {
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_ACTIONS": "true",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert (tmp_path / "out" / "report.html").exists()
    assert summary.read_text("utf-8") == (tmp_path / "out" / "report.md").read_text("utf-8")
    assert ("::error file=mine.yaml,line=6," in done.stdout) == bool(status)


@pytest.mark.parametrize(("value", "status"), [(0, 0), (1, 1)])
def test_the_job_for_gitlab_leaves_what_it_keeps(value: int, status: int, tmp_path: Path) -> None:
    """Its script is run as GitLab runs it, by a shell that ends at the first failure."""
    job = yaml.safe_load((ROOT / "gitlab.yml").read_text("utf-8"))[".linmem"]
    (tmp_path / "mine.yaml").write_text(SCENARIO.replace("VALUE", str(value)), "utf-8")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "LINMEM"))}
    variables = {name: value for name, value in job["variables"].items() if "$CI_" not in value}
    given = {"RUNTIMES": "wasmtime", "SUITES": "mine.yaml"}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(job["script"])],
        cwd=tmp_path,
        env=own | variables | given | {"ARGUMENTS": "-q -k fresh", "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    kept = [*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]]
    assert all((tmp_path / name).exists() for name in kept)
    assert (tmp_path / job["variables"]["REPORT_DIR"] / "report.html").exists()


def test_what_users_give_reaches_scripts_as_variables_only() -> None:
    """An expression inside of a script would be run as a part of it."""
    steps = ACTION["runs"]["steps"]
    assert [step["name"] for step in steps if "${{" in step.get("run", "")] == []
    asked = {name for step in steps for name in ACTION["inputs"] if f"inputs.{name}" in str(step)}
    assert asked == set(ACTION["inputs"])


def test_the_citation_has_the_version() -> None:
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["version"] == __version__
