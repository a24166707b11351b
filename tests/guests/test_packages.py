"""Published modules: the list, the guests they make, and what a run does without them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from linmem.cli import main as fixtures_main
from linmem.errors import Unavailable, UserError
from linmem.guests import catalogue, packages
from linmem.guests.packages import LABEL, Package, find_package, read_packages
from linmem.guests.tinygo import TinyGoHost
from linmem.guests.wasi import WasiHost
from linmem.play.guest import Guest
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
    assert hosts == {
        "llhttp": WasiHost,
        "source_map": None,
        "dprint_json": None,
        "sh_syntax": TinyGoHost,
        "sh_syntax_05": TinyGoHost,
        "sh_syntax_03": TinyGoHost,
        "gofmt": TinyGoHost,
        "cowsay": WasiHost,
    }
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
