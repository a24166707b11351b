from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from linmem.cli import main
from linmem.errors import Unavailable
from linmem.provision import environments
from linmem.provision.environments import Provided, provide
from linmem.provision.manifest import Manifest, load_manifest
from linmem.provision.names import RuntimeName

REPOSITORY = Path(__file__).parents[2]
FAKES = Path(__file__).parents[1] / "fakes"
MANIFEST = """\
name: {name}
title: {name}
homepage: https://example.org
environment: {{program: {{name: {program}, remedy: get it at example.org}}}}
launch: ["{{program}}", {arguments}]
views: [{{kind: none, unit: 1, types: [u8]}}]
"""

Captured = pytest.CaptureFixture[str]


def write_runtime(folder: Path, program: str, *arguments: str) -> str:
    """A runtime that is a program with these arguments; the path of its folder."""
    folder.mkdir()
    text = MANIFEST.format(name=folder.name, program=program, arguments=", ".join(map(json.dumps, arguments)))
    (folder / "runtime.yaml").write_text(text, encoding="utf-8")
    return str(folder)


@pytest.fixture
def stub(tmp_path: Path) -> str:
    """A runtime whose driver starts and can do nothing more."""
    return write_runtime(tmp_path / "stub", sys.executable, str(FAKES / "stub.py"), "1.0")


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINMEM_CACHE", str(tmp_path / "cache"))


