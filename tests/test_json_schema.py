"""The explainer of JSON Schema faults: what no file format's own tests cover."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from linmem import schema
from linmem.scenario.source import parse

RULES = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A format",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "few": {"type": "array", "maxItems": 2, "uniqueItems": True, "items": {"type": ["integer", "string"]}},
        "code": {"type": "string", "pattern": "^[A-Z]+$"},
        "table": {"type": "object", "propertyNames": {"title": "a code"}, "additionalProperties": {"minimum": 3}},
        "either": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#/$defs/entry"}}]},
    },
    "$defs": {"entry": {"type": "object", "required": ["a", "b"], "properties": {"a": {"const": 1}}}},
}


@pytest.fixture
def rules(tmp_path: Path) -> schema.Schema:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(RULES), encoding="utf-8")
    return schema.Schema(path, {"either": "an entry"})


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("{code: ABC}", []),
        ("[]", ["1: the file must be a mapping, found a list of 0"]),
        ("code: abc", ["1: 'code' must be text that matches ^[A-Z]+$, found 'abc'"]),
        ("few: [1.5]", ["1: an item of 'few' must be an integer or text, found 1.5"]),
        ("few: [1, 1]", ["1: 'few': [1,1] has non-unique elements"]),
        ("table: {24: 1}", ["1: '24': 1 is less than the minimum of 3"]),
        ("either: [{a: 1}]", ["1: an entry needs the key 'b'"]),
        ("either: [{}]", ["1: an entry needs the key 'a'"]),
        ("either: text", ["1: 'either': \"text\" is not valid under any of the schemas listed in the 'anyOf' keyword"]),
        (
            "code: 5\nx: 1\ny: 2\n",
            [
                "1: 'code' must be text, found 5; put it in quotes",
                "2: unknown key 'x' in the file; known: few, code, table, either",
                "3: unknown key 'y' in the file; known: few, code, table, either",
            ],
        ),
    ],
)
def test_faults(rules: schema.Schema, text: str, faults: list[str]) -> None:
    data: Any = parse(text, "f")
    assert [f"{schema.line_of(data, fault.path)}: {fault.message}" for fault in rules.faults(data)] == faults


def test_faults_of_a_part_of_plain_data(rules: schema.Schema) -> None:
    assert rules.faults({"a": 1, "b": 1}, "entry") == []
    assert rules.faults({"a": 2}, "entry", "this entry") == [
        schema.Fault((), "this entry needs the key 'b'"),
        schema.Fault(("a",), "'a' must be 1, found 2"),
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({}, "a mapping"),
        ({"a": 1}, "a mapping with the key 'a'"),
        ([1, 2], "a list of 2"),
        (None, "nothing"),
        (True, "true"),
        (24, "24"),
        ("24", "'24'"),
        ("x" * 100, "'" + "x" * 56 + "…"),
    ],
)
def test_describe(value: object, shown: str) -> None:
    assert schema.describe(value) == shown
