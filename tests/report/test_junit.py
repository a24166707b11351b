"""The report as JUnit XML: what it says by itself, and beside pytest's own ``--junitxml``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from report_records import HOSTILE, Records, header, known, result

from linmem.report import junit

SUITE = """\
title: Mine
wat: (module (memory (export "memory") 1))
scenarios:
  - {name: one page, steps: [{size: memory, expect: 1}]}
  - {name: two pages, steps: [{size: memory, expect: 2}]}
"""


def parsed(report: Any) -> ElementTree.Element:
    return ElementTree.fromstring(junit.render(report))[0]


def counts(suite: ElementTree.Element) -> tuple[int, ...]:
    return tuple(int(suite.get(name, "-1")) for name in ("tests", "failures", "errors", "skipped"))


def cases(suite: ElementTree.Element) -> dict[str | None, list[tuple[str, str | None]]]:
    """What each test case came to, and the words for it."""
    return {
        case.get("name"): [(item.tag, item.get("message")) for item in case if item.tag != "properties"]
        for case in suite
    }


def test_each_result_is_a_case_with_its_status(records: Records) -> None:
    suite = parsed(
        records.report(
            [
                result("passes", guest="go", view="DataView"),
                result("fails", outcome="fail"),
                result("dies", outcome="crash"),
                result("hangs", outcome="timeout"),
                result("errs", outcome="error"),
                result("lacks", outcome="unsupported"),
                result("listed", outcome="fail", known=known(reason="wrong", link="https://example.org/1")),
                result("cured", known=known(9)),
            ]
        )
    )
    assert counts(suite) == (8, 4, 1, 2)
    assert cases(suite) == {
        "passes[go-wasmtime-DataView]": [],
        "fails[wasmtime]": [("failure", "the fail's message")],
        "dies[wasmtime]": [("failure", "the crash's message")],
        "hangs[wasmtime]": [("failure", "the timeout's message")],
        "errs[wasmtime]": [("error", "the error's message")],
        "lacks[wasmtime]": [("skipped", "the unsupported's message")],
        "listed[wasmtime]": [("skipped", "wrong (https://example.org/1)")],
        "cured[wasmtime]": [
            (
                "failure",
                "listed as a known defect at runtimes/wasmtime/known.yaml:9, but it did not fail: delete that entry",
            )
        ],
    }
    properties = {item.get("name"): item.get("value") for item in suite[0].iter("property")}
    expected = {"suite": "suites/memory/growth.yaml", "runtime": "wasmtime", "version": "1.0", "guest": "go"}
    assert properties == {**expected, "view": "DataView"}


def test_what_has_no_result_is_an_error(records: Records) -> None:
    lines = [result("played"), result("lost")]
    broken = {"type": "broken", "suite": "suites/x.yaml", "message": "suites/x.yaml:3: unknown step 'raed'"}
    suite = parsed(records.report(lines[:1], head=header(lines), between=[broken], end=None))
    assert counts(suite) == (3, 0, 2, 0)
    assert cases(suite) == {
        "played[wasmtime]": [],
        "the file can be loaded": [("error", "suites/x.yaml:3: unknown step 'raed'")],
        "lost[wasmtime]": [("error", "planned, but no result was recorded")],
    }


def test_an_incomplete_run_is_never_all_good(records: Records) -> None:
    for results in ([], [result()]):
        report = records.report(results, head=header(results), end=None)
        suite = parsed(report)
        assert counts(suite) == (len(results) + 1, 0, 1, 0)
        assert cases(suite)["the run is complete"] == [("error", report.reason)]
        records.path.unlink()


def test_hostile_text_is_still_xml(hostile: Any, records: Records) -> None:
    assert counts(parsed(hostile))[0] == len(hostile.results) + len(hostile.broken) + len(hostile.missing)
    surrogate = result("fails", outcome="fail", message=HOSTILE + "\x00\ufffe]]>", stderr=HOSTILE)
    assert counts(parsed(records.report([surrogate]))) == (1, 1, 0, 0)


@pytest.fixture
def suite(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(SUITE, encoding="utf-8")
    return f"--suites={path}"


def test_a_run_writes_it(suite: str, run: Callable[..., Any]) -> None:
    played = run(suite, "--runtime=wasmtime")
    found = ElementTree.parse(played.folder / "junit.xml").getroot()[0]
    assert (found.get("name"), counts(found)) == ("linmem", (2, 1, 0, 0))
    assert list(cases(found)) == ["one-page[wasmtime]", "two-pages[wasmtime]"]


@pytest.mark.slow
def test_pytest_writes_its_own_where_it_is_told(suite: str, tmp_path: Path, run: Callable[..., Any]) -> None:
    """Beside linmem's own, or in its place, where the option names that very file."""
    played = run(suite, "--runtime=wasmtime", f"--junitxml={tmp_path / 'mine.xml'}")
    written = {
        path: ElementTree.parse(path).getroot()[0] for path in (played.folder / "junit.xml", tmp_path / "mine.xml")
    }
    assert [(found.get("name"), counts(found)) for found in written.values()] == [
        ("linmem", (2, 1, 0, 0)),
        ("pytest", (2, 1, 0, 0)),
    ]
    for more in ([], ["-n", "2"]):
        same = run(suite, "--runtime=wasmtime", f"--junitxml={played.folder / 'junit.xml'}", *more)
        found = ElementTree.parse(same.folder / "junit.xml").getroot()[0]
        assert (found.get("name"), counts(found)) == ("pytest", (2, 1, 0, 0))


@pytest.mark.slow
def test_a_run_that_plays_nothing_leaves_pytest_s_own(suite: str, tmp_path: Path, run: Callable[..., Any]) -> None:
    path = tmp_path / "out" / "junit.xml"
    assert run(suite, "--runtime=wasmtime", f"--junitxml={path}", "-k", "no_such").status == 5
    assert ElementTree.parse(path).getroot()[0].get("name") == "pytest"
