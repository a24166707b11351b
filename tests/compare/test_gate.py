"""The gate: what fails it, what does not, what it writes, and what it refuses."""

from __future__ import annotations

import json
import subprocess

import pytest
from report_records import END, Records, case, known, observed, result
from test_diff import ANSWERED, CHANGED, GROWS, REMOVED, RENAMED, VANISHED, results, run

from linmem.cli import main
from linmem.compare import baseline, gate, inputs, snapshot


@pytest.fixture
def reports(tmp_path):
    """Writes a run into a folder of its own and gives its folder."""

    def write(name, results, head=None, end=END):
        Records(tmp_path / name).write(results, head=head or run(results), end=end)
        return tmp_path / name / "out"

    return write


@pytest.fixture
def recorded(reports, tmp_path, capsys):
    """Records a run and gives the baseline's path."""

    def record(results, name="base"):
        path = tmp_path / f"{name}.yaml"
        assert main(["gate", str(reports(name, results)), "--record-baseline", str(path)]) == 0
        assert capsys.readouterr().out.startswith(f"gate: recorded {len(results):,} cases in {path}")
        return path

    return record


@pytest.fixture
def held(capsys):
    """Holds a run against a baseline: status, lines on standard output, standard error."""

    def hold(run, baseline, *options):
        status = main(["gate", str(run), "--baseline", str(baseline), *options])
        said = capsys.readouterr()
        return status, said.out.splitlines(), said.err

    return hold


# ------------------------------------------------------------------ seeded changes


@pytest.mark.parametrize(
    ("changed", "status", "line"),
    [
        (CHANGED, 1, f"REGRESSION {GROWS}[node]: pass → fail: got 25"),
        (ANSWERED, 1, f"REGRESSION {GROWS}[node]: stale-read: 24 → undefined"),
        (REMOVED, 1, "MISSING    suites/memory/growth.yaml::shrinks: the scenario with its 2 cases"),
        (VANISHED, 1, "MISSING    runtime node: all its 2 cases"),
        (RENAMED, 0, "CHANGED    version: node 1.0 → node 1.1"),
        (results()[:-1], 1, "MISSING    suites/memory/growth.yaml::shrinks[node]: the case is gone (it was pass)"),
        (results(**{"grows[node]": {"observations": []}}), 1, f"REGRESSION {GROWS}[node]: stale-read: 24 → no answer"),
        (
            results(**{"grows[node]": {"outcome": "unsupported", "message": "no such view"}}),
            1,
            f"REGRESSION {GROWS}[node]: pass → unsupported: no such view",
        ),
        (
            results(**{"grows[node]": {"outcome": "fail", "known": known(outcome="fail"), "message": "got 1"}}),
            1,
            f"REGRESSION {GROWS}[node]: pass → known defect: got 1",
        ),
        (
            [*results(), result("new", "node", outcome="crash", message="SIGSEGV")],
            1,
            "REGRESSION suites/memory/growth.yaml::new[node]: new, and crash: SIGSEGV",
        ),
        (
            [*results(), result("new", "node"), result("new", "wasmtime")],
            0,
            "NEW        suites/memory/growth.yaml::new: the scenario with its 2 cases",
        ),
    ],
)
def test_a_seeded_change_is_one_line_that_names_the_case(recorded, reports, held, changed, status, line):
    path, after = recorded(results()), reports("after", changed)
    found, lines, _ = held(after, path)
    assert found == status
    assert [item for item in lines if not item.startswith("gate: ")] == [line]
    command = f"linmem gate {after} --record-baseline {path}"
    assert (
        lines[-1] == f"gate: if all of this is meant, record it: {command}" if status else f"gate: record it: {command}"
    )


