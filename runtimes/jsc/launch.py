"""Start jsc with its version as the driver's argument: ``python launch.py JSC DRIVER``.

The shell can't be asked for its version. The library that it is linked to can: ``jsc_get_major_version`` of
JavaScriptCore's GLib API (https://webkitgtk.org/reference/jsc-glib/stable/).
"""

import ctypes
import os
import re
import subprocess
import sys

PARTS = ("major", "minor", "micro")


def version(program: str) -> str:
    """The version of the JavaScriptCore that this program is linked to; ``unknown`` where that can't be told."""
    try:
        linked = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        found = re.search(r"=> (\S*libjavascriptcoregtk\S*)", linked.decode())
        library = ctypes.CDLL(found[1]) if found else None
        return ".".join(str(getattr(library, f"jsc_get_{part}_version")()) for part in PARTS)
    except (OSError, subprocess.SubprocessError, AttributeError):
        return "unknown"


if __name__ == "__main__":
    os.execv(sys.argv[1], [sys.argv[1], "-m", sys.argv[2], "--", version(sys.argv[1])])
