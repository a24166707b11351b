"""The modules that the checks play with: ``modules.yaml``, assembled when they are needed."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping
from pathlib import Path

import yaml

from linmem.wasm.wat import assemble


@functools.cache
def texts() -> Mapping[str, str]:
    """The modules' texts, by their names."""
    found: dict[str, str] = yaml.safe_load(Path(__file__).with_name("modules.yaml").read_text(encoding="utf-8"))
    return found


def encoded(name: str) -> str:
    """A module as it travels: in base64."""
    return base64.b64encode(assemble(texts()[name])).decode()
