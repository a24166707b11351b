"""Scenarios as pytest items, on a bench that decides by the scenario's name how each one ends."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from linmem.plugin import onephase
from linmem.plugin.items import ScenarioItem, SuiteFile
from linmem.results.case import Case
from linmem.results.outcome import Result
from linmem.results.verdict import KnownFailure
from linmem.run.planned import Planned
from linmem.scenario.model import Scenario
from linmem.scenario.source import SourceError

Run = Callable[..., "Played"]


class ToyBench:
    """Every scenario on two runtimes, with two view kinds where it asks for them."""

    view_kinds = None

    def __init__(self) -> None:
        self.results: list[Result] = []

    def cases(self, scenario: Scenario) -> list[Planned]:
        if scenario.slug == "nowhere":
            raise SourceError(scenario.where.file, scenario.where.line, "no such program")
        views = ["Uint8Array", "DataView"] if scenario.each_view else [None]
        cases = [
            Case(scenario.suite, scenario.slug, runtime, None, view) for runtime in ("one", "two") for view in views
        ]
        return [Planned(case, scenario, None, "1.0") for case in cases]

    def result(self, planned: Planned) -> Result:
        return Result.begun(planned.case, planned.scenario.title, planned.version, self.known(planned.scenario))

    def known(self, scenario: Scenario) -> KnownFailure | None:
        return KnownFailure("mine/known.yaml", 3, "upstream") if "known" in scenario.title else None

    def play(self, planned: Planned, result: Result) -> Result:
        scenario = planned.scenario
        self.results.append(result)
        if scenario.slug == "defect":
            raise RuntimeError("oops")
        result.outcome = scenario.slug if scenario.slug in ("pass", "fail", "unsupported") else "pass"
        result.message = "" if result.outcome == "pass" else f"why it is {result.outcome}"
        result.where = str(scenario.where)
        return result

    def hint(self, planned: Planned, result: Result) -> str | None:
        return "mine/known.yaml:5 lists it for others" if "other" in planned.scenario.title else None

    def good(self, result: Result) -> bool:
        return result.outcome in ("pass", "unsupported") if result.known is None else result.outcome == "fail"


class Played:
    """What a pytest run came to."""

    def __init__(
        self, folder: Path, bench: ToyBench, one_phase: bool, capsys: pytest.CaptureFixture[str], *options: str
    ) -> None:
        self.bench, self.one_phase, self.junit = bench, one_phase, folder / "junit.xml"
        # Ending, the inner run's faulthandler would take away the handlers that Wasmtime has in this process for traps.
        fixed = ["-p", "no:cacheprovider", "-p", "no:faulthandler", "-c", "/dev/null", "-rA"]
        fixed += [f"--rootdir={folder}", f"--junitxml={self.junit}"]
        self.status = pytest.main([*fixed, *options, str(folder)], plugins=[self])
        self.text = capsys.readouterr().out

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
        return SuiteFile.make(parent, file_path, self.bench) if file_path.suffix == ".yaml" else None

    def pytest_runtest_protocol(self, item: ScenarioItem, nextitem: pytest.Item | None) -> bool | None:
        if self.one_phase:
            onephase.run(item, nextitem)
        return self.one_phase or None

    @property
    def cases(self) -> list[ET.Element]:
        return list(ET.parse(self.junit).getroot().iter("testcase"))


@pytest.fixture(params=["collapsed", "phases"])
def run(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Runs pytest on files that hold scenarios of these names."""
    monkeypatch.chdir(tmp_path)

    def run(files: dict[str, list[str] | str], *options: str) -> Played:
        for name, content in files.items():
            if not isinstance(content, str):
                scenarios = "".join(f"  - {{name: {name}, steps: [{{call: f}}]}}\n" for name in content)
                content = f"title: T\nwat: (module)\nspec: https://example.org\nscenarios:\n{scenarios}"
            (tmp_path / name).write_text(content, encoding="utf-8")
        return Played(tmp_path, ToyBench(), request.param == "collapsed", capsys, *options)

    return run


