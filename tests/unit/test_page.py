"""The page: one file, no outside resource, hostile text stays text, and it fits its size."""

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hil.evidence.model import Shot
from hil.evidence.pictures import embed
from hil.evidence.report import make_report
from hil.journal import Picture

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import evidence_factory as factory


class Page(HTMLParser):
    """The blocks of data of a page, and everything that a browser would fetch."""

    def __init__(self, path):
        super().__init__()
        self.data, self.scripts, self.fetched, self._open = {}, [], [], None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.fetched += [value for name, value in attrs if name in ("src", "href", "srcset")]
        if tag == "script":
            self._open = attributes.get("id", "")
            self.scripts.append(self._open)

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open and self._open != "uplot-licence":
            self.data[self._open] = json.loads(data)

    def case(self, case_id, attempt=-1):
        row = next(row for row in self.data["run"]["cases"] if row["id"] == case_id)
        return self.data[f"case-{row['attempts'][attempt]['block']}"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    results = factory.make_results(tmp_path_factory.mktemp("page"), seconds=20)
    make_report(results)
    return results


@pytest.fixture(scope="module")
def page(results):
    return Page(results / "index.html")


def test_it_fetches_nothing(page, results):
    assert page.fetched == ["data:,"]
    text = (results / "index.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"@import|url\(", text)


def test_hostile_text_can_open_no_script(page):
    blocks = [name for name in page.scripts if name.startswith("case-")]
    assert page.scripts == ["run", *blocks, "uplot-licence", "", "", ""]
    assert page.data["run"]["cases"][2]["name"] == f'Name with {factory.HOSTILE} & "quotes"'
    assert page.case("cluster.hostile")["console"][0]["text"].startswith(f"</script>{factory.HOSTILE}")


def test_hostile_facts_stay_text_too(tmp_path):
    factory.make_many(tmp_path, 1)
    facts = {**factory.RUN, "bench": {"name": "</title><script>alert(2)</script>{{run}}"}, "variant": "{{cases}}"}
    (tmp_path / "run.json").write_text(json.dumps(facts))
    make_report(tmp_path)
    page = Page(tmp_path / "index.html")
    assert page.scripts == ["run", "case-0", "uplot-licence", "", "", ""]
    assert "{{cases}}" in [fact["value"] for fact in page.data["run"]["facts"]]


def test_the_failing_case_says_what_was_expected_and_seen(page):
    (row,) = [row for row in page.data["run"]["cases"] if row["verdict"] == "fail"]
    assert row["reason"] == {"name": "telltale", "expected": "on within 2.5 s", "seen": "off"}
    failed = page.case("cluster.abs")["checks"][-1]
    assert (failed["t"], failed["since"], failed["within"], failed["bound"]) == (8.5, 6.0, 2.5, 0.008)
    crop, whole = (page.case("cluster.abs")["pictures"][failed[key]] for key in ("crop", "whole"))
    assert (crop["name"], crop["width"], crop["uri"][:15]) == ("cluster/abs", 40, "data:image/png;")
    assert (whole["name"], whole["uri"][:16]) == ("cluster", "data:image/jpeg;")


def test_facts_of_the_device_come_first(page):
    facts = {(fact["group"], fact["label"]): fact for fact in page.data["run"]["facts"]}
    assert next(iter(facts)) == ("DUT", "kind")
    assert facts["DUT", "software"]["value"] == "2.4.1"
    assert facts["Files", "cockpit.dbc"] == {
        "group": "Files", "label": "cockpit.dbc", "value": "0123456789", "full": "0123456789abcdef" * 4,
    }  # fmt: skip


def test_a_missing_fact_is_said_to_be_missing(tmp_path):
    factory.make_many(tmp_path, 1)
    (tmp_path / "run.json").write_text("{}")
    make_report(tmp_path)
    facts = {fact["label"]: fact["value"] for fact in Page(tmp_path / "index.html").data["run"]["facts"]}
    assert facts["software"] == facts["seed"] == facts["variant"] == "not recorded"


def test_a_measurement_has_histogram_limit_and_uncertainty(page):
    (item,) = page.case("latency.speed")["measurements"]
    assert sum(item["counts"]) == item["n"] == 300
    assert len(item["edges"]) == len(item["counts"]) + 1
    assert item["limit"] == {"p99": 150.0}
    assert item["uncertainty"]["U"] == 14.4


def test_steps_know_their_depth(page):
    assert [step["depth"] for step in page.case("cluster.abs")["steps"]] == [0, 0, 0, 1]


def test_labels_are_found_by_the_value_as_javascript_writes_it(page):
    gear = next(item for item in page.case("cluster.speed")["series"] if item["name"].endswith("Gear"))
    assert gear["labels"]["1"] == "R"


@pytest.mark.parametrize("max_bytes", [150_000, 250_000])
def test_it_never_grows_beyond_its_size_and_says_what_is_missing(tmp_path, max_bytes):
    factory.make_results(tmp_path, seconds=20)
    make_report(tmp_path, max_bytes=max_bytes)
    assert (tmp_path / "index.html").stat().st_size <= max_bytes
    page = Page(tmp_path / "index.html")
    assert len(page.data["run"]["cases"]) == 10
    shown = [block for name, block in page.data.items() if name.startswith("case-")]
    assert any("are shown" in note for block in shown for note in block["thinned"])


def test_many_cases_share_the_page(tmp_path):
    factory.make_many(tmp_path, 30)
    factory.failing(tmp_path)
    make_report(tmp_path, max_bytes=700_000)
    assert (tmp_path / "index.html").stat().st_size <= 700_000
    page = Page(tmp_path / "index.html")
    assert page.case("cluster.abs")["pictures"], "the case that failed keeps its pictures"


def test_the_same_journals_give_the_same_page(results):
    before = (results / "index.html").read_bytes()
    make_report(results)
    assert (results / "index.html").read_bytes() == before


def test_a_large_whole_frame_is_scaled_and_says_so():
    from PIL import Image

    data = factory.png(Image.new("RGB", (2560, 960)))
    picture = embed(Shot(0, "cluster", Picture("png", data)))
    assert (picture.width, picture.height) == (1280, 480)
    assert "scaled from 2560x960" in picture.note


@pytest.mark.parametrize("data", [b"", b"GIF89a" + bytes(100), b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_bytes_that_are_no_picture_are_left_out(data):
    assert embed(Shot(0, "cluster/abs", Picture("png", data))) is None
