from __future__ import annotations

import json
import random

import jsonschema_rs
import msgspec
import pytest
from report_records import SUITE, case, header, known, observed, result, runtime

from linmem.report import build as report
from linmem.report import findings, likeness
from linmem.results import record
from linmem.results.document import as_json


def subjects(groups, key):
    return {getattr(group, key): [(s.runtime, s.view, s.guests) for s in group.subjects] for group in groups}


def check(schema, built):
    jsonschema_rs.Draft202012Validator(schema).validate(json.loads(as_json(built)))


# ---------------------------------------------------------------------------------------- the document


def test_reports_of_every_kind_fit_the_published_schema(records, hostile, schema):
    check(schema, hostile)
    check(schema, records.report([]))
    check(schema, records.report([result(), result(runtime="node", outcome="crash")], end=None))
    check(schema, records.report([result()], head=header([result(), result("planned")])))
    check(schema, records.report([result(observations=[observed("a")]), result(runtime="node")]))


def test_the_schema_refuses_a_report_that_hides_why_it_is_incomplete(records, schema):
    built = records.report([result()], end=None)
    built.reason = None
    with pytest.raises(jsonschema_rs.ValidationError):
        check(schema, built)


def test_the_schema_names_every_field(records, schema):
    built = msgspec.to_builtins(records.report([result()]))
    assert sorted(built) == sorted(schema["required"]) == sorted(schema["properties"])


