from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

from linmem.scenario import source as yamlsource
from linmem.scenario.source import Map, Seq, SourceError, parse, read


def fault(text: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        parse(text, "f.yaml")
    assert "\n" not in str(caught.value)
    return caught.value


# What comes through


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("24", 24),
        ("-24", -24),
        ("+24", 24),
        ("0x18", 24),
        ("-0x18", -24),
        ("0b11000", 24),
        ("0o30", 24),
        ("0777", 777),  # YAML 1.2: no octal by a leading zero
        ("65_536", 65536),
        ("0xffff_ffff", 0xFFFFFFFF),
        ("18446744073709551616", 1 << 64),
        ("1.5", 1.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-2.5e-3", -0.0025),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("yes", "yes"),  # YAML 1.1's words for true and false are plain text, and so are its dates and times
        ("on", "on"),
        ("2026-11-22", "2026-11-22"),
        ("12:30", "12:30"),
        ("0x", "0x"),
        ("0x_", "0x_"),
        ("0b_", "0b_"),
        ("1__0", "1__0"),
        ("1_", "1_"),
        (".inf", ".inf"),
        ("0x1p-3", "0x1p-3"),
        ("nan:0x200000", "nan:0x200000"),
        ("-0", "-0"),  # stays text, because an integer would lose the sign that a float has
        ("-0x0", "-0x0"),
        ("buffer + 1", "buffer + 1"),
        ("'24'", "24"),
        ('"true"', "true"),
        ("!!str 24", "24"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    found = parse(f"key: {text}\n", "f.yaml")["key"]
    assert found == value
    assert type(found) is type(value)


def test_minus_zero_is_a_float_with_its_sign() -> None:
    assert math.copysign(1, parse("key: -0.0", "f.yaml")["key"]) == -1


def test_keys_are_text() -> None:
    assert parse("{24: a, true: b, on: c, null: d, 0x10: e}", "f.yaml") == {
        "24": "a",
        "true": "b",
        "on": "c",
        "null": "d",
        "0x10": "e",
    }


def test_lines_are_kept() -> None:
    data = parse("# first\na:\n  b: 1\n  c:\n    - x\n    -\n      d: 2\ne: {f: 3,\n  g: 4}\n", "f.yaml")
    assert isinstance(data, Map)
    assert (data.line, data.lines) == (2, {"a": 2, "e": 8})
    assert data["a"].lines == {"b": 3, "c": 4}
    items = data["a"]["c"]
    assert isinstance(items, Seq)
    assert (items.line, items.lines) == (5, [5, 7])
    assert items[1].lines == {"d": 7}
    assert data["e"].lines == {"f": 8, "g": 9}


def test_where_text_starts() -> None:
    data = parse("a: &t |\n  one\n  two\nb: plain\nc: >\n  folded\nd: *t\ne: 'quoted'\n", "f.yaml")
    assert data.starts == {"a": 2, "b": 4, "c": 6, "d": 2, "e": 8}
    assert data["d"] == "one\ntwo\n"


def test_aliases_stand_for_the_same_data() -> None:
    data = parse("a: &x {b: [1, 2]}\nc: *x\nd: [*x, *x]\n", "f.yaml")
    assert data["c"] is data["a"]
    assert data["d"] == [{"b": [1, 2]}, {"b": [1, 2]}]


def test_a_byte_order_mark_and_windows_lines_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes("\ufefftitle: Grüße\r\nlist:\r\n  - 1\r\n".encode())
    data = read(file, "f.yaml")
    assert data == {"title": "Grüße", "list": [1]}
    assert data.lines == {"title": 1, "list": 2}


# What does not


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: [b\nc: d: e\n", 2, "is not YAML: "),
        ("a:\n\t- b\n", 2, "is not YAML: found a tab character (indent with spaces, not with tabs)"),
        (
            "a: `b`\n",
            1,
            "is not YAML: found character that cannot start any token while scanning for the next token (put",
        ),
        ("a: b\n\tc: d\n", 2, "(indent with spaces, not with tabs)"),
        ("a: 1\nb: c: d\n", 2, "(put text that holds ': ' in quotes)"),
        ("a: 1\nb: `c`\n", 2, "(put text that begins with `, @ or % in quotes)"),
        ("a: 1\nb: 'c\nd: 2\n", 4, "that begins in line 2 (a quote or bracket is not closed)"),
        ("a:\n  - b\n c: d\n", 3, "is not YAML: "),
        ("", 1, "is empty"),
        ("# nothing\n", 1, "is empty"),
        ("---\n...\n---\na: 1\n", 3, "holds a second YAML document"),
        ("a: 1\n---\nb: 2\n", 2, "holds a second YAML document"),
        ("a: 1\nb: \x00\n", 2, "U+0000 must not stand in it"),
        ("a: 1\n\nb: \x1b[31m\n", 3, "U+001B must not stand in it"),
        ("a: !!python/object/apply:os.system [id]\n", 1, "tag '!!python/object/apply:os.system' is not allowed"),
        ("a:\n  - !!python/name:os.system\n", 2, "is not allowed"),
        ("a: !own b\n", 1, "tag '!own' is not allowed"),
        ("a: !!set {b}\n", 1, "tag '!!set' is not allowed"),
        ("a: !!binary aGk=\n", 1, "tag '!!binary' is not allowed"),
        ("a: 1\nb: *c\n", 2, "alias '*c' stands before its anchor, or inside it"),
        ("a: &b [1, *b]\n", 1, "alias '*b' stands before its anchor, or inside it"),
        ("a: 1\nb: 2\na: 3\n", 3, "key 'a' stands twice (first in line 1)"),
        ("a: {24: b, '24': c}\n", 1, "key '24' stands twice"),
        ("? [a, b]\n: c\n", 1, "a key must be a plain word"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, "'<<' does not merge mappings here: write the keys out"),
        ("a: 1\nb: 1e999\n", 2, "1e999 is too large for a number"),
        ("a: 1\nb: 1" + "0" * 5000 + "\n", 2, "an integer may have 100 digits, this one has 5001"),
        ("a: " + "[" * 100_000, 1, "is nested more than 40 levels deep"),
        ("".join("  " * depth + "a:\n" for depth in range(600)), 41, "is nested more than 40 levels deep"),
        ("a: [" + "1," * 150_000 + "]\n", 1, "grows to more than 100,000 values"),
    ],
)
def test_a_damaged_or_hostile_text_is_one_line(text: str, line: int, words: str) -> None:
    error = fault(text)
    assert words in error.message
    assert error.line == line
    assert str(error) == f"f.yaml:{line}: {error.message}"


def test_an_alias_bomb_is_counted_and_never_built() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 30))
    error = fault("l0: &l0 [lol, lol]\n" + levels)
    assert "aliases counted as often as they are used" in error.message
    assert error.line == 6


