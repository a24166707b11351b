"""The text format, assembled."""

from __future__ import annotations

from pathlib import Path

from linmem.guests.toolchains.base import BuildError, one_file
from linmem.wasm.wat import WatError, assemble, assembler_version


class Wat:
    """The text format, assembled by PyPI wasmtime, which is pinned as the harness's own requirement.

    A memory's maximum stands in the text.
    """

    committed = True
    provided = True

    def command(self, maximum: int | None = None) -> str:
        """How it is called, for people to read."""
        return "wasmtime.wat2wasm"

    def version(self) -> str:
        """``wasmtime`` and the version of the package."""
        return f"wasmtime {assembler_version()}"

    def build(self, source: Path, module: Path, maximum: int | None = None) -> None:
        """Assemble the only ``.wat`` file in `source`."""
        text = one_file(source, "*.wat")
        try:
            module.write_bytes(assemble(text.read_text(encoding="utf-8"), fresh=True))
        except WatError as error:
            raise BuildError(f"{text}:{error.line}:{error.column}: {error.message}") from None