@pytest.mark.parametrize("file", ["record.jsonl", "report.json"])
def test_a_truncated_run_is_refused(recorded, reports, held, capsys, file):
    path, after = recorded(results()), reports("after", results())
    main(["report", "build", str(after / "record.jsonl")])
    whole = (after / file).read_bytes()
    for part in (0, 10, len(whole) // 2, len(whole) - 3, whole.rstrip().rfind(b"\n") + 1):
        (after / file).write_bytes(whole[:part])
        capsys.readouterr()
        status, lines, err = held(after / file, path)
        assert (status, lines) == (2, [])
        assert err.startswith(f"linmem: {after / file}")
        assert err.count("\n") == 1


def test_an_incomplete_run_is_refused_and_not_recorded(recorded, reports, held, tmp_path, capsys):
    path = recorded(results())
    after = reports("after", results(), end={**END, "complete": False, "reason": "interrupted"})
    status, lines, err = held(after, path)
    assert (status, lines) == (2, [])
    assert err == (f"linmem: {after}: the run is incomplete, so it is not taken for a whole one: interrupted\n")
    assert main(["gate", str(after), "--record-baseline", str(tmp_path / "new.yaml")]) == 2
    assert not (tmp_path / "new.yaml").exists()


# ------------------------------------------------------------------ better and worse

BAD = {"outcome": "fail", "message": "got 1"}
KNOWN = {**BAD, "known": known(outcome="fail")}


@pytest.mark.parametrize(
    ("before", "after", "status", "line"),
    [
        (BAD, {}, 0, "IMPROVED   {}: fail → pass"),
        (KNOWN, {}, 0, "IMPROVED   {}: known defect → pass"),
        (KNOWN, {"known": known(outcome="fail")}, 0, "IMPROVED   {}: known defect → pass"),
        ({"outcome": "unsupported"}, {}, 0, "IMPROVED   {}: unsupported → pass"),
        ({"outcome": "unsupported"}, BAD, 1, "REGRESSION {}: unsupported → fail: got 1"),
        (KNOWN, BAD, 1, "REGRESSION {}: known defect → fail: got 1"),
        (BAD, {"outcome": "crash", "message": "died"}, 1, "REGRESSION {}: fail → crash: died"),
        ({"outcome": "crash"}, BAD, 0, "IMPROVED   {}: crash → fail"),
        ({"observations": []}, {"observations": [observed("5")]}, 0, "NEW        {}: it answers stale-read: 5"),
    ],
)
def test_what_is_worse_and_what_is_better(recorded, reports, held, before, after, status, line):
    def one(change):
        return [result("grows", "node", **change), result("grows", "wasmtime")]

    path = recorded(one(before))
    found, lines, _ = held(reports("after", one(after)), path)
    assert (found, lines[0]) == (status, line.format(f"{GROWS}[node]"))
    assert len([line for line in lines if not line.startswith("gate: ")]) == 1


def test_what_changed_alike_is_one_finding_with_its_places(recorded, reports, held):
    def answers(first, second, state="pass"):
        for number in range(20):
            seen = [observed(first, "old-view"), observed(second, "size")]
            yield result(f"asks-{number}", "node", observations=seen)
        message = "read u8 at {}: expected 1, got 2"
        for number in range(3):
            yield result(f"reads-{number}", "node", outcome=state, message=message.format(number))
        yield result("stands", "wasmtime", observations=[observed(first, "old-view")])

    base = recorded(list(answers("undefined", "undefined")))
    status, lines, _ = held(reports("now", list(answers("0", "0", "fail"))), base)
    assert status == 1
    place = "suites/memory/growth.yaml::"
    assert lines[:5] == [
        "REGRESSION 3 cases on node: pass → fail: read … at … expected … got …",
        f"           {place}reads-0[node] and 2 more",
        "REGRESSION 41 answers on node and wasmtime: undefined → 0",
        f"           {place}asks-0[node] and 20 more: old-view: undefined → 0",
        f"           {place}asks-0[node] and 19 more: size: undefined → 0",
    ]
    assert lines[5].startswith("gate: FAILED: 44 regressions, 2 causes; 24 cases compared with ")
    _, lines, _ = held(reports("now", list(answers("0", "0", "fail"))), base, "--format", "json")
    findings = json.loads("\n".join(lines))["findings"]
    assert len(findings) == 44
    assert {item["cause"] for item in findings} == {"undefined → 0", "pass → fail: read … at … expected … got …"}
    assert {item["question"] for item in findings} == {"old-view", "size", None}


def test_what_a_driver_changed_through_one_view_kind_is_one_cause(recorded, reports, held):
    def played(*answers, message=""):
        for number, answer in enumerate(answers):
            for view in ("pointer", "array"):
                seen = answer if view == "pointer" else str(number)
                yield result(f"asks-{number}", "node", view=view, observations=[observed(seen, f"question-{number}")])
        for name in ("reads", "writes"):
            outcome = "fail" if message else "pass"
            yield result(name, "node", view="pointer", outcome=outcome, message=message and f"{name}: {message}")

    base = recorded(list(played("0", "1", "2", "3")))
    _, lines, _ = held(reports("now", list(played("a", "b", "c", "3", message="no"))), base)
    place = "suites/memory/growth.yaml::"
    assert lines[:7] == [
        "REGRESSION 2 cases: pass → fail through pointer on node",
        f"           {place}reads[node-pointer]: pass → fail: reads: no",
        f"           {place}writes[node-pointer]: pass → fail: writes: no",
        "REGRESSION 3 answers: changed through pointer on node",
        f"           {place}asks-0[node-pointer]: question-0: 0 → a",
        f"           {place}asks-1[node-pointer]: question-1: 1 → b",
        f"           {place}asks-2[node-pointer]: question-2: 2 → c",
    ]
    assert lines[7].startswith("gate: FAILED: 5 regressions, 2 causes; 10 cases compared with ")


def test_what_comes_by_chance_is_no_change(recorded, reports, held):
    def chance(**change):
        return results(**{"grows[node]": {"known": known(outcome="sometimes"), **change}})

    path = recorded(chance(outcome="crash", observations=[observed("1")]))
    for change in ({}, {"outcome": "fail"}, {"observations": [observed("2")]}):
        status, lines, _ = held(reports("after", chance(**change)), path)
        assert (status, lines) == (0, [f"gate: passed: 4 cases compared with {path}"])


def test_an_answer_that_is_lost_because_the_case_failed_is_one_line(recorded, reports, held):
    path = recorded(results())
    _, lines, _ = held(reports("after", results(**{"grows[node]": {**BAD, "observations": []}})), path)
    assert [line.split(":")[0] for line in lines[:2]] == ["REGRESSION suites/memory/growth.yaml", "gate"]


def test_what_improved_is_recorded_by_the_command_that_is_named(recorded, reports, held, capsys):
    path = recorded(results(**{"grows[node]": KNOWN}))
    after = reports("after", results())
    status, lines, _ = held(after, path)
    assert status == 0
    assert lines[-2] == f"gate: passed: 1 improvement; 4 cases compared with {path}"
    command = lines[-1].removeprefix("gate: record it: ").split()
    assert command[:2] == ["linmem", "gate"]
    assert main(command[1:]) == 0
    capsys.readouterr()
    assert held(after, path)[1] == [f"gate: passed: 4 cases compared with {path}"]


def test_no_command_is_named_that_would_be_refused(recorded, reports, held):
    """Of another version only a part was played: it can't be recorded beside the rest of the older one."""
    path = recorded(results())
    some = [{**item, "runtime": "node@99", "version": "99", "id": item["id"].replace("[node]", "[node@99]")}
            for item in results() if item["runtime"] == "node"][:1]  # fmt: skip
    after = reports("after", some, head=run(some, selection={"runtimes": ["node@99"], "paths": [some[0]["id"]]}))
    status, lines, _ = held(after, path)
    assert status == 0
    assert lines[-1] == "gate: play all of the baseline's cases, and record that run"
    assert main(["gate", str(after), "--record-baseline", str(path)]) == 2
    assert main(["gate", str(after), "--baseline", str(path), "--format", "markdown"]) == 0


# ------------------------------------------------------------------ selections


def test_a_selection_is_held_against_its_part_only_and_says_so(recorded, reports, held):
    path = recorded(results())
    some = results()[:2]
    after = reports("after", some, head=run(some, selection={"runtimes": ["wasmtime"]}))
    status, lines, _ = held(after, path)
    assert status == 0
    assert lines == [
        "not compared: 2 cases of the baseline: the run was not asked for runtime node",
        f"gate: passed: 2 cases compared with {path}",
    ]
    status, lines, _ = held(after, path, "--whole")
    assert (status, lines[0]) == (1, "MISSING    runtime node: all its 2 cases")
    missing = reports("less", some[:1], head=run(some[:1], selection={"runtimes": ["wasmtime"]}))
    status, lines, _ = held(missing, path)
    assert (status, lines[0]) == (
        1,
        "MISSING    suites/memory/growth.yaml::shrinks[wasmtime]: the case is gone (it was pass)",
    )


def test_a_guest_that_cannot_be_had_is_not_compared_unless_all_must_be_there(recorded, reports, held, capsys):
    def guest(**more):
        return {"program": "p", "guest": "tinygo", "toolchain": None, "sha256": "a", "status": "ready", **more}

    both = [result("grows", "node", guest="wat"), result("grows", "node", guest="tinygo")]
    path = recorded(both)
    absent = guest(status="unavailable", reason="there is no tinygo on PATH", sha256=None)
    after = reports("after", both[:1], head=run(both[:1], guests=[absent]))
    status, lines, _ = held(after, path)
    why = "guest tinygo can't take part here: there is no tinygo on PATH"
    assert (status, lines[0]) == (0, f"not compared: 1 case of the baseline: {why}")
    status, lines, _ = held(after, path, "--whole")
    assert (status, lines[0]) == (1, f"MISSING    guest tinygo of p: all its 1 case: {absent['reason']}")
    assert main(["gate", str(after), "--record-baseline", str(path)]) == 0
    assert {case.guest for case in baseline.load(path).cases} == {"wat", "tinygo"}
    gone = reports("gone", both[:1], head=run(both[:1]))  # without a word on why
    assert held(gone, path)[0] == 1


def test_recording_a_selection_keeps_the_rest(recorded, reports, tmp_path, capsys):
    path = recorded(results())
    some = results(**{"grows[wasmtime]": {"outcome": "unsupported"}})[:1]
    after = reports("after", some, head=run(some, selection={"runtimes": ["wasmtime"]}))
    assert main(["gate", str(after), "--record-baseline", str(path)]) == 0
    kept = baseline.load(path)
    assert {case.id: found.state for case, found in kept.cases.items()} == {
        f"{GROWS}[node]": "pass",
        "suites/memory/growth.yaml::shrinks[node]": "pass",
        f"{GROWS}[wasmtime]": "unsupported",  # and 'shrinks' is gone: this run was asked for it
    }


def test_a_part_played_by_another_version_is_not_mixed_in(recorded, reports, capsys):
    path = recorded(results())
    some = [item for item in results(versions=("2.0", "1.0")) if item["runtime"] == "wasmtime"][:1]
    end = {**END, "deselected": [case("shrinks", "wasmtime")]}
    after = reports("after", some, head=run(some, selection={"runtimes": ["wasmtime"]}), end=end)
    before = path.read_bytes()
    assert main(["gate", str(after), "--record-baseline", str(path)]) == 2
    assert "the run has wasmtime 2.0 where the baseline has wasmtime 1.0" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_run_with_nothing_in_common_is_refused(recorded, reports, held):
    other = [result("other", "deno", suite="mine.yaml")]
    after = reports("after", other, head=run(other, selection={"runtimes": ["deno"], "paths": ["mine.yaml"]}))
    status, _, err = held(after, recorded(results()))
    assert status == 2
    assert "have no case in common: nothing was compared" in err


def test_without_a_baseline_and_without_recording_there_is_nothing_to_do(reports, capsys):
    assert main(["gate", str(reports("a", results()))]) == 2
    assert "give --baseline FILE" in capsys.readouterr().err


# ------------------------------------------------------------------ the file


def test_the_file_holds_all_that_is_compared(reports, recorded):
    strange = ["", "yes", "a: b", '"quoted"', "# no comment", "é\u2028\x07", "x" * 5000, "- [a]", "1.0", "~"]
    many = [
        result(
            "a.b-c_1", "node", guest="go", view="DataView", observations=[observed(strange[0]), observed("1", "q2")]
        ),
        result("a.b-c_1", "node", guest="my mod.ule[1]", view="DataView", observations=[observed("~")]),
        result("a.b-c_1", "wasmer:llvm@1.1.0", guest="go", outcome="unsupported"),
        result("1e3", "node", observations=[observed(answer, f"id {n}") for n, answer in enumerate(strange)]),
        result("1e3", "node", view="Int8Array"),
        result("null", "node", suite="mine: [x].yaml", outcome="fail", known=known(outcome=None)),
    ]
    path = recorded(many)
    before = snapshot.of(inputs.load(reports("again", many))).shortened()
    after = baseline.load(path)
    assert after.cases == {case: type(found)(found.state, "", found.answers) for case, found in before.cases.items()}
    assert {column.label: column.version for column in after.columns} == {"node": "1.0", "wasmer:llvm@1.1.0": "1.1.0"}
    assert baseline.dump(after) == path.read_text()
    assert max(map(len, path.read_text().splitlines())) < 500


def test_a_long_answer_that_changes_at_its_end_is_a_change(recorded, reports, held):
    def long(end):
        return results(**{"grows[node]": {"observations": [observed("x" * 5000 + end)]}})

    path = recorded(long("a"))
    assert held(reports("same", long("a")), path)[0] == 0
    assert held(reports("after", long("b")), path)[0] == 1


def test_the_file_does_not_depend_on_the_order_of_the_run(recorded):
    assert recorded(results()).read_text() == recorded(results()[::-1], "other").read_text()


def test_branches_that_change_different_scenarios_merge(recorded, tmp_path):
    """As git merges: three files, no conflict."""
    base = [result(f"s{n:02}", label) for n in range(40) for label in ("node", "wasmtime")]

    def changed(*names):
        return [{**item, "outcome": "unsupported"} if item["scenario"] in names else item for item in base]

    paths = [
        recorded(found, name) for found, name in ((changed("s03"), "ours"), (base, "base"), (changed("s20"), "theirs"))
    ]
    done = subprocess.run(["git", "merge-file", "-p", *map(str, paths)], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout == recorded(changed("s03", "s20"), "both").read_text()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: "", ":1: is empty"),
        (lambda text: "- 1", ":1: the file must be a mapping: it is no linmem baseline, or a damaged one"),
        (
            lambda text: "".join(f"k{n}: &k{n} [*k{n - 1}, *k{n - 1}]\n" if n else "k0: &k0 [x]\n" for n in range(40)),
            "grows to more than 2,000,000 values",
        ),
        (lambda text: "[" * 100_000, "is nested more than 40 levels deep"),
        (
            lambda text: text.replace("baseline/1", "baseline/9"),
            ":4: has format 'linmem-baseline/9'; this linmem reads",
        ),
        (lambda text: text.rpartition("end:")[0], ": has no 'end': it is damaged, or was cut off"),
        (lambda text: text.replace("    grows:", "<<<<<<< ours\n    grows:"), "is not YAML: "),
        (lambda text: text.replace("    shrinks:", "    grows:"), "key 'grows' stands twice (first in line 10)"),
        (lambda text: text.replace("pass: node", "pass: deno"), "'deno' is not among the 'runtimes' of this baseline"),
        (lambda text: text.replace("pass: node", "fine: node"), "'fine' is no outcome; there are pass, unsupported"),
        (lambda text: text.replace("pass: node", "pass: node["), "names no runtimes, as in 'node[go wat] wasmtime'"),
        (lambda text: text.replace('"24": node', '"24": node[go]'), "[go-node] has an answer and no outcome"),
        (lambda text: text.replace("pass: node", "pass: node node"), "[node] stands under two outcomes"),
    ],
)
def test_a_damaged_file_is_told_in_one_line(recorded, reports, held, edit, message):
    path = recorded(results())
    path.write_text(edit(path.read_text()))
    status, lines, err = held(reports("after", results()), path)
    assert (status, lines) == (2, [])
    assert err.startswith(f"linmem: {path}")
    assert message in err
    assert err.count("\n") == 1


