from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from linmem.drivers.client import Driver
from linmem.errors import Unavailable, UserError
from linmem.provision import contents, environments, folders, interpreters, local, uvtool
from linmem.provision.environments import NOT_PROVISIONED, READY, UNAVAILABLE, provide, status
from linmem.provision.manifest import Manifest, load_manifest

REPOSITORY = Path(__file__).parents[2]

# A driver of a runtime that is a small package made here, so that no test here needs a network.
DRIVER = """\
import json, os, sys, time
{before}
import toy
for line in sys.stdin:
    request = json.loads(line)
    result = {{}} if request["method"] == "shutdown" else {{
        "protocol": 1,
        "runtime": {{"name": "toy", "version": toy.__version__, "engine": "none"}},
        "host": {{"language": "Python", "version": "3", "implementation": "CPython"}},
        "views": [], "default_views": {{}}, "glue": [],
    }}
    print(json.dumps({{"jsonrpc": "2.0", "id": request["id"], "result": result}}), flush=True)
"""
MANIFEST = """\
name: toy
title: Toy
homepage: https://example.org
version: 1.0
environment:
  pip: {python: ">=3.8", requirements: ["toy=={version}"]%s}
variant: plain
variants:
  plain: {about: as it comes}
  other: {about: the same packages}
launch: ["{python}", "{folder}/driver.py"]
views: [{kind: none, unit: 1, types: [u8]}]
""".replace("version: 1.0", "version: '1.0'")


def wheel(folder: Path, version: str, body: str | None = None) -> Path:
    """A wheel of the package `toy`."""
    body = f"__version__ = {version!r}\n" if body is None else body
    path = folder / f"toy-{version}-py3-none-any.whl"
    info = f"toy-{version}.dist-info"
    files = {
        "toy.py": body,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: toy\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(name), text)  # with no date, so that it is the same each time
    return path


@pytest.fixture(autouse=True)
def shelter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A cache folder and packages of the test's own; no network."""
    if "real" in request.fixturenames:
        return
    (tmp_path / "wheels").mkdir()
    wheel(tmp_path / "wheels", "1.0")
    wheel(tmp_path / "wheels", "2.0")
    monkeypatch.setenv("LINMEM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))


@pytest.fixture
def real() -> None:
    """The test is about the delivered runtimes, in the user's own cache folder."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The toy runtime's folder."""
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "runtime.yaml").write_text(MANIFEST % "", encoding="utf-8")
    write_driver(folder)
    return folder


@pytest.fixture
def toy(folder: Path) -> Manifest:
    return load_manifest(folder)


def write_driver(folder: Path, before: str = "") -> None:
    (folder / "driver.py").write_text(DRIVER.format(before=before), encoding="utf-8")


def environment_folders(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "cache" / "environments").glob("*") if path.is_dir()]


def install(folder: Path) -> subprocess.Popen[str]:
    """``linmem runtimes install FOLDER`` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "linmem", "runtimes", "install", str(folder)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Wait until `process` has made the file."""
    while not path.exists():
        if process.poll() is not None:
            raise AssertionError(process.communicate()[1])
        time.sleep(0.05)


# ------------------------------------------------------------------ providing


def test_provided_and_then_ready(toy: Manifest) -> None:
    assert status(toy) == environments.Status(
        NOT_PROVISIONED, "", f"linmem runtimes install {toy.folder}", "PyPI toy 1.0"
    )
    told: list[str] = []
    provided = provide(toy, progress=told.append)
    assert provided.version == "1.0"
    assert provided.origin.startswith("PyPI toy 1.0 on CPython 3.")
    assert status(toy) == environments.Status(READY, "", "", provided.origin)
    assert told[0].startswith("installing toy==1.0 on CPython 3.")
    driver = Driver(provided.command, label="toy", env=provided.env)
    assert driver.start().runtime["version"] == "1.0"
    driver.close()


