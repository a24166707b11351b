"""Browsers as drivers: the bridge between the protocol and a page's worker."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from linmem import paths
from linmem import scratch as folders
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
def scratch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """What is the temporary folder for this test; its path is longer than that of a browser's socket may be."""
    folder = tmp_path / ("long" * 25)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    folders._own.cache_clear()
    yield folder
    folders._own.cache_clear()


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
    assert list(scratch.rglob("profile-*"))
    browser.close()
    assert processes_of_group(group) == []
    assert list(scratch.glob("*/*")) == []  # in the folder of this process, which lives


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
            if b"--type=renderer" in words or bridge.BROWSERS["firefox"].shows_page(name):
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


class Served:
    """A bridge without a page: its address, its process, and raw requests to it."""

    def __init__(self, process: subprocess.Popen[bytes], profile: Path) -> None:
        self.process, self.profile = process, profile
        words = (profile / bridge.LAUNCH_PAGE).read_text()
        _, _, self.host, self.secret, self.page = words.partition("url=")[2].partition('"')[0].split("/")
        self.base = f"/{self.secret}/"

    def ask(self, *lines: str, body: bytes = b"") -> bytes:
        """Send a request as it is written here; the whole answer."""
        address, _, port = self.host.partition(":")
        with socket.create_connection((address, int(port)), timeout=60) as connection:
            connection.sendall("".join(f"{line}\r\n" for line in lines).encode() + body)
            answer = b""
            with contextlib.suppress(ConnectionError):  # one that is closed before it has been read whole is reset
                while piece := connection.recv(1 << 16):
                    answer += piece
        return answer

    def get(self, path: str, **headers: str) -> bytes:
        """The body that is answered; empty where nothing or a refusal is."""
        given = {"Host": self.host, "Connection": "close"} | headers
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
        head, _, content = self.ask(f"GET {path} HTTP/1.1", *lines, "").partition(b"\r\n\r\n")
        return content if head.startswith(b"HTTP/1.1 200 ") else b""


@pytest.fixture
def served(fake_browser: Callable[[str], list[str]], tmp_path: Path) -> Iterator[Served]:
    """A bridge whose browser only notes its command line."""
    noted = tmp_path / "words"
    command = fake_browser(f'echo "$@" > {noted}.part\nmv {noted}.part {noted}\nexec sleep 600')
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=env) as process:
        while not noted.exists():
            assert process.poll() is None
            time.sleep(0.01)
        (profile,) = tmp_path.glob("profile-*")
        yield Served(process, profile)
        process.kill()


def test_the_secret_is_on_no_command_line(served: Served, tmp_path: Path) -> None:
    assert len(served.secret) >= 32
    assert served.host.startswith("127.0.0.1:")
    words = (tmp_path / "words").read_text()
    assert f"{served.profile.as_uri()}/{bridge.LAUNCH_PAGE}" in words
    assert served.secret not in words
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            assert served.secret.encode() not in file.read_bytes()
    for path in (served.profile, served.profile / bridge.LAUNCH_PAGE):
        assert path.stat().st_mode & 0o077 == 0


def test_what_is_served(served: Served) -> None:
    """The kit's files and nothing else, whatever the path says; and to those only who know the secret."""
    for path in ("page.html", "browser/page.mjs", "javascript/core.mjs"):
        assert served.get(served.base + path)
    for path in ("browser/bridge.py", "javascript/../launch.py", "javascript/repro.yaml", "script?/etc/passwd",
                 f"script?{KIT}/page.mjs", "launch.html", "/etc/passwd"):  # fmt: skip
        assert served.get(served.base + path) == b"", path


