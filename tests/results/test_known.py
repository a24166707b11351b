from __future__ import annotations

import subprocess
import sys

import pytest

from linmem import paths
from linmem.results import known, known_check, verdict
from linmem.results.case import Case
from linmem.results.known import Engine
from linmem.results.verdict import KnownFailure

ENTRY = """\
- scenario: growth.yaml::grows
  runtime: wasmtime
  reason: it is wrong upstream
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write_and_load(text):
        path = tmp_path / "known.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return known.load(path)

    return write_and_load


def one(load, runtime="wasmtime", **more):
    extra = "".join(f"  {key}: {value}\n" for key, value in more.items())
    (defect,) = load(f"- scenario: growth.yaml::grows\n  runtime: {runtime}\n  reason: it is wrong upstream\n{extra}")
    return defect


def test_the_lists_that_come_with_linmem_can_be_loaded():
    lists = [path for path in paths.RUNTIMES.glob("*/known.yaml") if known.load(path)]
    assert len(lists) >= 3


@pytest.mark.parametrize("text", ["[]\n", "# only comments\n", ""])
def test_an_empty_list(load, text):
    assert load(text) == []


def test_an_entry_with_all_it_may_have(load):
    defects = load(
        "# a comment\n"
        + ENTRY
        + "- scenario: suites/memory/growth.yaml::two\n  runtime: wasmer:llvm@>=1.0,<2\n  guest: go\n  view: buffer\n"
        + "  outcome: crash\n  reason: >\n    over two\n    lines\n  link: https://example.org/1\n"
    )
    assert [defect.line for defect in defects] == [2, 5]
    last = defects[1]
    assert last.targets == (known.ScenarioPattern("suites/memory/growth.yaml", "two"),)
    assert (last.runtime, last.variant) == ("wasmer", "llvm")
    assert (last.guests, last.views, last.outcome) == (("go",), ("buffer",), "crash")
    assert last.link == "https://example.org/1"
    assert last.reason == "over two lines"
    assert defects[0].outcome == "fail"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("grows: yes\n", "1: the file must be a list, found a mapping with the key 'grows'"),
        ("- just text\n", "1: an entry must be a mapping, found 'just text'"),
        (ENTRY + "- scenario: a.yaml::b\n  runtime: node\n", "4: an entry needs the key 'reason'"),
        (ENTRY + "  raeson: typo\n", "4: unknown key 'raeson' in an entry; did you mean 'reason'?"),
        (ENTRY + "  zzz: 1\n", "4: unknown key 'zzz' in an entry; known: scenario, runtime, guest"),
        (
            ENTRY + "  outcome: error\n",
            "4: 'outcome' must be one of fail, crash, timeout, any, sometimes, found 'error'",
        ),
        (ENTRY + "  guest: 5\n", "4: 'guest' must be a guest's label, as in 'go', or a list of them, found 5"),
        (ENTRY + "  view: []\n", "4: 'view' must not be empty"),
        (ENTRY + "  message: /got (/\n", "4: 'message' is no regular expression: missing )"),
        (ENTRY + "  message: /got (?=9)/\n", "4: 'message' is no regular expression that can be searched in limited"),
        (ENTRY + "  message: /(.)\\1/\n", "4: 'message' is no regular expression that can be searched in limited"),
        (ENTRY + f"  message: /{'(' * 5}a{'{1000})' * 5}/\n", "4: 'message' is no regular expression that can be"),
        (
            ENTRY.replace("growth.yaml::grows", "[growth.yaml::a, b]"),
            "1: an item of 'scenario' must be a suite's file name",
        ),
        (ENTRY + "  link: javascript:alert(1)\n", "4: 'link' must be a web address"),
        (ENTRY.replace("growth.yaml::grows", "grows"), "1: 'scenario' must be a suite's file name"),
        (ENTRY.replace("wasmtime", "wasmtime@>>5"), "2: '@>>5' is no version or range of versions"),
        (ENTRY.replace("wasmtime", "'@1'"), "2: 'runtime' must be name[:variant][@versions]"),
        (ENTRY.replace("it is wrong upstream", "' '"), "3: 'reason' must be what is wrong"),
        (ENTRY + ENTRY, "4: is the same entry as in line 1: delete one of them"),
        (ENTRY + "  reason: again\n", "4: key 'reason' stands twice"),
        ("- [unclosed\n", "is not YAML"),
        ("- !!python/object/apply:os.system ['true']\n", "1: tag"),
        (b"- \xff\xfe\n", "1: is not UTF-8"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_place(load, text, message):
    with pytest.raises(known.KnownError) as error:
        load(text)
    assert str(error.value).startswith("known.yaml:")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(known.KnownError, match=r"no\.yaml: can't be read"):
        known.load(tmp_path / "no.yaml")


@pytest.mark.parametrize(
    ("runtime", "more", "covered"),
    [
        ("wasmtime", {}, True),
        ("wasmer", {}, False),
        ("wasmtime@>=50", {}, True),
        ("wasmtime@50.0.1", {}, True),
        ("wasmtime@==50.*", {}, True),
        ("wasmtime@<50", {}, False),
        ("wasmtime@>=49,<50", {}, False),
        ("wasmtime:pulley", {}, True),
        ("wasmtime:other", {}, False),
        ("wasmtime", {"guest": "go"}, True),
        ("wasmtime", {"guest": "wat"}, False),
        ("wasmtime", {"view": "read_write"}, True),
        ("wasmtime", {"view": "data_ptr"}, False),
    ],
)
def test_what_an_entry_covers(load, runtime, more, covered):
    case = Case("suites/memory/growth.yaml", "grows", "mine", "go", "read_write")
    assert one(load, runtime, **more).covers(case, Engine("wasmtime", "pulley", "50.0.1")) is covered


@pytest.mark.parametrize(
    ("suite", "covered"),
    [("growth.yaml", True), ("suites/memory/growth.yaml", True), ("mine/growth.yaml", False), ("rowth.yaml", False)],
)
def test_a_suite_is_named_by_file_or_path(load, suite, covered):
    (defect,) = load(ENTRY.replace("growth.yaml", suite))
    assert (
        defect.covers(Case("suites/memory/growth.yaml", "grows", "wasmtime"), Engine("wasmtime", None, "50")) is covered
    )


@pytest.mark.parametrize(
    ("suite", "covered"), [("growth.yaml", False), ("mine/growth.yaml", True), ("?rowth.yaml", True)]
)
def test_the_name_of_a_suite_of_linmem_s_does_not_mean_a_file_of_the_users(load, suite, covered):
    (defect,) = load(ENTRY.replace("growth.yaml", suite))
    assert defect.covers(Case("mine/growth.yaml", "grows", "wasmtime"), Engine("wasmtime", None, "50")) is covered


@pytest.mark.parametrize(
    ("scenario", "covered"),
    [
        ("growth.yaml::grow*", True),
        ("growth.yaml::*", True),
        ("gr?wth.yaml::grow?", True),
        ("*.yaml::grows", True),
        ("growth.yaml::*[s]", False),  # brackets are no pattern: they stand in ids
        ("growth.yaml::grow", False),
        ("bounds.yaml::*", False),
        ("[bounds.yaml::other, growth.yaml::g*]", True),
        ("[bounds.yaml::grows, growth.yaml::other]", False),
    ],
)
def test_scenarios_are_named_by_patterns_and_lists(load, scenario, covered):
    (defect,) = load(ENTRY.replace("growth.yaml::grows", f'"{scenario}"' if scenario[0] != "[" else scenario))
    assert (
        defect.covers(Case("suites/memory/growth.yaml", "grows", "wasmtime"), Engine("wasmtime", None, "50")) is covered
    )


@pytest.mark.parametrize(
    ("more", "covered"),
    [
        ("  view: '*_ptr'\n", True),
        ("  view: [read_write, data_ptr]\n", True),
        ("  view: [read_write]\n", False),
        ("  guest: g*\n", True),
        ("  guest: [wat, rust]\n", False),
    ],
)
def test_views_and_guests_are_named_by_patterns_and_lists(load, more, covered):
    (defect,) = load(ENTRY + more)
    engine = Engine("wasmtime", None, "50")
    assert defect.covers(Case("suites/memory/growth.yaml", "grows", "wasmtime", "go", "data_ptr"), engine) is covered
    assert not defect.covers(Case("suites/memory/growth.yaml", "grows", "wasmtime"), engine)


def test_what_stands_further_up_goes_first(load):
    entries = load(
        ENTRY.replace("grows", "gr*").replace("upstream", "one")
        + ENTRY.replace("upstream", "two")
        + ENTRY.replace("::grows", "::other").replace("upstream", "three")
    )
    case, other = (Case("suites/memory/growth.yaml", scenario, "wasmtime") for scenario in ("grows", "other"))
    engine = Engine("wasmtime", None, "50")
    assert known.KnownDefects(entries).covering(case, engine).reason == "it is wrong one"
    assert known.KnownDefects(entries[1:]).covering(case, engine).reason == "it is wrong two"
    assert known.KnownDefects(entries[2:]).covering(case, engine) is None
    assert known.KnownDefects(entries).covering(other, engine).reason == "it is wrong three"


@pytest.mark.parametrize(
    ("expected", "message", "fits"),
    [
        (None, "whatever", True),
        ("got 99", "call run(): expected 24, got 99", True),
        ("got 98", "call run(): expected 24, got 99", False),
        ("expected  24,\n got", "call run(): expected 24, got 99", True),
        ("/got (99|trap)/", "call run(): expected 24, got 99", True),
        ("/^got/", "call run(): expected 24, got 99", False),
        ("/", "a / b", True),
    ],
)
def test_another_failure_is_still_a_failure(load, expected, message, fits):
    text = ENTRY if expected is None else ENTRY + f"  message: {expected!r}\n".replace("\\n", " ")
    (defect,) = load(text)
    held = known.held_against(defect.failure, message)
    assert held.fits is fits
    assert verdict.judge("fail", held) == ("known defect" if fits else "bad")
    assert verdict.status("fail", held) == ("known" if fits else "fail")
    assert verdict.judge("crash", held) == "bad"


ENDLESS = """\
from linmem.results import known
from linmem.results.verdict import KnownFailure

