"""The published site: what its pages say, that every link leads somewhere, and what a browser makes of them."""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import chromium
from report_records import HOSTILE, Records, header, known, observed, result

from linmem.cli import main
from linmem.compare import inputs

GROWTH = "suites/memory/growth.yaml"


def played(old: str, *more: dict[str, Any], reason: str = "It is wrong.") -> list[dict[str, Any]]:
    """Two scenarios on two runtimes; node answers `old`."""
    defect = {**known(outcome="fail"), "reason": reason, "link": "https://example.org/issues/1"}
    return [
        result("grows", "wasmtime", suite=GROWTH, observations=[observed("the new byte", "old-view")]),
        result("grows", "node", suite=GROWTH, observations=[observed(old, "old-view")]),
        result("shrinks", "wasmtime", suite=GROWTH, outcome="fail", known=defect, message="got 9"),
        result("shrinks", "node", suite=GROWTH, outcome="unsupported", message="no way"),
        *more,
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of two kept records: the older one has another version of node, and an answer that changed since."""
    folder = tmp_path_factory.mktemp("site")
    older = played("undefined", result("shrinks", "node@0.9", suite=GROWTH))
    for number, results in enumerate((older, played("0", reason=HOSTILE))):
        head = {**header(results), "started": f"2026-01-0{number + 1}T00:00:00Z"}
        Records(folder / str(number)).write(results, head=head)
        kept = str(folder / f"{number}.jsonl.xz")
        assert main(["report", "keep", str(folder / str(number) / "out"), kept]) == 0
    assert (
        main(
            [
                "report",
                "publish",
                str(folder / "site"),
                str(folder / "0.jsonl.xz"),
                str(folder / "1.jsonl.xz"),
                "--docs",
                "https://example.org/docs",
            ]
        )
        == 0
    )
    return folder / "site"


class _Links(HTMLParser):
    """The links, the things that are loaded, and the addresses of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            elif name == "href" and value and tag == "a":
                self.links.append(value)
            elif name in ("href", "src") and value:
                self.loads.append(value)


def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = {page: _Links(page) for page in site.rglob("*.html")}
    assert {str(page.relative_to(site)) for page in pages} == {
        "index.html", "suites.html", "suites/growth.html", "runtimes.html", "runtimes/wasmtime.html", "history.html",
        "runtimes/node@1.0.html", "runtimes/node@0.9.html", "defects.html", "changes.html",
    }  # fmt: skip
    for page, found in pages.items():
        assert len(found.ids) == len(set(found.ids)), page
        assert set(found.loads) == {"data:,", "site.css" if page.parent == site else "../site.css"}
        for link in found.links:
            if not link.startswith("https://"):
                name, _, fragment = link.partition("#")
                target = (page.parent / name).resolve() if name else page
                assert target in pages, f"{page}: {link}"
                assert not fragment or fragment in pages[target].ids, f"{page}: {link}"


def text(page: Path) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8").partition("<main")[2]).split())


def test_what_the_pages_say(site: Path) -> None:
    cells = (site / "suites/growth.html").read_text(encoding="utf-8")
    assert '<td id="grows:wasmtime">✓</td>' in cells
    assert '<td id="shrinks:wasmtime" class="s-known">◆</td>' in cells
    assert '<td id="shrinks:node@1.0" class="s-unsupported">○</td>' in cells
    growth = text(site / "suites/growth.html")
    assert "the new byte wasmtime" in growth
    assert "0 node@1.0" in growth  # as the newer record has it
    assert "known defect: got 9" in growth
    changes = text(site / "changes.html")
    assert "4 cases compared" in changes
    assert "old-view: undefined → 0" in changes
    assert "node@0.9 → node@1.0" in text(site / "history.html")
    assert "pass unsupported" in text(site / "history.html")
    defects = (site / "defects.html").read_text(encoding="utf-8")
    assert 'href="https://example.org/issues/1"' in defects
    assert "<script" not in defects  # which the reason has


def test_a_record_that_is_kept_is_one_that_every_command_reads(tmp_path: Path, capsys: Any) -> None:
    results = played("0")
    folder = Records(tmp_path).write(results).parent
    kept = tmp_path / "a.jsonl.xz"
    assert main(["report", "keep", str(folder), str(kept)]) == 0
    whole, bare = inputs.load(folder), inputs.load(kept)
    assert [item.case for item in bare.results] == [item.case for item in whole.results]
    assert bare.summary == whole.summary
    assert main(["diff", str(folder), str(kept)]) == 0
    kept.write_bytes(lzma.compress(b"x"))
    assert main(["report", "publish", str(tmp_path / "site"), str(kept)]) == 2
    kept.write_bytes(b"x")
    assert main(["report", "publish", str(tmp_path / "site"), str(kept)]) == 2
    assert "is no record that was kept" in capsys.readouterr().err


def test_a_folder_with_other_files_and_an_incomplete_run_are_refused(tmp_path: Path, capsys: Any) -> None:
    Records(tmp_path).write(played("0"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    assert main(["report", "publish", str(tmp_path / "mine"), str(tmp_path / "out")]) == 2
    assert "holds files that are no site of linmem's" in capsys.readouterr().err
    assert (tmp_path / "mine" / "thesis.txt").exists()
    Records(tmp_path).write(played("0"), end=None)
    assert main(["report", "publish", str(tmp_path / "site"), str(tmp_path / "out")]) == 2
    assert "the run is incomplete, so it is not published" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_and_a_phone_need_not_scroll_sideways(
    site: Path, browser: Any, scheme: Any, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    for path in sorted(site.rglob("*.html")):
        page.goto(path.as_uri())
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert all(url.startswith(("file:", "data:")) for url in asked)
    context.close()
