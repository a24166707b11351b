"""Keeping the list of known defects: what has had its day, deleting and adding, with comments kept."""

from __future__ import annotations

import pytest
from report_records import END, Records, header, known, result

from linmem.cli import main
from linmem.results import known as known_defects
from linmem.results.case import Case
from linmem.results.known import Engine

LIST = """\
# The list.

# two that belong together
- scenario: growth.yaml::grows
  runtime: wasmtime
  reason: first
- scenario: growth.yaml::shrinks
  runtime: wasmtime@1.0   # a remark
  outcome: crash
  reason: >
    second, over

    # several lines

- scenario: growth.yaml::s*
  runtime: wasmtime
  view: [one, two]
  reason: third
  link: https://example.org/3

# about node
- scenario: growth.yaml::grows
  runtime: node
  message: got 9
  reason: fourth
"""
FAILS = {"outcome": "fail", "message": "got 9"}


@pytest.fixture
def listed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "known.yaml"
    path.write_text(LIST)
    return path


@pytest.fixture
def played(tmp_path):
    def write(results, end=END):
        Records(tmp_path).write(results, head=header(results), end=end)
        return str(tmp_path / "out")

    return write


def stale(capsys, run, *options):
    status = main(["known", "--stale", "--from", run, "--known", "known.yaml", *options])
    return status, capsys.readouterr().out.splitlines()


ALL = [
    result("grows", "wasmtime", **FAILS),
    result("shrinks", "wasmtime", outcome="crash"),
    result("stays", "wasmtime", view="one", **FAILS),
    result("stays", "wasmtime", view="two", **FAILS),
    result("grows", "node", **FAILS),
]


def but(**changes):
    return [
        {**item, **changes.get(f"{item['scenario']}_{item['runtime']}_{item['view'] or ''}".rstrip("_"), {})}
        for item in ALL
    ]


PASSES = {"outcome": "pass", "message": ""}


def test_a_list_that_is_as_it_says(listed, played, capsys):
    assert stale(capsys, played(ALL)) == (0, ["0 entries to look at; 4 as they say"])


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (but(grows_wasmtime=PASSES), ["known.yaml:4: delete it: its case does not fail any more (first)"]),
        (
            but(stays_wasmtime_one=PASSES, stays_wasmtime_two={"outcome": "unsupported"}),
            ["known.yaml:15: delete it: none of its 2 cases fails any more (third)"],
        ),
        (
            but(stays_wasmtime_one=PASSES),
            [
                "known.yaml:15: narrow it: of 2 cases these no longer fail:",
                "    suites/memory/growth.yaml::stays[wasmtime-one]",
            ],
        ),
        (
            but(grows_node={"message": "got 8"}),
            [
                "known.yaml:22: correct it: of 1 case these fail otherwise than it says:",
                "    suites/memory/growth.yaml::grows[node]",
            ],
        ),
        (
            but(shrinks_wasmtime=FAILS),
            [
                "known.yaml:7: correct it: of 1 case these fail otherwise than it says:",
                "    suites/memory/growth.yaml::shrinks[wasmtime]",
            ],
        ),
    ],
)
def test_an_entry_that_is_wrong_is_named_with_its_cases(listed, played, capsys, results, said):
    status, lines = stale(capsys, played(results))
    assert (status, lines) == (1, [*said, "1 entry to look at; 3 as they say"])


def test_what_a_run_did_not_play_is_not_judged(listed, played, capsys):
    only = [item for item in ALL if item["runtime"] == "node"]
    run = played(only)
    assert stale(capsys, run) == (0, [f"0 entries to look at; 1 as they say, 3 about what {run} did not play"])


def test_an_entry_that_comes_never_first(listed, played, capsys):
    listed.write_text(LIST + "- scenario: growth.yaml::gr*\n  runtime: node\n  reason: fifth\n")
    status, lines = stale(capsys, played(ALL))
    assert (status, lines[0]) == (1, "known.yaml:26: delete it: entries further up cover all its cases")


