"""In a clone, ``pytest suites`` plays the scenarios."""

pytest_plugins = ["linmem.plugin"]
