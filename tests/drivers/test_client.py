"""The harness's side of a driver process, against a driver that commits every fault there is."""

from __future__ import annotations

import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from linmem.drivers.client import Driver, died
from linmem.drivers.messages import shorten
from linmem.protocol import CallFailed, DriverDied, DriverFault, DriverGarbage, DriverLimit, DriverTimeout, ImportFailed

FAKE = Path(__file__).parents[1] / "fakes" / "fake_driver.py"
Start = Callable[..., Driver]
Processes = Callable[[Any], "list[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts fake drivers, and ends them."""
    drivers: list[Driver] = []

    def start(*args: str, timeout: float = 20.0, env: dict[str, str] | None = None) -> Driver:
        driver = Driver([sys.executable, str(FAKE), *args], label="fake", timeout=timeout, env=env)
        drivers.append(driver)
        driver.start(timeout=timeout)
        return driver

    yield start
    for driver in drivers:
        driver.close()


def call(driver: Driver, name: str, results: Sequence[str] = ()) -> Any:
    return driver.request("function.call", {"instance": 1, "name": name, "args": [], "results": list(results)})


def replies(driver: Driver, *requests: int) -> list[Any]:
    return [driver.reply(request) for request in requests]


def test_a_driver_says_what_it_is(start: Start, processes_of_group: Processes) -> None:
    driver = start()
    info = driver.info
    assert info is not None
    assert (info.protocol, info.runtime["name"], info.views[0].kind, info.glue) == (1, "fake", "bytewise", ())
    assert driver.alive
    pid = driver.pid
    driver.close()
    assert not driver.alive
    assert driver.pid is None
    assert not processes_of_group(pid)
    driver.close()  # once more does no harm
    with pytest.raises(DriverDied, match="the runtime's process is not running"):
        driver.request("memory.size", {})


def test_requests_are_answered_in_order(start: Start) -> None:
    driver = start()
    sizes = [driver.post("memory.size", {"memory": 1}) for _ in range(2000)]
    lengths = [driver.post("view.length", {"view": 1}) for _ in range(2000)]
    assert driver.reply(lengths[-1]) == {"length": 65536}
    assert {str(driver.reply(request)) for request in sizes} == {"{'pages': 1}"}
    assert driver.reply(lengths[0]) == {"length": 65536}


def test_more_than_the_pipes_hold_goes_through_both_ways(start: Start) -> None:
    """The harness reads while it writes: neither side waits for the other for ever."""
    driver = start()
    requests = [driver.post("memory.write", {"value": {"bytes": bytes(300_000)}}) for _ in range(40)]
    more = [driver.post("function.call", {"name": "plain", "results": ["i64"] * 3000}) for _ in range(20)]
    assert driver.reply(requests[-1]) == {}
    values = driver.reply(more[-1])
    assert isinstance(values, dict)
    assert len(values["values"]) == 3000


def test_bytes_travel_as_base64(start: Start) -> None:
    driver = start()
    encoded = driver._encode({"bytes": b"\0asm"})
    assert encoded == b'{"bytes":"AGFzbQ=="}'


# Faults


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("sigkill", DriverDied, "the runtime's process was killed by SIGKILL"),
        ("sigsegv", DriverDied, "the runtime's process was killed by SIGSEGV"),
        ("exits", DriverDied, "the runtime's process ended with status 3"),
        ("leaves_a_child", DriverDied, "the runtime's process ended with status 4"),
        ("half_a_line_and_dies", DriverDied, "the runtime's process ended with status 5"),
        ("finds_a_defect_of_its_own", DriverGarbage, "the driver ended because of a defect of its own (status 70)"),
        ("prints", DriverGarbage, "it wrote a line that is not a message of the protocol: 'growing the memory!'"),
        ("binary", DriverGarbage, "it wrote a line that is not a message of the protocol: '\\x00\\x01"),
        ("nested_deeply", DriverGarbage, 'it wrote a line that is not a message of the protocol: \'{"id":1,'),
        ("wrong_id", DriverGarbage, "it answered request 4 where the answer to 3 was due"),
        ("no_id", DriverGarbage, "it answered request None where the answer to 3 was due"),
        ("twice", DriverGarbage, "it answered request 3"),
        ("no_result", DriverGarbage, "its answer to request 3 has neither 'result' nor 'error'"),
        ("list_as_result", DriverGarbage, "it wrote a line that is not a message of the protocol"),
        ("text_as_error", DriverGarbage, "it wrote a line that is not a message of the protocol"),
        ("asks_for_the_moon", DriverGarbage, "it asked for 'moon.get', which is not in the protocol"),
        ("calls_nobody", DriverGarbage, "it called host function 'none' while no guest was running"),
        ("floods_stdout", DriverLimit, "the driver sent more than 64 MiB for one step"),
        ("floods_stdout_with_lines", DriverGarbage, "it wrote a line that is not a message of the protocol: 'xxx"),
    ],
)
def test_a_fault_ends_the_process_and_says_which(
    fault: str, kind: type[DriverFault], words: str, start: Start, processes_of_group: Processes
) -> None:
    driver = start()
    pid = driver.pid
    assert driver.request("memory.size", {}) == {"pages": 1}
    request = driver.post("function.call", {"name": fault, "results": []})
    after = driver.post("memory.size", {})
    with pytest.raises(kind) as caught:
        replies(driver, request, after)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)
    assert not processes_of_group(pid)
    with pytest.raises(kind) as again:
        driver.request("memory.size", {})
    assert str(again.value) == str(caught.value)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"args": 5}, "Expected `array`, got `int` - at `$.args`"),
        ({"args": [5]}, "Expected `object`, got `int` - at `$.args[0]`"),
        ({"args": [{"type": "i32"}]}, "Object missing required field `value` - at `$.args[0]`"),
        ({"args": [{"type": "i32", "value": 5}]}, "Expected `str`, got `int` - at `$.args[0].value`"),
        ({"func": None}, "Expected `str`, got `null` - at `$.func`"),
    ],
)
def test_a_host_function_s_call_is_of_the_protocol_s_form(params: dict[str, Any], words: str, start: Start) -> None:
    driver = start()
    driver.on_import = lambda func, args: []
    with pytest.raises(DriverGarbage) as caught:
        driver.request("function.call", {"name": "calls_with", "results": [], "call": params})
    assert (
        str(caught.value) == f"the driver broke the protocol: its 'import.call' is not of the protocol's form: {words}"
    )


