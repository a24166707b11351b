"""Badges for READMEs: for each runtime one as an image, and one as data for the endpoint badge of shields.io."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from linmem.report import anchors, webpage
from linmem.report.matrix import share
from linmem.results import verdict
from linmem.results.document import GateVerdict, Report, RuntimeEntry
from linmem.text import one_line

_COLOURS = {"brightgreen": "#3c8a1e", "yellowgreen": "#6f7d1a", "red": "#c23b2e", "lightgrey": "#6b6f76"}
"""The shield's names of colours, and what the image uses: dark enough for white text."""


def badges(report: Report) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file: ``wasmtime@50.0.1.json`` and ``.svg``, named as the runtime was asked for."""
    addresses = anchors.of_columns(report.runtimes)
    for runtime in report.runtimes:
        name = addresses[runtime.label]
        label = f"linmem · {_label(runtime)}"
        message, colour = said(report, runtime)
        endpoint = {"schemaVersion": 1, "label": label, "message": message, "color": colour}
        yield f"{name}.json", msgspec.json.encode(endpoint) + b"\n"
        yield f"{name}.svg", _image(label, message, _COLOURS[colour]).encode()


def said(report: Report, runtime: RuntimeEntry) -> tuple[str, str]:
    """What a runtime's badge says, and its colour.

    Green needs a complete run in which all passed that the runtime supports; known defects are told, and what the gate
    found of this runtime, or of no runtime in particular.
    """
    counts = report.summary.runtimes.get(runtime.label, {})
    told = share(counts)
    if runtime.status != "ready" and told is None:
        return "unavailable", "lightgrey"
    if not report.complete or told is None:
        return "incomplete", "lightgrey"
    bad, known = verdict.bad(counts), counts.get("known", 0)
    if bad:
        return f"{told.text}, {bad:,} unexpected", "red"
    if report.gate is not None and (worse := _worse(report.gate, runtime.label)):
        return worse, "red"
    if known:
        return f"{told.text}, {known:,} known {'defect' if known == 1 else 'defects'}", "yellowgreen"
    if "pass" not in counts:
        return "unsupported", "lightgrey"
    return f"{counts['pass']:,} of {counts['pass']:,}", "brightgreen"


def _worse(gate: GateVerdict, label: str) -> str:
    """What the gate has against a runtime; nothing where it has none."""
    if gate.refused is not None:
        return "not compared with its baseline"
    count = sum(finding.failing and finding.runtime in (None, label) for finding in gate.findings)
    return f"{count:,} worse than the baseline" if count else ""


def _label(runtime: RuntimeEntry) -> str:
    return one_line(f"{runtime.label}{runtime.suffix}", 60)


def _image(label: str, message: str, colour: str) -> str:
    left, right = _width(label), _width(message)
    return webpage.templates().get_template("badge.svg.j2").render(
        label=label, message=message, colour=colour, left=left, right=right
    )  # fmt: skip


def _width(text: str) -> int:
    """About how wide a text is in 11 px Verdana; the image makes it just that wide."""
    narrow = sum(character in "fijlrtI.,:;|!' ()[]1·" for character in text)
    wide = sum(character in "mwMW@%" for character in text)
    return round(6.8 * (len(text) - narrow - wide) + 4.2 * narrow + 10.2 * wide)