def test_reused_without_network_or_uv(toy: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    first = provide(toy)

    def no_uv() -> str:
        raise AssertionError("uv was asked for")

    monkeypatch.setattr(uvtool, "find_uv", no_uv)
    monkeypatch.setattr(interpreters, "find", no_uv)
    monkeypatch.setenv("PATH", "")
    told: list[str] = []
    assert provide(toy, progress=told.append) == first
    assert told == []


@pytest.mark.slow
def test_versions_stand_side_by_side(toy: Manifest, tmp_path: Path) -> None:
    one, two = provide(toy), provide(toy, version="2.0")
    assert (one.version, two.version) == ("1.0", "2.0")
    assert one.command[0] != two.command[0]
    assert status(toy, version="2.0").state == READY
    assert len(environment_folders(tmp_path)) == 2


def test_the_user_s_own_environment_is_left_alone(
    toy: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    subprocess.run([uvtool.find_uv(), "venv", "-q", "--python", sys.executable, str(own)], check=True)
    monkeypatch.setenv("VIRTUAL_ENV", str(own))
    monkeypatch.setenv("UV_PYTHON", "/nowhere/python")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    provided = provide(toy)
    assert not Path(provided.command[0]).is_relative_to(own)
    assert list(own.glob("lib/*/site-packages/toy*")) == []


def test_a_project_s_uv_settings_have_no_say(toy: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "uv.toml").write_text("this is not TOML", encoding="utf-8")
    monkeypatch.chdir(project)
    assert provide(toy).version == "1.0"


@pytest.mark.slow
def test_a_relative_cache_folder_is_below_the_working_folder(
    toy: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINMEM_CACHE", "here")
    assert Path(provide(toy).command[0]).is_relative_to(tmp_path / "here")


# ------------------------------------------------- interrupted and concurrent


@pytest.mark.slow
def test_a_killed_install_is_never_taken_for_a_finished_one(toy: Manifest, tmp_path: Path) -> None:
    write_driver(toy.folder, before=f"open({str(tmp_path / 'reached')!r}, 'w').close(); time.sleep(600)")
    process = install(toy.folder)
    wait_for(tmp_path / "reached", process)  # all is installed, and the driver is being tried
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (left,) = environment_folders(tmp_path)
    assert (left / "bin" / "python").exists()
    (left / "rubbish").touch()
    assert status(toy).state == NOT_PROVISIONED

    write_driver(toy.folder)
    assert provide(toy).version == "1.0"
    assert not (left / "rubbish").exists()


@pytest.mark.slow
def test_a_second_run_waits_for_the_first(toy: Manifest, tmp_path: Path) -> None:
    go = tmp_path / "go"
    waiting = (
        f"open({str(tmp_path / 'starts')!r}, 'a').write('x')\nwhile not os.path.exists({str(go)!r}): time.sleep(0.05)"
    )
    write_driver(toy.folder, before=waiting)
    first = install(toy.folder)
    wait_for(tmp_path / "starts", first)
    second = install(toy.folder)
    assert second.stderr is not None
    message = second.stderr.readline()
    go.touch()
    assert message == "linmem: waiting for another run that installs toy 1.0\n"
    for process in (first, second):
        output, errors = process.communicate()
        assert output.startswith("toy 1.0: ready in "), errors
        assert process.returncode == 0
    assert (tmp_path / "starts").read_text(encoding="utf-8") == "x"


@pytest.mark.slow
def test_an_environment_whose_interpreter_is_gone_is_made_anew(toy: Manifest) -> None:
    python = Path(provide(toy).command[0])
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert status(toy).state == NOT_PROVISIONED
    provide(toy)
    assert python.resolve().exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: '{"python":',
        lambda text: "",
        lambda text: "null",
        lambda text: text.replace('"1.0"', '"1.1"'),
        lambda text: text.replace("CPython", "CPythom"),
        lambda text: text.replace('"packages": {', '"packages": [], "others": {'),
    ],
)
def test_a_damaged_marker_counts_as_none(
    toy: Manifest, tmp_path: Path, damage: Callable[[str], str], capfd: pytest.CaptureFixture[str]
) -> None:
    provided = provide(toy)
    (folder,) = environment_folders(tmp_path)
    marker = folder / folders.READY
    marker.write_text(damage(marker.read_text(encoding="utf-8")), encoding="utf-8")
    assert status(toy).state == NOT_PROVISIONED
    assert list(environments.installed()) == []
    capfd.readouterr()
    assert provide(toy) == provided
    assert f"{marker} is not as it was made, so that folder is made anew" in capfd.readouterr().err


# --------------------------------------------------------------------------------------------- local packages

BACKEND = """\
import pathlib, zipfile
def build_wheel(folder, settings=None, metadata=None):
    files = {
        "toy.py": pathlib.Path("src/toy.py").read_text(),
        "toy-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: toy\\nVersion: 1.0\\n",
        "toy-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "toy-1.0.dist-info/RECORD": "",
    }
    name = "toy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return name
"""
BUILD = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n[project]\nname = "toy"\nversion = "1.0"\n'


def toy_source(build: str) -> str:
    return f"__version__ = '1.0'\nbuild = {build!r}\n"


def local_wheel(folder: Path, build: str) -> str:
    return f"./{wheel(folder, '1.0', toy_source(build)).name}"


def local_folder(folder: Path, build: str) -> str:
    source = folder / "package"
    (source / "src").mkdir(parents=True, exist_ok=True)
    (source / "backend.py").write_text(BACKEND, encoding="utf-8")
    (source / "pyproject.toml").write_text(BUILD, encoding="utf-8")
    os.utime(source / "pyproject.toml", (1, 1))  # all that uv looks at stays as it is
    (source / "src" / "toy.py").write_text(toy_source(build), encoding="utf-8")
    return "./package"


def build_in(provided: environments.Provided) -> str:
    asked = subprocess.run([provided.command[0], "-c", "import toy; print(toy.build)"], capture_output=True, check=True)
    return asked.stdout.decode().strip()


@pytest.mark.parametrize("package", [local_wheel, local_folder])
def test_a_build_that_changed_is_the_build_that_is_tested(package: Callable[[Path, str], str], folder: Path) -> None:
    text = (MANIFEST % "").replace("toy=={version}", f"toy @ {package(folder, 'old')}")
    (folder / "runtime.yaml").write_text(text, encoding="utf-8")
    old = provide(load_manifest(folder))
    assert build_in(old) == "old"
    assert re.search(
        r"^toy 1.0 from .*toy/(toy-1.0-py3-none-any.whl|package) \(SHA-256 [0-9a-f]{12}…\) on C", old.origin
    )
    assert provide(load_manifest(folder), offline=True) == old
    package(folder, "new")
    assert status(load_manifest(folder)).state == NOT_PROVISIONED
    new = provide(load_manifest(folder))
    assert build_in(new) == "new"
    assert new.origin != old.origin
    assert build_in(old) == "old"  # a run that is under way goes on with what it began with
    package(folder, "old")
    assert provide(load_manifest(folder)) == old
    ready = json.loads((Path(old.command[0]).parents[1] / "ready.json").read_text(encoding="utf-8"))
    assert ready["content"]["toy"].startswith(old.origin.partition("SHA-256 ")[2][:12])


def test_a_local_package_that_is_not_there(folder: Path) -> None:
    text = (MANIFEST % "").replace("toy=={version}", "toy @ ./toy.whl")
    (folder / "runtime.yaml").write_text(text, encoding="utf-8")
    found = status(load_manifest(folder))
    assert (found.state, found.remedy) == (UNAVAILABLE, "build it, or correct the requirement")
    assert found.reason == f"can't read {folder / 'toy.whl'}: No such file or directory"
    with pytest.raises(Unavailable, match="can't read"):
        provide(load_manifest(folder))


def test_what_tools_leave_in_a_folder_is_no_content(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for path in ("lib.rs", ".git/HEAD", "__pycache__/a.pyc", "target/CACHEDIR.TAG", "target/x/lib.so", "build/lib.so"):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(path, encoding="utf-8")
    before = local.content(source)
    for path in (".git/HEAD", "__pycache__/a.pyc", "target/x/lib.so", "target/x/other.so"):
        (source / path).write_text("changed", encoding="utf-8")
    assert local.content(source) == before
    (source / "build/lib.so").write_text("changed", encoding="utf-8")
    changed = local.content(source)
    assert changed != before
    (source / "build/lib.so").rename(source / "build/other.so")
    assert local.content(source) not in (before, changed)


def test_requirements_by_path(tmp_path: Path) -> None:
    here = tmp_path.as_uri()
    assert local.absolute("toy[a]==1", tmp_path) == "toy[a]==1"
    assert local.absolute("toy @ https://example.org/toy.whl", tmp_path) == "toy @ https://example.org/toy.whl"
    assert local.absolute("toy @ ./a%20b/toy.whl", tmp_path) == f"toy @ {here}/a%20b/toy.whl"
    assert local.absolute("toy[a] @ ../toy", tmp_path / "x") == f"toy[a] @ {here}/toy"
    assert local.absolute(f"toy @ {here}/toy", tmp_path / "x") == f"toy @ {here}/toy"
    assert local.local([f"toy @ {here}/a%20b", "other==1", "far @ https://example.org/x.whl"]) == {
        "toy": tmp_path / "a b"
    }


@pytest.mark.slow
def test_made_anew_on_demand(toy: Manifest) -> None:
    provided = provide(toy)
    kept = Path(provided.command[0]).parents[1] / folders.READY
    before = kept.stat().st_ino
    assert provide(toy) == provided
    assert kept.stat().st_ino == before
    assert provide(toy, fresh=True) == provided
    assert kept.stat().st_ino != before


# ------------------------------------------------------------------- changed


def toy_py(provided: environments.Provided) -> Path:
    return next(Path(provided.command[0]).parents[1].glob("lib/*/site-packages/toy.py"))


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "list"])
def test_a_damaged_environment_is_made_anew(toy: Manifest, damage: str, capfd: pytest.CaptureFixture[str]) -> None:
    module = toy_py(provide(toy))
    whole = module.read_bytes()
    if damage == "gone":
        module.unlink()
    elif damage == "list":
        (module.parents[3] / contents.NAME).write_text("{")
    else:
        module.write_bytes(whole[:-3] if damage == "cut" else whole.replace(b"1.0", b"1.1"))
    contents.looked_at.cache_clear()  # as in another process
    assert status(toy).state == NOT_PROVISIONED
    provide(toy)
    assert module.read_bytes() == whole
    file = contents.NAME if damage == "list" else str(module.relative_to(module.parents[3]))
    assert capfd.readouterr().err == (
        f"linmem: {module.parents[3] / file} is not as it was made, so that folder is made anew\n"
    )
    assert status(toy).state == READY


