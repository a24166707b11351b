"""Every text that comes from outside is hostile here, in every input; no output has a character that can't be seen."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from report_records import Records, case, header, known, observed, result, runtime, step
from rich.console import Console

from linmem.cli import main
from linmem.plugin.failure import failure_text
from linmem.report import badges, html, junit, markdown, terminal
from linmem.results.outcome import Result
from linmem.text import printable

ROOT = Path(__file__).parents[1]
HOSTILE = {
    "escapes": "\x1b[31mred\x1b]0;title\x07\x9b2J\x08\r\x00",
    "directions": "\u202eleft\u202d\u2066\u2067\u2068\u2069\u200e\u200f\u061c",
    "no width": "a\u200bb\u200cc\u200dd\u2060e\ufefff\u00ad\U000e0041",
    "half": "\ud800half\udfff",
    "markup": "</script><b>&amp;|`x` [a](javascript:x) {{ 7*7 }} ]]> --> ::error::",
    "breaks": "one\u2028two\u2029three\x85four\nfive\tsix",
    "long": "x" * 500_000,
}
texts = pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
KEPT = {"type", "format", "outcome", "status", "started", "finished", "sha256", "png", "spec", "link"}
"""What has a fixed form, or is tested by itself."""


def assert_clean(output: str, longest: int = 100_000) -> None:
    for line in output.split("\n"):
        assert printable(line) == line
    assert longest > max(map(len, re.findall("x{1000,}", output)), default=0)


LONG = {"title", "message", "stderr", "text", "expected", "actual", "raw", "reason", "remedy", "question", "answer"}
"""What may be long."""


def spoiled(value: Any, text: str) -> Any:
    """Data with `text` behind every text in it, so that what belongs together still does."""
    if text == HOSTILE["long"] and isinstance(value, dict):
        return {
            key: item + text
            if key in LONG and isinstance(item, str)
            else spoiled(item, text)
            if isinstance(item, (dict, list))
            else item
            for key, item in value.items()
        }
    if isinstance(value, str):
        return value + text
    if isinstance(value, list):
        return [spoiled(item, text) for item in value]
    if not isinstance(value, dict):
        return value
    fixed = {"linmem", "python"}  # keys that are not the reporter's own
    return {
        (key if key in fixed or key.isidentifier() else key + text): item if key in KEPT else spoiled(item, text)
        for key, item in value.items()
    }


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path)


def hostile_run(folder: Path, text: str, value: str = "0") -> Path:
    """A record in which every text is hostile."""
    results = [
        result("fails", "wasmtime", "fail", message="m", stderr="s", where="w:1", steps=[step("a", "failed", raw="r")]),
        result("fails", "node", observations=[observed(value, raw="raw")]),
        result("fails", "wasmer", observations=[observed("1", raw="raw")], guest="go", view="DataView"),
        result("known", "wasmtime", "fail", known=known(reason="reason")),
        result("known", "node", "unsupported", message="lacks"),
        result("passes", "wasmtime", known=known()),
        result("crashes", "node", "crash", message="gone", stderr="e"),
    ]
    head = header(results)
    head["runtimes"].append(runtime("gone", status="unavailable", reason="why", remedy="how"))
    head["guests"].append({"program": "p", "guest": "g", "status": "unavailable", "reason": "why", "remedy": "how"})
    head["environment"]["packages"] = {"a-b": "1"}
    says = {"type": "runtime", "label": "node", "engine": "e", "host": "h", "views": ["v"], "features": {"a-b": True}}
    between = [says, {"type": "broken", "suite": "s", "message": "m"}]
    return Records(folder).write(
        [spoiled(item, text) for item in results],
        head=spoiled(head, text),
        between=[spoiled(item, text) for item in between],
    )


@texts
def test_reports(text: str, tmp_path: Path, records: Records) -> None:
    from linmem.report import build
    from linmem.results import record

    report = build.build(record.read(hostile_run(tmp_path, text)))
    screen = io.StringIO()
    terminal.render(report, Console(file=screen, width=100), Path(f"report{text[:100]}.html"), failures=True)
    pages = [html.render(report), markdown.render(report), junit.render(report), screen.getvalue()]
    pages += [data.decode() for _, data in badges.badges(report)]
    pages += [name for name, _ in badges.badges(report)]
    pages += [failure_text(item) for item in report.results]
    for page in pages:
        assert_clean(page)
    assert isinstance(report.results[0], Result)


@texts
def test_commands_on_runs(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    complete = {"broken": []}
    old, new = (hostile_run(tmp_path / name, text, value) for name, value in (("a", "0"), ("b", "2")))
    for path in (old, new):
        lines = [line for line in path.read_text().split("\n") if line and json.loads(line)["type"] not in complete]
        path.write_text("\n".join(line for line in lines if json.loads(line)["type"] != "broken") + "\n")
    baseline = tmp_path / "baseline.yaml"
    for words in (
        ["report", "show", str(old)],
        ["report", "build", str(old)],
        ["diff", str(old), str(new)],
        *(["diff", str(old), str(new), f"--format={form}"] for form in ("markdown", "json", "html")),
        ["gate", str(old), "--record-baseline", str(baseline)],
        ["gate", str(new), "--baseline", str(baseline)],
        *(["gate", str(new), "--baseline", str(baseline), f"--format={form}"] for form in ("markdown", "json")),
        ["merge", str(old), str(new), "--report-dir", str(tmp_path / "merged")],
        ["known", "--stale", "--from", str(old)],
        ["known", "--add", "--from", str(old), "--known", str(tmp_path / "known.yaml")],
        ["repro", f"no{text[:100]}::such[case]", str(old)],
    ):
        assert main(words) in (0, 1, 2)
        said = capsys.readouterr()
        assert said.out + said.err, words[:2]
        assert_clean(said.out, 600_000 if "json" in words[-1] or "html" in words[-1] else 100_000)
        assert_clean(said.err)
    for path in (baseline, tmp_path / "merged" / "report.md"):
        assert_clean(path.read_text(encoding="utf-8"), 600_000)


# Scenario files, manifests, known lists, drivers


def scenarios(text: str) -> str:
    """A good file, in which every text that may be anything is hostile."""
    text = text[:20_000]
    line = text[:200].replace("\n", " ")
    calls = ("speaks", "traps", "lacks", "prints_and_exits", "prints_its_words", "asks_in_its_words", "gives_its_words")
    exports = " ".join(f'(func (export "{name}") (result i32) (i32.const 0))' for name in calls)
    one = [
        {"name": f"{name} {line}", "spec": f"https://example.org/{line}", "about": text, "steps": [{"call": name}]}
        for name in calls
    ]
    asks = [
        {"size": "memory", "observe": "what"},
        {"read": "u8", "at": 0, "observe": {"id": "what", "answers": {text: line}}},
        {"write": "bytes", "at": 0, "value": {"text": text.encode("utf-8", "replace").decode()}},
        {"read": "bytes", "at": 0, "count": 1, "expect": {"text": text.encode("utf-8", "replace").decode()}},
    ]
    return yaml.safe_dump(
        {
            "title": f"T {line}",
            "about": text,
            "wat": f'(module (memory (export "memory") 1) {exports})',
            "observations": {"what": {"question": f"What {line}?", "answers": {text: line}}},
            "scenarios": [*one, {"name": f"asks {line}", "steps": asks}],
        }
    )


def broken(text: str) -> Iterator[str]:
    """Files with a fault that quotes hostile text."""
    one = {"name": "one", "steps": [{"size": "memory"}]}
    good = {"title": "T", "wat": "(module)", "scenarios": [one]}
    yield json.dumps({**good, text: 1})
    yield json.dumps({**good, "title": [text]})
    yield json.dumps({**good, "module": text, "wat": "(module)"})
    yield json.dumps({"title": "T", "module": text, "scenarios": [one]})
    yield json.dumps({**good, "requires": text})
    yield json.dumps({**good, "program": text})
    for wrong in (
        {"read": text, "at": 0},
        {text: text},
        {"read": "u8", "at": text},
        {"size": "memory", "as": text},
        {"size": "memory", "observe": text},
        {"write": "u8", "at": 0, "value": text},
        {"write": "bytes", "at": 0, "value": {"hex": text}},
        {"size": "memory", "expect": text},
        {"grow": 1, "in": text},
        {"read": "u8", "at": 0, "through": text},
        {"instantiate": text},
        {"size": f"${{{text}}}"},
        {"size": "$x"},
    ):
        yield json.dumps({**good, "scenarios": [{"name": "one", "cases": [{"a": text}], "steps": [wrong]}]})
    yield f"title: {text}: x: y"
    yield f"title: &{text} *{text}"


@texts
def test_scenario_files(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    half = "half" if "\ud800" in text else ""
    (tmp_path / "good.yaml").write_text(scenarios("half" if half else text))
    (tmp_path / "bad").mkdir()
    for number, wrong in enumerate(broken(text)):
        (tmp_path / "bad" / f"{number}.yaml").write_bytes(wrong.encode("utf-8", "surrogatepass"))
    good, bad = str(tmp_path / "good.yaml"), str(tmp_path / "bad")
    for words, status in (
        (["list", good], 0),
        (["list", good, "--format=json"], 0),
        (["check", good], 0),
        (["check", bad], 1),
        (["list", bad, f"no{text[:50]}".replace("\0", "")], 2),
    ):
        assert main(words) == status, capsys.readouterr()
        said = capsys.readouterr()
        assert said.out + said.err
        assert_clean(said.out, 600_000 if "json" in words[-1] else 1000)
        assert_clean(said.err, 1000)


@pytest.mark.slow
@texts
def test_a_run(text: str, tmp_path: Path, fake_runtime: Callable[..., Path], run: Callable[..., Any]) -> None:
    words = tmp_path / "words.json"
    words.write_text(json.dumps(text))
    suites = tmp_path / "suites"
    suites.mkdir()
    plain = "half" if "\ud800" in text else text[:20_000]
    (suites / "good.yaml").write_text(scenarios(plain))
    name = re.sub("[/\0\n\ud800-\udfff]", "", text)[:60]
    (suites / f"{name}.yaml").write_text(scenarios(plain))
    (suites / "bad.yaml").write_text(yaml.safe_dump({"title": "T", plain: 1, "scenarios": []}))
    fake = fake_runtime(env={"FAKE_WORDS": str(words)})
    gone = fake_runtime("gone")
    for folder, program in ((fake, sys.executable), (gone, "no-such-program")):
        manifest = json.loads((folder / "runtime.yaml").read_text())
        manifest["title"] += plain
        manifest["environment"] = {"program": {"name": program, "remedy": plain or "x"}}
        (folder / "runtime.yaml").write_text(yaml.safe_dump(manifest))
    entry = {"scenario": "good.yaml::speaks*", "runtime": "fake", "reason": plain, "outcome": "any", "message": plain}
    (tmp_path / "known.yaml").write_text(yaml.safe_dump([{**entry, "link": "https://example.org"}]))
    played = run(
        f"--suites={suites}", f"--runtime={fake}", f"--known={tmp_path / 'known.yaml'}", "-v", "-rA", "--color=no"
    )
    assert played.status == pytest.ExitCode.TESTS_FAILED, played.text
    assert_clean(played.text, 10_000)
    assert "Traceback" not in played.text
    assert len(played.lines("result")) == 16
    for path in [*played.folder.glob("*.html"), *played.folder.glob("*.[mx]*"), *played.folder.glob("badges/*")]:
        assert_clean(path.read_text(encoding="utf-8"), 600_000 if path.suffix == ".html" else 100_000)
        assert_clean(path.name)
    assert_clean((played.folder / "report.json").read_text(encoding="utf-8"), 600_000)
    for words_ in (["runtimes", "list", str(fake), str(gone)], ["run", f"--runtime={gone}", f"--suites={suites}"]):
        command = [sys.executable, "-m", "linmem", *words_]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert_clean(done.stdout, 10_000)
        assert_clean(done.stderr, 600_000)
        assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["run", "{}[1].yaml"],  # a file's name, as a shell gives it for a pattern
        ["run", "growth.yaml::{}"],
        ["run", "--{}"],
        ["run", "-k", "{}("],
        ["run", "-p", "{}"],
        ["run", "-c", "{}"],
        ["gate", "a", "b", "{}"],
        ["guests", "fetch", "{}"],
        ["{}"],
    ],
)
def test_what_is_wrong_with_a_command_line(words: list[str], tmp_path: Path) -> None:
    text = HOSTILE["escapes"].replace("\0", "") + HOSTILE["directions"]
    done = subprocess.run(
        [sys.executable, "-m", "linmem", *(word.format(text) for word in words)],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode in (2, 4)
    assert_clean((done.stdout + done.stderr).decode())


def test_the_cases_are_as_they_seem() -> None:
    """`assert_clean` notices each hostile text but the one that is only long or markup."""
    for name, text in HOSTILE.items():
        if name not in ("markup", "long"):
            with pytest.raises(AssertionError):
                assert_clean(text)
    with pytest.raises(AssertionError):
        assert_clean(HOSTILE["long"])
    assert case()
