"""Does a driver speak the protocol? ``linmem runtimes check NAME`` asks it one small question after
another.

The checks stand in the protocol's order, in `calls`, `agents`, `objects`, `memories` and `process`. They judge the
driver, not the runtime: where a runtime may do as it likes, any honest report is right. A method that the driver does
not have yet is not wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from linmem.check import agents, calls, memories, objects, process, wasi
from linmem.check.bench import Bench, Check, Lacking, Untested, Wrong
from linmem.drivers.client import ViewKind
from linmem.protocol import CallFailed, DriverFault

RIGHT = "right"
WRONG = "WRONG"
NOT_IMPLEMENTED = "not implemented"
NOT_CHECKED = "not checked"
PECULIAR = "peculiar"

METHODS = (
    "initialize",
    "module.compile",
    "instance.create",
    "function.call",
    "function.export",
    "import.call",
    "agents.run",
    "global.create",
    "global.export",
    "global.get",
    "global.set",
    "memory.create",
    "memory.export",
    "memory.size",
    "memory.grow",
    "memory.read",
    "memory.write",
    "view.open",
    "view.length",
    "view.read",
    "view.write",
    "object.same",
    "object.release",
    "host.collect",
    "shutdown",
)


@dataclass(frozen=True)
class Finding:
    """What one check found. ``topic`` is a method, or a part of the protocol that is no method's."""

    topic: str
    title: str
    verdict: str
    expected: str = ""
    actual: str = ""

    def lines(self) -> Iterator[str]:
        """It as text."""
        why = f" ({self.actual})" if self.actual and not self.expected else ""
        yield f"  {self.topic}: {self.title}: {self.verdict}{why}"
        if self.expected:
            yield f"    expected: {self.expected}"
            yield f"    actual:   {self.actual}"


@dataclass(frozen=True)
class Report:
    """What the checks found; ``methods`` are those that were to be asked about."""

    findings: Sequence[Finding]
    methods: Sequence[str] = METHODS

    @property
    def right(self) -> bool:
        """Whether nothing is wrong. A method that is not there is no fault."""
        return all(finding.verdict != WRONG for finding in self.findings)

    def verdict(self, topic: str) -> str:
        """One word for all checks of a topic."""
        verdicts = [finding.verdict for finding in self.findings if finding.topic == topic]
        return next((word for word in (WRONG, RIGHT, PECULIAR, NOT_IMPLEMENTED) if word in verdicts), NOT_CHECKED)

    def text(self, *, verbose: bool = False) -> str:
        """The findings worth reading (all, if `verbose`) and the sum of it."""
        shown = [finding for finding in self.findings if verbose or finding.verdict == WRONG]
        lines = [line for finding in shown for line in finding.lines()]
        return "\n".join([*lines, *self._sum()])

    def _sum(self) -> Iterator[str]:
        verdicts = {method: self.verdict(method) for method in self.methods}
        asked = [method for method, verdict in verdicts.items() if verdict != NOT_IMPLEMENTED]
        good = [method for method in asked if verdicts[method] in (RIGHT, PECULIAR)]
        yield f"{len(good)} of {len(asked)} methods answer right"
        peculiar = [finding for finding in self.findings if finding.verdict == PECULIAR]
        if peculiar:
            yield "the runtime itself is peculiar, as its manifest says:"
            yield from (f"  {finding.topic}: {finding.title}: {finding.actual}" for finding in peculiar)
        topics = dict.fromkeys([*self.methods, *(finding.topic for finding in self.findings)])
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
    progress: Callable[[Finding], None] | None = None,
) -> Report:
    """Ask the driver that `command` starts everything the protocol has.

    `views` are the view kinds of its manifest, if it has one. `start_timeout` is what the first answer may take,
    `timeout` every other, in seconds. `only` names the topics to ask about; none means all. `peculiar` has the
    questions, as ``topic: title``, that the runtime itself is known to answer otherwise, and why. `progress` is told
    each finding as it is made.
    """
    methods = [method for method in METHODS if not only or method in only]
    bench = Bench(command, env=env, variant=variant, manifest_views=views, timeouts=(start_timeout, timeout))
    findings: list[Finding] = []

    def found(finding: Finding) -> None:
        if finding not in findings:
            findings.append(finding)
            if progress is not None:
                progress(finding)

    try:
        bench.start()
    except (DriverFault, CallFailed) as error:
        found(Finding("initialize", "answers", WRONG, "an answer of the protocol's form", bench.told(error)))
        return Report(findings, methods)
    try:
        for item in (*calls.CHECKS, *wasi.CHECKS, *agents.CHECKS, *objects.CHECKS, *memories.CHECKS, *process.CHECKS):
            if only and item.topic not in only:
                continue
            found(_excused(_try(item, bench), item, peculiar or {}))
    finally:
        bench.close()
    order = {topic: index for index, topic in enumerate(METHODS)}
    return Report(sorted(findings, key=lambda finding: order.get(finding.topic, len(order))), methods)


def _excused(finding: Finding, item: Check, peculiar: Mapping[str, str]) -> Finding:
    """The finding, as far as the runtime is not known to be peculiar there. Then it must be: or the list is wrong."""
    reason = peculiar.get(f"{item.topic}: {item.title}")
    if reason is None:
        return finding
    if finding.verdict == WRONG:
        return Finding(item.topic, item.title, PECULIAR, actual=reason)
    if finding.verdict == RIGHT:
        return Finding(
            item.topic, item.title, WRONG, f"another answer, as the manifest says: {reason}", "the right one"
        )
    return finding


def _try(item: Check, bench: Bench) -> Finding:
    try:
        item.ask(bench)
        bench.tidy()
    except Wrong as wrong:
        bench.close()  # what a driver that went wrong does next says little
        title = item.title if wrong.method == item.topic else f"asked for {item.topic}, {item.title}"
        return Finding(wrong.method, title, WRONG, wrong.expected, wrong.actual)
    except Lacking as lacking:
        bench.close()  # it may be waiting inside a host function
        if lacking.method == item.topic or (item.topic in METHODS and bench.lacks(item.topic)):
            return Finding(item.topic, item.title, NOT_IMPLEMENTED)
        return Finding(
            item.topic, item.title, NOT_CHECKED, actual=f"it needs {lacking.method}, which is not implemented"
        )
    except Untested as untested:
        bench.close()
        return Finding(item.topic, item.title, NOT_CHECKED, actual=str(untested))
    return Finding(item.topic, item.title, RIGHT)
