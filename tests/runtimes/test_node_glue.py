"""The JavaScript driver: guests that are started by their own language's script."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from nodekit import F, base64_of, instance, typed
from rawclient import SECONDS, RawClient, i32, wasm

from linmem.guests.program import programs
from linmem.guests.toolchains import Go

pytest_plugins = ["nodefixtures"]

# In the shape of Go's and TinyGo's scripts.
GLUE = """
globalThis.Go = class {
  importObject = {
    env: {print: (n) => console.log("from the guest", n), named: () => NAME, exit: (n) => process.exit(n)},
  };
  exited = false;
  async run(instance) {
    process.stdout.write("written to stdout\\n");
    console.info("started");
    BODY
  }
};
"""

GLUED = """
(module
  (import "env" "print" (func $print (param i32)))
  (import "env" "named" (func $named (result i32)))
  (import "env" "exit" (func $exit (param i32)))
  (import "env" "f" (func $f (param i32) (result i32)))
  (global $ticks (mut i32) (i32.const 0))
  (memory (export "memory") 1)
  (func (export "print") (param i32) (call $print (local.get 0)))
  (func (export "named") (result i32) (call $named))
  (func (export "exit") (param i32) (call $exit (local.get 0)))
  (func (export "call") (param i32) (result i32) (call $f (local.get 0)))
  (func (export "tick") (global.set $ticks (i32.add (global.get $ticks) (i32.const 1))))
  (func (export "ticks") (result i32) (global.get $ticks))
  (func (export "trap") unreachable))
"""


@pytest.fixture
def glue(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Writes a script in the shape of Go's and TinyGo's."""

    def write(body: str = "", name: int = 1) -> dict[str, str]:
        path = tmp_path / f"glue{len(list(tmp_path.iterdir()))}.js"
        path.write_text(GLUE.replace("BODY", body).replace("NAME", str(name)))
        return {"kind": "go", "path": str(path)}

    return write


def wait_for_tick(js: RawClient, guest: int) -> None:
    end = time.monotonic() + SECONDS
    while js.function(guest, "ticks", results=["i32"]) == ["0"]:
        assert time.monotonic() < end, "the guest's timer never fired"


def refused_start(js: RawClient, glue: dict[str, str]) -> tuple[str, str]:
    module = js.make("module.compile", bytes=wasm(GLUED))
    error = js.refused("instance.create", module=module, imports=[F], glue=glue)
    return error["kind"], error["message"]


def test_listed_imports_fill_what_the_glue_lacks(js: RawClient, glue: Callable[..., dict[str, str]]) -> None:
    """Per name: the glue's own `named` wins over the listed one of the same module."""
    named = {"module": "env", "name": "named", "func": "NAMED", "type": {"params": [], "results": ["i32"]}}
    guest = instance(js, GLUED, [named, F], glue())
    js.on_import = lambda params: [i32(int(params["args"][0]["value"]) * 2)]
    assert js.function(guest, "named", results=["i32"]) == ["1"]
    assert js.function(guest, "call", 21, results=["i32"]) == ["42"]


def test_whole_modules_that_the_glue_lacks_can_be_listed(js: RawClient, glue: Callable[..., dict[str, str]]) -> None:
    """As old TinyGo modules need it."""
    text = """
    (module (import "wasi_unstable" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
      (func (export "f") (result i32) (call $w (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0))))
    """
    types = {"params": ["i32"] * 4, "results": ["i32"]}
    fd_write = {"module": "wasi_unstable", "name": "fd_write", "func": "W", "type": types}
    guest = instance(js, text, [fd_write], glue())
    js.on_import = lambda params: [i32(8)]
    assert js.function(guest, "f", results=["i32"]) == ["8"]


def test_two_glue_scripts_do_not_mix(js: RawClient, glue: Callable[..., dict[str, str]]) -> None:
    one, two = glue(name=1), glue(name=2)
    guests = [instance(js, GLUED, [F], script) for script in (one, two, one)]
    assert [js.function(guest, "named", results=["i32"]) for guest in guests] == [["1"], ["2"], ["1"]]


def test_what_guests_print_goes_to_standard_error(fresh_js: RawClient, glue: Callable[..., dict[str, str]]) -> None:
    guest = instance(fresh_js, GLUED, [F], glue())
    fresh_js.function(guest, "print", 7)
    for line in ("written to stdout", "started", "from the guest 7"):
        assert line in fresh_js.stderr()


