"""A scenario's `wasi`: how it is written, and what a driver is told of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from toyruntime import ToyRuntime, module

from linmem.play.player import Player
from linmem.results.outcome import Result
from linmem.scenario.model import GUEST, Suite
from linmem.scenario.source import SourceError

Load = Callable[[str], Suite]
Play = Callable[..., Result]

USES_WASI = '(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))) (func (export "f")))'
USES_NONE = '(module (import "env" "f" (func)) (func (export "f")))'


def suite(
    wasi: str | None = "{}",
    of_file: str | None = None,
    guest: str = f"wat: {USES_WASI}",
    more: str = "",
    steps: str = "",
) -> str:
    """A suite of one scenario. `of_file` is the file's WASI, `wasi` the scenario's, in line 4 or 5."""
    lines = ["title: T"]
    lines += [f"wasi: {of_file}"] if of_file is not None else []
    lines += ["scenarios:", "  - name: one"]
    lines += [f"    wasi: {wasi}"] if wasi is not None else []
    lines += [f"    {guest}"]
    lines += [f"    {line}" for line in more.splitlines()]
    lines += ["    steps:", f"      - {steps or 'call: f'}"]
    return "\n".join(lines) + "\n"


def toy(**more: Any) -> ToyRuntime:
    return ToyRuntime({"f": lambda: None}, wasi=["preview1"], **more)


def test_what_may_be_said(load: Load) -> None:
    text = suite("{args: [prog, '1'], env: {A: b}, files: {one: {text: hi}, two.txt: [0, 255]}}")
    wasi = load(text).scenarios[0].wasi
    assert wasi is not None
    assert (wasi.args, wasi.env) == (("prog", "1"), {"A": "b"})
    assert wasi.files == {"one": b"hi", "two.txt": b"\0\xff"}


def test_what_is_left_out(load: Load) -> None:
    wasi = load(suite("{}")).scenarios[0].wasi
    assert wasi is not None
    assert (wasi.args, wasi.env, wasi.files) == (("guest",), {}, None)
    assert load(suite(None)).scenarios[0].wasi is None


def test_a_scenario_s_own_stands_in_place_of_the_file_s(load: Load) -> None:
    of_file = load(suite(None, of_file="{args: [a], env: {A: b}}")).scenarios[0].wasi
    own = load(suite("{args: [c]}", of_file="{args: [a], env: {A: b}}")).scenarios[0].wasi
    assert of_file is not None
    assert own is not None
    assert (of_file.args, of_file.env) == (("a",), {"A": "b"})
    assert (own.args, own.env) == (("c",), {})


def test_a_case_s_values_are_put_in(load: Load) -> None:
    text = suite("{args: [$name], files: {f: {hex: $hex}}}", more="cases: [{name: x, hex: '18'}]")
    wasi = load(text).scenarios[0].wasi
    assert wasi is not None
    assert (wasi.args, wasi.files) == (("x",), {"f": b"\x18"})


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (suite("true"), 4, "'wasi' must be a mapping with args, env or files, which may be empty, found true"),
        (suite("{arg: [a]}"), 4, "unknown key 'arg' in 'wasi'; did you mean 'args'?"),
        (suite("{args: [1]}"), 4, "an item of 'args' must be text without NUL, found 1; put it in quotes"),
        (suite('{args: ["a\\0"]}'), 4, "an item of 'args' must be text without NUL"),
        (suite("{env: {A: 1}}"), 4, "'A' must be text without NUL, found 1; put it in quotes"),
        (suite("{env: {A=B: c}}"), 4, "the key must be the name of an environment variable, without = and NUL"),
        (suite("{files: {a/b: []}}"), 4, "the key must be the name of a file, without /, found 'a/b'"),
        (suite("{files: {..: []}}"), 4, "the key must be the name of a file, without /, found '..'"),
        (suite("{files: {a: hello}}"), 4, "'a' must be bytes: a list, {hex: …} or {text: …}, found 'hello'"),
        (suite("{files: {a: {hex: x}}}"), 4, "'x' is not hexadecimal: two digits for each byte"),
        (
            suite(guest="program: p"),
            3,
            "'wasi' is for guests given by 'wat', 'module' or 'package': a program brings",
        ),
        (
            suite(more="imports:\n  wasi_snapshot_preview1.proc_exit: {params: [status]}"),
            7,
            "'wasi_snapshot_preview1.proc_exit' is given under 'imports', but 'wasi' has the runtime serve it: give one",
        ),
        (
            suite(steps="{instantiate: guest, imports: {wasi_snapshot_preview1.fd_read: {return: 0}}}"),
            7,
            "'wasi_snapshot_preview1.fd_read' is given under 'imports'",
        ),
        (
            suite(steps="{instantiate: guest, imports: {wasi_unstable.fd_read: {return: 0}}}"),
            7,
            "'wasi_unstable.fd_read' is given under 'imports'",
        ),
        (
            suite("{}", steps="{call: f, expect: {exit: nine}}"),
            7,
            "'exit' must be a status, or true for any, found 'nine'",
        ),
    ],
)
def test_what_may_not_be_said(text: str, line: int, words: str, load: Load) -> None:
    with pytest.raises(SourceError) as caught:
        load(text)
    assert str(caught.value).startswith(f"f.yaml:{line}: ")
    assert words in str(caught.value)


def test_a_driver_is_told(play: Play) -> None:
    runtime = toy()
    assert play(suite("{args: [p, q], env: {A: b}}"), runtime).outcome == "pass"
    given = runtime.params("instance.create")["wasi"]
    assert given == {"version": "preview1", "args": ("p", "q"), "env": {"A": "b"}, "preopens": {}}


USES_UNSTABLE = USES_WASI.replace("wasi_snapshot_preview1", "wasi_unstable")
USES_BOTH = USES_WASI.replace("(func (export", '(import "wasi_unstable" "fd_write" (func)) (func (export')


def test_the_version_before_preview_1(play: Play) -> None:
    runtime = ToyRuntime({"f": lambda: None}, wasi=["preview1", "unstable"])
    assert play(suite(guest=f"wat: {USES_UNSTABLE}"), runtime).outcome == "pass"
    assert runtime.params("instance.create")["wasi"]["version"] == "unstable"


def test_a_runtime_that_lacks_the_version_lacks_wasi(play: Play) -> None:
    result = play(suite(guest=f"wat: {USES_UNSTABLE}"), toy())
    assert (result.outcome, result.message) == (
        "unsupported",
        "needs the runtime's own WASI unstable, and its driver has none",
    )


def test_an_instance_has_one_version(play: Play) -> None:
    result = play(suite(guest=f"wat: {USES_BOTH}"), ToyRuntime({"f": lambda: None}, wasi=["preview1", "unstable"]))
    assert result.outcome == "error"
    assert "nothing gives the import wasi_unstable.fd_write" in (result.message or "")


def test_files_are_there_while_the_scenario_is_played(play: Play) -> None:
    found: dict[str, bytes] = {}

    def look() -> None:
        folder = Path(runtime.params("instance.create")["wasi"]["preopens"]["/files"])
        found.update({path.name: path.read_bytes() for path in folder.iterdir()})
        (folder / "left").write_bytes(b"by the guest")

    runtime = ToyRuntime({"f": look}, wasi=["preview1"])
    assert play(suite("{files: {one: {text: hi}, two: []}}"), runtime).outcome == "pass"
    assert found == {"one": b"hi", "two": b""}
    assert not Path(runtime.params("instance.create")["wasi"]["preopens"]["/files"]).exists()


def test_a_scenario_s_instances_find_the_same_folder(play: Play) -> None:
    runtime = toy()
    text = suite("{files: {}}", steps="{instantiate: guest, as: a}\n      - {instantiate: guest, as: b}")
    assert play(text, runtime).outcome == "pass"
    one, other = (runtime.params("instance.create", number)["wasi"]["preopens"] for number in (0, 1))
    assert one == other
    assert list(one) == ["/files"]


def test_the_folder_goes_with_a_scenario_that_is_given_up(load: Load) -> None:
    runtime = toy()
    scenario = load(suite("{files: {one: []}}")).scenarios[0]
    assert scenario.guest is not None
    player = Player(scenario, runtime, {GUEST: module(scenario.guest)})
    player.begin()
    folder = Path(runtime.params("instance.create")["wasi"]["preopens"]["/files"])
    assert folder.exists()
    player.close()
    assert not folder.exists()


def test_only_modules_that_import_it_are_concerned(play: Play) -> None:
    runtime = ToyRuntime({"f": lambda: None})  # it has no WASI, and need not have one
    assert play(suite(guest=f"wat: {USES_NONE}", more="imports: {env.f: {}}"), runtime).outcome == "pass"
    assert "wasi" not in runtime.params("instance.create")


def test_nothing_is_asked_of_a_runtime_without_wasi(play: Play) -> None:
    runtime = ToyRuntime({"f": lambda: None})
    result = play(suite(), runtime)
    assert (result.outcome, result.message) == (
        "unsupported",
        "needs the runtime's own WASI preview1, and its driver has none",
    )
    assert "instance.create" not in runtime.posted


def test_a_folder_that_can_t_be_made_is_no_fault_of_the_runtime(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **more: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("linmem.scratch.make", full)
    result = play(suite("{files: {}}"), toy())
    assert result.outcome == "error"
    assert "the files can't be made: No space left on device" in result.message
