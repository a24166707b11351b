"""What the checks work with: a driver on the bench, questions to it, and ways to refuse an answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from linmem.check import modules
from linmem.drivers.client import Driver, Info, ViewKind
from linmem.errors import last_words
from linmem.play import decoding
from linmem.protocol import INVALID_PARAMS, METHOD_NOT_FOUND, CallFailed, DriverFault, DriverTimeout, ImportHandler
from linmem.scenario import values
from linmem.scenario.happened import Happened

Typed = dict[str, Any]


class Wrong(Exception):
    """A method answered wrongly."""

    def __init__(self, method: str, expected: str, actual: str) -> None:
        self.method, self.expected, self.actual = method, expected, actual
        super().__init__(f"{method}: expected {expected}, got {actual}")


class Lacking(Exception):
    """The driver has no such method."""

    def __init__(self, method: str) -> None:
        self.method = method
        super().__init__(method)


class Untested(Exception):
    """The check can't be made; the text says why."""


@dataclass(frozen=True)
class Check:
    """One question: the method or part of the protocol it is about, what is asked in words, and how."""

    topic: str
    title: str
    ask: Callable[[Bench], None]


class Checks(list[Check]):
    """A list of checks that functions enter by decoration."""

    def of(self, topic: str, title: str) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
        """Enter the decorated function."""

        def enter(ask: Callable[[Bench], None]) -> Callable[[Bench], None]:
            self.append(Check(topic, title, ask))
            return ask

        return enter


