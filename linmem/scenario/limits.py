"""What one scenario file may grow to, its cases and loops unrolled, so that a small file can't take the machine.

The limits are far above what people need: of linmem's own files, the largest has 4,289 steps.
"""

from __future__ import annotations

from linmem.scenario.source import Map, Seq, SourceError

STEP_BYTES = 16 << 20  # that one step writes or expects
SCENARIO_STEPS = 20_000
FILE = {"steps": 100_000, "values": 1_000_000, "bytes of text and data": 64 << 20}
STEPS, VALUES, BYTES = FILE
LINE = 300  # characters of a title with its case
TIMES = 1_000_000  # that bytes are repeated, or an agent's call
ROUNDS = 100_000  # of agents; each result of each round is kept


class Budget:
    """What the scenarios of one file have not used up yet."""

    def __init__(self) -> None:
        self._left = dict(FILE)

    @property
    def spent(self) -> bool:
        """Whether more was asked for than there is."""
        return min(self._left.values()) < 0

    def spend(self, what: str, amount: int, holder: Map | Seq, part: str | int | None = None) -> None:
        """Raises `SourceError`, at a part of a mapping or list, where the file's scenarios need more than there is."""
        self._left[what] -= amount
        if self._left[what] < 0:
            lines = holder.lines
            line = lines.get(str(part)) if isinstance(lines, dict) else None if part is None else lines[int(part)]
            limit = f"the scenarios of a file may have {FILE[what]:,} {what}"
            message = f"{limit} together, cases and loops unrolled; here it gets more: split the file, or use fewer"
            raise SourceError(holder.file, line or holder.line, message)


def integer(holder: Map, key: str, low: int, high: int, default: int) -> int:
    """The integer under a key, which may have come from a parameter. Raises `SourceError` outside of the limits."""
    value = holder.get(key, default)
    if type(value) is not int or not low <= value <= high:
        raise holder.error(f"'{key}' must be an integer from {low:,} to {high:,}, found {value}", key)
    return value