def test_what_was_answered_before_a_fault_is_still_given(start: Start) -> None:
    """So that the fault falls on the request without an answer, though its line came together with earlier ones."""
    driver = start()
    requests = [driver.post("function.call", {"name": name, "results": []}) for name in ("plain", "plain", "prints")]
    last = driver.post("memory.size", {})
    with pytest.raises(DriverGarbage, match="growing the memory!"):
        driver.reply(last)
    assert [driver.reply(request) for request in requests[:2]] == [{"values": []}] * 2
    with pytest.raises(DriverGarbage, match="growing the memory!"):
        driver.reply(requests[2])
    assert driver.ended() is not None


@pytest.mark.parametrize("fault", ["hangs", "never_answers", "ignores_everything", "half_a_line"])
def test_a_process_that_gives_no_answer_is_ended(fault: str, start: Start, processes_of_group: Processes) -> None:
    driver = start()
    driver.timeout = 0.5  # only now: to start may take a busy machine longer
    pid = driver.pid
    with pytest.raises(DriverTimeout, match=r"^no answer within 0\.5 s$"):
        call(driver, fault)
    assert not processes_of_group(pid)


def test_a_process_that_closes_its_output_is_not_waited_for(
    start: Start, processes_of_group: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("linmem.drivers.client.EXIT_SECONDS", 0.2)
    driver = start()
    pid = driver.pid
    with pytest.raises(DriverGarbage, match="it closed its standard output and went on"):
        call(driver, "closes_stdout")
    assert not processes_of_group(pid)


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("closes_stdin", DriverGarbage, "it closed its standard input and went on"),
        ("stops_itself", DriverTimeout, "no answer: the runtime's process was stopped by SIGSTOP"),
    ],
)
def test_a_process_that_can_give_no_answer_is_not_waited_for(
    fault: str, kind: type[DriverFault], words: str, start: Start, processes_of_group: Processes
) -> None:
    driver = start(timeout=600.0)
    pid = driver.pid
    with pytest.raises(kind, match=words):
        call(driver, fault)
    assert not processes_of_group(pid)