def test_an_environment_whose_files_were_copied_is_the_same(toy: Manifest) -> None:
    module = toy_py(provide(toy))
    whole = module.read_bytes()
    module.unlink()
    module.write_bytes(whole)  # as a CI system's cache does
    contents.looked_at.cache_clear()
    assert status(toy).state == READY
    kept = (module.parents[3] / contents.NAME).read_bytes()
    assert status(toy).state == READY
    assert (module.parents[3] / contents.NAME).read_bytes() == kept


def test_what_an_index_gives_in_place_of_what_was_installed_is_refused(toy: Manifest, tmp_path: Path) -> None:
    provide(toy)
    (noted,) = (tmp_path / "cache" / folders.NOTED).iterdir()
    assert re.fullmatch(r"toy==1.0 \\\n    --hash=sha256:[0-9a-f]{64}\n", noted.read_text())
    wheel(tmp_path / "wheels", "1.0", "__version__ = '1.0'\nelse_ = 1\n")
    shutil.rmtree(tmp_path / "cache" / "environments")
    shutil.rmtree(tmp_path / "uv")
    failure = refusal(toy)
    assert failure.reason.startswith("toy 1.0 is not what was installed before: ")
    assert failure.remedy == f"if it is to be trusted, delete {noted}; else look at the index"
    noted.unlink()
    assert provide(toy).version == "1.0"


