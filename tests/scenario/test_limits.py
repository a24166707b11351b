"""Small files that would grow to more than a machine has: each ends in a line, soon, and in little memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from linmem.scenario.model import Suite, Write
from linmem.scenario.source import SourceError

Load = Callable[[str], Suite]
BIG = "1" + "0" * 30
HEAD = "title: T\nwat: (module)\nscenarios:\n"
PLAIN = "{size: memory}"
WRITE = "{write: bytes, at: 0, value: %s}"
CASES = "  - name: one $n\n    cases: [%s]\n    steps: [%s]\n"


def cases(count: int, steps: str) -> str:
    return HEAD + CASES % (", ".join(f"{{n: {number}}}" for number in range(count)), steps)


def one(steps: str, more: str = "") -> str:
    return f"{HEAD}  - name: one\n{more}    steps: [{steps}]\n"


def loop(values: str, steps: str = PLAIN) -> str:
    return f"{{for: {{i: {values}}}, steps: [{steps}]}}"


FILES = {
    "a loop over 10^30 values": (one(loop(f"[0, {BIG}]")), 5, "a scenario may have 20,000 steps; this loop unrolls"),
    "a loop down to -10^30": (one(loop(f"[0, -{BIG}]")), 5, "'for' goes up: 0 to -1000"),
    "a loop over 2^63 values": (one(loop("[0, 9223372036854775807]")), 5, "a scenario may have 20,000 steps"),
    "a loop over floats": (one(loop("[1.0, 3.0]")), 5, "'for' counts in integers, found 1.0 and 3.0"),
    "loops in loops": (one(loop("[1, 200]", loop("[1, 200]"))), 5, "a scenario may have 20,000 steps; this one unroll"),
    "cases of a loop": (cases(5000, loop("[1, 20000]")), 6, "the scenarios of a file may have 100,000 steps together"),
    "cases of a long text": (
        "title: T\nscenarios:\n"
        + CASES % (", ".join(f"{{n: {number}}}" for number in range(5000)), PLAIN)
        + f"    wat: '(module) (; {'${n}' + 'x' * 400_000} ;)'\n",
        6,
        "the scenarios of a file may have 67,108,864 bytes of text and data together",
    ),
    "cases of a text with many places": (
        "title: T\nscenarios:\n"
        + CASES % (", ".join(f"{{n: {number}, nothing: ''}}" for number in range(5000)), PLAIN)
        + f"    wat: '(module) (; {'${nothing}' * 20_000} ;)'\n",
        6,
        "the scenarios of a file may have 1,000,000 values together",
    ),
    "cases of a long text without a parameter": (
        HEAD + CASES % (", ".join(f"{{n: {number}}}" for number in range(5000)), PLAIN) + f"    about: {'$ ' * 400_000}\n",
        7,
        "the scenarios of a file may have 67,108,864 bytes of text and data together",
    ),
    "a text of long values": (
        HEAD + f"  - name: one\n    about: {'$n ' * 100_000}\n    cases: [{{n: {'x' * 200_000}}}]\n    steps: [{PLAIN}]\n",
        5,
        "the scenarios of a file may have 67,108,864 bytes of text and data together",
    ),
    "bytes of many steps": (
        one(", ".join([WRITE % '{hex: "00112233445566778899", times: 1000000}'] * 20)),
        5,
        "the scenarios of a file may have 67,108,864 bytes of text and data together",
    ),
    "bytes of many expectations": (
        one(loop("[1, 20]", '{read: bytes, at: 0, count: 1, expect: {text: "0123456789", times: 1000000}}')),
        5,
        "the scenarios of a file may have 67,108,864 bytes of text and data together",
    ),
    "files of many scenarios": (
        cases(20, PLAIN) + '    wasi: {files: {a: {text: "0123456789", times: 1000000}}}\n',
        7,
        "the scenarios of a file may have 67,108,864 bytes of text and data together",
    ),
    "a list in many cases": (
        cases(100, WRITE % f"[{', '.join(['1'] * 20_000)}]"),
        6,
        "the scenarios of a file may have 1,000,000 values together",
    ),
    "features of many scenarios": (
        cases(1000, PLAIN) + f"requires: [{', '.join(['simd'] * 50_000)}]\n",
        7,
        "the scenarios of a file may have 1,000,000 values together",
    ),
    "times": (one(WRITE % '{hex: "", times: 40000000}'), 5, "'times' must be an integer from 1 to 1,000,000, found 40000000"),
    "times by a parameter": (
        HEAD + CASES % ("{n: 1}, {n: 40000000}", WRITE % '{hex: "", times: $n}'),
        6,
        "'times' must be an integer from 1 to 1,000,000, found 40000000",
    ),
    "negative times by a loop": (
        one(loop("{in: [1, -1]}", WRITE % '{hex: "00", times: $i}')),
        5,
        "'times' must be an integer from 1 to 1,000,000, found -1",
    ),
    "times that are no integer": (
        one(WRITE % '{hex: "00", times: 2.0}'), 5, "'times' must be an integer from 1 to 1,000,000, found 2.0",
    ),
    "rounds": (
        one("{agents: {a: {calls: [{call: f}]}}, rounds: 40000000}"),
        5,
        "'rounds' must be an integer from 1 to 100,000, found 40000000",
    ),
    "rounds by a parameter": (
        HEAD + CASES % ("{n: 1}, {n: 40000000}", "{agents: {a: {calls: [{call: f}]}}, rounds: $n}"),
        6,
        "'rounds' must be an integer from 1 to 100,000, found 40000000",
    ),
    "rounds of many calls": (
        one(f"{{agents: {{a: {{calls: [{', '.join(['{call: f}'] * 3)}]}}}}, rounds: 100000}}"),
        5,
        "agents may make 200,000 calls in all rounds, found 100,000 × 3",
    ),
    "an agent's calls": (
        HEAD + CASES % ("{n: 1}, {n: 40000000}", "{agents: {a: {calls: [{call: f, times: $n}]}}}"),
        6,
        "'times' must be an integer from 1 to 1,000,000, found 40000000",
    ),
    "the size of a page": (
        one(f"{{memory: {{min: 1, page_size: {BIG}}}, as: m}}"), 5, "'page_size' must be an integer",
    ),
    "a long name": (one(f"{{size: memory, as: {'x' * 200_000}}}"), 5, "'as' may have 100 characters, found 200000"),
    "a long name of a file": (
        one(PLAIN, f"    wasi: {{files: {{{'ä' * 200}: [1]}}}}\n"), 5, "the name of a file may have 255 bytes",
    ),
    "a long title of a case": (
        HEAD + f"  - name: one\n    cases: [{{n: {'x' * 200_000}}}]\n    steps: [{PLAIN}]\n",
        4,
        "a name with its case may have 300 characters, found 200008: give what tells its cases apart in 'name'",
    ),
    "many arguments": (
        "title: T\nwat: (module)\n"
        f"imports: {{e.f: {{params: [{', '.join(f'a{n}' for n in range(45_000))}, a44999], return: 1}}}}\n"
        f"scenarios: [{{name: a, steps: [{PLAIN}]}}]\n",
        3,
        "two arguments are called 'a44999'",
    ),
    "wrong steps": (
        one(", ".join(["{sise: memory}"] * 20_000)),
        5,
        "unknown step 'sise' in a scenario; did you mean 'size'? (and 199 more faults after it)",
    ),
    "wrong steps of a loop": (
        one(loop("[1, 2]", ", ".join(["{sise: memory}"] * 20_000))),
        5,
        "unknown step 'sise' in a scenario; did you mean 'size'? (and 199 more faults after it)",
    ),
    "a misspelt name among many": (
        one(", ".join(f"{{size: memory, as: a{n}}}" for n in range(15_000)) + ", {grow: b + 1}"),
        5,
        "unknown value 'b' in this scenario; ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_grows_too_large_ends_in_a_line(name: str, load: Load) -> None:
    text, line, words = FILES[name]
    with pytest.raises(SourceError) as caught:
        load(text)
    assert caught.value.line == line
    assert caught.value.message.startswith(words), caught.value.message
    assert len(str(caught.value)) < 700
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_they_take_little_memory(tmp_path: Path) -> None:
    """All of them together, in a process that may have 1 GB."""
    for number, (text, _, _) in enumerate(FILES.values()):
        (tmp_path / f"{number}.yaml").write_text(text)
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); "
        "from linmem.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, "check", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    *lines, end = done.stdout.splitlines()
    told = {line.partition(".yaml:")[0].rpartition("/")[2] for line in lines}
    assert end.endswith(f" faults in {len(FILES)} files.")
    assert told == {str(number) for number in range(len(FILES))}


def test_what_people_need_is_far_within(load: Load) -> None:
    data = WRITE % '{hex: "00", times: 1000000}'
    suite = load(cases(50, f"{loop('[1, 300]')}, {data}"))
    assert sum(len(scenario.steps) for scenario in suite.scenarios) == 50 * 301
    last = suite.scenarios[-1].steps[-1]
    assert isinstance(last, Write)
    assert last.value == bytes(1_000_000)


def test_a_step_s_text_is_shortened(load: Load) -> None:
    (scenario,) = load(one(WRITE % f"[{', '.join(['24'] * 1000)}]")).scenarios
    assert scenario.steps[0].text.startswith("write bytes [24, 24, ")
    assert scenario.steps[0].text.endswith("… (3,017 more characters)")
