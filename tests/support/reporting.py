from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_records import Records, hostile_report

from linmem.report import build as report


@pytest.fixture
def records(tmp_path):
    return Records(tmp_path)


@pytest.fixture
def hostile(records):
    return hostile_report(records)


@pytest.fixture
def schema():
    return json.loads(Path(report.__file__).with_name("report.schema.json").read_text(encoding="utf-8"))
