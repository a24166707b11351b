"""The benchmark measures what it says, at its smallest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("bench.py")


@pytest.mark.slow
def test_its_tables_are_whole() -> None:
    rows = ["checks", "spawn", "main", "main-n2", "sound", "collection", "report", "items"]
    options = ["--rounds=1", "--checks=50", "--items=700", *(f"--row={row}" for row in rows), "memory/growth.yaml"]
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), *options], capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert ended.returncode == 0, ended.stderr
    lines = [line.strip("| ").split(" | ") for line in ended.stdout.splitlines() if line.startswith("|")]
    found = {line[0]: line[1:] for line in lines}
    assert re.search(r"\d cores, \d+ GiB; .*Python \d", ended.stdout)
    assert float(found["an item that does nothing"][1]) == 1
    assert float(found["a check on node"][1]) > 0.5
    assert float(found["the same calls, in a process for each test (Node.js)"][1]) > 10
    assert found["700 small checks on wasmtime"][0] == "700"
    main, sound = (int(found[f"the main job{rest}"][0]) for rest in ("", " without cases that have known defects"))
    assert 0 < sound < main
    assert found["the main job, `-n 2`"][0] == str(main)
    assert "With `-n 2`, the main job takes " in ended.stdout
