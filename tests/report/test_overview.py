"""The page of all runtimes: what manifests say, and what a run found."""

from __future__ import annotations

import re
from pathlib import Path

from report_records import Records, header, known, result, runtime

from linmem.provision.manifest import Absent, all_manifests
from linmem.report import overview
from linmem.run.runtimes import everyone

PAGE = (Path(__file__).parents[2] / "docs" / "runtimes.md").read_text(encoding="utf-8")


def test_the_committed_page_says_what_the_manifests_say() -> None:
    for manifest in all_manifests():
        assert "\n".join(overview.about(manifest)) in PAGE, (
            f"make docs/runtimes.md again: {manifest.name} is not as it was"
        )


def test_the_committed_page_has_every_column() -> None:
    told = {(label, version or None) for label, version in re.findall(r"^\| `(\S+)`(?: (\S+))? \|", PAGE, re.M)}
    away = set(re.findall(r"^\* `(\S+)` did not take part: ", PAGE, re.M))
    for manifest, name in everyone():
        version = None if "@" in str(name) else manifest.version
        assert (
            isinstance(manifest.environment, Absent)
            or str(name) in away
            or any(label == str(name) and version in (None, found) for label, found in told)
        ), f"{name} {version}"


def test_a_run_adds_what_it_found(tmp_path) -> None:
    defect = known(31, "it is wrong upstream", "https://example.org/issues/1")
    results = [
        result("one", "wasmtime"),
        result("one", "wasmtime:pulley", "crash", known=defect),
        result("two", "wasmtime"),
        result("two", "wasmtime:pulley", "unsupported", lack={"kind": "engine", "what": "threads"}),
    ]
    runtimes = [runtime(label, family="Wasmtime", api="wasmtime-py") for label in ("wasmtime", "wasmtime:pulley")]
    away = runtime("wasmtime-go", status="unavailable", reason="no compiler")
    page = overview.page(Records(tmp_path).report(results, head=header(results, runtimes=[*runtimes, away])))
    assert "| `wasmtime` 1.0 | Wasmtime | wasmtime-py | 2 | 0 | 0 |\n" in page
    assert "| `wasmtime:pulley` 1.0 | Wasmtime | wasmtime-py | 0 | 1 | 1 |\n" in page
    assert "| `wasmtime-go`" not in page
    assert "* `wasmtime-go` did not take part: no compiler\n" in page
    assert "* `wasmtime` 1.0: meets 2 requirements, breaks 0\n" in page
    assert "breaks 1, can't be tested for 1: features of the engine: threads (1)\n" in page
    assert "* it is wrong upstream (wasmtime:pulley) [example.org/issues/1](https://example.org/issues/1)\n" in page
    assert "Not played: " in page  # what linmem has no driver for


def test_a_runtime_s_columns_stand_together_wherever_they_are_in_the_run(tmp_path) -> None:
    gone = known(31, "it was wrong once")
    results = [result("one", label) for label in ("node", "wasmtime")]
    results.append(result("one", "node@20.18.0", known=gone))  # it passes: the entry is outdated, no defect came
    page = overview.page(Records(tmp_path).report(results))
    section = page.partition("## Node.js")[2].partition("\n## ")[0]
    assert re.findall(r"^\* `(\S+)`", section, re.M) == ["node", "node@20.18.0"]
    assert page.count("| `node") == 2
    assert "it was wrong once" not in page
