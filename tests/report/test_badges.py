from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from report_records import HOSTILE, header, known, result, runtime

from linmem.report.badges import badges


def shown(report):
    return {name.removesuffix(".json"): json.loads(data) for name, data in badges(report) if name.endswith(".json")}


def test_each_runtime_has_both_forms(records):
    found = dict(badges(records.report([result(runtime="wasmtime@50.0.1"), result(runtime="node")])))
    assert sorted(found) == ["node.json", "node.svg", "wasmtime@50.0.1.json", "wasmtime@50.0.1.svg"]
    assert json.loads(found["node.json"]) == {
        "schemaVersion": 1, "label": "linmem · node 1.0", "message": "1 of 1", "color": "brightgreen",
    }  # fmt: skip
    image = ET.fromstring(found["wasmtime@50.0.1.svg"])
    assert image.attrib["aria-label"] == "linmem · wasmtime@50.0.1: 1 of 1"
    assert [text.text for text in image.iter("{http://www.w3.org/2000/svg}text")] == [
        "linmem · wasmtime@50.0.1",
        "1 of 1",
    ]


@pytest.mark.parametrize(
    ("outcome", "entry", "message", "colour"),
    [
        ("pass", None, "4 of 4", "brightgreen"),
        ("fail", known(), "75%, 1 known defect", "yellowgreen"),
        ("fail", None, "75%, 1 unexpected", "red"),
        ("pass", known(), "75%, 1 unexpected", "red"),  # a known defect that did not come
        ("error", None, "75%, 1 unexpected", "red"),
        ("unsupported", None, "3 of 3", "brightgreen"),
    ],
)
def test_green_is_for_what_passed(records, outcome, entry, message, colour):
    results = [*(result(f"s{number}") for number in range(3)), result("last", outcome=outcome, known=entry)]
    badge = shown(records.report(results))["wasmtime"]
    assert (badge["message"], badge["color"]) == (message, colour)


def test_what_is_not_known_is_grey(records):
    gone = runtime("gone", status="unavailable", reason="no wheel")
    head = header([result(), result(runtime="node")], runtimes=[runtime("wasmtime"), runtime("node"), gone])
    found = shown(records.report([result()], head=head))
    assert {name: badge["message"] for name, badge in found.items()} == {
        "wasmtime": "incomplete", "node": "incomplete", "gone": "unavailable",
    }  # fmt: skip
    only = shown(records.report([result(outcome="unsupported")]))["wasmtime"]
    assert (only["message"], only["color"]) == ("unsupported", "lightgrey")


def test_hostile_names_stay_text(records):
    found = dict(badges(records.report([result(runtime=f"../{HOSTILE}")])))
    assert all("/" not in name for name in found)
    for name, data in found.items():
        if name.endswith(".svg"):
            tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(data).iter()}
            assert tags == {"svg", "title", "clipPath", "rect", "g", "text"}