def test_a_key_said_twice_in_quotes_is_not_a_merge() -> None:
    assert parse("'<<': 1\n", "f.yaml") == {"<<": 1}


# Files


def test_a_huge_file_is_not_even_read(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    with file.open("wb") as out:
        out.truncate(10_000_000)
    with pytest.raises(SourceError, match=r"^f\.yaml: has 10\.0 MB, but such a file may have 1 MB"):
        read(file, "f.yaml")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("a: 1\nb: Grüße\n".encode("latin-1"), "f.yaml:2: is not UTF-8 text, from byte 10 on"),
        ("a: 1\n".encode("utf-16"), "f.yaml:1: is not UTF-8 text, from byte 0 on"),
        (b"\0asm\1\0\0\0", "f.yaml:1: is not YAML: U+0000"),
    ],
)
def test_a_file_that_is_not_text(data: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(data)
    with pytest.raises(SourceError) as caught:
        read(file, "f.yaml")
    assert str(caught.value).startswith(words)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^f\.yaml: can't be read: No such file"):
        read(tmp_path / "none.yaml", "f.yaml")


def test_yaml_s_own_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML comes without its C parser, the pure one takes over."""
    text = "a: &x [1, 0x2, {b: -0.0}]\nc: |\n  one\nd: *x\n"
    first = parse(text, "f.yaml")
    monkeypatch.setattr(yamlsource, "LOADER", yamlsource.yaml.SafeLoader)
    second = parse(text, "f.yaml")
    assert (second, second.lines, second.starts) == (first, first.lines, first.starts)
    assert fault("a: 1\nb: \x00\n").line == 2
    assert fault("a: 1\nb: [\n").line == 3


def test_half_of_a_surrogate_pair_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of PyYAML's two parsers there is."""
    for loader in (yamlsource.LOADER, yaml.SafeLoader):
        monkeypatch.setattr(yamlsource, "LOADER", loader)
        with pytest.raises(SourceError, match=r"^f\.yaml:2: is not YAML: "):
            parse('a: 1\nb: "\\ud800"\n', "f.yaml")