@pytest.mark.parametrize(
    "lines",
    [
        ["GET / HTTP/1.1", "Host: {host}", ""],
        ["GET /page.html HTTP/1.1", "Host: {host}", ""],
        ["GET /{secret}x/page.html HTTP/1.1", "Host: {host}", ""],
        ["GET {base}page.html"],
        ["GET {base}page.html HTTP/1.1", ""],
        ["GET {base}page.html HTTP/1.1", "Host: example.org", ""],
        ["GET {base}page.html HTTP/1.1", "Host: {host}", "Host: example.org", ""],
        ["GET {base}page.html HTTP/1.1", "Host: {host}", "Origin: https://example.org", ""],
        ["GET {base}page.html HTTP/1.1", "Host: {host}", "Origin: null", ""],
        ["POST {base}log HTTP/1.1", "Host: {host}", "Content-Length: 0", ""],
        ["POST {base}log HTTP/1.1", "Host: {host}", "Origin: http://{host}", ""],
        ["POST {base}log HTTP/1.1", "Host: {host}", "Origin: http://{host}", "Content-Length: -1", ""],
        ["POST {base}log HTTP/1.1", "Host: {host}", "Origin: http://{host}", "Content-Length: 900000000", ""],
        ["POST {base}log HTTP/1.1", "Host: {host}", "Origin: http://{host}", "Content-Length: 1" + "0" * 5000, ""],
        ["POST {base}log HTTP/1.1", "Host: {host}", "Origin: http://{host}", "Content-Length: 1", "Content-Length: 2", ""],
        ["POST {base}log HTTP/1.1", "Host: {host}", "Origin: http://{host}", "Transfer-Encoding: chunked", ""],
        ["POST {base}log HTTP/1.1", "Host: {host}", "Origin: http://{host}", "Content-Length: 1", "Expect: 100-continue", ""],
        ["x" * 70000],
    ],
)  # fmt: skip
def test_what_does_not_match_is_closed_without_a_word(served: Served, lines: list[str]) -> None:
    """No body is sent here: one that were waited for would make the test wait."""
    assert served.ask(*(line.format(**vars(served)) for line in lines)) == b""


def test_a_strangers_body_is_not_read(served: Served) -> None:
    """More than the buffers of a connection hold: where it were read, all of it could be sent."""
    address, _, port = served.host.partition(":")
    with socket.create_connection((address, int(port)), timeout=60) as connection, pytest.raises(ConnectionError):
        connection.sendall(b"POST /x/next HTTP/1.1\r\nContent-Length: 200000000\r\n\r\n" + bytes(100_000_000))


def test_strangers_keep_nobody_out(served: Served) -> None:
    address, _, port = served.host.partition(":")
    with contextlib.ExitStack() as stack:
        for _ in range(3 * bridge.STRANGERS):
            stack.enter_context(socket.create_connection((address, int(port)), timeout=60))
        assert served.get(served.base + "page.html")


@pytest.mark.slow
def test_a_stranger_that_sends_a_byte_now_and_then_is_closed_too(served: Served) -> None:
    address, _, port = served.host.partition(":")
    with socket.create_connection((address, int(port)), timeout=1) as connection:
        end = time.monotonic() + 6 * bridge.STRANGER_SECONDS
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"GET /")
            while time.monotonic() < end:
                connection.sendall(b"x")
                with contextlib.suppress(TimeoutError):
                    if connection.recv(1) == b"":
                        break
        assert time.monotonic() < end


def test_a_glue_script_is_served_while_it_is_in_use(served: Served, tmp_path: Path) -> None:
    """The harness names it in a request, and it is read then: not a link, and not what is put in its place later."""
    script, link, pipe = tmp_path / "wasm exec ü.js", tmp_path / "link.js", tmp_path / "pipe.js"
    script.write_text("globalThis.Go = 1;")
    link.symlink_to(script)
    os.mkfifo(pipe)
    host, base = served.host, served.base
    head = [f"POST {base}next HTTP/1.1", f"Host: {host}", f"Origin: http://{host}", "Content-Length: 0",
            "Connection: close", ""]  # fmt: skip

    def use(path: Path) -> bytes:
        request = json.dumps(
            {"id": 1, "method": "instance.create", "params": {"glue": {"kind": "go", "path": str(path)}}}
        )
        assert served.process.stdin is not None
        served.process.stdin.write(request.encode() + b"\n")
        served.process.stdin.flush()
        assert served.ask(*head).endswith(request.encode())
        return served.get(f"{base}script?{quote(str(path))}")

    assert served.get(f"{base}script?{quote(str(script))}") == b""
    assert use(script) == b"globalThis.Go = 1;"
    script.unlink()
    script.symlink_to("/etc/passwd")
    assert served.get(f"{base}script?{quote(str(script))}") == b"globalThis.Go = 1;"
    assert use(link) == use(pipe) == use(tmp_path / "none.js") == b""
