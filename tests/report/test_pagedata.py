from __future__ import annotations

import json

import pytest
from report_records import SUITE, header, known, observed, result, step
from synthetic import picture

from linmem.report import pagedata
from linmem.report.matrix import matrix
from linmem.report.pagedata import PageData
from linmem.results.case import Case


def data(report):
    return json.loads(PageData(report, matrix(report)).encoded())


def row(found, scenario):
    """A scenario's cells: None where it was not asked, else missing and parts with their texts."""
    (line,) = [line for suite in found["suites"] for line in suite[4] if line[0] == scenario]
    cells = [None if number < 0 else found["cells"][number] for number in found["vectors"][line[6]]]
    text = found["texts"].__getitem__
    return [
        cell and (cell[0], [
            (found["statuses"][status][0], outcome, text(note), [(text(guest), text(view)) for guest, view in who])
            for status, outcome, note, _, who in cell[1]
        ])
        for cell in cells
    ]  # fmt: skip


def failures(found):
    text = found["texts"].__getitem__
    return [
        {
            "scenario": found["suites"][suite][4][place][0], "column": found["columns"][column][0],
            "status": found["statuses"][status][0], "headline": text(headline),
            "who": [(text(guest), text(view)) for guest, view in who],
            "steps": [text(found["steps"][number][0]) for number in steps], "stderr": text(stderr),
            "known": known_ and [text(known_[0]), known_[1], text(known_[2]), text(known_[3])], "full": full,
        }
        for suite, place, column, status, _, headline, who, steps, stderr, _, known_, full in found["failures"]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (result(outcome="fail", known=known()), "known"),
        (result(known=known()), "unexpected"),
        (result(outcome="unsupported", known=known()), "unexpected"),
        (result(outcome="crash", known=known(outcome="fail")), "crash"),
        (result(outcome="error"), "error"),
        (result(outcome="timeout"), "timeout"),
        (result(outcome="unsupported"), "unsupported"),
        (result(), "pass"),
    ],
)
def test_a_cell_for_every_status(records, line, status):
    ((missing, [(found, *_)]),) = row(data(records.report([line])), "grows")
    assert (missing, found) == (0, status)


def test_a_cell_holds_every_guest_and_view_the_worst_first(records):
    results = [
        result(guest="go", view="read_write"),
        result(guest="go", view="get_buffer_ptr", outcome="crash"),
        result(guest="wat", view="read_write"),
        result(runtime="node"),
    ]
    first, second = row(data(records.report(results)), "grows")
    assert [(status, who) for status, _, _, who in first[1]] == [
        ("crash", [("go", "get_buffer_ptr")]), ("pass", [("go", "read_write"), ("wat", "read_write")]),
    ]  # fmt: skip
    assert [(status, who) for status, _, _, who in second[1]] == [("pass", [("", "")])]


def test_a_runtime_that_was_not_asked_has_no_cell_and_a_missing_result_is_no_pass(records):
    results = [result("one"), result("one", "node"), result("two")]
    lost = result("one", "node", view="DataView")
    found = data(records.report(results, head=header([*results, lost])))
    assert [cell and cell[0] for cell in row(found, "one")] == [0, 1]
    assert row(found, "two")[1] is None


def test_what_repeats_stands_once(records):
    results = [result(f"s{number}", label) for number in range(50) for label in ("wasmtime", "node")]
    found = data(records.report(results))
    assert len(found["cells"]) == len(found["vectors"]) == 1


def test_failures_that_are_alike_are_told_once_and_known_ones_last(records):
    views = [f"View{number}" for number in range(30)]
    results = [result(runtime="node", view=view, outcome="fail", stderr="the same long story") for view in views]
    results.insert(0, result("first", "node", outcome="fail", known=known(9, "upstream", "javascript:alert(1)")))
    told = failures(data(records.report(results)))
    assert [(item["status"], len(item["who"])) for item in told] == [("fail", 30), ("known", 1)]
    assert told[0]["stderr"] == "the same long story"
    place = ["runtimes/wasmtime/known.yaml:9", "runtimes-wasmtime-known-yaml-9"]
    assert told[1]["known"] == [*place, "upstream", ""]  # no web address


