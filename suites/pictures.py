"""Pictures of a guest's memory: pixels as the host read them, made a PNG file that a report can show."""

from __future__ import annotations

import base64
import io

import png

from suites.outcome import Picture

FORMATS = {"rgba8": 4, "rgb8": 3, "gray8": 1}
"""The formats of pixels, one byte for each channel, and how many bytes a pixel takes."""

MAX_PIXELS = 1 << 18  # each cell of a report may hold one


def impossible_size(width: int, height: int) -> str | None:
    """Why there can be no picture of this size, in pixels; None where there can."""
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        return f"a picture has 1 to {MAX_PIXELS:,} pixels, and this one has {width} × {height}"
    return None


def picture(title: str, width: int, height: int, format: str, data: bytes) -> Picture:
    """The picture of `data`: rows from the top, without gaps. It must have exactly the bytes that its size asks for."""
    writer = png.Writer(width, height, greyscale=format == "gray8", alpha=format == "rgba8", compression=9)
    file = io.BytesIO()
    writer.write_array(file, data)
    return Picture(title, width, height, base64.b64encode(file.getvalue()).decode())
