"""Scenarios are run in one phase where nobody looks at phases, and whoever counts them sees what three phases show."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linmem.plugin import onephase

SUITE = """\
title: T
wat: (module (memory (export "memory") 1) (func (export "plain")))
scenarios:
  - {name: one, steps: [{call: plain}]}
  - {name: two, steps: [{read: u8, at: 0, expect: 1}]}
  - {name: three, steps: [{read: u8, at: 0, kind: none}]}
  - {name: four, steps: [{call: plain}, {read: u8, at: 0, expect: 2}]}
  - {name: five, steps: [{call: plain}]}
"""
LOOKS = "def pytest_runtest_setup(item): pass\n"
WRAPS = "import pytest\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_protocol():\n    return (yield)\n"
DoRun = Callable[..., Any]


@pytest.fixture
def play(run: DoRun, fake_runtime: Callable[..., Path], tmp_path: Path) -> DoRun:
    """Plays the suite with these options; with a plugin that looks at phases, if there is to be one."""
    folder = tmp_path / "suites"
    folder.mkdir()
    (folder / "five.yaml").write_text(SUITE.replace("kind: none", "kind: data_ptr"))
    (tmp_path / "looks.py").write_text(LOOKS)
    runtime = fake_runtime()

    def play(*options: str, looks: bool, env: dict[str, str] | None = None) -> Any:
        plugin = ["-p", "looks"] if looks else []
        variables = {"PYTHONPATH": str(tmp_path), **(env or {})}
        return run(f"--suites={folder}", f"--runtime={runtime}", *plugin, *options, env=variables)

    return play


def plain(text: str) -> list[str]:
    """What a run printed, without times."""
    return re.sub(r"[0-9.]+s\b|looks[-, ]*", "", text).splitlines()


@pytest.mark.parametrize("options", [["-rs", "-v"], ["-x", "-q"], ["--maxfail=2", "-q"]])
def test_the_terminal_says_the_same(play: DoRun, options: list[str]) -> None:
    one, three = (play(*options, "-p", "no:randomly", looks=looks) for looks in (False, True))
    assert one.status == three.status == pytest.ExitCode.TESTS_FAILED
    found, wanted = plain(one.text), plain(three.text)
    assert [line for line in found if "plugins:" not in line] == [line for line in wanted if "plugins:" not in line]


@pytest.mark.slow
def test_durations_are_those_of_the_calls(play: DoRun) -> None:
    text = play("--durations=0", "-vv", "-p", "no:terminalprogress", looks=False).text
    assert len(re.findall(r"s call +\S+five.yaml::", text)) == 5


@pytest.mark.slow
def test_junit_is_the_same(play: DoRun, tmp_path: Path) -> None:
    texts = []
    for looks in (False, True):
        played = play(f"--junitxml={tmp_path}/j.xml", looks=looks)
        assert "2 failed, 2 passed, 1 skipped" in played.text
        junit = (tmp_path / "j.xml").read_text()
        texts.append(re.sub(r' (time|timestamp|hostname)="[^"]*"', "", junit))
    assert texts[0] == texts[1]
    assert texts[0].count("<testcase") == 5


@pytest.mark.slow
def test_with_workers(play: DoRun) -> None:
    for looks in (False, True):
        played = play("-n", "2", looks=looks)
        assert "2 failed, 2 passed, 1 skipped" in played.text
        assert len(played.results) == 5


@pytest.mark.parametrize(("text", "wanted"), [("", True), (WRAPS, True), (LOOKS, False)])
def test_who_looks_at_phases_sees_them(pytestconfig: pytest.Config, text: str, wanted: bool) -> None:
    plugin = types.ModuleType("looking")
    exec(text, plugin.__dict__)
    before = onephase.possible(pytestconfig)
    pytestconfig.pluginmanager.register(plugin)
    try:
        assert onephase.possible(pytestconfig) is (before and wanted)
    finally:
        pytestconfig.pluginmanager.unregister(plugin)


@pytest.mark.slow
def test_with_plugins_of_others(play: DoRun, tmp_path: Path) -> None:
    packages = ["pytest-html==4.2.0", "pytest-randomly==5.1.0", "pytest-rerunfailures==16.7"]
    place = tmp_path / "site"
    install = [sys.executable, "-m", "uv", "pip", "install", "-q", f"--target={place}", *packages]
    subprocess.run(install, check=True, env=os.environ)
    env = {"PYTHONPATH": f"{tmp_path}:{place}"}
    played = play(
        "--reruns=1", f"--html={tmp_path}/r.html", "-p", "randomly", "-p", "no:cacheprovider", looks=False, env=env
    )
    assert "2 failed, 2 passed, 1 skipped, 2 rerun" in played.text
    assert (tmp_path / "r.html").read_text().count("five.yaml::") >= 5
    assert len(played.results) == 5
