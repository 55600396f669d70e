"""JUnit: the kinds of error are kept apart, and hostile text doesn't break the XML."""

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from hil.evidence.junit import junit_xml
from hil.evidence.reader import read_run

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import evidence_factory as factory


@pytest.fixture(scope="module")
def junit(tmp_path_factory):
    results = factory.make_results(tmp_path_factory.mktemp("junit"), seconds=2)
    journal = factory.open_case(results, "usage.odd")
    factory.verdict(journal, 1_500_000_000, "usage error", "no signal 'Sped' \x00\x1b[31m")
    return ET.fromstring(junit_xml(read_run(results)))


def case(junit, case_id):
    return junit.find(f".//property[@value='{case_id}']/../..")


def test_counts(junit):
    assert {name: junit.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "12", "failures": "1", "errors": "5", "skipped": "2",
    }  # fmt: skip
    assert sum(int(suite.get("tests")) for suite in junit) == 12


@pytest.mark.parametrize(
    ("case_id", "tag", "kind"),
    [
        ("cluster.abs", "failure", "fail"),
        ("power.brownout", "error", "bench"),
        ("diag.killed", "error", "bench"),
        ("net.late", "error", "inconclusive"),
        ("usage.odd", "error", "usage"),
        ("cam.none", "skipped", None),
        ("diag.never", "skipped", None),
    ],
)
def test_each_verdict_has_its_element(junit, case_id, tag, kind):
    element = case(junit, case_id).find(tag)
    assert element.get("type") == kind
    assert element.get("message")


def test_a_pass_has_none(junit):
    assert [child.tag for child in case(junit, "cluster.speed")] == ["properties"]


def test_a_remark_on_a_pass_is_its_output(tmp_path):
    journal = factory.open_case(tmp_path, "cluster.idle")
    factory.verdict(journal, 1, "pass", "no check was made")
    element = case(ET.fromstring(junit_xml(read_run(tmp_path))), "cluster.idle")
    assert [(child.tag, child.text) for child in element][1:] == [("system-out", "no check was made")]


def test_times_are_bench_time(junit):
    assert case(junit, "cluster.abs").get("time") == "9.000"
    assert case(junit, "usage.odd").get("time") == "1.500"


def test_requirements_and_tags_are_properties(junit):
    properties = [(item.get("name"), item.get("value")) for item in case(junit, "cluster.abs").iter("property")]
    assert ("requirement", "TEL-1") in properties
    assert ("tag", "smoke") in properties


def test_hostile_text_is_text(junit):
    assert case(junit, "cluster.hostile").get("name") == f'Name with {factory.HOSTILE} & "quotes"'
    assert case(junit, "usage.odd").find("error").get("message") == "no signal 'Sped' \ufffd\ufffd[31m"
