"""Suites written in the test, and what it takes to play them on a runtime made of Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from suites.loader import load_suite
from suites.model import Suite

hypothesis.settings.register_profile("linmem", max_examples=80, deadline=None)
hypothesis.settings.load_profile("linmem")


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Suite]:
    """Loads a suite from its text; it is called ``f.yaml``."""

    def load(text: str) -> Suite:
        path = tmp_path / "f.yaml"
        path.write_text(text, encoding="utf-8")
        return load_suite(path, "f.yaml")

    return load
