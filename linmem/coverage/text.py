"""A survey in words, in 80 columns."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator

from linmem.coverage.host import WAYS
from linmem.coverage.survey import Survey
from linmem.wasm import instructions
from linmem.wasm.code import MULTI, SHARED, WIDE

WIDTH = 80
NONE = "NONE"  # stands out where a count is 0


def lines(survey: Survey) -> Iterator[str]:
    """The whole of it."""
    yield from _instructions(survey)
    yield ""
    yield from _host(survey)
    yield ""
    yield from _topics(survey)
    yield ""
    yield summary(survey)


def summary(survey: Survey) -> str:
    """The last line."""
    total = f"{len(survey.scenarios)} scenarios"
    if not survey.missing:
        return f"{total}: nothing is uncovered"
    return f"{total}: {len(survey.missing)} uncovered (linmem coverage --missing)"


def _count(found: Iterable[str]) -> str:
    return str(len(set(found)) or NONE)


def _instructions(survey: Survey) -> Iterator[str]:
    yield "Memory instructions: scenarios that reach each; those on a 64-bit memory, on a"
    yield "further memory of the module, on a shared one; and the suites"
    yield f"  {'':27}{'all':>5}{'64-bit':>8}{'further':>8}{'shared':>7}"
    for group, names in instructions.groups().items():
        yield f"  {group}"
        for name in names:
            found = survey.instructions[name]
            forms = [sum(form in memories for memories in found.values()) for form in (WIDE, MULTI, SHARED)]
            row = f"    {name:25}{_count(found):>5}{forms[0] or '-':>8}{forms[1] or '-':>8}{forms[2] or '-':>7}"
            yield f"{row}  {_suites(found, WIDTH - len(row) - 2)}".rstrip()


def _suites(found: Iterable[str], width: int) -> str:
    """Their files without ending, the most frequent first, as many as there is room for."""
    files = [file.removesuffix(".yaml") for file, _ in Counter(name.partition("::")[0] for name in found).most_common()]
    shown: list[str] = []
    for index, file in enumerate(files):
        rest = len(files) - index - 1
        text = ", ".join([*shown, file]) + (f" +{rest}" if rest else "")
        if len(text) > width:
            break
        shown.append(file)
    rest = len(files) - len(shown)
    return ", ".join(shown) + (f" +{rest}" if rest else "")


def _host(survey: Survey) -> Iterator[str]:
    yield "The host: scenarios that read and write each type through a fresh view of the"
    yield "default kind, a fresh view of each kind, a kept view of each kind"
    yield f"  {'':8}{'read':>36}{'write':>34}"
    yield f"  {'':8}" + 2 * "".join(f"{way:>11}" for way in WAYS)
    for kind in dict.fromkeys(name.split(" ")[1] for name in survey.ways):
        cells = (survey.ways[f"{act} {kind} {way}"] for act in ("read", "write") for way in WAYS)
        yield f"  {kind:8}" + "".join(f"{_count(found):>11}" for found in cells)
    for kind, used in survey.words.items():
        text = ", ".join(f"{word} {_count(found)}" for word, found in used.items())
        yield from textwrap.wrap(f"{kind}: {text}", WIDTH, initial_indent="  ", subsequent_indent="    ")


def _topics(survey: Survey) -> Iterator[str]:
    yield "Topics: scenarios that answer what each asks"
    for number, (topic, answers) in enumerate(survey.topics, 1):
        everyone = {name for answer in answers for name in answer.scenarios}
        yield f"  {number:2}  {topic.title}, {_count(everyone)}"
        for answer in answers:
            mark = f"{_count(answer.scenarios):>5}" if not answer.missing else "    -"
            yield from textwrap.wrap(answer.ask.ask, WIDTH, initial_indent=f"{mark}   ", subsequent_indent=" " * 8)
            for gap in answer.missing:
                yield from textwrap.wrap(f"UNCOVERED: {gap}", WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 10)
