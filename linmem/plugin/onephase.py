"""Run a scenario's item in one phase.

pytest runs an item in three phases, each with hooks, output capture and a report: several times the work of a small
scenario. An item of a scenario has no fixtures, so its setup and teardown do nothing, and nothing of it prints here. So
the call alone is carried out and reported, and a report of the teardown tells who counts or closes items by it
(``--junitxml``, the progress line) that the item is done. That is so only where nobody else looks: with a plugin or a
conftest that has hooks of its own on the phases or their reports, pytest's own protocol is used.
"""

from __future__ import annotations

import pytest

from linmem.plugin.items import ScenarioItem

HOOKS = ("protocol", "setup", "call", "teardown", "makereport", "logreport")
FAMILIAR = ("_pytest", "linmem", "xdist", "__channelexec__")  # the last is what pytest-xdist runs in a worker
OPTIONS = ("setuponly", "setupplan", "setupshow", "usepdb", "trace")


def possible(config: pytest.Config) -> bool:
    """Whether nobody would notice: no option is about phases, and no plugin but pytest's own, pytest-xdist and linmem
    has hooks on them. One that only wraps the whole protocol is called as always.
    """
    if any(config.getoption(option, False) for option in OPTIONS):
        return False
    for name in HOOKS:
        for implementation in getattr(config.hook, f"pytest_runtest_{name}").get_hookimpls():
            wraps = implementation.wrapper or implementation.hookwrapper
            known = implementation.function.__module__.partition(".")[0] in FAMILIAR
            if not known and not (name == "protocol" and wraps):
                return False
    return True


def marked(item: pytest.Item) -> bool:
    """Whether somebody has put a mark on the item or above it: a mark may skip it, or expect it to fail."""
    return next(item.iter_markers(), None) is not None


def run(item: ScenarioItem, nextitem: pytest.Item | None) -> None:
    """Run the item's protocol."""
    hook = item.config.hook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    state = item.session._setupstate
    if state.stack:  # of another test before it
        state.teardown_exact(item)
    call = pytest.CallInfo.from_call(item.runtest, when="call", reraise=(pytest.exit.Exception, KeyboardInterrupt))
    report: pytest.TestReport = hook.pytest_runtest_makereport(item=item, call=call)
    hook.pytest_runtest_logreport(report=report)
    if report.failed:
        hook.pytest_exception_interact(node=item, call=call, report=report)
    call = pytest.CallInfo.from_call(lambda: None, when="teardown")
    done = pytest.TestReport.from_item_and_call(item, call)
    done.keywords = report.keywords  # pytest keeps both
    hook.pytest_runtest_logreport(report=done)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
