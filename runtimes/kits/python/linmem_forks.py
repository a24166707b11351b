"""Fork drivers from a process that has imported its runtime and served nothing.

Importing a runtime takes a tenth of a second, a fork a few milliseconds. The harness starts such a process where the
manifest says ``forks: true``, with the descriptor of a socket in the variable `FORKS`. For each message on the socket
it forks a keeper (``launch.py``), which forks the driver: so each driver has a session, pipes, a temporary folder and a
keeper of its own, as if it had been started by itself. Nothing is shared that a driver has touched.

A library that starts threads when it is imported can't be forked: then this process ends, and the harness starts
drivers one by one.
"""

from __future__ import annotations

import array
import contextlib
import gc
import json
import os
import signal
import socket
import sys

from linmem_driver import Channel

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import launch  # type: ignore[import-not-found,unused-ignore]  # noqa: E402

FORKS = "LINMEM_FORKS"
_DESCRIPTORS = 4  # standard input, output and error, and the socket of the keeper
_LONGEST = 65536


def forked(channel: Channel) -> Channel:
    """The channel to serve: where no forks are wanted, the one given; else that of a fork, in which this returns."""
    number = os.environ.pop(FORKS, None)
    if number is None:
        return channel
    if _threads() > 1:
        os._exit(1)
    requests = socket.socket(fileno=int(number))
    signal.signal(signal.SIGCHLD, _reap)
    gc.collect()
    gc.freeze()
    while True:
        message, descriptors = _receive(requests)
        if len(descriptors) != _DESCRIPTORS:
            os._exit(0)
        if os.fork() == 0:
            requests.close()
            channel.close()
            return _begin(json.loads(message.decode()), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _reap(*_: object) -> None:
    """Let the keepers go that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1  # no Linux


def _receive(requests: socket.socket) -> tuple[bytes, list[int]]:
    """A message with its descriptors; none at the end."""
    found = array.array("i")
    message, ancillary, _, _ = requests.recvmsg(_LONGEST, socket.CMSG_LEN(_DESCRIPTORS * found.itemsize))
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return message, list(found)


def _begin(variables: dict[str, str], descriptors: list[int]) -> Channel:
    """Become a keeper, and return in the driver that it keeps."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for stream, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    launch.Keeper(descriptors[3]).watch("the driver", launch.bind)
    os.environ.update(variables)
    if "tempfile" in sys.modules:
        sys.modules["tempfile"].tempdir = None
    if "random" in sys.modules:
        sys.modules["random"].seed()
    return Channel()
