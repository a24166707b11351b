"""How much a driver may send: what the harness keeps of it has to fit into a laptop's memory."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from linmem.protocol import DriverLimit

MIB = 1 << 20
LONG = MIB  # bytes of a line whose values are counted before it is decoded
MAX_VALUES = 200_000  # of one message; each takes up to 250 bytes of memory


_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[,\[{]', re.DOTALL)  # a text, or a mark before a value


def _has_many_values(line: bytes) -> bool:
    """Whether JSON has more than `MAX_VALUES` values or texts, as far as that can be told without decoding it."""
    if line.count(b",") + line.count(b"[") + line.count(b"{") <= MAX_VALUES:
        return False
    tokens = _TOKEN.finditer(line)
    return next(itertools.islice(tokens, 2 * MAX_VALUES, None), None) is not None


@dataclass(frozen=True)
class Limits:
    """The most that a driver may send for one step and for one scenario: MiB, and calls of host functions.

    A driver sends nothing but calls and the answers that are due, so these limit its messages too.
    """

    step_mib: float = 64
    step_calls: int = 100_000
    scenario_mib: float = 256
    scenario_calls: int = 500_000


class Sent:
    """What a driver has sent since its step and its scenario began. The methods raise `DriverLimit`."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.begin_scenario()

    def begin_scenario(self) -> None:
        """The next step's scenario is another."""
        self._scenario_bytes = self._scenario_calls = 0
        self.begin_step()

    def begin_step(self) -> None:
        """The next step is another."""
        self._step_bytes = self._step_calls = 0

    def add(self, line: bytes) -> None:
        """Count a line."""
        size = len(line)
        self._step_bytes += size
        self._scenario_bytes += size
        self.expect(0)
        if size > LONG and _has_many_values(line):
            raise DriverLimit(f"the driver sent a message of more than {MAX_VALUES:,} values")

    def expect(self, size: int) -> None:
        """Look whether so many bytes more are too many."""
        limits = self.limits
        if self._step_bytes + size > limits.step_mib * MIB:
            raise DriverLimit(f"the driver sent more than {limits.step_mib:g} MiB for one step (see --step-mib)")
        if self._scenario_bytes + size > limits.scenario_mib * MIB:
            raise DriverLimit(
                f"the driver sent more than {limits.scenario_mib:g} MiB for one scenario (see --scenario-mib)"
            )

    def add_call(self) -> None:
        """Count a host function's call."""
        self._step_calls += 1
        self._scenario_calls += 1
        if self._step_calls > self.limits.step_calls:
            raise DriverLimit(
                f"host functions were called more than {self.limits.step_calls:,} times in one step (see --step-calls)"
            )
        if self._scenario_calls > self.limits.scenario_calls:
            raise DriverLimit(
                f"host functions were called more than {self.limits.scenario_calls:,} times in one scenario"
                " (see --scenario-calls)"
            )