def test_an_answer_before_the_end_still_counts(start: Start) -> None:
    driver = start()
    request = driver.post("function.call", {"name": "exits_after_the_answer", "results": []})
    after = driver.post("memory.size", {})
    assert driver.reply(request) == {"values": []}
    with pytest.raises(DriverDied, match="ended with status 0"):
        driver.reply(after)


def test_100_mb_on_standard_error_are_read_and_forgotten(start: Start) -> None:
    driver = start()
    tracemalloc.start()
    try:
        assert call(driver, "floods_stderr", ["i32"]) == {"values": [{"type": "i32", "value": "0"}]}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000
    text = driver.take_stderr()
    assert len(text) == 8192
    assert text.endswith("x\nthe last words\n")
    assert driver.take_stderr() == ""


def test_a_refusal_in_ten_million_words_is_cut(start: Start) -> None:
    driver = start()
    answer = driver.reply(driver.post("function.call", {"name": "huge_error", "results": []}))
    assert isinstance(answer, CallFailed)
    assert (answer.kind, answer.type, len(answer.message)) == ("host", "Verbose", 8192 + 29)
    assert answer.message.endswith("… (9,991,808 more characters)")
    assert answer.text.endswith("… (4,991,808 more characters)")


def test_half_of_a_surrogate_pair_breaks_no_protocol(start: Start) -> None:
    driver = start()
    with pytest.raises(CallFailed) as caught:
        call(driver, "half_a_pair")
    assert caught.value.type == "E\ufffd"
    assert caught.value.message == "a\U0010ffffb\\ud800c\ufffd\ufffd"
    assert call(driver, "plain") == {"values": []}


def test_a_fault_that_quotes_much_is_shortened(start: Start) -> None:
    with pytest.raises(DriverGarbage) as caught:
        call(start(), "asks_for_much")
    assert len(str(caught.value)) < 1100
    assert str(caught.value).endswith("more characters)")


def test_what_a_driver_says_of_itself_is_shortened(start: Start) -> None:
    info = start("says much").info
    assert info is not None
    assert info.runtime["engine"] == info.host["version"] == "x" * 200 + "… (499,800 more characters)"


def test_last_words(start: Start) -> None:
    driver = start()
    with pytest.raises(DriverDied):
        call(driver, "exits")
    assert driver.take_stderr() == "I had enough\n"


def test_closing_a_process_that_does_not_listen(start: Start, processes_of_group: Processes) -> None:
    driver = start()
    pid = driver.pid
    driver.post("function.call", {"name": "ignores_everything", "results": []})
    driver.flush()
    driver._pending[0].clear()  # as if it owed no answer
    driver.close(grace=0.2)
    assert not processes_of_group(pid)


def test_closing_a_process_that_floods(start: Start, processes_of_group: Processes) -> None:
    driver = start()
    pid = driver.pid
    driver.post("function.call", {"name": "floods_stdout", "results": []})
    driver.flush()
    driver._pending[0].clear()  # as if it owed no answer
    driver.close(grace=0.2)
    assert not processes_of_group(pid)


def test_a_process_that_owes_an_answer_is_not_asked_politely(start: Start, processes_of_group: Processes) -> None:
    driver = start()
    pid = driver.pid
    driver.post("function.call", {"name": "hangs", "results": []})
    driver.close(grace=1000.0)
    assert not processes_of_group(pid)


