"""The examples of docs/writing-scenarios.md are real: each is loaded, and played on wasmtime.

A comment before a block says what it is: ``whole``, a scenario file; ``guest``, a file without scenarios; ``steps``,
steps for that guest, which play one after another in one scenario; ``fails``, what a run prints when the first
example's last line is wrong.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures import probes
from suites import expectations, loader, validation, values

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "writing-scenarios.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCK = re.compile(r"^(?:<!-- example: (?P<kind>\w+) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
STEPS = "scenarios:\n  - name: every kind of step\n    steps:\n"


@dataclass(frozen=True)
class Example:
    """A block of the page. ``line`` is where its text begins."""

    kind: str | None
    language: str
    text: str
    line: int


EXAMPLES = [
    Example(found["kind"], found["language"], found["text"], TEXT.count("\n", 0, found.start("text")) + 1)
    for found in BLOCK.finditer(TEXT)
]


def texts(kind: str) -> list[str]:
    return [example.text for example in EXAMPLES if example.kind == kind]


def indented(text: str) -> str:
    return "".join(f"      {line}\n" for line in text.splitlines())


def files() -> dict[str, str]:
    """The scenario files that the page holds, by name."""
    found = {f"line_{example.line}.yaml": example.text for example in EXAMPLES if example.kind == "whole"}
    found["steps.yaml"] = texts("guest")[0] + STEPS + "".join(map(indented, texts("steps")))
    return found


FILES = files()


def test_every_yaml_block_says_what_it_is() -> None:
    unmarked = [example.line for example in EXAMPLES if example.language == "yaml" and example.kind is None]
    assert unmarked == []
    assert {example.kind for example in EXAMPLES} == {None, "whole", "guest", "steps", "fails"}
    assert len(texts("guest")) == len(texts("fails")) == 1


@pytest.mark.parametrize("name", FILES)
def test_an_example_loads(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(FILES[name], encoding="utf-8")
    suite = loader.load_suite(path, name)
    used = {feature for scenario in suite.scenarios for feature in scenario.requires}
    assert used <= set(probes.names())


@dataclass(frozen=True)
class Run:
    """One run of pytest: what it printed, and its results by file name."""

    output: str
    results: dict[str, list[dict[str, Any]]]


def play(folder: Path, runtime: str = "wasmtime") -> Run:
    out = folder / "out"
    command = [sys.executable, "-m", "pytest", f"--suites={folder}", f"--runtime={runtime}", f"--report-dir={out}"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-p", "no:xdist"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = [json.loads(line) for line in (out / "record.jsonl").read_text(encoding="utf-8").splitlines()]
    results: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        if line["type"] == "result":
            results.setdefault(Path(line["suite"]).name, []).append(line)
    return Run(done.stdout, results)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("examples")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return play(folder)


@pytest.mark.parametrize("name", FILES)
def test_an_example_passes_on_wasmtime(name: str, played: Run) -> None:
    results = played.results.get(name, [])
    assert {result["outcome"] for result in results} == {"pass"}, played.output


def test_a_broken_example_fails_as_the_page_shows(tmp_path: Path) -> None:
    first = texts("whole")[0]
    assert first.endswith("expect: 24\n")
    (tmp_path / "first.yaml").write_text(first.replace("expect: 24", "expect: 25"), encoding="utf-8")
    output = re.sub(r"\S*/first\.yaml", "first.yaml", play(tmp_path).output)
    assert texts("fails")[0] in output


# ---------------------------------------------------------------------------------------------- is all of it told?


def described(name: str) -> bool:
    """Whether the page has the word as code, alone or at the start of a form."""
    return re.search(rf"`[^`\n]*(?<![\w-]){re.escape(name)}(?![\w-])[^`\n]*`", TEXT) is not None


def schema() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(validation.SCHEMA_PATH.read_text(encoding="utf-8"))
    return data


def keys(part: Any) -> set[str]:
    """Every key that a scenario file may have."""
    found: set[str] = set()
    if isinstance(part, dict):
        if isinstance(part.get("properties"), dict):
            found |= part["properties"].keys()
        for value in part.values():
            found |= keys(value)
    if isinstance(part, list):
        for value in part:
            found |= keys(value)
    return found


@pytest.mark.parametrize("key", sorted(keys(schema())))
def test_the_page_tells_every_key(key: str) -> None:
    assert described(key)


@pytest.mark.parametrize("word", [*values.MEMORY_TYPES, *probes.names(), *expectations.FAILURE_KINDS])
def test_the_page_tells_every_type_feature_and_failure(word: str) -> None:
    assert described(word)


@pytest.mark.parametrize("kind", validation.STEPS)
def test_every_kind_of_step_has_a_heading(kind: str) -> None:
    assert re.search(rf"^### .*`{kind}`", TEXT, re.M)


def test_links_within_the_page_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", TEXT), re.M)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([\w-]+)\)", TEXT)) <= anchors
