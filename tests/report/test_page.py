"""The report's page in a real browser: drawn, clicked, searched, linked to, used by keyboard and by assistive tools."""

from __future__ import annotations

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import Visit, chromium
from report_records import SUITE, Records, header, hostile_report, known, observed, result, runtime, step
from synthetic import picture, run

from linmem.report import again, html
from linmem.report.build import took_part
from linmem.report.likeness import behaviours, pairs
from linmem.results.document import StatedStep

pytestmark = pytest.mark.slow

VIEWS = ("conformance", "portability", "differences", "failures", "environment")


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def built(folder):
    """A report of some size, with every kind of result."""
    return run(Records(folder / "run"), runtimes=8, scenarios=96)


@pytest.fixture(scope="module")
def small(folder):
    """A report small enough to know by heart."""
    steps = [step("call grow()", actual="1"), step("read u8 at 65536", "failed", expected="24", actual="25", raw="25n"),
             step("size", "not reached")]  # fmt: skip
    failing = result("one", "node", "fail", steps=steps, stderr="it complained", message="24 was due",
                     pictures=[picture()])  # fmt: skip
    defect = known(31, "it is wrong upstream", "https://example.org/issues/1")
    return Records(folder / "small").report([
        failing,
        result("one", "wasmtime"),
        result("one", "wasmer", "unsupported", message="it has no such view"),
        *(result("two", label, observations=[observed(answer, raw="its own words")])
          for label, answer in (("node", "undefined"), ("wasmtime", "an error"), ("wasmer", "an error"))),
        *(result("three", label, observations=[observed("24")]) for label in ("node", "wasmtime", "wasmer")),
        result("four", "node", view="DataView"),
        result("four", "node", view="Uint8Array"),
        result("four", "wasmtime", "crash", view="data_ptr", known=defect),
        result("four", "wasmtime", view="read_write"),
        result("four", "wasmer"),
    ])  # fmt: skip


@pytest.fixture(scope="module")
def few(folder):
    """Eight runtimes with every kind of result, in as few scenarios as have it all."""
    return run(Records(folder / "few"), runtimes=8, scenarios=24)


@pytest.fixture(scope="module")
def page_of(folder):
    """The file with a report's page, which is made once."""
    made = []

    def path_of(report):
        for number, one in enumerate(made):
            if one is report:
                return folder / f"{number}.html"
        path = folder / f"{len(made)}.html"
        path.write_text(html.render(report), encoding="utf-8")
        made.append(report)
        return path

    return path_of


@pytest.fixture
def visit(browser, page_of):
    """Open a report's page; in the end it must have had nothing to complain of."""
    visits = []

    def opened(report, fragment="", **more):
        path = page_of(report)
        visits.append(Visit(browser, path, fragment, **more))
        return visits[-1]

    yield opened
    for one in visits:
        one.context.close()
        assert one.faults == []


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_is_shown_alone_and_linked_to(visit, built, view):
    seen = visit(built)
    seen.is_at(view="conformance")
    seen.page.locator("#bar a", has_text=re.compile(view, re.IGNORECASE)).click()
    seen.is_at(view, view)
    seen.shows(".view", 1)
    seen.shows(f"#view-{view}", 1)
    assert seen.page.locator("#bar a[aria-current=page]").inner_text().lower().startswith(view)
    visit(built, view).is_at(view=view)


def test_a_suite_unfolds_into_its_scenarios_and_folds_again(visit, small):
    seen = visit(small, "conformance")
    button = seen.page.get_by_role("button", name="Suite growth")
    if button.get_attribute("aria-expanded") == "true":
        button.click()
    seen.shows("tr[data-row]", 0)
    button.click()
    assert seen.page.locator("tr[data-row] th").all_inner_texts() == [
        "Memory one", "Memory two\n≠ \ndifferent answers:\nWhat does an old view see?", "Memory three", "Memory four",
    ]  # fmt: skip
    assert [" ".join(cell.split()) for cell in seen.page.locator("tr[data-row='growth/four'] td").all_inner_texts()] == [
        "✓ pass", "◆ known defect 2", "✓ pass",
    ]  # fmt: skip
    assert [" ".join(cell.split()) for cell in seen.page.locator("tr[data-row='growth/two'] td").all_inner_texts()] == [
        "✓ pass undefined", "✓ pass an error", "✓ pass an error",
    ]  # fmt: skip


