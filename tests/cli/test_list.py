"""``linmem``: what it prints and its exit status."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema_rs import Draft202012Validator

from linmem.cli import main

ROOT = Path(__file__).parents[2]
SPEC = "https://webassembly.github.io/spec/core/syntax/types.html#memory-types"

SCENARIOS = f"""\
title: Two pages
wat: (module (memory (export "memory") 2))
observations:
  how: {{question: How?}}
scenarios:
  - name: it has two pages
    steps:
      - size: memory
        expect: 2
  - name: it has room for $type
    spec: {SPEC}
    requires: [memory64, threads]
    cases: [{{type: u8}}, {{type: u16}}]
    steps:
      - read: $type
        at: 0
        expect: 0
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "two.yaml"
    path.write_text(SCENARIOS, encoding="utf-8")
    return path


def test_the_list_shows_line_name_needs_and_clause(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "two.yaml"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "two.yaml: Two pages, 3 scenarios",
        " no clause of a specification",
        "     6  it-has-two-pages",
        f" {SPEC}",
        "    10  it-has-room-for-u8  needs memory64, threads",
        "    10  it-has-room-for-u16  needs memory64, threads",
        "",
        "3 scenarios in 1 suite; play some: linmem run -k NAME",
    ]


def test_without_a_suite_the_list_is_an_overview_of_the_topics(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    captured = capsys.readouterr()
    topics = captured.out.split("\n\n")
    folders = sorted(path.parent for path in (ROOT / "suites").glob("*/README.md"))
    assert [topic.splitlines()[0] for topic in topics[:-1]] == [folder.name for folder in folders]
    for topic, folder in zip(topics, folders, strict=False):
        about = (folder / "README.md").read_text(encoding="utf-8").splitlines()[1:]
        assert " ".join(" ".join(about).split()) in " ".join(topic.split())
        assert all(f"    {path.name} " in topic for path in folder.glob("*.yaml"))
    assert "growth.yaml" in captured.out
    assert [line for line in captured.out.splitlines() if len(line) > 80] == []
    assert captured.err == ""


def test_the_list_of_all_suites_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "suites"]) == 0
    captured = capsys.readouterr()
    assert "  wasm-writes-24-at-index-0\n" in captured.out
    wide = [line for line in captured.out.splitlines() if len(line) > 80]
    assert [line for line in wide if not re.fullmatch(r" https://\S+| +[0-9]+  \S+|suites/\S+: .+", line)] == []


@pytest.mark.parametrize("name", ["growth.yaml", "suites/memory/growth.yaml", "memory", "suites"])
def test_suites_are_named_as_in_a_run_from_anywhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["list", name]) == 0
    assert "suites/memory/growth.yaml: " in capsys.readouterr().out
    assert main(["check", name]) == 0
    assert capsys.readouterr().out.startswith("ok: ")
    if name.endswith("growth.yaml"):
        assert main(["coverage", name, "--format=json"]) == 1
        assert json.loads(capsys.readouterr().out)["scenarios"] > 0


