"""The report's first sentences."""

from __future__ import annotations

from report_records import Records, result

from linmem.report import headline
from linmem.results.outcome import LEFT_OUT


def test_what_nobody_waited_for_is_not_called_a_lack(records: Records) -> None:
    slow = result("grows", "pywasm", "unsupported", message=f"{LEFT_OUT}it takes minutes; --slow plays it")
    lacking = result("grows", "node", "unsupported", message="needs memory64")
    said = headline.sentence(records.report([slow, lacking, result("grows", "wasmtime")]))
    assert "1 unsupported: the runtime lacks what the scenario needs." in said
    assert "1 left out, because they would take the runtime minutes (--slow plays them)." in said
