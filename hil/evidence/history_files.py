"""What changed from run to run, for machines: JSON, and JUnit XML where a change for the worse is a failure. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree as ET

from hil.evidence.history import Change, Series
from hil.evidence.junit import xml_text


def history_json(histories: Sequence[Series], problems: Sequence[str]) -> bytes:
    """All changes, and the runs that were compared."""
    series = [
        {
            "bench": series.bench[0],
            "variant": series.bench[1],
            "runs": [run.folder.name for run in series.runs],
            "changes": [_change(change) for change in series.changes],
        }
        for series in histories
    ]
    worse = sum(change.worse for one in histories for change in one.changes)
    value = {"worse": worse, "problems": list(problems), "series": series}
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"


def _change(change: Change) -> dict[str, Any]:
    return {**asdict(change), "kind": str(change.kind), "worse": change.worse}


def history_junit(histories: Sequence[Series]) -> bytes:
    """A test case for each case of the newest runs; a failure for each change for the worse."""
    root = ET.Element("testsuites", {"name": "hil history"})
    for series in histories:
        _suite(root, series)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(root: ET.Element, series: Series) -> None:
    worse = [change for change in series.changes if change.worse]
    quiet = [case for case in series.runs[-1].summary.cases if case.id not in {change.case for change in worse}]
    name, tests = xml_text("-".join(series.bench)), str(len(quiet) + len(worse))
    suite = ET.SubElement(root, "testsuite", {"name": name, "tests": tests, "failures": str(len(worse))})
    for case in quiet:
        ET.SubElement(suite, "testcase", {"classname": name, "name": xml_text(case.id)})
    for change in worse:
        element = ET.SubElement(suite, "testcase", {"classname": name, "name": xml_text(change.case)})
        message = xml_text(f"{change.kind}: {change.name}: {change.before} -> {change.after}")
        failure = ET.SubElement(element, "failure", {"type": str(change.kind), "message": message})
        failure.text = xml_text(f"{change.why}\nbetween {change.earlier} and {change.later}")
