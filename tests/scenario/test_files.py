"""Which file a name stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from linmem import paths
from linmem.compare import sweep
from linmem.scenario.files import file_of, find, name_of


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("growth.yaml", "memory/growth.yaml"),
        ("suites/memory/growth.yaml", "memory/growth.yaml"),
        ("memory/growth.yaml", "memory/growth.yaml"),
        ("memory", "memory"),
        ("suites/", "."),
    ],
)
def test_linmem_s_own_suites_are_found_from_anywhere(
    name: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find(name) == paths.SUITES / place


@pytest.mark.parametrize("name", ["lost.yaml", "lost", "../growth.yaml", "/growth.yaml", "growth"])
def test_a_name_of_nothing_stays_as_it_is(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find(name) == Path(name)


def test_what_the_user_has_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("growth.yaml").write_text("")
    assert find("growth.yaml") == Path("growth.yaml")


def test_a_name_leads_back_to_its_file(tmp_path: Path) -> None:
    for path in (paths.SUITES / "memory" / "growth.yaml", tmp_path / "mine.yaml"):
        assert file_of(name_of(path, tmp_path), tmp_path) == path
    assert name_of(paths.SUITES / "memory" / "growth.yaml", tmp_path) == "suites/memory/growth.yaml"


def test_bisect_plays_a_suite_that_is_named_by_its_file_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[str] = []

    def play(arguments: list[str], out: Path, *, quiet: bool) -> None:
        played.extend(arguments)
        raise sweep.NothingPlayedError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sweep, "play", play)
    with pytest.raises(sweep.ReportError, match="no such scenario"):
        sweep._ask("growth.yaml", "grows", "", "wasmtime", "50.0.1")
    assert f"--suites={paths.SUITES / 'memory' / 'growth.yaml'}" in played