def test_what_a_long_name_needs_stands_below_it(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite.write_text(SCENARIOS.replace("it has room for $type", "room " * 12 + "$type"), encoding="utf-8")
    main(["list", "two.yaml"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[4:6] == [f"    10  {'room-' * 12}u8", "        needs memory64, threads"]


def test_the_list_as_json(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--format=json", "two.yaml"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["path"], listed["title"]) == ("two.yaml", "Two pages")
    assert listed["observations"] == [{"id": "how", "question": "How?", "answers": {}, "line": 4}]
    assert [scenario["scenario"] for scenario in listed["scenarios"]] == [
        "it-has-two-pages",
        "it-has-room-for-u8",
        "it-has-room-for-u16",
    ]
    assert listed["scenarios"][1] == {
        "scenario": "it-has-room-for-u8",
        "title": "it has room for u8",
        "about": "",
        "line": 10,
        "spec": SPEC,
        "requires": ["memory64", "threads"],
        "program": None,
        "package": None,
        "each_view": None,
        "case": {"type": "u8"},
    }


def test_a_wrong_file_leaves_the_others_in_the_list(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (suite.parent / "broken.yaml").write_text("title: [", encoding="utf-8")
    assert main(["list", "."]) == 1
    captured = capsys.readouterr()
    assert "it-has-two-pages" in captured.out
    assert captured.err.startswith("broken.yaml:2: is not YAML: ")
    assert captured.err.count("\n") == 1


def test_check_counts_scenarios_after_cases(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "two.yaml"]) == 0
    assert capsys.readouterr().out == "ok: 3 scenarios\n"


def test_check_takes_a_file_once_and_folders_whole(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("deeper", "out", ".hidden"):
        (suite.parent / folder).mkdir()
        (suite.parent / folder / "more.yml").write_text(SCENARIOS, encoding="utf-8")
    (suite.parent / "deeper" / "back").symlink_to(suite.parent)
    (suite.parent / "notes.txt").write_text("not a suite", encoding="utf-8")
    assert main(["check", ".", "two.yaml", str(suite)]) == 0
    assert capsys.readouterr().out == "ok: 6 scenarios\n"


def test_check_gives_each_wrong_file_one_line(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (suite.parent / "a.yaml").write_text(SCENARIOS.replace("expect: 2", "exspect: 2"), encoding="utf-8")
    (suite.parent / "b.yaml").write_text(SCENARIOS.replace("at: 0", "at: nowhere"), encoding="utf-8")
    assert main(["check", "."]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "a.yaml:9: unknown key 'exspect' in a step; did you mean 'expect'?",
        "b.yaml:15: unknown value 'nowhere' in this scenario (bind it with 'as' in an earlier step)",
        "Found 2 faults in 2 files.",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["check", "nowhere.yaml"],
            "nowhere.yaml: there is no such file, folder or suite; 'linmem list' shows the suites",
        ),
        (["list", "nowhere"], "nowhere: there is no such file, folder or suite; 'linmem list' shows the suites"),
        (["check", "empty"], "empty: there is no scenario file in this folder; their names end in .yaml or .yml"),
        (["check", "two.txt"], "two.txt: a scenario file's name ends in .yaml or .yml"),
    ],
)
def test_unusable_arguments(
    suite: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (suite.parent / "empty").mkdir()
    (suite.parent / "two.txt").write_text(SCENARIOS, encoding="utf-8")
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err == f"linmem: {message}\n"
    assert captured.out == ""


def test_the_schema_is_a_schema_and_its_path_is_its_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "scenario"]) == 0
    printed = capsys.readouterr().out
    Draft202012Validator(json.loads(printed))
    assert main(["schema", "scenario", "--path"]) == 0
    assert Path(capsys.readouterr().out.strip()).read_text(encoding="utf-8").strip() == printed.strip()


def run(*arguments: str, shell: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "linmem", *arguments]
    if shell:
        command = ["/bin/sh", "-c", f'"$@" {shell}', "sh", *command]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("lost",), ("check",)])
def test_a_command_line_that_makes_no_sense(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage: linmem" in done.stderr


@pytest.mark.slow
def test_a_reader_that_stops_early_is_no_error(suite: Path) -> None:
    cases = ", ".join(f"{{type: u8, row: {row}}}" for row in range(500))  # more than a pipe holds
    text = SCENARIOS.replace("{type: u8}, {type: u16}", cases).replace("room for $type", "room in row $row")
    suite.write_text(text, encoding="utf-8")
    done = run("list", "--format=json", str(suite), shell="| head -n 1")
    assert done.stdout == "[\n"
    assert done.stderr == ""


@pytest.mark.slow
def test_output_has_no_colour_codes(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = run("list", str(suite))
    assert "it-has-two-pages" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.fixture
def wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three files with faults of all sorts."""
    monkeypatch.chdir(tmp_path)
    head = 'title: T\nwat: (module (memory (export "memory") 1))\nscenarios:\n'
    (tmp_path / "form.yaml").write_text(
        head
        + "  - {name: a, steps: [{raed: u8}]}\n  - {name: b, steps: [{size: memory, expcet: 1}]}\n"
        + "  - {name: c, steps: [{size: memory, expect: x}]}\n  - {name: d, steps: [{size: memory}]}\n"
    )
    (tmp_path / "names.yaml").write_text(
        head
        + "  - name: a\n    steps:\n      - {size: memory, expect: x}\n      - {size: memory}\n"
        + "      - {read: u8, at: z}\n      - for: {i: [1, 3]}\n        steps:\n          - {read: u8, at: q}\n"
        + "  - {name: b, steps: [{size: memory}]}\n"
        + "  - {name: c, steps: [{view: Nope, as: v}, {view: Neither, as: w}]}\n"
        + "  - {name: b, steps: [{size: memory}]}\n"
    )
    (tmp_path / "tab.yaml").write_text("title: T\nscenarios:\n\t- {name: a}\n")


FAULTY = [
    "form.yaml:4",
    "form.yaml:5",
    "form.yaml:6",
    *(f"names.yaml:{line}" for line in (6, 8, 11, 13, 13, 14)),
    "tab.yaml:3",
]


@pytest.mark.usefixtures("wrong")
def test_check_tells_every_fault_of_every_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "."]) == 1
    *told, total = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in told] == FAULTY
    assert total == "Found 10 faults in 3 files."


@pytest.mark.usefixtures("wrong")
def test_check_for_programs_and_for_github(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", ".", "--format", "json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert [f"{fault['file']}:{fault['line']}" for fault in said["faults"]] == FAULTY
    assert main(["check", ".", "--format", "github"]) == 1
    lines = capsys.readouterr().out.splitlines()
    start = "::error file=form.yaml,line=4,title=linmem::unknown step 'raed' in a scenario; did you mean 'read'?"
    assert lines[0].startswith(start)
    assert [line for line in lines if not line.startswith("::error ")][-1] == "Found 10 faults in 3 files."


def test_every_suite_names_its_schema_for_editors() -> None:
    """By a path from where it is, so that it holds in any clone."""
    for path in sorted((ROOT / "suites").rglob("*.yaml")):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        assert first.startswith("# yaml-language-server: $schema="), path
        assert (path.parent / first.partition("=")[2]).resolve() == ROOT / "linmem/scenario/schema.json"
