"""A process that forks drivers: it has imported its runtime, and serves nothing itself."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence

from linmem import scratch
from linmem.drivers.launching import bound

FORKS = "LINMEM_FORKS"


class Nursery:
    """A driver's command, started so that it forks a driver on request (``runtimes/kits/python/linmem_forks.py``).

    Raises `OSError` where it can't be started.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._scratch = scratch.make("nursery")
        self._socket, far = socket.socketpair()
        nothing = subprocess.DEVNULL
        variables = {**os.environ, **env, "TMPDIR": str(self._scratch), FORKS: str(far.fileno())}
        try:
            self._process = subprocess.Popen(
                bound(command),
                stdin=nothing,
                stdout=nothing,
                stderr=nothing,
                env=variables,
                cwd=os.sep,
                start_new_session=True,
                pass_fds=(far.fileno(),),
            )
        except OSError:
            self._socket.close()
            scratch.remove(self._scratch)
            raise
        finally:
            far.close()

    def fork(self, variables: Mapping[str, str], descriptors: Sequence[int]) -> None:
        """Ask for a driver with these variables of its own, and with these descriptors: its standard input, output and
        error, and its keeper's socket. Raises `OSError`.

        The request is carried out when the runtime has been imported. If that fails, the descriptors are closed.
        """
        socket.send_fds(self._socket, [json.dumps(dict(variables)).encode()], list(descriptors), socket.MSG_DONTWAIT)

    def close(self) -> None:
        """End it."""
        self._socket.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        scratch.remove(self._scratch)
