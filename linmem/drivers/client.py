"""The client of a driver process: start it, send requests, read answers, and turn whatever it does into a result or a
fault.

The protocol is described in ``docs/driver-protocol.md``. Requests are posted ahead and written together (pipelining);
answers come in order. Plain non-blocking reads and writes under one `poll`, without threads or an event loop, keep a
step's cost near the cost of the call itself.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import msgspec

from linmem.drivers.limits import Limits, Sent
from linmem.drivers.messages import PROTOCOL, ImportCall, Info, Message, Request, ViewKind, decoded, shorten
from linmem.drivers.nursery import Nursery
from linmem.drivers.process import Process
from linmem.protocol import (
    FAILED,
    CallFailed,
    DriverDied,
    DriverFault,
    DriverGarbage,
    DriverLimit,
    DriverTimeout,
    ImportFailed,
    ImportHandler,
    Reply,
)
from linmem.text import clip

__all__ = ["PROTOCOL", "Driver", "Info", "ViewKind", "died"]

LONGEST_FAULT = 1000  # characters of what is wrong with a driver, which may quote it
# Times the usual time limit: a browser may take seconds to start a worker.
SLOW_METHODS = dict.fromkeys(("agents.run", "agents.start", "agents.finish"), 3)
CHECK_SECONDS = 1.0  # without output, before checking that the process still runs
LONGEST_NAME = 200  # characters of a runtime's name, version or engine
EXIT_SECONDS = 10.0  # from the end of a process's output to its own end; dumping core takes time
DRIVER_DEFECT = 70  # EX_SOFTWARE of sysexits.h


def died(status: int) -> DriverFault:
    """The fault for a process that ended with this status, as in `subprocess.Popen.returncode`.

    A driver that finds a defect in itself ends with `DRIVER_DEFECT`, which is no crash of the runtime.
    """
    if status == DRIVER_DEFECT:
        return DriverGarbage(f"the driver ended because of a defect of its own (status {DRIVER_DEFECT})")
    if status < 0:
        with contextlib.suppress(ValueError):
            return DriverDied(f"the runtime's process was killed by {signal.Signals(-status).name}")
    return DriverDied(f"the runtime's process ended with status {status}")


def _again(fault: DriverFault) -> DriverFault:
    """A fault of the same kind and text."""
    return type(fault)(*fault.args)


def _shortened(info: Info) -> Info:
    """What a driver says of itself, its texts no longer than reports can show them."""
    runtime, host = (
        {key: clip(text, LONGEST_NAME, "") for key, text in words.items()} for words in (info.runtime, info.host)
    )
    return msgspec.structs.replace(info, runtime=runtime, host=host)


class Driver:
    """One driver process. Use `post` and `reply` for pipelined work, `request` for a single question.

    ``timeout`` is how many seconds the driver may take for one answer, ``limits`` how much it may send. ``on_import``
    serves host functions: it gets the function's token and typed arguments, may use this driver in turn, and returns
    typed values or raises `ImportFailed`. With a ``nursery``, the process is forked there.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        label: str,
        env: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        limits: Limits | None = None,
        nursery: Nursery | None = None,
    ) -> None:
        self.label = label
        self._nursery = nursery
        self._sent = Sent(limits or Limits())
        self._scenarios: deque[int] = deque()  # the first requests of those that were begun
        self.timeout = timeout
        self.command = list(command)
        self.on_import: ImportHandler | None = None
        self.info: Info | None = None
        self._env = dict(env or {})
        self._process: Process | None = None
        self._fault: DriverFault | None = None
        self._next_id = 0
        self._out = bytearray()
        self._in = bytearray()
        self._scanned = 0
        self._lines: deque[bytes] = deque()  # that have arrived and are not looked at yet
        self._writing = False
        self._deaf = False  # it has closed its standard input
        self._stderr = bytearray()
        self._pending: list[deque[int]] = [deque()]
        self._replies: dict[int, Reply] = {}
        self._unwanted: set[int] = set()  # requests whose answers nobody takes
        self._factors: dict[int | None, int] = {}  # requests that may take so many times the usual time
        self._initialize: int | None = None
        self._encode = msgspec.json.Encoder().encode

    # ------------------------------------------------------------------ life

    def launch(self, variant: str | None = None, cache: str | None = None) -> None:
        """Start the process and send `initialize`, without waiting for the answer. Raises `DriverFault`."""
        try:
            process = self._process = Process(self.command, self._env, self._stderr, self._nursery)
        except OSError as error:
            raise DriverDied(f"its process can't be started: {error.strerror}") from None
        self._fd_in, self._fd_out, self._fd_err = process.stdin, process.stdout, process.stderr
        self._poll = select.poll()
        self._poll.register(self._fd_out, select.POLLIN)
        self._poll.register(self._fd_err, select.POLLIN)
        self._poll.register(self._fd_in, 0)  # tells, too, when it is closed at the other end
        params = {"protocol": PROTOCOL, "variant": variant, "cache": cache}
        self._initialize = self.post("initialize", params)
        self.flush()

    @contextlib.contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """Within the context, let an answer take so many seconds."""
        usual, self.timeout = self.timeout, seconds
        try:
            yield
        finally:
            self.timeout = usual

    def start(self, variant: str | None = None, cache: str | None = None, *, timeout: float = 60.0) -> Info:
        """Start the process, unless it was launched before, and wait for the answer to `initialize`.

        Raises `DriverFault` or `CallFailed`.
        """
        if self._initialize is None:
            self.launch(variant, cache)
        assert self._initialize is not None
        with self.waiting(timeout):
            answer = self.reply(self._initialize)
        if isinstance(answer, CallFailed):
            raise answer
        try:
            self.info = _shortened(msgspec.convert(answer, Info))
        except msgspec.ValidationError as error:
            self._give_up(f"its answer to 'initialize' is not of the protocol's form: {error}")
        if self.info.protocol != PROTOCOL:
            self._give_up(f"it speaks protocol {self.info.protocol}, not {PROTOCOL}")
        return self.info

    @property
    def alive(self) -> bool:
        """Whether the process runs and can be asked."""
        return self._process is not None and self._process.running

    def ended(self) -> DriverFault | None:
        """What ended the process; None while it runs."""
        if self._fault is None and self._process is not None and not self.alive:
            self._fault = died(self.kill())
        return self._fault

    @property
    def pid(self) -> int | None:
        """The process's id, or None before the start and after the end."""
        return self._process.pid if self._process is not None else None

    def close(self, grace: float = 2.0) -> None:
        """End the process: ask, wait `grace` seconds, then kill its whole group. One that owes answers isn't asked."""
        if self._process is None:
            return
        if self.alive and not any(self._pending):
            with contextlib.suppress(OSError):
                self.post("shutdown", {})
                os.write(self._fd_in, bytes(self._out))
                self._process.close_stdin()
            self._process.wait(grace)
        self.kill()

    def abandon(self) -> None:
        """Have the process and everything it started ended at once, and don't wait for that. `kill` is still to be
        called.
        """
        if self._process is not None:
            self._process.abandon()

    def kill(self) -> int:
        """End the process and everything it started, at once; its return code."""
        status = self._process.kill() if self._process is not None else 0
        self._process = None
        self._in.clear()
        self._lines.clear()
        self._out.clear()
        return status

    def take_stderr(self) -> str:
        """What the process has printed since this was last asked (its last 8 KiB)."""
        if self._process is not None:
            self._process.drain()
        text = self._stderr.decode("utf-8", "replace")
        self._stderr.clear()
        return text

    # ------------------------------------------------------------- requests

    def post(self, method: str, params: Mapping[str, Any], factor: int = 1) -> int:
        """Queue a request and return its id, which is also the name of the object it makes.

        Its answer may take `factor` times the usual time.
        """
        self._next_id += 1
        request_id = self._next_id
        self._out += self._encode(Request(request_id, method, params))
        self._out += b"\n"
        self._pending[-1].append(request_id)
        factor *= SLOW_METHODS.get(method, 1)
        if factor != 1:
            self._factors[request_id] = factor
        return request_id

    def forget(self, request_id: int) -> None:
        """Let nobody wait for the answer to a posted request: it is dropped when it comes."""
        self._unwanted.add(request_id)

    def begin_scenario(self) -> None:
        """What is posted from now on is for another scenario, which has limits of its own."""
        self._scenarios.append(self._next_id + 1)

    def flush(self) -> None:
        """Write what is queued, as far as the pipe takes it; `reply` writes the rest."""
        if self._process is not None and self._out:
            self._write_some()

    def reply(self, request_id: int) -> Reply:
        """Wait for the answer to a posted request. A refusal is returned as `CallFailed`, not raised.

        Raises `DriverFault` when no answer will come. What was answered before a fault is still given, so that the
        fault falls on the request that has no answer.
        """
        replies = self._replies
        if request_id not in replies:
            fault = self._exchanged(request_id)
            if fault is not None and request_id not in replies:
                raise fault
        return replies.pop(request_id)

    def request(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request and wait for its result. Raises `CallFailed` or `DriverFault`."""
        answer = self.reply(self.post(method, params))
        if isinstance(answer, CallFailed):
            raise answer
        return answer

    # ------------------------------------------------------------ transport

    def _exchanged(self, until: int) -> DriverFault | None:
        """Exchange messages until a request is answered. A fault is returned, without the traceback: that would keep
        the buffers.
        """
        try:
            self._exchange(until)
        except DriverFault as fault:
            self._fault = _again(fault)
            return _again(fault)
        return None

    def _exchange(self, until: int) -> None:
        """Write what is queued and read until `until` is answered.

        What came after that answer is left for whoever waits for it: a fault there is not this request's.

        The time limit is each answer's, host functions included: a guest that never stops calling them is stopped.
        """
        if self._process is None:
            raise self._fault or DriverDied("the runtime's process is not running")
        pending = self._pending[-1]
        due = pending[0] if pending else None
        wait = self.timeout * self._factors.get(due, 1)
        deadline = time.monotonic() + wait
        while True:
            if self._out:
                self._write_some()
            if bool(self._out) is not self._writing and not self._deaf:
                self._writing = not self._writing
                self._poll.modify(self._fd_in, select.POLLOUT if self._writing else 0)
            progress = self._take_lines(until)
            if until in self._replies:
                return
            now = time.monotonic()
            if progress and pending and pending[0] != due:
                due = pending[0]
                wait = self.timeout * self._factors.get(due, 1)
                deadline = now + wait
            left = deadline - now
            if left <= 0:
                running = self._process.running
                status = self.kill()
                if not running:
                    raise died(status)
                raise DriverTimeout(f"no answer within {wait:g} s")
            if progress:
                continue
            events = self._poll.poll(min(left, CHECK_SECONDS) * 1000)
            if not events:
                self._look()
            for descriptor, event in events:
                if descriptor == self._fd_out:
                    self._read_stdout()
                elif descriptor == self._fd_err:
                    self._read_stderr()
                elif event & (select.POLLERR | select.POLLHUP):
                    self._deaf = True
                    self._poll.unregister(self._fd_in)

    def _look(self) -> None:
        """Raise the fault of a process that says nothing, if it is plain that it never will."""
        assert self._process is not None
        if not self._process.running:
            raise died(self.kill())
        stopped = self._process.stopped
        if stopped is not None:
            self.kill()
            raise DriverTimeout(f"no answer: the runtime's process was stopped by {signal.Signals(stopped).name}")
        if self._deaf:
            self._give_up("it closed its standard input and went on")

    def _write_some(self) -> None:
        try:
            written = os.write(self._fd_in, self._out)
            del self._out[:written]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._out.clear()  # that it has ended is noticed when reading

    def _read_stdout(self) -> None:
        try:
            data = os.read(self._fd_out, 1 << 20)
        except BlockingIOError:
            return
        if not data:
            self._output_ended()
        self._in += data

    def _output_ended(self) -> NoReturn:
        """Raise the fault of a process that closed its standard output, after giving it a moment to end by itself."""
        assert self._process is not None
        if not self._process.wait(min(EXIT_SECONDS, self.timeout)):
            self._give_up("it closed its standard output and went on")
        raise died(self.kill())

    def _read_stderr(self) -> None:
        assert self._process is not None
        with contextlib.suppress(BlockingIOError):
            if not self._process.take_stderr():
                self._poll.unregister(self._fd_err)

    def _take_lines(self, until: int) -> bool:
        """Handle the complete lines that have arrived, up to the answer to `until`; whether there was one."""
        lines = self._lines
        if not lines:
            end = self._in.rfind(b"\n", self._scanned)
            if end < 0:
                self._scanned = len(self._in)
                self._count(self._sent.expect, self._scanned)
                return False
            with memoryview(self._in) as view:
                lines.extend(bytes(view[:end]).split(b"\n"))
            del self._in[: end + 1]
            self._scanned = 0
        while lines and until not in self._replies:
            self._receive(lines.popleft())
        return True

    def _count(self, count: Callable[..., None], *args: Any) -> None:
        """Count what was sent, for the scenario whose answer is due."""
        outer = self._pending[0]
        while self._scenarios and outer and outer[0] >= self._scenarios[0]:
            self._scenarios.popleft()
            self._sent.begin_scenario()
        try:
            count(*args)
        except DriverLimit:
            self.kill()
            raise

    def _receive(self, line: bytes) -> None:
        self._count(self._sent.add, line)
        try:
            message = decoded(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._give_up(f"it wrote a line that is not a message of the protocol: {shorten(line)}")
        if message.method is not None:
            self._serve(message)
            return
        pending = self._pending[-1]
        if not pending:
            self._give_up(f"it answered request {message.id}, but no answer was due")
        due = pending[0]
        if message.id != due:
            self._give_up(f"it answered request {message.id} where the answer to {due} was due")
        if message.error is not None:
            answer: Reply = CallFailed(message.error.code, message.error.message, message.error.data)
        elif message.result is not None:
            answer = message.result
        else:
            self._give_up(f"its answer to request {due} has neither 'result' nor 'error': {shorten(line)}")
        pending.popleft()
        if len(self._pending) == 1:
            self._sent.begin_step()
        self._factors.pop(due, None)
        if due in self._unwanted:
            self._unwanted.discard(due)
        else:
            self._replies[due] = answer

    def _serve(self, message: Message) -> None:
        """Serve a host function: the handler's own requests are answered before this one is."""
        params = message.params or {}
        if message.method != "import.call" or message.id is None:
            self._give_up(f"it asked for '{message.method}', which is not in the protocol")
        try:
            func = msgspec.convert(params, ImportCall).func
        except msgspec.ValidationError as error:
            self._give_up(f"its 'import.call' is not of the protocol's form: {error}")
        self._count(self._sent.add_call)
        handler = self.on_import
        if handler is None or not self._pending[-1]:
            self._give_up(f"it called host function '{func}' while no guest was running")
        self._pending.append(deque())
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": message.id}
        try:
            answer["result"] = {"values": list(handler(func, params.get("args") or []))}
        except ImportFailed as failure:
            data = {"kind": failure.kind, "type": "", "message": failure.message, "text": failure.message}
            answer["error"] = {"code": FAILED, "message": failure.message, "data": data}
        except BaseException:
            self.kill()  # it would wait for the answer for ever
            raise
        finally:
            self._pending.pop()
        self._out += self._encode(answer)
        self._out += b"\n"

    def _give_up(self, why: str) -> NoReturn:
        self.kill()
        raise DriverGarbage(f"the driver broke the protocol: {clip(why, LONGEST_FAULT, '')}")
