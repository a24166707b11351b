"""What the suites are to cover, and which scenarios cover it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linmem.coverage import host, topics
from linmem.coverage.reach import Played, parts, reached
from linmem.coverage.topics import AskResult, Evidence, Topic
from linmem.scenario import model
from linmem.wasm import instructions

Plays = Callable[[model.Scenario], Sequence[Played]]


@dataclass(frozen=True)
class Survey:
    """What is covered, by which scenarios. A scenario is named by its file and its slug, ``growth.yaml::slug``."""

    scenarios: tuple[str, ...]
    instructions: Mapping[str, Mapping[str, frozenset[str]]]  # instruction → scenario → the forms of its memories
    ways: Mapping[str, set[str]]
    words: Mapping[str, Mapping[str, set[str]]]
    topics: tuple[tuple[Topic, tuple[AskResult, ...]], ...]

    @functools.cached_property
    def missing(self) -> tuple[str, ...]:
        """Everything that is uncovered, a line for each."""
        lines = [f"instruction {name}" for name, found in self.instructions.items() if not found]
        lines += [f"host: {way}" for way, found in self.ways.items() if not found]
        lines += [f"{kind} '{word}'" for kind, used in self.words.items() for word, found in used.items() if not found]
        for number, (topic, answers) in enumerate(self.topics, 1):
            lines += [
                f"topic {number}, {topic.title}: {answer.ask.ask}: {gap}"
                for answer in answers
                for gap in answer.missing
            ]
        return tuple(lines)


def survey(suites: Sequence[tuple[Path, model.Suite]], plays: Plays, asked: Sequence[Topic] | None = None) -> Survey:
    """What these suites cover. ``plays`` gives the modules that a scenario is played with."""
    scenarios = {f"{path.name}::{scenario.slug}": scenario for path, suite in suites for scenario in suite.scenarios}
    found = {name: reached(scenario, plays(scenario)) for name, scenario in scenarios.items()}
    by_instruction = {
        name: {scenario: table[name] for scenario, table in found.items() if name in table}
        for name in instructions.names()
    }
    words = host.words(suites)
    evidence = Evidence(
        instructions=found,
        words=words,
        views={name: scenario.each_view for name, scenario in scenarios.items() if scenario.each_view is not None},
        observing=frozenset(name for name, scenario in scenarios.items() if _observes(scenario)),
    )
    names = tuple(scenarios)
    answers = tuple(
        (topic, tuple(topics.evaluate(ask, names, evidence) for ask in topic.asks))
        for topic in (topics.load() if asked is None else asked)
    )
    return Survey(names, by_instruction, host.ways(scenarios), words, answers)


def _observes(scenario: model.Scenario) -> bool:
    return any(isinstance(part, model.Observe) for part in parts((scenario.steps, scenario.imports)))


def as_json(survey: Survey) -> dict[str, Any]:
    """The whole survey as plain data."""
    return {
        "scenarios": len(survey.scenarios),
        "covered": not survey.missing,
        "missing": list(survey.missing),
        "instructions": {
            group: {
                name: {scenario: sorted(forms) for scenario, forms in survey.instructions[name].items()}
                for name in names
            }
            for group, names in instructions.groups().items()
        },
        "host": {way: sorted(found) for way, found in survey.ways.items()},
        "words": {kind: {word: sorted(found) for word, found in used.items()} for kind, used in survey.words.items()},
        "topics": [
            {
                "topic": topic.title,
                "asks": [
                    {"ask": item.ask.ask, "scenarios": list(item.scenarios), "missing": list(item.missing)}
                    for item in answers
                ],
            }
            for topic, answers in survey.topics
        ],
    }
