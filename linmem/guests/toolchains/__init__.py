"""The compilers that build guests: where each comes from, its version, and how it is called.

Most give the same bytes on every machine, so their modules are committed and rebuilding checks them. Of those, Rust
is the machine's own: only the version that built the committed modules can check them. TinyGo is in no package
registry; the user's own is used, and its modules stay in the cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from linmem.guests.toolchains.assemblyscript import AssemblyScript
from linmem.guests.toolchains.base import BuildError, Toolchain, one_file
from linmem.guests.toolchains.go import Go, TinyGo
from linmem.guests.toolchains.rust import Rust
from linmem.guests.toolchains.zig import ZIG, C
from linmem.wasm.wat import WatError, assemble, assembler_version

__all__ = ["TOOLCHAINS", "BuildError", "Go", "TinyGo", "Toolchain"]


class Wat(Toolchain):
    """The text format, assembled by PyPI wasmtime, which is pinned as the harness's own requirement.

    The text itself has the memory's maximum.
    """

    def command(self, maximum: int | None = None) -> str:
        return "wasmtime.wat2wasm"

    def version(self) -> str:
        return f"wasmtime {assembler_version()}"

    def build(self, source: Path, module: Path, maximum: int | None = None) -> None:
        text = one_file(source, "*.wat")
        try:
            module.write_bytes(assemble(text.read_text(encoding="utf-8"), fresh=True))
        except WatError as error:
            raise BuildError(f"{text}:{error.line}:{error.column}: {error.message}") from None


TOOLCHAINS: Mapping[str, Toolchain] = {
    "go": Go(),
    "tinygo": TinyGo(),
    "c": C,
    "zig": ZIG,
    "rust": Rust(),
    "assemblyscript": AssemblyScript(),
    "wat": Wat(),
}
