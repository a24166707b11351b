"""A runtime through its versions: where an outcome or an answer changed."""

from __future__ import annotations

from typing import Any

from report_records import Records, header, known, observed, result, runtime

from linmem.compare import sweep
from linmem.compare.timeline import history


def versions(scenario: str, *outcomes: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        result(scenario, f"wasmtime@{number}.0.0", outcome, **more)
        for number, (outcome, more) in enumerate(outcomes, 1)
    ]


def test_changes_are_told_by_version(records: Records) -> None:
    seen = [{"observations": [observed(answer)]} for answer in ("old bytes", "old bytes", "an error")]
    results = [
        *versions("grows", ("pass", {}), ("fail", {}), ("fail", {})),
        *versions("reads", *(("pass", more) for more in seen)),
        *versions("stays", ("pass", {}), ("pass", {}), ("pass", {})),
        result("grows", "node", "fail"),
    ]
    (found,) = history(records.report(results)).timelines
    assert found.runtime == "wasmtime"
    assert found.versions == ["wasmtime@1.0.0", "wasmtime@2.0.0", "wasmtime@3.0.0"]
    assert (found.cases, found.alike) == (3, 1)
    told = [
        (turn.new, change.id, change.what, change.old, change.new) for turn in found.turns for change in turn.changes
    ]
    assert told == [
        ("wasmtime@2.0.0", "suites/memory/growth.yaml::grows[wasmtime]", "outcome", "pass", "fail"),
        ("wasmtime@3.0.0", "suites/memory/growth.yaml::reads[wasmtime]", "stale-read", "old bytes", "an error"),
    ]
    assert "What does an old view see? old bytes → an error" in sweep.text(history(records.report(results)))


def test_a_known_defect_is_no_change(records: Records) -> None:
    """Its entry's range of versions says nothing of the runtime."""
    results = versions("grows", ("fail", {"known": known()}), ("fail", {}))
    (found,) = history(records.report(results)).timelines
    assert found.turns == []


def test_guests_and_views_are_followed_apart(records: Records) -> None:
    results = [
        result("grows", f"wasmtime@{version}", outcome, guest="go", view=view)
        for version, view, outcome in (("1", "a", "pass"), ("1", "b", "pass"), ("2", "a", "pass"), ("2", "b", "crash"))
    ]
    (found,) = history(records.report(results)).timelines
    ((change,),) = [turn.changes for turn in found.turns]
    assert change.id == "suites/memory/growth.yaml::grows[go-wasmtime-b]"


def test_variants_are_runtimes_of_their_own_and_a_single_version_has_no_history(records: Records) -> None:
    labels = ("wasmtime@1", "wasmtime@2", "wasmtime:pulley@1", "wasmtime:pulley@2", "node")
    results = [result("grows", label) for label in labels]
    assert [item.runtime for item in history(records.report(results)).timelines] == ["wasmtime", "wasmtime:pulley"]


def test_a_version_that_could_not_be_had_is_named_and_compares_with_nothing(records: Records) -> None:
    results = [result("grows", "wasmtime@1"), result("grows", "wasmtime@3", "fail")]
    head = header(results)
    head["runtimes"].insert(1, runtime("wasmtime@2", status="unavailable", reason="no wheel"))
    report = records.report(results, head=head)
    (found,) = history(report).timelines
    assert found.versions == ["wasmtime@1", "wasmtime@3"]
    assert [(turn.old, turn.new) for turn in found.turns] == [("wasmtime@1", "wasmtime@3")]
    assert "not to be had: wasmtime@2: no wheel" in sweep.text(history(report))


def test_a_case_that_is_not_there_is_a_change(records: Records) -> None:
    results = [result("grows", "wasmtime@1"), result("grows", "wasmtime@2"), result("reads", "wasmtime@2")]
    (found,) = history(records.report(results)).timelines
    ((change,),) = [turn.changes for turn in found.turns]
    assert (change.old, change.new) == (None, "pass")
    assert "| `suites/memory/growth.yaml::reads[wasmtime]` | not there → pass |" in sweep.markdown(
        history(records.report(results))
    )