def test_a_cell_opens_on_its_steps_and_its_address_leads_back_to_it(visit, small):
    seen = visit(small)
    seen.page.locator("a.cell[href='#growth/one/node']").click()
    seen.is_at("growth/one/node")
    for one in (seen, visit(small, "growth/one/node")):
        told = one.text("#panel .chosen")
        for words in ("node", "✗ fail", "24 was due", "call grow() → 1", "read u8 at 65536", "expected 24", "actual 25",
                      "in node’s words 25n", "not reached", f"linmem run --runtime node '{SUITE}::one[node]'"):  # fmt: skip
            assert words in told
        assert "it has no such view" not in told
        one.page.locator("#panel .runtimes summary", has_text="wasmer").click()
        one.page.locator("#panel .runtimes", has_text="it has no such view").wait_for()
        assert one.page.locator("td.marked a").get_attribute("href") == "#growth/one/node"
        picture = one.page.locator("#panel figure img")
        assert picture.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [32, 18]
        assert "framebuffer" in picture.get_attribute("alt")


def test_every_cell_has_an_address(visit, built):
    seen = visit(built)
    seen.page.get_by_role("button", name="Unfold all suites").click()
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")  # draws them all
    addresses = seen.page.locator("a.cell").evaluate_all("all => all.map((cell) => cell.getAttribute('href'))")
    assert len(set(addresses)) == len(addresses) == 8 * 96
    for address in addresses[:: len(addresses) // 7]:
        there = visit(built, address[1:])
        there.shows("#panel .chosen", 1)
        assert there.page.locator("td.marked a").get_attribute("href") == address


def test_the_panel_is_left_by_escape_and_the_focus_returns(visit, small):
    seen = visit(small)
    cell = seen.page.locator("a.cell[href='#growth/two/wasmtime']")
    cell.focus()
    seen.page.keyboard.press("Enter")
    seen.shows("#panel", 1)
    seen.until("document.activeElement.id", "panel-h")
    seen.page.keyboard.press("Escape")
    seen.shows("#panel", 0)
    seen.until("document.activeElement.getAttribute('href')", "#growth/two/wasmtime")
    seen.is_at("conformance")


def test_arrows_go_from_cell_to_cell(visit, small):
    seen = visit(small)
    seen.page.locator("tr[data-row='growth/one'] a.row").focus()
    for key, expected in (("ArrowRight", "#growth/one/node"), ("ArrowDown", "#growth/two/node"),
                          ("ArrowRight", "#growth/two/wasmtime"), ("ArrowUp", "#growth/one/wasmtime"),
                          ("ArrowLeft", "#growth/one/node"), ("ArrowLeft", "#growth/one")):  # fmt: skip
        seen.page.keyboard.press(key)
        seen.until("document.activeElement.getAttribute('href')", expected)
    assert seen.page.locator("#matrix a[tabindex='0']").count() == 1
    seen.page.keyboard.press("ArrowUp")
    seen.until("document.activeElement.className", "fold")


def test_keys_choose_views_and_the_search(visit, small):
    seen = visit(small)
    for number, view in enumerate(VIEWS, 1):
        seen.page.keyboard.press(str(number))
        seen.is_at(view=view)
    seen.page.keyboard.press("1")
    seen.page.keyboard.press("/")
    seen.page.keyboard.type("three 1/")
    assert seen.page.locator("#q").input_value() == "three 1/"
    seen.is_at(view="conformance")


def test_search_filters_each_view_and_counts(visit, small):
    seen = visit(small)
    seen.page.fill("#q", "crash MEMORY data_ptr")
    seen.until("document.getElementById('found').value", "0 scenarios")
    seen.page.fill("#q", "known node")
    seen.until("document.getElementById('found').value", "1 scenario")
    assert seen.page.locator("tr[data-row]").evaluate_all("rows => rows.map((row) => row.dataset.row)") == [
        "growth/four"
    ]
    seen.page.fill("#q", "undefined")
    seen.page.keyboard.press("2")  # typed into the search, not taken for a key
    seen.page.fill("#q", "undefined")
    seen.page.locator("#bar a", has_text="Portability").click()
    assert seen.page.locator("details.finding").count() == 1
    assert seen.text("#found") == "1 finding"
    seen.page.locator("#bar a", has_text="Failures").click()
    assert "Nothing matches." in seen.text("#failure-list")


def test_an_address_can_carry_a_search(visit, built, small):
    seen = visit(small, "conformance?q=memory%20two&show=differ")
    assert seen.page.locator("#q").input_value() == "memory two"
    assert seen.page.locator("tr[data-row]").evaluate_all("rows => rows.map((row) => row.dataset.row)") == [
        "growth/two"
    ]
    bad = visit(built, "conformance?show=unexpected")
    shown = bad.page.locator("tr[data-row]").count()
    assert shown
    assert bad.page.locator("tr[data-row]:has(td.s-fail, td.s-crash, td.s-timeout)").count() == shown


def test_a_link_to_what_a_filter_hides_shows_it_all_the_same(visit, small):
    seen = visit(small, "conformance?q=three")
    seen.go("growth/one/node")
    seen.page.wait_for_selector("td.marked")
    assert seen.page.locator("#q").input_value() == ""


def test_portability_groups_runtimes_that_answer_alike(visit, small):
    seen = visit(small, "portability")
    assert seen.page.locator("#findings .chip").all_inner_texts() == ["All questions 1", "different answers 1"]
    assert seen.text("details.topic > summary") == "Suite growth 1 question 1 different answers"
    assert seen.page.locator("section.part > h4").all_inner_texts() == ["One answer everywhere", "Different answers"]
    assert "24" in seen.text("[data-part=everywhere] summary")
    assert "undefined" in seen.text("[data-part=differs] summary")
    seen.open_all()
    strip = seen.page.locator("[data-part=differs] .strip")
    assert strip.get_attribute("aria-label") == "A: wasmtime, wasmer; B: node"
    assert strip.locator("i").all_inner_texts() == ["B", "A", "A"]
    told = seen.text("[data-part=differs] .groups")
    assert "wasmtime, wasmer an error" in told
    assert "node undefined" in told
    colours = strip.locator("i").evaluate_all("all => all.map((one) => getComputedStyle(one).backgroundColor)")
    assert colours[1] == colours[2] != colours[0]


def test_a_finding_has_an_address(visit, small):
    seen = visit(small, "portability")
    seen.open_all()
    seen.page.locator("[data-part=differs] a", has_text=re.compile("^link$")).click()
    seen.is_at("observed/growth/stale-read/two")
    again = visit(small, seen.fragment)
    again.is_at(view="portability")
    assert again.page.locator("details.finding.marked").get_attribute("data-address") == seen.fragment


def test_any_two_runtimes_can_be_compared(visit, small):
    seen = visit(small, "differences")
    seen.page.select_option("#one", label="wasmtime 1.0")
    seen.page.select_option("#other", label="wasmer 1.0")
    seen.is_at("differences/wasmtime/wasmer")
    assert seen.text("#pair .lead") == (
        "Of 4 scenarios, wasmtime and wasmer behave alike in 2. One breaks what the other keeps, or each breaks it in its "
        "own way, in 1; open questions are answered differently in 0; one or both can’t be tested in 1."
    )
    assert seen.page.locator("#pair .sides tbody th a").all_inner_texts() == ["Memory four", "Memory one"]
    seen.go("differences/node/wasmer")
    seen.until("document.querySelector('#pair .lead').textContent.includes('node and wasmer')")
    assert "answered differently in 1; one or both can’t be tested in 0." in seen.text("#pair .lead")
    assert "undefined" in seen.text("#pair .sides >> nth=1")


def test_differences_are_told_topic_by_topic_and_in_full_on_request(visit, built):
    seen = visit(built, "differences")
    topics = seen.page.locator("#pair details.topic")
    assert topics.count() > 1
    assert seen.page.locator("#pair .sides").count() == 0
    assert seen.page.locator("#pair").bounding_box()["height"] < 100 * topics.count() + 1200
    topics.first.locator("summary").click()
    seen.until("document.querySelectorAll('#pair .sides tbody tr').length > 0")
    assert "broken by one" in seen.text("#pair")
    seen.page.locator("#pair .chip", has_text="Unsupported").click()
    assert "broken by one" not in " ".join(topics.all_inner_texts())


def test_the_page_compares_as_python_does(visit, built, folder):
    text = html.render(built)
    hook = text.replace(
        '  root.classList.add("ready");', '  root.classList.add("ready"); window.counts = differenceView.counts;'
    )
    assert hook != text
    path = folder / "hooked.html"
    path.write_text(hook, encoding="utf-8")
    seen = visit(built, bypass_csp=True)
    seen.page.goto(path.as_uri())
    counts = seen.page.evaluate("counts()")
    seen.faults.clear()  # the second page is not the one that was named
    labels = [runtime.label for runtime in took_part(built)]
    assert counts == [
        [pair.one, pair.other, pair.alike, pair.deviates, pair.differs, pair.lacks, pair.apart]
        for pair in pairs(behaviours(built), labels)
    ]
    assert len(counts) == 8 * 7 / 2
    assert all(any(pair[place] for pair in counts) for place in (3, 4, 5))


@pytest.fixture(scope="module")
def related(folder):
    """Four runtimes, of which two have one engine and two one host API."""
    answers = {"node": "an error", "deno": "an error", "wasmtime": "nothing", "wasmtime-go": "the byte"}
    results = [result("one", label, observations=[observed(answer)]) for label, answer in answers.items()]
    results += [result("two", label, "fail" if label == "deno" else "pass") for label in answers]
    shared = {"node": ("V8", "JavaScript API"), "deno": ("V8", "JavaScript API"), "wasmtime": ("Wasmtime", "wasmtime-py"),
              "wasmtime-go": ("Wasmtime", "wasmtime-go")}  # fmt: skip
    order = ("node", "wasmtime", "deno", "wasmtime-go")
    runtimes = [runtime(label, family=shared[label][0], api=shared[label][1]) for label in order]
    return Records(folder / "related").report(results, head=header(results, runtimes=runtimes))


def columns_of(seen):
    return [text.split()[0] for text in seen.page.locator("#matrix thead tr:last-child th").all_inner_texts()[1:]]


def cells_of(seen, row):
    return [
        href.split("/")[-1]
        for href in seen.page.locator(f"tr[data-row='{row}'] a.cell").evaluate_all(
            "all => all.map((one) => one.getAttribute('href'))"
        )
    ]


def test_columns_are_grouped_and_chosen_and_the_address_keeps_it(visit, related):
    seen = visit(related)
    assert columns_of(seen) == ["node", "wasmtime", "deno", "wasmtime-go"]
    seen.page.locator("#columns summary").click()
    seen.page.select_option("#grouping", label="by engine")
    assert columns_of(seen) == cells_of(seen, "growth/two") == ["node", "deno", "wasmtime", "wasmtime-go"]
    heads = seen.page.locator("#matrix tr.groups th")
    assert heads.all_inner_texts() == ["V8", "Wasmtime"]
    assert heads.evaluate_all("all => all.map((one) => one.colSpan)") == [2, 2]
    seen.page.locator("#columns input[value=node]").uncheck()
    assert columns_of(seen) == cells_of(seen, "growth/two") == ["deno", "wasmtime", "wasmtime-go"]
    assert "fail" in seen.page.locator("tr[data-row='growth/two'] td").first.get_attribute("class")
    assert seen.text("#columns summary") == "Columns: 3 of 4"
    assert seen.fragment == "conformance?group=engine&columns=deno,wasmtime,wasmtime-go"
    again = visit(related, seen.fragment)
    assert columns_of(again) == ["deno", "wasmtime", "wasmtime-go"]
    again.page.keyboard.press("Escape")
    again.go("growth/two/node")  # a link to a column that is not shown shows it
    again.page.wait_for_selector("td.marked")
    assert columns_of(again) == ["node", "deno", "wasmtime", "wasmtime-go"]


def test_what_differs_is_told_of_the_columns_that_are_shown(visit, related):
    seen = visit(related, "conformance?show=differ&columns=node,deno")
    assert seen.page.locator("tr[data-row]").count() == 0
    seen = visit(related, "conformance?show=differ&columns=node,wasmtime")
    assert cells_of(seen, "growth/one") == ["node", "wasmtime"]
    assert visit(related, "conformance?show=unexpected&columns=node,wasmtime").page.locator("tr[data-row]").count() == 0
    assert visit(related, "conformance?show=unexpected&columns=deno").page.locator("tr[data-row]").count() == 1
    strips = visit(related, "portability?columns=node,wasmtime")
    strips.open_all()
    assert strips.page.locator(".strip i").count() == 2


def test_one_engine_with_two_host_apis_is_a_comparison_of_its_own(visit, related):
    seen = visit(related, "differences")
    assert seen.text(".siblings tbody tr") == "Wasmtime wasmtime (wasmtime-py) and wasmtime-go (wasmtime-go) 0 1 0"
    seen.page.locator(".siblings a").click()
    seen.is_at("differences/wasmtime/wasmtime-go")
    assert seen.page.locator("table.pairs tbody tr").count() == 4
    assert visit(related, "differences?columns=node,deno,wasmtime").page.locator("table.pairs tbody tr").count() == 3


def test_failures_tell_their_story_on_request(visit, small):
    seen = visit(small, "failures")
    assert seen.page.locator("#failure-list .chip").all_inner_texts() == [
        "Unexpected 1",
        "✗ fail 1",
        "◆ known defect 1",
    ]
    told = seen.text("#failure-list .failure")
    assert "24 was due" in told
    assert "linmem run --runtime node" in told
    seen.page.locator("#failure-list .chip", has_text="known defect").click()
    told = seen.text("#failure-list .failure")
    assert "Memory four on wasmtime data_ptr" in told
    assert "runtimes/wasmtime/known.yaml:31" in told
    assert seen.page.locator("#failure-list a[href='https://example.org/issues/1']").count() == 1
    linked = visit(small, "failure/growth/four/wasmtime")
    linked.is_at(view="failures")
    assert "Memory four" in linked.text(".failure.marked")


def test_the_command_to_run_again_is_the_same_everywhere(visit, folder):
    rows = [result("one", outcome="fail"), result("two", "mine:fast", "fail", suite="../my suites/it's.yaml")]
    command = [
        "linmem",
        "run",
        "--suites=../my suites/it's.yaml",
        "--runtime",
        "node",
        "--runtime=../my own/mine:fast",
        "--slow",
    ]
    report = Records(folder / "again").report(rows, head=header(rows, command=command))
    expected = {again.rerun(report, [row]) for row in report.results}
    told = visit(report, "failures").page.locator(".command code").all_text_contents()
    assert set(told) == expected


def test_the_standard_error_and_the_command_can_be_had(visit, small):
    seen = visit(small, "failure/growth/one/node", permissions=["clipboard-read", "clipboard-write"])
    seen.page.locator("summary", has_text="standard error").click()
    assert seen.text(".failure pre") == "it complained"
    seen.page.locator(".failure .copy").click()
    seen.until("document.querySelector('.failure .copy').textContent", "Copied")
    assert seen.page.evaluate("navigator.clipboard.readText()") == f"linmem run --runtime node '{SUITE}::one[node]'"


def test_light_and_dark_by_system_and_by_choice(visit, small):
    def paper(seen):
        return seen.page.evaluate("getComputedStyle(document.body).backgroundColor")

    light, dark = visit(small), visit(small, scheme="dark")
    assert paper(light) != paper(dark)
    dark.page.locator("#theme").click()
    assert paper(dark) == paper(light)
    assert dark.text("#theme") == "Theme: light"
    dark.page.reload()
    assert paper(dark) == paper(light)
    light.page.locator("#theme").click()
    light.page.locator("#theme").click()
    assert light.text("#theme") == "Theme: dark"
    assert paper(light) != paper(dark)


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_shows_it_all_without_scrolling_the_page_sideways(visit, built, width):
    for fragment in (*VIEWS, "suite_03?show=differ"):
        seen = visit(built, fragment, width=width, height=844)
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_prints_what_is_shown(visit, small):
    seen = visit(small, "failures")
    seen.page.emulate_media(media="print")
    seen.shows(".bar", 0)
    assert seen.page.pdf()[:4] == b"%PDF"


def test_a_wide_table_fits_on_paper(visit, built):
    seen = visit(built, "suite_02", width=794, height=1123)
    seen.page.emulate_media(media="print")
    assert seen.page.evaluate("document.getElementById('matrix').getBoundingClientRect().right") <= 794


def test_rows_that_are_drawn_late_move_nothing(visit, built):
    seen = visit(built, "suite_02")
    seen.page.get_by_role("button", name="Unfold all suites").click()
    before = seen.page.evaluate("document.getElementById('matrix').offsetHeight")
    assert seen.page.locator("td.spacer").count() > 0
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.page.locator("td.spacer").count() == 0
    assert seen.page.evaluate("document.getElementById('matrix').offsetHeight") == before


def test_without_javascript_the_summary_is_there(visit, small):
    seen = visit(small, java_script_enabled=False)
    seen.shows(".view", 5)
    page = seen.page.locator("main").inner_text()
    for words in (
        "Suite growth",
        "24 was due",
        "linmem run --runtime node",
        "it is wrong upstream",
        "What does an old view see?",
    ):
        assert words in page
    seen.shows(".needs-js", 0)


def test_hostile_text_stays_text(visit, folder):
    report = hostile_report(Records(folder / "hostile"))
    seen = visit(report)
    scripts = seen.page.locator("script").count()
    for view in VIEWS:
        seen.go(view)
        seen.until("document.documentElement.dataset.view", view)
        seen.open_all()
        assert seen.page.locator("script").count() == scripts
    for address in seen.page.evaluate("[...document.querySelectorAll('a.cell')].map((one) => one.hash.slice(1))"):
        seen.go(address)
        seen.until("document.getElementById('panel').open")
        seen.open_all()
        assert "<script>alert(1)</script>" in seen.page.locator("#panel").inner_text()
    hrefs = seen.page.locator("a").evaluate_all("all => all.map((one) => one.href)")
    assert not [href for href in hrefs if href.startswith("javascript:")]
    assert seen.page.evaluate(
        "[...document.querySelectorAll('*')].every((one) => [...one.attributes].every(({ name }) => !name.startsWith('on')))"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(visit, few, scheme, width):
    # As high as the panel's content: axe takes what lies below the fold of a fixed element for hidden.
    seen = visit(few, scheme=scheme, width=width, height=4000, bypass_csp=True)
    for fragment in ("suite_00", *VIEWS[1:], failing(few)):
        seen.go(fragment)
        seen.page.wait_for_timeout(100)
        seen.open_all()
        found = Axe().run(seen.page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, f"{fragment}: {found.generate_report()}"
    seen.shows("#panel .chosen", 1)


def failing(report):
    first = next(item for item in report.results if item.outcome == "crash")
    return f"{first.suite[7:-5]}/{first.scenario}/{first.label}"


def test_axe_would_find_something(visit, small):
    seen = visit(small, bypass_csp=True)
    seen.page.evaluate("document.querySelector('#q').removeAttribute('aria-label')")
    seen.page.evaluate("document.querySelector('#q').removeAttribute('placeholder')")
    seen.page.evaluate("document.querySelector('.eyebrow').style.color = '#aaa'")
    found = Axe().run(seen.page, options={"resultTypes": ["violations"]}).response["violations"]
    assert {item["id"] for item in found} == {"label", "color-contrast"}


def test_twenty_runtimes_and_a_thousand_scenarios(visit, tmp_path):
    report = run(Records(tmp_path), runtimes=20, scenarios=1000)
    text = html.render(report)
    assert len(text.encode()) < 5_000_000
    seen = visit(report)
    assert seen.text("h1").startswith("All 20 runtimes meet ")
    assert re.fullmatch(r"\d+ runtimes more", seen.text(".missing details summary"))
    assert seen.page.locator("tbody.suite td").count() == 12 * 20
    seen.go("suite_11")
    seen.page.wait_for_selector("tr[data-row]")
    assert seen.page.locator("tr[data-row]").count() < 200  # the others are drawn when they are scrolled to
    assert json.loads(seen.page.locator("#data").text_content())["columns"][19]
    for fragment in ("", "suite_11", *VIEWS[1:]):
        assert visit(report, fragment).shifts() < 0.01


def test_a_passing_cell_shows_what_was_done(visit, folder):
    report = Records(folder / "steps").report(
        [result("one", "node"), result("one", "wasmtime", "fail", message="24 was due"), result("two", "node")]
    )
    entry = report.scenarios[SUITE, "one"]
    entry.steps = [
        StatedStep(line=12, text="call store(24)"),
        StatedStep(line=14, text="read u8 at 16", expects="24", asks="What does it read?"),
    ]
    seen = visit(report, "growth/one/node")
    steps = seen.page.locator("#panel [data-column=node] ol.steps li")
    assert [" ".join(text.split()) for text in steps.all_inner_texts()] == [
        "call store(24) line 12",
        "read u8 at 16 → 24 asks: What does it read? line 14",
    ]
    seen.go("growth/one/wasmtime")
    assert seen.page.locator("#panel [data-column=wasmtime] ol.steps").count() == 0
