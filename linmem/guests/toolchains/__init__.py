"""The compilers that build guests: where each comes from, its version, and how it is called.

Most give the same bytes on every machine, so their modules are committed and rebuilding checks them. Of those, Rust
is the machine's own: only the version that built the committed modules can check them. TinyGo is in no package
registry; the user's own is used, and its modules stay in the cache.
"""

from __future__ import annotations

from collections.abc import Mapping

from linmem.guests.toolchains.assemblyscript import AssemblyScript
from linmem.guests.toolchains.base import BuildError, Toolchain
from linmem.guests.toolchains.go import Go, go_version
from linmem.guests.toolchains.rust import Rust
from linmem.guests.toolchains.text import Wat
from linmem.guests.toolchains.tinygo import TinyGo
from linmem.guests.toolchains.zig import C, Zig

__all__ = ["TOOLCHAINS", "BuildError", "Go", "TinyGo", "Toolchain", "go_version"]

TOOLCHAINS: Mapping[str, Toolchain] = {
    "go": Go(),
    "tinygo": TinyGo(),
    "c": C(),
    "zig": Zig(),
    "rust": Rust(),
    "assemblyscript": AssemblyScript(),
    "wat": Wat(),
}