# The start


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("exits", DriverDied, "the runtime's process ended with status 3"),
        ("sigsegv", DriverDied, "the runtime's process was killed by SIGSEGV"),
        ("hangs", DriverTimeout, "no answer within 0.5 s"),
        ("prints", DriverGarbage, "'growing the memory!'"),
        ("wrong_id", DriverGarbage, "it answered request 2 where the answer to 1 was due"),
        ("views of no bytes", DriverGarbage, "Expected `int` >= 1 - at `$.views[0].unit`"),
        (
            "speaks no language",
            DriverGarbage,
            "its answer to 'initialize' is not of the protocol's form: it lacks language",
        ),
    ],
)
def test_a_process_that_does_not_start(fault: str, kind: type[DriverFault], words: str, start: Start) -> None:
    with pytest.raises(kind) as caught:
        start(fault, timeout=0.5 if fault == "hangs" else 20.0)
    assert words in str(caught.value)


def test_a_command_that_is_not_there() -> None:
    driver = Driver(["/nowhere/driver"], label="none")
    with pytest.raises(DriverDied, match="ended with status 127"):
        driver.start()
    assert driver.take_stderr() == "can't start /nowhere/driver: No such file or directory\n"


# Host functions


def test_host_functions_are_served_in_the_middle_of_a_call(start: Start) -> None:
    driver = start()
    calls = []

    def serve(func: str, args: list[dict[str, str]]) -> list[dict[str, str]]:
        calls.append((func, args))
        if len(calls) == 3:
            raise ImportFailed("host", "enough")
        return []

    driver.on_import = serve
    driver.request("instance.create", {"imports": [{"func": "0.tick"}]})
    assert call(driver, "calls_for_ever") == {"values": []}
    assert calls == [("0.tick", [])] * 3


def test_a_guest_that_calls_the_host_for_ever_has_its_time(start: Start, processes_of_group: Processes) -> None:
    driver = start()
    pid = driver.pid
    driver.on_import = lambda func, args: []
    driver.request("instance.create", {"imports": [{"func": "0.tick"}]})
    driver.timeout = 0.5
    with pytest.raises(DriverTimeout, match=r"no answer within 0\.5 s"):
        call(driver, "calls_for_ever")
    assert not processes_of_group(pid)


def test_a_defect_in_a_handler_does_not_leave_the_process_waiting(start: Start, processes_of_group: Processes) -> None:
    driver = start()
    pid = driver.pid

    def serve(func: str, args: list[dict[str, str]]) -> list[dict[str, str]]:
        raise KeyError("oops")

    driver.on_import = serve
    driver.request("instance.create", {"imports": [{"func": "0.tick"}]})
    with pytest.raises(KeyError):
        call(driver, "calls_for_ever")
    assert not processes_of_group(pid)


# The harness's own memory


def test_the_harness_does_not_grow_with_the_number_of_requests(start: Start) -> None:
    driver = start()

    def play(count: int) -> None:
        for _ in range(count):
            requests = [driver.post(method, {"memory": 1}) for method in ("memory.size", "memory.read", "memory.write")]
            for request in requests:
                driver.reply(request)

    play(200)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        play(2000)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20_000


def test_a_driver_ends_with_the_thread_that_started_it_or_later(start: Start) -> None:
    """Linux sends the parent-death signal when the starting *thread* ends; the harness must start drivers from one that lives."""
    assert threading.current_thread() is threading.main_thread()
    assert start().alive


@pytest.mark.parametrize(
    ("status", "words"), [(-11, "killed by SIGSEGV"), (-9, "killed by SIGKILL"), (1, "status 1"), (-200, "status -200")]
)
def test_how_an_end_is_told(status: int, words: str) -> None:
    assert words in str(died(status))


def test_how_a_line_is_shown() -> None:
    assert shorten(b"abc\xff\n") == "'abc\\\\xff\\n'"
    assert len(shorten(b"x" * 1000)) == 123
