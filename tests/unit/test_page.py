"""The page: one file, no outside resource, hostile text stays text, and it fits its size."""

import base64
import json
import re
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hil.evidence.model import Shot
from hil.evidence.page import _assemble
from hil.evidence.pictures import embed
from hil.evidence.report import make_report
from hil.journal import Picture

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import evidence_factory as factory

GIF = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
SCRIPTS = [""] * 8
SMALLEST = len(_assemble("", "", "", ""))


class Page(HTMLParser):
    """The blocks of data of a page, and everything that a browser would fetch."""

    def __init__(self, path):
        super().__init__()
        self.data, self.pictures, self.scripts, self.fetched, self._open = {}, {}, [], [], None
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
        if self._open == "run":
            self.data["run"] = json.loads(data)
        elif self._open and self._open.startswith(("case-", "signals-")):
            self.data[self._open] = json.loads(zlib.decompress(base64.b64decode(data)))
        elif self._open and self._open.startswith("picture-"):
            self.pictures[self._open.removeprefix("picture-")] = data

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
    blocks = [name for name in page.scripts if name.startswith(("case-", "picture-", "signals-"))]
    assert page.scripts == ["run", *blocks, "uplot-licence", *SCRIPTS]
    assert page.data["run"]["cases"][2]["name"] == f'Name with {factory.HOSTILE} & "quotes"'
    assert page.case("cluster.hostile")["console"][0]["text"].startswith(f"</script>{factory.HOSTILE}")


def test_hostile_facts_stay_text_too(tmp_path):
    factory.make_many(tmp_path, 1)
    facts = {**factory.RUN, "bench": {"name": "</title><script>alert(2)</script>{{run}}"}, "variant": "{{cases}}"}
    (tmp_path / "run.json").write_text(json.dumps(facts))
    make_report(tmp_path)
    page = Page(tmp_path / "index.html")
    (picture,) = page.pictures
    assert page.scripts == ["run", "case-0", f"picture-{picture}", "uplot-licence", *SCRIPTS]
    assert "{{cases}}" in [fact["value"] for fact in page.data["run"]["facts"]]


def test_the_failing_case_says_what_was_expected_and_seen(page):
    (row,) = [row for row in page.data["run"]["cases"] if row["verdict"] == "fail"]
    assert row["reason"] == {
        "text": "Telltale 'abs' should be on within 2.5 s, but was off until 8.500 s", "more": 0,
        "name": "telltale", "expected": "on within 2.5 s", "seen": "off", "score": 0.17, "margin": -0.63,
    }  # fmt: skip
    assert row["at"] == 8.5
    failed = page.case("cluster.abs")["checks"][-1]
    assert (failed["t"], failed["since"], failed["within"], failed["bound"]) == (8.5, 6.0, 2.5, 0.008)
    crop, whole = (page.case("cluster.abs")["pictures"][failed[key]] for key in ("crop", "whole"))
    assert (crop["name"], crop["width"]) == ("cluster/telltale.abs", 40)
    assert page.pictures[crop["picture"]].startswith("data:image/png;")
    assert page.pictures[whole["picture"]].startswith("data:image/jpeg;")


def test_facts_of_the_device_come_first(page):
    facts = {(fact["group"], fact["label"]): fact for fact in page.data["run"]["facts"]}
    assert next(iter(facts)) == ("DUT", "kind")
    assert facts["DUT", "software"]["value"] == "2.4.1"
    assert facts["Files", "cockpit.dbc"] == {
        "group": "Files", "label": "cockpit.dbc", "value": "0123456789", "full": "0123456789abcdef" * 4,
    }  # fmt: skip


def test_a_file_is_not_listed_twice(tmp_path):
    factory.make_many(tmp_path, 1)
    bench = {"name": "virtual", "file": "benches/virtual.toml", "sha256": "ab" * 32}
    (tmp_path / "run.json").write_text(json.dumps({"bench": bench, "hashes": {"virtual.toml": "ab" * 32}}))
    make_report(tmp_path)
    facts = Page(tmp_path / "index.html").data["run"]["facts"]
    assert [fact["label"] for fact in facts if fact["group"] == "Files"] == ["virtual.toml"]


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
    assert item["limit"] == {"at_most": 150.0}
    assert item["uncertainty"]["expanded"] == 14.4


