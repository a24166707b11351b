"""What all methods of the driver protocol share: objects and results by request id, references, and error answers.

docs/driver-protocol.md describes the protocol; `linmem_session` has its methods.
"""

from __future__ import annotations

import traceback
from typing import Any, Callable

from linmem_driver import Channel, HostThrow, Refused, error_json, leave
from linmem_values import VALUE_TYPES, WIDTH, to_number, to_signed, unsigned

_INVALID_REQUEST, _METHOD_NOT_FOUND, _INVALID_PARAMS, _REFUSED = -32600, -32601, -32602, -32000
_TEXT_LIMIT = 8192  # characters of the runtime's own words in an error: a trap's backtrace can have 30,000 lines
#: Every method but `initialize` and `shutdown`, with the hook of the driver that it needs.
HOOKS = {"object.release": "release_all"}
HOOKS.update(dict.fromkeys(("agents.run", "agents.start", "agents.finish"), "agent_create"))
_ON_VIEWS = "memory.read memory.write view.open view.length view.read view.write object.use"
HOOKS.update(dict.fromkeys(_ON_VIEWS.split(), "view_open"))
HOOKS.update(
    (method, method.replace(".", "_"))
    for method in (
        "module.compile instance.create function.call function.export global.create global.export global.get "
        "global.set memory.export memory.create memory.size memory.grow"
    ).split()
)


class Skipped(Exception):
    """The request uses an object or a result that was never made."""

    def json(self) -> str:
        """It as an error object."""
        return error_json(_REFUSED, str(self), "skipped", "Skipped", str(self), "")


class Failed(Exception):
    """A hook raised: the runtime refused or failed."""

    def __init__(self, method: str, error: BaseException) -> None:
        super().__init__()
        self.method, self.error = method, error


class Requests:
    """Objects and results by request id."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        kinds = ("module", "instance", "function", "global", "memory", "view", "agents")
        self.objects: dict[str, dict[int, Any]] = {kind: {} for kind in kinds}
        self.results: dict[int, tuple[str | None, Any]] = {}
        self.failed: set[int] = set()
        self._failed_modules: set[int] = set()  # as long-lived as modules
        self.driver: Any = None
        self.methods: dict[str, Callable[[int, dict[str, Any]], str]] = {}

    def answer(self, request: dict[str, Any]) -> None:
        """Do what a request asks and send its answer. A defect of the driver ends the process with status 70."""
        ident, method = request["id"], request.get("method")
        try:
            handler = self.methods.get(method)  # type: ignore[arg-type]
            if type(ident) is not int:
                self.channel.send_error(None, _INVALID_REQUEST, "requests have integer ids, not %r" % (ident,))
                return
            try:
                if handler is not None:
                    result = handler(ident, request.get("params") or {})
                    self.channel.send('{"jsonrpc":"2.0","id":%d,"result":%s}\n' % (ident, result))
                    return
                self._unknown(ident, method)
            except Failed as failed:
                self._runtime_failed(ident, failed.method, failed.error)
            except Refused as refused:
                self.channel.send_error(ident, _REFUSED, str(refused), refused.kind, refused.type, str(refused), "")
            except Skipped as skipped:
                self.channel.send_error(ident, _REFUSED, str(skipped), "skipped", "Skipped", str(skipped), "")
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                self.channel.send_error(ident, _INVALID_PARAMS, "%s: %s: %s" % (method, type(error).__name__, error))
            (self._failed_modules if method == "module.compile" else self.failed).add(ident)
        except Exception:
            traceback.print_exc()
            leave(70)

    def _unknown(self, ident: int, method: str | None) -> None:
        if self.driver is None and method in HOOKS:
            self.channel.send_error(ident, _INVALID_REQUEST, "initialize comes first")
        else:
            self.channel.send_error(ident, _METHOD_NOT_FOUND, "no method %s" % method)

    def _runtime_failed(self, ident: int, method: str, error: BaseException) -> None:
        data = self._told(method, error)
        self.channel.send_error(ident, _REFUSED, data[2], *data)

    def _told(self, method: str, error: BaseException) -> tuple[str, str, str, str]:
        """Kind, type, message and text of an exception that came out of a hook."""
        thrown = isinstance(error, HostThrow)  # by a host function, whatever called it
        kind, message = ("host", str(error)) if thrown else self.driver.classify(method, error)
        name = type(error).__name__
        if name == "error":  # struct.error and its like: the bare name says nothing
            name = "%s.error" % type(error).__module__
        text = str(error) or repr(error)  # an assertion may have no text
        message = message or text
        if len(text) > _TEXT_LIMIT:
            text = "%s … (%d characters)" % (text[:_TEXT_LIMIT], len(text))
        return kind, name, message[:_TEXT_LIMIT], text

    def error_json(self, method: str, error: BaseException) -> str:
        """An exception that came out of a hook, as an error object within an answer."""
        if isinstance(error, Refused):
            return error_json(_REFUSED, str(error), error.kind, error.type, str(error), "")
        data = self._told(method, error)
        return error_json(_REFUSED, data[2], *data)

    def ask(self, method: str, hook: Callable[..., Any], *args: Any) -> Any:
        """Call into the driver: whatever comes out is the runtime's, and not the kit's fault."""
        try:
            return hook(*args)
        except (Refused, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a Rust panic is a BaseException
            raise Failed(method, error) from None

    # Parameters

    def object(self, kind: str, ident: int) -> Any:
        try:
            return self.objects[kind][ident]
        except KeyError:
            if ident in self.failed or ident in self._failed_modules:
                raise Skipped("request %d made no %s" % (ident, kind)) from None
            raise LookupError("no %s %r" % (kind, ident)) from None

    def export(self, kind: str, ident: int, params: dict[str, Any]) -> str:
        """Get an instance's export through the driver's hook for this kind of object."""
        instance, name = self.object("instance", params["instance"]), params["name"]
        hook = getattr(self.driver, kind + "_export")
        self.objects[kind][ident] = self.ask(kind + ".export", hook, instance, name)
        return "{}"

    def integer(self, value: Any) -> int:
        if type(value) is int:
            return value
        if isinstance(value, str):
            return int(value)
        if isinstance(value, dict):
            return self._reference(value)
        raise TypeError("expected an integer, got %r" % (value,))

    def _reference(self, reference: dict[str, Any]) -> int:
        ident = reference["$ref"]
        if ident in self.failed:
            raise Skipped("request %d failed" % ident)
        if ident not in self.results:
            raise LookupError("no result of request %r" % (ident,))
        value = unsigned(*self.results[ident])
        if value is None:
            raise Skipped("request %d gave no number" % ident)
        return value + self.integer(reference.get("+", 0))

    def optional(self, value: Any) -> int | None:
        return None if value is None else self.integer(value)

    def argument(self, typed: dict[str, Any]) -> int | float:
        """A typed value as Python users pass it: integers signed, floats as numbers."""
        value_type = typed["type"]
        if value_type not in VALUE_TYPES:
            raise Refused("the driver passes no %s values" % value_type)
        value = self.integer(typed["value"])
        return to_number(value_type, value) if value_type[0] == "f" else to_signed(value, WIDTH[value_type])