def test_a_report_comes_back_from_its_file_as_it_was(hostile, tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(as_json(hostile).encode())
    assert report.load(path) == hostile


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no linmem report"),
        (b"[1]", "is no linmem report"),
        (b"\xff", "is no linmem report"),
        (b"{}", "has schema ''; this linmem reads 'linmem-report/3'"),
        (b'{"schema":"linmem-report/1"}', "has schema 'linmem-report/1'"),
        (b'{"schema":"linmem-report/3"}', "is no linmem report: Object missing required field"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(report.ReportError) as error:
        report.load(path)
    assert str(error.value).startswith(f"{path}: {message}")
    assert "\n" not in str(error.value)


def test_the_order_of_results_in_the_record_does_not_matter(records):
    results = [
        result(scenario, label, guest=guest, observations=[observed(label)])
        for scenario in ("one", "two")
        for label in ("wasmtime", "wasmer", "node")
        for guest in ("go", "wat")
    ]
    head = header(results)
    first = records.report(results, head=head)
    random.Random(1).shuffle(results)
    assert as_json(records.report(results, head=head)) == as_json(first)


# --------------------------------------------------------------------- runtimes, suites and what lacks


def test_what_a_driver_said_stands_with_its_runtime(records):
    says = {
        "type": "runtime",
        "label": "node",
        "engine": "V8",
        "host": "Node",
        "views": ["DataView"],
        "features": {"simd": True},
    }
    node = records.report([result(runtime="node")], between=[says]).runtimes[0]
    assert (node.engine, node.host, node.views, node.features) == ("V8", "Node", ["DataView"], {"simd": True})


def test_two_versions_of_a_runtime_are_two_columns(records):
    results = [result(runtime="node@18.4.0"), result(runtime="node@24.19.0", outcome="fail")]
    built = records.report(results)
    assert built.summary.runtimes == {"node@18.4.0": {"pass": 1}, "node@24.19.0": {"fail": 1}}


def test_a_result_that_nothing_announced_still_counts(records):
    head = header([result()], runtimes=[runtime("wasmtime")])
    stranger = result("elsewhere", "deno:v8@2.9", "fail", suite="suites/x.yaml")
    built = records.report([result(), stranger], head=head)
    deno = built.runtimes[1]
    assert (deno.label, deno.name, deno.variant, deno.version) == ("deno:v8@2.9", "deno", "v8", "2.9")
    assert built.summary.suites["suites/x.yaml"].runtimes["deno:v8@2.9"] == {"fail": 1}


def test_an_unavailable_runtime_is_in_the_report_but_no_column(records):
    gone = runtime("wasmer", status="unavailable", reason="no wheel", remedy="use CPython 3.10")
    head = header([result()], runtimes=[runtime("wasmtime"), gone])
    built = records.report([result()], head=head)
    assert [item.label for item in built.runtimes] == ["wasmtime", "wasmer"]
    assert [item.label for item in report.took_part(built)] == ["wasmtime"]


def test_missing_results_are_put_where_they_belong(records):
    planned = [
        result(runtime="node", guest="go", view="DataView"),
        result(runtime="node:x@1.0", guest="node-like"),
        result("gone", "node"),
    ]
    head = header(planned)
    head["planned"] += [case("never", "node", suite="suites/y.yaml"), case("grows", "deno")]  # not announced
    built = records.report([], head=head)
    assert [(item.scenario, item.runtime, item.guest, item.view) for item in built.missing] == [
        ("grows", "node", "go", "DataView"), ("grows", "node:x@1.0", "node-like", None), ("gone", "node", None, None),
        ("never", "node", None, None), ("grows", "deno", None, None),
    ]  # fmt: skip
    assert built.summary.total == {"missing": 5}
    counts = {"node": 3, "node:x@1.0": 1, "deno": 1}
    assert built.summary.runtimes == {label: {"missing": count} for label, count in counts.items()}
    assert built.summary.suites["suites/y.yaml"].total == {"missing": 1}
    assert not built.complete


def test_counts_tell_known_defects_and_unexpected_passes_apart(records):
    built = records.report(
        [
            result("a"),
            result("b", outcome="fail"),
            result("c", outcome="fail", known=known(outcome="fail")),
            result("d", outcome="pass", known=known()),
            result("e", outcome="crash", known=known(outcome="fail")),
            result("f", outcome="unsupported"),
        ]
    )
    counts = {"pass": 1, "unsupported": 1, "known": 1, "unexpected": 1, "fail": 1, "crash": 1}
    assert built.summary.total == built.summary.runtimes["wasmtime"] == counts
    assert built.summary.suites[SUITE].total == counts


# ----------------------------------------------------------------------------------------- differences


def test_a_difference_names_who_had_which_outcome(records):
    results = [result(runtime=label) for label in ("wasmtime", "wasmer")] + [result(runtime="node", outcome="crash")]
    (difference,) = records.report(results).differences
    assert (difference.suite, difference.scenario) == (SUITE, "grows")
    assert subjects(difference.groups, "outcome") == {
        "pass": [("wasmtime", None, []), ("wasmer", None, [])],
        "crash": [("node", None, [])],
    }


def test_a_known_defect_is_a_difference_all_the_same(records):
    built = records.report([result(), result(runtime="node", outcome="fail", known=known())])
    assert len(built.differences) == 1


def test_guests_are_compared_with_themselves(records):
    results = [
        result(runtime=label, guest=guest, outcome="fail" if guest == "go" else "pass")
        for label in ("wasmtime", "node")
        for guest in ("go", "wat")
    ]
    built = records.report(results)
    assert built.differences == []
    assert likeness.pairs(likeness.behaviours(built), ["wasmtime", "node"])[0].alike == 1


def test_runtimes_that_fail_with_different_guests_differ(records):
    results = [
        result(runtime="wasmtime", guest="go", outcome="fail"),
        result(runtime="wasmtime", guest="wat"),
        result(runtime="node", guest="go"),
        result(runtime="node", guest="wat", outcome="fail"),
    ]
    assert len(records.report(results).differences) == 1


def test_a_view_kind_that_fails_on_one_runtime_makes_a_difference(records):
    results = [
        result(runtime="wasmtime", view="read_write"),
        result(runtime="node", view="DataView", outcome="fail"),
        result(runtime="node", view="Uint8Array"),
    ]
    assert len(records.report(results).differences) == 1


def test_one_runtime_differs_from_nobody(records):
    results = [result(view="read_write"), result(view="get_buffer_ptr", outcome="crash")]
    built = records.report(results)
    assert built.differences == []
    assert built.summary.demands.broken == 1


# ---------------------------------------------------------------------------------------- observations


def test_observations_are_grouped_by_answer_with_views_and_guests(records):
    results = [
        result(runtime="wasmtime", view="read_write", guest="go", observations=[observed("new byte")]),
        result(runtime="wasmtime", view="read_write", guest="wat", observations=[observed("new byte", raw="0x18")]),
        result(runtime="node", view="Uint8Array", guest="go", observations=[observed("nothing", raw="undefined")]),
        result(runtime="node", view="DataView", guest="go", observations=[observed("new byte")]),
    ]
    (item,) = records.report(results).observations
    assert item.question == "What does an old view see?"
    assert item.agreement == "differs"
    assert subjects(item.groups, "answer") == {
        "new byte": [("wasmtime", "read_write", ["go", "wat"]), ("node", "DataView", ["go"])],
        "nothing": [("node", "Uint8Array", ["go"])],
    }
    assert item.groups[0].subjects[0].raw == ["24", "0x18"]


@pytest.mark.parametrize(
    ("answers", "agreement"),
    [
        ({("wasmtime", None): "a", ("node", None): "a"}, "everywhere"),
        ({("wasmtime", None): "a", ("node", None): "b"}, "differs"),
        ({("wasmtime", None): "a", ("node", None): None}, "one runtime"),
        ({("wasmtime", None): "a", ("node", None): "a", ("wasmer", None): None}, "where answered"),
        ({("wasmtime", "go"): "a", ("node", "go"): "a", ("wasmtime", "wat"): "b", ("node", "wat"): "b"}, "by guest"),
        ({("wasmtime", "go"): "a", ("node", "go"): "b", ("wasmtime", "wat"): "b", ("node", "wat"): "a"}, "differs"),
        (
            {("wasmtime", "go"): "a", ("node", "go"): None, ("wasmtime", "wat"): "b", ("node", "wat"): "b"},
            "where answered",
        ),
    ],
)
def test_agreement(records, answers, agreement):
    results = [
        result(runtime=label, guest=guest, observations=[observed(answer)] if answer else [])
        for (label, guest), answer in answers.items()
    ]
    (item,) = records.report(results).observations
    assert item.agreement == agreement


def test_who_gave_no_answer_is_named_with_the_reason(records):
    results = [
        result(runtime="wasmtime", observations=[observed("a")]),
        result(runtime="node", observations=[observed("a")]),
        result(runtime="wasmer", guest="go", outcome="crash"),
    ]
    late = result(runtime="deno")
    labels = [*(item["runtime"] for item in results), "deno", "bun"]
    head = header([*results, late], runtimes=[runtime(label) for label in labels])
    (item,) = records.report(results, head=head).observations
    assert item.agreement == "where answered"
    assert [(s.runtime, s.guests, s.why) for s in item.unanswered] == [
        ("wasmer", ["go"], "crash"), ("deno", [], "missing"), ("bun", [], "not asked"),
    ]  # fmt: skip


@pytest.mark.parametrize(("outcome", "entry"), [("pass", "sometimes"), ("crash", "sometimes"), ("fail", "any")])
def test_what_came_by_chance_is_no_answer(records, outcome, entry):
    entry = None if entry == "any" else entry
    given = [] if outcome == "crash" else [observed("a")]
    results = [
        result(runtime="wasmtime", observations=[observed("a")]),
        result(runtime="node", outcome=outcome, observations=given, known=known(outcome=entry)),
    ]
    (item,) = records.report(results).observations
    assert [(group.answer, [each.runtime for each in group.subjects]) for group in item.groups] == [
        ("a", ["wasmtime"]),
        ("a matter of chance", ["node"]),
    ]
    assert (item.agreement, item.unanswered) == ("differs", [])


def test_nothing_is_safe_to_rely_on_where_all_is_chance(records):
    by_chance = {"observations": [observed("a")], "known": known(outcome="sometimes")}
    (item,) = records.report([result(runtime=label, **by_chance) for label in ("wasmtime", "node")]).observations
    assert item.agreement == "differs"


def test_a_known_defect_that_always_comes_leaves_answers_as_they_are(records):
    results = [
        result(runtime="wasmtime", observations=[observed("a")]),
        result(runtime="node", outcome="fail", observations=[observed("a")], known=known(outcome="fail")),
    ]
    (item,) = records.report(results).observations
    assert [group.answer for group in item.groups] == ["a"]


def test_a_question_asked_several_times_tells_its_answers_in_order(records):
    twice = [observed("a"), observed("b", raw="25")]
    (item,) = records.report(
        [result(observations=twice), result(runtime="node", observations=twice[::-1])]
    ).observations
    assert [group.answer for group in item.groups] == ["a, then b", "b, then a"]


def test_what_is_kept_broken_and_lacking_is_counted_apart(records):
    outcomes = {
        "kept": ("pass", "pass"),
        "lacked": ("pass", "unsupported"),
        "nowhere": ("unsupported", "unsupported"),
        "broken": ("pass", "fail"),
        "broken-and-lacked": ("fail", "unsupported"),
        "known": ("fail", "pass"),
        "unknown": ("pass", "error"),
    }
    results = [
        result(scenario, label, outcome, known=known() if (scenario, label) == ("known", "wasmtime") else None)
        for scenario, pair in outcomes.items()
        for label, outcome in zip(("wasmtime", "node"), pair, strict=True)
    ]
    results[3]["lack"] = {"kind": "engine", "what": "threads"}
    results[5]["lack"] = {"kind": "host", "what": "Python"}
    planned = [*results, result("lost"), result("lost", "node")]
    found = records.report([*results, planned[-1]], head=header(planned)).summary.demands
    assert (found.total, found.everywhere, found.where_supported, found.nowhere) == (8, 1, 1, 1)
    assert (found.broken, found.unexpected, found.lacking, found.unknown) == (3, 2, 3, 2)
    assert found.total == found.everywhere + found.where_supported + found.nowhere + found.broken + found.unknown
    wasmtime, node = found.runtimes["wasmtime"], found.runtimes["node"]
    assert (wasmtime.kept, wasmtime.known, wasmtime.unexpected, wasmtime.lacking) == (4, 1, 1, 1)
    assert (node.kept, node.known, node.unexpected, node.lacking) == (3, 0, 1, 2)
    assert (node.features, node.api, node.elsewhere) == ({"threads": 1}, {"suites/memory/growth.yaml": 1}, 1)


def test_a_scenario_that_one_view_kind_can_t_play_is_kept_by_the_others(records):
    results = [result(view="read"), result(view="data_ptr", outcome="unsupported"), result(runtime="node")]
    found = records.report(results).summary.demands
    assert (found.everywhere, found.where_supported, found.nowhere, found.lacking) == (1, 0, 0, 0)
    assert (found.runtimes["wasmtime"].kept, found.runtimes["wasmtime"].lacking) == (1, 0)


def test_a_scenario_that_one_view_kind_breaks_was_tested(records):
    results = [result(view="read", outcome="fail"), result(view="data_ptr", outcome="unsupported")]
    found = records.report(results).summary.demands
    assert (found.broken, found.lacking, found.runtimes["wasmtime"].lacking) == (1, 0, 0)


def test_a_scenario_that_only_observes_is_no_demand_until_it_fails(records):
    results = [result("asks"), result("dies", outcome="crash"), result("demands")]
    head = header(results)
    for scenario in head["suites"][0]["scenarios"][:2]:
        scenario["demands"] = False
    found = records.report(results, head=head).summary.demands
    assert (found.total, found.everywhere, found.broken) == (2, 1, 1)


def test_a_question_counts_as_where_its_answers_agree_least(records):
    def both(scenario, first, second, question="stale-read"):
        return [
            result(scenario, label, observations=[observed(answer, id=question)] if answer else [])
            for label, answer in (("wasmtime", first), ("node", second))
        ]

    results = [
        *both("one", "a", "a"), *both("two", "a", "b"), *both("three", "a", "a", "alike"), *both("four", "a", None, "half"),
    ]  # fmt: skip
    found = records.report(results).summary.questions
    assert (found.total, found.everywhere, found.differs, found.partly) == (3, 1, 1, 1)


def test_what_makes_a_run_fail_is_told_with_what_to_do(records):
    assert records.report([result(), result("two", outcome="fail", known=known())]).faults == []
    results = [result(outcome="crash"), result("cured", known=known())]
    gate = {"type": "gate", "passed": False, "baseline": "base.yaml", "record": "linmem gate x"}
    found = [
        {"kind": "regression", "name": "x", "what": "pass → crash", "suite": None, "scenario": None, "runtime": None}
    ]
    path = records.write(results)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**gate, "findings": found}) + "\n")
    whats, remedies = zip(
        *((fault.what, fault.remedy) for fault in report.build(record.read(path)).faults), strict=True
    )
    assert whats == (
        "2 of 2 results are unexpected: 1 crash and 1 unexpected pass.",
        "Compared with the baseline base.yaml, 1 result changed for the worse.",
    )
    assert remedies[0].startswith("Fix what failed, or list it in a file for --known")
    assert remedies[1] == "If these changes are meant, record them: linmem gate x"


