"""The comparison's page in a real Chromium: nothing it complains of, nothing that axe-core finds."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import Visit, chromium
from report_records import HOSTILE, Records, header, known, observed, result, runtime

from linmem.compare import diff_text, inputs
from linmem.compare.diff import diff

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A comparison with every kind of change, whose texts are hostile."""
    folder = tmp_path_factory.mktemp("diff")

    def run(name, results, **more):
        head = header(results, **more)
        Records(folder / name).write(results, head=head)
        return inputs.load(folder / name / "out")

    failed = {"outcome": "fail", "message": HOSTILE}
    chance = {"outcome": "fail", "known": known(outcome=None)}
    old = [
        result("one", "node"), result("gone", "node"), result("lost", "wasmtime"), result("asks", "node"),
        result("fails", "node", **failed), result("chance", "node", **chance),
    ]  # fmt: skip
    new = [
        result("one", "node@20", version="20", **failed), result("new", "node@20", version="20"),
        result("asks", "node@20", version="20", observations=[observed(HOSTILE)]),
        result("fails", "node@20", version="20", **{**failed, "message": "otherwise"}),
        result("chance", "node@20", version="20", **{**chance, "message": "otherwise"}),
    ]  # fmt: skip
    found = diff(run("old", old), run("new", new, runtimes=[runtime("node@20")]), (HOSTILE, "new"))
    path = folder / "diff.html"
    path.write_text(diff_text.html(found), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(browser, page, scheme, width):
    seen = Visit(browser, page, scheme=scheme, width=width, bypass_csp=True)
    found = Axe().run(seen.page, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    seen.context.close()


def test_it_runs_nothing_and_asks_for_nothing(browser, page):
    seen = Visit(browser, page)
    assert seen.faults == []
    assert seen.page.locator("script").count() == 0
    assert seen.page.locator("tbody tr").count() >= 6
    assert seen.page.locator("tr[id='suites/memory/growth.yaml::one_node_20_']").inner_text().count("pass → fail") == 1
    seen.context.close()