def test_sometimes(listed, played, capsys):
    listed.write_text("- {scenario: 'growth.yaml::*', runtime: wasmtime, outcome: sometimes, reason: chance}\n")
    assert stale(capsys, played(ALL)) == (0, ["0 entries to look at; 1 as they say"])
    passing = but(grows_wasmtime=PASSES, shrinks_wasmtime=PASSES, stays_wasmtime_one=PASSES, stays_wasmtime_two=PASSES)
    assert stale(capsys, played(passing)) == (
        0,
        ["0 entries to look at; 0 as they say, 1 by chance, which did not fail this time"],
    )


def test_an_incomplete_run_tells_nothing(listed, played, capsys):
    assert main(["known", "--stale", "--from", played(ALL, end=None), "--known", "known.yaml"]) == 2
    assert "the run is incomplete, so it is not taken for a whole one" in capsys.readouterr().err


# ------------------------------------------------------------------ deleting


def test_deleting_keeps_all_else_as_it_is(listed, played, capsys):
    status, lines = stale(capsys, played(but(shrinks_wasmtime=PASSES)), "--delete")
    assert (status, lines[-1]) == (0, "known.yaml: 1 deleted")
    start, end = LIST.index("- scenario: growth.yaml::shrinks"), LIST.index("\n- scenario: growth.yaml::s*")
    assert listed.read_text() == LIST[:start] + LIST[end:]


def test_a_comment_goes_with_the_last_entry_below_it(listed, played, capsys):
    run = played(but(grows_wasmtime=PASSES, shrinks_wasmtime=PASSES, grows_node=PASSES))
    assert stale(capsys, run, "--delete")[1][-1] == "known.yaml: 3 deleted"
    third = LIST[LIST.index("- scenario: growth.yaml::s*") : LIST.index("\n# about node")]
    assert listed.read_text() == f"# The list.\n\n{third}"


def test_deleting_all_leaves_an_empty_list(listed, played, capsys):
    run = played([{**item, **PASSES} for item in ALL])
    stale(capsys, run, "--delete")
    assert known_defects.load(listed) == []
    assert "# The list." in listed.read_text()


# ------------------------------------------------------------------ adding


def add(capsys, run, *words):
    status = main(["known", "--add", *words, "--from", run, "--known", "known.yaml"])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_every_failure_that_is_not_listed_is_added(listed, played, capsys):
    new = [
        result("new", "wasmtime:pulley@2.0", outcome="crash", message="killed: SIGSEGV", guest="go", view="one"),
        result("new", "wasmtime:pulley@2.0", outcome="crash", message="killed: SIGSEGV", guest="go", view="two"),
        result("new", "node", outcome="error", message="no"),
        result("new", "wasmer", outcome="fail", message="/a/ 'b' \"c\" # d: e \x07"),
        result("new", "wasmer@3", outcome="pass"),
        result("old", "node", outcome="fail", known=known(outcome="fail")),
    ]
    run = played(new)
    status, said = add(capsys, run)
    assert (status, said) == (
        0,
        (
            "known.yaml:27: 2 added for wasmtime:pulley and wasmer@<3, in all versions; check how wide they are, and give "
            "the reason\n"
        ),
    )
    assert listed.read_text().startswith(LIST + "\n- scenario: growth.yaml::new\n  runtime: wasmtime:pulley\n")
    first, second = known_defects.load(listed)[-2:]
    assert (first.guests, first.views, first.outcome) == (("go",), ("one", "two"), "crash")
    assert (first.message, str(first.versions), first.variant) == ("killed: SIGSEGV", "", "pulley")
    assert first.covers(
        Case("suites/memory/growth.yaml", "new", "wasmtime", "go", "two"), Engine("wasmtime", "pulley", "2.0")
    )
    assert (second.message, second.outcome) == (None, "fail")
    assert str(second.versions) == "<3"  # which passes
    assert "no longer" not in said


