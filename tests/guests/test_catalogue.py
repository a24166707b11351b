from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from linmem import paths
from linmem.errors import Unavailable, UserError
from linmem.guests import catalogue, lockfile, toolchains
from linmem.guests.gojs import GojsHost
from linmem.guests.program import programs
from linmem.guests.wasi import WasiHost
from linmem.play.guest import Glue, Guest, MissingGuest
from linmem.provision.gotool import go_version
from linmem.run.guests import modules
from linmem.wasm.wat import assemble

GO_MODULE = programs()["shared_buffer"].module("go")

# What is known of TinyGo 0.33's modules: fd_write is the only import, _start grows the memory from 2 to 4 pages,
# and a parameter is stored as it comes.
TINYGO_MODULE = r"""
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 64) "\48\00\00\00\06\00\00\00")
  (data (i32.const 72) "hello\n")
  (func (export "_start")
    (drop (memory.grow (i32.const 2)))
    (drop (call $fd_write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 80))))
  (func (export "getWasmMemoryBufferPointer") (result i32) (i32.const 65536))
  (func (export "storeValueInWasmMemoryBufferIndexZero") (param i32)
    (i32.store8 (i32.const 65536) (local.get 0)))
  (func (export "readWasmMemoryBufferAndReturnIndexOne") (result i32) (i32.load8_u (i32.const 65537)))
  (func (export "growByAllocating") (param i32) (result i32)
    (drop (memory.grow (memory.size)))
    (local.get 0)))
"""

TINYGO = """\
#!{python}
import pathlib, shutil, sys
here = pathlib.Path(__file__).parent
with open(here / "log", "a") as log:
    print(*sys.argv[1:], file=log)
if sys.argv[1:] == ["version"]:
    print("tinygo version", (here / "version").read_text(), "linux/amd64 (using go version go1.22.5 and LLVM 18.1.2)")
elif sys.argv[1:] == ["env", "TINYGOROOT"]:
    print(here / "root")
elif sys.argv[1:5] == ["build", "-target", "wasm", "-o"] and sys.argv[6:] == ["."]:
    if (here / "broken").exists():
        sys.exit("# shared_buffer\\nmain.go:30:2: undefined: heap\\nmore words")
    assert pathlib.Path("main.go").exists()
    shutil.copy(here / "module.wasm", sys.argv[5])
else:
    sys.exit(f"unexpected: {{sys.argv}}")
"""


class FakeTinyGo:
    """A `tinygo` on PATH that does what the tests need of one, and keeps a list of what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.module = assemble(TINYGO_MODULE)
        (folder / "module.wasm").write_bytes(self.module)
        (folder / "version").write_text("0.33.0")
        (folder / "root/targets").mkdir(parents=True)
        self.glue = folder / "root/targets/wasm_exec.js"
        self.glue.write_text("globalThis.Go = class {};\n")
        program = folder / "tinygo"
        program.write_text(TINYGO.format(python=sys.executable))
        program.chmod(0o755)

    def asked(self, verb: str) -> int:
        return sum(line.split()[0] == verb for line in (self.folder / "log").read_text().splitlines())


@pytest.fixture(autouse=True)
def fresh_catalogue(cache):
    catalogue.guests.cache_clear()
    yield
    catalogue.guests.cache_clear()


@pytest.fixture
def tinygo(tmp_path, monkeypatch):
    fake = FakeTinyGo(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(fake.folder))
    return fake


def guest(label: str) -> Guest | MissingGuest:
    (found,) = [guest for guest in catalogue.guests("shared_buffer") if guest.label == label]
    return found


def test_unknown_program():
    with pytest.raises(
        UserError, match=r"^unknown program 'shard_buffer' in fixtures; did you mean 'shared_buffer'\?$"
    ):
        catalogue.guests("shard_buffer")


def test_guests_come_in_the_programs_order():
    labels = [guest.label for guest in catalogue.guests("shared_buffer")]
    assert labels == list(programs()["shared_buffer"].languages)


def test_go_needs_no_compiler_and_looks_for_its_glue_late(monkeypatch):
    """Collecting installs nothing: the toolchain's folder is asked for only when the glue is."""
    asked = []

    def root(self):
        asked.append(self)
        raise Unavailable("no network", "connect it")

    monkeypatch.setattr(toolchains.Go, "root", root)
    go = guest("go")
    assert isinstance(go, Guest)
    assert (go.module, go.host, go.toolchain) == (GO_MODULE, GojsHost, f"go {go_version()}")
    assert go.glue is not None
    assert not asked
    with pytest.raises(Unavailable, match="no network"):
        _ = go.glue.path
    assert asked


