"""A report as JUnit XML, for CI systems: a test case for each result, with its runtime and guest as properties."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from linmem.report.faults import gate_fault
from linmem.results import verdict
from linmem.results.causes import causes
from linmem.results.document import GateVerdict, Report
from linmem.results.outcome import Result
from linmem.text import clip, printable

NAME = "junit.xml"
LONGEST = 20_000  # characters of one text


def render(report: Report) -> bytes:
    """The report as the bytes of an XML file."""
    scenarios = report.scenarios
    bad = [_status(result) for result in report.results]
    lost = list(_lost(report))
    gate = [] if report.gate is None or report.gate.passed else ["error" if report.gate.refused else "failure"]
    suite = ElementTree.Element(
        "testsuite",
        name="linmem",
        tests=str(len(report.results) + len(lost) + (report.gate is not None)),
        failures=str(sum(status in verdict.BAD and status != "error" for status in bad) + gate.count("failure")),
        errors=str(sum(status == "error" for status in bad) + len(lost) + gate.count("error")),
        skipped=str(sum(status in ("unsupported", "known") for status in bad)),
        time=f"{sum(result.duration for result in report.results):.3f}",
        timestamp=_fit(report.started),
    )
    if report.gate is not None:
        _gate(suite, report.gate)
    for result in report.results:
        _case(suite, result, scenarios[result.suite, result.scenario].spec)
    for place, name, message in lost:
        case = ElementTree.SubElement(suite, "testcase", classname=_fit(place), name=_fit(name), time="0")
        ElementTree.SubElement(case, "error", message=_fit(message))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return bytes(ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"


def _fit(text: str) -> str:
    return printable(clip(text, LONGEST))


def _gate(suite: ElementTree.Element, gate: GateVerdict) -> None:
    """The gate's verdict is a case of its own, the first."""
    name = _fit(f"nothing got worse than in {gate.baseline}")
    case = ElementTree.SubElement(suite, "testcase", classname="linmem.gate", name=name, time="0")
    if not gate.passed:
        fault = gate_fault(gate)
        item = ElementTree.SubElement(case, "error" if gate.refused else "failure", message=_fit(fault.what))
        found = [
            line
            for cause in causes([finding for finding in gate.findings if finding.failing])
            for line in (str(cause), *cause.places)
        ]
        item.text = _fit("\n".join([*found, fault.remedy]))


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


def _case(suite: ElementTree.Element, result: Result, spec: str | None) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_fit(result.suite),
        name=_fit(result.case.name),
        time=f"{result.duration:.6f}",
    )
    given = {"suite": result.suite, "runtime": result.runtime, "version": result.version}
    given |= {"guest": result.guest or "inline", "view": result.view or "", "spec": spec or ""}
    properties = ElementTree.SubElement(case, "properties")
    for name, value in given.items():
        if value:
            ElementTree.SubElement(properties, "property", name=name, value=_fit(value))
    status, message = _status(result), _fit(result.message)
    if status == "known" and result.known is not None:
        link = f" ({result.known.link})" if result.known.link else ""
        ElementTree.SubElement(case, "skipped", type="pytest.xfail", message=_fit(result.known.reason + link))
    elif status == "unsupported":
        ElementTree.SubElement(case, "skipped", type="pytest.skip", message=message)
    elif status == "unexpected" and result.known is not None:
        place = _fit(result.known.place)
        text = f"listed as a known defect at {place}, but it did not fail: delete that entry"
        ElementTree.SubElement(case, "failure", message=text)
    elif status != "pass":
        fault = ElementTree.SubElement(case, "error" if status == "error" else "failure", message=message, type=status)
        fault.text = _fit(f"{result.where or ''}\n{result.stderr}".strip())
