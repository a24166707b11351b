"""Two reports compared: seeded changes, each of which must be named, and what must not be taken for a change."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from report_records import END, HOSTILE, Records, case, header, known, observed, result, runtime

from linmem.cli import main
from linmem.compare import diff_text, inputs
from linmem.compare.diff import diff

GROWS = "suites/memory/growth.yaml::grows"


def results(*, versions=("1.0", "1.0"), **changes):
    """A run of two scenarios on two runtimes; `changes` are by id without the suite."""
    found = {}
    for label, version in zip(("wasmtime", "node"), versions, strict=True):
        for scenario in ("grows", "shrinks"):
            found[f"{scenario}[{label}]"] = result(scenario, label, version=version, observations=[observed("24")])
    for name, change in changes.items():
        found[name].update(change)
    return list(found.values())


@pytest.fixture
def reports(tmp_path, monkeypatch):
    """Writes a run into a folder of its own and gives its folder, with a short name."""
    monkeypatch.chdir(tmp_path)

    def write(name, results, head=None, end=END):
        records = Records(tmp_path / name)
        records.write(results, head=head or run(results), end=end)
        return Path(name) / "out"

    return write


def run(results, **more):
    head = header(results, **more)
    versions = {item["runtime"]: item["version"] for item in results}
    head["runtimes"] = [runtime(label, version=version) for label, version in versions.items()]
    return head


def compared(capsys, *arguments):
    status = main(["diff", *map(str, arguments)])
    return status, capsys.readouterr()


# ------------------------------------------------------------------ seeded changes

CHANGED = results(**{"grows[node]": {"outcome": "fail", "message": "got 25"}})
ANSWERED = results(**{"grows[node]": {"observations": [observed("undefined")]}})
REMOVED = [item for item in results() if item["scenario"] != "shrinks"]
VANISHED = [item for item in results() if item["runtime"] != "node"]
RENAMED = results(versions=("1.0", "1.1"))

SEEDED = {
    "an outcome": (CHANGED, [f"  {GROWS}[node]", "      pass → fail: got 25"]),
    "an answer": (
        ANSWERED,
        [f"  {GROWS}[node]", "      What does an old view see? (stale-read)", "      24 → undefined"],
    ),
    "a scenario that is gone": (
        REMOVED,
        [
            f"  suites/memory/growth.yaml::shrinks[{label}]" if label else "      it was pass"
            for label in ("wasmtime", "", "node", "")
        ],
    ),
    "a runtime that is gone": (VANISHED, ["vanished runtime node with its 2 cases"]),
    "another version": (RENAMED, ["version  node 1.0 → node 1.1"]),
}


@pytest.mark.parametrize("name", SEEDED)
def test_a_seeded_change_is_named(reports, capsys, name):
    changed, wanted = SEEDED[name]
    a, b = reports("a", results()), reports("b", changed)
    status, said = compared(capsys, a, b)
    assert status == 1
    lines = said.out.splitlines()
    assert [line for line in lines if line in wanted] == wanted
    assert compared(capsys, a, a)[0] == 0
    status, said = compared(capsys, b, a)  # the other way round it is a change too
    assert status == 1
    assert all(len(line) <= 80 for line in lines if "::" not in line)


@pytest.mark.parametrize("file", ["record.jsonl", "report.json"])
def test_a_truncated_file_is_never_taken_for_a_whole_run(reports, capsys, file):
    a, b = reports("a", results()), reports("b", results())
    main(["report", "build", str(b / "record.jsonl")])
    capsys.readouterr()
    whole = (b / file).read_bytes()
    for part in (0, 10, len(whole) // 2, len(whole) - 3):
        (b / file).write_bytes(whole[:part])
        status, said = compared(capsys, a, b / file)
        if "INCOMPLETE" in said.out:
            assert file == "record.jsonl"
            assert status == 1
        else:
            assert status == 2
            assert said.err.startswith(f"linmem: {b / file}")
            assert said.err.count("\n") == 1
            assert said.out == ""


def test_a_report_that_lost_results_is_damaged(reports, capsys):
    b = reports("b", results())
    main(["report", "build", str(b / "record.jsonl")])
    document = json.loads((b / "report.json").read_text())
    del document["results"][1]
    (b / "report.json").write_text(json.dumps(document))
    capsys.readouterr()
    status, said = compared(capsys, b / "report.json", b / "report.json")
    assert status == 2
    assert "is damaged: it counts 4 results and holds 3" in said.err


def test_a_folder_without_a_report_is_unusable(tmp_path, capsys):
    status, said = compared(capsys, tmp_path, tmp_path)
    assert status == 2
    assert "holds neither record.jsonl nor report.json" in said.err


def test_a_case_that_was_planned_and_not_run_is_no_removed_one(reports, capsys):
    a = reports("a", results())
    b = reports("b", results()[:-1], head=run(results()), end=None)
    status, said = compared(capsys, a, b)
    assert status == 1
    assert "INCOMPLETE: the run was killed, or has not ended yet; 1 of 4 planned results is missing" in " ".join(
        said.out.split()
    )
    assert "Cases that were planned and not run (1)\n  suites/memory/growth.yaml::shrinks[node]" in said.out
    assert "Removed" not in said.out


# ------------------------------------------------------------------ pairs of runtimes


def of(label, version, **more):
    return [result("grows", label, version=version, **more)]


def test_columns_that_differ_only_in_the_version_are_paired(reports, capsys):
    a = reports("a", of("wasmtime@49", "49") + of("node", "18"))
    b = reports("b", of("wasmtime@50", "50", outcome="fail") + of("node", "18"))
    status, said = compared(capsys, a, b)
    assert status == 1
    assert "version  wasmtime@49 → wasmtime@50" in said.out
    assert f"  {GROWS}[wasmtime@50]\n      pass → fail" in said.out
    assert "vanished" not in said.out


def test_variants_are_no_versions(reports, capsys):
    status, said = compared(capsys, reports("a", of("wasmer:llvm", "1")), reports("b", of("wasmer:singlepass", "1")))
    assert status == 1
    assert "vanished runtime wasmer:llvm with its 1 case\n" in said.out
    assert "added    runtime wasmer:singlepass with its 1 case\n" in said.out


def test_two_versions_of_one_runtime_are_paired_only_when_asked(reports, capsys):
    two = of("wasmtime@48", "48") + of("wasmtime@49", "49")
    a, b = reports("a", two), reports("b", of("wasmtime@50", "50", outcome="fail"))
    status, said = compared(capsys, a, b)
    assert status == 1
    assert "vanished runtime wasmtime@48" in said.out
    status, said = compared(capsys, a, b, "--pair", "wasmtime@49=wasmtime@50")
    assert "version  wasmtime@49 → wasmtime@50" in said.out
    assert "pass → fail" in said.out
    assert "vanished runtime wasmtime@48" in said.out
    status, said = compared(capsys, a, b, "--pair", "wasmtime@48=wasmtime@50", "--only")
    assert "wasmtime@49" not in said.out


def test_two_columns_of_one_report(reports, capsys):
    a = reports("a", of("wasmtime@49", "49") + of("wasmtime@50", "50", outcome="fail"))
    status, said = compared(capsys, a, a, "--pair=wasmtime@49=wasmtime@50", "--only")
    assert status == 1
    assert f"  {GROWS}[wasmtime@50]\n      pass → fail" in said.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pair=deno=node"], "--pair: the older report has no runtime 'deno'; it has wasmtime, node"),
        (["--pair=node=deno"], "--pair: the newer report has no runtime 'deno'"),
        (["--pair=node=node", "--pair=node=wasmtime"], "--pair: 'node' of the older report is paired twice"),
        (["--only"], "--only goes with --pair OLD=NEW"),
    ],
)
def test_pairs_that_make_no_sense(reports, capsys, options, message):
    a = reports("a", results())
    status, said = compared(capsys, a, a, *options)
    assert status == 2
    assert message in said.err


def test_a_label_alone_is_no_difference(reports, capsys):
    status, said = compared(capsys, reports("a", of("node", "18")), reports("b", of("node@18", "18")))
    assert status == 0
    assert "label    node 18 → node@18" in said.out


# ------------------------------------------------------------------ what was not asked for


@pytest.mark.parametrize(
    ("selection", "kept", "reason"),
    [
        ({"runtimes": ["wasmtime"]}, "[wasmtime]", "the run was not asked for runtime node"),
        ({"paths": ["suites/bounds.yaml"]}, "none", "the run was asked for other suites"),
        (
            {"paths": ["suites/memory/growth.yaml::grows"]},
            "::grows[",
            "the run was asked for other scenarios, by their ids",
        ),
        ({"guests": ["go"]}, "none", "the run was not asked for guest inline"),
    ],
)
def test_what_a_run_was_not_asked_for_is_not_removed(reports, capsys, selection, kept, reason):
    some = [item for item in results() if kept in item["id"]]
    extra = result("other", "wasmtime", suite="suites/bounds.yaml", guest="go")
    a = reports("a", [*results(), extra])
    b = reports("b", [*some, extra], head=run([*some, extra], selection=selection))
    status, said = compared(capsys, a, b)
    assert status == 0, said.out
    assert f": {b}: {reason}" in " ".join(said.out.split())


def test_what_a_selection_left_out_is_not_removed_and_all_else_is(reports, capsys):
    a = reports("a", results())
    end = {**END, "deselected": [case("grows", "node")]}
    some = [item for item in results() if item["id"] != f"{GROWS}[node]"][::-1]
    status, said = compared(capsys, a, reports("b", some, end=end))
    assert status == 0
    assert "left out by -k or the like" in said.out
    status, said = compared(capsys, a, reports("c", some[:-1], end=end))
    assert status == 1
    assert "Removed cases (1)\n  suites/memory/growth.yaml::grows[wasmtime]" in said.out


def test_runs_without_a_case_in_common_are_not_the_same(reports, capsys):
    a = reports("a", of("node", "1"))
    b = reports("b", of("wasmtime", "1"), head=run(of("wasmtime", "1"), selection={"runtimes": ["wasmtime"]}))
    assert compared(capsys, a, b)[0] == 2
    status, said = compared(capsys, b, a)
    assert status == 2
    assert "have no case in common: there is nothing to compare" in said.err


# ------------------------------------------------------------------ known defects, chance, other failures


def test_another_failure_is_a_change_and_chance_is_none(reports, capsys):
    fails = {"outcome": "fail", "message": "got 1"}
    other = {"outcome": "fail", "message": "got 2"}
    a = reports("a", results(**{"grows[node]": fails}))
    b = reports("b", results(**{"grows[node]": other}))
    status, said = compared(capsys, a, b)
    assert status == 1
    assert "Failures that fail otherwise (1)" in said.out
    assert "      was: got 1\n      now: got 2\n" in said.out
    chance = {"known": known(outcome=None), "observations": []}
    a = reports("c", results(**{"grows[node]": {**fails, **chance}}))
    b = reports("d", results(**{"grows[node]": {**other, **chance, "observations": [observed("x")]}}))
    status, said = compared(capsys, a, b)
    assert status == 0
    assert "Matters of chance, which are no differences (1)" in said.out


def test_a_listed_defect_that_passes_is_a_pass(reports, capsys):
    a = reports("a", results(**{"grows[node]": {"outcome": "fail", "known": known(outcome="fail")}}))
    b = reports("b", results(**{"grows[node]": {"known": known(outcome="fail")}}))
    status, said = compared(capsys, a, b)
    assert status == 1
    assert "known defect → pass" in said.out


# ------------------------------------------------------------------ guests and suites


def test_guests_and_suites(reports, capsys):
    def guest(name, sha="a", **more):
        return {"program": "p", "guest": name, "toolchain": "t", "sha256": sha, "status": "ready", **more}

    go, wat = result("grows", "node", guest="go"), result("grows", "node", guest="wat")
    bounds = result("one", "node", suite="suites/bounds.yaml")
    a = reports("a", [go, wat, bounds], head=run([go, wat, bounds], guests=[guest("go"), guest("wat")]))
    gone = {"status": "unavailable", "reason": "no compiler"}
    b = reports("b", [wat], head=run([wat], guests=[guest("go", **gone), guest("wat", "b")]))
    status, said = compared(capsys, a, b)
    assert status == 1
    assert "vanished guest go of p with its 1 case: no compiler\n" in said.out
    assert "module   guest wat of p has another module\n" in said.out
    assert "removed  suite suites/bounds.yaml with its 1 case\n" in said.out


# ------------------------------------------------------------------ formats


def test_json_names_every_case_also_of_a_runtime_that_is_gone(reports, capsys):
    a, b = reports("a", results()), reports("b", VANISHED)
    status, said = compared(capsys, a, b, "--format=json")
    document = json.loads(said.out)
    assert status == 1
    assert document["schema"] == "linmem-diff/1"
    assert [(item["id"], item["within"]) for item in document["changes"]] == [
        ("suites/memory/growth.yaml::grows[node]", "runtime node"),
        ("suites/memory/growth.yaml::shrinks[node]", "runtime node"),
    ]


def test_markdown_and_html_show_hostile_text_as_text(reports, tmp_path, capsys):
    hostile = {"outcome": "fail", "message": HOSTILE, "observations": [observed(HOSTILE)]}
    a, b = reports("a", results()), reports("b", results(**{"grows[node]": hostile}))
    page = tmp_path / "diff.html"
    status, _ = compared(capsys, a, b, "--format=html", "--out", page)
    assert status == 1
    html = page.read_text()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert 'id="suites/memory/growth.yaml::grows_node_"' in html
    _, said = compared(capsys, a, b, "--format=markdown")
    assert "<script" not in said.out
    assert "| `suites/memory/growth.yaml::grows[node]` | pass → fail: " in said.out
    assert "\x1b" not in html + said.out


def test_every_changed_case_is_named_in_every_format(reports):
    many = {f"grows{n}": result(f"grows{n}", "node") for n in range(300)}
    a = reports("a", list(many.values()))
    b = reports("b", [{**item, "outcome": "fail"} for item in many.values()])
    found = diff(inputs.load(a), inputs.load(b))
    pages = [diff_text.text(found), diff_text.markdown(found), diff_text.html(found)]
    pages.append(msgspec.json.encode(found).decode())
    for page in pages:
        assert all(f"::grows{n}[node]" in page for n in range(300))