def test_an_item_for_every_scenario_and_cell(run: Run) -> None:
    views = "title: T\nwat: (module)\nscenarios: [{name: a view, each_view: u8, steps: [{call: f}]}]\n"
    played = run({"a.yaml": ["pass", "fail"], "b.yaml": views}, "--collect-only", "-q")
    assert [line for line in played.text.splitlines() if "::" in line] == [
        "a.yaml::pass[one]",
        "a.yaml::pass[two]",
        "a.yaml::fail[one]",
        "a.yaml::fail[two]",
        "b.yaml::a-view[one-Uint8Array]",
        "b.yaml::a-view[one-DataView]",
        "b.yaml::a-view[two-Uint8Array]",
        "b.yaml::a-view[two-DataView]",
    ]
    assert played.bench.results == []


def test_outcomes_in_pytest_s_terms(run: Run) -> None:
    played = run({"a.yaml": ["pass", "fail", "unsupported"], "b.yaml": ["known pass"]})
    assert played.status == pytest.ExitCode.TESTS_FAILED
    for line in (
        "PASSED a.yaml::pass[one]",
        "FAILED a.yaml::fail[two]",
        "FAILED b.yaml::known-pass[one]",
        "why it is unsupported",
    ):
        assert line in played.text
    assert "4 failed, 2 passed, 2 skipped" in played.text
    assert "Traceback" not in played.text
    assert "fail: fail on one (1.0)\n  why it is fail\n  at a.yaml:6\n" in played.text
    assert "it passes, but mine/known.yaml:3 says it must fail (upstream)" in played.text


def test_a_known_defect_is_an_expected_failure(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ToyBench, "known", lambda self, scenario: KnownFailure("mine/known.yaml", 3, "upstream"))
    played = run({"a.yaml": ["fail"]})
    assert played.status == pytest.ExitCode.OK
    assert "2 xfailed" in played.text
    assert "XFAIL a.yaml::fail[one] - upstream" in played.text


def test_what_the_result_starts_with(run: Run) -> None:
    run_ = run({"a.yaml": ["pass"]}, "-k", "one")
    (result,) = run_.bench.results
    assert result.id == "a.yaml::pass[one]"
    assert (result.suite, result.scenario, result.title) == ("a.yaml", "pass", "pass")
    assert (result.runtime, result.version, result.guest, result.view) == ("one", "1.0", None, None)


def test_a_broken_file_is_one_line_and_others_run(run: Run) -> None:
    files = {
        "a.yaml": ["pass"],
        "b.yaml": "title: T\nscenarios:\n  - hello\n",
        "c.yaml": ["nowhere"],
        "d.yaml": ["pass"],
    }
    played = run(files, "--continue-on-collection-errors")
    assert played.status == pytest.ExitCode.TESTS_FAILED
    assert "b.yaml:3: a scenario must be a mapping, found 'hello'\n" in played.text
    assert "c.yaml:5: no such program\n" in played.text
    assert "4 passed, 2 errors" in played.text
    assert "Traceback" not in played.text
    assert ".py" not in played.text.split("ERRORS")[1].split("PASSES")[0]


def test_a_defect_of_linmem_s_own_shows_its_traceback_and_is_a_result(run: Run) -> None:
    played = run({"a.yaml": ["defect"]}, "-k", "one")
    assert "RuntimeError: oops" in played.text
    assert "test_items.py" in played.text
    assert played.bench.results[0].message == "linmem itself failed: RuntimeError: oops"


def test_selection_by_title_runtime_and_guest(run: Run) -> None:
    for expression, count in (("pass", 2), ("two", 2), ("pass and two", 1), ("inline", 4), ("nothing", 0)):
        played = run({"a.yaml": ["pass", "fail"]}, "-k", expression)
        assert len(played.bench.results) == count
        if count == 0:
            assert played.status == pytest.ExitCode.NO_TESTS_COLLECTED


def test_junit_properties(run: Run) -> None:
    played = run({"a.yaml": ["pass"]}, "-k", "one")
    (case,) = played.cases
    found = {item.get("name"): item.get("value") for item in case.iter("property")}
    assert found == {
        "suite": "a.yaml",
        "runtime": "one",
        "version": "1.0",
        "guest": "inline",
        "spec": "https://example.org",
    }
