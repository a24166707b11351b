"""Parts of a run made one: nothing is lost, and what is lacking or does not fit is named."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import jsonschema_rs
import pytest
from report_records import END, HOSTILE, Records, case, header, known, observed, result, runtime

from linmem.cli import main
from linmem.compare import inputs


@pytest.fixture
def part(tmp_path, monkeypatch):
    """Writes a part and gives its folder, by a short name."""
    monkeypatch.chdir(tmp_path)

    def write(name, results, *, selection=None, end=END, **more):
        head = header(results, selection=selection or {}, **more)
        Records(tmp_path / name).write(results, head=head, end=end)
        return f"{name}/out"

    return write


@pytest.fixture
def merged(capsys):
    """Merges into the folder ``all``: status, lines about it, the report."""

    def merge(*arguments):
        status = main(["merge", *arguments, "--report-dir", "all"])
        said = capsys.readouterr()
        lines = [line for line in said.out.splitlines() if not line.startswith("all/")]
        return status, lines + said.err.splitlines(), inputs.load(Path("all")) if status != 2 else None

    return merge


def of(label, *scenarios, **more):
    return [result(name, label, **more) for name in scenarios]


def asked(label):
    return {"runtimes": [label]}


def test_jobs_for_one_runtime_each_make_a_whole_run(part, merged, schema):
    parts = [part(label, of(label, "grows", "shrinks"), selection=asked(label)) for label in ("node", "wasmtime")]
    status, lines, report = merged(*parts)
    assert (status, lines) == (0, ["merged 4 results on node and wasmtime"])
    assert report.complete
    assert [(item.scenario, item.label) for item in report.results] == [
        ("grows", "node"),
        ("grows", "wasmtime"),
        ("shrinks", "node"),
        ("shrinks", "wasmtime"),
    ]
    assert report.selection.runtimes == ["node", "wasmtime"]
    jsonschema_rs.validate(schema, json.loads(Path("all/report.json").read_text()))
    assert {path.name for path in Path("all").iterdir()} >= {"record.jsonl", "report.html", "report.md", "junit.xml"}


def test_a_merged_run_is_what_one_run_of_all_finds(part, merged, capsys):
    everything = of("node", "grows", "shrinks", observations=[observed("1")]) + of("wasmtime", "grows", "shrinks")
    whole = part("whole", everything)
    parts = [part(label, [item for item in everything if item["runtime"] == label]) for label in ("node", "wasmtime")]
    Path("json").mkdir()
    assert main(["report", "build", f"{parts[1]}/record.jsonl", "--report-dir", "json"]) == 0
    capsys.readouterr()
    assert merged(parts[0], "json/report.json")[0] == 0
    assert main(["diff", whole, "all"]) == 0


def test_parts_split_by_k_lack_what_each_left_out(part, merged, capsys):
    def left(*scenarios):
        return {**END, "deselected": [case(name, "node") for name in scenarios]}

    one = part("one", of("node", "grows"), end=left("shrinks", "stays"))
    two = part("two", of("node", "shrinks"), end=left("grows", "stays"))
    status, lines, report = merged(one, two)
    assert status == 1
    assert lines == [
        "gap: suites/memory/growth.yaml::stays[node]",
        "merged 2 results on node",
        "1 case that nobody played: the merged run is incomplete",
    ]
    assert not report.complete
    assert [item.id for item in report.missing] == ["suites/memory/growth.yaml::stays[node]"]
    assert main(["gate", "all", "--record-baseline", "base.yaml"]) == 2
    capsys.readouterr()
    status, lines, report = merged(one, two, "--allow-gaps")
    assert (status, report.complete, lines[0]) == (0, True, "gap: suites/memory/growth.yaml::stays[node]")
    three = part("three", of("node", "stays"), end=left("grows", "shrinks"))
    assert merged(one, two, three)[:2] == (0, ["merged 3 results on node"])


def test_a_scenario_or_guest_that_a_runtime_lacks_is_a_gap(part, merged):
    one = part("one", [*of("node", "grows", "shrinks"), result("stays", "node", guest="go")])
    two = part("two", [*of("wasmtime", "grows"), result("stays", "wasmtime", guest="wat", view="a")])
    status, lines, report = merged(one, two)
    assert (status, report.complete) == (1, False)
    assert lines[:3] == [
        "gap: suites/memory/growth.yaml::shrinks[wasmtime]",
        "gap: suites/memory/growth.yaml::stays[go-wasmtime]",
        "gap: suites/memory/growth.yaml::stays[wat-node]",
    ]


def test_what_two_parts_played_alike_is_noted(part, merged):
    noisy = {"known": known(outcome=None), "outcome": "fail"}
    one = part("one", [*of("node", "grows"), *of("node", "shrinks", message="a", **noisy)])
    two = part("two", [*of("node", "grows", duration=9), *of("node", "shrinks", message="b", **noisy)])
    status, lines, report = merged(one, two)
    ids = "suites/memory/growth.yaml::grows[node] and suites/memory/growth.yaml::shrinks[node]"
    assert (status, lines[0]) == (0, f"played more than once, with the same result: {ids}")
    assert (report.complete, len(report.results)) == (True, 2)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"outcome": "fail", "message": "got 1"}, "pass in {}, fail (got 1) in {}"),
        ({"observations": [observed("5")]}, "pass in {}, pass (stale-read: 5) in {}"),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_what_two_parts_played_otherwise_is_a_conflict_and_the_worse_stands(part, merged, more, told, order):
    one, two = part("one", of("node", "grows")), part("two", of("node", "grows", **more))
    status, lines, report = merged(*[one, two][::order])
    words = told.format(one, two) if order == 1 else ", ".join(told.format(one, two).split(", ")[::-1])
    assert (status, lines[0]) == (1, f"conflict: suites/memory/growth.yaml::grows[node]: {words}")
    assert report.results[0].outcome == more.get("outcome", "pass")


def test_another_version_under_the_same_label_gets_its_own_column(part, merged):
    one = part("one", of("node", "grows", version="18"), runtimes=[runtime("node", version="18")])
    two = part(
        "two", of("node", "grows", version="20"), runtimes=[runtime("node", version="20")], selection=asked("node")
    )
    status, lines, report = merged(one, two)
    assert status == 1
    assert lines[0] == (
        "conflict: runtime node is 18 in one/out and 20 in two/out, where it is called node@20 from here on"
    )
    assert [(item.id, item.label, item.version) for item in report.results] == [
        ("suites/memory/growth.yaml::grows[node]", "node", "18"),
        ("suites/memory/growth.yaml::grows[node@20]", "node@20", "20"),
    ]


def test_other_guests_modules_and_versions_of_linmem_are_conflicts(part, merged):
    def guest(sha, **more):
        return {"program": "p", "guest": "go", "toolchain": "t", "sha256": sha, "status": "ready", **more}

    one = part("one", of("node", "grows"), guests=[guest("a")])
    two = part("two", of("wasmtime", "grows"), guests=[guest("b")])
    three = part("three", of("wasmer", "grows"), guests=[guest(None, status="unavailable", reason="x")], linmem="9")
    status, lines, report = merged(one, two, three)
    assert status == 1
    assert lines[:2] == [
        "conflict: the parts are not of one version: linmem 0.1.0 in one/out and 9 in three/out",
        "conflict: guest go of p has another module in two/out than in one/out",
    ]
    assert [(item.guest, item.status) for item in report.guests] == [("go", "ready")]


def test_an_incomplete_part_makes_an_incomplete_whole(part, merged):
    one = part("one", of("node", "grows"))
    both = of("wasmtime", "grows", "shrinks")
    head = {**header(both)}
    Records(Path("two").absolute()).write(both[:1], head=head, end=None)
    status, lines, report = merged(one, "two/out")
    assert status == 1
    assert (
        lines[0] == "incomplete: two/out: the run was killed, or has not ended yet; 1 of 2 planned results is missing"
    )
    assert not report.complete
    assert "two/out: the run was killed" in report.reason
    assert [item.id for item in report.missing] == ["suites/memory/growth.yaml::shrinks[wasmtime]"]


def test_a_runtime_that_one_part_could_not_have_is_taken_from_another(part, merged):
    gone = runtime("wasmtime", status="unavailable", reason="no network", version=None)
    one = part("one", of("node", "grows"), runtimes=[runtime("node"), gone])
    two = part("two", of("wasmtime", "grows"), runtimes=[runtime("wasmtime")])
    status, _, report = merged(one, two)
    assert (status, [item.status for item in report.runtimes]) == (0, ["ready", "ready"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["one/out", "nowhere"], "nowhere: there is no such run: play one first"),
        (["one/out", "."], ".: holds neither record.jsonl nor report.json"),
        (["one/out", "all"], "--report-dir all holds one of the parts, which would be lost"),
    ],
)
def test_unusable_input(part, merged, arguments, message):
    part("one", of("node", "grows"))
    Path("all").mkdir()
    Path("all/record.jsonl").write_text("mine")
    status, lines, _ = merged(*arguments)
    assert status == 2
    assert message in lines[0]
    assert Path("all/record.jsonl").read_text() == "mine"


def test_junit_is_written_of_all_parts(part, merged):
    merged(part("one", of("node", "grows")), part("two", of("wasmtime", "grows")))
    suite = ElementTree.parse("all/junit.xml").getroot()[0]
    assert [case.get("name") for case in suite] == ["grows[node]", "grows[wasmtime]"]


def test_junit_has_every_case_with_its_properties(part, merged):
    results = [
        result("ok", "node", guest="go", view="DataView"),
        result("bad", "node", outcome="fail", message=HOSTILE, stderr=HOSTILE),
        result("lacks", "node", outcome="unsupported", message="no"),
        result("listed", "node", outcome="fail", known=known(outcome="fail", reason="wrong")),
        result("cured", "node", known=known(outcome="fail")),
        result("broken", "node", outcome="error", message="ours"),
    ]
    merged(part("one", results))
    suite = ElementTree.parse("all/junit.xml").getroot()[0]
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "6", "failures": "2", "errors": "1", "skipped": "2"}
    found = {case.get("name"): [child.tag for child in case if child.tag != "properties"] for case in suite}
    assert found == {
        "ok[go-node-DataView]": [],
        "bad[node]": ["failure"],
        "lacks[node]": ["skipped"],
        "listed[node]": ["skipped"],
        "cured[node]": ["failure"],
        "broken[node]": ["error"],
    }
    ok = next(case for case in suite if case.get("name").startswith("ok"))
    properties = {item.get("name"): item.get("value") for item in ok.find("properties")}
    assert properties["view"] == "DataView"
    assert properties["runtime"] == "node"
