"""Fixtures of the JavaScript driver's tests, as a plugin: each test module names it in ``pytest_plugins``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from nodekit import INITIALIZE, command
from rawclient import RawClient


@pytest.fixture(scope="module")
def js_process() -> Iterator[RawClient]:
    with RawClient(*command()) as client:
        client.call("initialize", **INITIALIZE)
        yield client
        assert client.end() == 0


@pytest.fixture
def js(js_process: RawClient) -> RawClient:
    """The driver, with nothing left of the test before."""
    js_process.on_import = None
    js_process.call("object.release", all=True)
    return js_process


@pytest.fixture
def fresh_js() -> Iterator[RawClient]:
    """A driver of its own, to be ended."""
    with RawClient(*command()) as client:
        client.call("initialize", **INITIALIZE)
        yield client
