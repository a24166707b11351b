"""Run uv, which makes the environments, and say in one line what went wrong.

The user's configuration of uv applies (``UV_INDEX``, ``UV_DEFAULT_INDEX``, ``UV_OFFLINE``, ``uv.toml``, ...), but not
the environment that the user is in. uv does not read pip's settings (``PIP_INDEX_URL``, ``pip.conf``).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from linmem.drivers.launching import bound
from linmem.errors import Unavailable
from linmem.text import say

Progress = Callable[[str], None]


def tell(line: str) -> None:
    """Tell the user what takes time, on standard error."""
    say(f"linmem: {line}", file=sys.stderr, flush=True)


# Variables that make uv use another environment, interpreter or project than the one given.
FOREIGN = (
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_BREAK_SYSTEM_PACKAGES",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_VENV_SEED",
    "UV_WORKING_DIR",
)


class UvFailed(Exception):
    """uv failed. The text is uv's own message, in one line."""


def find_uv() -> str:
    """The path of the uv program: the one installed beside linmem, or one on PATH. Raises `Unavailable`."""
    try:
        import uv  # optional: a machine may bring its own

        return uv.find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise Unavailable("uv, which makes the environments, is not there", "python -m pip install uv")
    return found


def run_uv(args: Sequence[str], *, cwd: Path, offline: bool = False, progress: Progress | None = None) -> str:
    """Run ``uv ARGS`` in `cwd` and return its standard output. Raises `UvFailed`, or `Unavailable` without uv.

    `progress` is called with what uv downloads.
    """
    command = [find_uv(), "--no-progress", "--color=never", *(["--offline"] if offline else []), *args]
    process = subprocess.Popen(
        bound(command),  # a killed run leaves no uv behind that goes on installing
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if progress else subprocess.PIPE,
        cwd=cwd,
        env=_surroundings(),
        encoding="utf-8",
        errors="replace",
    )
    try:
        output, errors = _listen(process, progress) if progress else process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        raise UvFailed(last_error(errors) or f"uv {args[0]} ended with status {process.returncode}")
    return output


def _listen(process: subprocess.Popen[str], progress: Progress) -> tuple[str, str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Downloading "):
            progress(line.strip().replace("Downloading", "downloading"))
    process.wait()
    text = "".join(lines)
    return text, text


def _surroundings() -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return {**ours, "UV_PYTHON_INSTALL_BIN": "0"}  # a downloaded interpreter is for us: nothing appears on PATH


def last_error(output: str) -> str:
    """What uv's error output says, in one line: the headline and its last cause.

    uv writes ``error: HEADLINE``, then causes, each indented and perhaps of several lines, then hints.
    """
    text = output[output.rfind("error:") :] if "error:" in output else output
    text = re.split(r"\n\s*\n\s*hint:|\nhint:", text)[0]
    parts = [" ".join(part.split()) for part in re.split(r"\n\s*(?:cause|Caused by|╰─▶):?", text)]
    headline, causes = re.sub(r"^(error:|\W) ", "", parts[0]), parts[1:]
    if not causes:
        return headline
    if headline.startswith("No solution found"):
        return causes[-1].strip()
    return f"{headline}: {causes[-1].strip()}"
