"""Take the pictures of the report that the documentation shows: ``python tests/screenshots.py [REPORT] [--out FOLDER]``.

REPORT is a run's report.html, by default that of the last whole run. The pictures are of the width in which they are
shown, with 64 colours, so that they stay small. Needs a Chromium, as the tests of the page do.
"""

from __future__ import annotations

import argparse
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

from browsing import Visit, chromium  # noqa: E402

COLOURS = 64
DESKTOP = {"width": 1280, "height": 900}
PANEL = "growth/the-host-grows-past-the-maximum-by-18446744073709551617-pages/wasmtime"
PHONE = {"width": 390, "height": 844}


def shot(
    browser, report: Path, fragment: str = "", scheme: str = "light", prepare: str = "", **size: int
) -> Image.Image:
    """A picture of the page's first screen at an address, after the script `prepare` has run in it."""
    visit = Visit(browser, report, fragment, scheme=scheme, **size)
    visit.page.wait_for_selector(".ready")
    if prepare:
        visit.page.evaluate(prepare)
    visit.page.wait_for_timeout(300)
    picture = Image.open(BytesIO(visit.page.screenshot())).convert("RGB")
    visit.context.close()
    return picture


def beside(pictures: list[Image.Image], gap: int = 12) -> Image.Image:
    """Pictures of one height in a row."""
    whole = Image.new(
        "RGB", (sum(one.width for one in pictures) + gap * (len(pictures) - 1), pictures[0].height), "#888"
    )
    at = 0
    for one in pictures:
        whole.paste(one, (at, 0))
        at += one.width + gap
    return whole


def pictures(browser, report: Path) -> dict[str, Image.Image]:
    """All pictures, by the names of their files."""
    to_table = "document.getElementById('bar').scrollIntoView()"
    first_topic = "document.querySelector('#findings details.topic summary').click(); " + to_table
    known = "conformance?show=known"
    found = {
        "report": shot(browser, report, **DESKTOP),
        "report-dark": shot(browser, report, scheme="dark", **DESKTOP),
        "report-portability": shot(browser, report, "portability", prepare=first_topic, **DESKTOP),
        "report-panel": shot(browser, report, PANEL, **DESKTOP),
        "report-phone": beside(
            [
                shot(browser, report, **PHONE),
                shot(browser, report, known, scheme="dark", prepare=to_table, **PHONE),
                shot(browser, report, "portability", prepare=first_topic, **PHONE),
                shot(browser, report, "differences", scheme="dark", prepare=to_table, **PHONE),
            ]
        ),
    }
    return found


def main() -> None:
    """Take the pictures and write them."""
    parser = argparse.ArgumentParser(description="Take the documentation's pictures of a report.")
    parser.add_argument("report", nargs="?", type=Path, default=ROOT / "reports" / "out" / "report.html")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="the folder for the pictures (default: docs)")
    options = parser.parse_args()
    if not options.report.is_file():
        parser.error(f"{options.report} is not there: 'tox -e report' makes it")
    with chromium() as browser:
        for name, picture in pictures(browser, options.report.resolve()).items():
            path = options.out / f"{name}.png"
            picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
            print(f"{path}: {picture.width} × {picture.height}, {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
