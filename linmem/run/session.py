"""A runtime's driver, started when it is first needed and again after a crash or a timeout."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from time import monotonic, sleep
from typing import Any

from linmem.cache import subfolder
from linmem.drivers.client import Driver, Info
from linmem.drivers.limits import Limits
from linmem.drivers.nursery import Nursery
from linmem.errors import Unavailable, last_words
from linmem.protocol import (
    CallFailed,
    Compilation,
    DriverDied,
    DriverFault,
    DriverGarbage,
    DriverTimeout,
    ImportHandler,
    Reply,
)
from linmem.provision.environments import Provided
from linmem.results import means

MAX_MODULES = 64  # compiled modules kept per process; older ones are released
PAUSES = (0.1, 0.5, 2.0)  # seconds before a start that failed is tried again, at once
LONG = 15.0  # seconds after which a start that failed is not tried again at once
LATER = 10.0  # seconds until it is tried after that; twice as many each time
COMPILING = 6  # times as long as a step may take: some modules are large


class NotStarted(DriverFault):
    """The runtime can't be started. ``told``: an earlier error has said so, and nothing was tried since."""

    def __init__(self, message: str, *, told: bool = False) -> None:
        self.told = told
        super().__init__(message)


class Session:
    """One runtime's driver process, as the player uses it (`linmem.protocol.Runtime`).

    ``probes`` maps a proposal's name to a module that needs it. After a fault the next use starts a new process.
    """

    def __init__(
        self,
        label: str,
        variant: str | None,
        provided: Callable[[], Provided],
        probes: Mapping[str, bytes],
        timeout: float,
        limits: Limits | None = None,
    ) -> None:
        self.label = label
        self._variant = variant
        self._provided = functools.cache(provided)  # what it is must not change while the run goes
        self._probes = probes
        self._timeout, self._limits = timeout, limits
        self._driver: Driver | None = None  # the last one started, whose output can still be read
        self._live: Driver | None = None  # the same while it takes requests
        self._spares: deque[Driver] = deque()  # its replacements: launched, not yet used
        self._abandoned: list[Driver] = []  # that are about to end
        self._nursery: Nursery | None = None
        self._unforkable = False
        self._modules: OrderedDict[bytes, Compilation] = OrderedDict()
        self._features: dict[str, bool] = {}
        self._not_started = ""  # why, where it could not be started the last time
        self._next_try = 0.0  # on the monotonic clock
        self._later = LATER
        self._handler: ImportHandler | None = None
        self.info: Info | None = None
        self.processes = 0  # that were lost so far
        self.served = False  # whether the process has played anything

    # -------------------------------------------------------- the interface

    @property
    def on_import(self) -> ImportHandler | None:
        """What serves the guest's host functions."""
        return self._handler

    @on_import.setter
    def on_import(self, handler: ImportHandler | None) -> None:
        self._handler = handler
        if self._driver is not None:
            self._driver.on_import = handler

    def post(self, method: str, params: Mapping[str, Any]) -> int:
        """Queue a request. Raises `DriverFault` when the driver can't be started."""
        return (self._live or self._running()).post(method, params)

    def reply(self, request_id: int) -> Reply:
        """The answer to a posted request. Raises `DriverFault`."""
        if self._live is None:
            raise DriverDied("the runtime's process is not running")
        try:
            return self._live.reply(request_id)
        except DriverFault:
            self._lost()
            raise

    def flush(self) -> None:
        """Send what was posted, as far as that goes without waiting."""
        if self._live is not None:
            self._live.flush()

    def compile(self, module: bytes) -> Compilation:
        """Ask for a module to be compiled, once in a process, without waiting. Raises `DriverFault`."""
        driver = self._running()
        known = self._modules.get(module)
        if known is not None:
            self._modules.move_to_end(module)
            return known
        request = driver.post("module.compile", {"bytes": module}, COMPILING)
        made = self._modules[module] = Compilation(module, request)
        if len(self._modules) > MAX_MODULES:
            _, old = self._modules.popitem(last=False)
            driver.forget(driver.post("object.release", {"objects": [old.request]}))
        return made

    def compiled(self, compilation: Compilation) -> int | CallFailed:
        """The compiled module's id, when its answer has come. Raises `DriverFault`."""
        if compilation.answer is None:
            compilation.answer = self.reply(compilation.request)
        if not isinstance(compilation.answer, CallFailed):
            return compilation.request
        if self._modules.get(compilation.module) is compilation:
            del self._modules[compilation.module]  # who wants it next asks once more
        return compilation.answer

    def supports(self, feature: str) -> bool:
        """Whether the probe module of this proposal compiles. Raises `DriverFault`."""
        if feature not in self._features:
            request = self.post("module.compile", {"bytes": self._probes[feature]})
            reply = self.reply(request)
            self._features[feature] = not isinstance(reply, CallFailed)
            if self._features[feature]:
                self.reply(self.post("object.release", {"objects": [request]}))
        return self._features[feature]

    def features(self) -> dict[str, bool]:
        """Every probed proposal and whether it is supported."""
        return {name: self.supports(name) for name in self._probes}

    def unit(self, kind: str) -> int | None:
        """How many bytes one index of this view kind counts; None: there is no such kind."""
        return next((view.unit for view in self._information().views if view.kind == kind), None)

    def view_for(self, memory_type: str) -> str | None:
        """The view kind a user of this runtime takes for this memory type."""
        return self._information().default_views.get(memory_type)

    def host_language(self) -> str:
        """The language of its host API, as its driver says."""
        return self._information().host["language"]

    def runs_glue(self, kind: str) -> bool:
        """Whether it can start a guest by its language's own glue."""
        return kind in self._information().glue

    def brings_wasi(self, version: str) -> bool:
        """Whether its own WASI of this version can serve a guest's imports, as its driver says."""
        return version in self._information().wasi

    def take_stderr(self) -> str:
        """What the process printed since the last call; also of one that has ended."""
        return self._driver.take_stderr() if self._driver is not None else ""

    # ------------------------------------------------------------------ life

    def start(self) -> Info:
        """Start the driver if it does not run. Raises `DriverFault`; `NotStarted` after several tries with pauses, and
        at once for a while after that.

        Call it before each scenario: a process that has ended since the last one is not the next one's failure.
        """
        fault = self._live.ended() if self._live is not None else None
        if fault is not None:
            self._lost()
            raise DriverGarbage(f"after the scenario before this one, {fault}; the next one gets a new process")
        if self._live is not None and not self._live.alive:
            self._lost()  # ended by the harness, after an error of its own
        return self._information()

    def begin_scenario(self) -> None:
        """What is posted from now on is for another scenario."""
        if self._live is not None:
            self._live.begin_scenario()

    def prepare(self, count: int = 1) -> None:
        """Have so many processes at hand before they are needed: launch them, and wait for nothing."""
        with contextlib.suppress(DriverFault):  # its use reports why
            while len(self._spares) < count and not self._not_started:
                self._spares.append(self._launched())

    @property
    def alive(self) -> bool:
        """Whether a driver runs and takes requests."""
        return self._live is not None and self._live.alive

    @property
    def ready(self) -> bool:
        """Whether a driver takes requests, as far as is known without asking the system."""
        return self._live is not None

    @property
    def pid(self) -> int | None:
        """The driver's process id, while it runs."""
        return self._driver.pid if self._driver is not None else None

    def close(self) -> None:
        """End the driver, if it runs."""
        if self._driver is not None:
            self._driver.close()
        for driver in (*self._spares, *self._abandoned):
            driver.abandon()
        for driver in (*self._spares, *self._abandoned):
            driver.kill()
        self._live = None
        self._spares.clear()
        self._abandoned.clear()
        self._modules.clear()
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def discard(self) -> None:
        """End the driver at once, without waiting for its end; the next use gets another."""
        if self._driver is not None:
            self._driver.abandon()
            self._abandoned.append(self._driver)
            self._driver = None
            self._lost()

    def _lost(self) -> None:
        """The driver is gone. Unless one is at hand, another is launched: it gets ready while other runtimes play."""
        for driver in [driver for driver in self._abandoned if not driver.alive]:
            driver.kill()
            self._abandoned.remove(driver)
        self._live = None
        self.processes += 1
        self.served = False
        self._modules.clear()
        if self.info is not None:
            self.prepare()

    def _information(self) -> Info:
        """What the driver said of itself; it is started first where it does not run."""
        self._running()
        assert self.info is not None
        return self.info

    def _running(self) -> Driver:
        if self._live is not None:
            return self._live
        if self._not_started and monotonic() < self._next_try:
            raise NotStarted(self._not_started, told=True)
        began = monotonic()
        for pause in (*PAUSES, None):
            try:
                return self._start()
            except NotStarted as fault:
                if pause is None or monotonic() - began > LONG:
                    self._not_started = str(fault)
                    self._next_try = monotonic() + self._later
                    self._later *= 2
                    raise
            sleep(pause)
        raise AssertionError

    def _launched(self) -> Driver:
        try:
            provided = self._provided()
        except Unavailable as reason:
            raise DriverGarbage(f"{self.label} is not available: {reason}") from None
        driver = Driver(
            provided.command,
            label=self.label,
            env=provided.env,
            timeout=self._timeout,
            limits=self._limits,
            nursery=self._nursery_of(provided),
        )
        cache = None
        with contextlib.suppress(Unavailable):
            cache = str(subfolder("compiled"))
        try:
            driver.launch(self._variant, cache)
        except DriverDied:
            if self._nursery is None:
                raise
            self._without_nursery()
            return self._launched()
        return driver

    def _nursery_of(self, provided: Provided) -> Nursery | None:
        """What forks the runtime's drivers, if its library allows it and that has worked so far.

        On Linux only: elsewhere nothing tells whether a process has threads, and some systems' own libraries must not
        be used after a fork.
        """
        if provided.forks and sys.platform == "linux" and self._nursery is None and not self._unforkable:
            try:
                self._nursery = Nursery(provided.command, provided.env)
            except OSError:
                self._unforkable = True
        return self._nursery

    def _without_nursery(self) -> None:
        """Start drivers by themselves from now on."""
        self._unforkable = True
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def _start(self) -> Driver:
        while self._spares:
            spare = self._spares.popleft()
            try:
                begun = self._begin(spare)
                if self.processes:  # a runtime that has lost one may lose another
                    self.prepare()
                return begun
            except DriverTimeout as fault:
                raise self._not_begun(spare, fault) from fault
            except (CallFailed, DriverFault):
                pass  # what ended it while nobody looked is no false start
        try:
            driver = self._launched()
        except DriverDied as fault:
            raise NotStarted(f"{self.label} could not be started: {fault}{means.tight()}") from None
        try:
            return self._begin(driver)
        except (CallFailed, DriverFault) as fault:
            if self._nursery is not None:  # it may be the cause, and could not say what is wrong
                self._without_nursery()
                return self._start()
            raise self._not_begun(driver, fault) from fault

    def _not_begun(self, driver: Driver, fault: CallFailed | DriverFault) -> NotStarted:
        """That a driver could not be started, with its last words."""
        words = last_words(driver.take_stderr())
        why = f"{fault} (it printed: {words})" if words else str(fault)
        return NotStarted(f"{self.label} could not be started: {why}{means.tight()}")

    def _begin(self, driver: Driver) -> Driver:
        """Use a driver that was launched. Raises `CallFailed` or `DriverFault`; the driver has ended then."""
        self._driver = driver
        self._modules.clear()
        try:
            self.info = driver.start()
        except (CallFailed, DriverFault):
            driver.kill()
            raise
        self._not_started, self._later = "", LATER
        driver.on_import = self._handler
        self._live = driver
        return driver
