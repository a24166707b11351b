"""How paths are shown to people."""

from __future__ import annotations

from pathlib import Path

import pytest

from linmem import paths


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("{here}/a/b.yaml", "a/b.yaml"),
        ("./a", "a"),
        ("..a/b", "..a/b"),
        ("../other", "../other"),
        ("{here}", "."),
        ("/elsewhere/b.yaml", "/elsewhere/b.yaml"),
    ],
)
def test_a_path_is_relative_to_the_current_folder_where_it_lies_in_it(
    given: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert paths.shown(Path(given.format(here=tmp_path))) == shown


def test_what_is_installed_with_linmem_is_named_as_in_a_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "IN_CLONE", False)
    monkeypatch.setattr(paths, "ROOT", tmp_path / "data")
    assert paths.shown(tmp_path / "data" / "runtimes" / "node" / "known.yaml") == "runtimes/node/known.yaml"
