"""The report's first sentences."""

from __future__ import annotations

import json

from report_records import Records, known, observed, result

from linmem.report import headline
from linmem.report.build import build
from linmem.results.document import Report
from linmem.results.outcome import LEFT_OUT
from linmem.results.record import read


def told(report: Report) -> dict[str, str]:
    return {fact.topic: " ".join([fact.text, *fact.items]).strip() for fact in headline.facts(report)}


def test_the_first_screen_of_several_runtimes(records: Records) -> None:
    outcomes = {"kept": ("pass", "pass"), "lacked": ("pass", "unsupported"), "broken": ("fail", "pass")}
    results = [
        result(scenario, label, outcome, known=known() if outcome == "fail" else None)
        for scenario, pair in outcomes.items()
        for label, outcome in zip(("wasmtime", "node"), pair, strict=True)
    ]
    results[0]["observations"], results[1]["observations"] = [observed("a")], [observed("b")]
    says = {"type": "runtime", "label": "node", "language": "JavaScript"}
    report = records.report(results, between=[says])
    assert headline.title(report) == (
        "1 behaviour that specifications demand holds on both runtimes; 1 is broken on at least one."
    )
    assert [fact.topic for fact in headline.facts(report)] == ["kept", "broken", "open", "missing", "asked"]
    assert told(report) == {
        "kept": "1 behaviour on both runtimes; 1 more wherever a runtime has what it needs.",
        "broken": "1 behaviour on at least one runtime: wasmtime 1, a known defect",
        "open": "1 question that specifications do not answer: 0 have one answer everywhere and 1 has different answers.",
        "missing": "1 behaviour not tested everywhere, because a runtime lacks a feature or method: node 1",
        "asked": "wasmtime 1.0 node 1.0 (JavaScript API)",
    }
    assert headline.state(report) == "Nothing unexpected came: the one result that failed is a known defect."


def test_of_a_runtime_alone_what_failed_comes_first(records: Records) -> None:
    report = records.report([result("kept"), result("broken", outcome="fail")])
    assert headline.title(report) == "wasmtime breaks 1 of 2 behaviours that specifications demand."
    assert [fact.topic for fact in headline.facts(report)] == ["broken", "kept", "asked"]
    assert told(report)["broken"] == "1 behaviour, unexpected."


def test_a_run_in_which_nothing_could_be_played_is_no_success(records: Records) -> None:
    report = records.report([result(name, outcome="unsupported") for name in ("one", "two", "three")])
    assert headline.title(report) == "Nothing was tested: wasmtime lacks what all 3 scenarios need."
    both = records.report([result("one", label, "unsupported") for label in ("wasmtime", "node")])
    assert headline.title(both) == "Nothing was tested: every runtime lacks what the one scenario needs."
    assert told(report)["missing"] == "3 behaviours not tested for lack of a feature or method."
    assert "good" not in " ".join([*told(report).values(), headline.state(report)])


def test_what_nobody_waited_for_is_not_called_a_lack(records: Records) -> None:
    slow = result("grows", "pywasm", "unsupported", message=f"{LEFT_OUT}it takes minutes; --slow plays it")
    lacking = result("grows", "node", "unsupported", message="needs memory64")
    report = records.report([slow, lacking, result("grows", "wasmtime")])
    assert told(report)["missing"] == (
        "1 result left out because they take minutes (--slow plays them). "
        "1 behaviour not tested everywhere, because a runtime lacks a feature or method: node 1"
    )


def test_what_the_gate_found_is_in_the_state(records: Records) -> None:
    gate = {"type": "gate", "passed": True, "baseline": "base.yaml", "compared": 2}
    report = build(read(records.write([result()], end=None).parent / "record.jsonl"))
    assert report.gate is None
    path = records.write([result()])
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(gate) + "\n")
    assert headline.state(build(read(path))) == (
        "Nothing unexpected came; nothing got worse since base.yaml (2 cases compared)."
    )
