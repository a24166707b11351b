from __future__ import annotations

import base64
import hashlib
import re
import shlex
from html.parser import HTMLParser

import pytest
from report_records import SUITE, header, known, observed, result, runtime, step

from reports import html

VOID = {"meta", "link", "input", "br", "hr", "img"}


class Page(HTMLParser):
    """A page taken apart: every tag with its attributes, every text, and whether what is opened is closed."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self.open, self.faults = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []
        assert self.faults == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if len(dict(attrs)) != len(attrs):
            self.faults.append(f"an attribute stands twice in <{tag}>")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def ids(self):
        return [attrs["id"] for _, attrs in self.tags if "id" in attrs]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def page(built):
    return Page(html.render(built))


def test_the_page_opens_with_the_answer(records):
    results = [result(scenario, label) for scenario in ("one", "two") for label in ("wasmtime", "wasmer", "node")]
    results[-1]["outcome"] = "fail"
    answer = "2 scenarios on wasmtime, wasmer and node: 1 behaves alike on all three and 1 differs."
    built = page(records.report(results))
    assert answer in built.text
    assert "1 of 6 results is bad: 1 failure." in built.text
    assert "incomplete" not in built.text


def test_an_incomplete_run_says_so_before_anything_else(records):
    text = html.render(records.report([result(), result(runtime="node")], end=None))
    assert "<title>Incomplete: " in text
    assert text.index("This run is incomplete.") < text.index("<h1>")
    assert "The run was killed" in text
    assert 'role="alert"' in text


def test_a_run_without_results_claims_nothing(records):
    built = page(records.report([], head=header([result()])))
    assert "No result was recorded" in built.text
    assert "alike" not in built.text
    assert "not run" in built.text


def test_one_runtime_is_compared_with_nobody(records):
    built = page(records.report([result(observations=[observed("a")])]))
    assert "1 scenario on wasmtime alone, with nothing to compare." in built.text
    assert "One runtime took part" in built.text
    assert "Safe to rely on" not in built.text
    assert not [attrs for attrs in built.all("input") if attrs.get("id") == "only"]


def test_a_cell_shows_the_worst_and_opens_on_every_guest_and_view(records):
    results = [
        result(runtime="wasmtime", guest="go", view="read_write"),
        result(runtime="wasmtime", guest="go", view="get_buffer_ptr", outcome="crash"),
        result(runtime="wasmtime", guest="wat", view="read_write"),
        result(runtime="node"),
    ]
    text = html.render(records.report(results))
    cell = re.search(r'<td id="growth/grows/wasmtime" class="crash">(.*?)</td>', text)[1]
    assert '<summary class="m">crash <small>1 of 3</small></summary>' in cell
    assert '<b>crash</b> go · get_buffer_ptr <a href="#failure/growth/grows/wasmtime">why</a>' in cell
    assert "<b>pass</b> go, wat · read_write" in cell
    assert '<td id="growth/grows/node" class="pass m">pass</td>' in text


@pytest.mark.parametrize(
    ("line", "css", "label"),
    [
        (result(outcome="fail", known=known()), "known", "known defect"),
        (result(known=known()), "unexpected", "unexpected pass"),
        (result(outcome="unsupported", known=known()), "unexpected", "unexpected unsupported"),
        (result(outcome="crash", known=known(outcome="fail")), "crash", "crash"),
        (result(outcome="error"), "error", "error"),
        (result(outcome="timeout"), "timeout", "timeout"),
        (result(outcome="unsupported"), "unsupported", "unsupported"),
    ],
)
def test_a_cell_for_every_status(records, line, css, label):
    cell = re.search(r'<td id="growth/grows/wasmtime" class="(.*?)">(.*?)</td>', html.render(records.report([line])))
    assert cell[1].split()[0] == css
    assert label in re.sub("<.*?>", "", cell[2])


def test_a_runtime_that_was_not_asked_has_an_empty_cell_not_a_pass(records):
    text = html.render(records.report([result("one"), result("one", "node"), result("two")]))
    row = re.search(r'<tr id="growth/two".*?</tr>', text, re.DOTALL)[0]
    assert row.count("pass") == 2  # its class and its text, of one cell
    assert '<td class="none">not asked</td>' in row


def test_every_link_inside_the_page_leads_somewhere_and_ids_are_unique(records, hostile):
    results = [
        result(runtime=label, outcome=outcome, observations=[observed(label)], known=entry)
        for label, outcome, entry in (
            ("wasmtime", "fail", None),
            ("node", "fail", known()),
            ("wasmer", "pass", known(9)),
        )
    ]
    twin = result(suite="more/growth.yaml", scenario="grows", outcome="fail")
    for built in (hostile, records.report([*results, twin])):
        opened = page(built)
        assert len(opened.ids) == len(set(opened.ids))
        targets = [attrs["href"][1:] for attrs in opened.all("a") if attrs["href"].startswith("#")]
        assert targets
        assert set(targets) <= set(opened.ids)


def test_nothing_is_loaded_from_anywhere(hostile):
    text = html.render(hostile)
    opened = Page(text)
    loading = {"img", "link", "iframe", "object", "embed", "audio", "video", "source", "base", "form"}
    assert {tag for tag, _ in opened.tags} & loading == {"form"}  # the filter's; it has nowhere to go
    assert not [attrs for _, attrs in opened.tags if {"src", "srcset", "action", "formaction"} & set(attrs)]
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = [attrs["content"] for attrs in opened.all("meta") if "http-equiv" in attrs]
    assert policy.startswith("default-src 'none';")


def test_the_policy_allows_just_the_page_s_own_style_and_script(hostile):
    text = html.render(hostile)
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in text


def test_hostile_text_stays_text(hostile):
    text = html.render(hostile)
    opened = Page(text)
    assert text.count("<script>") == 1
    assert text.count("</style>") == 1
    assert "49" not in re.findall(r"\{\{ (.*?) \}\}", text)
    assert "<script>alert(1)</script> | `tick` ``two`` ␛[31mred␛[0m </style> {{ 7*7 }} ⟨U+202E⟩left" in opened.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text)
    assert not [attrs for _, attrs in opened.tags if any(name.startswith("on") for name in attrs)]
    assert {attrs["href"].partition(":")[0] for attrs in opened.all("a") if not attrs["href"].startswith("#")} <= {
        "https"
    }
    assert "javascript:alert(1)" in opened.text


def test_long_texts_are_cut_and_say_so(hostile):
    text = html.render(hostile)
    assert len(text) < 200_000
    assert re.search(r"… \(\d+,\d+ more characters in report\.json\)", text)


def test_a_failure_tells_all_that_is_needed(records):
    steps = [
        step("call grow()", actual="1"),
        step("read u8 at 65536", "failed", expected="24", actual="25", raw="bytearray(b'\\x19')"),
        step("size", "not reached"),
    ]
    failing = result(
        runtime="node", guest="go", outcome="fail", steps=steps, stderr="it complained", message="24 was due"
    )
    opened = page(records.report([result(guest="go"), failing]))
    for words in ("24 was due", "read u8 at 65536", "expected 24 actual 25", "in node’s words bytearray(b'\\x19')",
                  "it complained", "suites/growth.yaml:17", "not reached"):  # fmt: skip
        assert words in opened.text


def test_the_command_to_run_again_survives_a_shell(records):
    nasty = 'memory-grows\'s-$(rm)-`x`-"y"'
    line = result(nasty, "node@18", "fail", guest="my guest", view="a|b")
    command = [
        "pytest",
        "suites",
        "-k",
        "x",
        "--guest",
        "shared_buffer=my dir/main.wasm",
        "--glue=my glue.js",
        "--runtime",
        "node@18",
    ]
    opened = page(records.report([line], head=header([line], command=command)))
    (said,) = [text for text in opened.texts if text.startswith("pytest --guest")]
    assert shlex.split(said) == [
        "pytest", "--guest", "shared_buffer=my dir/main.wasm", "--glue=my glue.js", "--runtime", "node@18", line["id"],
    ]  # fmt: skip


def test_failures_that_are_alike_are_told_once(records):
    views = [f"View{number}" for number in range(30)]
    results = [result(runtime="node", view=view, outcome="fail", stderr="the same long story") for view in views]
    text = html.render(records.report([*results, result()]))
    assert text.count("the same long story") == 1
    assert "All 30 that failed alike" in text
    assert "node · all 30 views" in text


def test_failures_that_are_not_alike_are_told_apart(records):
    results = [result(view=view, outcome="fail", message=f"{view} is wrong") for view in ("A", "B")]
    opened = page(records.report(results))
    assert "A is wrong" in opened.text
    assert "B is wrong" in opened.text


def test_portability_puts_what_is_safe_first(records):
    def asked(scenario, *answers):
        labels = ("wasmtime", "node")
        return [
            result(scenario, label, observations=[observed(answer, id=scenario)])
            for label, answer in zip(labels, answers, strict=True)
        ]

    results = [*asked("differing", "yes", "no"), *asked("agreeing", "always", "always")]
    text = page(records.report(results)).text
    assert text.index("Safe to rely on everywhere") < text.index("always") < text.index("Differs A program")
    assert "all 2 runtimes" in text


def test_unavailable_runtimes_and_guests_are_named_with_reason_and_remedy(records):
    gone = runtime("wasmer", status="unavailable", reason="no wheel for CPython 3.14", remedy="install CPython 3.10")
    guest = {
        "program": "p",
        "guest": "tinygo",
        "status": "unavailable",
        "reason": "tinygo not found",
        "remedy": "install it",
    }
    head = header([result()], runtimes=[runtime("wasmtime"), gone], guests=[guest])
    text = page(records.report([result()], head=head)).text
    assert "Runtime wasmer did not take part: no wheel for CPython 3.14. Remedy: install CPython 3.10." in text
    assert "Guest tinygo of p did not take part: tinygo not found. Remedy: install it." in text


def test_known_defects_name_their_entry(records):
    line = result(outcome="fail", known=known(27, "grow wraps", "https://example.org/issues/1"))
    command = ["pytest", "--known", "my/known.yaml"]
    opened = page(records.report([line], head=header([line], command=command)))
    assert "my/known.yaml:27" in opened.text
    assert {"href": "https://example.org/issues/1", "rel": "noreferrer"} in opened.all("a")


def test_tables_have_captions_and_headers_with_a_scope(records):
    results = [result(observations=[observed("a")]), result(runtime="node", outcome="fail", known=known())]
    opened = page(records.report(results))
    assert len(opened.all("table")) == len(opened.all("caption")) > 3
    assert all(attrs.get("scope") in ("col", "row", "rowgroup") for attrs in opened.all("th"))


@pytest.mark.parametrize("failing", [False, True])
def test_twenty_runtimes_and_a_thousand_scenarios_fit_into_5_mb(records, failing):
    labels = [f"runtime-{number}@10.20.{number}" for number in range(20)]
    results = [
        result(f"a-scenario-with-a-name-of-usual-length-{number:04}", label, "fail" if failing else "pass",
               guest=guest, steps=[step(f"read u8 at {number}", "failed", expected="1", actual="2")] if failing else [],
               stderr="a line of standard error\n" * 20 if failing else "")
        for number in range(1000) for label in labels for guest in ([None] if failing else ["go", "wat"])
    ]  # fmt: skip
    text = html.render(records.report(results))
    assert len(text.encode()) < 5_000_000
    assert text.count("<tr id=") == 1000
    if failing:
        assert "more than can be told here" in text


def test_a_suite_is_named_by_its_path_where_two_have_the_same_name(records):
    opened = page(records.report([result(), result(suite="mine/growth.yaml")]))
    assert {f"{SUITE.replace('/', '-')}/grows", "mine-growth.yaml/grows"} <= set(opened.ids)
