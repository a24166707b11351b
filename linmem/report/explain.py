"""A scenario in words: what it is about, its steps, and what came of it in a run."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from linmem.results.case import Case
from linmem.results.document import Report
from linmem.results.outcome import Result
from linmem.results.verdict import status
from linmem.scenario.model import Agents, Scenario, Step, Suite
from linmem.scenario.names import host_functions
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
    yield from _steps(scenario.steps, suite)
    for function in host_functions(scenario):
        if function.steps:
            yield f"  in the host function of line {function.where.line}"
            yield from _steps(function.steps, suite)
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


def _steps(steps: Iterable[Step], suite: Suite) -> Iterator[str]:
    for step in steps:
        yield from _filled(f"{step.where.line:5}  {step.text}", "", 7)
        if step.expect is not None:
            yield from _filled(f"must give: {one_line(str(step.expect))}", " " * 9, 11)
        if step.observe is not None:
            yield from _filled(f"asks: {suite.observations[step.observe.id].question}", " " * 9, 11)
        if isinstance(step, Agents):
            yield from _steps(step.meanwhile, suite)
            for agent in step.agents:
                yield from _steps(agent.calls, suite)


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
