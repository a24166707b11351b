from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from linmem import paths
from linmem.errors import Unavailable
from linmem.provision import building, cargo, gotool, maven
from linmem.provision.building import Job, SourceRecipe, ToolFailed, run_tool
from linmem.provision.manifest import Sources, load_manifest


@dataclass
class Copier:
    """A tool whose driver is a list of the files that it was built from."""

    toolchain: str = "copier 1"
    jobs: list[Job] = field(default_factory=list)
    failure: str = ""

    def build(self, job: Job) -> None:
        self.jobs.append(job)
        if self.failure:
            raise ToolFailed(self.failure)
        root = job.out / building.SOURCE
        found = sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())
        (job.out / "driver").write_text(json.dumps(found))

    def places(self, folder: Path) -> dict[str, Path | str]:
        return {"program": folder / "driver"}

    def releases(self, package: str) -> list[str]:
        return []


@pytest.fixture
def driver(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A driver's folder, and a kit for it."""
    folder = tmp_path / "home" / "toy"
    files = {"main.go": "package main", "inner/part.go": "package inner", "runtime.yaml": "name: toy", "README.md": "#"}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    kit = tmp_path / "runtimes" / "kits" / "go"
    kit.mkdir(parents=True)
    (kit / "kit.go").write_text("package kit")
    (kit / "target").mkdir()
    (kit / "target" / "CACHEDIR.TAG").touch()
    monkeypatch.setattr(paths, "RUNTIMES", tmp_path / "runtimes")
    return folder


def recipe(folder: Path, tool: Copier, version: str = "1.0", **more: object) -> SourceRecipe:
    sources = Sources("go", ("example.org/toy",), kit="go", **more)  # type: ignore[arg-type]
    return SourceRecipe("toy", version, folder, sources, tool, locked=True, again="again")


def test_what_is_built_is_a_copy_of_the_driver_and_its_kit(driver: Path) -> None:
    tool = Copier()
    made = recipe(driver, tool).make()
    assert json.loads((made / "driver").read_text()) == ["kits/go/kit.go", "toy/inner/part.go", "toy/main.go"]
    assert recipe(driver, tool).make() == made
    assert len(tool.jobs) == 1
    assert (tool.jobs[0].locked, tool.jobs[0].source.name) == (True, "toy")


def test_folders_of_packages_under_development_keep_their_distance(driver: Path) -> None:
    library = driver.parents[1] / "library"
    library.mkdir()
    (library / "lib.go").write_text("package lib")
    made = recipe(driver, Copier(), local=(library,)).make()
    assert json.loads((made / "driver").read_text()) == [
        "home/kits/go/kit.go", "home/toy/inner/part.go", "home/toy/main.go", "library/lib.go",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "anew"),
    [("home/toy/main.go", True), ("runtimes/kits/go/kit.go", True), ("home/toy/new.go", True),
     ("home/toy/runtime.yaml", False), ("runtimes/kits/go/target/driver", False)],
)  # fmt: skip
def test_a_change_of_what_is_built_from_is_another_build(
    changed: str, anew: bool, driver: Path, tmp_path: Path
) -> None:
    before = recipe(driver, Copier()).folder
    (tmp_path / changed).write_text("changed")
    assert (recipe(driver, Copier()).folder != before) == anew


def test_another_version_or_compiler_is_another_build(driver: Path) -> None:
    folders = {
        recipe(driver, Copier()).folder,
        recipe(driver, Copier(), "1.1").folder,
        recipe(driver, Copier("copier 2")).folder,
    }
    assert len(folders) == 3


def test_a_build_that_fails_leaves_no_driver_and_says_where_its_output_is(driver: Path) -> None:
    tool = Copier(failure="main.go:1: no main")
    wanted = recipe(driver, tool)
    with pytest.raises(Unavailable) as failed:
        wanted.make()
    assert failed.value.reason == (
        f"the driver can't be built: main.go:1: no main (all of the output: {wanted.folder}.log)"
    )
    assert failed.value.remedy == "check the network and the version, then: again"
    assert wanted.find() is None
    tool.failure = ""
    assert wanted.make() == wanted.folder


