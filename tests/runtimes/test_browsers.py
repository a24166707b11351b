"""Browsers as drivers: the bridge between the protocol and a page's worker."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from linmem import paths
from linmem.drivers.client import Driver
from linmem.protocol import CallFailed, DriverDied
from linmem.provision.environments import provide
from linmem.provision.manifest import load_manifest

BROWSERS = ("chromium", "firefox")
KIT = paths.RUNTIMES / "kits" / "browser"
sys.path.append(str(KIT))

import bridge  # noqa: E402

pytestmark = pytest.mark.slow

EMPTY = base64.b64encode(b"\0asm\1\0\0\0").decode()
Processes = Callable[..., "list[str]"]


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """What is the temporary folder for this test; its path is longer than that of a browser's socket may be."""
    folder = tmp_path / ("long" * 25)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture(params=BROWSERS)
def browser(request: pytest.FixtureRequest, scratch: Path) -> Iterator[Driver]:
    """A started driver."""
    name = request.param
    if shutil.which(name) is None and not os.environ.get("CI"):
        pytest.skip(f"{name} is not on PATH")
    manifest = load_manifest(name)
    driver = Driver(provide(manifest).command, label=name)
    driver.start()
    yield driver
    driver.close()


def test_a_page_is_a_driver_that_leaves_nothing(browser: Driver, scratch: Path, processes_of_group: Processes) -> None:
    assert browser.info is not None
    assert browser.info.runtime["name"] == browser.label
    assert browser.info.runtime["version"][0].isdigit()
    memory = browser.post("memory.create", {"min": 1, "max": 2, "shared": False, "index": "i32"})
    written = {"type": "u8", "value": "25"}
    browser.request("memory.write", {"memory": memory, "at": 65535, "type": "u8", "value": written, "view": None})
    read = {"memory": memory, "at": 65535, "type": "u8", "view": None}
    assert browser.request("memory.read", read) == {"value": written}
    shared = browser.post("memory.create", {"min": 1, "max": 2, "shared": True, "index": "i32"})
    assert browser.request("memory.size", {"memory": shared}) == {"pages": 1}  # so the page is isolated
    with pytest.raises(CallFailed, match="no method"):
        browser.request("nonsense", {})
    group = browser.pid
    assert list(scratch.glob("*/profile-*"))
    browser.close()
    assert processes_of_group(group) == []
    assert list(scratch.iterdir()) == []


def test_many_bytes_survive_the_way(browser: Driver) -> None:
    memory = browser.post("memory.create", {"min": 8, "max": None, "shared": False, "index": "i32"})
    data = base64.b64encode(bytes(range(256)) * 2000).decode()
    write = {"memory": memory, "at": 7, "type": "bytes", "value": {"bytes": data}, "view": None}
    assert browser.request("memory.write", write) == {}
    read = {"memory": memory, "at": 7, "type": "bytes", "count": 512000, "view": None}
    assert browser.request("memory.read", read) == {"bytes": data}


def test_a_page_that_dies_is_a_crash(browser: Driver, processes_of_group: Processes) -> None:
    assert browser.request("module.compile", {"bytes": EMPTY}) == {}
    group = browser.pid
    killed = 0
    for pid in processes_of_group_now(group):
        with contextlib.suppress(OSError):  # a browser's processes come and go
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            name = Path(f"/proc/{pid}/comm").read_text()
            if b"--type=renderer" in words or bridge.Firefox("", "").shows_page(name):
                os.kill(pid, signal.SIGKILL)
                killed += 1
    assert killed
    with pytest.raises(DriverDied, match=f"status {bridge.PAGE_DIED}"):
        ask_for_ever(browser)
    assert "the process that showed the page died" in browser.take_stderr()
    assert processes_of_group(group) == []


def ask_for_ever(driver: Driver) -> None:
    while True:
        driver.request("module.compile", {"bytes": EMPTY})


def processes_of_group_now(group: int | None) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            found.append(int(stat.parent.name))
    return found


@pytest.fixture
def fake_browser(tmp_path: Path) -> Callable[[str], list[str]]:
    """The command of a bridge whose browser is a shell script."""

    def make(script: str) -> list[str]:
        program = tmp_path / "browser"
        program.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo Fake 1.2.3; exit; fi\n{script}\n')
        program.chmod(0o755)
        return [sys.executable, "-I", "-S", "-B", str(KIT / "bridge.py"), "chromium", str(program)]

    return make


def test_a_browser_that_ends_is_a_crash(fake_browser: Callable[[str], list[str]]) -> None:
    driver = Driver(fake_browser("exit 3"), label="fake")
    with pytest.raises(DriverDied, match=f"status {bridge.BROWSER_DIED}"):
        driver.start()
    assert "Chromium ended with status 3" in driver.take_stderr()


def test_the_page_is_served_under_a_secret_path_only(fake_browser: Callable[[str], list[str]], tmp_path: Path) -> None:
    command = fake_browser(f'for word; do url=$word; done; echo "$url" > {tmp_path}/url.part\n'
                           f"mv {tmp_path}/url.part {tmp_path}/url; exec sleep 60")  # fmt: skip
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdin is not None
        while not (tmp_path / "url").exists():
            assert process.poll() is None
        _, _, host, secret, page = (tmp_path / "url").read_text().strip().split("/")
        found = {}
        for path in ("/", "/page.html", f"/{secret}x/page.html", f"/{secret}/{page}", f"/{secret}/javascript/core.mjs",
                     f"/{secret}/javascript/../launch.py", f"/{secret}/browser/bridge.py",
                     f"/{secret}/script?/etc/passwd"):  # fmt: skip
            connection = http.client.HTTPConnection(host, timeout=60)
            connection.request("GET", path)
            found[path.replace(secret, "SECRET")] = connection.getresponse().status
            connection.close()
        process.kill()
    good = {"/SECRET/page.html", "/SECRET/javascript/core.mjs"}
    assert found == {path: 200 if path in good else 404 for path in found}
    assert host.startswith("127.0.0.1:")
    assert len(secret) >= 32
