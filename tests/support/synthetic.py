"""A run of a size that no machine here plays: every kind of result, on many runtimes.

``python tests/support/synthetic.py DIR [RUNTIMES] [SCENARIOS]`` writes its record and its reports, and tells how large
the page is and how long Chromium takes to open it.
"""

from __future__ import annotations

import base64
import random
import struct
import sys
import zlib
from pathlib import Path

from report_records import Records, header, known, observed, result, runtime, step

VIEWS = ("Uint8Array", "DataView", "read_write", "get_buffer_ptr")
NAMES = ("wasmtime", "wasmer", "node", "deno", "bun", "pywasm", "wasm3", "wasmedge", "wamr", "wazero", "chicory")
VERBS = ("reads", "writes", "grows past", "keeps a view of", "fills", "copies into", "lets go of")
THINGS = ("a u8", "a u16", "an i32", "an i64", "an f32", "an f64", "four bytes", "a page", "no bytes")
PLACES = (
    "just past the end",
    "at the last byte",
    "at 65535",
    "at 2 GiB",
    "of the guest's memory",
    "in a host function",
)


def labels(count):
    return [
        f"{NAMES[number % len(NAMES)]}@{10 + number}.{number}.0" if number >= 3 else NAMES[number]
        for number in range(count)
    ]


def png(width, height, colour):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(colour) * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return base64.b64encode(data).decode()


def picture(title="framebuffer", colour=(20, 90, 160)):
    return {"title": title, "width": 32, "height": 18, "png": png(32, 18, colour)}


def run(records: Records, runtimes=20, scenarios=1000, seed=1):
    """The report of a run with that many runtimes and scenarios; the same for the same seed."""
    dice = random.Random(seed)
    columns = labels(runtimes)
    results = []
    for number in range(scenarios):
        suite = f"suites/suite_{number * 12 // scenarios:02}.yaml"
        title = f"the host {dice.choice(VERBS)} {dice.choice(THINGS)} {dice.choice(PLACES)} {number}"
        slug = title.replace(" ", "-").replace("'", "").lower()
        kinds = dice.choice([(None,)] * 7 + [VIEWS])
        guests = dice.choice([(None,)] * 3 + [("wat", "go")])
        question = dice.choice([None, None, "stale-read"])
        odd = dice.sample(columns, dice.choice([0, 0, 0, 1, 2, 5]) if runtimes > 5 else 0)
        for label in columns:
            for view in kinds:
                for guest in guests:
                    line = result(slug, label, suite=suite, title=title, view=view, guest=guest)
                    if question:
                        answer = dice.choice(["an error", "nothing", "the byte"]) if label in odd else "an error"
                        line["observations"] = [observed(answer, raw=f"RangeError: offset {number} is out of bounds")]
                    if label in odd and dice.random() < 0.5:
                        spoil(line, dice, number)
                    if number == 7 and view in (None, VIEWS[0]):
                        line["pictures"] = [picture()]
                    results.append(line)
    head = header(results, runtimes=[runtime(label) for label in columns])
    return records.report(results, head=head)


def spoil(line, dice, number):
    outcome = dice.choice(["fail", "fail", "crash", "timeout", "unsupported", "known", "known"])
    if outcome == "known":
        line.update(known=known(10 + number % 40, f"Defect {number % 40} of this runtime is known upstream."))
        outcome = "fail"
    line.update(outcome=outcome, message=f"the {outcome} of scenario {number} on {line['runtime']}")
    if outcome in ("fail", "crash"):
        line["stderr"] = f"thread 'main' panicked at memory.rs:{number}: index out of bounds\n" * 3
        line["steps"] = [
            step("call grow(1)", actual="1"),
            step(f"read u8 at {65536 + number}", "failed", expected="host error", actual=str(number), raw=f"{number}n"),
            step("size", "not reached"),
        ]


def main(folder, *size):
    from browsing import Visit, chromium

    from linmem.report.write import write_all

    record = Records(folder)
    run(record, *size)
    write_all(record.path, folder)
    page = folder / "report.html"
    print(f"{page}: {page.stat().st_size / 1e6:.2f} MB")
    with chromium() as browser:
        for fragment in ("", "suite_03", "portability", "differences", "failures"):
            seen = Visit(browser, page, fragment)
            paint, ready = seen.page.evaluate("""() => [
              performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
              performance.getEntriesByType("navigation")[0].loadEventEnd,
            ]""")
            print(f"  #{fragment:12} first paint {paint:4.0f} ms, all there {ready:4.0f} ms, jumps {seen.shifts():.3f}")
            seen.context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:4]))
