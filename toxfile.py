"""Let tox find pyenv's interpreters, also those that pyenv has not activated."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tox.plugin import impl


@impl
def tox_add_core_config(core_conf: Any, state: Any) -> None:
    """As if each were named with ``--discover``, after those that the user has named so."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [str(python) for python in sorted(root.glob("versions/3.1*/bin/python"))]
    options = state.conf.options
    options.discover = [*(getattr(options, "discover", None) or []), *found]
