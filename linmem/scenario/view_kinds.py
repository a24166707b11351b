"""Check the view kinds that scenarios name: no runtime lacks a misspelt one, it is the scenario's fault."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from linmem.errors import unknown
from linmem.scenario import model
from linmem.scenario.names import every_step
from linmem.scenario.source import SourceError


def check_view_kinds(scenarios: Iterable[model.Scenario], kinds: Mapping[str, Collection[str]] | None) -> None:
    """Raises `SourceError` for the first of the `faults` of scenarios; with `kinds` None, any view kind may exist."""
    if kinds is not None:
        for scenario in scenarios:
            for fault in faults(scenario, kinds):
                raise fault


def faults(scenario: model.Scenario, kinds: Mapping[str, Collection[str]]) -> Iterator[SourceError]:
    """The steps with a view kind that is not among `kinds`, or with a memory type that the kind lacks.

    ``kinds`` has the memory types of each view kind that a runtime has.
    """
    bound: dict[str, str] = {}  # kept views by name, and their kinds
    for step in every_step(scenario):
        try:
            _check(step, kinds, bound)
        except SourceError as fault:
            yield fault


def _check(step: model.Step, kinds: Mapping[str, Collection[str]], bound: dict[str, str]) -> None:
    if isinstance(step, model.OpenView) and step.kind not in model.VIEW_WORDS:
        _need_kind(step, step.kind, kinds)
        bound[step.bind or ""] = step.kind
    elif isinstance(step, model.OpenView):
        bound.pop(step.bind or "", None)
        if step.through in bound:
            bound[step.bind or ""] = bound[step.through]
    elif isinstance(step, model.Read | model.Write):
        kind = bound.get(step.through) if step.through is not None else step.kind
        if kind is not None and kind not in model.VIEW_WORDS:
            _need_kind(step, kind, kinds)
            if step.type not in kinds[kind]:
                has = ", ".join(sorted(kinds[kind]))
                raise step.where.error(f"{kind} has no {step.type}; it has {has}")


def _need_kind(step: model.Step, kind: str, kinds: Mapping[str, Collection[str]]) -> None:
    if kind not in kinds:
        raise step.where.error(unknown("view kind", kind, sorted(kinds), "any runtime"))