def test_steps_know_their_depth(page):
    assert [step["depth"] for step in page.case("cluster.abs")["steps"]] == [0, 0, 0, 1]


def test_labels_are_found_by_the_value_as_javascript_writes_it(page):
    gear = next(item for item in page.case("cluster.speed")["series"] if item["name"].endswith("Gear"))
    assert gear["labels"]["1"] == "R"


def test_a_check_finds_the_pictures_that_it_looked_at(tmp_path):
    journal = factory.open_case(tmp_path, "a")
    lamp, other = (factory.png(factory.cluster_picture(0, lit).crop((0, 0, 8, 8))) for lit in (True, False))
    for t_s, name in (
        (1, "cluster/telltale.abs"),
        (5, "cluster/telltale.oil"),
        (5, "radio"),
        (5, "cluster"),
        (5, "cluster/telltale.abs"),
    ):
        journal.picture(t_s * factory.S, name, "png", other if name == "cluster/telltale.oil" else lamp)
    factory.check(journal, 5 * factory.S, False, "on", "off", since_ns=4 * factory.S)
    factory.check(journal, 5 * factory.S, False, "on", "off")
    factory.check(journal, 9 * factory.S, False, "on", "off")
    factory.check(journal, 5 * factory.S, False, "On", "Off", name="signal", target="chassis::ESC_Status.AbsFault")
    factory.verdict(journal, 9 * factory.S, "fail", "dark")
    make_report(tmp_path)
    case = Page(tmp_path / "index.html").case("a")
    looked, again, blind, signal = case["checks"]
    crop, whole = case["pictures"][looked["crop"]], case["pictures"][looked["whole"]]
    assert (crop["name"], crop["t"], whole["name"]) == ("cluster/telltale.abs", 5.0, "cluster")
    assert (again["crop"], again["whole"]) == (looked["crop"], looked["whole"])
    assert (blind["crop"], blind["whole"]) == (None, None)
    assert signal["crop"] is None


@pytest.mark.parametrize("max_bytes", [SMALLEST + room for room in (20_000, 40_000, 80_000)])
def test_it_never_grows_beyond_its_size_and_says_what_is_missing(tmp_path, max_bytes):
    factory.make_results(tmp_path, seconds=20)
    make_report(tmp_path, max_bytes=max_bytes)
    assert (tmp_path / "index.html").stat().st_size <= max_bytes
    page = Page(tmp_path / "index.html")
    assert len(page.data["run"]["cases"]) == 11
    shown = [block for name, block in page.data.items() if name.startswith("case-")]
    notes = [note for block in shown for note in block["thinned"]]
    assert any(re.match(r"frames: \d+ of \d+ are shown, those nearest to", note) for note in notes)


def test_details_that_do_not_fit_at_all_are_left_out_and_the_verdicts_stay(tmp_path):
    factory.make_many(tmp_path, 40, picture=False)
    make_report(tmp_path, max_bytes=SMALLEST + 40 * 600)
    assert (tmp_path / "index.html").stat().st_size <= SMALLEST + 40 * 600
    page = Page(tmp_path / "index.html")
    assert len(page.data["run"]["cases"]) == 40
    assert sum(name.startswith("case-") for name in page.data) < 40


def test_many_cases_share_the_page(tmp_path):
    factory.make_many(tmp_path, 30)
    factory.failing(tmp_path)
    plan = {"cluster.abs": factory.PLAN["cluster.abs"]} | {f"many.{n:04d}": ("", "", [], []) for n in range(30)}
    ends = {name: ("fail" if name == "cluster.abs" else "pass", "") for name in plan}
    factory.session(tmp_path, plan, ends, finished=True, started=())
    make_report(tmp_path, max_bytes=450_000)
    assert (tmp_path / "index.html").stat().st_size <= 450_000
    page = Page(tmp_path / "index.html")
    assert page.case("cluster.abs")["pictures"], "the case that failed keeps its pictures"


def test_the_same_journals_give_the_same_page(results):
    before = (results / "index.html").read_bytes()
    make_report(results)
    assert (results / "index.html").read_bytes() == before