for pattern in (r"(a|a)*b", r"(a+)+$", r"^(\\w+\\s?)*$", r"(.*a){20}b", r"(a?){50}a{50}b"):
    failure = KnownFailure("known.yaml", 1, "reason", message=f"/{pattern}/")
    assert not known.held_against(failure, "a" * 8000 + "!").fits
assert not known.matches("*a" * 40 + "*b", "a" * 8000)
assert known.matches("*a" * 40 + "*", "a" * 8000)
"""


def test_no_pattern_takes_for_ever():
    """In a process of its own: a search that does not end could not be stopped here."""
    subprocess.run([sys.executable, "-c", ENDLESS], check=True, timeout=60)


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("a*c", "abc", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a[b]c", "abc", False),
        ("a[b]*", "a[b]c", True),
        ("a.*", "abc", False),
        ("*", "a\nb", True),
        ("*", None, False),
    ],
)
def test_patterns(pattern, name, fits):
    assert known.matches(pattern, name) is fits


def test_sometimes_is_good_either_way():
    sometimes = KnownFailure("known.yaml", 1, "reason", outcome="sometimes")
    assert [verdict.status(outcome, sometimes) for outcome in ("pass", "fail", "crash")] == ["pass", "known", "known"]
    assert verdict.status("unsupported", sometimes) == "unexpected"
    assert verdict.by_chance(sometimes)
    assert not verdict.by_chance(None)


def test_another_scenario_is_not_covered(load):
    assert not one(load).covers(
        Case("suites/memory/growth.yaml", "grows-more", "wasmtime"), Engine("wasmtime", None, "50")
    )


@pytest.mark.parametrize(("runtime", "covered"), [("wasmtime", True), ("wasmtime@>=1", False)])
@pytest.mark.parametrize("version", [None, "", "unknown", "nightly-2026"])
def test_a_version_that_cannot_be_read_is_in_no_range(load, runtime, covered, version):
    assert (
        one(load, runtime).covers(
            Case("suites/memory/growth.yaml", "grows", "wasmtime"), Engine("wasmtime", None, version)
        )
        is covered
    )


def test_a_pre_release_is_in_its_range(load):
    assert one(load, "node@>=18").covers(
        Case("suites/memory/growth.yaml", "grows", "node"), Engine("node", None, "18.4.0a4")
    )


# -------------------------------------------------------------------------- entries that match nothing

NAMES = ["wasmtime", "wasmer", "node"]
SLUGS = {"suites/memory/growth.yaml": ["grows", "shrinks"]}
CASES = [
    (Case("suites/memory/growth.yaml", "grows", "wasmtime", guest, view), Engine("wasmtime", None, "50.0.1"))
    for guest in ("go", "wat")
    for view in ("read_write", "data_ptr")
]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ENTRY.replace("grows", "gros"), "suites/memory/growth.yaml has no scenario 'gros' (did you mean 'grows'?)"),
        (ENTRY.replace("wasmtime", "wasntime"), "there is no runtime 'wasntime' (did you mean 'wasmtime'?)"),
        (ENTRY + "  guest: rust\n", "no guest 'rust' plays 'grows' on wasmtime"),
        (
            ENTRY + "  view: data_ptrs\n",
            "'grows' is not played with view 'data_ptrs' on wasmtime (did you mean 'data_ptr'?)",
        ),
    ],
)
def test_an_entry_that_can_match_nothing_is_a_problem(load, text, message):
    (problem,) = known_check.problems(load("# one\n" + text), SLUGS, CASES, NAMES)
    assert problem.startswith(f"known.yaml:2: {message}")
    assert problem.endswith("; correct the entry or delete it")


@pytest.mark.parametrize(
    "text",
    [
        ENTRY,
        ENTRY.replace("growth.yaml", "other.yaml"),  # its suite is not in this run
        ENTRY.replace("wasmtime", "wasmer"),  # nor this runtime
        ENTRY.replace("wasmtime", "wasmtime@<50"),  # nor this version
        ENTRY.replace("wasmtime", "wasmtime:pulley"),  # nor this variant
        ENTRY.replace("wasmtime", "wasmer") + "  view: buffer\n",
        ENTRY.replace("grows", "shrinks"),  # no guest of this run plays it
        ENTRY + "  guest: tinygo\n",  # known, but not here
    ],
)
def test_what_is_only_not_in_this_run_is_no_problem(load, text):
    assert known_check.problems(load(text), SLUGS, CASES, NAMES, absent_guests=["tinygo"]) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ENTRY.replace("::grows", "::z*"), "suites/memory/growth.yaml has no scenario that matches 'z*'"),
        (ENTRY.replace("growth.yaml::grows", "[growth.yaml::grows, growth.yaml::gros]"), "has no scenario 'gros'"),
        (ENTRY + "  view: [data_ptr, x*]\n", "'grows' is not played with view 'x*' on wasmtime"),
    ],
)
def test_a_pattern_that_matches_nothing_is_a_problem(load, text, message):
    (problem,) = known_check.problems(load(text), SLUGS, CASES, NAMES)
    assert message in problem


def test_where_every_suite_is_known_one_that_does_not_exist_is_a_problem(load):
    entries = load(ENTRY.replace("growth.yaml", "grwth.yaml"))
    (problem,) = known_check.problems(
        entries, SLUGS, CASES, NAMES, suite_files=["suites/memory/growth.yaml", "suites/x.yaml"]
    )
    assert "there is no suite 'grwth.yaml' (did you mean 'growth.yaml'?)" in problem
    assert known_check.problems(load(ENTRY), SLUGS, CASES, NAMES, suite_files=["suites/memory/growth.yaml"]) == []


def test_without_any_case_nothing_can_be_said(load):
    assert known_check.problems(load(ENTRY), {}, [], NAMES) == []