# -------------------------------------------------------------------- refused


def refusal(toy: Manifest, version: str | None = None, variant: str | None = None, **more: bool) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        provide(toy, variant, version, **more)
    assert "\n" not in str(caught.value)
    return caught.value


def test_uv_s_own_words_where_it_fails(toy: Manifest) -> None:
    failure = refusal(toy, "9.9")
    assert failure.reason.startswith("uv could not install toy==9.9: Because there is no version of toy==9.9")
    assert failure.remedy == (
        f"'linmem runtimes versions {toy.folder}' lists the versions; choose one, or check the network, "
        f"then: linmem runtimes install {toy.folder}@9.9"
    )
    told = status(toy, version="9.9")
    assert (told.state, told.reason, told.remedy) == (UNAVAILABLE, failure.reason, failure.remedy)
    assert status(toy).state == NOT_PROVISIONED


def test_offline_with_nothing_in_uv_s_cache(toy: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_NO_INDEX")
    monkeypatch.delenv("UV_FIND_LINKS")
    assert refusal(toy, offline=True).reason.startswith("uv could not install toy==1.0: Because toy")


@pytest.mark.slow
def test_a_refused_environment_is_tried_again(toy: Manifest) -> None:
    write_driver(toy.folder, before="sys.exit('not today')")
    failure = refusal(toy)
    assert failure.reason == "the driver does not start: the runtime's process ended with status 1 (not today)"
    assert status(toy).state == UNAVAILABLE
    write_driver(toy.folder)
    assert provide(toy).version == "1.0"
    assert status(toy).state == READY


def test_packages_that_install_but_do_not_work(toy: Manifest, tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "1.1", "raise ImportError('toy is not available on this system')\n")
    assert refusal(toy, "1.1").reason.endswith("(ImportError: toy is not available on this system)")


def test_a_runtime_that_is_of_another_version_than_its_package(toy: Manifest, tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "1.2", "__version__ = '1.1.9'\n")
    assert refusal(toy, "1.2").reason == "the runtime says that it is version 1.1.9, not 1.2"


@pytest.mark.slow
def test_what_refuses_one_variant_says_nothing_of_another(toy: Manifest) -> None:
    provide(toy)
    write_driver(toy.folder, before="sys.exit('no such variant')")
    refusal(toy, variant="other")
    assert status(toy).state == READY
    assert status(toy, "plain").state == READY
    assert status(toy, "other").state == UNAVAILABLE


def test_an_unknown_variant(toy: Manifest) -> None:
    for ask in (provide, status):
        with pytest.raises(UserError, match="toy has no variant 'fast'"):
            ask(toy, "fast")


def test_hashes_are_checked(folder: Path, tmp_path: Path) -> None:
    good = hashlib.sha256((tmp_path / "wheels" / "toy-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    (folder / "runtime.yaml").write_text(MANIFEST % ", lock: lock.txt", encoding="utf-8")
    (folder / "lock.txt").write_text(f"toy==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    toy = load_manifest(folder)
    assert "hash" in refusal(toy).reason.lower()
    (folder / "lock.txt").write_text(f"toy==1.0 --hash=sha256:{good}\n", encoding="utf-8")
    assert provide(toy).version == "1.0"
    assert provide(toy, version="2.0").version == "2.0"  # the lock is of the default version


@pytest.mark.slow
def test_no_interpreter(folder: Path) -> None:
    text = (MANIFEST % "").replace(">=3.8", "==3.4.*")
    (folder / "runtime.yaml").write_text(text, encoding="utf-8")
    failure = refusal(load_manifest(folder), offline=True)
    assert failure.reason == "there is no CPython ==3.4.* on this machine"
    assert failure.remedy.startswith("install CPython ==3.4.*")


def test_a_cache_folder_that_can_t_be_made(toy: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LINMEM_CACHE", str(tmp_path / "file"))
    failure = refusal(toy)
    assert failure.reason == f"can't write to the cache folder {tmp_path / 'file'}: File exists"
    assert failure.remedy == "set LINMEM_CACHE to another folder"
    assert status(toy).state == NOT_PROVISIONED


# ------------------------------------------------------------------- programs


@pytest.fixture
def program(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    """The toy runtime as a program on PATH, which says that it is version 1.0."""
    (tmp_path / "bin").mkdir()
    executable = tmp_path / "bin" / "toy-run"
    executable.write_text(f'#!/bin/sh\nexec {sys.executable} -B "$@"\n', encoding="utf-8")
    executable.chmod(0o755)
    (folder / "toy.py").write_text("__version__ = '1.0'\n", encoding="utf-8")
    text = MANIFEST.partition("environment")[0].replace("version: '1.0'\n", "")
    text += "environment: {program: {name: toy-run, remedy: get it at example.org}}\n"
    text += 'launch: ["{program}", "{folder}/driver.py"]\nviews: [{kind: none, unit: 1, types: [u8]}]\n'
    (folder / "runtime.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return load_manifest(folder)


def test_a_program_on_path(program: Manifest, tmp_path: Path) -> None:
    path = str(tmp_path / "bin" / "toy-run")
    assert status(program) == environments.Status(READY, "", "", path)
    assert provide(program) == environments.Provided([path, str(program.folder / "driver.py")], {}, "1.0", path)


def test_a_program_of_the_wrong_version(program: Manifest) -> None:
    failure = refusal(program, "2.0")
    assert failure.reason == "the runtime says that it is version 1.0, not 2.0"
    assert failure.remedy == "put toy-run 2.0 first on PATH"


def test_a_program_that_is_not_there(program: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    failure = refusal(program)
    assert (failure.reason, failure.remedy) == ("toy-run is not on PATH", "get it at example.org")
    assert status(program).state == UNAVAILABLE


# -------------------------------------------------------- the delivered runtimes


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("name", ["node", "wasmer", "wasmtime"])
def test_delivered_runtimes_are_provided(name: str) -> None:
    manifest = load_manifest(name)
    provided = provide(manifest)
    assert provided.version == manifest.version
    assert status(manifest) == environments.Status(READY, "", "", provided.origin)


# ------------------------------------------------------------------ uv's words


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("error: No route\n", "No route"),
        (
            "Using Python 3.10\nerror: Request failed\n  cause: Failed to fetch\n  cause: dns error\n",
            "Request failed: dns error",
        ),
        (
            "error: No solution found when resolving\n  cause: Because a\n         and b, no.\n\nhint: try c\n",
            "Because a and b, no.",
        ),
        (
            "  × No solution found when resolving dependencies:\n  ╰─▶ Because there is none,\n      no.\n",
            "Because there is none, no.",
        ),
        ("error: Failed to spawn\n  Caused by: No such file\n", "Failed to spawn: No such file"),
        ("", ""),
    ],
)
def test_uv_s_error_in_one_line(output: str, words: str) -> None:
    assert uvtool.last_error(output) == words