def test_the_script_makes_ids_of_what_a_case_s_id_is_like(records):
    patterns = data(records.report([result()]))["ids"]
    names = {"suite": "s.yaml", "scenario": "grows", "runtime": "node", "guest": "go", "view": "DataView"}
    for number, (guest, view) in enumerate([(None, None), (None, "DataView"), ("go", None), ("go", "DataView")]):
        assert patterns[number].format(**names) == Case("s.yaml", "grows", "node", guest, view).id


def test_a_command_to_run_again_carries_what_the_result_depends_on(records):
    command = ["pytest", "suites", "-k", "x", "--guest", "shared_buffer=my dir/main.wasm", "--glue=my glue.js"]
    found = data(records.report([result()], head=header([result()], command=command)))
    assert found["rerun"] == "linmem run '--guest=shared_buffer=my dir/main.wasm' '--glue=my glue.js'"


def test_where_there_is_no_room_the_headline_is_told_and_counted(records, monkeypatch):
    monkeypatch.setattr(pagedata, "_ROOM", 300)
    results = [
        result(f"s{number}", outcome="fail", message=f"message {number}", stderr="x" * 300, steps=[step("read")])
        for number in range(5)
    ]
    page = PageData(report := records.report(results), matrix(report))
    told = failures(json.loads(page.encoded()))
    assert page.untold == 4
    assert [(item["headline"], item["full"], len(item["steps"])) for item in told] == [
        ("message 0", 1, 1), *((f"message {number}", 0, 0) for number in range(1, 5)),
    ]  # fmt: skip


def test_the_same_picture_stands_once_and_too_many_are_left_out(records, monkeypatch):
    same, other = picture(), picture(colour=(1, 2, 3))
    results = [result(f"s{number}", label, pictures=[same]) for number in range(3) for label in ("wasmtime", "node")]
    assert len(data(records.report(results))["pictures"]) == 1
    monkeypatch.setattr(pagedata, "_PICTURES", len(same["png"]))
    found = data(records.report([result(pictures=[same]), result(runtime="node", pictures=[other])]))
    assert [cell[1][0][3] for cell in found["cells"]] == [[0], [-1]]


def test_findings_name_groups_and_silences(records):
    results = [
        *(result(runtime=label, observations=[observed(answer)])
          for label, answer in (("wasmtime", "an error"), ("wasmer", "an error"), ("node", "undefined"))),
        result(runtime="deno", outcome="crash"),
    ]  # fmt: skip
    found = data(records.report(results))
    ((suite, id_, question, agreement, rows, groups, silent),) = found["findings"]
    text = found["texts"].__getitem__
    assert (suite, id_, text(question), found["agreements"][agreement], rows) == (
        0, "stale-read", "What does an old view see?", "differs", [0],
    )  # fmt: skip
    assert [(columns, [text(answer) for answer, *_ in answers]) for columns, answers in groups] == [
        ([0, 1], ["an error"]), ([2], ["undefined"]),
    ]  # fmt: skip
    assert [(text(why), [text(name) for name, *_ in who]) for why, who in silent] == [("crash", ["deno"])]


@pytest.mark.slow
@pytest.mark.parametrize("failing", [False, True])
def test_twenty_runtimes_and_a_thousand_scenarios_fit(records, failing):
    labels = [f"runtime-{number}@10.20.{number}" for number in range(20)]
    results = [
        result(f"a-scenario-with-a-name-of-usual-length-{number:04}", label, "fail" if failing else "pass",
               guest=guest, steps=[step(f"read u8 at {number}", "failed", expected="1", actual="2")] if failing else [],
               message=f"message {number} of {label}" if failing else "",
               stderr=f"a line of standard error {label}\n" * 20 if failing else "")
        for number in range(1000) for label in labels for guest in ([None] if failing else ["go", "wat"])
    ]  # fmt: skip
    report = records.report(results)
    assert len(PageData(report, matrix(report)).encoded()) < (4_500_000 if failing else 300_000)
    assert SUITE in report.summary.suites
