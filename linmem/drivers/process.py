"""A driver's process: its pipes, what it prints, and an end that leaves no child process and no file behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from linmem import paths, scratch

LAUNCHER = str(paths.RUNTIMES / "kits" / "launch.py")
STDERR_KEPT = 8 * 1024
DRAIN_SECONDS = 1.0
KILL_SECONDS = 5.0  # for a keeper to end what it keeps; one that was stopped does not


def bound(command: Sequence[str]) -> list[str]:
    """The command line that runs `command` so that it ends when this process does, however that ends."""
    return [sys.executable, "-I", "-S", "-B", LAUNCHER, *command]


class Process:
    """A started command, in a session of its own and with a temporary folder of its own.

    Its parent is a keeper (``runtimes/kits/launch.py``), which ends it and all that it started when this process ends,
    closes the socket between them, or dies. The session makes Ctrl-C reach the harness only. The folder (``TMPDIR``) is
    removed when all are dead: a browser's children go on writing for a moment after the browser has ended.

    ``said`` takes the last 8 KiB of what the process prints to standard error. Raises `OSError` where it can't be
    started.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str], said: bytearray) -> None:
        self._said = said
        self._told = b""  # by the keeper
        self._news: dict[str, int] = {}
        self._scratch = scratch.make("driver")
        self._keeper, far = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", LAUNCHER, "--keep", str(far.fileno()), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **env, "TMPDIR": str(self._scratch)},
                cwd=os.sep,
                start_new_session=True,
                pass_fds=(far.fileno(),),
            )
        except OSError:
            self._keeper.close()
            scratch.remove(self._scratch)
            raise
        finally:
            far.close()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._streams = (process.stdin, process.stdout, process.stderr)
        self.stdin, self.stdout, self.stderr = (stream.fileno() for stream in self._streams)
        for descriptor in (self.stdin, self.stdout, self.stderr):
            os.set_blocking(descriptor, False)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The command's process id. Waits until it has one."""
        while "pid" not in self._news and self._listen(wait=True):
            pass
        return self._news.get("pid", self._process.pid)

    @property
    def stopped(self) -> int | None:
        """The signal that has stopped it; None while it runs or where it has ended."""
        while self._listen():
            pass
        return self._news.get("stopped")

    def _listen(self, *, wait: bool = False) -> bool:
        """Take in a piece of what the keeper tells; False where there is none."""
        try:
            data = self._keeper.recv(4096, 0 if wait else socket.MSG_DONTWAIT)
        except OSError:  # none, or the end of this side
            return False
        *lines, self._told = (self._told + data).split(b"\n")
        for line in lines:
            what, _, number = line.decode().partition(" ")
            self._news[what] = int(number)
            if what == "continued":
                self._news.pop("stopped", None)
        return bool(data)

    def wait(self, seconds: float) -> bool:
        """Wait so many seconds for it to end by itself; whether it did."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode is not None

    def close_stdin(self) -> None:
        """Close its standard input."""
        self._streams[0].close()

    def take_stderr(self) -> bool:
        """Keep a piece of what it has printed; False at the end of it. Raises `BlockingIOError` where there is none."""
        data = os.read(self.stderr, 1 << 16)
        self._said += data
        if len(self._said) > STDERR_KEPT:
            del self._said[:-STDERR_KEPT]
        return bool(data)

    def drain(self) -> None:
        """Keep all that it has printed so far, for a second at most: it may print faster than we read."""
        end = time.monotonic() + DRAIN_SECONDS
        with contextlib.suppress(OSError):
            while self.take_stderr() and time.monotonic() < end:
                pass

    def kill(self) -> int:
        """End it and everything it started, at once; its return code, as in `subprocess.Popen.returncode`."""
        with contextlib.suppress(OSError):
            self._keeper.shutdown(socket.SHUT_WR)
        try:
            status = self._process.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            for group in {self._process.pid, self._news.get("pid", self._process.pid)}:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(group, signal.SIGKILL)
            status = self._process.wait()
        while self._listen():
            pass
        self._keeper.close()
        self.drain()
        for stream in self._streams:
            with contextlib.suppress(OSError):
                stream.close()
        scratch.remove(self._scratch)
        return self._news.get("ended", status)