@pytest.mark.parametrize(
    ("came", "entries"),
    [
        ("FFF", [""]),
        ("PFF", [">=2.0"]),
        ("FFP", ["<3.0"]),
        ("PFP", ["<3.0,>=2.0"]),
        ("FPF", ["<2.0", ">=3.0"]),
        ("PPF", [">=3.0"]),
        ("FFO", ["<3.0", ">=3.0"]),  # O: another failure
    ],
)
def test_an_entry_covers_the_versions_that_fail_alike_and_those_that_were_not_played(
    listed, played, capsys, came, entries
):
    words = {"P": {}, "F": FAILS, "O": {"outcome": "fail", "message": "got 8"}}
    run = played([result("new", f"node@{number}.0", **words[word]) for number, word in enumerate(came, 1)])
    assert add(capsys, run)[0] == 0
    new = known_defects.load(listed)[4:]
    assert [str(entry.versions) for entry in new] == entries
    assert stale(capsys, run, "--known", "known.yaml")[0] == 0


def test_an_added_entry_is_as_the_run_says(listed, played, capsys):
    listed.write_text("# nothing yet\n[]\n")
    run = played(ALL)
    assert add(capsys, run)[0] == 0
    assert stale(capsys, run) == (0, ["0 entries to look at; 4 as they say"])
    assert listed.read_text().startswith("# nothing yet\n\n- scenario: growth.yaml::grows\n  runtime: wasmtime\n")


def test_an_entry_for_a_file_with_the_name_of_one_of_linmem_s_has_its_path(listed, played, capsys):
    """The bare name would mean linmem's suite, and cover nothing."""
    listed.write_text("[]\n")
    run = played([result("grows", "node", suite="mine/growth.yaml", **FAILS)])
    assert add(capsys, run)[0] == 0
    assert "- scenario: mine/growth.yaml::grows\n" in listed.read_text()
    assert stale(capsys, run) == (0, ["0 entries to look at; 1 as they say"])


def test_one_case_with_its_reason_and_link(listed, played, capsys):
    run = played([result("new", "node", **FAILS), result("other", "node", **FAILS)])
    words = ["suites/memory/growth.yaml::new[node]", "--reason", "It is: wrong.", "--link", "https://example.org/9"]
    assert add(capsys, run, *words)[0] == 0
    assert listed.read_text() == (
        LIST + "\n- scenario: growth.yaml::new\n  runtime: node\n  message: got 9\n"
        "  reason: 'It is: wrong.'\n  link: https://example.org/9\n"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["suites/memory/growth.yaml::none[node]"], "the report has no case suites/memory/growth.yaml::none[node]"),
        (["suites/memory/growth.yaml::good[node]"], "has outcome 'pass': only a failure can be a known defect"),
        (
            ["suites/memory/growth.yaml::listed[node]"],
            "is covered by runtimes/wasmtime/known.yaml:12 already: edit that entry",
        ),
        (
            ["suites/memory/growth.yaml::bad[node]", "--link", "nowhere"],
            "would be unusable afterwards, so it stays as it is",
        ),
        (
            ["suites/memory/growth.yaml::bad[node]", "--reason", " "],
            "would be unusable afterwards, so it stays as it is",
        ),
    ],
)
def test_what_cannot_be_added(listed, played, capsys, words, message):
    run = played(
        [
            result("good", "node"),
            result("bad", "node", **FAILS),
            result("listed", "node", **FAILS, known=known(outcome="fail")),
        ]
    )
    status, said = add(capsys, run, *words)
    assert status == 2
    assert message in said
    assert said.count("\n") == 1
    assert listed.read_text() == LIST


def test_where_every_failure_is_listed_there_is_nothing_to_add(listed, played, capsys):
    status, said = add(capsys, played([result("good", "node")]))
    assert (status, "there is nothing to add" in said) == (0, True)
    assert listed.read_text() == LIST
