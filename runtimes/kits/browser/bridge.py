"""A browser as a driver: the protocol's lines on one side, a page's worker on the other.

The worker can't read standard input, but it may wait for an answer to a synchronous XMLHttpRequest. So this program
serves it a page on the loopback interface, under a path that nobody can guess, hands it the harness's requests one by
one and writes what it answers. Each answer arrives with the question for the next request: what is unanswered when the
page dies is what killed it.

Usage: ``bridge.py NAME PROGRAM``. The program's profile is new and empty. It is in the temporary folder, which
is the bridge's own; the harness removes that when all processes have ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

KIT = Path(__file__).resolve().parent
LAUNCHER = KIT.parent / "launch.py"
FOLDERS = ("browser", "javascript")
TYPES = {".html": "text/html; charset=utf-8", ".mjs": "text/javascript; charset=utf-8"}
LOOK_SECONDS = 0.5
GRACE_SECONDS = 2.0
SOFTWARE, PAGE_DIED, BROWSER_DIED = 70, 71, 72  # exit statuses

#: Isolated from other origins, as pages that use shared memory are: HTML, "Cross-origin opener/embedder policies".
ISOLATED = (
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)

#: What a fresh Firefox would otherwise do by itself: ask questions, open pages, look for updates.
FIREFOX_PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.max_script_run_time": 0,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#disabled",
    "toolkit.telemetry.enabled": False,
}


class Browser:
    """One kind of browser: what it is called, and how it is started without a window."""

    def __init__(self, name: str, engine: str) -> None:
        self.name, self.engine = name, engine

    def command(self, program: str, profile: Path, url: str) -> list[str]:
        """The command line that opens `url` with this profile."""
        raise NotImplementedError

    def shows_page(self, process: str) -> bool:
        """Whether a process of this name (on Linux, ``/proc/PID/comm``) is one that shows pages of ours.

        Needed where a page's connections outlive its process. None does by default.
        """
        return False


class Chromium(Browser):
    """Chromium and what is made of it."""

    def command(self, program: str, profile: Path, url: str) -> list[str]:
        flags = [
            "--headless",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-default-apps",
            "--disable-extensions",
            "--disable-gpu",
            "--disable-quic",
            "--disable-sync",
            "--js-flags=--expose-gc",
            "--log-level=3",
            "--mute-audio",
            "--no-default-browser-check",
            "--no-first-run",
            "--password-store=basic",
        ]
        if os.geteuid() == 0:  # its sandbox refuses to work for root
            flags.append("--no-sandbox")
        return [program, *flags, f"--user-data-dir={profile}", url]


class Firefox(Browser):
    """Firefox."""

    def command(self, program: str, profile: Path, url: str) -> list[str]:
        lines = (
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in FIREFOX_PREFERENCES.items()
        )
        (profile / "user.js").write_text("".join(lines), encoding="utf-8")
        return [program, "--headless", "--no-remote", "--profile", str(profile), url]

    def shows_page(self, process: str) -> bool:
        """Firefox names the processes of sites that are kept apart ``Isolated Web Content``; Linux cuts that short."""
        return process.startswith("Isolated Web")


BROWSERS = {"chromium": Chromium("Chromium", "V8"), "firefox": Firefox("Firefox", "SpiderMonkey")}


class Bridge(ThreadingHTTPServer):
    """The server of one page, and the browser that shows it."""

    daemon_threads = True

    def __init__(self, name: str, program: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.browser, self.program = BROWSERS[name], program
        self.base = f"/{secrets.token_urlsafe(24)}/"
        self.lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.given = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.leaving = threading.Lock()
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        version = re.search(r"\d+(\.\d+)+", said)
        if version is None:
            raise ValueError(f"{program} --version says no version: {said}")
        shown = said.partition(" built on ")[0]
        self.identity = {
            "runtime": {"name": name, "version": version[0], "engine": f"{self.browser.engine} of {shown}"},
            "language": {"language": "JavaScript", "version": version[0], "implementation": self.browser.name},
        }
        self.profile = Path(tempfile.mkdtemp(prefix="profile-"))

    def run(self) -> NoReturn:
        """Start the browser and serve its page until either side ends."""
        url = f"http://127.0.0.1:{self.server_port}{self.base}page.html"
        command = self.browser.command(self.program, self.profile, url)
        # The temporary folder is its working folder, named thus: Chromium makes a socket there, and a socket's path may
        # have about a hundred characters.
        variables = {"HOME": str(self.profile), "TMPDIR": ".", "MOZ_CRASHREPORTER_DISABLE": "1"}
        environment = {**os.environ, **variables}
        self.process = subprocess.Popen(  # through the launcher: it dies with this process, however that ends
            [sys.executable, "-I", "-S", "-B", str(LAUNCHER), *command],
            stdin=subprocess.DEVNULL,
            stdout=2,
            stderr=2,
            cwd=self.profile,
            env=environment,
        )
        threading.Thread(target=self.serve_forever, daemon=True).start()
        threading.Thread(target=self.read, daemon=True).start()
        status = self.process.wait()
        self.leave(BROWSER_DIED, f"{self.browser.name} ended with status {status}")

    def read(self) -> NoReturn:
        """Take in the harness's requests, line by line. At their end, once they are served, everything ends.

        A page that hangs doesn't get that far, so one that has stopped asking for requests is not waited for.
        """
        rest = b""
        while chunk := os.read(0, 1 << 20):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.lines.put(line)
        self.lines.put(None)
        given = 0
        while self.given != given or not given:
            given = self.given
            time.sleep(GRACE_SECONDS)
        self.leave(0)

    def leave(self, status: int, why: str = "") -> NoReturn:
        """End the browser and this process; the first reason counts."""
        self.leaving.acquire()  # for good: others wait here until the process has ended
        if why:
            sys.stderr.write(why + "\n")
            sys.stderr.flush()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os._exit(status)


class Handler(BaseHTTPRequestHandler):
    """What the page and its worker may ask for."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: Bridge

    def do_GET(self) -> None:  # the base class's name for it
        """The page's files, a glue script, the identity of the runtime, and a connection as long-lived as the page."""
        path, _, query = self.path.partition("?")
        name = self.inside(path)
        if name == "identity":
            self.answer(json.dumps(self.server.identity).encode())
        elif name == "alive":
            self.watch()
        elif name == "script":
            self.send_file(Path(urllib.parse.unquote(query)), (".js", ".cjs"))
        elif name == "page.html":
            self.send_file(KIT / name, (".html",))
        elif name is not None and name.count("/") == 1 and name.partition("/")[0] in FOLDERS:
            self.send_file(KIT.parent / name, (".mjs",))
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """The worker's answers, its next request, and how it ends."""
        name, body = self.inside(self.path), self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if name == "next":
            write_all(1, body)
            line = self.server.lines.get()
            if line is None:
                self.server.leave(0)
            self.server.given += 1
            self.answer(line)
        elif name == "exit":
            write_all(1, body)
            self.server.leave(0)
        elif name == "fault":
            self.server.leave(SOFTWARE, f"the driver is at fault: {body.decode('utf-8', 'replace')}")
        elif name == "log":
            write_all(2, body + b"\n")
            self.answer(b"")
        else:
            self.send_error(404)

    def inside(self, path: str) -> str | None:
        """What a path names below the secret one; None for any other."""
        return path[len(self.server.base) :] if path.startswith(self.server.base) else None

    def watch(self) -> None:
        """Keep the page's connection. It ends when the process that shows the page does."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.flush()
        showing = processes(self.server.browser.shows_page)
        while True:
            ready, _, _ = select.select([self.connection], [], [], LOOK_SECONDS if showing else None)
            gone = showing and not showing <= processes(self.server.browser.shows_page)
            if gone or (ready and not self.connection.recv(1024)):
                self.server.leave(PAGE_DIED, "the process that showed the page died")

    def send_file(self, path: Path, endings: tuple[str, ...]) -> None:
        """A file, if it is of the kind that is wanted there."""
        try:
            content = path.read_bytes() if path.suffix in endings and ".." not in path.parts else None
        except OSError:
            content = None
        if content is None:
            self.send_error(404)
        else:
            self.answer(content, TYPES.get(path.suffix, "text/plain; charset=utf-8"))

    def answer(self, content: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        """Answer with a text."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def end_headers(self) -> None:
        """Every answer is isolated, also that there is no such file."""
        for name, value in ISOLATED:
            self.send_header(name, value)
        super().end_headers()

    def handle(self) -> None:
        """Ignore connections that the browser cuts off."""
        with contextlib.suppress(ConnectionError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: standard error is for what guests and the browser print."""


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it."""
    while data:
        data = data[os.write(descriptor, data) :]


def processes(wanted: Callable[[str], bool]) -> set[int]:
    """The running processes of this one's session whose names are wanted; none where the system has no ``/proc``."""
    session, found = os.getsid(0), set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, tail = stat.read_text().rpartition(") ")
        except OSError:
            continue
        name, fields = head.partition(" (")[2], tail.split()
        if fields[0] != "Z" and int(fields[3]) == session and wanted(name):
            found.add(int(stat.parent.name))
    return found


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # the harness has gone: so do we
    Bridge(*sys.argv[1:]).run()
