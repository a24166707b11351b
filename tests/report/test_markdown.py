from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt
from report_records import HOSTILE, header, known, observed, result, runtime, step

from linmem.report import markdown


def rendered(text):
    return MarkdownIt("commonmark").enable("table").render(text)


def cells(text):
    """Every table's rows, each with its number of cells, as a Markdown reader sees them."""
    tables = re.findall(r"<table>.*?</table>", rendered(text), re.DOTALL)
    return [
        [len(re.findall(r"<t[hd][ >]", row)) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)]
        for table in tables
    ]


def test_the_most_important_stands_first(records):
    results = [
        result(
            "one", outcome="fail", message="24 was due", steps=[step("read u8", "failed", expected="24", actual="25")]
        ),
        result("one", "node", observations=[observed("a")]),
        result("two", known=known(9)),
        result("three", outcome="fail", known=known(12)),
    ]
    text = markdown.render(records.report(results, end=None))
    order = [
        "> **This run is incomplete: the run was killed",
        "> **2 of 4 results are unexpected: 1 failure and 1 unexpected pass.** Fix what failed, or list it",
        "# As far as it was recorded: wasmtime and node both meet 0 of 3 requirements; 2 are broken by at least one of them",
        "- **Met:** 0 requirements of specifications, by both runtimes. Of 2 it is not known everywhere",
        "- **Broken:** 2 requirements, by at least one runtime: wasmtime 2, 1 of them unexpected",
        "- **Left open:** 1 question that specifications leave to the runtime: ",
        "- **Tested:** 3 scenarios, ",
        "wasmtime 1.0; node 1.0",
        "## Unexpected results",
        "- **fail** Memory one on `wasmtime`: 24 was due",
        "at `read u8` (`suites/memory/growth.yaml:17`) expected `24` actual `25`",
        "- **unexpected pass** Memory two",
        "delete the entry at runtimes/wasmtime/known.yaml:9",
        "## Known defects",
        "## Suites × runtimes",
        "| Suite growth | **1 fail**, **1 unexpected**, 1 known defect | 1 pass |",
        "## Broken on some runtimes",
        "**fail** on `wasmtime`",
        "## Open questions",
        "## Environment",
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_a_run_without_a_fault_is_short(records):
    text = markdown.render(records.report([result(), result(runtime="node")]))
    assert text.startswith("# wasmtime and node both meet the one requirement.\n\nNo unexpected result.\n\n- **")
    assert [line for line in text.splitlines() if line.startswith("#")][1:] == [
        "## Suites × runtimes",
        "## Environment",
    ]


def test_hostile_text_neither_becomes_html_nor_breaks_a_table(hostile):
    text = markdown.render(hostile)
    page = rendered(text)
    assert "<script" not in page
    assert "<a " not in page
    assert "<em>" not in page
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert set(re.findall(r"<(\w+)", page)) <= {
        "h1", "h2", "p", "ul", "li", "strong", "code", "br", "table", "thead", "tbody", "tr", "th", "td", "blockquote",
    }  # fmt: skip
    found = cells(text)
    assert len(found) == 4
    assert all(len(set(rows)) == 1 for rows in found)


@pytest.mark.parametrize("text", ["a|b", "a\\|b", "`", "``", "a`b``c", "|", "\\", "<b>", "&amp;", "`a|b`", "a\nb"])
def test_code_shows_just_what_it_was_given(text):
    shown = " ".join(text.split())
    for page in (rendered(markdown.code(text)), rendered(f"| x |\n| --- |\n| {markdown.code(text)} |")):
        (inner,) = re.findall(r"<code>(.*?)</code>", page)
        plain = inner.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
        assert plain == shown


def test_unavailable_runtimes_are_named(records):
    gone = runtime("wasmer", status="unavailable", reason="no wheel", remedy="install CPython 3.10")
    text = markdown.render(records.report([result()], head=header([result()], runtimes=[runtime("wasmtime"), gone])))
    assert "unavailable: no wheel. Remedy: install CPython 3.10." in text


@pytest.mark.slow
def test_a_page_stays_below_1_mib_and_says_what_was_left_out(records):
    labels = [f"runtime{number}" for number in range(6)]
    results = [
        result(f"scenario-{number}", label, "fail" if (number + place) % 2 else "pass", message=HOSTILE * 3,
               title=HOSTILE, observations=[observed(f"{number}{label}{HOSTILE * 2}", id=f"id-{number}")])
        for number in range(600) for place, label in enumerate(labels)
    ]  # fmt: skip
    text = markdown.render(records.report(results))
    assert len(text.encode()) < 1024 * 1024
    for noun in ("failures", "scenarios", "observations"):
        assert re.search(rf"\*[\d,]+ more {noun} left out here; `report\.html` has them\.\*", text)
    assert "## Environment" in text
    assert all(len(set(rows)) == 1 for rows in cells(text))


def test_even_a_page_of_endless_suites_is_cut(records):
    results = [result(suite=f"suites/{number:05}-{'x' * 200}.yaml") for number in range(5000)]
    text = markdown.render(records.report(results))
    assert len(text.encode()) < 1024 * 1024
    assert text.endswith("because it is too long. `report.html` has it all.*\n")


def test_an_upstream_issue_is_linked_and_only_a_web_address(records):
    links = ["https://example.org/issues/1?a=b", "javascript:alert(1)", "https://example.org/>|x"]
    results = [result(f"s{number}", outcome="fail", known=known(number + 1, f"reason {number}", link))
               for number, link in enumerate(links)]  # fmt: skip
    page = rendered(markdown.render(records.report(results)))
    assert re.findall(r'<a href="(.*?)"', page) == ["https://example.org/issues/1?a=b"]
    assert "javascript:alert(1)" in page
    assert all(len(set(rows)) == 1 for rows in cells(markdown.render(records.report(results))))


def test_many_runtimes_are_told_by_their_share(records):
    results = [result(f"s{number}", f"runtime{column}") for number in range(3) for column in range(15)]
    results[0].update(outcome="fail")
    results[1].update(outcome="unsupported")
    text = markdown.render(records.report(results))
    assert "| Suite growth | 66.6% **1 unexpected** | 100% | 100% |" in text


def test_what_some_lack_is_told_apart_from_what_some_break(records):
    outcomes = {"broken": ("pass", "fail"), "lacked": ("pass", "unsupported")}
    results = [
        result(scenario, label, outcome)
        for scenario, pair in outcomes.items()
        for label, outcome in zip(("wasmtime", "node"), pair, strict=True)
    ]
    text = markdown.render(records.report(results))
    broken, lacked = (text.index(f"## {title} on some runtimes") for title in ("Broken", "Missing"))
    assert broken < text.index("Memory broken (`suites/memory/growth.yaml`)") < lacked
    assert lacked < text.index("Memory lacked (`suites/memory/growth.yaml`)")