def test_timers_run_between_requests_and_end_with_the_scenario(
    fresh_js: RawClient, glue: Callable[..., dict[str, str]]
) -> None:
    timers = """
    setTimeout(() => instance.exports.tick(), 1);
    const again = () => { console.log("an old timer fired"); setTimeout(again, 50); };
    setTimeout(again, 50);
    setInterval(() => console.log("an old interval"), 50);
    """
    guest = instance(fresh_js, GLUED, [F], glue(timers))
    wait_for_tick(fresh_js, guest)
    fresh_js.call("object.release", all=True)
    before = len(fresh_js.stderr())  # on a slow machine both may have fired by now, and wait for the next time
    guest = instance(fresh_js, GLUED, [F], glue("setTimeout(() => instance.exports.tick(), 100);"))
    wait_for_tick(fresh_js, guest)
    assert "old" not in fresh_js.stderr()[before:]


def test_globals_that_guests_leave_end_with_the_scenario(js: RawClient, glue: Callable[..., dict[str, str]]) -> None:
    script = glue("if ('left' in globalThis) throw new Error('left'); globalThis.left = instance;")
    for _ in range(2):
        instance(js, GLUED, [F], script)
        js.call("object.release", all=True)


def test_a_start_that_fails(js: RawClient, glue: Callable[..., dict[str, str]]) -> None:
    assert refused_start(js, glue("throw new RangeError('no start')")) == ("host", "no start")
    assert refused_start(js, glue("instance.exports.trap()")) == ("trap", "unreachable")
    assert refused_start(js, glue("this.exited = true; this.exitCode = 3;")) == ("exit", "3")
    assert refused_start(js, glue("process.exit(4)")) == ("exit", "4")


def test_a_tinygo_program_that_has_ended_well_goes_on(js: RawClient, glue: Callable[..., dict[str, str]]) -> None:
    """Its `_start` exits with status 0, and its users call exports afterwards."""
    guest = instance(js, GLUED, [F], glue("this.exited = true; this.exitCode = 0;"))
    assert js.function(guest, "named", results=["i32"]) == ["1"]


def test_a_go_program_that_has_ended_is_over(js: RawClient, glue: Callable[..., dict[str, str]]) -> None:
    """Go's script calls `go.exit` and takes the instance apart, whatever the status is."""
    script = glue("this.exited = true; this.exit(0);")
    path = Path(script["path"])
    hook = "exit = (status) => console.warn(status);"
    path.write_text(path.read_text().replace("exited = false;", f"exited = false; {hook}"))
    assert refused_start(js, script) == ("exit", "0")


def test_a_guest_that_exits_in_a_call(js: RawClient, glue: Callable[..., dict[str, str]]) -> None:
    guest = instance(js, GLUED, [F], glue())
    error = js.refused("function.call", instance=guest, name="exit", args=[i32(5)], results=[])
    assert (error["kind"], error["message"]) == ("exit", "5")


def test_glue_that_cannot_be_used(js: RawClient, tmp_path: Path, glue: Callable[..., dict[str, str]]) -> None:
    empty = tmp_path / "empty.js"
    empty.write_text("")
    wrong = tmp_path / "wrong.js"
    wrong.write_text("nowhere.at = 1")
    module = js.make("module.compile", bytes=wasm(GLUED))
    for path, what in {
        "/nowhere/glue.js": "no such file",
        str(empty): "does not define globalThis.Go",
        str(wrong): "can't be run: ReferenceError: nowhere is not defined",
    }.items():  # none of these is the runtime's failure
        script = {"kind": "go", "path": path}
        error = js.answer(js.send("instance.create", module=module, imports=[F], glue=script))["error"]
        assert what in error["message"]
        assert "data" not in error
    assert refused_start(js, {**glue(), "kind": "python"})[0] == "unsupported"


def test_go_end_to_end(js: RawClient) -> None:
    """The real `wasm_exec.js`, on the real module: the host reads 24, the guest reads 25."""
    code = programs()["shared_buffer"].module("go").read_bytes()
    module = js.make("module.compile", bytes=base64_of(code))
    script = {"kind": "go", "path": str(Go().glue())}
    for _ in range(2):
        guest = js.make("instance.create", module=module, imports=[], glue=script)
        target = js.make("memory.export", instance=guest, name="mem")
        at = js.send("function.call", instance=guest, name="getWasmMemoryBufferPointer", args=[], results=["i32"])
        assert int(js.answer(at)["result"]["values"][0]["value"]) > 0
        js.function(guest, "storeValueInWasmMemoryBufferIndexZero", 24)
        assert js.call("memory.read", memory=target, at={"$ref": at}, type="u8", view=None)["value"]["value"] == "24"
        js.call("memory.write", memory=target, at={"$ref": at, "+": 1}, type="u8", value=typed("u8", 25), view=None)
        assert js.function(guest, "readWasmMemoryBufferAndReturnIndexOne", results=["i32"]) == ["25"]
        js.call("object.release", all=True)


def test_it_ends_with_its_input_while_a_timer_is_due(fresh_js: RawClient, glue: Callable[..., dict[str, str]]) -> None:
    instance(fresh_js, GLUED, [F], glue("setInterval(() => {}, 10); process.exitCode = 9;"))
    assert fresh_js.end() == 0
