from __future__ import annotations

import json
import platform
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from linmem.errors import Unavailable
from linmem.provision import interpreters
from linmem.provision.interpreters import Interpreter
from linmem.provision.uvtool import UvFailed


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with nothing on PATH, no pyenv, and a uv that has installed nothing and can download nothing."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr(interpreters, "run_uv", no_uv)
    forget()
    yield
    forget()


def no_uv(args: list[str], **more: object) -> str:
    if args[1] == "install":
        raise UvFailed("Failed to install cpython: no route to host")
    return "[]"


def forget() -> None:
    interpreters.installed.cache_clear()
    interpreters.probe.cache_clear()


def program(path: Path, body: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + textwrap.dedent(body), encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def python(path: Path, version: str, implementation: str = "cpython", level: str = "final") -> str:
    """A program that answers the probe as such an interpreter would."""
    answer = json.dumps([str(path), version, implementation, level, "linux-x86_64"])
    return program(path, f"echo '{answer}'\n")


def test_the_running_interpreter_is_taken_where_it_will_do(tmp_path: Path) -> None:
    python(tmp_path / "bin" / "python3.99", "3.99.0")
    found = interpreters.find(">=3.10")
    assert found.version == platform.python_version()
    assert Path(found.path).samefile(sys.executable)
    assert str(found) == f"CPython {platform.python_version()}"


def test_else_the_newest_that_satisfies(tmp_path: Path) -> None:
    python(tmp_path / "bin" / "python3.7", "3.7.16")
    newest = python(tmp_path / "bin" / "python3.9", "3.9.18")
    python(tmp_path / "bin" / "python3", "3.8.2")
    assert interpreters.find(">=3.7,<3.10") == Interpreter(newest, "3.9.18", "linux-x86_64")


def test_pyenv_versions_count_though_pyenv_has_not_activated_them(tmp_path: Path) -> None:
    # What pyenv puts on PATH fails for versions that are not active; see `pyenv help shims`.
    program(tmp_path / "pyenv" / "shims" / "python3.9", "echo 'pyenv: python3.9: command not found' >&2; exit 127\n")
    inactive = python(tmp_path / "pyenv" / "versions" / "3.9.18" / "bin" / "python", "3.9.18")
    assert interpreters.find("<3.10").path == inactive


def test_names_on_path_that_do_not_run_are_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "python3.9", "exit 127\n")
    program(tmp_path / "bin" / "python3.8", "echo not json\n")
    (tmp_path / "bin" / "python3.6").write_text("not executable", encoding="utf-8")
    works = python(tmp_path / "bin" / "python3.7", "3.7.0")
    assert interpreters.find("<3.10").path == works


def test_an_interpreter_that_hangs_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "PROBE_SECONDS", 0.3)
    program(tmp_path / "bin" / "python3.9", "exec /bin/sleep 60\n")
    with pytest.raises(Unavailable):
        interpreters.find("<3.10")


@pytest.mark.parametrize(("implementation", "level"), [("pypy", "final"), ("cpython", "candidate")])
def test_only_released_cpython_counts(tmp_path: Path, implementation: str, level: str) -> None:
    python(tmp_path / "bin" / "python3.9", "3.9.18", implementation, level)
    with pytest.raises(Unavailable):
        interpreters.find("<3.10")


def test_what_uv_has_installed_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = python(tmp_path / "uv" / "cpython-3.9" / "bin" / "python3.9", "3.9.20")
    entries = [
        {"path": path, "implementation": "cpython"},
        {"path": None, "implementation": "cpython"},
        {"path": str(tmp_path / "gone"), "implementation": "cpython"},
    ]
    monkeypatch.setattr(interpreters, "run_uv", lambda args, **more: json.dumps(entries))
    assert interpreters.find("<3.10").version == "3.9.20"


def test_a_download_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    told: list[str] = []

    def run_uv(args: list[str], **more: object) -> str:
        asked.append(args)
        if args[1] == "install":
            python(tmp_path / "uv" / "python3.9", "3.9.20")
        there = (tmp_path / "uv" / "python3.9").exists()
        return json.dumps([{"path": str(tmp_path / "uv" / "python3.9"), "implementation": "cpython"}] if there else [])

    monkeypatch.setattr(interpreters, "run_uv", run_uv)
    assert interpreters.find(">=3.7,<3.10", progress=told.append).version == "3.9.20"
    assert [args[:2] for args in asked] == [["python", "list"], ["python", "install"], ["python", "list"]]
    assert told == ["there is no CPython >=3.7,<3.10 on this machine: asking uv for one"]


def test_no_download_offline() -> None:
    with pytest.raises(Unavailable) as caught:
        interpreters.find("<3.6", offline=True)
    assert caught.value.reason == "there is no CPython <3.6 on this machine"
    assert caught.value.remedy.startswith("install CPython <3.6")


def test_a_download_that_fails_is_told_in_one_line() -> None:
    with pytest.raises(Unavailable) as caught:
        interpreters.find("<3.6")
    assert caught.value.reason == (
        "there is no CPython <3.6 on this machine, and uv could not download one: "
        "Failed to install cpython: no route to host"
    )


def test_each_program_is_asked_once(tmp_path: Path) -> None:
    count = tmp_path / "count"
    answer = json.dumps([str(tmp_path / "bin" / "python3.9"), "3.9.1", "cpython", "final", "linux-x86_64"])
    program(tmp_path / "bin" / "python3.9", f"echo asked >> {count}\necho '{answer}'\n")
    (tmp_path / "bin" / "python3").symlink_to("python3.9")
    interpreters.find("<3.10")
    interpreters.find("==3.9.*")
    assert count.read_text(encoding="utf-8") == "asked\n"
