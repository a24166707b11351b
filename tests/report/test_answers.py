"""The table of what embedders ask first: its questions exist, and what the README shows is what runs show."""

from __future__ import annotations

from pathlib import Path

import pytest

from linmem.errors import UserError
from linmem.report import answers
from linmem.results.document import (
    AnswerGroup,
    ObservationEntry,
    RuntimeEntry,
    Silence,
    Subject,
)
from linmem.scenario.loader import load_suite
from linmem.scenario.names import every_step

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("ask", answers.asks(), ids=lambda ask: ask.observation)
def test_what_answers_a_question_is_in_the_suites(ask: answers.AnswerRow) -> None:
    suite = load_suite(ROOT / ask.suite, ask.suite)
    scenario = next(item for item in suite.scenarios if item.slug == ask.scenario)
    assert ask.observation in {step.observe.id for step in every_step(scenario) if step.observe is not None}


def test_the_readme_has_every_question_and_an_answer_to_each() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    table = text.partition("<!-- answers -->\n")[2].partition("<!-- end of answers -->")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    assert [row[0] for row in rows[2:]] == [ask.ask for ask in answers.asks()]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert all(cell for row in rows[2:] for cell in row)


def run() -> tuple[list[RuntimeEntry], list[ObservationEntry]]:
    first = answers.asks()[0]
    groups = [
        AnswerGroup(answer="new | old", subjects=[Subject(runtime=name, view="a") for name in ("one", "two", "three")]),
        AnswerGroup(answer="none", subjects=[Subject(runtime="one", view="b"), Subject(runtime="two", view="b")]),
    ]
    entry = ObservationEntry(
        suite=first.suite,
        scenario=first.scenario,
        id=first.observation,
        question="?",
        agreement="differs",
        groups=groups,
        unanswered=[
            Silence(runtime="three", view="b", why="crash"),
            Silence(runtime="three", view="c", why="unsupported"),
        ],
    )
    runtimes = [RuntimeEntry(label=name, name=name, version="1.0") for name in ("one", "two", "three")]
    runtimes.append(RuntimeEntry(label="four", name="four", status="unavailable"))
    return runtimes, [entry]


def test_alike_runtimes_share_a_column_and_a_crash_is_told() -> None:
    lines = answers.table(*run()).splitlines()
    assert lines[0] == "|  | one 1.0, two 1.0 | three 1.0 |"
    assert lines[2] == (
        f"| {answers.asks()[0].ask} | new \\| old (a)<br>none (b) | new \\| old (a)<br>crash (b) |"
    )  # fmt: skip
    assert lines[3].endswith("| – | – |")


def test_a_run_without_such_scenarios_is_told() -> None:
    with pytest.raises(UserError, match="has played none of the scenarios"):
        answers.table([], [])


def test_a_page_without_a_place_is_told() -> None:
    with pytest.raises(UserError, match="has no lines '<!-- answers -->'"):
        answers.fill("text", "answers", "")


def test_a_page_is_filled_between_its_marks() -> None:
    page = "before\n<!-- answers -->\nold\n<!-- end of answers -->\nafter\n"
    assert answers.fill(page, "answers", answers.table(*run())) == (
        f"before\n<!-- answers -->\n{answers.table(*run())}<!-- end of answers -->\nafter\n"
    )
