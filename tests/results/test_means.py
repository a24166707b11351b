"""What met a limit of the system is an error that names the limit, not a runtime's failure."""

from __future__ import annotations

import resource
from collections.abc import Callable

import pytest

from linmem.results import means
from linmem.results.outcome import Result, StepTrace

GIB = 1 << 30


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Sets what a limit of this process is said to be."""
    limits = dict.fromkeys((limit.number for limit in means.LIMITS), resource.RLIM_INFINITY)
    monkeypatch.setattr(means.resource, "getrlimit", lambda number: (limits[number], limits[number]))
    return limits.__setitem__


def result(message: str, outcome: str = "fail", **more: object) -> Result:
    names = dict.fromkeys(["id", "suite", "scenario", "title", "runtime", "version"], "")
    return Result(**names, guest=None, view=None, outcome=outcome, message=message, **more)  # type: ignore[arg-type]


SAID = [
    "the guest could not be started: link: mmap failed to reserve 0x104000000 bytes Caused by: Cannot allocate memory",
    "the guest could not be started: RangeError: WebAssembly.Instance(): Out of memory: wasm memory",
    "make a memory: got RangeError: WebAssembly.Memory(): could not allocate memory",
    "grow by 1 page: got RangeError: WebAssembly.Memory.grow(): Unable to grow instance memory",
    "link: Insufficient resources: Failed to create memory: Error when allocating memory",
]


@pytest.mark.parametrize("message", SAID)
def test_what_ran_out_of_address_space(message: str, limited: Callable[[int, int], None]) -> None:
    for outcome in ("fail", "crash", "timeout"):
        one = result(message, outcome)
        means.blame_a_limit(one)
        assert (one.outcome, one.message) == (outcome, message)  # without a limit it is the runtime's own
    limited(resource.RLIMIT_AS, GIB * 3 // 2)
    for outcome in ("fail", "crash", "timeout"):
        one = result(message, outcome)
        means.blame_a_limit(one)
        assert one.outcome == "error"
        where = "the limit for address space (1.5 GiB; ulimit -v) is linmem's environment, not the runtime's doing"
        assert one.message == f"{message}; {where}"


def test_the_words_may_be_in_what_the_process_printed(limited: Callable[[int, int], None]) -> None:
    limited(resource.RLIMIT_AS, GIB)
    crashed = result("killed by SIGABRT", "crash", stderr="# Fatal process out of memory: Zone")
    trace = StepTrace("call f()", "f.yaml:3", "failed", None, "an error", "Too many open files (os error 24)")
    failed = result("call f(): got an error", steps=[trace])
    limited(resource.RLIMIT_NOFILE, 1024)
    for one in (crashed, failed):
        means.blame_a_limit(one)
        assert one.outcome == "error"
    assert "(1 GiB; ulimit -v)" in crashed.message
    assert "the limit for open files (1,024; ulimit -n)" in failed.message


@pytest.mark.parametrize(
    ("message", "outcome"), [("call f(): expected 1, got 2", "fail"), (SAID[0], "pass"), (SAID[0], "unsupported")]
)
def test_what_stays(message: str, outcome: str, limited: Callable[[int, int], None]) -> None:
    limited(resource.RLIMIT_AS, GIB)
    one = result(message, outcome)
    means.blame_a_limit(one)
    assert (one.outcome, one.message) == (outcome, message)


def test_where_nothing_starts_a_low_limit_is_named(limited: Callable[[int, int], None]) -> None:
    assert means.tight() == ""
    limited(resource.RLIMIT_NPROC, 95_000)
    limited(resource.RLIMIT_NOFILE, 1024)
    assert means.tight() == ""
    limited(resource.RLIMIT_NPROC, 12)
    limited(resource.RLIMIT_AS, GIB)
    assert means.tight() == (
        "; low for a runtime here: the limit for address space (1 GiB; ulimit -v) "
        "and the limit for processes (12; ulimit -u)"
    )
