from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from report_records import HOSTILE, header, known, observed, result, runtime

from linmem.report import html
from linmem.report.anchors import VIEWS

VOID = {"meta", "link", "input", "br", "hr", "img", "col"}


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
        if not {"script", "style"} & set(self.open):
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
    answer = "wasmtime, wasmer and node all meet 1 of 2 requirements; 1 is broken by at least one of them."
    built = page(records.report(results))
    assert answer in built.text
    assert "1 of 6 results is unexpected: 1 failure." in built.text
    assert "incomplete" not in built.text


def test_an_incomplete_run_says_so_before_anything_else(records):
    text = html.render(records.report([result(), result(runtime="node")], end=None))
    assert "<title>Incomplete: " in text
    assert text.index("This run is incomplete: ") < text.index("<h1>")
    assert "the run was killed" in text
    assert 'role="alert"' in text


def test_a_run_without_results_claims_nothing(records):
    built = page(records.report([], head=header([result()])))
    assert "No result was recorded" in built.text
    assert "alike" not in built.text
    assert "not run" in built.text


def test_one_runtime_is_compared_with_nobody(records):
    built = page(records.report([result(observations=[observed("a")])]))
    assert "wasmtime meets the one requirement." in built.text
    assert "there is no other runtime to compare the answers with" in built.text
    assert not [attrs for attrs in built.all("option") if attrs["value"] == "differ"]


def test_broken_missing_and_different_are_told_apart_suite_by_suite(records):
    outcomes = {"one": ("pass", "fail"), "two": ("pass", "unsupported"), "three": ("pass", "pass")}
    results = [
        result(scenario, label, outcome, observations=[observed(label)] if scenario == "three" else [])
        for scenario, pair in outcomes.items()
        for label, outcome in zip(("wasmtime", "node"), pair, strict=True)
    ]
    built = page(records.report(results))
    assert "3 scenarios, 1 broken somewhere , 1 unsupported somewhere , 1 with different answers" in built.text


@pytest.mark.parametrize(
    ("counts", "text", "words"),
    [
        ({"pass": 3}, "100%", "3 of 3 pass"),
        ({"pass": 1999, "fail": 1}, "99.9%", "1,999 of 2,000 pass, 1 unexpected"),
        (
            {"pass": 1, "known": 1, "unexpected": 1, "unsupported": 2},
            "33.3%",
            "1 of 3 pass, 1 unexpected, 1 known, 2 unsupported",
        ),
        ({"unsupported": 4}, "–", "4 unsupported"),
        ({"missing": 2}, "–", "2 not run"),
        ({"pass": 2, "missing": 2}, "100%?", "2 of 2 pass, 2 not run"),
        ({"error": 1}, "0%", "0 of 1 pass, 1 unexpected"),
    ],
)
def test_a_share_of_passes_is_never_better_than_it_is(counts, text, words):
    share = html.share(counts)
    assert (share.text, share.words) == (text, words)
    assert {kind for kind, _, _ in share.parts} <= {"pass", "known", "bad", "unsupported", "missing"}


def test_nothing_asked_has_no_share():
    assert html.share({}) is None


def test_ids_are_unique_and_the_bar_leads_to_views(records, hostile):
    twin = result(suite="more/growth.yaml", scenario="grows", outcome="fail")
    for built in (hostile, records.report([result(outcome="fail", known=known()), result(runtime="node"), twin])):
        opened = page(built)
        assert len(opened.ids) == len(set(opened.ids))
        targets = [attrs["href"][1:] for attrs in opened.all("a") if attrs["href"] in map("#{}".format, VIEWS)]
        assert list(dict.fromkeys(targets[-len(VIEWS) :])) == list(VIEWS)
        assert set(targets) <= set(opened.ids)


def test_nothing_is_loaded_from_anywhere(hostile):
    text = html.render(hostile)
    opened = Page(text)
    loading = {"img", "link", "iframe", "object", "embed", "audio", "video", "source", "base", "form"}
    assert {tag for tag, _ in opened.tags} & loading == {"form"}  # the search's; it has nowhere to go
    assert not [attrs for _, attrs in opened.tags if {"src", "srcset", "action", "formaction"} & set(attrs)]
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = [attrs["content"] for attrs in opened.all("meta") if "http-equiv" in attrs]
    assert policy.startswith("default-src 'none';")


def test_the_policy_allows_just_the_page_s_own_style_and_scripts(hostile):
    text = html.render(hostile)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)">', text)
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (allowed,) = re.findall(rf"{directive} (.*?);", policy)
        inline = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in inline]
        assert allowed == " ".join(f"'sha256-{digest}'" for digest in digests)
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
    assert "unsafe" not in policy


def test_hostile_text_stays_text(hostile):
    text = html.render(hostile)
    opened = Page(text)
    assert len(re.findall("<script", text)) == len(re.findall("</script>", text)) == 3
    assert text.count("</style>") == 1
    assert (
        "<script>alert(1)</script> | `tick` ``two`` \\x1b[31mred\\x1b[0m </style> {{ 7*7 }} \\u202eleft" in opened.text
    )
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


def test_the_data_can_neither_end_its_element_nor_be_markup(hostile):
    text = html.render(hostile)
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert not set(data) & set("<>&\u2028\u2029")
    assert HOSTILE[:40] in json.loads(data)["texts"][1] + "".join(json.loads(data)["texts"])


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
    line = result(outcome="fail", known=known(27, "grow wraps", "https://example.org/issues/1", file="my/known.yaml"))
    command = ["linmem", "run", "--known", "my/known.yaml"]
    opened = page(records.report([line], head=header([line], command=command)))
    assert "my/known.yaml:27" in opened.text
    assert {"href": "https://example.org/issues/1", "rel": "noreferrer"} in opened.all("a")


def test_tables_have_captions_and_headers_with_a_scope(records):
    results = [result(observations=[observed("a")]), result(runtime="node", outcome="fail", known=known())]
    opened = page(records.report(results))
    assert len(opened.all("table")) == len(opened.all("caption")) == 4
    assert all(attrs.get("scope") in ("col", "row", "rowgroup") for attrs in opened.all("th"))


def test_a_suite_is_named_by_its_path_where_two_have_the_same_name(records):
    built = records.report([result(), result(suite="mine/growth.yaml")])
    data = json.loads(re.search(r'id="data">(.*?)</script>', html.render(built))[1])
    assert [suite[0] for suite in data["suites"]] == ["suites-memory-growth.yaml", "mine-growth.yaml"]


def test_a_guest_that_is_missing_in_several_programs_is_told_once(records):
    gone = {"guest": "tinygo", "status": "unavailable", "reason": "tinygo not found", "remedy": "install it"}
    guests = [{"program": program, **gone} for program in ("managed", "shared_buffer")]
    text = page(records.report([result()], head=header([result()], guests=guests))).text
    assert "Guest tinygo of managed and shared_buffer did not take part: tinygo not found." in text
