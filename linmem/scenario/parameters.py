"""Fill parameters (``$name``, ``${name}``) into a scenario's data: the values of a case, or of a `for`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from linmem.errors import unknown
from linmem.scenario.source import Map, Seq, SourceError

_PARAMETER = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_BRACED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def fill(data: Map, case: Mapping[str, Any], skip: str = "") -> Map:
    """A copy of a mapping, without the key `skip`, that has the case's values in it; lines are kept.

    Raises `SourceError` for an unknown name.
    """
    copy = Map(data.file, data.line)
    copy.lines, copy.starts = data.lines, data.starts
    for key, value in data.items():
        if key == skip:
            continue
        if key == "wat" and isinstance(value, str):  # the text format is full of $names: only ${name} is a parameter
            copy[key] = _BRACED.sub(lambda match: str(case.get(match[1], match[0])), value)
        elif key == "answers" and isinstance(value, Map):
            copy[key] = _answers(value, case)
        elif key == "for" and isinstance(value, Map):
            copy[key] = value
        elif key == "steps" and "for" in data:  # its own parameter is filled when it is unrolled
            copy[key] = _value(value, {**case, **{name: f"${{{name}}}" for name in data["for"]}}, data, key)
        else:
            copy[key] = _value(value, case, data, key)
    return copy


def fill_items(data: Seq, case: Mapping[str, Any]) -> Seq:
    """The same for a list."""
    copy = Seq(data.file, data.line)
    copy.lines = data.lines
    copy += [_value(item, case, data, index) for index, item in enumerate(data)]
    return copy


def _value(value: Any, case: Mapping[str, Any], holder: Map | Seq, part: Any) -> Any:
    """A value that is a part of a mapping or list."""
    if isinstance(value, str):
        return _text(value, case, holder, part) if "$" in value else value
    if isinstance(value, Map):
        return fill(value, case)
    return fill_items(value, case) if isinstance(value, Seq) else value


def _answers(answers: Map, case: Mapping[str, Any]) -> Map:
    """Here also the keys may be parameters: what is seen may differ from case to case where its meaning doesn't."""
    filled = Map(answers.file, answers.line)
    for key, word in answers.items():
        name = str(_text(key, case, answers, key))
        if name in filled and filled[name] != word:
            raise answers.error(f"'{name}' is there twice among the answers", key)
        filled[name] = _value(word, case, answers, key)
        filled.lines[name] = filled.starts[name] = answers.lines[key]
    return filled


def _text(text: str, case: Mapping[str, Any], holder: Map | Seq, part: Any) -> Any:
    def value(match: re.Match[str]) -> Any:
        name = match[1] or match[2]
        if name not in case:
            known = [f"${key}" for key in case]
            message = unknown("parameter", f"${name}", known, "this scenario's 'cases' and 'for'")
            raise SourceError(holder.file, holder.lines[part], message)
        return case[name]

    whole = _PARAMETER.fullmatch(text)
    return value(whole) if whole else _PARAMETER.sub(lambda match: str(value(match)), text)
