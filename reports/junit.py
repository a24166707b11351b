"""A report as JUnit XML, for CI systems: what pytest writes for one run, here for a merged one."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from reports import judge
from reports.document import Report, Result
from reports.text import printable
from reports.write import replace

NAME = "junit.xml"


def write(report: Report, path: Path) -> None:
    """Write the report as JUnit XML to `path`, whole or not at all. Raises `OSError`."""
    specs = {(suite.path, item.scenario): item.spec for suite in report.suites for item in suite.scenarios}
    bad = [_status(result) for result in report.results]
    suite = ElementTree.Element(
        "testsuite",
        name="linmem",
        tests=str(len(report.results) + len(report.missing)),
        failures=str(sum(status in ("fail", "crash", "timeout", "unexpected") for status in bad)),
        errors=str(sum(status == "error" for status in bad) + len(report.missing)),
        skipped=str(sum(status in ("unsupported", "known") for status in bad)),
        time=f"{sum(result.duration for result in report.results):.3f}",
        timestamp=report.started,
    )
    for result in report.results:
        _case(suite, result, specs.get((result.suite, result.scenario)))
    for item in report.missing:
        case = ElementTree.SubElement(suite, "testcase", classname=item.suite or "", name=_name(item.id), time="0")
        ElementTree.SubElement(case, "error", message="planned, but no result was recorded")
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    replace(path, ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True) + b"\n")


def _status(result: Result) -> judge.Status:
    return judge.status(result.outcome, result.known)


def _name(id_: str) -> str:
    return printable(id_.partition("::")[2] or id_)


def _case(suite: ElementTree.Element, result: Result, spec: str | None) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", classname=printable(result.suite), name=_name(result.id), time=f"{result.duration:.6f}"
    )
    given = {"suite": result.suite, "runtime": result.label, "version": result.version}
    given |= {"guest": result.guest or "inline", "view": result.view or "", "spec": spec or ""}
    properties = ElementTree.SubElement(case, "properties")
    for name, value in given.items():
        if value:
            ElementTree.SubElement(properties, "property", name=name, value=printable(value))
    status, message = _status(result), printable(result.message)
    if status == "known" and result.known is not None:
        link = f" ({result.known.link})" if result.known.link else ""
        ElementTree.SubElement(case, "skipped", type="pytest.xfail", message=printable(result.known.reason + link))
    elif status == "unsupported":
        ElementTree.SubElement(case, "skipped", type="pytest.skip", message=message)
    elif status == "unexpected" and result.known is not None:
        line = result.known.line
        text = f"listed as a known defect in line {line}, but it did not fail: delete that entry"
        ElementTree.SubElement(case, "failure", message=text)
    elif status != "pass":
        fault = ElementTree.SubElement(case, "error" if status == "error" else "failure", message=message, type=status)
        fault.text = printable(f"{result.where or ''}\n{result.stderr}".strip())
