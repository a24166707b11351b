from __future__ import annotations

import json

import pytest
from report_records import END, header, observed, result

from linmem.results import record


def test_each_line_can_be_read_while_the_run_goes(tmp_path):
    path = tmp_path / "deep" / "record.jsonl"
    lines = [header([result()]), result()]
    with record.RecordWriter(path, lines[0]) as writer:
        for number, line in enumerate(lines, 1):
            if number > 1:
                writer.write(line)
            assert path.read_bytes().count(b"\n") == number
        assert [item.id for item in record.read(path).results] == [lines[1]["id"]]


def test_a_new_record_replaces_an_older_one(records):
    records.write([result("old")])
    records.write([result("new")])
    assert [item.scenario for item in record.read(records.path).results] == ["new"]


def test_a_complete_record(records):
    back = record.read(records.write([result(observations=[observed("sees it")]), result(runtime="node")]))
    assert back.incomplete is None
    assert back.run.planned == [item.case for item in back.results]
    assert back.results[0].observations[0].answer == "sees it"


def test_without_an_end_line_the_run_was_killed(records):
    back = record.read(records.write([result()], end=None))
    assert back.incomplete == "the run was killed, or has not ended yet"


def test_planned_results_that_are_missing_are_counted(records):
    both = [result("one"), result("two")]
    back = record.read(records.write(both[:1], head=header(both)))
    assert back.incomplete == "1 of 2 planned results is missing"
    assert [case.id for case in back.missing] == [both[1]["id"]]


def test_an_end_that_gives_a_reason(records):
    end = {**END, "complete": False, "reason": "interrupted by Ctrl-C"}
    assert record.read(records.write([result()], end=end)).incomplete == "interrupted by Ctrl-C"


def test_a_run_of_nothing_is_not_complete(records):
    assert record.read(records.write([])).incomplete == "no scenario was selected"


@pytest.mark.parametrize("cut", [1, 7, 60])
def test_a_torn_last_line_loses_that_line_only(records, cut):
    results = [result("one"), result("two")]
    path = records.write(results, end=None)
    path.write_bytes(path.read_bytes()[:-cut])
    back = record.read(path)
    whole = ["one", "two"] if cut == 1 else ["one"]  # without its newline only, the line is still whole
    assert [item.scenario for item in back.results] == whole
    assert back.incomplete.startswith("the run was killed")
    assert back.unreadable == []


@pytest.mark.parametrize("damage", [b"{not json", b"\xff\xfe\x00", b'{"type":"result","id":3}', b'["list"]'])
def test_a_damaged_line_makes_the_run_incomplete_and_is_named(records, damage):
    path = records.write([result("one"), result("two")])
    lines = path.read_bytes().split(b"\n")
    lines[2] = damage
    path.write_bytes(b"\n".join(lines))
    back = record.read(path)
    assert back.unreadable == [3]
    assert "1 line of the record can't be read (line 3)" in back.incomplete
    assert [item.scenario for item in back.results] == ["one"]


def test_an_outcome_that_does_not_exist_is_not_taken_for_a_result(records):
    back = record.read(records.write([result(outcome="fine")]))
    assert back.results == []
    assert "can't be read" in back.incomplete


def test_lines_of_a_later_kind_are_passed_over(records):
    back = record.read(records.write([result()], between=[{"type": "weather", "sky": "blue"}]))
    assert back.incomplete is None
    assert len(back.results) == 1


def test_of_two_results_with_one_id_the_worse_stands(records):
    for outcomes in (("fail", "pass"), ("pass", "fail")):
        back = record.read(records.write([result(outcome=outcome) for outcome in outcomes]))
        assert [item.outcome for item in back.results] == ["fail"]


def test_of_two_introductions_of_a_runtime_the_last_stands(records):
    lines = [{"type": "runtime", "label": "wasmtime", "engine": engine} for engine in ("first", "last")]
    assert record.read(records.write([result()], between=lines)).answered["wasmtime"].engine == "last"


def test_a_scenario_file_that_cannot_be_loaded_makes_the_run_incomplete(records):
    broken = {"type": "broken", "suite": "suites/x.yaml", "message": "suites/x.yaml:3: unknown step 'raed'"}
    back = record.read(records.write([result()], between=[broken]))
    assert back.incomplete == "1 scenario file can't be loaded: suites/x.yaml"


def test_a_lone_surrogate_does_not_lose_the_line(records):
    back = record.read(records.write([result(outcome="fail", message="it said \ud800", stderr="\udcff")]))
    assert back.results[0].message == "it said ?"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"hello\n", ":1: is no record of a run"),
        (b'{"type":"result"}\n', ":1: is no record of a run: its first line is not of type 'run'"),
        (b'{"type":"run","format":1}\n', ":1: has record format 1; this linmem reads format 2"),
        (b'{"type":"run","format":2}\n', ":1: is no record of a run"),
        (b"\xff\xff\n", ":1: is no record of a run"),
    ],
)
def test_what_is_no_record_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "record.jsonl"
    path.write_bytes(content)
    with pytest.raises(record.RecordError) as error:
        record.read(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_record_is_refused_in_one_line(tmp_path):
    with pytest.raises(record.RecordError, match=r"no\.jsonl: can't be read: No such file"):
        record.read(tmp_path / "no.jsonl")


def test_a_run_line_keeps_what_it_says(records):
    head = header([result()])
    back = record.read(records.write([result()], head=head)).run
    assert json.loads(json.dumps(head["environment"])) == {
        "python": back.environment.python,
        "implementation": back.environment.implementation,
        "platform": back.environment.platform,
        "packages": back.environment.packages,
    }
