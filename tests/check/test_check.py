from __future__ import annotations

import base64
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from linmem import check as selfcheck
from linmem.check import METHODS, NOT_CHECKED, NOT_IMPLEMENTED, RIGHT, WRONG, CheckReport, CheckResult, modules
from linmem.drivers.client import ViewKind
from linmem.provision.environments import Provided, provide
from linmem.provision.manifest import Manifest, load_manifest
from linmem.wasm.types import UnreadableModule, read_types

ALL = len(METHODS)
FAKES = Path(__file__).parents[1] / "fakes"


@pytest.fixture(scope="module")
def node() -> tuple[Manifest, Provided]:
    manifest = load_manifest("node")
    return manifest, provide(manifest)


def meddled(
    fault: str, node: tuple[Manifest, Provided], only: Collection[str] = (), timeout: float = 10.0
) -> CheckReport:
    manifest, provided = node
    command = [sys.executable, str(FAKES / "meddler.py"), fault, *provided.command]
    return selfcheck.check(command, env=provided.env, views=manifest.views, only=only, timeout=timeout)


def wrong(report: CheckReport) -> list[CheckResult]:
    return [result for result in report.results if result.verdict == WRONG]


@pytest.mark.parametrize("name", ["node", "wasmer", "wasmtime"])
def test_delivered_drivers_answer_right(name: str) -> None:
    manifest = load_manifest(name)
    provided = provide(manifest)
    report = selfcheck.check(
        provided.command, env=provided.env, variant=manifest.variant, views=manifest.views, timeout=20.0
    )
    lacking = {"wasmer": ["agents.run", "agents.start", "agents.finish"]}.get(name, [])
    there = ALL - len(lacking)
    assert report.text().splitlines() == [
        f"{there} of {there} methods answer right",
        *([f"not implemented: {', '.join(lacking)}"] if lacking else []),
    ]
    assert report.right
    assert {result.verdict for result in report.results if result.topic not in lacking} == {RIGHT}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "topic", "words"),
    [
        ("forgets_a_view_kind", "initialize", "'DataView' as in runtime.yaml"),
        (
            "everything_is_a_link_error",
            "module.compile",
            "expected: an error of kind compile\n    actual:   error -32000, kind link",
        ),
        ("own_trap_words", "function.call", "expected: unreachable\n    actual:   wasm trap: unreachable"),
        ("float_as_number", "function.call", "'1.5'"),
        ("one_round", "agents.run", "expected: [3]\n    actual:   [1]"),
        ("takes_turns", "agents.run", "agents run at once)\n    actual:   [[2, 2], [0, 0]]"),
        ("twice", "memory.export", "it answered request 4"),
        ("wrong_id", "memory.size", "it answered request"),
        ("garbage", "memory.grow", "'growing!'"),
        (
            "padded_read",
            "memory.read",
            "expected: at most the 4 bytes that are there, or a host error\n    actual:   8 bytes",
        ),
        ("big_endian", "memory.read", "expected: 81 92 (u16 through the default view)\n    actual:   92 81"),
        ("dies", "view.write", "ended with status 3 (I won't write)"),
        ("keeps_objects", "object.release", "expected: error -32602"),
        ("bad_status", "shutdown", "expected: exit status 0\n    actual:   exit status 5"),
        ("terse", "messages", "without data.text"),
        ("swaps", "messages", "where the answer to"),
        ("not_skipped", "objects and references", "instance.create is answered with kind skipped"),
    ],
)
def test_a_fault_is_found_and_blamed(fault: str, topic: str, words: str, node: tuple[Manifest, Provided]) -> None:
    report = meddled(fault, node, only=[topic])
    assert not report.right
    assert words in report.text()
    assert {result.topic for result in wrong(report)} == {topic}


@pytest.mark.slow
def test_no_other_method_is_blamed(node: tuple[Manifest, Provided]) -> None:
    report = meddled("padded_read", node)
    assert [result.topic for result in wrong(report)] == ["memory.read"]
    assert f"{ALL - 1} of {ALL} methods answer right\nWRONG: memory.read" in report.text()


@pytest.mark.slow
def test_a_method_that_gives_no_answer_is_waited_for_once(node: tuple[Manifest, Provided]) -> None:
    report = meddled("hangs", node, only=["view.open", "view.length"], timeout=4.0)
    assert [result.topic for result in wrong(report)] == ["view.length"]
    assert "no answer within 4 s" in report.text()
    assert report.text().endswith("1 of 2 methods answer right\nWRONG: view.length")


@pytest.mark.slow
def test_a_process_that_outlives_its_input_is_found_and_ended(node: tuple[Manifest, Provided]) -> None:
    report = meddled("outlives", node, only=["shutdown"], timeout=1.0)
    assert [result.topic for result in wrong(report)] == ["shutdown"]
    assert "it still runs 4 s after" in report.text()


@pytest.mark.slow
def test_what_is_not_there_yet_is_not_wrong(node: tuple[Manifest, Provided]) -> None:
    report = meddled("no_views", node)
    assert report.right
    assert report.text() == (
        f"{ALL - 5} of {ALL - 4} methods answer right\nnot checked: object.use\n"
        "not implemented: view.open, view.length, view.read, view.write"
    )


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("dies", "ended with status 1 (no runtime here)"),
        ("prints", "'Welcome to this driver'"),
        ("formless", "its answer to 'initialize' is not of the protocol's form"),
        ("of the future", "it speaks protocol 2, not 1"),
        ("silent", "no answer within 1 s"),
    ],
)
def test_a_driver_that_does_not_start(behaviour: str, words: str) -> None:
    command = [sys.executable, str(FAKES / "stub.py"), behaviour]
    report = selfcheck.check(command, timeout=1.0, start_timeout=1.0 if behaviour == "silent" else 30.0)
    assert not report.right
    assert report.verdict("initialize") == WRONG
    assert report.verdict("memory.read") == NOT_CHECKED
    assert words in report.text()
    assert f"0 of {ALL} methods answer right" in report.text()


def test_verbose_shows_every_check() -> None:
    report = CheckReport([CheckResult("memory.read", "a", RIGHT), CheckResult("view.open", "b", NOT_IMPLEMENTED)])
    assert "a: right" not in report.text()
    assert "  memory.read: a: right\n  view.open: b: not implemented" in report.text(verbose=True)


@pytest.mark.slow
def test_manifest_and_driver_must_agree_both_ways(node: tuple[Manifest, Provided]) -> None:
    manifest, provided = node
    views = [*manifest.views, ViewKind("Float16Array", 2, ("u16",))]
    report = selfcheck.check(provided.command, env=provided.env, views=views)
    assert [result.topic for result in wrong(report)] == ["initialize"]
    assert "'Float16Array' as in runtime.yaml: unit 2, types u16\n    actual:   no such view kind" in report.text()


def test_the_modules_assemble_to_what_the_checks_need() -> None:
    assert {"basic", "host", "traps_at_start", "invalid"} <= modules.texts().keys()
    for name in modules.texts():
        module = base64.b64decode(modules.encoded(name))
        if name == "malformed":
            with pytest.raises(UnreadableModule):
                read_types(module)
        else:
            read_types(module)


def test_each_check_is_steps_or_a_function_that_is_there() -> None:
    for topic, checks in selfcheck.CHECKS.items():
        for title, how in checks.items():
            assert how, (topic, title)
            assert not isinstance(how, str) or callable(selfcheck.CODED[how]), (topic, title)
