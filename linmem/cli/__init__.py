"""The command ``linmem``."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence

from linmem.text import Printable, say, without_commands

UNUSABLE = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status: 0 all well, 1 something is not, 2 it can't be done as it was asked.

    ``run`` ends as pytest does.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    with (
        contextlib.redirect_stdout(without_commands(sys.stdout)),
        contextlib.redirect_stderr(sys.stderr and Printable(without_commands(sys.stderr))),
    ):
        return end(lambda: _carry_out(given))


def _carry_out(given: list[str]) -> int:
    """Import what a command needs, and no more: `run` is to begin soon."""
    if given[:1] == ["run"]:
        from linmem.cli import run

        return run.main(given[1:])
    from linmem.cli import commands

    return commands.carry_out(given)


def end(command: Callable[[], int]) -> int:
    """Do what a command is for and return its exit status: 2 after one line if a mistake is the user's or a file can't
    be read or written, 130 after Ctrl-C. Whoever reads its output may close the pipe early, as ``head`` does.
    """
    if not _has_output():
        say("linmem: standard output is closed: nothing can be shown", file=sys.stderr)
        return UNUSABLE
    try:
        try:
            return command()
        finally:  # also where argparse has printed its help, and exits
            sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        return 0
    except OSError as error:
        if error.filename is None:  # it is the output that can't be written
            _forget_output()
        say(f"linmem: {error.filename or 'the output'}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        say("linmem: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        from linmem.cli.commands import MISTAKES

        if not isinstance(error, MISTAKES):
            raise
        say(f"linmem: {error}", file=sys.stderr)
    return UNUSABLE


def _has_output() -> bool:
    """Whether there is a standard output. What of the three standard files is closed leads nowhere from now on: the
    next file to be opened would take its place, and get what is written there.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    return sys.stdout is not None


def _forget_output() -> None:
    """Keep Python from trying again, when it ends, to write what can't be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
