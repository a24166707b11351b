"""Tables of keys for a Markdown page, made from a JSON Schema's descriptions.

A page marks the place of a table with the part of the schema that it shows, a JSON pointer::

    <!-- keys: /$defs/step_read -->
    <!-- end of keys -->
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from linmem.errors import UserError

Schema = Mapping[str, Any]

_PLACE = re.compile(r"^<!-- keys: (\S+) -->\n.*?^<!-- end of keys -->$", re.M | re.S)
_HEAD = ("| Key | Type | Default | Meaning |", "|---|---|---|---|")
_WORDS = {"array": "list", "boolean": "`true` or `false`", "object": "mapping", "string": "text"}
_NAMED = {
    "agent": "agent",
    "agent_step": "call or step",
    "byte_hex": "bytes",
    "byte_list": "bytes",
    "byte_text": "bytes",
    "bytes": "bytes",
    "combinations": "list of mappings",
    "expect": "[expectation](#expect)",
    "global_name": "name or export",
    "host_value": "host value",
    "imports": "[imports](#imports)",
    "integer": "integer or expression",
    "memory_name": "[memory](#memories)",
    "memory_type": "[memory type](#values)",
    "module": "path",
    "name": "name",
    "observe": "[question](#observe)",
    "scalar": "[value](#values)",
    "scenario": "[scenario](#a-scenario)",
    "step": "[step](#steps)",
    "steps": "list of [steps](#steps)",
    "wasi": "[WASI](#wasi)",
}
"""What the types are called that have a section of their own or would be long."""


def fill(page: str, schema: Schema) -> str:
    """The page with its tables as the schema has them. Raises `UserError` for a part that the schema does not have."""
    return _PLACE.sub(lambda place: _filled(place[1], schema), page)


def _filled(pointer: str, schema: Schema) -> str:
    part: Any = schema
    for word in pointer.strip("/").split("/") if pointer != "/" else ():
        part = part[int(word)] if isinstance(part, list) else part.get(word) if isinstance(part, dict) else None
    if not isinstance(part, dict) or "properties" not in part:
        raise UserError(f"the schema has no keys at {pointer}")
    verb = pointer.rpartition("/")[2].removeprefix("step_")
    required = {verb, *part.get("required", ())}
    rows = [_row(key, value, key in required, schema) for key, value in part["properties"].items()]
    return "\n".join((f"<!-- keys: {pointer} -->", *_HEAD, *rows, "<!-- end of keys -->"))


def _row(key: str, value: Schema, required: bool, schema: Schema) -> str:
    whole = {**_resolved(value, schema), **value}
    default = "*required*" if required else _default(whole["default"]) if "default" in whole else ""
    cells = (f"`{key}`", " or ".join(dict.fromkeys(_types(value, schema))), default, whole.get("description", ""))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(value: Any) -> str:
    return (
        value if isinstance(value, str) and " " in value else f"`{value if isinstance(value, str) else _yaml(value)}`"
    )


def _yaml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace('"', "")


def _resolved(value: Schema, schema: Schema) -> Schema:
    name = value.get("$ref", "").rpartition("/")[2]
    return schema["$defs"][name] if name else value


def _types(value: Schema, schema: Schema) -> Iterator[str]:
    """What a value may be, in a few words each. A parameter may stand almost anywhere, so it is not listed."""
    name = value.get("$ref", "").rpartition("/")[2]
    whole = _resolved(value, schema)
    if name in _NAMED:
        yield _NAMED[name]
    elif "enum" in whole or "const" in whole:
        yield from (f"`{_yaml(item)}`" for item in whole.get("enum", [whole.get("const")]))
    elif "anyOf" in whole:
        for choice in whole["anyOf"]:
            if choice.get("$ref") != "#/$defs/parameter":
                yield from _types(choice, schema)
    elif whole.get("type") == "array":
        yield f"list: {' or '.join(dict.fromkeys(_types(whole['items'], schema)))}"
    else:
        given = whole.get("type", ())
        yield from (_WORDS.get(word, word) for word in ([given] if isinstance(given, str) else given))
