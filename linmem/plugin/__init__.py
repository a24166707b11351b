"""linmem as a pytest plugin: ``pytest -p linmem.plugin``, or ``linmem run``, which is the same.

It is loaded only where it is asked for: its options have everyday names.
"""

from __future__ import annotations

import pytest

from linmem.compare.baseline import BaselineError
from linmem.errors import UserError
from linmem.plugin import describe, options
from linmem.plugin.gating import Gating
from linmem.plugin.hooks import Hooks, arguments, is_worker
from linmem.plugin.options import Settings
from linmem.plugin.recording import Recording, by_pytest
from linmem.report.build import ReportError
from linmem.results.known import KnownError
from linmem.results.record import RecordError
from linmem.run.bench import Bench
from linmem.run.guests import Guests
from linmem.run.runtimes import choose, load_known
from linmem.text import one_line, printable, without_commands


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options under the heading "linmem"."""
    options.add(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Keep what runtimes say from being taken for commands of GitHub Actions, and show progress on a terminal. The
    reporter is there only now.
    """
    plugins = session.config.pluginmanager
    reporter, hooks = plugins.get_plugin("terminalreporter"), plugins.get_plugin("linmem-hooks")
    if reporter is None:
        return
    reporter._tw._file = without_commands(reporter._tw._file)
    if reporter.isatty and hooks is not None and hooks.plays_suites():
        from linmem.plugin.progress import Live, wanted  # which takes a while to import

        if wanted(session.config, reporter):
            plugins.register(Live(hooks.cases, reporter), "linmem-progress")


def pytest_configure(config: pytest.Config) -> None:
    """Read the options and register the hooks of a run. A user's mistake ends pytest with one line."""
    try:
        settings = options.settings(config)
        config.args = arguments(config, settings)
        hooks = Hooks(config, _bench(settings), settings)
    except (UserError, KnownError, ReportError, RecordError) as error:
        raise pytest.UsageError(printable(str(error))) from None
    except OSError as error:
        raise pytest.UsageError(one_line(f"{error.filename}: {error.strerror}", 600)) from None
    config.pluginmanager.register(hooks, "linmem-hooks")
    if is_worker(config):
        return
    leave = by_pytest(config, settings.report_dir)
    gating = None
    if settings.baseline is not None or settings.record_baseline is not None:
        gating = _gating(settings)
    recording = Recording(settings.report_dir, hooks.header, hooks.cases, hooks.plays_suites, leave, gating)
    config.pluginmanager.register(recording, "linmem-recording")
    if gating is not None:
        config.pluginmanager.register(gating, "linmem-gating")


def _bench(settings: Settings) -> Bench:
    runtimes = choose(settings.runtimes)
    defects = load_known(runtimes, settings.known)
    guests = Guests(settings.guests, settings.glue)
    return Bench(
        runtimes,
        guests,
        settings.step_timeout,
        describe.answered,
        defects,
        slow=settings.slow,
        limits=settings.limits,
    )


def _gating(settings: Settings) -> Gating:
    """The gate, with its baseline read: a baseline that can't be used is reported before anything runs."""
    try:
        return Gating(settings.report_dir, settings.baseline, settings.record_baseline, settings.part)
    except (BaselineError, RecordError, ReportError) as error:
        raise pytest.UsageError(printable(str(error))) from None
