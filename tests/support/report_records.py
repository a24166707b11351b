"""Records made by hand: as small as a test needs, in the form that a run writes."""

from __future__ import annotations

from pathlib import Path

import msgspec

from linmem.play import picture as pictures
from linmem.report import build as report
from linmem.results import record
from linmem.results.case import Case
from linmem.results.document import Report

SUITE = "suites/memory/growth.yaml"


def result(scenario="grows", runtime="wasmtime", outcome="pass", **more):
    """One line of type ``result``; its id is its case's."""
    suite, guest, view = more.get("suite", SUITE), more.get("guest"), more.get("view")
    line = {
        "type": "result",
        "id": Case(suite, scenario, runtime, guest, view).id,
        "suite": suite,
        "scenario": scenario,
        "title": f"Memory {scenario}",
        "guest": guest,
        "runtime": runtime,
        "version": runtime.partition("@")[2] or "1.0",
        "view": view,
        "outcome": outcome,
        "message": "" if outcome == "pass" else f"the {outcome}'s message",
        "where": None if outcome == "pass" else f"{suite}:17",
        "steps": [],
        "stderr": "",
        "observations": [],
        "pictures": [],
        "known": None,
        "duration": 0.001,
    }
    return {**line, **more}


def case(scenario="grows", runtime="wasmtime", suite=SUITE, guest=None, view=None):
    """A case as a record has it where it was planned or left out."""
    return {"suite": suite, "scenario": scenario, "runtime": runtime, "guest": guest, "view": view}


def observed(answer, id="stale-read", raw="24"):
    return {"id": id, "answer": answer, "raw": raw, "where": f"{SUITE}:31"}


def picture(title="A picture"):
    """One black pixel."""
    return msgspec.to_builtins(pictures.picture(title, 1, 1, "gray8", b"\0"))


KNOWN = "runtimes/wasmtime/known.yaml"


def known(line=12, reason="it is wrong upstream", link=None, outcome=None, file=KNOWN):
    return {"file": file, "line": line, "reason": reason, "link": link, "outcome": outcome}


def step(text, status="ok", **more):
    return {
        "text": text,
        "where": f"{SUITE}:17",
        "status": status,
        "expected": None,
        "actual": None,
        "raw": None,
        **more,
    }


def runtime(label, **more):
    name, _, version = label.partition("@")
    plain, _, variant = name.partition(":")
    ready = {
        "label": label,
        "name": plain,
        "variant": variant or None,
        "version": version or "1.0",
        "origin": f"PyPI {plain}",
        "status": "ready",
        "reason": None,
        "remedy": None,
    }
    return {**ready, **more}


def header(results, **more):
    """The first line that announces just these results."""
    suites = {}
    for item in results:
        scenarios = suites.setdefault(item["suite"], {})
        scenarios[item["scenario"]] = {"scenario": item["scenario"], "title": item["title"], "spec": None, "line": 12}
    head = {
        "type": "run",
        "format": 2,
        "linmem": "0.1.0",
        "started": "2026-01-02T03:04:05Z",
        "command": ["linmem", "run"],
        "environment": {
            "python": "3.11.7",
            "implementation": "CPython",
            "platform": "Linux",
            "packages": {"pytest": "9"},
        },
        "runtimes": [runtime(label) for label in dict.fromkeys(item["runtime"] for item in results)],
        "guests": [],
        "suites": [
            {
                "path": path,
                "title": f"Suite {Path(path).stem}",
                "about": None,
                "scenarios": list(scenarios.values()),
                "observations": [{"id": "stale-read", "question": "What does an old view see?", "answers": []}],
            }
            for path, scenarios in suites.items()
        ],
        "planned": [{key: item[key] for key in case()} for item in results],
    }
    return {**head, **more}


END = {"type": "end", "finished": "2026-01-02T03:04:15Z", "complete": True, "reason": None}


class Records:
    """Writes records into a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "out" / "record.jsonl"

    def write(self, results, *, head=None, end=END, between=()) -> Path:
        lines = [*between, *results, *([end] if end else [])]
        with record.RecordWriter(self.path, head or header(results)) as writer:
            for line in lines:
                writer.write(line)
        return self.path

    def report(self, results, **more) -> Report:
        return report.build(record.read(self.write(results, **more)))


HOSTILE = (
    "<script>alert(1)</script> | `tick` ``two`` \x1b[31mred\x1b[0m </style> {{ 7*7 }} \u202eleft "
    "& [a](javascript:x) *b*"
)


def hostile_report(records: Records) -> Report:
    """A report in which every text that comes from outside is hostile, and some are 100 KB long."""
    long = f"{HOSTILE} {'x' * 100_000}"
    failed = step(HOSTILE, "failed", expected=HOSTILE, actual=long, raw=HOSTILE)
    results = [
        result("fails", "wasmtime", "fail", title=HOSTILE, message=long, stderr=long, steps=[step(long), failed]),
        result(
            "fails", "node", title=HOSTILE, observations=[observed(HOSTILE, raw=HOSTILE)], pictures=[picture(HOSTILE)]
        ),
        result("known", "wasmtime", "fail", title=HOSTILE, known=known(reason=HOSTILE, link="javascript:alert(1)")),
        result("known", "node", "unsupported", title=HOSTILE, message=HOSTILE, guest="<b>", view="<i>|`"),
        result("fails", "node|`<x>", "crash", title=HOSTILE, observations=[observed("other", raw=HOSTILE)]),
    ]
    head = header(results, command=["pytest", HOSTILE])
    head["runtimes"].append(runtime("gone", status="unavailable", reason=HOSTILE, remedy=HOSTILE))
    head["guests"].append(
        {"program": HOSTILE, "guest": HOSTILE, "status": "unavailable", "reason": HOSTILE, "remedy": long}
    )
    for suite in head["suites"]:
        suite["title"] = suite["about"] = HOSTILE
        suite["observations"][0]["question"] = HOSTILE
        for scenario in suite["scenarios"]:
            scenario["spec"] = "javascript:alert(1)"
    says = {"type": "runtime", "label": "node", "engine": HOSTILE, "host": HOSTILE, "views": [HOSTILE]}
    between = [{**says, "features": {HOSTILE: True}}, {"type": "broken", "suite": HOSTILE, "message": long}]
    return records.report(results, head=head, between=between)
