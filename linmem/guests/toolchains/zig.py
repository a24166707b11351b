"""Zig and the C compiler in it, of PyPI's ziglang."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from linmem import cache
from linmem.guests.toolchains.base import PAGE, STACK, Toolchain, bare_environment, one_file, pinned_version, run
from linmem.provision.recipe import Recipe
from linmem.provision.uvtool import tell

LOCK = Path(__file__).with_name("zig.txt")
TARGET = ("-target", "wasm32-freestanding", "-mcpu=mvp")
ZIG_FLAGS = f"-O ReleaseSmall -fstrip -fno-entry -rdynamic --stack {STACK}".split()
C_FLAGS = ["-std=c17", "-Os", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-nostdlib"]
C_LINKING = ["-Wl,--no-entry", "-Wl,--strip-all", f"-Wl,-z,stack-size={STACK}"]


@dataclass(frozen=True)
class Zig(Toolchain):
    """A compiler of PyPI's ziglang, pinned by hash in ``zig.txt``, provisioned on first use.

    It compiles the only file that matches ``pattern``, with what that imports. ``maximum_option`` is
    put before the maximum in bytes, ``output_option`` before the module's path.
    """

    name: str
    pattern: str
    flags: tuple[str, ...]
    maximum_option: str
    output_option: str

    def command(self, maximum: int | None = None) -> str:
        return f"zig {' '.join(self._call(maximum))}"

    def version(self) -> str:
        return f"{self.name} {pinned_version(LOCK, 'ziglang')}"

    def build(self, source: Path, module: Path, maximum: int | None = None) -> None:
        file = one_file(source, self.pattern).name
        version = pinned_version(LOCK, "ziglang")
        wanted = Recipe("zig", version, (f"ziglang=={version}",), ">=3.8", lock=LOCK, bytecode=False)
        zig = wanted.make(progress=tell).site / "ziglang" / "zig"
        home = cache.subfolder("zig-build")
        env = bare_environment(HOME=str(home), ZIG_GLOBAL_CACHE_DIR=str(home), ZIG_LOCAL_CACHE_DIR=str(home))
        run([str(zig), *self._call(maximum), file, f"{self.output_option}{module}"], source, env)

    def _call(self, maximum: int | None) -> list[str]:
        return [*self.flags, *([f"{self.maximum_option}{maximum * PAGE}"] if maximum is not None else [])]


ZIG = Zig("zig", "*.zig", ("build-exe", *TARGET, *ZIG_FLAGS), "--max-memory=", "-femit-bin=")
C = Zig("zig cc", "*.c", ("cc", *TARGET, *C_FLAGS, *C_LINKING), "-Wl,--max-memory=", "-o")
