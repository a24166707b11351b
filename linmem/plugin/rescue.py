"""What makes the reports of a run that is killed while it ends: tox gives a run half a second after Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any

_AGAIN = 1.0  # seconds after a signal in which further ones are the same wish: tox sends three within half a second
_WAIT = """
import sys
if not sys.stdin.buffer.read(1):
    from linmem.cli import main
    main(["report", "build", sys.argv[1]])
"""


class Rescue:
    """Ends a run at SIGINT or SIGTERM as Ctrl-C does, and has a process at hand that makes the reports of its record,
    if the run is killed before it calls `done`.

    That process is in a session of its own, so that no signal to the run or its terminal reaches it. ``folder`` is
    where the record is, None as long as there is none.
    """

    def __init__(self, folder: Callable[[], Path | None]) -> None:
        self._folder = folder
        self._signalled: float | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def watch(self) -> None:
        """Take the signals, except those that somebody else has taken or that are ignored."""
        usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
        if threading.current_thread() is threading.main_thread():
            for number, handler in usual.items():
                if signal.getsignal(number) == handler:
                    self._before[number] = signal.signal(number, self._end)

    def _end(self, number: int, frame: FrameType | None) -> None:
        now = monotonic()
        if self._signalled is not None and now - self._signalled < _AGAIN:
            return
        self._signalled = now
        folder = self._folder()
        if folder is not None and self._process is None:
            with contextlib.suppress(OSError):
                self._process = subprocess.Popen(
                    [sys.executable, "-c", _WAIT, str(folder)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
        raise KeyboardInterrupt

    def done(self) -> None:
        """The reports are written: nothing is left to do."""
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._process.communicate(b"!")
            self._process = None

    def leave(self) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
