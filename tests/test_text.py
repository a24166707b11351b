from __future__ import annotations

import json
import sys
import unicodedata

import pytest

from linmem.text import clip, one_line, plural, printable, printable_json

UNSEEN = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u2060\u2064\ufeff\ufff9",
    *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    *"\ud800\udfff\ufffe\uffff\U0001fffe\U000e0001\ue000",
    *"\u115f\u3164\uffa0\u034f",
]


@pytest.mark.parametrize("character", [item for item in UNSEEN if item not in "\n\t"], ids=ascii)
def test_what_can_not_be_seen_is_written_out(character: str) -> None:
    shown = printable(f"a{character}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert shown == f"a{character}b".encode("unicode-escape").decode().replace("\\t", "\t").replace("\\r", "\\x0d")
    assert json.loads(printable_json(json.dumps(f"a{character}b", ensure_ascii=False))) == f"a{character}b"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "two\nlines\tand a tab",
        "naïve ≠ 日本語 عربى עברית 👍🏽",
        "a no-break\u00a0space",
        "e\u0301",
        "C:\\x",
    ],
)
def test_what_can_be_seen_stays(text: str) -> None:
    assert printable(text) == text
    assert printable_json(text) == text


def test_every_format_character_is_written_out() -> None:
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp") and chr(code) not in "\n\t":
            assert printable(chr(code)) != chr(code)


def test_lines_end_alike() -> None:
    assert printable("one\r\ntwo\rthree") == "one\ntwo\\x0dthree"
    assert one_line("one\r\ntwo\n\n three") == "one two three"


def test_what_is_left_out_is_told() -> None:
    assert clip("a" * 500_000, 10) == "aaaaaaaaaa… (499,990 more characters in report.json)"
    assert clip("a" * 500_000, 10, "") == "aaaaaaaaaa… (499,990 more characters)"
    assert one_line("a" * 500_000, 10) == "aaaaaaaaa…"


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [
        (1, "crash", "1 crash"),
        (2, "crash", "2 crashes"),
        (2, "unexpected pass", "2 unexpected passes"),
        (1200, "result", "1,200 results"),
    ],
)
def test_counted_nouns(count: int, noun: str, words: str) -> None:
    assert plural(count, noun) == words