def test_views_stand_in_the_order_the_driver_gave_them(records):
    says = {"type": "runtime", "label": "node", "views": ["Uint8Array", "DataView"]}
    results = [result(runtime="node", view=view) for view in ("DataView", "Uint8Array")]
    path = records.write(results, between=[says])
    assert [item.view for item in report.build(record.read(path)).results] == ["Uint8Array", "DataView"]


# ------------------------------------------------------------------------------------------ findings


def asked(scenario, **answers):
    """A scenario whose answers come through view kinds: ``wasmtime_a="yes"``."""
    return [
        result(scenario, who.partition("_")[0], view=who.partition("_")[2] or None, observations=[observed(answer)])
        for who, answer in answers.items()
    ]


def told(report):
    return [
        (item.scenarios, {answer.answer: [str(who) for who in answer.who] for answer in item.answers})
        for item in findings.findings(report)
    ]


def test_scenarios_that_found_the_same_are_told_once(records):
    answers = {"wasmtime": "yes", "node": "no"}
    built = records.report([*asked("one", **answers), *asked("two", **answers)])
    assert told(built) == [(["one", "two"], {"yes": ["wasmtime"], "no": ["node"]})]


def test_scenarios_of_different_view_kinds_are_told_together(records):
    narrow = asked("narrow", wasmtime_a="yes", node_b8="no", node_d="no")
    wide = asked("wide", wasmtime_a="yes", node_b16="no", node_e="yes")
    assert told(records.report([*narrow, *wide])) == [
        (["narrow", "wide"], {"no": ["node · all views but e"], "yes": ["wasmtime · a", "node · e"]})
    ]


