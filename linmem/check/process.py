"""Checks of the conversation itself: how messages look, in which order answers come, how the process ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from typing import Any

from linmem import scratch
from linmem.check import modules
from linmem.check.driver import HOSTED, DriverUnderTest, Lacking, Wrong, i32, said, same
from linmem.drivers.client import PROTOCOL
from linmem.protocol import METHOD_NOT_FOUND, CallFailed

MESSAGES = "messages"
REFERENCES = "objects and references"
END = "end of input"
NO_METHODS = (MESSAGES, REFERENCES, END)


def unknown_method(driver: DriverUnderTest) -> None:
    """A method that the protocol does not have."""
    reply = driver.settle(driver.post("memory.paint", {}), MESSAGES)
    if not isinstance(reply, CallFailed) or reply.code != METHOD_NOT_FOUND:
        raise Wrong(MESSAGES, "error -32601", said(reply))


def pipelined(driver: DriverUnderTest) -> None:
    """Many requests at once, whose answers keep their order."""
    instance = driver.instance()
    params = {"instance": instance, "name": "sub", "results": ["i32"]}
    requests = [driver.post("function.call", {**params, "args": [i32(i), i32(0)]}) for i in range(200)]
    for i, request in enumerate(requests):
        reply = driver.settle(request, MESSAGES)
        values = reply.get("values") if isinstance(reply, dict) else said(reply)
        if not isinstance(values, list) or [int(one["value"]) for one in values] != [i]:
            raise Wrong(MESSAGES, f"{i}, the answer to request {i + 1} of 200", str(values))


def fields(driver: DriverUnderTest) -> None:
    """Every message has every field."""
    _, answers = _talk(driver, [_compile(2, "malformed"), ("shutdown", 3, {})], MESSAGES)
    for answer in answers:
        if answer.get("jsonrpc") != "2.0":
            raise Wrong(MESSAGES, '"jsonrpc":"2.0" in every answer', json.dumps(answer)[:200])
    error = answers[1].get("error", {})
    lacking = [key for key in ("code", "message", "data") if key not in error]
    lacking += [f"data.{key}" for key in ("kind", "type", "message", "text") if not error.get("data", {}).get(key)]
    if lacking:
        raise Wrong(MESSAGES, "an error with all fields", f"without {', '.join(lacking)}: {json.dumps(error)[:200]}")


def skipped(driver: DriverUnderTest) -> None:
    """What can't be asked, because an earlier request failed, is skipped."""
    module = driver.post("module.compile", {"bytes": modules.encoded("malformed")})
    instance = driver.post("instance.create", {"module": module, "imports": [], "glue": None})
    memory = driver.post("memory.export", {"instance": instance, "name": "memory"})
    size = driver.post("memory.size", {"memory": memory})
    good = driver.post("memory.create", {"min": 1, "max": None, "shared": False, "index": "i32"})
    read = driver.post("memory.read", {"memory": good, "at": {"$ref": size}, "type": "u8", "view": None})
    driver.settle(module)
    for request, method in ((instance, "instance.create"), (memory, "memory.export"), (size, "memory.size")):
        _is_skipped(driver, request, method)
    if isinstance(driver.settle(good), CallFailed):
        raise Lacking("memory.create")
    _is_skipped(driver, read, "memory.read")


def _is_skipped(driver: DriverUnderTest, request: int, method: str) -> None:
    reply = driver.settle(request)
    if isinstance(reply, CallFailed) and reply.code == METHOD_NOT_FOUND:
        raise Lacking(method)
    if not isinstance(reply, CallFailed) or reply.kind != "skipped":
        raise Wrong(REFERENCES, f"{method} is answered with kind skipped", said(reply))


def shutdown(driver: DriverUnderTest) -> None:
    """The driver answers and ends."""
    status, answers = _talk(driver, [("shutdown", 2, {})], "shutdown")
    if answers[-1].get("error", {}).get("code") == METHOD_NOT_FOUND:
        raise Lacking("shutdown")
    same("shutdown", {}, answers[-1].get("result"))
    same("shutdown", "exit status 0", f"exit status {status}")


def end(driver: DriverUnderTest) -> None:
    """The driver ends when its input does."""
    status, _ = _talk(driver, [_compile(2, "basic")], END)
    same(END, "exit status 0", f"exit status {status}")


def end_inside(driver: DriverUnderTest) -> None:
    """The same while a host function is under way."""
    requests = [
        _compile(2, "host"),
        ("instance.create", 3, {"module": 2, "imports": HOSTED, "glue": None}),
        ("function.call", 4, {"instance": 3, "name": "visit", "args": [i32(0)], "results": ["i32"]}),
    ]
    status, answers = _talk(driver, requests, END)
    if any(answer.get("error", {}).get("code") == METHOD_NOT_FOUND for answer in answers):
        raise Lacking("instance.create or function.call")
    same(END, "import.call", answers[-1].get("method"))
    same(END, "exit status 0", f"exit status {status}")


Request = tuple[str, int, dict[str, Any]]


def _compile(request: int, module: str) -> Request:
    return "module.compile", request, {"bytes": modules.encoded(module)}


def _talk(driver: DriverUnderTest, requests: list[Request], topic: str) -> tuple[int, list[dict[str, Any]]]:
    """Write `initialize` and requests into a new process, end its input: its exit status and the lines it
    wrote.

    There must be a line for each request. Raises `Wrong` where there is not, or where the process does not
    end.
    """
    first = ("initialize", 1, {"protocol": PROTOCOL, "variant": driver.variant, "cache": None})
    messages = [
        {"jsonrpc": "2.0", "id": request, "method": method, "params": params}
        for method, request, params in [first, *requests]
    ]
    seconds = 4 * driver.timeout
    folder = scratch.make("check")
    try:
        with subprocess.Popen(
            driver.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **driver.env, "TMPDIR": str(folder)},
            cwd=os.sep,
            start_new_session=True,
        ) as process:
            try:
                data = "".join(json.dumps(message) + "\n" for message in messages).encode()
                output, errors = process.communicate(data, timeout=seconds)
            except subprocess.TimeoutExpired:
                what = f"it still runs {seconds:g} s after it was started and its input ended"
                raise Wrong(topic, "the process ends", what) from None
            finally:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
    finally:
        scratch.remove(folder)
    answers = []
    for line in output.splitlines():
        try:
            answers.append(dict(json.loads(line)))
        except (ValueError, TypeError):
            raise Wrong(topic, "messages only on standard output", repr(line[:120])) from None
    if len(answers) != len(messages):
        words = errors.decode("utf-8", "replace").strip().splitlines()[-1:]
        told = f"{len(answers)} lines, exit status {process.returncode} {' '.join(words)}".strip()
        raise Wrong(topic, f"{len(messages)} lines for {len(messages)} requests", told)
    return process.returncode, answers
