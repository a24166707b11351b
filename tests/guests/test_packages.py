"""Published modules: the list, the guests they make, and what a run does without them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from linmem.cli import main as fixtures_main
from linmem.errors import Unavailable, UserError
from linmem.guests import catalogue, packages
from linmem.guests.packages import LABEL, Package, find_package, read_packages
from linmem.guests.wasi import GLOBAL, TinyGoHost, WasiHost
from linmem.play.guest import Guest, GuestAccess, HostFault
from linmem.run.guests import Guests
from linmem.scenario.loader import load_suite
from linmem.scenario.source import SourceError
from linmem.wasm.types import read_types

ROOT = Path(__file__).parents[2]


def silent(line: str) -> None:
    pass


def test_every_package_can_be_had_and_holds_the_module_that_the_list_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert packages.fetch_all(packages.packages().values()) == {}
    assert fixtures_main(["guests", "fetch"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{name} is in the cache" for name in packages.packages()]
    for package in packages.packages().values():
        folder = package.folder()
        assert folder is not None
        assert json.loads((folder / "package.json").read_text(encoding="utf-8"))["license"] == package.licence
        assert read_types((folder / package.module).read_bytes()).names("memory") == ["memory"]
        assert package.glue is None or (folder / package.glue).is_file()


def test_a_package_is_a_guest_with_the_host_that_its_imports_ask_for() -> None:
    guests = {name: catalogue.package_guest(package) for name, package in packages.packages().items()}
    hosts = {name: type(guest.host()) if guest and guest.host else None for name, guest in guests.items()}
    assert hosts == {"llhttp": WasiHost, "source_map": None, "dprint_json": None, "sh_syntax": TinyGoHost}
    guest = guests["sh_syntax"]
    assert guest is not None
    assert guest.glue is not None
    assert (guest.glue.kind, guest.glue.path.name, guest.label) == ("go", "wasm_exec.cjs", LABEL)
    assert guest.toolchain == "sh-syntax 0.7.0"
    assert catalogue.package_guest(find_package("sh_syntax")) is guest


def test_the_linmem_repository_holds_none_of_them() -> None:
    held = {package.module for package in packages.packages().values()}
    assert {Path(path).name for path in held}.isdisjoint(path.name for path in ROOT.glob("*/**/*.wasm"))


# ------------------------------------------------------------------------------------------------------- mistakes


def test_a_name_that_is_no_package() -> None:
    with pytest.raises(UserError, match=r"unknown package 'llhtp' in packages.yaml; did you mean 'llhttp'\?"):
        find_package("llhtp")


def test_a_list_that_can_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "packages.yaml"
    path.write_text("llhttp: {npm: undici}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"packages.yaml: Object missing required field `title` - at `\$\[...\]`"):
        read_packages(path)


def suite(tmp_path: Path, name: str) -> Path:
    path = tmp_path / "p.yaml"
    path.write_text(
        f"title: P\npackage: {name}\nscenarios:\n  - name: a\n    steps: [{{size: memory, expect: {{at_least: 1}}}}]\n",
        encoding="utf-8",
    )
    return path


def test_a_scenario_that_names_an_unknown_package(tmp_path: Path) -> None:
    (scenario,) = load_suite(suite(tmp_path, "llhtp"), "p.yaml").scenarios
    with pytest.raises(SourceError, match=r"p.yaml:4: unknown package 'llhtp' in packages.yaml"):
        Guests([], None).of(scenario)


def test_a_scenario_has_one_guest(tmp_path: Path) -> None:
    path = suite(tmp_path, "llhttp")
    path.write_text(path.read_text(encoding="utf-8").replace("scenarios:", "program: shared_buffer\nscenarios:"))
    with pytest.raises(SourceError, match=r"p.yaml:2: a scenario has one guest, but both 'program' and 'package'"):
        load_suite(path, "p.yaml")


# ------------------------------------------------------------------------------------------------ what is not there


class Absent:
    """Packages that are not in the cache, and an npm that has no network."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tried: list[str] = []
        monkeypatch.setattr(Package, "folder", lambda package: None)
        monkeypatch.setattr(Package, "fetch", lambda package, progress: self.fetch(package))

    def fetch(self, package: Package) -> Path:
        self.tried.append(package.name)
        raise Unavailable("npm could not fetch it: no network", "check the network")


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> Absent:
    return Absent(monkeypatch)