def test_a_cut_file_is_never_taken_for_a_whole_one(recorded, reports, held):
    path, after = recorded(results()), reports("after", results())
    whole = path.read_text()
    for part in range(0, len(whole) - len("end: of the baseline\n") + 4, 7):
        path.write_text(whole[:part])
        assert held(after, path)[0] == 2


def test_a_report_can_be_the_baseline(reports, held):
    status, lines, _ = held(reports("after", CHANGED), reports("before", results()))
    assert status == 1
    assert lines[0].startswith("REGRESSION ")
    assert lines[-1].endswith("--record-baseline reports/baselines/main.yaml")
    cut = reports("cut", results(), end=None)
    assert held(reports("again", results()), cut)[0] == 2


# ------------------------------------------------------------------ formats


def test_json_and_markdown(recorded, reports, held):
    path, after = recorded(results()), reports("after", CHANGED)
    status, lines, _ = held(after, path, "--format=json")
    document = json.loads("\n".join(lines))
    assert (status, document["passed"], document["compared"]) == (1, False, 4)
    (found,) = document["findings"]
    assert (found["kind"], found["name"], found["what"]) == ("regression", f"{GROWS}[node]", "pass → fail: got 25")
    assert (found["suite"], found["scenario"], found["runtime"]) == ("suites/memory/growth.yaml", "grows", "node")
    status, lines, _ = held(after, path, "--format=markdown")
    assert status == 1
    assert lines[0].startswith("# Failed: 1 regression; 4 cases compared with ")
    assert f"| REGRESSION | `{GROWS}[node]` | pass → fail: got 25 |" in lines
    status, lines, _ = held(reports("same", results()), path, "--format=markdown")
    assert (status, lines[0][:10]) == (0, "# Passed: ")


def test_it_is_quick_with_many_cases(recorded, reports, tmp_path):
    """What cases cost must not grow with their square."""
    many = [result(f"s{n}", label, observations=[observed("1")]) for n in range(1500) for label in ("node", "wasmtime")]
    path = recorded(many)
    verdict = gate.hold(inputs.load(reports("after", many)), baseline.load(path), "base.yaml")
    assert (verdict.passed, verdict.compared) == (True, 3000)