@pytest.mark.parametrize("room", [3_600, 9_000, 200_000])
def test_several_processes_make_the_same_page(tmp_path, room):
    factory.make_many(tmp_path, 24, picture=room > 3_600)
    pages = []
    for jobs in (1, 3):
        make_report(tmp_path, max_bytes=SMALLEST + 24 * room, jobs=jobs)
        pages.append((tmp_path / "index.html").read_bytes())
    assert pages[0] == pages[1]


def test_a_case_may_use_what_others_leave(tmp_path):
    factory.make_many(tmp_path, 30, picture=False)
    factory.passing(tmp_path)
    plan = {"cluster.speed": factory.PLAN["cluster.speed"]} | {f"many.{n:04d}": ("", "", [], []) for n in range(30)}
    factory.session(tmp_path, plan, {name: ("pass", "") for name in plan}, finished=True, started=())
    make_report(tmp_path, max_bytes=25_000_000)
    rich = Page(tmp_path / "index.html").case("cluster.speed")
    share = len(base64.b64encode(zlib.compress(json.dumps(rich).encode(), 6)))
    make_report(tmp_path, max_bytes=SMALLEST + 31 * (share // 2))
    assert Page(tmp_path / "index.html").case("cluster.speed") == rich


def test_the_signals_of_a_network_are_named_once_for_all_cases(page):
    case = page.case("wire.full")
    rows = page.data[f"signals-{case['signals']}"]
    found = {rows[row][0]: (rows[row], steps_us, values) for row, steps_us, values in case["wire"]}
    assert list(found) == sorted(found)
    assert not {item["name"] for item in case["series"]} & set(found), "those of the case are drawn, not listed"
    (_, unit, _), steps_us, values = found["chassis::ECM_Engine.CoolantTemperature"]
    assert (unit, len(steps_us)) == ("degC", len(values))


def test_a_large_whole_frame_is_scaled_and_says_so():
    from PIL import Image

    data = factory.png(Image.new("RGB", (2560, 960)))
    picture = embed(Shot(0, "cluster", Picture("png", data)))
    assert (picture.width, picture.height) == (1280, 480)
    assert "scaled from 2560x960" in picture.note


@pytest.mark.parametrize("data", [b"", GIF, b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_bytes_that_are_no_picture_are_left_out(data):
    assert embed(Shot(0, "cluster/telltale.abs", Picture("png", data))) is None


# The bench itself -----------------------------------------------------------------------------------------------------


def test_a_case_shows_what_the_bench_measured_of_itself(page):
    bench = page.case("net.late")["bench"]
    assert [(one["message"], one["bus"], one["cycle"], one["max"]) for one in bench["cycles"]] == [
        ("ESC_Speed", "chassis", 0.01, 0.014), (factory.HOSTILE, "body", 0.1, 0.002)]  # fmt: skip
    assert [(one["bus"], one["max"], one["lost"], one["uncounted"]) for one in bench["received"]] == [
        ("body", 0.062, 0, 0), ("chassis", 0.009, 12, 1)]  # fmt: skip
    assert (bench["received"][0]["stamps"], bench["received"][0]["bound"]) == ("kernel", 0.0000012)
    assert (bench["load"]["stolen"], bench["allowed"], bench["blind"]) == (0.4, 0.05, 3)
    assert page.case("cluster.speed")["bench"] is None


def test_the_run_shows_the_worst_of_its_cases(page):
    bench = page.data["run"]["bench"]
    assert [(one["id"], one["lost"], one["lag_worst"]) for one in bench["cases"]] == [("net.late", 12, "body")]
    assert bench["line"] == (
        "cycles kept within 4.0 ms (p99), 14.0 ms at most (ESC_Speed on chassis); frames read within 4.0 ms (p99), "
        "62.0 ms at most (body); 12 frames lost, 1 gap that nobody counted; timers late by 61.0 ms at most; "
        "31% of a core; machine 98% busy"
    )


def test_a_run_without_measurements_has_no_such_block(tmp_path):
    factory.make_many(tmp_path, 1)
    make_report(tmp_path)
    assert Page(tmp_path / "index.html").data["run"]["bench"] is None
