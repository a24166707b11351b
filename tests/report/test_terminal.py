from __future__ import annotations

import io
from pathlib import Path

import pytest
from report_records import header, known, observed, result, runtime
from rich.cells import cell_len
from rich.console import Console

from linmem.report import terminal


def draw(report, width=80, encoding="utf-8", **more):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    terminal.render(report, Console(file=file, width=width, legacy_windows=False), **more)
    file.flush()
    return raw.getvalue().decode(encoding)


@pytest.fixture
def mixed(records):
    results = [
        result(scenario, label, suite=f"suites/{suite}.yaml")
        for suite in ("growth", "a-suite-whose-name-is-rather-long")
        for scenario in ("one", "two")
        for label in ("wasmtime", "wasmer:cranelift@1.1.0", "node")
    ]
    results[0].update(outcome="fail", message="24 was due")
    results[1].update(outcome="unsupported")
    results[5].update(observations=[observed("nothing")])
    results[3].update(observations=[observed("the new byte")])
    head = header(results)
    head["runtimes"].append(runtime("wasmer:llvm", status="unavailable", reason="no wheel", remedy="use cranelift"))
    head["guests"].append(
        {
            "program": "p",
            "guest": "tinygo",
            "status": "unavailable",
            "reason": "tinygo not found",
            "remedy": "install it",
        }
    )
    return records.report(results, head=head)


def test_the_whole(mixed):
    lines = [line.rstrip() for line in draw(mixed, html=Path("reports/out/report.html")).splitlines()]
    assert lines == [
        "FAILED: 1 of 12 results is unexpected: 1 failure.",
        "  Fix what failed, or list it in a file for --known if upstream has to fix",
        "      it.",
        "",
        "All three runtimes meet 3 of 4 requirements; 1 is broken by at least one of",
        "them.",
        "  Met: 3 requirements of specifications, by all three runtimes.",
        "  Broken: 1 requirement, by at least one runtime: wasmtime 1, unexpected",
        "  Left open: 1 question that specifications leave to the runtime: 0 answered",
        "      alike everywhere and 1 answered differently.",
        "  Unsupported: 1 requirement could not be tested on at least one runtime; 1",
        "      of these is among the broken ones, because another breaks it:",
        "    wasmer:cranelift@1.1.0 1: the host API has no way to test 1 (“Suite",
        "        growth”)",
        "  Tested: 4 scenarios, each for a requirement, open questions or both. A",
        "      result is one scenario on one runtime, with one guest program and one way",
        "      into its memory: 12 in all. Runtimes: wasmtime 1.0;",
        "      wasmer:cranelift@1.1.0; node 1.0",
        "",
        "Broken on some runtimes",
        "  Memory one: fail on wasmtime",
        "",
        "Open questions with different answers",
        "  What does an old view see?",
        "    the new byte on wasmtime",
        "    nothing on node",
        "",
        "runtime wasmer:llvm not asked: no wheel; use cranelift",
        "guest tinygo of p not run: tinygo not found; install it",
        "",
        "                          wasmtime  wasmer:cranelift@1.1.0  node",
        "Suite growth              1 pass    1 pass                  2 pass",
        "                          1 fail    1 unsupported",
        "Suite a-suite-whose-nam…  2 pass    2 pass                  2 pass",
        "all                       3 pass    3 pass                  4 pass",
        "                          1 fail    1 unsupported",
        "report: reports/out/report.html",
    ]


@pytest.mark.parametrize("width", [60, 80, 132])
def test_no_line_is_wider_than_the_terminal(mixed, hostile, records, width):
    many = records.report([result(runtime=f"runtime@{number}.0.0") for number in range(20)])
    for report in (mixed, hostile, many):
        text = draw(report, width, failures=True)
        assert max(cell_len(line) for line in text.splitlines()) <= width
    assert all(f"runtime@{number}.0.0" in text for number in range(20))


def test_no_escape_codes_where_there_is_no_terminal(mixed, hostile):
    for report in (mixed, hostile):
        assert "\x1b" not in draw(report, failures=True)


