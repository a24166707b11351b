"""What a run records of itself."""

from __future__ import annotations

import sys

import pytest

from linmem.plugin.recording import command


@pytest.mark.parametrize(
    ("given", "recorded"),
    [
        (["/env/bin/linmem", "run", "-q"], ["linmem", "run", "-q"]),
        (["/env/lib/linmem/__main__.py", "run", "-q"], ["linmem", "run", "-q"]),
        (["/env/bin/pytest", "suites"], ["pytest", "suites"]),
        (["/env/lib/pytest/__main__.py", "suites"], ["pytest", "suites"]),
        (["/env/bin/py.test"], ["pytest"]),
        ([""], ["pytest"]),
    ],
)
def test_the_command_as_one_could_type_it_again(
    given: list[str], recorded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", given)
    assert command() == recorded
