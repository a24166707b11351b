"""Probes: one small module per proposal that changes what a module can do with its memory.

A runtime has a feature when it compiles the feature's probe; what its documentation or its flags say does not count. A
probe needs its feature and nothing else beyond the first version of the core specification, so that a refusal has one
cause. Its function is exported, because some runtimes compile only what can be called.
"""

from __future__ import annotations

import functools

from linmem import paths
from linmem.wasm.wat import assemble

FOLDER = paths.FIXTURES / "probes"


@functools.cache
def names() -> tuple[str, ...]:
    """The features there are probes for, as scenarios name them in ``requires``."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.wat")))


@functools.cache
def features() -> dict[str, bytes]:
    """The probes as binary modules, by feature."""
    return {name: assemble((FOLDER / f"{name}.wat").read_text(encoding="utf-8")) for name in names()}
