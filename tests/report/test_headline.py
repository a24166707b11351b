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
        "wasmtime and node both meet 1 of 3 requirements; 1 is broken by at least one of them; the other 1 could "
        "not be tested on at least one."
    )
    assert [fact.topic for fact in headline.facts(report)] == ["kept", "broken", "open", "missing", "asked"]
    assert told(report) == {
        "kept": "1 requirement of specifications, by both runtimes. 1 more by every runtime that could be tested for it.",
        "broken": "1 requirement, by at least one runtime; all are known defects of theirs: wasmtime 1",
        "open": "1 question that specifications leave to the runtime: 0 answered alike everywhere and 1 answered differently.",
        "missing": "1 requirement could not be tested on at least one runtime: node 1: the JavaScript API has no way to test 1",
        "asked": "3 scenarios, each for a requirement, open questions or both. A result is one scenario on one runtime, with "
        "one guest program and one way into its memory: 6 in all. Runtimes: wasmtime 1.0 node 1.0 (JavaScript API)",
    }
    assert (
        headline.state(report) == "No unexpected result: the one result that failed is a known defect of its runtime."
    )


def test_whose_limit_it_is_that_something_is_unsupported(records: Records) -> None:
    lacks = [("engine", "threads"), ("engine", "memory64"), ("engine", "threads"), ("api", ""), ("host", "JavaScript")]
    results = [result(f"s{number}") for number in range(len(lacks))]
    for number, (kind, what) in enumerate(lacks):
        lack = {"kind": kind, "what": what}
        results.append(result(f"s{number}", "wasmer", "unsupported", lack=lack, suite="suites/memory/growth.yaml"))
    results.append(result("other", suite="suites/bounds.yaml"))
    missing = told(records.report(results))["missing"]
    assert missing == (
        "5 requirements could not be tested on at least one runtime: wasmer 5: its engine lacks threads (2) and memory64 (1); "
        "the host API has no way to test 1 (“Suite growth”); 1 does not apply: it is about another language's API"
    )


def test_of_a_runtime_alone_what_failed_comes_first(records: Records) -> None:
    report = records.report([result("kept"), result("broken", outcome="fail")])
    assert headline.title(report) == "wasmtime breaks 1 of 2 requirements and meets 1."
    assert [fact.topic for fact in headline.facts(report)] == ["broken", "kept", "asked"]
    assert told(report)["broken"] == "1 requirement, unexpected."
    assert headline.title(records.report([result("one"), result("two")])) == "wasmtime meets all 2 requirements."
    part = records.report([result("one"), result("two", outcome="unsupported")])
    assert headline.title(part) == "wasmtime meets 1 of 2 requirements; 1 could not be tested."


def test_a_run_in_which_nothing_could_be_played_is_no_success(records: Records) -> None:
    report = records.report([result(name, outcome="unsupported") for name in ("one", "two", "three")])
    assert headline.title(report) == "Nothing was tested: wasmtime does not support any of the 3 scenarios."
    both = records.report([result("one", label, "unsupported") for label in ("wasmtime", "node")])
    assert headline.title(both) == "Nothing was tested: no runtime supports the one scenario."
    assert told(report)["missing"] == "3 requirements could not be tested: the host API has no way to test 3"
    assert "good" not in " ".join([*told(report).values(), headline.state(report)])


def test_what_nobody_waited_for_is_not_called_a_lack(records: Records) -> None:
    slow = result("grows", "pywasm", "unsupported", message=f"{LEFT_OUT}it takes minutes; --slow plays it")
    lacking = result("grows", "node", "unsupported", lack={"kind": "engine", "what": "memory64"})
    report = records.report([slow, lacking, result("grows", "wasmtime")])
    assert told(report)["missing"] == (
        "1 result left out: --slow plays what takes minutes. "
        "1 requirement could not be tested on at least one runtime: node 1: its engine lacks memory64 (1)"
    )


def test_what_the_gate_found_is_in_the_state(records: Records) -> None:
    gate = {"type": "gate", "passed": True, "baseline": "base.yaml", "compared": 2}
    report = build(read(records.write([result()], end=None).parent / "record.jsonl"))
    assert report.gate is None
    path = records.write([result()])
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(gate) + "\n")
    assert headline.state(build(read(path))) == (
        "No unexpected result; nothing got worse since base.yaml (2 results compared)."
    )
