"""A failure as a terminal of 80 columns shows it."""

from __future__ import annotations

from typing import Any

from linmem.plugin.failure import SHOWN_STEPS, failure_text
from linmem.results.outcome import Result, StepTrace
from linmem.results.verdict import KnownFailure


def result(outcome: str, **more: Any) -> Result:
    fields: dict[str, Any] = {
        "id": "suites/shared_buffer.yaml::wasm-writes[go-wasmtime]",
        "suite": "suites/shared_buffer.yaml",
        "scenario": "wasm-writes",
        "title": "Wasm writes 24 at index 0",
        "guest": "go",
        "runtime": "wasmtime",
        "version": "50.0.1",
        "view": None,
        "outcome": outcome,
    }
    return Result(**{**fields, **more})


def step(text: str, line: int, status: str = "ok", **more: str | None) -> StepTrace:
    return StepTrace(text, f"suites/shared_buffer.yaml:{line}", status, **more)


def test_a_failure() -> None:
    steps = [
        step("call store(24)", 12, actual="done"),
        step("call pointer()", 14, actual="1024"),
        step("read u8 at buffer + 0", 16, "failed", expected="24", actual="25"),
    ]
    text = failure_text(
        result(
            "fail",
            message="read u8 at buffer + 0: expected 24, got 25",
            where="suites/shared_buffer.yaml:16",
            steps=steps,
            stderr="first\nlast\n",
        )
    )
    assert text == (
        "Wasm writes 24 at index 0: fail on wasmtime (50.0.1), guest go\n"
        "  read u8 at buffer + 0: expected 24, got 25\n"
        "  at suites/shared_buffer.yaml:16\n"
        "\n"
        "  ok     12  call store(24)\n"
        "  ok     14  call pointer() → 1024\n"
        "  FAIL   16  read u8 at buffer + 0\n"
        "             expected: 24\n"
        "             actual:   25\n"
        "\n"
        "  the driver's standard error:\n"
        "  | first\n"
        "  | last"
    )


def test_the_runtime_s_own_words() -> None:
    refusal = step("grow", 9, "failed", actual="trap: unreachable", raw="wasm trap: `unreachable`\nbacktrace\n" * 5)
    lines = failure_text(result("fail", message="no", steps=[refusal])).splitlines()
    assert lines[-1] == "             it said:  wasm trap: `unreachable`"
    same = step("grow", 9, "failed", actual="RangeError: too much", raw="too much")
    assert "it said" not in failure_text(result("fail", message="no", steps=[same]))


def test_a_version_that_was_asked_for_is_named_once() -> None:
    first = failure_text(result("crash", runtime="node@18.4.0", version="18.4.0", guest=None)).splitlines()[0]
    assert first == "Wasm writes 24 at index 0: crash on node@18.4.0"


def test_only_the_last_steps_and_lines_are_shown() -> None:
    steps = [step(f"call f({n})", n) for n in range(500)]
    text = failure_text(result("timeout", message="no answer", steps=steps, stderr="\n".join(map(str, range(500)))))
    lines = text.splitlines()
    assert f"  …    {500 - SHOWN_STEPS} earlier steps went well" in lines
    assert "  ok    487  call f(487)" not in lines
    assert "  ok    488  call f(488)" in lines
    assert lines[-15:] == [f"  | {n}" for n in range(485, 500)]


def test_a_known_defect_that_is_gone() -> None:
    known = KnownFailure(file="runtimes/wasmtime/known.yaml", line=12, reason="it is wrong upstream")
    text = failure_text(result("pass", known=known))
    assert "runtimes/wasmtime/known.yaml:12" in text
    assert "delete that entry" in text


def test_everything_fits_80_columns() -> None:
    long = "a rather long word of what happened " * 20
    steps = [
        step(f"call f({'1, ' * 60})", 9, actual="2 " * 100),
        step(long, 10, "failed", expected=long, actual=long, raw=long[1:]),
    ]
    text = failure_text(result("fail", title="T" * 30, message=long, steps=steps, stderr=long))
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("a rather long word") > 20


def test_what_the_message_says_is_not_said_twice() -> None:
    lost = step("call f()", 9, "failed", actual="no answer within 1 s")
    text = failure_text(result("timeout", message="no answer within 1 s", where="f.yaml:9", steps=[lost]))
    assert text.count("no answer within 1 s") == 1


def test_control_characters_are_written_out() -> None:
    text = failure_text(result("fail", message="\x1b[2Jgone\0", steps=[step("\x9b", 1)], stderr="\x1b]0;title\x07\r\n"))
    assert not set(text) & set(map(chr, [*range(10), *range(11, 32), 127, 0x9B]))
    assert "\\x1b[2Jgone\\x00" in text
