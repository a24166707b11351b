"""The instructions that use a memory: ``instructions.yaml``."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import yaml

PATH = Path(__file__).with_name("instructions.yaml")
Opcode = tuple[int, int]  # prefix (0: none) and number


@functools.cache
def _table() -> Mapping[str, Mapping[str, str]]:
    table: dict[str, dict[str, str]] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return table


@functools.cache
def groups() -> Mapping[str, tuple[str, ...]]:
    """The instructions' names, by group."""
    return {group: tuple(names) for group, names in _table().items()}


@functools.cache
def names() -> tuple[str, ...]:
    """Every instruction that uses a memory, in the order of the groups."""
    return tuple(name for group in groups().values() for name in group)


@functools.cache
def opcodes() -> Mapping[Opcode, str]:
    """Their names by opcode."""
    table: dict[Opcode, str] = {}
    for group in _table().values():
        for name, text in group.items():
            *prefix, number = (int(part, 16) for part in text.split())
            table[prefix[0] if prefix else 0, number] = name
    return table
