"""A bare client of the driver protocol, for tests of drivers. It checks nothing but that answers come in order."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from wasmtime import wat2wasm

RUNTIMES = Path(__file__).resolve().parents[2] / "runtimes"
SECONDS = 60.0  # how long an answer may take before the driver counts as hanging


def runtime_command(name: str) -> tuple[list[str], dict[str, str]]:
    """How to start a runtime's driver: its command, and variables over the environment.

    The one place that knows where runtimes come from. LINMEM_TEST_<NAME>_PYTHON names an interpreter that has the
    runtime; otherwise the harness provides it.
    """
    python = os.environ.get(f"LINMEM_TEST_{name.upper()}_PYTHON")
    if python:
        return [python, "-E", "-s", "-B", str(RUNTIMES / name / "driver.py")], {}
    from linmem.provision.environments import provide
    from linmem.provision.manifest import load_manifest

    provided = provide(load_manifest(name))
    return provided.command, provided.env


def wasm(text: str) -> str:
    """A text module in binary form, as the protocol carries it."""
    return base64.b64encode(wat2wasm(text)).decode()


def i32(value: int) -> dict[str, str]:
    """A typed value as requests have it: unsigned."""
    return {"type": "i32", "value": str(value)}


def host_function(
    name: str = "f", params: Sequence[str] = ("i32",), results: Sequence[str] = ("i32",)
) -> dict[str, Any]:
    """An import from ``env`` that `RawClient.on_import` serves as ``env.<name>``."""
    signature = {"params": list(params), "results": list(results)}
    return {"module": "env", "name": name, "func": f"env.{name}", "type": signature}


class Died(Exception):
    """The driver's output ended; the arguments are its exit status and standard error."""


class RawClient:
    """A driver process. `on_import` serves `import.call`: from its parameters to typed values or an error object."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        pipe = subprocess.PIPE
        variables = {**os.environ, **(env or {})}
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=self._stderr, env=variables)
        self.on_import: Callable[[dict[str, Any]], Any] | None = None
        self._ids = 0
        self._received = b""

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout, self._stderr):
            assert file is not None
            file.close()

    def send(self, method: str, **params: Any) -> int:
        """Send a request and return its id at once."""
        self._ids += 1
        self.send_line({"jsonrpc": "2.0", "id": self._ids, "method": method, "params": params})
        return self._ids

    def send_line(self, message: Any) -> None:
        """Send a message, or text as it is."""
        text = message if isinstance(message, str) else json.dumps(message)
        assert self.process.stdin is not None
        os.write(self.process.stdin.fileno(), text.encode() + b"\n")

    def receive(self) -> Any:
        """The next message from the driver. Raises `Died`, and `TimeoutError`."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + SECONDS
        while b"\n" not in self._received:
            if not select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError(self.stderr())
            chunk = os.read(self.process.stdout.fileno(), 1 << 20)
            if not chunk:
                raise Died(self.process.wait(), self.stderr())
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return json.loads(line)

    def answer(self, ident: int) -> Any:
        """Wait for the answer to a request, and serve what the driver asks meanwhile."""
        while True:
            message = self.receive()
            if "method" not in message:
                assert message["id"] == ident, message
                return message
            assert message["method"] == "import.call", message
            assert self.on_import is not None
            given = self.on_import(message["params"])
            outcome = {"error": given} if isinstance(given, dict) else {"result": {"values": given}}
            self.send_line({"jsonrpc": "2.0", "id": message["id"], **outcome})

    def call(self, method: str, **params: Any) -> Any:
        """Send a request and return its result, which must not be an error."""
        message = self.answer(self.send(method, **params))
        assert "result" in message, message
        return message["result"]

    def make(self, method: str, **params: Any) -> int:
        """Send a request that makes an object, which must succeed; its id is the object."""
        ident = self.send(method, **params)
        message = self.answer(ident)
        assert message.get("result") == {}, message
        return ident

    def refused(self, method: str, **params: Any) -> Any:
        """Send a request that must fail; the error's data, or its code where it has none."""
        message = self.answer(self.send(method, **params))
        assert "error" in message, message
        return message["error"].get("data", message["error"]["code"])

    def function(self, instance: int, name: str, *args: int, results: Sequence[str] = ()) -> list[str]:
        """Call an export with i32 arguments; the values of its results."""
        typed = [i32(arg) for arg in args]
        given = self.call("function.call", instance=instance, name=name, args=typed, results=list(results))
        assert [value["type"] for value in given["values"]] == list(results)
        return [value["value"] for value in given["values"]]

    def instance(self, text: str, *imports: Any) -> int:
        """A new instance of a text module."""
        module = self.make("module.compile", bytes=wasm(text))
        return self.make("instance.create", module=module, imports=list(imports), glue=None)

    def memory(self, instance: int, name: str = "memory") -> int:
        """An exported memory."""
        return self.make("memory.export", instance=instance, name=name)

    def read(self, memory: int, at: Any, type: str = "u8", view: str | None = None, **more: Any) -> Any:
        """A reading, which must succeed."""
        return self.call("memory.read", memory=memory, at=at, type=type, view=view, **more)

    def write(self, memory: int, at: Any, value: Any, type: str = "u8", view: str | None = None) -> Any:
        """Write a number, or base64; the whole answer."""
        given = {"bytes": value} if type == "bytes" else {"type": type, "value": str(value)}
        return self.answer(self.send("memory.write", memory=memory, at=at, type=type, value=given, view=view))

    def resident(self) -> int:
        """Bytes of the driver's process that are in memory (Linux)."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")

    def end(self) -> int:
        """End the driver's input and return its exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(SECONDS)

    def stderr(self) -> str:
        """What the driver and the runtime printed so far."""
        self._stderr.seek(0)
        return self._stderr.read().decode("utf-8", "replace")
