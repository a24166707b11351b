"""A report as JUnit XML, for CI systems: a test case for each result, with its runtime and guest as properties."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from linmem.report.faults import gate_fault
from linmem.results import verdict
from linmem.results.causes import causes
from linmem.results.document import GateVerdict, Report
from linmem.results.outcome import Result
from linmem.text import clip, printable

NAME = "junit.xml"
LONGEST = 20_000  # characters of one text


def render(report: Report) -> str:
    """The report as the text of an XML file. It is written as text: a tree of it takes more memory than all else."""
    scenarios = report.scenarios
    bad = [_status(result) for result in report.results]
    lost = list(_lost(report))
    gate = [] if report.gate is None or report.gate.passed else ["error" if report.gate.refused else "failure"]
    numbers = {
        "tests": len(report.results) + len(lost) + (report.gate is not None),
        "failures": sum(status in verdict.BAD and status != "error" for status in bad) + gate.count("failure"),
        "errors": sum(status == "error" for status in bad) + len(lost) + gate.count("error"),
        "skipped": sum(status in ("unsupported", "known") for status in bad),
        "time": f"{sum(result.duration for result in report.results):.3f}",
        "timestamp": report.started,
    }
    lines = [
        "<?xml version='1.0' encoding='utf-8'?>",
        "<testsuites>",
        f"  <testsuite{_given(name='linmem', **numbers)}>",
    ]
    if report.gate is not None:
        lines += _gate(report.gate)
    for result in report.results:
        lines += _case(result, scenarios[result.suite, result.scenario].spec)
    for place, name, message in lost:
        lines += _testcase(place, name, "0", [f"<error{_given(message=message)} />"])
    lines += ["  </testsuite>", "</testsuites>", ""]
    return "\n".join(lines)


def _fit(text: object) -> str:
    return printable(clip(str(text), LONGEST))


def _given(**attributes: object) -> str:
    """Attributes, as they stand in a tag."""
    return "".join(f" {name}={quoteattr(_fit(value))}" for name, value in attributes.items())


def _testcase(place: str, name: str, time: str, inner: list[str]) -> Iterator[str]:
    """The lines of a case, with the lines in it."""
    tag = f"    <testcase{_given(classname=place, name=name, time=time)}"
    if not inner:
        yield f"{tag} />"
        return
    yield f"{tag}>"
    for line in inner:
        yield f"      {line}"
    yield "    </testcase>"


def _gate(gate: GateVerdict) -> Iterator[str]:
    """The gate's verdict is a case of its own, the first."""
    inner = []
    if not gate.passed:
        fault = gate_fault(gate)
        found = [
            line
            for cause in causes([finding for finding in gate.findings if finding.failing])
            for line in (str(cause), *cause.places)
        ]
        text = escape(_fit("\n".join([*found, fault.remedy])))
        tag = "error" if gate.refused else "failure"
        inner.append(f"<{tag}{_given(message=fault.what)}>{text}</{tag}>")
    return _testcase("linmem.gate", f"nothing got worse than in {gate.baseline}", "0", inner)


def _lost(report: Report) -> Iterator[tuple[str, str, str]]:
    """What has no result, so that no incomplete run looks like a good one: where it belongs, its name, and why."""
    for broken in report.broken:
        yield broken.suite, "the file can be loaded", broken.message
    for item in report.missing:
        yield item.suite, item.case.name, "planned, but no result was recorded"
    if not (report.complete or report.broken or report.missing):
        yield "linmem", "the run is complete", report.reason or ""


def _status(result: Result) -> verdict.Status:
    return verdict.status(result.outcome, result.known)


def _case(result: Result, spec: str | None) -> Iterator[str]:
    given = {"suite": result.suite, "runtime": result.runtime, "version": result.version}
    given |= {"guest": result.guest or "inline", "view": result.view or "", "spec": spec or ""}
    inner = ["<properties>"]
    inner += [f"  <property{_given(name=name, value=value)} />" for name, value in given.items() if value]
    inner.append("</properties>")
    status = _status(result)
    if status == "known" and result.known is not None:
        link = f" ({result.known.link})" if result.known.link else ""
        inner.append(f"<skipped{_given(type='pytest.xfail', message=result.known.reason + link)} />")
    elif status == "unsupported":
        inner.append(f"<skipped{_given(type='pytest.skip', message=result.message)} />")
    elif status == "unexpected" and result.known is not None:
        text = f"listed as a known defect at {result.known.place}, but it did not fail: delete that entry"
        inner.append(f"<failure{_given(message=text)} />")
    elif status != "pass":
        tag = "error" if status == "error" else "failure"
        text = escape(_fit(f"{result.where or ''}\n{result.stderr}".strip()))
        inner.append(f"<{tag}{_given(message=result.message, type=status)}>{text}</{tag}>")
    return _testcase(result.suite, result.case.name, f"{result.duration:.6f}", inner)
