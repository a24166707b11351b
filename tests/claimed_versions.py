"""The drivers against the oldest and the newest version that each claims: ``tox -e versions``.

Not among the tests that run by default: it fetches each version.
"""

from __future__ import annotations

import pytest

from linmem import check as selfcheck
from linmem.provision.environments import provide
from linmem.provision.manifest import NpmPackages, Packages, Sources, all_manifests
from linmem.provision.releases import releases

CLAIMS = [
    one
    for one in all_manifests()
    if isinstance(one.environment, Packages | NpmPackages | Sources) and len(one.supported)
]


@pytest.mark.parametrize("end", ["oldest", "newest"])
@pytest.mark.parametrize("manifest", CLAIMS, ids=lambda one: one.name)
def test_a_claimed_version_answers_right(manifest, end):
    version = releases(manifest)[0 if end == "oldest" else -1]
    provided = provide(manifest, None, version)
    assert provided.version == version
    report = selfcheck.check(
        provided.command,
        env=provided.env,
        variant=manifest.variant,
        views=manifest.views,
        peculiar=manifest.peculiar,
        timeout=20.0,
    )
    assert report.right, report.text()
