from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from report_records import result

from linmem.cli import main
from linmem.report import write

ROOT = Path(write.__file__).parents[1]


def test_build_writes_beside_the_record_and_says_where(records, capsys):
    path = records.write([result()])
    assert main(["report", "build", str(path)]) == 0
    said = capsys.readouterr()
    assert said.out.split() == [str(path.with_name(name)) for name in (*write.NAMES, "badges")]
    assert said.err == ""
    assert all(path.with_name(name).exists() for name in write.NAMES)


def test_build_of_a_killed_run_says_what_is_wrong(records, tmp_path, capsys):
    path = records.write([result()], end=None)
    assert main(["report", "build", str(path), "--report-dir", str(tmp_path / "x")]) == 0
    assert capsys.readouterr().err == "incomplete: the run was killed, or has not ended yet\n"
    assert (tmp_path / "x" / "report.html").exists()


def test_show_draws_a_report_with_its_failures(records, tmp_path, capsys):
    write.write_all(records.write([result(outcome="fail", message="24 was due")]), tmp_path)
    assert main(["report", "show", str(tmp_path / "report.json")]) == 0
    shown = capsys.readouterr().out
    assert "wasmtime breaks 1 of 1 requirement" in shown
    assert "24 was due" in shown
    assert "report: " in shown


def test_a_run_is_named_by_its_folder_too(records, tmp_path, capsys):
    folder = records.write([result(outcome="fail", message="24 was due")]).rename(tmp_path / "record.jsonl").parent
    assert main(["report", "build", str(folder)]) == 0
    assert (folder / "report.html").exists()
    capsys.readouterr()
    shown = []
    for given in (folder, folder / "record.jsonl", folder / "report.json"):
        assert main(["report", "show", str(given)]) == 0
        shown.append(capsys.readouterr().out)
    assert "24 was due" in shown[0]
    assert shown == [shown[0]] * 3


def test_schema(capsys):
    assert main(["schema", "report"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["schema"] == {"const": "linmem-report/3"}
    assert main(["schema", "report", "--path"]) == 0
    assert Path(capsys.readouterr().out.strip()).is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "build", "no.jsonl"], "no.jsonl: there is no such run: play one first"),
        (["report", "build", "folder"], "folder/record.jsonl: there is no such run: play one first"),
        (["report", "build", "bad"], "bad:1: is no record of a run"),
        (["report", "build", "good.jsonl", "--report-dir", "bad"], "bad: File exists"),
        (["report", "show", "no.json"], "no.json: there is no such run: play one first"),
        (["report", "show", "bad"], "bad: is no linmem report"),
        (["report", "show", "folder"], "folder: holds neither record.jsonl nor report.json"),
    ],
)
def test_unusable_input_ends_with_one_line_and_status_2(records, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    records.write([result()]).rename("good.jsonl")
    Path("bad").write_text("nonsense\n")
    Path("folder").mkdir()
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"linmem: {message}")
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_file_that_cannot_be_written_is_told_by_its_own_name(records, tmp_path, capsys):
    path = records.write([result(outcome="fail")])
    wanted = tmp_path / "nowhere" / "known.yaml"
    assert main(["known", "--add", "--from", str(path), "--known", str(wanted)]) == 2
    assert capsys.readouterr().err == f"linmem: {wanted}: No such file or directory\n"
    with pytest.raises(OSError, match="No such file") as caught:
        write.replace(wanted, b"")
    assert caught.value.filename == str(wanted)


def test_it_is_a_command_with_help():
    done = subprocess.run(
        [sys.executable, "-m", "linmem", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("usage: linmem")
    for command in ("build", "show", "schema"):
        assert command in done.stdout


@pytest.mark.parametrize("command", ["show", "gate", "diff", "merge", "known"])
@pytest.mark.parametrize("lost", ["summary of a suite", "suite", "scenario", "runtime"])
def test_a_report_whose_parts_do_not_fit_together_is_refused(records, tmp_path, capsys, command, lost):
    write.write_all(records.write([result(outcome="fail", message="24 was due")]), tmp_path)
    path = tmp_path / "report.json"
    data = json.loads(path.read_text())
    if lost == "summary of a suite":
        data["summary"]["suites"].clear()
    elif lost == "scenario":
        data["suites"][0]["scenarios"].clear()
    else:
        data[f"{lost}s"].clear()
    path.write_text(json.dumps(data))
    words = {
        "show": ["report", "show", str(path)],
        "gate": ["gate", str(path), "--record-baseline", str(tmp_path / "new.yaml")],
        "diff": ["diff", str(path), str(path)],
        "merge": ["merge", str(path), "--report-dir", str(tmp_path / "merged")],
        "known": ["known", "--stale", "--from", str(path)],
    }[command]
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.err == (
        f"linmem: {path}: is damaged: its results and its lists of suites and runtimes don't fit together\n"
    )


@pytest.mark.parametrize("name", ["report.json", "record.jsonl"])
@pytest.mark.parametrize("kind", ["deep", "pipe", "device", "folder", "huge"])
def test_what_is_no_file_of_a_run_ends_in_a_line(tmp_path, capsys, name, kind):
    path = tmp_path / "run" / name
    path.parent.mkdir()
    if kind == "deep":
        path.write_text('{"schema": "linmem-report/2", "type": "run", "x": ' + "[" * 1_000_000)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(2 << 30)
    assert main(["report", "show", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("linmem: ")
    assert said.count("\n") == 1
    assert str(path) in said
