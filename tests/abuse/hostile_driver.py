"""A driver that answers as it should until the guest's function ``hostile`` is called, and then does what a seed says.

Usage: ``hostile_driver.py SEED``. The seed chooses one message of the protocol, as `linmem.drivers.messages` types them,
and what is wrong with it; or one thing that a process can do. `about` tells a seed in words.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "fakes"))

import fake_driver

VALUES = [
    None, True, 0, -1, 2**70, 1e999, "", "x", "x" * 3_000_000, "\x1b[2J\u202e", "a\0b", [], {}, [None] * 1000,
    [[[[[[[[]]]]]]]], {"$ref": 1}, {"type": "i32"}, [{"type": "i32", "value": "x"}],
]  # fmt: skip
SEED: list[int] = []
FIELDS = ("id", "result", "error", "method", "params", "jsonrpc")
ERROR_FIELDS = ("code", "message", "data")
DATA_FIELDS = ("kind", "type", "message", "text", "messages")
CALL_FIELDS = ("func", "args")
ACTS = (
    "sigkill", "sigsegv", "exits", "finds_a_defect_of_its_own", "leaves_a_child", "leaves_a_daemon",
    "leaves_a_daemon_and_dies", "stops_itself", "closes_stdin", "closes_stdout", "half_a_line", "half_a_line_and_dies",
    "binary", "nested_deeply", "twice", "calls_nobody", "calls_in_a_storm", "has_a_million_messages",
    "gives_empty_values", "floods_stdout", "floods_stdout_with_lines", "floods_stderr", "huge_error", "ignores_everything",
)  # fmt: skip


def plan(seed: int) -> tuple[str, str, object]:
    """What the seed does: the part of the protocol, the field (or the act), and the value (or nothing)."""
    draw = random.Random(seed)
    part = draw.choice(("answer", "error", "data", "call", "act"))
    names = {"answer": FIELDS, "error": ERROR_FIELDS, "data": DATA_FIELDS, "call": CALL_FIELDS, "act": ACTS}[part]
    return part, draw.choice(names), draw.choice([*VALUES, "missing"])


def about(seed: int) -> str:
    """The plan in words."""
    part, name, value = plan(seed)
    return f"{part}: {name}" if part == "act" else f"{part}: {name} = {json.dumps(value)[:40]}"


def hostile(request: dict[str, object]) -> str:
    """Do what the plan says, in place of the answer."""
    part, name, value = plan(SEED[0])
    if part == "act":
        fake_driver.FUNC[:] = ["0.tick"]
        return getattr(fake_driver.Faults(), name)(request) or ""
    answer: dict[str, object] = {"jsonrpc": "2.0", "id": request["id"]}
    data: dict[str, object] = {"kind": "trap", "type": "E", "message": "m", "text": "t", "messages": ["m"]}
    error: dict[str, object] = {"code": -32000, "message": "no", "data": data}
    call: dict[str, object] = {"func": "0.tick", "args": []}
    if part == "call":
        answer = {"jsonrpc": "2.0", "id": "h1", "method": "import.call", "params": call}
    elif part == "answer":
        answer["result"] = {"values": []}
    else:
        answer["error"] = error
    target = {"answer": answer, "error": error, "data": data, "call": call}[part]
    if value == "missing":
        target.pop(name, None)
    else:
        target[name] = value
    fake_driver.send(answer)
    if part == "call":
        time.sleep(600)
    return "answered"


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    fake_driver.Faults.hostile = lambda self, request: hostile(request)  # type: ignore[attr-defined]
    os.environ.setdefault("FAKE_DAEMON", "abuse")
    SEED.append(int(sys.argv.pop()))
    fake_driver.main()