class Bench:
    """A driver under test. It is started when first needed, and again after it was closed."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None,
        variant: str | None,
        manifest_views: Sequence[ViewKind] | None,
        timeouts: tuple[float, float],
    ) -> None:
        self.command, self.env, self.variant = list(command), dict(env or {}), variant
        self.manifest_views = manifest_views
        self.start_timeout, self.timeout = timeouts
        self._driver: Driver | None = None
        self._silent: set[str] = set()  # methods that gave no answer: waiting again for them helps nobody
        self._words = ""
        self._methods: dict[int, str] = {}  # of this process's requests
        self._answered: set[int] = set()

    # ------------------------------------------------------------------ life

    def start(self) -> Info:
        """Start the driver if it does not run. Raises `DriverFault` or `CallFailed`."""
        if self._driver is None:
            driver = self._driver = Driver(self.command, label="driver", env=self.env, timeout=self.timeout)
            self._methods, self._answered = {}, set()
            try:
                driver.start(self.variant, None, timeout=self.start_timeout)
            except BaseException:
                self.close()
                raise
        assert self._driver.info is not None
        return self._driver.info

    def close(self) -> None:
        """End the driver."""
        if self._driver is not None:
            self._driver.close()
            self._words = self._driver.take_stderr()
            self._driver = None

    def told(self, error: Exception) -> str:
        """An error and the last line that the driver printed before it."""
        words = last_words(self._words)
        return f"{error} ({words})" if words else str(error)

    @property
    def info(self) -> Info:
        """What the driver said of itself."""
        return self._running().info  # type: ignore[return-value]

    def serve(self, handler: ImportHandler) -> None:
        """Have `handler` serve host functions from now on."""
        self._running().on_import = handler

    def printed(self) -> str:
        """What the driver has printed since this was last asked."""
        return self._running().take_stderr()

    def tidy(self) -> None:
        """After a check: drop what it made. Also brings out lines that the driver wrote unasked."""
        if self._driver is not None:
            self._driver.on_import = None
            reply = self.settle(self.post("object.release", {"all": True}), "object.release")
            if isinstance(reply, CallFailed) and reply.code != METHOD_NOT_FOUND:
                raise Wrong("object.release", "a result", said(reply))

    def _running(self) -> Driver:
        try:
            self.start()
        except (DriverFault, CallFailed) as error:
            raise Wrong("initialize", "an answer each time a process is started", self.told(error)) from error
        assert self._driver is not None
        return self._driver

    # ------------------------------------------------------------- questions

    def post(self, method: str, params: Mapping[str, Any]) -> int:
        """Send a request ahead."""
        if method in self._silent:
            raise Untested(f"{method} gave no answer before")
        request = self._running().post(method, params)
        self._methods[request] = method
        return request

    def settle(self, request: int, method: str) -> dict[str, Any] | CallFailed:
        """The answer to a request sent ahead. Raises `Wrong` where no answer comes."""
        assert self._driver is not None
        try:
            reply = self._driver.reply(request)
        except DriverFault as fault:
            if isinstance(fault, DriverTimeout):
                self._silent.add(method)
            self.close()
            twice = re.search(r"answered request (\d+)", str(fault))
            if twice and int(twice[1]) in self._answered:
                raise Wrong(self._methods[int(twice[1])], "one answer", f"another one: {fault}") from fault
            raise Wrong(method, "an answer", self.told(fault)) from fault
        self._answered.add(request)
        return reply

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """A request's result. Raises `Wrong` where it is refused, `Lacking` where there is no such method."""
        return self._ask(method, params)[1]

    def make(self, method: str, **params: Any) -> int:
        """Make an object; its id."""
        return self._ask(method, params)[0]

    def _ask(self, method: str, params: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        request = self.post(method, params)
        reply = self.settle(request, method)
        if isinstance(reply, CallFailed):
            if reply.code == METHOD_NOT_FOUND:
                raise Lacking(method)
            if reply.kind == "unsupported":
                raise Untested(f"{method}: {reply.message}")
            raise Wrong(method, "a result", said(reply))
        return request, reply

    def refused(self, method: str, *kinds: str, **params: Any) -> CallFailed:
        """A request's refusal, which must be of one of these kinds, complete. Raises `Wrong`, `Lacking`."""
        expected = f"an error of kind {' or '.join(kinds)}"
        reply = self.settle(self.post(method, params), method)
        if not isinstance(reply, CallFailed):
            raise Wrong(method, expected, f"the result {reply}")
        if reply.code == METHOD_NOT_FOUND:
            raise Lacking(method)
        if reply.kind not in kinds:
            if reply.kind == "unsupported":
                raise Untested(f"{method}: {reply.message}")
            raise Wrong(method, expected, said(reply))
        if reply.kind != "skipped" and reply.kind != "unsupported" and not reply.type:
            raise Wrong(method, "the host's exception class in the error's 'type'", "no 'type'")
        return reply

    def lacks(self, method: str) -> bool:
        """Whether the driver has no such method. It is asked without the parameters it needs."""
        try:
            reply = self.settle(self.post(method, {}), method)
        except (Wrong, Untested):
            return False
        return isinstance(reply, CallFailed) and reply.code == METHOD_NOT_FOUND

    def unknown(self, topic: str, method: str, **params: Any) -> None:
        """Ask about an object that is not there: it must be refused with -32602, or `topic` is wrong."""
        reply = self.settle(self.post(method, params), method)
        if isinstance(reply, CallFailed) and reply.code == METHOD_NOT_FOUND:
            raise Lacking(method)
        if not isinstance(reply, CallFailed) or reply.code != INVALID_PARAMS:
            told = said(reply) if isinstance(reply, CallFailed) else f"the result {reply}"
            raise Wrong(topic, f"error -32602 from {method}", told)

    # --------------------------------------------------------- common things

    def module(self, code: bytes = modules.BASIC) -> int:
        """Compile; the module's id."""
        return self.make("module.compile", bytes=modules.base64_of(code))

    def instance(self, code: bytes = modules.BASIC, imports: Iterable[Typed] = ()) -> int:
        """Compile and instantiate; the instance's id."""
        return self.make("instance.create", module=self.module(code), imports=list(imports), glue=None)

    def memory(self) -> tuple[int, int]:
        """A fresh instance of the basic module and its memory: their ids."""
        instance = self.instance()
        return instance, self.make("memory.export", instance=instance, name="memory")

    def call(self, instance: int, name: str, *args: Typed, results: Sequence[str] = ()) -> list[int]:
        """Call a function; its results as bits."""
        reply = self.ask("function.call", instance=instance, name=name, args=list(args), results=list(results))
        try:
            return [number.bits for number in decoding.numbers(reply, results)]
        except (decoding.BadAnswer, values.ValueNotation) as error:
            raise Wrong("function.call", f"values of types {list(results)}", f"{reply} ({error})") from None

    def peek(self, instance: int, at: int, count: int) -> bytes:
        """Bytes of the basic module's memory, as the guest sees them."""
        return bytes(self.call(instance, "load", i32(at + i), results=["i32"])[0] for i in range(count))

    def reading(self, method: str, memory_type: str, asked: int, **params: Any) -> Happened:
        """What a read gave. Raises `Wrong` where it is no reading."""
        reply = self.ask(method, type=memory_type, **params)
        try:
            return decoding.reading(reply, memory_type, asked)
        except (decoding.BadAnswer, values.ValueNotation, KeyError, TypeError) as error:
            raise Wrong(method, "a reading", f"{reply} ({error})") from None


def i32(value: int | dict[str, int]) -> Typed:
    """A typed argument; a reference stays what it is."""
    return typed("i32", value)


def typed(kind: str, value: int | dict[str, int]) -> Typed:
    """A typed value: integers go in unsigned."""
    return {
        "type": kind,
        "value": value if isinstance(value, dict) else str(values.integer_bits(kind, value)),
    }


def said(failure: CallFailed) -> str:
    """A refusal in words."""
    kind = f"kind {failure.kind}, " if failure.kind else ""
    return f"error {failure.code}, {kind}{failure.message!r}"


def same(method: str, expected: object, actual: object) -> None:
    """Raise `Wrong` where two things differ."""
    if expected != actual:
        raise Wrong(method, _shown(expected), _shown(actual))


def _shown(value: object) -> str:
    return value.hex(" ") if isinstance(value, bytes) else str(value)
