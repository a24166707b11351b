"""The machine's own Rust."""

from __future__ import annotations

import functools
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from linmem.errors import Unavailable
from linmem.guests.toolchains.base import PAGE, STACK, BuildError, Toolchain, bare_environment, one_file, run

TARGET = "wasm32-unknown-unknown"
LINKERS = ("rust-lld", "wasm-ld", "wasm-ld-14")
PREFERRED = "1.63.0"  # of Debian 12, which built the committed modules


@dataclass(frozen=True)
class Compiler:
    """A ``rustc`` that has the target's standard library. ``linker`` is None where it brings its own."""

    program: str
    version: str
    linker: str | None

    def __str__(self) -> str:
        return self.version


class Rust(Toolchain):
    """The machine's own ``rustc`` with the standard library for WebAssembly: Debian's, or one of rustup's toolchains.

    Of several, the one that built the committed modules is preferred. Another version gives other bytes, so only
    that version's are compared.
    """

    provided = False

    def command(self, maximum: int | None = None) -> str:
        return f"rustc {' '.join(self._flags(maximum))}"

    def version(self) -> str:
        """``rustc``, its version, and those of LLVM and the linker that take part. Raises `Unavailable`."""
        return str(find_rust())

    def build(self, source: Path, module: Path, maximum: int | None = None) -> None:
        compiler = find_rust()
        linker = ["-C", f"linker={compiler.linker}"] if compiler.linker else []
        call = [compiler.program, *self._flags(maximum), *linker, "--error-format=short"]
        run([*call, "-o", str(module), one_file(source, "*.rs").name], source, _environment(), shown="rustc")

    def _flags(self, maximum: int | None) -> list[str]:
        flags = ["--edition=2021", "--crate-type=cdylib", f"--target={TARGET}"]
        options = ["opt-level=s", "lto=fat", "codegen-units=1", "panic=abort", "strip=symbols"]
        options += [f"link-arg=-zstack-size={STACK}"]
        options += [f"link-arg=--max-memory={maximum * PAGE}"] if maximum is not None else []
        return [*flags, *(part for option in options for part in ("-C", option))]


@functools.cache
def find_rust() -> Compiler:
    """The compiler to use. Raises `Unavailable`."""
    seen, found = [], []
    for program in _programs():
        try:
            compiler = _look_at(program)
        except BuildError:
            continue
        seen.append(program)
        if compiler is not None:
            found.append(compiler)
    if not found:
        told = f"no rustc with the target {TARGET} and a linker for it (looked at {', '.join(seen)})"
        reason = told if seen else "rustc not found"
        raise Unavailable(reason, f"apt-get install rustc libstd-rust-dev-wasm32 lld, or rustup target add {TARGET}")
    return next((compiler for compiler in found if compiler.version.startswith(f"rustc {PREFERRED} ")), found[0])


def _programs() -> Iterator[str]:
    """Every ``rustc``: all on PATH, not only the first, then those of rustup's toolchains."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        program = Path(folder or ".") / "rustc"
        if os.access(program, os.X_OK):
            yield str(program.absolute())
    root = Path(os.environ.get("RUSTUP_HOME") or Path.home() / ".rustup")
    yield from (str(program) for program in sorted(root.glob("toolchains/*/bin/rustc")))


def _look_at(program: str) -> Compiler | None:
    """The ``rustc`` with its version and linker, if it can compile to WebAssembly and there is a linker for that."""
    env = _environment()
    library = run([program, "--print", "target-libdir", "--target", TARGET], Path("/"), env).strip()
    if not any(Path(library).glob("libstd-*.rlib")):
        return None
    words = run([program, "-vV"], Path("/"), env)
    said = dict(re.findall(r"^([\w ()-]+): (.*)$", words, re.MULTILINE))
    name = f"{words.splitlines()[0]} (LLVM {said.get('LLVM version', '?')}"
    sysroot = run([program, "--print", "sysroot"], Path("/"), env).strip()
    own = Path(sysroot) / "lib" / "rustlib" / said.get("host", "") / "bin" / "rust-lld"
    if own.exists():
        return Compiler(program, f"{name})", None)
    linker = next((path for path in map(shutil.which, LINKERS) if path is not None), None)
    if linker is None:
        return None
    flavor = ["-flavor", "wasm"] if Path(linker).name == "rust-lld" else []
    return Compiler(program, f"{name}, {run([linker, *flavor, '--version'], Path('/'), env).strip()})", linker)


def _environment() -> dict[str, str]:
    """A compiler's environment: rustup's proxies for ``rustc`` find its toolchains by these variables."""
    kept = {name: os.environ[name] for name in ("HOME", "RUSTUP_HOME", "CARGO_HOME") if name in os.environ}
    return bare_environment(**kept)
