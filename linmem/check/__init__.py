"""The driver self-test, ``linmem runtimes check NAME``: does a driver speak the protocol?

The checks are in ``checks.yaml``; `script` plays them. Those that need code are in `hosting`, `wasi`, `agents` and
`process`. They judge the driver, not the runtime: where specifications leave the outcome open, any correct report of it
is right. A method that is not implemented is not wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from linmem.check import agents, hosting, process, wasi
from linmem.check.driver import DriverUnderTest, Lacking, Untested, Wrong
from linmem.check.script import CheckPlay, Step
from linmem.drivers.client import ViewKind
from linmem.protocol import CallFailed, DriverFault

RIGHT = "right"
WRONG = "WRONG"
NOT_IMPLEMENTED = "not implemented"
NOT_CHECKED = "not checked"
PECULIAR = "peculiar"

_DATA = yaml.safe_load(Path(__file__).with_name("checks.yaml").read_text(encoding="utf-8"))
CHECKS: Mapping[str, Mapping[str, str | Sequence[Step]]] = _DATA["checks"]
METHODS = tuple(topic for topic in CHECKS if topic not in process.NO_METHODS)
CODED = vars(hosting) | vars(wasi) | vars(agents) | vars(process)


@dataclass(frozen=True)
class CheckResult:
    """What one check found. ``topic`` is a method, or a part of the protocol that is no method's."""

    topic: str
    title: str
    verdict: str
    expected: str = ""
    actual: str = ""

    def lines(self) -> Iterator[str]:
        """The result as text."""
        why = f" ({self.actual})" if self.actual and not self.expected else ""
        yield f"  {self.topic}: {self.title}: {self.verdict}{why}"
        if self.expected:
            yield f"    expected: {self.expected}"
            yield f"    actual:   {self.actual}"


@dataclass(frozen=True)
class CheckReport:
    """What the checks found; ``methods`` are those that were to be asked about."""

    results: Sequence[CheckResult]
    methods: Sequence[str] = METHODS

    @property
    def right(self) -> bool:
        """Whether nothing is wrong. A method that is not implemented is no fault."""
        return all(result.verdict != WRONG for result in self.results)

    def verdict(self, topic: str) -> str:
        """One word for all checks of a topic."""
        verdicts = [result.verdict for result in self.results if result.topic == topic]
        return next((word for word in (WRONG, RIGHT, PECULIAR, NOT_IMPLEMENTED) if word in verdicts), NOT_CHECKED)

    def text(self, *, verbose: bool = False) -> str:
        """The results that are wrong (all, if `verbose`) and a summary."""
        shown = [result for result in self.results if verbose or result.verdict == WRONG]
        lines = [line for result in shown for line in result.lines()]
        return "\n".join([*lines, *self._summary()])

    def _summary(self) -> Iterator[str]:
        verdicts = {method: self.verdict(method) for method in self.methods}
        asked = [method for method, verdict in verdicts.items() if verdict != NOT_IMPLEMENTED]
        good = [method for method in asked if verdicts[method] in (RIGHT, PECULIAR)]
        yield f"{len(good)} of {len(asked)} methods answer right"
        peculiar = [result for result in self.results if result.verdict == PECULIAR]
        if peculiar:
            yield "the runtime itself is peculiar, as its manifest says:"
            yield from (f"  {result.topic}: {result.title}: {result.actual}" for result in peculiar)
        topics = dict.fromkeys([*self.methods, *(result.topic for result in self.results)])
        for verdict in (WRONG, NOT_CHECKED, NOT_IMPLEMENTED):
            named = [topic for topic in topics if self.verdict(topic) == verdict]
            if named:
                yield f"{verdict}: {', '.join(named)}"


def check(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    variant: str | None = None,
    views: Sequence[ViewKind] | None = None,
    timeout: float = 5.0,
    start_timeout: float = 60.0,
    only: Collection[str] = (),
    peculiar: Mapping[str, str] | None = None,
) -> CheckReport:
    """Run the checks on the driver that `command` starts.

    `views` are the view kinds of its manifest, if it has one. `start_timeout` is what the first answer may take,
    `timeout` every other, in seconds. `only` names the topics to ask about; none means all. `peculiar` has the
    questions, as ``topic: title``, that the runtime itself is known to answer otherwise, and why.
    """
    methods = [method for method in METHODS if not only or method in only]
    driver = DriverUnderTest(command, env=env, variant=variant, manifest_views=views, timeouts=(start_timeout, timeout))
    results: dict[CheckResult, None] = {}  # what is wrong in the same way is reported once
    try:
        driver.start()
    except (DriverFault, CallFailed) as error:
        expected = "an answer of the protocol's form"
        return CheckReport([CheckResult("initialize", "answers", WRONG, expected, driver.described(error))], methods)
    try:
        for topic, checks in CHECKS.items():
            for title, how in checks.items():
                if not only or topic in only:
                    results[_excused(_try(driver, topic, title, how), topic, title, peculiar or {})] = None
    finally:
        driver.close()
    return CheckReport(list(results), methods)


def _excused(result: CheckResult, topic: str, title: str, peculiar: Mapping[str, str]) -> CheckResult:
    """The result, unless the runtime is known to be peculiar there. Then it must be: else the list is wrong."""
    reason = peculiar.get(f"{topic}: {title}")
    if reason is not None and result.verdict == WRONG:
        return CheckResult(topic, title, PECULIAR, actual=reason)
    if reason is not None and result.verdict == RIGHT:
        expected = f"another answer, as the manifest says: {reason}"
        return CheckResult(topic, title, WRONG, expected, "the right one")
    return result


def _try(driver: DriverUnderTest, topic: str, title: str, how: str | Sequence[Step]) -> CheckResult:
    try:
        if isinstance(how, str):
            CODED[how](driver)
        else:
            CheckPlay(driver, topic, _DATA["objects"]).play(how)
        driver.tidy()
        return CheckResult(topic, title, RIGHT)
    except Wrong as wrong:
        driver.close()  # what a driver that went wrong does next says little
        if wrong.method != topic:
            title = f"asked for {topic}, {title}"
        return CheckResult(wrong.method, title, WRONG, wrong.expected, wrong.actual)
    except Lacking as lacking:
        driver.close()  # it may be waiting inside a host function
        if lacking.method == topic or (topic in METHODS and driver.lacks(topic)):
            return CheckResult(topic, title, NOT_IMPLEMENTED)
        return CheckResult(topic, title, NOT_CHECKED, actual=f"it needs {lacking.method}, which is not implemented")
    except Untested as untested:
        driver.close()
        return CheckResult(topic, title, NOT_CHECKED, actual=str(untested))