@pytest.mark.usefixtures("empty_cache")
def test_list_of_what_is_not_provisioned(capsys: Captured) -> None:
    assert main(["runtimes", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    shown = [line.split()[0] for line in lines if " not provisioned  PyPI " in line]
    assert {"node", "wasmer", "wasmtime"} <= set(shown)
    assert lines[-1].endswith("linmem runtimes install")
    assert max(len(line) for line in lines if "PyPI" in line) <= 80


@pytest.mark.usefixtures("empty_cache")
def test_list_shows_why_a_runtime_is_unavailable(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_route(*args: object, **more: object) -> str:
        raise environments.recipe.UvFailed("Request failed: no route to host")

    monkeypatch.setattr(environments.recipe, "run_uv", no_route)
    with pytest.raises(Unavailable):
        provide(load_manifest("node"))
    assert main(["runtimes", "list"]) == 0
    output = capsys.readouterr().out
    assert re.search(r"^node +18\.4\.0 +unavailable", output, re.MULTILINE)
    assert "node 18.4.0: uv could not install nodejs-bin==18.4.0a4: Request failed: no route to host\n" in output
    assert "\n  check the network, then: linmem runtimes install node\n" in output


def test_list_shows_other_versions_that_were_asked_for(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [environments.RuntimeName("wasmtime", None, "49.0.0"), environments.RuntimeName("gone", None, "1.0")]
    monkeypatch.setattr(environments, "installed", lambda: iter(asked))
    assert main(["runtimes", "list", "--format=json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["version"] for one in found if one["name"] == "wasmtime" and not one["variant"]] == ["50.0.1", "49.0.0"]
    assert not [one for one in found if one["name"] == "gone"]


@pytest.mark.usefixtures("empty_cache")
def test_list_as_json(capsys: Captured) -> None:
    assert main(["runtimes", "list", "--format=json"]) == 0
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out) if one["variant"] is None}
    assert found["wasmer"] == {
        "name": "wasmer",
        "variant": None,
        "version": "1.1.0",
        "title": "Wasmer",
        "homepage": "https://github.com/wasmerio/wasmer-python",
        "variants": ["cranelift", "llvm", "singlepass"],
        "default": True,
        "state": "not provisioned",
        "reason": "",
        "remedy": "linmem runtimes install wasmer",
        "origin": "PyPI wasmer 1.1.0, wasmer-compiler-cranelift 1.1.0",
    }


def test_install_says_what_is_ready(stub: str, capsys: Captured) -> None:
    assert main(["runtimes", "install", stub]) == 0
    output = capsys.readouterr().out
    assert output.startswith("stub: ready in ")
    assert output.endswith(f" s, {os.path.abspath(sys.executable)}\n")


def test_install_goes_on_after_a_failure(stub: str, tmp_path: Path, capsys: Captured) -> None:
    missing = write_runtime(tmp_path / "missing", "no-such-program")
    dead = write_runtime(tmp_path / "dead", sys.executable, str(FAKES / "stub.py"), "dies")
    assert main(["runtimes", "install", missing, dead, stub]) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith("stub: ready in ")
    assert captured.err == (
        "missing: unavailable: no-such-program is not on PATH\n"
        "  get it at example.org\n"
        "dead: unavailable: the driver does not start: the runtime's process ended with status 1 (no runtime here)\n"
        f"  look at {dead}\n"
    )


def test_all_are_those_that_can_be_had(
    stub: str, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no package brings, and programs that the machine lacks, are named; to ask for one by name is another thing."""
    lacking = Path(write_runtime(tmp_path / "lacking", "no-such-program-anywhere"))
    found = [load_manifest("wasmedge"), load_manifest(Path(stub)), load_manifest(lacking)]
    monkeypatch.setattr("linmem.cli.runtimes.everyone", lambda: [(one, RuntimeName(one.name)) for one in found])
    assert main(["runtimes", "install", "all"]) == 0
    said = capsys.readouterr()
    assert "wasmedge: unavailable" in said.err
    assert "lacking: unavailable" in said.err
    assert "stub: ready" in said.out
    assert main(["runtimes", "install", "wasmedge"]) == 1
    assert main(["runtimes", "install", "all", str(lacking)]) == 1


@pytest.mark.parametrize("command", [["install", "wasmtim"], ["check", "wasmtim"], ["install", "node", "wasmtim"]])
def test_an_unknown_runtime_is_told_before_anything_is_done(command: list[str], capsys: Captured) -> None:
    assert main(["runtimes", *command]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("linmem: there is no runtime 'wasmtim'; did you mean 'wasmtime'?")
    assert captured.out == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wasmer@@", "'wasmer@@' does not name a runtime"),
        ("wasmer:lvm", "wasmer has no variant 'lvm'; did you mean 'llvm'?"),
        ("./nowhere", "./nowhere: there is no such folder"),
        (str(FAKES), f"{FAKES}: there is no runtime.yaml in this folder"),
    ],
)
def test_other_mistakes(name: str, words: str, capsys: Captured) -> None:
    assert main(["runtimes", "install", name]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"linmem: {words}")
    assert captured.err.count("\n") == 1


def test_versions_of_what_has_none(stub: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["runtimes", "versions", stub]) == 0
    assert f"{Path(stub).name} is the machine's own, " in capsys.readouterr().out
    assert main(["runtimes", "versions", "wasmedge"]) == 1
    assert capsys.readouterr().err.startswith("wasmedge: unavailable: ")
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["runtimes", "versions", "jsc"]) == 1
    assert capsys.readouterr().err.startswith("jsc: unavailable: jsc is not on PATH")


def test_a_broken_manifest_is_told_by_file_and_line(tmp_path: Path, capsys: Captured) -> None:
    folder = write_runtime(tmp_path / "broken", "x")
    manifest = Path(folder) / "runtime.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("title:", "titel:"), encoding="utf-8")
    assert main(["runtimes", "check", folder]) == 2
    assert f"{manifest}:2: unknown key 'titel'" in capsys.readouterr().err


@pytest.fixture(scope="module")
def node() -> tuple[Manifest, Provided]:
    manifest = load_manifest("node")
    return manifest, provide(manifest)


def fake_node(folder: Path, node: tuple[Manifest, Provided], fault: str) -> str:
    """Node.js with a meddler before its driver."""
    manifest, provided = node
    path = write_runtime(folder, sys.executable, str(FAKES / "meddler.py"), fault, *provided.command)
    text = (folder / "runtime.yaml").read_text(encoding="utf-8")
    views = (manifest.folder / "runtime.yaml").read_text(encoding="utf-8").partition("views:")[2]
    (folder / "runtime.yaml").write_text(text.partition("views:")[0] + "views:" + views, encoding="utf-8")
    return path


def test_check_of_a_method(tmp_path: Path, node: tuple[Manifest, Provided], capsys: Captured) -> None:
    folder = fake_node(tmp_path / "spoilt", node, "padded_read")
    assert main(["runtimes", "check", folder, "--method", "memory.size"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["1 of 1 methods answer right"]


def test_check_names_what_is_wrong(tmp_path: Path, node: tuple[Manifest, Provided], capsys: Captured) -> None:
    folder = fake_node(tmp_path / "spoilt", node, "padded_read")
    assert main(["runtimes", "check", folder, "--method", "memory.read", "--verbose"]) == 1
    output = capsys.readouterr().out
    assert "  memory.read: every memory type, through its default view: right\n" in output
    assert "\n    expected: at most the 4 bytes that are there, or a host error\n    actual:   8 bytes\n" in output
    assert output.endswith("0 of 1 methods answer right\nWRONG: memory.read\n")


def test_check_of_an_unknown_method(stub: str, capsys: Captured) -> None:
    assert main(["runtimes", "check", stub, "--method", "memory.paint"]) == 2
    assert capsys.readouterr().err.startswith("linmem: the protocol has no method 'memory.paint' (known: initialize, ")


def test_check_of_what_does_not_start(tmp_path: Path, capsys: Captured) -> None:
    folder = write_runtime(tmp_path / "future", sys.executable, str(FAKES / "stub.py"), "of the future")
    assert main(["runtimes", "check", folder]) == 1
    assert "it speaks protocol 2, not 1" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--help"], ["list", "--help"], ["install", "--help"], ["check", "--help"]])
def test_help(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "linmem", "runtimes", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("usage: linmem runtimes")
    assert done.stderr == ""


def test_no_command_is_a_mistake(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main(
            [
                "runtimes",
            ]
        )
    assert caught.value.code == 2
    assert "COMMAND" in capsys.readouterr().err
