"""The user's TinyGo, which is in no package registry."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from linmem.errors import Unavailable
from linmem.guests.toolchains.base import BuildError, no_maximum, run


class TinyGo:
    """The user's TinyGo, found on PATH. Its modules stay in the cache."""

    committed = False
    provided = False

    def command(self, maximum: int | None = None) -> str:
        """How it is called, for people to read."""
        return "tinygo build -target wasm"

    def version(self) -> str:
        """TinyGo's own words, such as ``tinygo 0.33.0 linux/amd64 (using go version …)``."""
        return self._ask("version").replace("tinygo version ", "tinygo ")

    def glue(self) -> Path:
        """The ``wasm_exec.js`` of this TinyGo. Raises `Unavailable`."""
        path = Path(self._ask("env", "TINYGOROOT")) / "targets" / "wasm_exec.js"
        if not path.is_file():
            raise Unavailable(f"tinygo has no {path}", "install TinyGo anew")
        return path

    def build(self, source: Path, module: Path, maximum: int | None = None) -> None:
        """Build the TinyGo package in `source`."""
        no_maximum("tinygo", maximum)
        foreign = ("GOFLAGS", "GOOS", "GOARCH", "GOWASM")
        env = {name: value for name, value in os.environ.items() if name not in foreign}
        run([self._program(), "build", "-target", "wasm", "-o", str(module), "."], source, env)

    def _program(self) -> str:
        program = shutil.which("tinygo")
        if program is None:
            raise Unavailable("tinygo not found", "install TinyGo so that `tinygo` is on PATH")
        return program

    def _ask(self, *question: str) -> str:
        try:
            return run([self._program(), *question], Path.cwd(), os.environ).strip()
        except BuildError as error:
            raise Unavailable(str(error), "check that this TinyGo works") from None
