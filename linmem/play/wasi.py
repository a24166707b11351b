"""What a driver is told of a scenario's WASI, and the files that its guests find."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linmem import scratch
from linmem.scenario import model
from linmem.scenario.wasi import FOLDER


class Provision:
    """What a scenario's guests find, as a driver is told. The folder with the files is made when it is first needed."""

    def __init__(self, wasi: model.Wasi) -> None:
        self.wasi = wasi
        self._folder: Path | None = None

    def params(self) -> Mapping[str, Any]:
        """The parameter ``wasi`` of ``instance.create``. Raises `OSError` where the folder can't be made."""
        preopens = {} if self.wasi.files is None else {FOLDER: self._made(self.wasi.files)}
        return {"args": self.wasi.args, "env": self.wasi.env, "preopens": preopens}

    def _made(self, files: Mapping[str, bytes]) -> str:
        if self._folder is None:
            self._folder = scratch.make("wasi")
            for name, content in files.items():
                (self._folder / name).write_bytes(content)
        return str(self._folder)

    def close(self) -> None:
        """Remove the folder and what guests left in it."""
        if self._folder is not None:
            scratch.remove(self._folder)
            self._folder = None
