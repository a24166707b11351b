"""How the command ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

UNUSABLE = 2
INTERRUPTED = 130


def end(name: str, command: Callable[[], int], mistakes: tuple[type[Exception], ...]) -> int:
    """Do what a command is for and return its exit status: 2 after one line if a mistake is the user's or a file can't
    be read or written, 130 after Ctrl-C. Whoever reads its output may close the pipe early, as ``head`` does.
    """
    try:
        try:
            return command()
        finally:  # also where argparse has printed its help, and exits
            sys.stdout.flush()
    except mistakes as error:
        print(f"{name}: {error}", file=sys.stderr)
    except BrokenPipeError:
        _forget_output()
        return 0
    except OSError as error:
        if error.filename is None:  # it is the output that can't be written
            _forget_output()
        print(f"{name}: {error.filename or 'the output'}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return INTERRUPTED
    return UNUSABLE


def _forget_output() -> None:
    """Let Python not try again, when it ends, to write what can't be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