def test_scenarios_that_contradict_each_other_stay_apart(records):
    built = records.report([*asked("one", wasmtime="yes", node="no"), *asked("two", wasmtime="no", node="yes")])
    assert [scenarios for scenarios, _ in told(built)] == [["one"], ["two"]]


def test_agreement_on_different_answers_is_not_made_a_difference(records):
    built = records.report([*asked("one", wasmtime_a="1", node_b="1"), *asked("two", wasmtime_c="2", node_d="2")])
    assert [(item.agreement, item.scenarios) for item in findings.findings(built)] == [
        ("everywhere", ["one"]), ("everywhere", ["two"]),
    ]  # fmt: skip


def test_a_silence_is_not_lost_among_answers(records):
    crashed = [*asked("two", wasmtime="yes", node="no"), result("two", "wasmer", "crash")]
    built = records.report([*asked("one", wasmtime="yes", node="no", wasmer="yes"), *crashed])
    assert [item.silent for item in findings.findings(built)] == [(), (("crash", (findings.Phrase("wasmer"),)),)]


@pytest.mark.parametrize(
    ("views", "words"),
    [
        ("abc", "node · all 3 views"),
        ("ab", "node · a, b"),
        ("c", "node · c"),
    ],
)
def test_view_kinds_are_told_in_few_words(records, views, words):
    answers = {f"node_{view}": "yes" if view in views else "no" for view in "abc"}
    (answer, *_) = [who for _, by in told(records.report(asked("one", wasmtime="x", **answers))) for who in [by["yes"]]]
    assert answer == [words]


def test_what_depends_on_the_guest_names_guests_not_runtimes(records):
    results = [
        result(runtime=label, guest=guest, observations=[observed(pages)])
        for label in ("wasmtime", "node")
        for guest, pages in (("go", "17"), ("wat", "1"))
    ]
    assert told(records.report(results)) == [(["grows"], {"17": ["go"], "1": ["wat"]})]
