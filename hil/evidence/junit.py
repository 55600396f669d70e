"""JUnit XML of a run, for CI systems. Times are bench time; an error's `type` says whose it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from xml.etree import ElementTree as ET

from hil.errors import Verdict
from hil.evidence import fields as f
from hil.evidence.model import CaseResult, Run

ERROR_TYPES: Final = {Verdict.BENCH: "bench", Verdict.INCONCLUSIVE: "inconclusive", Verdict.USAGE: "usage"}
_SUITES: Final = (".robot", ".resource", ".py")
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(run: Run) -> bytes:
    """The run as JUnit XML: one test suite for each suite, in the order of the run."""
    root = ET.Element("testsuites", {"name": xml_text(f.text(f.as_fields(run.facts.get("bench")), "name") or "hil")})
    _count(root, run.cases)
    suites: dict[str, list[CaseResult]] = {}
    for case in run.cases:
        suites.setdefault(case.info.suite, []).append(case)
    for name, cases in suites.items():
        _suite(root, name, cases, xml_text(f.text(run.facts, "started_utc")))
    _mistakes(root, run.mistakes)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(root: ET.Element, name: str, cases: list[CaseResult], started: str) -> None:
    suite = ET.SubElement(root, "testsuite", {"name": xml_text(name or "no suite")})
    if started:
        suite.set("timestamp", started)
    _count(suite, cases)
    for case in cases:
        _case(suite, case)


def _mistakes(root: ET.Element, mistakes: tuple[str, ...]) -> None:
    """What is wrong in the suites themselves is an error of its own: of cases that are missing nothing else tells."""
    if not mistakes:
        return
    suite = ET.SubElement(root, "testsuite", {"name": "the suites themselves", "failures": "0", "skipped": "0"})
    for element, before in ((suite, 0), (root, int(root.get("errors", "0")))):
        element.set("errors", str(before + len(mistakes)))
    suite.set("tests", str(len(mistakes)))
    root.set("tests", str(int(root.get("tests", "0")) + len(mistakes)))
    for number, text in enumerate(mistakes, 1):
        case = ET.SubElement(suite, "testcase", {"classname": "the suites themselves", "name": f"mistake {number}"})
        ET.SubElement(case, "error", {"type": "usage", "message": xml_text(text)})


def _count(element: ET.Element, cases: Iterable[CaseResult]) -> None:
    listed = list(cases)
    verdicts = [case.ruling.verdict for case in listed]
    element.set("tests", str(len(listed)))
    element.set("failures", str(verdicts.count(Verdict.FAIL)))
    element.set("errors", str(sum(verdict in ERROR_TYPES for verdict in verdicts)))
    element.set("skipped", str(verdicts.count(Verdict.NOT_RUN)))
    element.set("time", _seconds(sum(case.duration_ns for case in listed)))


def _case(suite: ET.Element, case: CaseResult) -> None:
    info = case.info
    element = ET.SubElement(suite, "testcase")
    element.set("classname", xml_text(info.suite or "no suite"))
    element.set("name", xml_text(info.name or info.id))
    element.set("time", _seconds(case.duration_ns))
    _place(element, case.ruling.where, info.source)
    _properties(element, case)
    _outcome(element, case)


def _place(element: ET.Element, *places: str) -> None:
    """File and line, for tools that show them: of the step that failed, else of the case."""
    for place in places:
        file, _, line = place.rpartition(":")
        if line.isdecimal() and file.endswith(_SUITES):
            element.set("file", xml_text(file))
            element.set("line", line)
            return


def _properties(element: ET.Element, case: CaseResult) -> None:
    info = case.info
    pairs = [("id", info.id), ("verdict", str(case.ruling.verdict)), ("attempts", str(len(case.attempts)))]
    pairs += [("requirement", name) for name in info.requirements] + [("tag", tag) for tag in info.tags]
    properties = ET.SubElement(element, "properties")
    for name, value in pairs:
        ET.SubElement(properties, "property", {"name": name, "value": xml_text(value)})


def _outcome(element: ET.Element, case: CaseResult) -> None:
    ruling = case.ruling
    if ruling.verdict is Verdict.PASS:
        if ruling.message:  # a remark
            ET.SubElement(element, "system-out").text = xml_text(ruling.message)
        return
    if ruling.verdict is Verdict.NOT_RUN:
        child = ET.SubElement(element, "skipped")
    elif ruling.verdict is Verdict.FAIL:
        child = ET.SubElement(element, "failure", {"type": "fail"})
    else:
        child = ET.SubElement(element, "error", {"type": ERROR_TYPES[ruling.verdict]})
    child.set("message", xml_text(ruling.message))
    more = (("where", ruling.where), ("first cause", ruling.first_cause))
    child.text = "\n".join([xml_text(ruling.message), *(f"{name}: {xml_text(value)}" for name, value in more if value)])


def _seconds(t_ns: int) -> str:
    return f"{t_ns / 1e9:.3f}"


def xml_text(text: str) -> str:
    """Text that XML can hold: control characters become the replacement character."""
    return _NOT_XML.sub("\ufffd", text)
