"""Fill parameters (``$name``, ``${name}``) into a scenario's data: the values of a case, or of a `for`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from linmem.errors import unknown
from linmem.scenario.limits import BYTES, VALUES, Budget
from linmem.scenario.source import Map, Seq, SourceError

_PARAMETER = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_BRACED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def fill(data: Map, case: Mapping[str, Any], budget: Budget, skip: str = "") -> Map:
    """A copy of a mapping, without the key `skip`, that has the case's values in it; lines are kept.

    Raises `SourceError` for an unknown name, and where the copy is more than the file's budget allows.
    """
    budget.spend(VALUES, 1 + len(data), data)
    copy = Map(data.file, data.line)
    copy.lines, copy.starts = data.lines, data.starts
    for key, value in data.items():
        if key == skip:
            continue
        if key == "wat" and isinstance(value, str):  # the text format is full of $names: only ${name} is a parameter
            copy[key] = value
            if "${" in value:
                copy[key] = _substituted(_BRACED, value, lambda match: case.get(match[1], match[0]), budget, data, key)
        elif key == "answers" and isinstance(value, Map):
            copy[key] = _answers(value, case, budget)
        elif key == "for" and isinstance(value, Map):
            copy[key] = value
        elif key == "steps" and "for" in data:  # its own parameter is filled when it is unrolled
            copy[key] = _value(value, {**case, **{name: f"${{{name}}}" for name in data["for"]}}, budget, data, key)
        else:
            copy[key] = _value(value, case, budget, data, key)
    return copy


def fill_items(data: Seq, case: Mapping[str, Any], budget: Budget) -> Seq:
    """The same for a list."""
    budget.spend(VALUES, 1 + len(data), data)
    copy = Seq(data.file, data.line)
    copy.lines = data.lines
    copy += [_value(item, case, budget, data, index) for index, item in enumerate(data)]
    return copy


def _value(value: Any, case: Mapping[str, Any], budget: Budget, holder: Map | Seq, part: Any) -> Any:
    """A value that is a part of a mapping or list."""
    if isinstance(value, str):
        return _text(value, case, budget, holder, part) if "$" in value else value
    if isinstance(value, Map):
        return fill(value, case, budget)
    return fill_items(value, case, budget) if isinstance(value, Seq) else value


def _answers(answers: Map, case: Mapping[str, Any], budget: Budget) -> Map:
    """Here also the keys may be parameters: what is seen may differ from case to case where its meaning doesn't."""
    budget.spend(VALUES, 1 + len(answers), answers)
    filled = Map(answers.file, answers.line)
    for key, word in answers.items():
        name = str(_text(key, case, budget, answers, key))
        if name in filled and filled[name] != word:
            raise answers.error(f"'{name}' is there twice among the answers", key)
        filled[name] = _value(word, case, budget, answers, key)
        filled.lines[name] = filled.starts[name] = answers.lines[key]
    return filled


def _text(text: str, case: Mapping[str, Any], budget: Budget, holder: Map | Seq, part: Any) -> Any:
    def value(match: re.Match[str]) -> Any:
        name = match[1] or match[2]
        if name not in case:
            known = [f"${key}" for key in case]
            message = unknown("parameter", f"${name}", known, "this scenario's 'cases' and 'for'")
            raise SourceError(holder.file, holder.lines[part], message)
        return case[name]

    whole = _PARAMETER.fullmatch(text)
    return value(whole) if whole else _substituted(_PARAMETER, text, value, budget, holder, part)


def _substituted(
    pattern: re.Pattern[str],
    text: str,
    value: Callable[[re.Match[str]], Any],
    budget: Budget,
    holder: Map | Seq,
    part: str | int,
) -> str:
    """The text with a value in place of each match. What is searched, each value, and what it grows to are counted
    before that is done.
    """
    budget.spend(BYTES, len(text), holder, part)
    parts: list[str] = []
    end = 0
    for match in pattern.finditer(text):
        parts += (text[end : match.start()], str(value(match)))
        end = match.end()
        budget.spend(VALUES, 1, holder, part)
        budget.spend(BYTES, len(parts[-1]), holder, part)
    return "".join((*parts, text[end:])) if parts else text
