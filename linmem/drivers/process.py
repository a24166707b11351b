"""A driver's process: its pipes, what it prints, and an end that leaves no child process and no file behind."""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence

from linmem import scratch
from linmem.drivers.launching import kept
from linmem.drivers.nursery import Nursery

STDERR_KEPT = 8 * 1024
DRAIN_SECONDS = 1.0
KILL_SECONDS = 5.0  # for a keeper to end what it keeps; one that was stopped does not


class Process:
    """A started command, in a session of its own and with a temporary folder of its own.

    Its parent is a keeper (``runtimes/kits/launch.py``), which ends it and all that it started when this process ends,
    closes the socket between them, or dies. The session makes Ctrl-C reach the harness only. The folder (``TMPDIR``) is
    removed when all are dead: a browser's children go on writing for a moment after the browser has ended.

    With a `nursery`, it is forked there, in place of being started by its command.

    ``said`` takes the last 8 KiB of what the process prints to standard error. Raises `OSError` where it can't be
    started.
    """

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], said: bytearray, nursery: Nursery | None = None
    ) -> None:
        self._said = said
        self._told = b""  # by the keeper
        self._news: dict[str, int] = {}
        self._gone = False  # the keeper
        self._started: subprocess.Popen[bytes] | None = None
        self._scratch = scratch.make("driver")
        own = {"TMPDIR": str(self._scratch)}
        self._keeper, far = socket.socketpair()
        ours, theirs = _pipes()
        try:
            if nursery is not None:
                nursery.fork(own, [*theirs, far.fileno()])
            else:
                self._started = subprocess.Popen(
                    kept(command, far.fileno()),
                    stdin=theirs[0],
                    stdout=theirs[1],
                    stderr=theirs[2],
                    env={**os.environ, **env, **own},
                    cwd=os.sep,
                    start_new_session=True,
                    pass_fds=(far.fileno(),),
                )
        except OSError:
            self._keeper.close()
            for descriptor in ours:
                os.close(descriptor)
            scratch.remove(self._scratch)
            raise
        finally:
            far.close()
            for descriptor in theirs:
                os.close(descriptor)
        self._streams = [io.FileIO(descriptor, mode) for descriptor, mode in zip(ours, "wrr", strict=True)]
        self.stdin, self.stdout, self.stderr = ours
        for descriptor in ours:
            os.set_blocking(descriptor, False)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        if self._started is not None:
            return self._started.poll() is None
        while self._listen():
            pass
        return not self._gone

    @property
    def pid(self) -> int:
        """The command's process id. Waits until it has one."""
        while "pid" not in self._news and self._listen(wait=True):
            pass
        return self._news.get("pid", self._group)

    @property
    def _group(self) -> int:
        """The keeper's process id; 0 where it is not known."""
        return self._started.pid if self._started is not None else self._news.get("keeper", 0)

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
        except BlockingIOError:
            return False
        except OSError:  # reset, or the end of this side
            data = b""
        self._gone = self._gone or not data
        *lines, self._told = (self._told + data).split(b"\n")
        for line in lines:
            what, _, number = line.decode().partition(" ")
            self._news[what] = int(number)
            if what == "continued":
                self._news.pop("stopped", None)
        return bool(data)

    def wait(self, seconds: float) -> bool:
        """Wait so many seconds for it to end by itself; whether it did."""
        end, poll = time.monotonic() + seconds, select.poll()
        poll.register(self._keeper, select.POLLIN)
        while not self._gone and (left := end - time.monotonic()) > 0:
            poll.poll(left * 1000)
            while self._listen():
                pass
        if self._gone and self._started is not None:  # its end of the socket is closed, so it is about to end
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._started.wait(max(end - time.monotonic(), 0))
        return not self.running

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

    def abandon(self) -> None:
        """Have it and everything it started ended at once, and don't wait for that. `kill` is still to be called."""
        with contextlib.suppress(OSError):
            self._keeper.shutdown(socket.SHUT_WR)

    def kill(self) -> int:
        """End it and everything it started, at once; its return code, as in `subprocess.Popen.returncode`."""
        self.abandon()
        if not self.wait(KILL_SECONDS):
            for group in {self._group, self._news.get("pid", 0)} - {0}:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(group, signal.SIGKILL)
            self.wait(KILL_SECONDS)
        while self._listen():
            pass
        self._keeper.close()
        self.drain()
        for stream in self._streams:
            with contextlib.suppress(OSError):
                stream.close()
        scratch.remove(self._scratch)
        return self._news.get("ended", self._started.returncode if self._started is not None else -signal.SIGKILL)


def _pipes() -> tuple[list[int], list[int]]:
    """Pipes for a driver's standard input, output and error: the harness's ends and the driver's."""
    (read_in, write_in), (read_out, write_out), (read_err, write_err) = (os.pipe() for _ in range(3))
    return [write_in, read_out, read_err], [read_in, write_out, write_err]
