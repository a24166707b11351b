"""What the runner asks of a runtime's driver; `linmem.run.session` and `linmem.drivers` fulfil it.

It stands apart from both sides so that the runner, `linmem.play`, knows this interface only, never a process or a
runtime's API. The words are those of ``docs/driver-protocol.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from linmem.text import clip

METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
FAILED = -32000
LACKING = "the driver can't do this"
MAX_NAME = 200  # characters of a class's name
MAX_MEANINGS = 100  # messages that a trap's text may stand for
MAX_TEXT = 8 * 1024  # characters that are kept of a runtime's own words


def _clipped(text: Any, limit: int = MAX_TEXT) -> str:
    return clip(str(text), limit, "")


class CallFailed(Exception):
    """A driver answered with an error: what the runtime did, in the protocol's terms.

    ``kind`` is one of ``compile link trap exit host skipped unsupported``, or empty where the answer carried none;
    ``type`` is the host's exception class, ``text`` the runtime's own words. ``messages`` are all the specification's
    messages that a trap's text may stand for, where the runtime has one text for several. ``expressible`` is false
    where the API's types leave no way to write what was asked, which is kind ``unsupported``.
    """

    def __init__(self, code: int, message: str, data: Mapping[str, Any] | None = None) -> None:
        data = data or {}
        self.code = code
        self.kind = _clipped(data.get("kind", ""), MAX_NAME)
        self.type = _clipped(data.get("type", ""), MAX_NAME)
        self.message = _clipped(data.get("message", message))
        self.text = _clipped(data.get("text", message))
        meanings = data.get("messages")
        self.messages = tuple(map(_clipped, meanings[:MAX_MEANINGS])) if isinstance(meanings, list) else ()
        self.expressible = data.get("expressible") is not False
        super().__init__(self.message)

    @property
    def lack(self) -> str:
        """What is missing, where it is `unsupported`."""
        return f"{'' if self.expressible else 'not expressible: '}{self.message or LACKING}"

    @property
    def unsupported(self) -> bool:
        """Whether the driver lacks what was asked, which is no judgement on the runtime."""
        return self.kind == "unsupported" or self.code == METHOD_NOT_FOUND


class DriverFault(Exception):
    """The conversation with a driver is over; its process is gone when this is raised."""

    outcome = "error"


class DriverDied(DriverFault):
    """The process ended while an answer was due."""

    outcome = "crash"


class DriverTimeout(DriverFault):
    """No answer came in time."""

    outcome = "timeout"


class DriverGarbage(DriverFault):
    """The driver broke the protocol."""


class DriverLimit(DriverFault):
    """The driver sent more than it may."""


class ImportFailed(Exception):
    """Raised by an import handler to make the host function throw (kind ``host``) or trap (kind ``trap``)."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind, self.message = kind, message
        super().__init__(message)


Reply = dict[str, Any] | CallFailed


@dataclass
class Compilation:
    """A module that a process was asked to compile: the request, which names the module, and how that went, if it is
    known.
    """

    module: bytes
    request: int
    answer: Reply | None = None


ImportHandler = Callable[[str, list[dict[str, str]]], Sequence[Mapping[str, str]]]


class Runtime(Protocol):
    """A running driver, as the runner uses it.

    ``on_import`` serves host functions: it gets the function's token and the typed arguments, may use the runtime in
    turn, and returns typed values or raises `ImportFailed`.
    """

    on_import: ImportHandler | None

    def post(self, method: str, params: Mapping[str, Any]) -> int:
        """Queue a request and return its id, which is also the name of the object it makes."""
        ...

    def reply(self, request_id: int) -> Reply:
        """The answer to a posted request. A refusal is returned, not raised. Raises `DriverFault`."""
        ...

    def flush(self) -> None:
        """Send what was posted, as far as that goes without waiting."""
        ...

    def compile(self, module: bytes) -> Compilation:
        """Ask for a module to be compiled, once in a process, without waiting. Raises `DriverFault`."""
        ...

    def compiled(self, compilation: Compilation) -> int | CallFailed:
        """The compiled module's id, when its answer has come. Raises `DriverFault`."""
        ...

    def supports(self, feature: str) -> bool:
        """Whether a probe module of this proposal compiles. Raises `DriverFault`."""
        ...

    def unit(self, kind: str) -> int | None:
        """How many bytes one index of this view kind counts; None: this runtime has no such kind."""
        ...

    def view_for(self, memory_type: str) -> str | None:
        """The view kind a user of this runtime takes for this memory type; None: it has none."""
        ...

    def host_language(self) -> str:
        """The language of its host API, as its driver says: ``JavaScript``, ``Python``. Raises `DriverFault`."""
        ...

    def runs_glue(self, kind: str) -> bool:
        """Whether it can start a guest by its language's own glue."""
        ...

    def brings_wasi(self, version: str) -> bool:
        """Whether its own WASI of this version (``preview1``, ``unstable``) can serve a guest's imports."""
        ...

    def take_stderr(self) -> str:
        """What the process printed since this was last asked."""
        ...
