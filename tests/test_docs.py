"""What the documentation shows is real.

Each example of the tutorial (docs/writing-scenarios.md) and the reference (docs/scenario-reference.md) is loaded, and
played on wasmtime. A comment before a block says what it is: ``whole``, a scenario file; ``guest``, a file without
scenarios; ``steps``, steps for that guest, which play one after another in one scenario; ``fails``, what a run prints
when the first example's last line is wrong. The reference's tables of keys are those that the schema gives.

The runtime of docs/adding-a-runtime.md is built from the page. There the comment names the file that a block is of.
"""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from linmem.errors import UserError
from linmem.guests import probes
from linmem.scenario import expectations, loader, tables, values
from linmem.scenario import schema as rules
from linmem.scenario.loader import load_suite

ROOT = Path(__file__).parents[1]
TUTORIAL = (ROOT / "docs" / "writing-scenarios.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs" / "scenario-reference.md").read_text(encoding="utf-8")
RUNTIME_TEXT = (ROOT / "docs" / "adding-a-runtime.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^(?:<!-- example: (?P<kind>\w+) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
FILE = re.compile(r"^<!-- file: (?P<name>\S+) -->\n```\w+\n(?P<text>.*?)^```$", re.M | re.S)
STEPS = "scenarios:\n  - name: every kind of step\n    steps:\n"


@dataclass(frozen=True)
class Example:
    """A block of a page. ``line`` is where its text begins."""

    page: str
    kind: str | None
    language: str
    text: str
    line: int


EXAMPLES = [
    Example(name, found["kind"], found["language"], found["text"], page.count("\n", 0, found.start("text")) + 1)
    for name, page in (("tutorial", TUTORIAL), ("reference", REFERENCE))
    for found in BLOCK.finditer(page)
]


def texts(kind: str) -> list[str]:
    return [example.text for example in EXAMPLES if example.kind == kind]


def indented(text: str) -> str:
    return "".join(f"      {line}\n" for line in text.splitlines())


def files() -> dict[str, str]:
    """The scenario files that the pages hold, by name."""
    found = {f"{item.page}_{item.line}.yaml": item.text for item in EXAMPLES if item.kind == "whole"}
    found["steps.yaml"] = texts("guest")[0] + STEPS + "".join(map(indented, texts("steps")))
    return found


FILES = files()


def test_every_yaml_block_says_what_it_is() -> None:
    unmarked = [
        (example.page, example.line) for example in EXAMPLES if example.language == "yaml" and example.kind is None
    ]
    assert unmarked == []
    assert {example.kind for example in EXAMPLES} == {None, "whole", "guest", "steps", "fails", "javascript"}
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
    """One run: what it printed, and its results by file name."""

    output: str
    results: dict[str, list[dict[str, Any]]]


def play(folder: Path, *options: str) -> Run:
    """Play what the options select, and keep the reports in the folder."""
    out = folder / "out"
    command = [sys.executable, "-m", "linmem", "run", f"--report-dir={out}", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
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
    return play(folder, f"--suites={folder}", "--runtime=wasmtime")


@pytest.mark.parametrize("name", FILES)
def test_an_example_passes_on_wasmtime(name: str, played: Run) -> None:
    results = played.results.get(name, [])
    assert {result["outcome"] for result in results} == {"pass"}, played.output


@pytest.mark.parametrize("text", texts("javascript"))
def test_an_example_of_javascript_s_own_can_be_loaded(text: str, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(text, encoding="utf-8")
    assert all(scenario.host == "JavaScript" for scenario in load_suite(tmp_path / "one.yaml", "one.yaml").scenarios)


@pytest.mark.slow
def test_a_broken_example_fails_as_the_page_shows(tmp_path: Path) -> None:
    first = texts("whole")[0]
    assert first.endswith("expect: 24\n")
    (tmp_path / "first.yaml").write_text(first.replace("expect: 24", "expect: 25"), encoding="utf-8")
    run = play(tmp_path, f"--suites={tmp_path}", "--runtime=wasmtime")
    output = re.sub(r"\S*/first\.yaml", "first.yaml", run.output)
    assert texts("fails")[0] in output


# ---------------------------------------------------------------------------------------------- is all of it told?


def described(name: str) -> bool:
    """Whether the reference has the word as code, alone or at the start of a form."""
    return re.search(rf"`[^`\n]*(?<![\w-]){re.escape(name)}(?![\w-])[^`\n]*`", REFERENCE) is not None


def form() -> dict[str, Any]:
    data: dict[str, Any] = rules.SCHEMA.document
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


@pytest.mark.parametrize("key", sorted(keys(form())))
def test_the_page_tells_every_key(key: str) -> None:
    assert described(key)


@pytest.mark.parametrize("word", [*values.MEMORY_TYPES, *probes.names(), *expectations.FAILURE_KINDS])
def test_the_page_tells_every_type_feature_and_failure(word: str) -> None:
    assert described(word)


@pytest.mark.parametrize("kind", rules.STEPS)
def test_every_kind_of_step_has_a_heading(kind: str) -> None:
    assert re.search(rf"^### .*`{kind}`", REFERENCE, re.M)


def test_the_tables_of_keys_are_those_of_the_schema() -> None:
    """After a change of the schema: linmem schema scenario --fill docs/scenario-reference.md."""
    assert tables.fill(REFERENCE, form()) == REFERENCE


def parts(part: Any, at: str = "") -> dict[str, dict[str, Any]]:
    """Every part of a schema that has keys, by its JSON pointer."""
    found = {}
    if isinstance(part, dict):
        if isinstance(part.get("properties"), dict):
            found[at or "/"] = part["properties"]
        for key, value in part.items():
            found |= parts(value, f"{at}/{key}")
    if isinstance(part, list):
        for number, value in enumerate(part):
            found |= parts(value, f"{at}/{number}")
    return found


SMALL = ("byte_text", "byte_hex", "step_function/properties", "step_release/properties", "step_for/properties")
"""Parts with one or two keys, which the reference explains where their values stand."""


def test_every_part_of_the_schema_has_its_table() -> None:
    shown = set(re.findall(r"^<!-- keys: (\S+) -->$", REFERENCE, re.M))
    assert {at for at in parts(form()) if not any(name in at for name in SMALL)} == shown


def test_the_schema_says_what_every_key_means() -> None:
    silent = [
        f"{at}/{key}"
        for at, found in parts(form()).items()
        for key, value in found.items()
        if not value.get("description")
    ]
    assert silent == []


def test_a_table_of_keys_tells_type_default_and_meaning() -> None:
    schema = {
        "required": ["a"],
        "properties": {
            "a": {"$ref": "#/$defs/word", "description": "One | two."},
            "b": {"type": "array", "items": {"enum": ["x", "y"]}, "default": ["x"]},
            "c": {"type": "boolean", "default": False},
            "d": {"type": "integer", "default": "as many as fit"},
        },
        "$defs": {"word": {"type": "string", "description": "A word."}},
    }
    page = "Before.\n<!-- keys: / -->\nold\n<!-- end of keys -->\nAfter.\n"
    assert tables.fill(page, schema).splitlines() == [
        "Before.",
        "<!-- keys: / -->",
        "| Key | Type | Default | Meaning |",
        "|---|---|---|---|",
        "| `a` | text | *required* | One \\| two. |",
        "| `b` | list: `x` or `y` | `[x]` |  |",
        "| `c` | `true` or `false` | `false` |  |",
        "| `d` | integer | as many as fit |  |",
        "<!-- end of keys -->",
        "After.",
    ]
    with pytest.raises(UserError, match="the schema has no keys at /nowhere"):
        tables.fill(page.replace("keys: /", "keys: /nowhere"), schema)


def test_the_tutorial_is_short() -> None:
    assert len(TUTORIAL.split()) <= 2000


# -------------------------------------------------------------------------------------------- the runtime of the page


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "my-runtime"
    folder.mkdir()
    for name in ("runtime.yaml", "driver.py"):
        blocks = [found["text"] for found in FILE.finditer(RUNTIME_TEXT) if found["name"] == name]
        (folder / name).write_text("\n\n".join(blocks), encoding="utf-8")
    return folder


@pytest.mark.slow
def test_the_runtime_of_the_page_answers_right(runtime: Path) -> None:
    command = [sys.executable, "-m", "linmem", "runtimes", "check", str(runtime)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] in RUNTIME_TEXT


@pytest.mark.slow
def test_the_runtime_of_the_page_plays_and_agrees_with_wasmtime(runtime: Path, tmp_path: Path) -> None:
    suites = ["suites/calls/reentrancy.yaml", "suites/memory/shared_buffer.yaml"]
    run = play(tmp_path, f"--runtime={runtime}", "--runtime=wasmtime", *suites)
    results = [result for suite in run.results.values() for result in suite]
    assert {result["runtime"] for result in results} == {"my-runtime", "wasmtime"}, run.output
    assert {result["outcome"] for result in results} == {"pass"}, run.output

    def answers(name: str) -> dict[tuple[str, str | None], list[tuple[str, str]]]:
        return {
            (result["scenario"], result["guest"]): [(seen["id"], seen["answer"]) for seen in result["observations"]]
            for result in results
            if result["runtime"] == name and result["view"] in (None, "read_write")
        }

    assert answers("my-runtime") == answers("wasmtime")


@pytest.mark.parametrize(
    "key", sorted(keys(json.loads((ROOT / "linmem/provision/runtime.schema.json").read_text("utf-8"))))
)
def test_the_page_tells_every_key_of_a_manifest(key: str) -> None:
    assert re.search(rf"`{key}`", RUNTIME_TEXT)


# ------------------------------------------------------------------------------------------------------- all the pages

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "suites").glob("*/README.md")]


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        path, _, anchor = target.partition("#")
        other = page.parent / path if path else page
        if path.startswith("http"):
            continue
        if not other.exists() or (anchor and anchor not in anchors(other)):
            lost.append(target)
    assert lost == []


# ---------------------------------------------------------------------------------------------------- the architecture

ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def parts_of_the_package() -> list[tuple[list[str], str]]:
    """The rows of the table of parts: the names in the first column, and the second column."""
    table = ARCHITECTURE.partition("| Part of `linmem/` |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`[^|]+`) \| (.*) \|$", table, re.M)
    return [([name.rstrip("/") for name in re.findall(r"`([\w/]+)`", names)], text) for names, text in rows]


def test_the_architecture_lists_the_parts_in_the_order_that_is_checked() -> None:
    layers = re.findall(
        r'^    "([\w| ]+)",$', (ROOT / "pyproject.toml").read_text("utf-8").partition("layers = [")[2], re.M
    )
    order = [set(layer.split(" | ")) for layer in reversed(layers) if layer != "__main__"]
    listed = [name for names, _ in parts_of_the_package() for name in names]
    for layer in order:
        assert set(listed[: len(layer)]) == layer
        listed = listed[len(layer) :]
    assert listed == []


@pytest.mark.parametrize(
    ("names", "text"), parts_of_the_package(), ids=lambda value: "+".join(value) if isinstance(value, list) else ""
)
def test_the_modules_that_the_architecture_names_exist(names: list[str], text: str) -> None:
    for part in names:
        folder = ROOT / "linmem" / part
        assert folder.is_dir() or folder.with_suffix(".py").is_file()
        for module in re.findall(r"`([a-z_]+/?)`", text) if folder.is_dir() else ():
            place = folder / module
            assert module == "linmem" or place.is_dir() or place.with_suffix(".py").is_file(), module


def test_the_glossary_has_at_most_twenty_terms() -> None:
    glossary = ARCHITECTURE.partition("## Glossary")[2].partition("\n## ")[0]
    assert 10 <= len(re.findall(r"^\| (?!Term|---)", glossary, re.M)) <= 20


NAMED = re.compile(r"(?<![\w/-])(?:suites/[\w/]+/)?(?P<file>\w+\.yaml)::(?P<slug>[a-z0-9_+.*-]+)")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "runtimes").glob("*/known.yaml"))]


def test_scenarios_that_pages_and_headers_name_exist() -> None:
    suites = {path.name: path for path in (ROOT / "suites").rglob("*.yaml")}
    slugs = {name: [item.slug for item in load_suite(path, name).scenarios] for name, path in suites.items()}
    found = [
        (f"{page.name}:{number}", one["file"], one["slug"])
        for page in PAGES
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
        for one in NAMED.finditer(line)
    ]
    assert len(found) > 100
    wrong = [one for one in found if one[1] in slugs and not fnmatch.filter(slugs[one[1]], one[2])]
    assert wrong == []


@pytest.mark.parametrize(("language", "sources"), [("rust", "wasmi/*.rs"), ("java", "chicory/**/*.java")])
def test_the_pages_on_kits_show_drivers_as_they_are(language: str, sources: str) -> None:
    page = (ROOT / "docs" / f"adding-a-runtime-in-{language}.md").read_text(encoding="utf-8")
    drivers = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "runtimes").glob(sources))
    shown = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert len(shown) > 2
    assert [one for one in shown if one not in drivers] == []
