"""Drivers of runtimes that are not among the default ones: what is there is asked, and must answer right."""

from __future__ import annotations

import pytest

from linmem import check as selfcheck
from linmem.provision.environments import READY, provide, status
from linmem.provision.manifest import load_manifest

pytestmark = pytest.mark.slow

SMALL = ["pywasm", "gjs", "jsc"]  # a package of 100 kB, and programs that may be on the machine


@pytest.mark.parametrize("name", SMALL)
def test_a_driver_answers_right(name: str) -> None:
    manifest = load_manifest(name)
    if name != "pywasm" and status(manifest).state != READY:
        pytest.skip(f"{name} is not on this machine")
    provided = provide(manifest)
    report = selfcheck.check(
        provided.command, env=provided.env, views=manifest.views, peculiar=manifest.peculiar, timeout=30.0
    )
    assert report.right, report.text()


def test_a_peculiarity_that_is_none_is_wrong() -> None:
    manifest = load_manifest("pywasm")
    provided = provide(manifest)
    report = selfcheck.check(
        provided.command,
        views=manifest.views,
        only=["memory.size"],
        peculiar={"memory.size: in pages": "it counts in bytes"},
        timeout=30.0,
    )
    titles = {f"{finding.topic}: {finding.title}": finding.verdict for finding in report.results}
    assert titles["memory.size: in pages"] == selfcheck.WRONG
