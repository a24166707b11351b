"""A browser as a driver: the protocol's lines on one side, a page's worker on the other.

The worker can't read standard input, but it may wait for an answer to a synchronous XMLHttpRequest. So this program
serves it a page on the loopback interface, under a path that nobody can guess, hands it the harness's requests one by
one and writes what it answers. Each answer arrives with the question for the next request: what is unanswered when the
page dies is what killed it.

Every user of the machine can connect to the loopback interface and read command lines. So the browser gets the secret
path from a launch page, a file in its profile that only this user can read. A connection is closed, without an answer,
at the first line or header that does not match: path, then ``Host``, ``Origin`` and ``Content-Length``; a body is read
after all of them. What is served was read when the bridge started, but for the glue script that the harness named last.

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
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple, NoReturn

KIT = Path(__file__).resolve().parent
LAUNCHER = KIT.parent / "launch.py"
FOLDERS = ("browser", "javascript")
TYPES = {".html": "text/html; charset=utf-8", ".mjs": "text/javascript; charset=utf-8"}
LAUNCH_PAGE = "launch.html"
MAX_BODY = 256 * 1024 * 1024
MAX_SCRIPT = 16 * 1024 * 1024
MAX_TEXT = 64 * 1024  # bytes that are kept of a fault's text
STRANGERS = 64  # connections that have not shown the secret; one more, and the oldest is closed
STRANGER_SECONDS = 10.0
PIECE = 1 << 16
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

#: The page that the browser is started with.
LAUNCHING = """<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={url}">"""


class Browser(NamedTuple):
    """One kind of browser, as ``browsers.json`` has it: what it is called, and how it is started without a window.

    ``as_root`` are further arguments for root, as whom Chromium's sandbox refuses to work. ``preferences`` stop what a
    fresh Firefox would otherwise do by itself: ask questions, open pages, look for updates. ``page_process`` is how the
    names of processes that show pages of ours begin (on Linux, ``/proc/PID/comm``), where a page's connections outlive
    its process: Firefox's of sites that are kept apart are called ``Isolated Web Content``, which Linux cuts short.
    """

    name: str
    engine: str
    command: Sequence[str]
    as_root: Sequence[str] = ()
    preferences: Mapping[str, object] | None = None
    page_process: str | None = None

    def started(self, program: str, profile: Path, url: str) -> list[str]:
        """The command line that opens `url` with this profile. Every user of the machine can read it."""
        if self.preferences:
            lines = (
                f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in self.preferences.items()
            )
            (profile / "user.js").write_text("".join(lines), encoding="utf-8")
        words = [word.format(program=program, profile=profile, url=url) for word in self.command]
        return [words[0], *(self.as_root if os.geteuid() == 0 else ()), *words[1:]]

    def shows_page(self, process: str) -> bool:
        """Whether a process of this name is one that shows pages of ours."""
        return self.page_process is not None and process.startswith(self.page_process)


BROWSERS = {name: Browser(**given) for name, given in json.loads((KIT / "browsers.json").read_bytes()).items()}


