"""Drivers in Java: Maven fetches the artifacts that a ``pom.xml`` names, ``javac`` compiles the driver with its kit.

Maven fetches into a folder of linmem's cache, so what lies in the user's own local repository is never tested by
mistake. Of a driver's default version, every artifact's SHA-256 is checked against ``artifacts.sha256``.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from linmem import cache
from linmem.errors import Unavailable
from linmem.provision import local
from linmem.provision.building import Job, hold, programs, run_tool, said, without
from linmem.provision.manifest import Sources

CLASSES, LIBRARIES = "classes", "lib"
PINS = "artifacts.sha256"
REPOSITORY = "maven"  # in the cache folder
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
FOREIGN = ("MAVEN_ARGS", "JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "CLASSPATH")
JVMS = Path("/usr/lib/jvm")


@dataclass(frozen=True)
class Maven:
    """A JDK, given by its folder, and the program ``mvn``."""

    home: Path
    version: str
    program: str

    @property
    def toolchain(self) -> str:
        return f"javac {self.version}"

    def build(self, job: Job) -> None:
        libraries = job.out / LIBRARIES
        given = [] if job.locked else [f"-Druntime.version={job.version}"]
        copy = [f"{PLUGIN}:copy-dependencies", f"-DoutputDirectory={libraries}", "-DincludeScope=runtime"]
        self._run(job, *(["--offline"] if job.offline else []), *copy, *given)
        pins = job.source / PINS
        if job.locked and pins.is_file():
            check(libraries, pins)
        else:
            hold("maven", {file.name: local.content(file) for file in libraries.glob("*")})
        classes = job.out / CLASSES
        classes.mkdir()
        sources = [str(file) for root in _roots(job, "java") for file in sorted(root.rglob("*.java"))]
        javac = [str(self.home / "bin" / "javac"), "-nowarn", "-proc:none", "-encoding", "UTF-8", "-d", str(classes)]
        job.run([*javac, "-cp", f"{libraries}/*", *sources], self._env(), lambda line: ": error: " in line)
        for root in _roots(job, "resources"):
            shutil.copytree(root, classes, dirs_exist_ok=True)

    def places(self, folder: Path) -> dict[str, Path | str]:
        path = os.pathsep.join([str(folder / CLASSES), str(folder / LIBRARIES / "*")])
        return {"java": self.home / "bin" / "java", "classpath": path}

    def releases(self, package: str) -> list[str]:
        """The versions of an artifact, ``group:artifact``. Raises `ToolFailed`."""
        group, _, artifact = package.partition(":")
        newest = [f"{PLUGIN}:get", "-U", f"-Dartifact={package}:LATEST", "-Dtransitive=false"]
        run_tool(self._command(*newest), cache.subfolder(REPOSITORY), self._env(), _is_error)
        place = cache.subfolder(REPOSITORY).joinpath(*group.split("."), artifact)
        found = {version for file in place.glob("maven-metadata-*.xml") for version in _listed(file)}
        return sorted(found)

    def _run(self, job: Job, *args: str) -> None:
        job.run(self._command(*args), self._env(), _is_error)

    def _command(self, *args: str) -> list[str]:
        repository = cache.subfolder(REPOSITORY)
        return [
            self.program,
            "--batch-mode",
            "-Dstyle.color=never",
            "--strict-checksums",
            f"-Dmaven.repo.local={repository}",
            *args,
        ]

    def _env(self) -> dict[str, str]:
        return without(FOREIGN, JAVA_HOME=str(self.home), NO_COLOR="1")


def find(sources: Sources) -> Maven:
    """A JDK that satisfies the manifest, and Maven. Raises `Unavailable`."""
    wanted = sources.toolchain
    need = f"a JDK {wanted}" if len(wanted) else "a JDK"
    seen = _jdks()
    fitting = [(home, version) for home, version in seen if wanted.contains(version, prereleases=True)]
    if not fitting:
        there = f"the one here is {', '.join(version for _, version in seen)}" if seen else "there is none on PATH"
        remedy = "install one (on Debian and Ubuntu, default-jdk-headless), or set JAVA_HOME"
        raise Unavailable(f"{need} is needed to build its driver, and {there}", remedy)
    program = next(programs("mvn"), None)
    if program is None:
        remedy = "install it (on Debian and Ubuntu, the package maven)"
        raise Unavailable("Maven is needed to fetch its artifacts, and mvn is not on PATH", remedy)
    return Maven(*fitting[0], str(program))


@functools.cache
def _jdks() -> list[tuple[Path, str]]:
    """The folders of JDKs and their versions: JAVA_HOME's, those on PATH, those where Linux systems have them."""
    homes = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    homes += [program.resolve().parents[1] for program in programs("javac")]
    homes += sorted(path.parents[1].resolve() for path in JVMS.glob("*/bin/javac"))
    found = []
    for home in dict.fromkeys(homes):
        match = re.search(r"^javac (\d+(\.\d+)*)", said([str(home / "bin" / "javac"), "-version"]), re.MULTILINE)
        if match:
            found.append((home, match[1]))
    return found


def check(libraries: Path, pins: Path) -> None:
    """Raise `Unavailable` where the artifacts are not those that the file of checksums lists."""
    lines = (line.split(maxsplit=1) for line in pins.read_text(encoding="utf-8").splitlines() if line.strip())
    wanted = {name.strip().lstrip("*"): checksum for checksum, name in lines}
    found = {file.name: local.content(file) for file in libraries.glob("*")}
    for name in sorted({*wanted, *found}):
        if wanted.get(name) != found.get(name):
            what = f"its SHA-256 is {found.get(name, 'missing')}, and {wanted.get(name, 'none')} was pinned"
            remedy = f"if it is to be trusted, correct {PINS}; else look at the repositories that Maven uses"
            raise Unavailable(f"the artifact {name} is not the one that was pinned: {what}", remedy)


def _roots(job: Job, kind: str) -> Iterator[Path]:
    """The folders of sources or resources, of the kits and of the driver."""
    folders = (*sorted(job.source.parent.glob("kits/*")), job.source)
    return (root for folder in folders if (root := folder / "src" / "main" / kind).is_dir())


def _listed(file: Path) -> list[str]:
    return re.findall(r"<version>([^<]+)</version>", file.read_text(encoding="utf-8", errors="replace"))


def _is_error(line: str) -> bool:
    return line.startswith("[ERROR]") and len(line) > len("[ERROR] ")
