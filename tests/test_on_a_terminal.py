"""What a run shows on a real terminal, and what it leaves out elsewhere."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SUITE = """\
title: Small
scenarios:
  - name: a byte is zero
    spec: https://webassembly.github.io/spec/core/exec/modules.html
    wat: (module (memory (export "memory") 1))
    steps:
      - read: u8
        at: 0
        expect: {expected}
"""


@pytest.fixture
def on_a_terminal(tmp_path: Path) -> Callable[..., str]:
    """What a run prints on a terminal of 80 columns."""

    def play(*args: str, expected: int = 0, **variables: str) -> str:
        suite = tmp_path / "small.yaml"
        suite.write_text(SUITE.format(expected=expected), encoding="utf-8")
        controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
        env = {
            name: value
            for name, value in os.environ.items()
            if name not in ("COLUMNS", "NO_COLOR", "CI", "FORCE_COLOR")
        }
        command = [
            sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--suites={suite}",
            f"--report-dir={tmp_path / 'out'}", "--runtime=wasmtime", "--runtime=node", *args,
        ]  # fmt: skip
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=terminal, stdout=terminal, stderr=terminal,
            env={**env, "TERM": "xterm-256color", **variables},
        )  # fmt: skip
        os.close(terminal)
        said = b""
        while True:
            try:
                part = os.read(controller, 65536)
            except OSError:  # the other end was closed
                break
            if not part:
                break
            said += part
        os.close(controller)
        process.wait(timeout=60)
        return said.decode()

    return play


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.mark.slow
def test_a_terminal_tells_suite_and_runtime_while_they_are_played(on_a_terminal: Callable[..., str]) -> None:
    text = on_a_terminal()
    assert "\x1b[2K" in text  # the line changes in its place
    assert re.search(r"small on (wasmtime|node) +.* \d/2 ", plain(text))
    assert not re.search(r"^[^\n]*small\.yaml \.", plain(text), re.MULTILINE)
    assert "wasmtime and node both meet the one requirement." in plain(text)
    assert "\x1b[32m" in text


@pytest.mark.slow
def test_what_is_bad_is_told_at_once(on_a_terminal: Callable[..., str]) -> None:
    text = plain(on_a_terminal(expected=7))
    assert text.index("✗ a byte is zero: fail on ") < text.index("FAILURES")
    assert text.count("✗ a byte is zero: fail on ") == 2
    told = text.rpartition("FAILED ")[2]  # pytest's own list comes before, so that the matrix is on the screen
    assert told.index("Unexpected results") < told.rindex("1 fail")


@pytest.mark.slow
def test_the_time_that_is_left_is_estimated(on_a_terminal: Callable[..., str]) -> None:
    assert re.search(r"small on \w+ .*\d+/\d+ .*:\d\d.* left", plain(on_a_terminal()))


@pytest.mark.slow
def test_colour_is_off_when_asked(on_a_terminal: Callable[..., str]) -> None:
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", on_a_terminal("--color=no", expected=7))


@pytest.mark.slow
def test_no_color_is_honoured(on_a_terminal: Callable[..., str]) -> None:
    text = on_a_terminal(expected=7, NO_COLOR="1")
    assert "✗ a byte is zero" in text
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", text)


@pytest.mark.slow
@pytest.mark.parametrize("option", ["-q", "-v"])
def test_pytest_s_own_ways_are_left_to_it(on_a_terminal: Callable[..., str], option: str) -> None:
    text = on_a_terminal(option)
    assert "small on wasmtime" not in plain(text)
    if option == "-q":
        assert "behaves alike" not in plain(text)
        assert "report: " in plain(text)
    else:
        assert "PASSED" in plain(text)


@pytest.mark.slow
def test_a_pipe_gets_no_codes_and_junit_tells_who_was_asked_what(run: Callable[..., Any], tmp_path: Path) -> None:
    suite = tmp_path / "small.yaml"
    suite.write_text(SUITE.format(expected=0), encoding="utf-8")
    done = run(f"--suites={suite}", "--runtime=wasmtime", f"--junitxml={tmp_path / 'junit.xml'}")
    assert done.status == 0
    assert "\x1b" not in done.text
    (case,) = ET.parse(tmp_path / "junit.xml").getroot().iter("testcase")
    properties = {item.attrib["name"]: item.attrib["value"] for item in case.iter("property")}
    assert properties.pop("version").count(".") == 2
    assert properties.pop("suite").endswith("small.yaml")
    assert properties == {
        "runtime": "wasmtime", "guest": "inline", "spec": "https://webassembly.github.io/spec/core/exec/modules.html",
    }  # fmt: skip
