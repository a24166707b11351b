"""What the checks work with: a driver under test, requests to it, and errors for answers that are wrong."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from linmem.check import modules
from linmem.drivers.client import Driver, Info, ViewKind
from linmem.errors import last_words
from linmem.play import decoding
from linmem.protocol import INVALID_PARAMS, METHOD_NOT_FOUND, CallFailed, DriverFault, DriverTimeout, ImportHandler
from linmem.scenario import values
from linmem.scenario.happened import Bytes

Typed = dict[str, Any]
_UNREADABLE = (decoding.BadAnswer, decoding.WrongInteger, values.ValueNotation, LookupError, TypeError, ValueError)


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


class DriverUnderTest:
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
        self._silent: set[str] = set()  # methods that gave no answer, which are not asked again
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

    def described(self, error: Exception) -> str:
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
            with contextlib.suppress(Lacking):
                self.ask("object.release", all=True)

    def _running(self) -> Driver:
        try:
            self.start()
        except (DriverFault, CallFailed) as error:
            raise Wrong("initialize", "an answer each time a process is started", self.described(error)) from error
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

    def settle(self, request: int, topic: str = "") -> dict[str, Any] | CallFailed:
        """The answer to a request sent ahead. Raises `Wrong`, about `topic` or its method, where no answer comes."""
        assert self._driver is not None
        method = self._methods[request]
        try:
            reply = self._driver.reply(request)
        except DriverFault as fault:
            if isinstance(fault, DriverTimeout):
                self._silent.add(method)
            self.close()
            twice = re.search(r"answered request (\d+)", str(fault))
            if twice and int(twice[1]) in self._answered:
                raise Wrong(self._methods[int(twice[1])], "one answer", f"another one: {fault}") from fault
            raise Wrong(topic or method, "an answer", self.described(fault)) from fault
        self._answered.add(request)
        return reply

    def attempt(self, method: str, **params: Any) -> tuple[int, dict[str, Any] | CallFailed]:
        """A request and what came of it. Raises `Lacking` where the driver has no such method."""
        request = self.post(method, params)
        reply = self.settle(request)
        if isinstance(reply, CallFailed) and reply.code == METHOD_NOT_FOUND:
            raise Lacking(method)
        return request, reply

    def make(self, method: str, **params: Any) -> int:
        """Make an object; its id. Raises as `request` does."""
        return self.request(method, params)[0]

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """A request's result. Raises as `request` does."""
        return self.request(method, params)[1]

    def request(
        self, method: str, params: Mapping[str, Any], or_untested: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """A request that must have a result, and that.

        Raises `Wrong` where it is refused, `Untested` where the API has no such thing, or for any refusal if a text is
        given for it.
        """
        request, reply = self.attempt(method, **params)
        if isinstance(reply, CallFailed):
            if or_untested is not None or reply.kind == "unsupported":
                raise Untested(or_untested or f"{method}: {reply.message}")
            raise Wrong(method, "a result", said(reply))
        return request, reply

    def allowed(self, method: str, kinds: Sequence[str], **params: Any) -> tuple[int, dict[str, Any]] | None:
        """A request and its result; None where it is refused by an error of one of these kinds, which it may be."""
        try:
            request, reply = self.attempt(method, **params)
        except Wrong as wrong:
            if "host" in kinds and "was killed by SIG" in wrong.actual:
                raise Untested(f"{wrong.actual}: if that is the runtime's doing, it is honest") from wrong
            raise
        if not isinstance(reply, CallFailed):
            return request, reply
        if not reply.expressible and "host" in kinds:
            return None
        if reply.kind in kinds and (reply.kind != "host" or reply.type):
            return None
        named = [f"kind {kind}" + (" with the exception's class" if kind == "host" else "") for kind in kinds]
        shown = ", ".join(f"{name} {value}" for name, value in params.items() if name in ("at", "delta", "kind", "api"))
        expected = f"a result, or {' or '.join(named)}" + (f" ({shown})" if shown else "")
        raise Wrong(method, expected, said(reply))

    def refused(self, method: str, *kinds: str, **params: Any) -> CallFailed:
        """A request's refusal, which must be of one of these kinds, complete."""
        _, reply = self.attempt(method, **params)
        if isinstance(reply, CallFailed) and reply.kind in kinds:
            if reply.kind not in ("skipped", "unsupported") and not reply.type:
                raise Wrong(method, "the host's exception class in the error's 'type'", "no 'type'")
            return reply
        if isinstance(reply, CallFailed) and reply.kind == "unsupported":
            raise Untested(f"{method}: {reply.message}")
        raise Wrong(method, f"an error of kind {' or '.join(kinds)}", said(reply))

    def lacks(self, method: str) -> bool:
        """Whether the driver has no such method. It is asked without the parameters it needs."""
        try:
            self.attempt(method)
        except Lacking:
            return True
        except (Wrong, Untested):
            pass
        return False

    def unknown(self, topic: str, method: str, **params: Any) -> None:
        """Ask about an object that is not there: it must be refused with -32602, or `topic` is wrong."""
        _, reply = self.attempt(method, **params)
        if not isinstance(reply, CallFailed) or reply.code != INVALID_PARAMS:
            raise Wrong(topic, f"error -32602 from {method}", said(reply))

    # --------------------------------------------------------- common things

    def module(self, name: str) -> int:
        """Compile one of the checks' modules; its id."""
        return self.make("module.compile", bytes=modules.encoded(name))

    def instance(self, module: str = "basic", *imports: Mapping[str, Any], **more: Any) -> int:
        """Compile a module and instantiate it; the instance's id."""
        return self.make("instance.create", module=self.module(module), imports=imports, glue=None, **more)

    def memory(self, instance: int) -> int:
        """An instance's memory; its id."""
        return self.make("memory.export", instance=instance, name="memory")

    def call(self, instance: int, name: str, *args: int | Typed, results: Sequence[str] = ("i32",)) -> list[int]:
        """Call a function; its results as bits. Numbers are arguments of type i32."""
        typed_args = [i32(arg) if isinstance(arg, int) else arg for arg in args]
        reply = self.ask("function.call", instance=instance, name=name, args=typed_args, results=results)
        return numbers("function.call", reply, results)

    def bytes(self, memory: int, at: int, count: int = 1) -> bytes:
        """Bytes of a memory, through a fresh view of the default kind."""
        params = {"type": "bytes", "count": count} if count > 1 else {"type": "u8"}
        reply = self.ask("memory.read", memory=memory, at=at, view=None, **params)
        return bytes_read("memory.read", reply, str(params["type"]), count)


def numbers(method: str, reply: Mapping[str, Any], kinds: Sequence[str]) -> list[int]:
    """The numbers of a reply as bits. Raises `Wrong` where there are none of these types."""
    try:
        return [number.bits for number in decoding.numbers(reply, kinds)]
    except _UNREADABLE as error:
        raise Wrong(method, f"values of types {list(kinds)}", f"{reply} ({error})") from None


def bytes_read(method: str, reply: Mapping[str, Any], memory_type: str, width: int) -> bytes:
    """What a read gave, as bytes in memory. Raises `Wrong` where it is no reading of so many bytes."""
    try:
        found = decoding.reading(reply, memory_type, width)
        return found.data if isinstance(found, Bytes) else found.bits.to_bytes(width, "little")  # type: ignore[union-attr]
    except (*_UNREADABLE, AttributeError, OverflowError) as error:
        raise Wrong(method, "a reading", f"{reply} ({error})") from None


def i32(value: int | dict[str, int]) -> Typed:
    """A typed argument; a reference stays what it is."""
    return typed("i32", value)


def typed(kind: str, value: int | dict[str, int]) -> Typed:
    """A typed value: integers go in unsigned, floats as their bits."""
    if isinstance(value, int):
        return bits(kind, values.integer_bits(kind, value))
    return {"type": kind, "value": value}


def bits(kind: str, value: int) -> Typed:
    """A value of these bits."""
    return {"type": kind, "value": str(value)}


def imported(name: str, **what: Any) -> dict[str, Any]:
    """An import of ``env``, and what is given for it."""
    return {"module": "env", "name": name, **what}


def host_function(name: str, params: Sequence[str], result: str) -> dict[str, Any]:
    """An import that the harness serves."""
    return imported(name, func=name, type={"params": params, "results": [result]})


# What the module ``host`` imports.
HOSTED = (host_function("mix", ["i32", "i64", "f32", "f64"], "i64"), host_function("visit", ["i32"], "i32"))


def said(reply: Mapping[str, Any] | CallFailed) -> str:
    """An answer in words."""
    if not isinstance(reply, CallFailed):
        return f"the result {reply}"
    kind = f"kind {reply.kind}, " if reply.kind else ""
    return f"error {reply.code}, {kind}{reply.message!r}"


def same(method: str, expected: object, actual: object, what: str = "") -> None:
    """Raise `Wrong` where two things differ; `what` says which they are."""
    if expected != actual:
        raise Wrong(method, _shown(expected) + (f" ({what})" if what else ""), _shown(actual))


def _shown(value: object) -> str:
    return value.hex(" ") if isinstance(value, bytes) else str(value)
