"""Zig and the C compiler in it, of PyPI's ziglang."""

from __future__ import annotations

from pathlib import Path

from linmem import cache
from linmem.guests.toolchains import pins
from linmem.guests.toolchains.base import PAGE, STACK, bare_environment, one_file, run, tell
from linmem.provision.recipe import Recipe

LOCK = Path(__file__).with_name("zig.txt")
TARGET = "wasm32-freestanding"


class Zig:
    """The Zig compiler of PyPI's ziglang, pinned by hash in ``zig.txt``, provisioned on first use."""

    committed = True
    provided = True

    def command(self, maximum: int | None = None) -> str:
        """How it is called, for people to read."""
        return f"zig {' '.join(self._flags(maximum))}"

    def version(self) -> str:
        """``zig`` and the pinned version."""
        return f"zig {zig_version()}"

    def build(self, source: Path, module: Path, maximum: int | None = None) -> None:
        """Compile the only ``.zig`` file in `source`, with what it imports."""
        run_zig([*self._flags(maximum), one_file(source, "*.zig").name, f"-femit-bin={module}"], source)

    def _flags(self, maximum: int | None) -> list[str]:
        flags = [
            "build-exe",
            "-target",
            TARGET,
            "-mcpu=mvp",
            "-O",
            "ReleaseSmall",
            "-fstrip",
            "-fno-entry",
            "-rdynamic",
        ]
        return [*flags, "--stack", str(STACK), *([f"--max-memory={maximum * PAGE}"] if maximum is not None else [])]


class C:
    """Clang as Zig brings it (``zig cc``), without a standard library."""

    committed = True
    provided = True

    def command(self, maximum: int | None = None) -> str:
        """How it is called, for people to read."""
        return f"zig {' '.join(self._flags(maximum))}"

    def version(self) -> str:
        """``zig cc`` and Zig's pinned version."""
        return f"zig cc {zig_version()}"

    def build(self, source: Path, module: Path, maximum: int | None = None) -> None:
        """Compile the only ``.c`` file in `source`."""
        run_zig([*self._flags(maximum), one_file(source, "*.c").name, "-o", str(module)], source)

    def _flags(self, maximum: int | None) -> list[str]:
        flags = [
            "cc",
            "-target",
            TARGET,
            "-mcpu=mvp",
            "-std=c17",
            "-Os",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-ffreestanding",
        ]
        flags += ["-nostdlib", "-Wl,--no-entry", "-Wl,--strip-all", f"-Wl,-z,stack-size={STACK}"]
        return [*flags, *([f"-Wl,--max-memory={maximum * PAGE}"] if maximum is not None else [])]


def zig_version() -> str:
    """The Zig version that ``zig.txt`` pins."""
    return pins.version(LOCK, "ziglang")


def run_zig(args: list[str], folder: Path) -> None:
    """Run ``zig ARGS`` in `folder`. Raises `Unavailable` or `BuildError`."""
    version = zig_version()
    wanted = Recipe("zig", version, (f"ziglang=={version}",), ">=3.8", lock=LOCK, bytecode=False)
    zig = wanted.make(progress=tell).site / "ziglang" / "zig"
    home = cache.subfolder("zig-build")
    env = bare_environment(HOME=str(home), ZIG_GLOBAL_CACHE_DIR=str(home), ZIG_LOCAL_CACHE_DIR=str(home))
    run([str(zig), *args], folder, env)
