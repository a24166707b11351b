"""The topics that the suites are to cover, ``topics.yaml``, and how the scenarios cover them."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from linmem.errors import unknown
from linmem.scenario.source import SourceError, read
from linmem.wasm import instructions
from linmem.wasm.code import MULTI, PAGES, SHARED, WIDE

PATH = Path(__file__).with_name("topics.yaml")
FORMS = (WIDE, MULTI, SHARED, PAGES)


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that a topic asks.

    ``scenarios`` are patterns (``file.yaml::slug``, with ``*``), each of which must match something. What the matching
    ones together must show stands in the other fields: ``instructions`` they reach (names, patterns or groups), on a
    memory of the ``form``; ``steps`` and ``expect`` they use; ``views``: memory types through every view kind.
    """

    ask: str
    scenarios: tuple[str, ...]
    instructions: tuple[str, ...] = ()
    form: str = ""
    steps: tuple[str, ...] = ()
    expect: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    observes: bool = False

    @property
    def wanted(self) -> tuple[str, ...]:
        """The instructions' names."""
        return tuple(dict.fromkeys(name for text in self.instructions for name in matching(text)))


class Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A topic and what it asks."""

    title: str
    asks: tuple[Ask, ...]


@dataclass(frozen=True)
class Evidence:
    """What the scenarios show, by their names, in the terms of `Ask`."""

    instructions: Mapping[str, Mapping[str, frozenset[str]]]  # scenario → instruction → the forms of its memories
    words: Mapping[str, Mapping[str, set[str]]]  # kind → word → scenarios
    views: Mapping[str, str]  # scenario → the memory type it is played with every view kind for
    observing: frozenset[str]  # scenarios that observe


@dataclass(frozen=True)
class AskResult:
    """The scenarios that an ask's patterns match, and what they leave uncovered, a line for each."""

    ask: Ask
    scenarios: tuple[str, ...]
    missing: tuple[str, ...]


def load(path: Path = PATH) -> tuple[Topic, ...]:
    """The topics in their order. Raises `SourceError`."""
    data = read(path, path.name)
    try:
        topics = msgspec.convert(data, tuple[Topic, ...])
    except msgspec.ValidationError as error:
        raise SourceError(path.name, 1, str(error)) from None
    for topic, raw in zip(topics, data, strict=True):
        for ask, place in zip(topic.asks, raw["asks"], strict=True):
            for text in ask.instructions:
                if not matching(text):
                    known = [*instructions.groups(), *instructions.names()]
                    raise place.error(unknown("instruction", text, known, "topics"))
            if ask.form and ask.form not in FORMS:
                raise place.error(unknown("form", ask.form, FORMS, "topics"))
    return topics


def matching(text: str) -> tuple[str, ...]:
    """The instructions that a name, a pattern or a group stands for."""
    return instructions.groups().get(text) or tuple(fnmatch.filter(instructions.names(), text))


def evaluate(ask: Ask, names: Sequence[str], evidence: Evidence) -> AskResult:
    """The scenarios that an ask names, and what they do not show."""
    matched = {pattern: fnmatch.filter(names, pattern) for pattern in ask.scenarios}
    found = dict.fromkeys(name for group in matched.values() for name in group)
    missing = [f"no scenario matches {pattern}" for pattern, group in matched.items() if not group]
    reached = [evidence.instructions[scenario] for scenario in found]
    absent = [
        name
        for name in ask.wanted
        if not any(name in table and (not ask.form or ask.form in table[name]) for table in reached)
    ]
    if absent:
        missing.append(f"not reached{f' ({ask.form})' if ask.form else ''}: {', '.join(absent)}")
    for kind, wanted in (("step", ask.steps), ("expect", ask.expect)):
        used = evidence.words[kind]
        missing += [f"no {kind} '{word}'" for word in wanted if not used.get(word, set()) & found.keys()]
    shown = {evidence.views.get(scenario) for scenario in found}
    missing += [f"{kind} not through every view kind" for kind in ask.views if kind not in shown]
    if ask.observes and not evidence.observing & found.keys():
        missing.append("nothing is observed")
    return AskResult(ask, tuple(found), tuple(missing))