def test_a_driver_that_is_refused_is_not_kept(driver: Path) -> None:
    def refuse(made: Path) -> None:
        raise Unavailable("it does not start")

    wanted = recipe(driver, Copier())
    with pytest.raises(Unavailable, match="it does not start"):
        wanted.make(refuse)
    assert wanted.find() is None


def test_a_variant_is_accepted_once(driver: Path) -> None:
    wanted = recipe(driver, Copier())
    wanted.make()
    assert not wanted.accepted("fast")
    wanted.accept("fast")
    assert wanted.accepted("fast")
    assert not wanted.accepted("slow")
    wanted.make(fresh=True)
    assert not wanted.accepted("fast")


def test_a_tool_s_error_is_the_line_that_says_what_is_wrong(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = ["/bin/sh", "-c", "echo one; echo 'error: two' >&2; echo three; exit 3"]
    with pytest.raises(ToolFailed, match=r"^sh -c: error: two$"):
        run_tool(command, tmp_path, os.environ, lambda line: line.startswith("error"), log=log)
    assert log.read_text() == "one\nerror: two\nthree\n"
    with pytest.raises(ToolFailed, match=r"^sh -c: three$"):
        run_tool(command, tmp_path, os.environ, lambda line: False)
    with pytest.raises(ToolFailed, match=r"^false: it ended with status 1$"):
        run_tool(["false"], tmp_path, os.environ, lambda line: False)


LOCK = """version = 4

[[package]]
name = "driver"
version = "0.1.0"

[[package]]
name = "toy"
version = "1.0.0"
checksum = "0123"
"""


def test_a_lock_file_gets_the_source_that_cargo_uses() -> None:
    source = 'source = "registry+https://example.org/index"'
    made = LOCK.replace('checksum = "0123"', f'{source}\nchecksum = "4567"')
    assert cargo.with_sources(LOCK, made) == made.replace("4567", "0123")
    assert cargo.with_sources(made, LOCK) == made
    with pytest.raises(ToolFailed, match="names no registry"):
        cargo.with_sources(LOCK, LOCK)


@pytest.fixture
def programs(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of programs, the only ones but for the shell's."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "cargo-home"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(maven, "JVMS", tmp_path / "jvms")
    for cached in (cargo._toolchains, maven._jdks):
        cached.cache_clear()
    yield folder
    for cached in (cargo._toolchains, maven._jdks):
        cached.cache_clear()


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def sources(name: str) -> Sources:
    manifest = {"cargo": {"packages": ("toy",), "toolchain": ">=1.80"}, "maven": {"toolchain": ">=17"}}
    from packaging.specifiers import SpecifierSet

    return Sources(name, ("group:toy",), toolchain=SpecifierSet(str(manifest[name]["toolchain"])))


def test_no_rust_and_one_that_is_too_old(programs: Path) -> None:
    with pytest.raises(Unavailable) as none:
        cargo.find(sources("cargo"))
    assert none.value.reason == "Rust >=1.80 is needed to build its driver, and cargo is not on PATH"
    program(programs, "cargo", "")
    program(programs, "rustc", "echo 'rustc 1.63.0 (4b91a6ea7 2022-08-08)'")
    cargo._toolchains.cache_clear()
    with pytest.raises(Unavailable) as old:
        cargo.find(sources("cargo"))
    assert old.value.reason == "Rust >=1.80 is needed to build its driver, and the one on PATH is 1.63.0"
    assert old.value.remedy == "install Rust >=1.80, for instance with rustup"


def test_the_first_rust_that_fits_is_taken(programs: Path, tmp_path: Path) -> None:
    program(programs, "cargo", "")
    program(programs, "rustc", "echo 'rustc 1.63.0'")
    home = tmp_path / "cargo-home" / "bin"
    program(home, "cargo", "")
    program(home, "rustc", "echo 'rustc 1.95.0'")
    found = cargo.find(sources("cargo"))
    assert (found.toolchain, found.bin) == ("rustc 1.95.0", home)


def test_versions_of_a_crate_are_those_of_cargo_s_own_list(programs: Path, tmp_path: Path) -> None:
    listed = tmp_path / "cargo-home" / "registry" / "index" / "here" / ".cache" / "to" / "y" / "toy"
    entries = [{"vers": "1.0.0"}, {"vers": "1.1.0", "yanked": True}, {"vers": "1.2.0", "yanked": False}]
    listed.parent.mkdir(parents=True)
    listed.write_bytes(b"\x03\0".join([b"\x01\0etag", *(b"\0" + json.dumps(one).encode() + b"\0" for one in entries)]))
    program(programs, "cargo", f"[ \"$*\" = 'info toy' ] || exit 1; echo asked >> {tmp_path}/asked")
    assert cargo.Cargo(programs, "1.95.0").releases("toy") == ["1.0.0", "1.2.0"]
    assert (tmp_path / "asked").read_text() == "asked\n"
    with pytest.raises(ToolFailed):
        cargo.Cargo(programs, "1.95.0").releases("other")


def test_a_jdk_and_maven_are_needed(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as none:
        maven.find(sources("maven"))
    assert none.value.reason == "a JDK >=17 is needed to build its driver, and there is none on PATH"
    program(tmp_path / "jvms" / "jdk-11" / "bin", "javac", "echo javac 11.0.2")
    maven._jdks.cache_clear()
    with pytest.raises(Unavailable) as old:
        maven.find(sources("maven"))
    assert old.value.reason == "a JDK >=17 is needed to build its driver, and the one here is 11.0.2"
    program(tmp_path / "jvms" / "jdk-21" / "bin", "javac", "echo 'NOTE: options'; echo javac 21")
    maven._jdks.cache_clear()
    with pytest.raises(Unavailable) as lacking:
        maven.find(sources("maven"))
    assert lacking.value.reason == "Maven is needed to fetch its artifacts, and mvn is not on PATH"
    program(programs, "mvn", "")
    found = maven.find(sources("maven"))
    assert (found.toolchain, found.home) == ("javac 21", tmp_path / "jvms" / "jdk-21")
    places = found.places(tmp_path)
    assert places["java"] == tmp_path / "jvms" / "jdk-21" / "bin" / "java"
    assert places["classpath"] == f"{tmp_path}/classes:{tmp_path}/lib/*"


def test_a_c_compiler_is_needed_only_for_cgo(programs: Path) -> None:
    assert gotool.find(Sources("go", ("toy",))).toolchain == f"go {gotool.go_version()}"
    with pytest.raises(Unavailable, match="a C compiler is needed"):
        gotool.find(Sources("go", ("toy",), cgo=True))
    program(programs, "gcc", "echo 'gcc 12.2.0'; echo more")
    found = gotool.find(Sources("go", ("toy",), cgo=True))
    assert found.toolchain == f"go {gotool.go_version()} and gcc 12.2.0"


def test_artifacts_are_those_that_were_pinned(tmp_path: Path) -> None:
    libraries, pins = tmp_path / "lib", tmp_path / "pins"
    libraries.mkdir()
    (libraries / "a.jar").write_bytes(b"a")
    sum_of_a = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    pins.write_text(f"{sum_of_a}  a.jar\n")
    maven.check(libraries, pins)
    (libraries / "b.jar").write_bytes(b"b")
    with pytest.raises(
        Unavailable, match=r"the artifact b\.jar is not the one that was pinned: .* and none was pinned"
    ):
        maven.check(libraries, pins)
    (libraries / "b.jar").unlink()
    (libraries / "a.jar").write_bytes(b"c")
    with pytest.raises(Unavailable, match=r"the artifact a\.jar is not the one that was pinned"):
        maven.check(libraries, pins)
    (libraries / "a.jar").unlink()
    with pytest.raises(Unavailable, match="its SHA-256 is missing"):
        maven.check(libraries, pins)


GO_SUM = "example.org/a v1.0.0 h1:one=\nexample.org/a v1.0.0/go.mod h1:two=\n"
CARGO_LOCK = """\
[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://example.org/index"
checksum = "one"

[[package]]
name = "driver"
version = "0.1.0"
dependencies = ["a"]

[[package]]
name = "b"
version = "2.0.0"
checksum = "two"
"""


def test_the_hashes_of_what_was_fetched(tmp_path: Path) -> None:
    (tmp_path / "go.sum").write_text(GO_SUM)
    assert gotool.sums(tmp_path / "go.sum") == {
        "example.org/a v1.0.0": "h1:one=", "example.org/a v1.0.0/go.mod": "h1:two=",
    }  # fmt: skip
    assert cargo.checksums(CARGO_LOCK) == {"a 1.0.0": "one", "b 2.0.0": "two"}


def test_another_artifact_than_was_fetched_before_is_refused(cache: Path) -> None:
    building.hold("go", {"a v1": "one", "b v1": "two"})
    building.hold("go", {"a v2": "three"})
    building.hold("go", {"b v1": "two"})
    building.hold("cargo", {"a v1": "another tool's"})
    with pytest.raises(Unavailable) as caught:
        building.hold("go", {"a v1": "four"})
    noted = cache / "installed" / "go.txt"
    assert caught.value.reason == "a v1 is not what was fetched before: its checksum is four, not one"
    assert str(noted) in caught.value.remedy
    assert noted.read_text() == "one  a v1\nthree  a v2\ntwo  b v1\n"


def fake_cargo(folder: Path, checksum: str) -> Path:
    """A cargo that locks one crate, and builds nothing."""
    lock = CARGO_LOCK.replace('"one"', f'"{checksum}"')
    script = (
        f"#!/bin/sh\ncase $1 in\nfetch) cat > Cargo.lock <<'END'\n{lock}END\n;;\n"
        'build) mkdir -p "$CARGO_TARGET_DIR/release"; echo built > "$CARGO_TARGET_DIR/release/driver"; '
        'echo "$@" >> Cargo.lock ;;\nesac\n'
    )
    program = folder / "cargo"
    program.write_text(script)
    program.chmod(0o755)
    return folder


def test_crates_of_another_version_are_held_before_they_are_built(cache: Path, tmp_path: Path) -> None:
    """A crate's build script is run when it is built."""
    for checksum, number in (("one", 1), ("one", 2), ("other", 3)):
        source, out = tmp_path / f"source{number}", tmp_path / f"out{number}"
        source.mkdir()
        out.mkdir()
        tool = cargo.Cargo(fake_cargo(tmp_path, checksum), "1.90.0")
        job = Job("toy", "1.0", ("a",), False, source, out, False, tmp_path / "log", lambda line: None)
        if checksum == "one":
            tool.build(job)
            assert (source / "Cargo.lock").read_text().endswith("build --release --locked\n")
        else:
            with pytest.raises(Unavailable, match=r"a 1\.0\.0 is not what was fetched before"):
                tool.build(job)
            assert "build" not in (source / "Cargo.lock").read_text()
            assert not (out / "driver").exists()


def test_committed_lock_files_name_no_registry() -> None:
    """Where crates come from is the user's to decide; an address in a lock file would decide it."""
    for lock in paths.RUNTIMES.glob("**/Cargo.lock"):
        assert "source = " not in lock.read_text(encoding="utf-8"), lock


def test_wazero_is_built_with_the_kit_from_what_it_names(cache: Path, tmp_path: Path) -> None:
    manifest = load_manifest("wazero")
    assert isinstance(manifest.environment, Sources)
    wanted = SourceRecipe("wazero", "1.0", manifest.folder, manifest.environment, Copier(), locked=True)
    built = json.loads((wanted.make() / "driver").read_text())
    assert {"wazero/go.sum", "wazero/main.go", "kits/go/session.go"} <= set(built)
    assert not [name for name in built if name.endswith(".yaml")]


def test_the_pinned_go_is_not_needed_to_name_a_build(programs: Path) -> None:
    assert shutil.which("go") is None
    assert gotool.find(Sources("go", ("toy",))).places(Path("/made")) == {"program": Path("/made/driver")}
