"""The pictures that a scenario can have the host read from a guest's memory: pixel formats and sizes."""

from __future__ import annotations

FORMATS = {"rgba8": 4, "rgb8": 3, "gray8": 1}
"""The formats of pixels, one byte for each channel, and how many bytes a pixel takes."""

MAX_PIXELS = 1 << 18  # each cell of a report may hold one


def impossible_size(width: int, height: int) -> str | None:
    """Why there can be no picture of this size, in pixels; None where there can."""
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        return f"a picture has 1 to {MAX_PIXELS:,} pixels, and this one has {width} × {height}"
    return None