def test_wat_is_freestanding():
    wat = guest("wat")
    assert isinstance(wat, Guest)
    assert (wat.glue, wat.host, wat.fallback) == (None, None, None)


def test_a_committed_module_that_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("linmem.paths.FIXTURES", tmp_path)
    missing = guest("go")
    assert isinstance(missing, MissingGuest)
    assert missing.reason == f"{tmp_path / 'shared_buffer/go/shared_buffer.wasm'} is missing"
    assert missing.remedy.startswith("linmem guests build shared_buffer/go --write")


@pytest.mark.parametrize("damage", ["flipped", "cut", "unlisted"])
def test_a_committed_module_that_is_not_the_one_that_was_built_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    shutil.copytree(paths.FIXTURES / "shared_buffer", tmp_path / "shared_buffer")
    monkeypatch.setattr("linmem.paths.FIXTURES", tmp_path)
    module = tmp_path / "shared_buffer/wat/shared_buffer.wasm"
    data = module.read_bytes()
    if damage == "unlisted":
        monkeypatch.setattr(catalogue, "_lock", dict)
    else:  # still a module: the last byte is in its code
        module.write_bytes(data[:-1] + bytes([data[-1] ^ 1]) if damage == "flipped" else data[:-40])
    with pytest.raises(UserError) as caught:
        catalogue.guests("shared_buffer")
    if damage != "cut":
        language = "go" if damage == "unlisted" else "wat"
        assert str(caught.value) == (
            f"{tmp_path}/shared_buffer/{language}/shared_buffer.wasm is not the module that guests.lock.yaml names by "
            f"its SHA-256; restore it, or build it: linmem guests build shared_buffer/{language} --write"
        )


def test_a_module_that_changes_during_the_run_is_not_played(tmp_path: Path) -> None:
    path = tmp_path / "main.wasm"
    path.write_bytes(assemble("(module)"))
    guest = catalogue.user_guest(f"shared_buffer={path}")
    path.write_bytes(assemble("(module (memory 1))"))
    scenario = SimpleNamespace(modules={}, guest=None)
    with pytest.raises(UserError, match=r"main\.wasm: has changed since the run began"):
        modules(scenario, guest)


@pytest.mark.parametrize("damage", [b"", b"\0asm\x01\0\0\0"])
def test_a_damaged_module_of_tinygo_is_built_again(tinygo: FakeTinyGo, damage: bytes) -> None:
    found = guest("tinygo")
    assert isinstance(found, Guest)
    found.module.write_bytes(damage)
    catalogue.guests.cache_clear()
    again = guest("tinygo")
    assert isinstance(again, Guest)
    assert again.module.read_bytes() == tinygo.module
    assert tinygo.asked("build") == 2


@pytest.mark.usefixtures("no_tinygo")
def test_without_tinygo():
    missing = guest("tinygo")
    assert isinstance(missing, MissingGuest)
    assert missing.reason == "tinygo not found"
    assert "PATH" in missing.remedy
    assert "--guest shared_buffer=main.wasm --glue wasm_exec.js" in missing.remedy


