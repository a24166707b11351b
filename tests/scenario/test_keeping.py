"""A suite that was kept is the one that would be made anew, and never that of another text or of other code."""

from __future__ import annotations

from pathlib import Path

import pytest

from linmem import paths
from linmem.cache import subfolder
from linmem.scenario import keeping, loader
from linmem.scenario.files import name_of, walk
from linmem.scenario.source import SourceError

SUITE = """\
title: Sizes
wat: |
  (module (memory (export "memory") 1))
scenarios:
  - name: has a page
    steps: [{size: memory, expect: 1}, {read: u8, at: 4 * (3 + 1), expect: 0, as: found}, {read: u8, at: found * 2}]
"""


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Keep nothing in this process."""
    monkeypatch.setattr(loader, "_load", loader._load.__wrapped__)


def kept() -> list[Path]:
    return sorted(subfolder("scenarios").iterdir())


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "sizes.yaml"
    path.write_text(SUITE)
    return path


def test_every_suite_of_ours_comes_back_as_it_was() -> None:
    for path in walk(paths.SUITES):
        name = name_of(path, paths.ROOT)
        made = loader.load_suite(path, name)
        again = keeping.look_up(path.read_text(encoding="utf-8"), name)
        assert again == made


def test_what_is_kept_is_not_made_anew(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = loader.load_suite(suite, "sizes.yaml")
    monkeypatch.setattr(loader, "_mapping", None)
    assert loader.load_suite(suite, "sizes.yaml") == made
    assert len(kept()) == 1


def test_another_text_takes_its_place(suite: Path) -> None:
    loader.load_suite(suite, "sizes.yaml")
    suite.write_text(SUITE.replace("has a page", "has one page"))
    assert [item.slug for item in loader.load_suite(suite, "sizes.yaml").scenarios] == ["has-one-page"]
    assert len(kept()) == 1
    suite.write_text(SUITE.replace("size: memory", "size: [memory]"))
    for _ in range(2):
        with pytest.raises(SourceError):
            loader.load_suite(suite, "sizes.yaml")


def test_another_name_has_its_own(suite: Path) -> None:
    assert loader.load_suite(suite, "a.yaml").path == "a.yaml"
    assert loader.load_suite(suite, "b.yaml").scenarios[0].where.file == "b.yaml"
    assert len(kept()) == 2


def test_other_code_makes_it_anew(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader.load_suite(suite, "sizes.yaml")
    before = kept()[0].read_bytes()
    monkeypatch.setattr(keeping, "_code", lambda: b"other")
    assert keeping.look_up(SUITE, "sizes.yaml") is None
    loader.load_suite(suite, "sizes.yaml")
    assert kept()[0].read_bytes() != before


@pytest.mark.parametrize("damage", [b"", b"x" * 200, None])
def test_what_is_damaged_is_made_anew(suite: Path, damage: bytes | None) -> None:
    made = loader.load_suite(suite, "sizes.yaml")
    place = kept()[0]
    whole = place.read_bytes()
    place.write_bytes(whole[:-1] + b"!" if damage is None else damage)
    assert keeping.look_up(SUITE, "sizes.yaml") is None
    assert loader.load_suite(suite, "sizes.yaml") == made
    assert place.read_bytes() == whole


def test_files_that_a_suite_names_are_looked_at_each_time(suite: Path) -> None:
    module = suite.with_name("m.wasm")
    module.write_bytes(b"\0asm\1\0\0\0")
    suite.write_text(SUITE.replace('wat: |\n  (module (memory (export "memory") 1))', "module: m.wasm"))
    loader.load_suite(suite, "sizes.yaml")
    assert kept() == []
    module.write_bytes(b"another")
    with pytest.raises(SourceError, match="is no binary module"):
        loader.load_suite(suite, "sizes.yaml")


def test_without_a_cache_it_is_loaded_all_the_same(
    suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LINMEM_CACHE", str(tmp_path / "file"))
    assert len(loader.load_suite(suite, "sizes.yaml").scenarios) == 1
