"""Property tests: every run draws the same examples, and one that explores says how to draw its own again."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import properties
import pytest

TESTS = Path(__file__).parent
CONSTANTS = "A = 1234567891\nB = 'a text of this module'\nC = -987654321987\n"
DRAWS = """
import properties
properties.set_profiles()
{more}
import hypothesis.strategies as st
@properties.hypothesis.given(st.integers(), st.text())
def draws(number, text):
    print(number, ascii(text))
draws()
"""


@pytest.mark.slow
def test_examples_do_not_depend_on_the_modules_that_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(CONSTANTS, encoding="utf-8")
    alone, beside = (
        subprocess.run(
            [sys.executable, "-c", DRAWS.format(more=more)],
            env={"PYTHONPATH": f"{TESTS / 'support'}:{tmp_path}"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for more in ("", "import planted")
    )
    assert alone.count("\n") >= 80
    assert alone == beside


@pytest.mark.slow
def test_a_run_that_explores_names_its_seed() -> None:
    explore = ["--hypothesis-profile=explore", "-m", "hypothesis", str(TESTS / "scenario" / "test_values.py")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", *explore],
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(r"explores with seed ([0-9]+); --hypothesis-seed=\1 draws the same examples again", done.stdout)


def test_a_seed_is_chosen_once_if_none_is_given() -> None:
    given = SimpleNamespace(hypothesis_profile="explore", hypothesis_seed="7")
    assert properties.seed(given) == "7"
    none = SimpleNamespace(hypothesis_profile="explore", hypothesis_seed=None)
    assert properties.seed(none) == properties.seed(none) == none.hypothesis_seed
    assert properties.seed(SimpleNamespace(hypothesis_profile=None, hypothesis_seed=None)) is None