def test_tinygo_on_path_takes_part(tinygo):
    found = guest("tinygo")
    assert isinstance(found, Guest)
    assert found.module.read_bytes() == tinygo.module
    assert found.toolchain == "tinygo 0.33.0 linux/amd64 (using go version go1.22.5 and LLVM 18.1.2)"
    assert found.glue is not None
    assert found.glue.kind == "go"
    assert found.fallback is None
    assert not tinygo.asked("env")
    assert found.glue.path == tinygo.glue


def test_tinygo_under_its_language_host(tinygo, in_process):
    found = guest("tinygo")
    assert isinstance(found, Guest)
    assert found.host is not None
    instance = in_process(found.module.read_bytes(), found.host())
    assert instance.pages == 4  # _start was called
    assert instance.logged == "hello\n"
    instance.call("storeValueInWasmMemoryBufferIndexZero", [256 + 24])
    (buffer,) = instance.call("getWasmMemoryBufferPointer", [])
    assert instance.read(buffer, 2) == bytes([24, 0])
    instance.write(buffer + 1, bytes([25]))
    assert instance.call("readWasmMemoryBufferAndReturnIndexOne", []) == [25]


def test_tinygo_builds_once_per_version(tinygo):
    for _ in range(2):
        guest("tinygo")
        catalogue.guests.cache_clear()
    assert tinygo.asked("build") == 1
    (tinygo.folder / "version").write_text("0.34.0")
    guest("tinygo")
    assert tinygo.asked("build") == 2


def test_tinygo_builds_again_after_its_source_changed(tinygo, tmp_path, monkeypatch):
    guest("tinygo")
    source = tmp_path / "shared_buffer/tinygo"
    source.mkdir(parents=True)
    (source / "main.go").write_text("package main\n")
    monkeypatch.setattr("linmem.paths.FIXTURES", tmp_path)
    catalogue.guests.cache_clear()
    guest("tinygo")
    assert tinygo.asked("build") == 2


def test_tinygo_that_refuses_the_source(tinygo, cache):
    (tinygo.folder / "broken").touch()
    missing = guest("tinygo")
    assert isinstance(missing, MissingGuest)
    assert missing.reason.endswith(": main.go:30:2: undefined: heap")
    assert "tinygo build -target wasm" in missing.remedy
    assert not list(cache.glob("guests/*/*.wasm"))


def test_tinygo_that_does_not_run(tinygo):
    (tinygo.folder / "tinygo").write_text("#!/nowhere/python\n")
    missing = guest("tinygo")
    assert isinstance(missing, MissingGuest)
    assert missing.reason.startswith("tinygo version")


def test_tinygo_without_its_glue(tinygo):
    found = guest("tinygo")
    assert isinstance(found, Guest)
    assert found.glue is not None
    tinygo.glue.unlink()
    with pytest.raises(Unavailable, match=r"tinygo has no .*wasm_exec\.js"):
        _ = found.glue.path


# -------------------------------------------------------------------------------------------------- the user's guests


@pytest.fixture
def module(tmp_path):
    """Writes a module from its text: ``module("main.wasm", "(module)")``."""

    def write(name: str, text: str = "(module)") -> Path:
        path = tmp_path / name
        path.write_bytes(assemble(text))
        return path

    return write


def test_a_freestanding_module(module):
    path = module("main.wasm")
    found = catalogue.user_guest(f"shared_buffer={path}")
    assert found == Guest("shared_buffer", "main", path, toolchain=str(path), sha256=lockfile.sha256(path.read_bytes()))


def test_a_module_by_relative_path(module, tmp_path, monkeypatch):
    path = module("main.wasm")
    monkeypatch.chdir(tmp_path)
    assert catalogue.user_guest("shared_buffer=main.wasm").module == path