def test_no_colour_is_honoured(mixed, monkeypatch):
    def coloured():
        file = io.StringIO()
        terminal.render(mixed, Console(file=file, width=80, force_terminal=True, color_system="standard"))
        return file.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[31m" in coloured() or "\x1b[1;31m" in coloured()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in coloured()


def test_hostile_text_is_made_visible(hostile):
    text = draw(hostile, failures=True)
    assert "\\x1b[31m" in text
    assert "\u202e" not in text
    assert "[a](javascript:x)" in text.replace("\n      ", "")  # not taken for rich's markup


def test_a_terminal_that_knows_only_ascii(mixed, hostile):
    for report in (mixed, hostile):
        assert "by all three" in draw(report, encoding="ascii", failures=True)


def test_an_incomplete_run_says_so_first(records):
    text = draw(records.report([result()], end=None))
    assert text.startswith("FAILED: This run is incomplete: the run was killed")


def test_a_run_without_results(records):
    text = draw(records.report([], head=header([result()])))
    assert "No result was recorded" in text
    assert "1 not run" in text
    assert "pass" not in text


def test_failures_are_listed_on_request(records):
    report = records.report([result(outcome="crash", message="it died"), result("two", known=known(9))])
    assert "it died" not in draw(report)
    text = draw(report, failures=True)
    assert "crash Memory grows on wasmtime: it died" in text
    assert "delete the entry at" in text


def test_long_lists_are_cut_and_counted(records):
    results = [result(f"s{number}", label, "fail" if label == "node" else "pass")
               for number in range(40) for label in ("wasmtime", "node")]  # fmt: skip
    text = draw(records.report(results), failures=True)
    assert text.count("and 30 more; the reports have them all") == 2


def many(records, count=15, suites=12):
    results = [
        result(f"s{number}", f"runtime-{column}@{column}.0.0", suite=f"suites/a-topic-of-some-length-{number}.yaml")
        for number in range(suites) for column in range(count)
    ]  # fmt: skip
    results[0].update(outcome="crash", message="it died")
    results[1].update(outcome="fail", known=known(3))
    results[2].update(outcome="unsupported")
    results[3].update(observations=[observed("nothing")])
    results[4].update(observations=[observed("the new byte")])
    return records.report(results)


def test_fifteen_runtimes_fit_into_80_columns(records):
    lines = draw(many(records)).splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert " 1 runtime-0@0.0.0     91.6%  11 of 12 pass, 1 unexpected" in lines
    assert " 3 runtime-2@2.0.0      100%  11 of 11 pass, 1 unsupported" in lines
    head = next(number for number, line in enumerate(lines) if line.split()[:3] == ["1", "2", "3"])
    assert lines[head].split() == [str(number) for number in range(1, 16)]
    assert lines[head + 1].split()[-15:] == ["†1", "◆1", "○1", *["✓"] * 12]
    assert any(line.startswith("† crash, ◆ known defect, ○ unsupported, ✓ pass") for line in lines)


def test_what_differs_stands_before_the_table_and_names_the_few(records):
    text = draw(many(records))
    assert "Memory s0: crash on runtime-0@0.0.0" in " ".join(text.split())
    assert text.index("Broken on some") < text.index("Open questions with") < text.index(" 1 runtime-0")


def test_marks_for_a_terminal_that_knows_only_ascii(records):
    text = draw(many(records), encoding="ascii")
    assert "C crash, k known defect, o unsupported, . pass" in text
    assert "C1  k1  o1  .   ." in text


def test_what_one_can_rely_on(records):
    """Requirements by suite, then open questions: an answer that all gave, and who gave which."""
    results = [
        result(scenario, label, suite=f"suites/memory/{suite}.yaml")
        for suite in ("growth", "bounds")
        for scenario in ("one", "two")
        for label in ("wasmtime", "node")
    ]
    results[0].update(outcome="fail", message="24 was due")
    results[3].update(outcome="unsupported")
    for number, answer in ((4, "the byte"), (5, "the byte"), (6, "0"), (7, "undefined")):
        results[number].update(observations=[observed(answer, id="old" if number > 5 else "last")])
    report = records.report(results)

    def rely(*chosen, width=80):
        raw = io.StringIO()
        terminal.rely(report, Console(file=raw, width=width), chosen or None)
        return [line.rstrip() for line in raw.getvalue().splitlines()]

    lines = rely()
    assert lines[0].startswith("On wasmtime 1.0")
    at = lines.index("Requirements                              met by all  broken  not on all      of")
    assert lines[at + 1 : at + 3] == [
        "Suite growth                                               1           1       2",
        "Suite bounds                                       2                           2",
    ]
    at = lines.index("Left open, and answered differently: ask before you rely on it (1)")
    assert [line.strip() for line in lines[at + 2 : at + 4]] == ["0: wasmtime", "undefined: node"]
    assert any(line.endswith("the byte") for line in lines)
    assert not any("Left open" in line for line in rely("suites/memory/growth.yaml"))
    assert all(cell_len(line) <= 60 for line in rely(width=60))
