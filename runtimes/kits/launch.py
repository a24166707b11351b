"""Start a driver so that it can't outlive the harness: ``python launch.py COMMAND [ARG ...]``.

On Linux the kernel is asked to kill the driver when its parent dies (``PR_SET_PDEATHSIG``, kept across ``exec``), which
also ends a driver that hangs in a guest's endless loop and would never see its standard input end. Elsewhere the
command simply runs.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Replace this process by the command in ``sys.argv``; status 127 if it can't be started."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died in between
            sys.exit(1)
    try:
        os.execvp(sys.argv[1], sys.argv[1:])
    except OSError as error:
        sys.stderr.write(f"can't start {sys.argv[1]}: {error.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    main()
