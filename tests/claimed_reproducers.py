"""Reproducers of runtimes that the tests do not provide by default: ``tox -e versions``."""

from __future__ import annotations

import pytest

from tests.repro.test_repro import every_known_defect_is_shown


@pytest.mark.parametrize("label", ["jsc", "wasm3", "pywasm"])
def test_every_known_defect_is_shown_as_the_report_has_it(label, tmp_path):
    every_known_defect_is_shown(label, tmp_path)
