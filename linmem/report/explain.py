"""A scenario in words: what it is about, its steps, and what came of it in a run."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from linmem.results.case import Case
from linmem.results.document import Report, StatedStep
from linmem.results.outcome import Result
from linmem.results.verdict import status
from linmem.scenario.limits import SCENARIO_STEPS
from linmem.scenario.model import Scenario, Suite
from linmem.scenario.names import every_step, host_functions
from linmem.text import one_line

WIDTH = 80


def lines(suite: Suite, scenario: Scenario, results: list[Result] | None) -> Iterator[str]:
    """A scenario of a suite, and its results in a run (None: there is no run)."""
    yield f"{scenario.where}: {scenario.title}"
    for text in (scenario.about, f"Clause: {scenario.spec}" if scenario.spec else "", _played_with(scenario)):
        if text:
            yield from _filled(text, "  ")
    yield ""
    yield "Steps, by line"
    steps = stated(scenario, suite, SCENARIO_STEPS)
    own = {step.where.line for function in host_functions(scenario) for step in function.steps}
    yield from _steps(step for step in steps if step.line not in own)
    for function in host_functions(scenario):
        if function.steps:
            yield f"  in the host function of line {function.where.line}"
            lines_of = {step.where.line for step in function.steps}
            yield from _steps(step for step in steps if step.line in lines_of)
    yield ""
    if results is None:
        yield "There is no run to show results of: linmem run plays it."
    elif not results:
        yield "The last run did not play it."
    else:
        yield from _outcomes(results)
        yield from _answers(results, suite)


def results_of(report: Report, scenario: Scenario) -> list[Result]:
    """The results of a scenario in a run."""
    return [item for item in report.results if (item.suite, item.scenario) == (scenario.suite, scenario.slug)]


def _played_with(scenario: Scenario) -> str:
    """Which guests and view kinds it is played with, and what it needs."""
    guest = (
        f"the program {scenario.program}, in every language"
        if scenario.program is not None
        else f"the published module {scenario.package}"
        if scenario.package is not None
        else "a module of its own"
    )
    each = ", once for each view kind of a runtime" if scenario.each_view is not None else ""
    needs = f" Needs: {', '.join(scenario.requires)}." if scenario.requires else ""
    return f"Played with {guest}{each}.{needs}"


def stated(scenario: Scenario, suite: Suite, limit: int) -> list[StatedStep]:
    """The steps of a scenario, at most `limit`, each with what agents and the host do in it; then those of its host
    functions.
    """
    return [
        StatedStep(
            line=step.where.line,
            text=one_line(step.text),
            expects=None if step.expect is None else one_line(str(step.expect)),
            asks=None if step.observe is None else suite.observations[step.observe.id].question,
        )
        for step in itertools.islice(every_step(scenario), limit)
    ]


def _steps(steps: Iterable[StatedStep]) -> Iterator[str]:
    for step in steps:
        yield from _filled(f"{step.line:5}  {step.text}", "", 7)
        if step.expects is not None:
            yield from _filled(f"must give: {step.expects}", " " * 9, 11)
        if step.asks is not None:
            yield from _filled(f"asks: {step.asks}", " " * 9, 11)


def _outcomes(results: Sequence[Result]) -> Iterator[str]:
    """What came of it: one entry for all cases of which the same is to be told."""
    found: dict[tuple[str, str], list[Case]] = {}
    for result in results:
        why = one_line(result.message) if result.outcome != "pass" else ""
        reason = f" (known: {result.known.reason})" if result.known is not None else ""
        found.setdefault((status(result.outcome, result.known), why + reason), []).append(result.case)
    yield "What came of it"
    for (word, why), cases in found.items():
        yield from _filled(f"{word}: {_whom(cases, results)}", "  ", 4)
        if why:
            yield from _filled(why, "    ")


def _answers(results: Sequence[Result], suite: Suite) -> Iterator[str]:
    found: dict[str, dict[str, list[Case]]] = {}
    for result in results:
        for seen in result.observations:
            found.setdefault(seen.id, {}).setdefault(seen.answer, []).append(result.case)
    for ident, answers in found.items():
        yield ""
        yield from _filled(suite.observations[ident].question, "", 2)
        for answer, cases in answers.items():
            yield from _filled(f"{answer}: {_whom(cases, results)}", "  ", 4)


def _whom(cases: Sequence[Case], results: Sequence[Result]) -> str:
    """Runtimes with their view kinds; with their guests too, where it is not so with all of them."""
    said = []
    for one in dict.fromkeys(replace(case, guest=None) for case in cases):
        guests = {case.guest for case in cases if replace(case, guest=None) == one}
        every = {item.guest for item in results if replace(item.case, guest=None) == one}
        only = f" with {', '.join(sorted(filter(None, guests)))}" if guests != every else ""
        said.append(f"{one.cell}{only}")
    return ", ".join(said)


def _filled(text: str, before: str, hanging: int | None = None) -> list[str]:
    after = before if hanging is None else " " * hanging
    return textwrap.wrap(
        text, WIDTH, initial_indent=before, subsequent_indent=after, break_on_hyphens=False, break_long_words=False
    )