@pytest.mark.parametrize(
    ("file", "taken", "label"),
    [
        ("main.wasm", [], "main"),
        ("go.wasm", [], "go_2"),
        ("go.wasm", ["go_2"], "go_3"),
        ("my buffer[1]-x.wasm", [], "my_buffer_1_x"),
        ("--.wasm", [], "guest"),
        ("v1.2.wasm", ["v1.2"], "v1.2_2"),
    ],
)
def test_labels(module, file, taken, label):
    assert catalogue.user_guest(f"shared_buffer={module(file)}", taken=taken).label == label


def test_a_go_module_gets_gos_host():
    found = catalogue.user_guest(f"shared_buffer={GO_MODULE}")
    assert (found.host, found.glue) == (GojsHost, None)


@pytest.mark.parametrize("name", ["wasi_snapshot_preview1", "wasi_unstable"])
def test_a_module_that_prints_gets_wasis_host(module, name, tmp_path):
    text = f'(module (import "{name}" "fd_write" (func (param i32 i32 i32 i32) (result i32))))'
    path = module("old.wasm", text)
    host = catalogue.user_guest(f"shared_buffer={path}").host
    assert host is not None
    assert isinstance(host(), WasiHost)
    assert host() is not host()


def test_only_an_old_module_helps_its_glue_out(module, tmp_path):
    """wasm_exec.js of today has no wasi_unstable."""
    glue = tmp_path / "wasm_exec.js"
    glue.touch()
    text = '(module (import "{}" "fd_write" (func (param i32 i32 i32 i32) (result i32))))'
    new = catalogue.user_guest(f"shared_buffer={module('a.wasm', text.format('wasi_snapshot_preview1'))}", glue)
    old = catalogue.user_guest(f"shared_buffer={module('b.wasm', text.format('wasi_unstable'))}", glue)
    assert new.fallback is None
    assert old.fallback is not None
    assert old.fallback().provides("wasi_unstable", "fd_write")


@pytest.mark.parametrize("entry", ["_start", "_initialize"])
def test_a_module_with_an_entry_is_started(module, in_process, entry):
    path = module(
        "reactor.wasm",
        f'(module (memory (export "memory") 1) (func (export "{entry}") (i32.store8 (i32.const 9) (i32.const 1))))',
    )
    host = catalogue.user_guest(f"shared_buffer={path}").host
    assert host is not None
    assert in_process(path.read_bytes(), host()).read(9, 1) == b"\1"


def test_the_users_glue(module, tmp_path):
    glue = tmp_path / "wasm_exec.js"
    glue.touch()
    found = catalogue.user_guest(f"shared_buffer={GO_MODULE}", glue)
    assert isinstance(found.glue, Glue)
    assert (found.glue.kind, found.glue.path) == ("go", glue)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("main.wasm", "expected PROGRAM=PATH"),
        ("=main.wasm", "expected PROGRAM=PATH"),
        ("shared_buffer=", "expected PROGRAM=PATH"),
        ("shared-buffer=main.wasm", "did you mean 'shared_buffer'?"),
        ("shared_buffer=nowhere.wasm", "No such file or directory"),
        ("shared_buffer=.", "Is a directory"),
        ("shared_buffer=text.wasm", "is not a WebAssembly module"),
        ("shared_buffer=empty.wasm", "is not a WebAssembly module"),
        ("shared_buffer=short.wasm", "is damaged or no core module"),
        ("shared_buffer=component.wasm", "is damaged or no core module"),
    ],
)
def test_unusable_modules(tmp_path, monkeypatch, text, words):
    monkeypatch.chdir(tmp_path)
    Path("text.wasm").write_text("(module)")
    Path("empty.wasm").touch()
    Path("short.wasm").write_bytes(GO_MODULE.read_bytes()[:5000])
    Path("component.wasm").write_bytes(assemble("(component)"))
    with pytest.raises(UserError) as caught:
        catalogue.user_guest(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_glue_that_is_not_there(module):
    with pytest.raises(UserError, match=r"^--glue nowhere\.js: there is no such file$"):
        catalogue.user_guest(f"shared_buffer={module('main.wasm')}", Path("nowhere.js"))
