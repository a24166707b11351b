"""A suite is played from its file to the report, on the runtimes that a run names by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_a_suite_is_played_on_the_three_default_runtimes(run: Callable[..., Any]) -> None:
    played = run("suites/memory/growth.yaml")
    assert (played.status, played.report["complete"]) == (0, True), played.text
    results = played.lines("result")
    names = {result["id"].partition("::")[2].partition("[")[0] for result in results}
    for runtime in ("wasmtime", "wasmer", "node"):
        outcomes = [result["outcome"] for result in results if result["runtime"] == runtime]
        assert outcomes.count("pass") > len(names) / 2
    assert {result["suite"] for result in results} == {"suites/memory/growth.yaml"}
    assert (played.folder / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
