"""Pixels as the host read them, made a PNG file that a report can show."""

from __future__ import annotations

import base64
import io

import png

from linmem.results.outcome import Picture


def picture(title: str, width: int, height: int, format: str, data: bytes) -> Picture:
    """The picture of `data`: rows from the top, without gaps. It must have exactly the bytes that its size asks for."""
    writer = png.Writer(width, height, greyscale=format == "gray8", alpha=format == "rgba8", compression=9)
    file = io.BytesIO()
    writer.write_array(file, data)
    return Picture(title, width, height, base64.b64encode(file.getvalue()).decode())
