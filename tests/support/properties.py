"""Which examples property tests draw: always the same, but for a run that explores (``tox -e explore``)."""

from __future__ import annotations

import random

import hypothesis
from hypothesis.internal.conjecture import providers

EXPLORE = "explore"


def set_profiles() -> None:
    """Register both profiles, and load the one of every day."""
    # Hypothesis also draws constants that it finds in whatever modules are loaded. Which these are depends on the tests
    # that the process ran before, so a test's examples would, too.
    providers._get_local_constants = lambda: providers._local_constants
    untimed = {
        "deadline": None,
        "database": None,
        "suppress_health_check": [hypothesis.HealthCheck.too_slow],
    }
    hypothesis.settings.register_profile("linmem", derandomize=True, max_examples=80, **untimed)
    hypothesis.settings.register_profile(EXPLORE, derandomize=False, max_examples=1000, print_blob=True, **untimed)
    hypothesis.settings.load_profile("linmem")


def seed(option) -> str | None:
    """The seed of a run that explores, chosen if none was given. It is one seed for all workers."""
    if getattr(option, "hypothesis_profile", None) != EXPLORE:
        return None
    if option.hypothesis_seed is None:
        option.hypothesis_seed = str(random.randrange(1 << 32))
    return option.hypothesis_seed