class Bridge(ThreadingHTTPServer):
    """The server of one page, and the browser that shows it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name: str, program: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.browser, self.program = BROWSERS[name], program
        self.host = f"127.0.0.1:{self.server_port}"
        self.base = f"/{secrets.token_urlsafe(24)}/"
        self.files = kit_files()
        self.scripts: dict[str, bytes] = {}
        self.strangers: OrderedDict[socket.socket, float] = OrderedDict()  # since when, on the monotonic clock
        self.door = threading.Lock()
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
        launch_page = self.profile / LAUNCH_PAGE
        descriptor = os.open(launch_page, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        write_all(descriptor, LAUNCHING.format(url=f"http://{self.host}{self.base}page.html").encode())
        os.close(descriptor)
        command = self.browser.started(self.program, self.profile, launch_page.as_uri())
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

    def admit(self, connection: socket.socket) -> None:
        """Give a connection a while to show the secret. Of too many that have not, the oldest goes."""
        with self.door:
            self.strangers[connection] = time.monotonic()
            if len(self.strangers) > STRANGERS:
                self.turn_away()

    def service_actions(self) -> None:
        """Close connections that have had their while, however much they send; called twice a second."""
        late = time.monotonic() - STRANGER_SECONDS
        with self.door:
            while self.strangers and next(iter(self.strangers.values())) < late:
                self.turn_away()

    def turn_away(self) -> None:
        """Close the oldest connection that has not shown the secret."""
        oldest, _ = self.strangers.popitem(last=False)
        with contextlib.suppress(OSError):
            oldest.shutdown(socket.SHUT_RDWR)

    def trust(self, connection: socket.socket) -> None:
        """Let a connection that has shown the secret last."""
        with self.door:
            self.strangers.pop(connection, None)

    def dismiss(self, connection: socket.socket) -> None:
        """Forget a connection that has ended."""
        with self.door:
            self.strangers.pop(connection, None)

    def note_glue(self, line: bytes) -> None:
        """Read the glue script that a request names, before the page gets the request and asks for it. It is opened
        once; what is no regular file of a reasonable size, or a link, is not served.
        """
        with contextlib.suppress(ValueError, TypeError, KeyError, OSError):
            path = json.loads(line)["params"]["glue"]["path"]
            if path not in self.scripts:
                self.scripts = {path: read_script(path)}  # the one in use

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
    raw_requestline: bytes

    def setup(self) -> None:
        """A connection starts as a stranger's."""
        super().setup()
        self.trusted = False
        self.length = 0
        self.server.admit(self.connection)

    def finish(self) -> None:
        """The end of a connection, whoever ended it."""
        self.server.dismiss(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def parse_request(self) -> bool:
        """Check the request line before any header is read, and the headers before any body is."""
        words = self.raw_requestline.split()
        if len(words) != 3 or not self.inside(words[1]):
            return self.close()
        self.server.trust(self.connection)
        self.trusted = True
        if not super().parse_request():
            return False
        if self.headers.get_all("Host") != [self.server.host]:
            return self.close()
        origins = self.headers.get_all("Origin") or []
        if origins != [f"http://{self.server.host}"] and (origins or self.command != "GET"):
            return self.close()  # a browser names the origin of each POST
        lengths = self.headers.get_all("Content-Length") or []
        if self.headers.get_all("Transfer-Encoding") or len(lengths) != (self.command != "GET"):
            return self.close()
        if not all(re.fullmatch(r"[0-9]{1,9}", length) and int(length) <= MAX_BODY for length in lengths):
            return self.close()
        self.length = int(lengths[0]) if lengths else 0
        return True

    def inside(self, target: bytes) -> bool:
        """Whether what is asked for is below the secret path."""
        base = self.server.base.encode()
        return secrets.compare_digest(target[: len(base)], base)

    def close(self) -> bool:
        """Close the connection, without a word."""
        self.close_connection = True
        return False

    def handle_expect_100(self) -> bool:
        """No browser asks whether it may send a body, and this would be answered before the headers are checked."""
        return self.close()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Tell the page; a stranger is told nothing."""
        self.close_connection = True
        if self.trusted:
            super().send_error(code, message, explain)

    def do_GET(self) -> None:  # the base class's name for it
        """The page's files, a glue script, the identity of the runtime, and a connection as long-lived as the page."""
        name, _, query = self.path[len(self.server.base) :].partition("?")
        script = self.server.scripts.get(urllib.parse.unquote(query)) if name == "script" else None
        if name == "identity":
            self.answer(json.dumps(self.server.identity).encode())
        elif name == "alive":
            self.watch()
        elif script is not None:
            self.answer(script)
        elif name in self.server.files:
            self.answer(self.server.files[name], TYPES[Path(name).suffix])
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """The worker's answers, its next request, and how it ends."""
        name = self.path[len(self.server.base) :]
        if name == "next":
            self.pass_on(1)
            line = self.server.lines.get()
            if line is None:
                self.server.leave(0)
            if b'"glue"' in line:
                self.server.note_glue(line)
            self.server.given += 1
            self.answer(line)
        elif name == "exit":
            self.pass_on(1)
            self.server.leave(0)
        elif name == "fault":
            text = self.rfile.read(min(self.length, MAX_TEXT)).decode("utf-8", "replace")
            self.server.leave(SOFTWARE, f"the driver is at fault: {text}")
        elif name == "log":
            self.pass_on(2)
            write_all(2, b"\n")
            self.answer(b"")
        else:
            self.send_error(404)

    def pass_on(self, descriptor: int) -> None:
        """Write the body as it comes in."""
        left = self.length
        while left:
            piece = self.rfile.read(min(left, PIECE))
            if not piece:
                raise ConnectionAbortedError
            write_all(descriptor, piece)
            left -= len(piece)

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


def kit_files() -> dict[str, bytes]:
    """What the page is made of, by its name below the secret path."""
    found = {"page.html": (KIT / "page.html").read_bytes()}
    for folder in FOLDERS:
        for path in (KIT.parent / folder).glob("*.mjs"):
            found[f"{folder}/{path.name}"] = path.read_bytes()
    return found


def read_script(path: str) -> bytes:
    """A script's text. Raises `OSError` for a link and `ValueError` for what no script is."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("no regular file")
        content = file.read(MAX_SCRIPT + 1)
    if len(content) > MAX_SCRIPT:
        raise ValueError("no script is that long")
    return content


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it."""
    while data:
        data = data[os.write(descriptor, data) :]


def processes(wanted: Callable[[str], bool]) -> set[int]:
    """The running processes of this one's session whose names are wanted; none where the system has no ``/proc``."""
    session, found = os.getsid(0), set()
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, tail = file.read_text().rpartition(") ")
        except OSError:
            continue
        name, fields = head.partition(" (")[2], tail.split()
        if fields[0] != "Z" and int(fields[3]) == session and wanted(name):
            found.add(int(file.parent.name))
    return found


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # the harness has gone: so do we
    Bridge(*sys.argv[1:]).run()
