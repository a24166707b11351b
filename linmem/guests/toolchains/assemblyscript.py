"""AssemblyScript, of npm."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import msgspec
import yaml

from linmem.guests.toolchains.base import Toolchain, bare_environment, one_file, run
from linmem.provision import environments
from linmem.provision.manifest import load_manifest
from linmem.provision.npm import NpmRecipe
from linmem.provision.uvtool import tell

LATER = ("bulk-memory", "sign-extension", "nontrapping-f2i")  # proposals that WebAssembly 1.0 did not have
PINS = Path(__file__).with_name("assemblyscript.yaml")


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An npm package's exact version and its checksum, as npm's lock files write it."""

    version: str
    integrity: str


class AssemblyScript(Toolchain):
    """The compiler of npm's assemblyscript, pinned in ``assemblyscript.yaml``, run by the Node.js that linmem provides.

    Its own loader, bindings and ``abort`` are left out: a module is freestanding, and what goes wrong in it traps.
    """

    def command(self, maximum: int | None = None) -> str:
        return f"asc {' '.join(self._flags(maximum))}"

    def version(self) -> str:
        return f"assemblyscript {pinned()['assemblyscript'].version}"

    def build(self, source: Path, module: Path, maximum: int | None = None) -> None:
        node = environments.provide(load_manifest("node"), progress=tell).command[0]
        packages = {
            name: NpmRecipe(name, pin.version, pin.integrity).make(progress=tell) for name, pin in pinned().items()
        }
        with tempfile.TemporaryDirectory(prefix="linmem-asc-") as place:
            modules = Path(place) / "node_modules"
            modules.mkdir()
            for name, folder in packages.items():
                (modules / name).symlink_to(folder)
            # With its links left as they are, Node.js finds the packages beside each other.
            links = ["--preserve-symlinks", "--preserve-symlinks-main"]
            script = ["--no-warnings", *links, str(modules / "assemblyscript/bin/asc.js")]
            call = [one_file(source, "*.ts").name, *self._flags(maximum), "--outFile", str(module)]
            run([node, *script, *call], source, bare_environment(), shown="asc")

    def _flags(self, maximum: int | None) -> list[str]:
        flags = ["--runtime", "minimal", "--optimizeLevel", "3", "--shrinkLevel", "2", "--noAssert", "--use", "abort="]
        flags += [part for feature in LATER for part in ("--disable", feature)]
        return [*flags, *(["--maximumMemory", str(maximum)] if maximum is not None else [])]


@functools.cache
def pinned() -> dict[str, Pin]:
    """The packages by name."""
    return msgspec.convert(yaml.safe_load(PINS.read_text(encoding="utf-8")), dict[str, Pin])
