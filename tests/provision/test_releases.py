from __future__ import annotations

import json
from pathlib import Path

import pytest

from linmem.errors import Unavailable, UserError
from linmem.provision import names, releases
from linmem.provision.manifest import load_manifest
from linmem.provision.uvtool import UvFailed
from linmem.run.runtimes import choose

OFFERED = ["50.0.1", "49.0.0", "45.0.0", "50.0.0rc1", "19.0.0", "odd"]


@pytest.fixture(autouse=True)
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A registry that offers the same of everything; what it was asked for."""
    found: list[str] = []

    def answer(name: str, *python: str) -> list[str]:
        found.append(name)
        return OFFERED

    monkeypatch.setenv("LINMEM_CACHE", str(tmp_path))
    monkeypatch.setattr(releases, "_ask_pip", answer)
    monkeypatch.setattr(releases, "_ask_npm", answer)
    return found


def test_what_the_driver_copes_with_oldest_first() -> None:
    assert releases.releases(load_manifest("wasmtime")) == ["45.0.0", "49.0.0", "50.0.1"]


def test_the_manifest_s_own_versions_are_among_them() -> None:
    assert {"16.15.1", "18.4.0"} <= set(releases.releases(load_manifest("node")))


def test_npm_is_asked_about_its_own(asked: list[str]) -> None:
    releases.releases(load_manifest("bun"))
    assert len(asked) == 1
    assert asked[0].startswith("@oven/bun-")


def test_an_answer_is_kept(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    wasmtime = load_manifest("wasmtime")
    assert releases.releases(wasmtime) == releases.releases(wasmtime)
    assert asked == ["wasmtime"]
    monkeypatch.setattr(releases, "FRESH_SECONDS", 0.0)
    releases.releases(wasmtime)
    assert asked == ["wasmtime", "wasmtime"]


def test_an_old_answer_does_where_the_registry_can_t_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_route(*args: str) -> list[str]:
        raise UvFailed("no route to host")

    wasmtime = load_manifest("wasmtime")
    before = releases.releases(wasmtime)
    monkeypatch.setattr(releases, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(releases, "_ask_pip", no_route)
    assert releases.releases(wasmtime) == before
    with pytest.raises(Unavailable, match="can't ask which versions of deno there are: no route to host"):
        releases.releases(load_manifest("deno"))


def test_a_damaged_answer_is_asked_for_again(asked: list[str], tmp_path: Path) -> None:
    releases.releases(load_manifest("wasmtime"))
    (tmp_path / "releases" / "pypi-wasmtime.json").write_text(json.dumps({"asked": "?"}))
    assert releases.releases(load_manifest("wasmtime"))
    assert asked == ["wasmtime", "wasmtime"]


def test_a_range_stands_for_each_version_in_it() -> None:
    chosen = choose(["wasmtime@>=45,<50", "wasmtime:pulley@~=50.0"])
    assert [one.label for one in chosen] == ["wasmtime@45.0.0", "wasmtime@49.0.0", "wasmtime:pulley@50.0.1"]
    assert not any(one.asked for one in chosen)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "wasmtime@>=99",
            "no version of wasmtime is >=99 (they go from 45.0.0 to 50.0.1; see linmem runtimes versions)",
        ),
        ("wasmtime@>=x", "wasmtime@>=x: '>=x' is no range of versions, like '>=45,<50'"),
        ("wasmtime@19.0.0", "wasmtime's driver copes with versions >=20, not with 19.0.0"),
    ],
)
def test_what_a_user_is_told(text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        choose([text])
    assert str(caught.value) == said


def test_commas_between_names_and_within_ranges() -> None:
    assert names.split(["a, b@>=1,<2,!=1.5", "c"]) == ["a", "b@>=1,<2,!=1.5", "c"]


def test_all_is_everyone_and_asks_for_nobody_by_name() -> None:
    labels = {one.label: one.asked for one in choose(["all"])}
    assert {"wasmtime", "wasmtime:moving", "node@24.19.0", "deno", "bun", "wasmedge"} <= set(labels)
    assert not any(labels.values())


def test_a_name_beside_all_is_asked_for() -> None:
    labels = {one.label: one.asked for one in choose(["all,deno"])}
    assert labels["deno"]
    assert not labels["bun"]


def test_what_takes_minutes() -> None:
    (pywasm, llvm, wasmer) = choose(["pywasm", "wasmer:llvm", "wasmer"])
    assert pywasm.takes_long("typed_access.yaml::any", None) is None
    assert "interprets" in (pywasm.takes_long("glue.yaml::any", "go") or "")
    assert pywasm.takes_long("bounds.yaml::the-last-u8-of-the-memory", None)
    assert pywasm.takes_long("bounds.yaml::i32.load-reaches-the-last-byte-and-no-further", None) is None
    assert llvm.takes_long("shared_buffer.yaml::any", "go")
    assert wasmer.takes_long("shared_buffer.yaml::any", "go") is None
