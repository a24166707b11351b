"""Drivers that are built from source: each for which this machine has the compiler is built, checked and played."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from linmem import check as selfcheck
from linmem.provision.environments import machine_lacks, provide
from linmem.provision.manifest import Manifest, Sources, all_manifests

pytestmark = pytest.mark.slow

NATIVE = [one for one in all_manifests() if isinstance(one.environment, Sources)]
# What every topic of the suites is about, in a minute on each runtime, but for Chicory's interpreters and GraalWasm.
SELECTION = [
    "memory/growth.yaml", "memory/bounds.yaml", "access/values.yaml", "objects/lifetime.yaml", "calls", "threads",
]  # fmt: skip


@pytest.fixture(params=NATIVE, ids=lambda one: one.name)
def manifest(request: pytest.FixtureRequest) -> Manifest:
    found: Manifest = request.param
    if machine_lacks(found):
        pytest.skip("its compiler is not here")
    return found


def test_the_driver_answers_right(manifest: Manifest) -> None:
    for variant in {None: None, **dict.fromkeys(variant for variant, _ in manifest.also)}:
        provided = provide(manifest, variant)
        report = selfcheck.check(
            provided.command,
            env=provided.env,
            variant=variant or manifest.variant,
            views=manifest.views,
            peculiar=manifest.peculiar,
            timeout=60.0,
        )
        assert report.right, report.text()


def test_nothing_unexpected_comes_of_a_selection(manifest: Manifest, tmp_path: Path) -> None:
    variants = [f":{variant}" for variant, _ in manifest.also if variant]
    played = [f"--runtime={manifest.name}{variant}" for variant in ["", *variants]]
    command = [
        sys.executable,
        "-m",
        "linmem",
        "run",
        "-q",
        *played,
        f"--report-dir={tmp_path}",
        *SELECTION,
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