def test_what_can_not_be_had_takes_no_part_and_says_why(tmp_path: Path, absent: Absent) -> None:
    (scenario,) = load_suite(suite(tmp_path, "llhttp"), "p.yaml").scenarios
    guests = Guests([], None)
    guests.provide(["llhttp", "sh_syntax", "unknown"], silent)
    assert absent.tried == ["llhttp"]  # npm takes long to give up
    assert guests.of(scenario) == []
    assert [(guest.program, guest.reason, guest.remedy) for guest in guests.missing.values()] == [
        ("llhttp", "npm could not fetch it: no network", "check the network"),
        ("sh_syntax", "not tried, because npm could not fetch it: no network", "check the network"),
    ]
    assert guests.all("llhttp") == [guests.missing["llhttp"]]
    assert LABEL in guests.absent()


@pytest.mark.usefixtures("absent")
def test_what_was_asked_for_by_name_must_be_there() -> None:
    with pytest.raises(UserError, match=r"--guest npm: llhttp is not available: npm could not fetch it: no network"):
        Guests([LABEL], None).provide(["llhttp"], silent)


def test_other_guests_need_no_package(tmp_path: Path, absent: Absent) -> None:
    (scenario,) = load_suite(suite(tmp_path, "llhttp"), "p.yaml").scenarios
    guests = Guests(["wat"], None)
    guests.provide(["llhttp"], silent)
    assert absent.tried == []
    assert guests.of(scenario) == []


@pytest.mark.usefixtures("absent")
def test_where_nothing_is_played_a_package_need_not_be_there(tmp_path: Path) -> None:
    (scenario,) = load_suite(suite(tmp_path, "llhttp"), "p.yaml").scenarios
    (guest,) = Guests([], None).of(scenario)
    assert isinstance(guest, Guest)
    assert guest.label == LABEL


# ------------------------------------------------------------------------------------------------ TinyGo's imports


class Memory(GuestAccess):
    """A guest of which only the memory matters."""

    def __init__(self) -> None:
        self.data, self.logged = bytearray(64), ""

    def read(self, at: int, count: int) -> bytes:
        return bytes(self.data[at : at + count])

    def write(self, at: int, data: bytes) -> None:
        self.data[at : at + len(data)] = data

    def call(self, export: str, args: Sequence[int]) -> list[int]:
        return []

    def log(self, text: str) -> None:
        self.logged += text


def test_tinygos_host_serves_what_a_program_does_when_it_starts() -> None:
    host, guest = TinyGoHost(), Memory()
    first, second = (host.call("gojs", "syscall/js.valueGet", [GLOBAL, 0, 6], guest)[0] for _ in range(2))
    assert first != second
    assert first >> 32 == second >> 32 == 0x7FF80004
    assert host.call("gojs", "syscall/js.finalizeRef", [first], guest) == []
    assert host.call("wasi_snapshot_preview1", "random_get", [8, 16], guest) == [0]
    assert any(guest.data[8:24])
    assert not any(guest.data[24:])
    earlier, later = (host.call("gojs", "runtime.ticks", [], guest)[0] for _ in range(2))
    assert later >= earlier > 0
    host.call("gojs", "runtime.sleepTicks", [1000], guest)
    assert "not woken" in guest.logged


@pytest.mark.parametrize(("name", "args"), [("valueCall", [0] * 7), ("valueGet", [GLOBAL + 1, 0, 4])])
def test_tinygos_host_has_no_javascript(name: str, args: list[int]) -> None:
    host = TinyGoHost()
    assert host.provides("gojs", f"syscall/js.{name}")
    with pytest.raises(HostFault, match=f"syscall/js.{name}: the guest wants JavaScript, and on this runtime there is"):
        host.call("gojs", f"syscall/js.{name}", args, Memory())


def test_tinygos_host_serves_no_more_than_it_says() -> None:
    host = TinyGoHost()
    assert host.provides("wasi_snapshot_preview1", "fd_write")
    assert not host.provides("wasi_snapshot_preview1", "fd_read")
    assert not host.provides("gojs", "runtime.other")
    assert not host.provides("other", "syscall/js.valueGet")
