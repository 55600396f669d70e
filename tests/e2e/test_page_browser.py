"""The page in a real browser, opened as a file: no error, and the failure is there to be read."""

import os
import re
import sys
from pathlib import Path

import pytest

from hil.evidence.history import histories
from hil.evidence.history_page import history_page
from hil.evidence.report import make_report
from hil.evidence.runs import find_runs

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import evidence_factory as factory
import history_lab
from headless import CHROMIUM, Browser

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    results = factory.make_results(tmp_path_factory.mktemp("browser") / "results", seconds=10)
    make_report(results)
    return (results / "index.html").as_uri()


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """The page of a case that failed several times, and of one that has a mistake of the test."""
    results = tmp_path_factory.mktemp("several")
    factory.several(results)
    journal = factory.open_case(results, "test.mistake")
    fields = {"verdict": "usage error", "what": "no signal 'Sped'", "where": "a.robot:3", "remedy": "write Speed."}
    journal.record(factory.S, "fault", fields)
    factory.verdict(journal, factory.S, "usage error", "no signal 'Sped'")
    make_report(results)
    return (results / "index.html").as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(autouse=True)
def no_errors(request):
    yield
    if "browser" in request.fixturenames:
        errors, browser = [], request.getfixturevalue("browser")
        errors, browser.errors = browser.errors, []
        assert errors == []


@pytest.fixture(scope="module")
def pictures():
    """Where pictures of the page are kept for somebody to look at: CI keeps all that lies in results/."""
    return Path(os.environ.get("HIL_SCREENSHOTS", REPOSITORY / "results" / "pictures-of-the-page"))


def test_the_list_says_at_once_what_failed_and_why(browser, url):
    browser.open(url)
    first = browser.text(".cases tbody tr")
    assert "ABS telltale after a wheel sensor fault" in first
    assert "expected on within 2.5 s · seen off" in first
    assert browser.text("h1") == "1 failed, 3 bench faults, 1 inconclusive of 11 cases"
    assert browser.js("document.querySelector('.cases tbody tr').getBoundingClientRect().bottom < innerHeight")


@pytest.mark.parametrize("case_id", list(factory.PLAN))
def test_every_case_opens_from_its_address(browser, url, case_id):
    browser.open(f"{url}#case={case_id}")
    assert browser.text("h1") == factory.PLAN[case_id][0]


def test_the_failing_case_shows_expected_and_seen_with_its_picture(browser, url):
    browser.open(f"{url}#case=cluster.abs")
    assert browser.text(".evidence .expected") == "on within 2.5 s"
    assert browser.text(".evidence .seen") == "off"
    assert browser.js("document.querySelector('.crop img').naturalWidth") == 40
    assert browser.js("getComputedStyle(document.querySelector('.crop img')).imageRendering") == "pixelated"
    assert browser.js("document.querySelector('.crop img').width") >= 200
    assert browser.js("document.querySelector('.whole img').naturalWidth") == 1280
    assert browser.js("document.querySelector('.evidence').getBoundingClientRect().bottom < innerHeight")


def test_a_crop_that_has_too_little_room_keeps_its_shape(browser, url):
    browser.open(f"{url}#case=cluster.abs")
    browser.js("document.querySelector('.crop').style.maxWidth = '60px'")
    wide, natural = browser.js(
        "(o => [o.clientWidth / o.clientHeight, o.naturalWidth / o.naturalHeight])(document.querySelector('.crop img'))"
    )
    assert browser.js("document.querySelector('.crop img').clientWidth") <= 60
    assert wide == pytest.approx(natural, rel=0.05)


def test_all_that_failed_is_listed_the_first_cause_in_front(browser, several):
    browser.open(several)
    row = browser.text(".cases tbody tr .why").splitlines()
    assert row[0] == "the ECU, at 2.000 s"
    assert row[1] == "expected on within 500 ms · seen off"
    assert row[2].startswith("cluster: telltale abs: expected on within 500 ms, seen off")
    assert row[3] == "and 4 more failures"
    browser.open(f"{several}#case=cluster.several")
    assert browser.text(".verdict .message").startswith("cluster: telltale abs: expected on within 500 ms, seen off")
    assert browser.text(".evidence .expected") == "on within 500 ms"
    further = browser.js("[...document.querySelectorAll('.further li .row > :first-child')].map(o => o.innerText)")
    assert [text for text in further if "cluster/" not in text] == [
        "cluster: text speed", "one != two", "cluster: telltale oil", "monitor: CLU_Status on cabin: late (4 times)",
    ]  # fmt: skip
    crops = "o.querySelectorAll('.crop:not(.brightened)').length"
    pictures = f"[...document.querySelectorAll('.further li')].map(o => {crops})"
    assert browser.js(pictures) == [1, 0, 0, 0]


def test_a_dark_crop_is_shown_as_it_is_and_brightened_and_framed_in_the_whole(browser, several):
    browser.open(f"{several}#case=cluster.several")
    browser.settle()
    true, copy = browser.js("[...document.querySelectorAll('.evidence .crop img')].map(o => o.style.filter)")
    assert true == ""
    assert copy.startswith("brightness(")
    assert "The same, brightened" in browser.text(".evidence .brightened")
    assert "brightness 4 %" in browser.text(".evidence dl")
    box, frame = browser.js(
        "['.evidence .region', '.evidence .whole img'].map(o => document.querySelector(o).getBoundingClientRect())"
        ".map(o => [o.left, o.top, o.width, o.height])"
    )
    assert (box[0] - frame[0]) / frame[2] == pytest.approx(880 / 1280, abs=0.005)
    assert box[2] / frame[2] == pytest.approx(40 / 1280, abs=0.005)


def test_a_bright_crop_has_no_copy(browser, several):
    browser.open(f"{several}#case=cluster.several")
    browser.settle()
    assert browser.js("document.querySelectorAll('.further .brightened').length") == 0


def test_words_of_the_reader_are_explained(browser, several):
    browser.open(f"{several}#case=cluster.several")
    titles = browser.js(
        "Object.fromEntries([...document.querySelectorAll('.evidence abbr')].map(o => [o.innerText, o.title]))"
    )
    assert {"score", "margin", "measured"} <= titles.keys()
    assert all(len(title) > 20 for title in titles.values())
    browser.js("document.querySelector('.legend summary').click()")
    assert "threshold" in browser.text(".legend")


def test_the_score_and_the_margin_of_a_failed_check_say_of_what_they_are(browser, several):
    browser.open(f"{several}#case=cluster.several")
    said = browser.text(".evidence dl")
    assert re.search(r"score\s+0\.\d+ of 1, how sure it is of '.+'", said)
    assert re.search(r"margin\s+-0\.\d+, below 0: by so much it failed", said)


def test_a_mistake_of_the_test_is_no_fault_of_the_bench(browser, several):
    browser.open(f"{several}#case=test.mistake")
    lanes = browser.js("[...document.querySelectorAll('.lane .label b')].map(o => o.innerText)")
    assert "usage errors" in lanes
    assert "bench faults" not in lanes
    assert "Usage errors: mistakes of the test" in browser.text("#app")


def test_the_timeline_shares_one_axis_and_one_cursor(browser, url):
    browser.open(f"{url}#case=cluster.abs")
    assert browser.text(".lane.axis .label") == "t = 8.500 s"
    lefts = browser.js("[...document.querySelectorAll('.lane .u-over')].map(o => o.getBoundingClientRect().left)")
    assert len(lefts) >= 9
    assert len(set(lefts)) == 1
    lanes = browser.js("[...document.querySelectorAll('.lane .label')].map(o => o.innerText)")
    assert "WheelFault\nFAULT" in lanes


def test_a_moved_cursor_reads_every_lane(browser, url):
    browser.open(f"{url}#case=cluster.abs")
    box = browser.js("(({left, top, width}) => [left, top, width])(document.querySelectorAll('.lane .u-over')[1]"
                     ".getBoundingClientRect())")  # fmt: skip
    for offset in (0.2, 0.25):
        browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0] + box[2] * offset, y=box[1] + 5)
    assert browser.js("new Promise(done => setTimeout(() => done(document.querySelector('.lane.axis .label')"
                      ".innerText), 50))").startswith("t = 2.2")  # fmt: skip
    lanes = browser.js("[...document.querySelectorAll('.lane .label')].map(o => o.innerText)")
    assert "WheelFault\nOK" in lanes


def test_hostile_text_is_shown_not_run(browser, url):
    browser.open(f"{url}#case=cluster.hostile")
    assert factory.HOSTILE in browser.text("h1")
    assert browser.js("document.querySelectorAll('#app script').length") == 0


def test_filters_narrow_the_list(browser, url):
    browser.open(url)
    rows = "document.querySelectorAll('.cases tbody tr').length"
    browser.js("document.querySelector('.chip.v-bench-fault').click()")
    assert browser.js(rows) == 3
    browser.js("document.querySelector('.chip.v-bench-fault').click()")
    browser.js("(s => { s.value = 'SPD-1'; s.dispatchEvent(new Event('change')) })"
               "(document.querySelector('[data-key=requirement]'))")  # fmt: skip
    assert browser.js(rows) == 3
    browser.js("(s => { s.value = 'drive cycle'; s.dispatchEvent(new Event('input')) })"
               "(document.querySelector('input[type=search]'))")  # fmt: skip
    assert browser.js(rows) == 1
    assert "1 of 11 cases" in browser.text(".filters")


@pytest.mark.parametrize("width", [900, 420])
@pytest.mark.parametrize("place", ["", "#requirements", "#latencies", "#case=cluster.abs", "#case=wire.full"])
def test_nothing_sticks_out_of_a_narrow_window(browser, url, place, width):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1, mobile=False)
    try:
        browser.open(f"{url}{place}")
        assert browser.js("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    finally:
        browser.call("Emulation.clearDeviceMetricsOverride")


def test_a_case_that_began_nothing_has_no_timeline_and_no_times(browser, tmp_path):
    factory.verdict(factory.open_case(tmp_path, "cam.none"), 0, "not run", "this bench has no camera")
    make_report(tmp_path)
    browser.open(f"{(tmp_path / 'index.html').as_uri()}#case=cam.none")
    assert "this bench has no camera" in browser.text(".verdict")
    assert "bench time" not in browser.text("#app")
    assert browser.js("document.querySelectorAll('.timeline').length") == 0
    browser.open((tmp_path / "index.html").as_uri())
    assert browser.text("h1") == "0 passed, 1 not run"
    assert browser.text(".cases td.num") == ""
    assert "1 case" in browser.text(".filters").splitlines()


def test_a_reaction_that_never_came_is_said_beside_the_measurements(browser, tmp_path):
    factory.measured(tmp_path)
    mute = factory.open_case(tmp_path, "cluster.abs")
    factory.check(mute, 5_000_000_000, False, "on within 5 s", "no reaction", name="reaction")
    factory.verdict(mute, 5_000_000_000, "fail", "abs: expected on within 5 s, seen no reaction")
    make_report(tmp_path)
    browser.open((tmp_path / "index.html").as_uri())
    said = "1 measurement: all within the limits; without a reaction, hence not measured: 1 case"
    assert browser.text("#latencies summary") == said


def test_a_click_opens_the_case_and_escape_closes_it(browser, url):
    browser.open(url)
    browser.js("document.querySelector('.cases tbody tr').click()")
    browser.js("new Promise(done => setTimeout(done, 50))")
    assert "ABS telltale" in browser.text("h1")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="Escape")
    browser.js("new Promise(done => setTimeout(done, 50))")
    assert browser.js("document.querySelectorAll('.cases').length") == 1


def test_an_earlier_attempt_can_be_opened(browser, url):
    browser.open(f"{url}#case=power.brownout&attempt=1")
    assert "does not answer" in browser.text(".verdict")


def test_a_check_row_shows_its_picture_and_moves_the_cursor(browser, url):
    browser.open(f"{url}#case=cluster.speed")
    browser.js("document.querySelector('td .button').click()")
    assert browser.js("document.querySelectorAll('.crop img').length") == 1
    browser.js("document.querySelector('tr[data-t]').click()")
    moved = browser.js(
        "new Promise(done => setTimeout(() => done(document.querySelector('.lane.axis').innerText), 50))"
    )
    assert moved.startswith("t = 1.000 s")


def test_whose_fault_it_is_stands_in_the_list(browser, url):
    browser.open(url)
    said = browser.js("[...document.querySelectorAll('.cases tbody .whose')].map(o => o.innerText)")
    assert said[:2] == ["the ECU, at 8.500 s", "the bench, at 2.000 s"]


def test_a_click_on_a_head_sorts(browser, url):
    names = "[...document.querySelectorAll('.cases tbody .name')].map(o => o.innerText)"
    browser.open(url)
    browser.js("document.querySelector('[data-sort=name] .sort').click()")
    rising = browser.js(names)
    assert rising == sorted(rising, key=str.lower)
    browser.js("document.querySelector('[data-sort=name] .sort').click()")
    assert browser.js(names) == rising[::-1]
    assert browser.js("document.querySelector('[data-sort=name]').getAttribute('aria-sort')") == "descending"
    browser.js("document.querySelector('[data-sort=verdict] .sort').click()")


def test_a_suite_can_be_chosen(browser, url):
    browser.open(url)
    browser.js("(s => { s.value = 'diag'; s.dispatchEvent(new Event('change')) })"
               "(document.querySelector('[data-key=suite]'))")  # fmt: skip
    assert browser.js("document.querySelectorAll('.cases tbody tr').length") == 3


def test_a_case_that_is_not_in_the_report_is_said_to_be_none(browser, url):
    browser.open(f"{url}#case=robot.nobody.knows_it")
    assert "There is no case 'robot.nobody.knows_it' in this report." in browser.text("[role=alert]")
    assert browser.js("document.querySelectorAll('.cases tbody tr').length") == 11
    browser.open(url)
    assert browser.js("document.querySelector('[role=alert]')") is None


def test_the_worst_requirements_come_first(browser, url):
    browser.open(f"{url}#requirements")
    order = browser.js("[...document.querySelectorAll('#requirements tbody tr')].map(o => o.cells[3].innerText)")
    words = [text.split(" ", 1)[-1] for text in order]
    ranks = ["fail", "bench fault", "usage error", "inconclusive", "not run", "pass", "case"]
    assert len(set(words)) >= 3
    assert words == sorted(words, key=ranks.index)


def test_a_remark_on_a_pass_stands_above_beside_and_in_the_case(browser, tmp_path):
    factory.verdict(factory.open_case(tmp_path, "cluster.idle"), factory.S, "pass", "no check was made")
    make_report(tmp_path)
    page = (tmp_path / "index.html").as_uri()
    browser.open(page)
    assert "1 pass: no check was made: cluster.idle" in browser.text("#app")
    assert browser.text(".cases tbody .remark") == "no check was made"
    browser.open(f"{page}#case=cluster.idle")
    assert browser.text(".verdict .remark") == "no check was made"


def test_the_coverage_names_what_nothing_verifies_and_what_verifies_nothing(browser, url):
    browser.open(f"{url}#requirements")
    said = browser.text("#requirements")
    assert "NET-9\tNetwork management keeps the bus awake\tnetwork specification 9\tno case" in said
    assert "5 cases without a requirement: " in said


def test_the_latencies_show_figures_that_their_number_can_bear(browser, url):
    browser.open(f"{url}#latencies")
    row = browser.text("#latencies tbody tr")
    assert "CAN to framebuffer" in row
    assert "150\t± 14.4\tms\tcluster specification 3.2" in row
    browser.open(f"{url}#case=latency.speed")
    assert "up to 135.6 it conforms, above 164.4 it does not" in browser.text("#app")


def test_a_signal_of_the_bus_is_drawn_on_demand(browser, url):
    browser.open(f"{url}#case=wire.full")
    lanes = "document.querySelectorAll('.lane').length"
    before = browser.js(lanes)
    browser.js("(s => { s.value = 'WheelSpeedFrontLeft'; s.dispatchEvent(new Event('input')) })"
               "(document.querySelector('[aria-label=\"filter signals\"]'))")  # fmt: skip
    browser.js("document.querySelector('.wire .button').click()")
    assert browser.js(lanes) == before + 1
    browser.js("document.querySelector('.lane .remove').click()")
    assert browser.js(lanes) == before


def test_a_signal_whose_message_is_overdue_is_said_to_be_old(browser, url):
    gear = "[...document.querySelectorAll('.lane .label')].find(o => o.innerText.includes('TCM_Gear')).innerText"
    for moment, said in (("3.5", False), ("5.5", True), ("8", False)):
        browser.open(f"{url}#case=wire.full&t={moment}")
        browser.settle()
        assert ("the last value: overdue since 4." in browser.js(gear)) is said
    assert "dotted: the last value of a message that is overdue" in browser.text(".hint")
    assert "dotted" not in hint_of(browser, f"{url}#case=cluster.abs")


def hint_of(browser, url):
    browser.open(url)
    return browser.text(".hint")


def test_the_line_of_an_overdue_message_is_dotted(browser, url):
    """A column of pixels in the gap has less of the line's colour than one beside it: dots, not nothing."""
    browser.open(f"{url}#case=wire.full")
    browser.settle()
    inked = browser.js("""(() => {
      const row = [...document.querySelectorAll('.lane')].find(o => o.innerText.includes('TCM_Gear'));
      const canvas = row.querySelector('canvas'), over = row.querySelector('.u-over'), scale = devicePixelRatio;
      const left = parseFloat(over.style.left) * scale, width = parseFloat(over.style.width) * scale;
      const line = getComputedStyle(document.documentElement).getPropertyValue('--series').trim();
      const want = [1, 3, 5].map(n => parseInt(line.slice(n, n + 2), 16));
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const share = (from, to) => {
        const x = Math.round(left + width * from / 12), wide = Math.round(width * (to - from) / 12);
        let columns = 0;
        for (let c = x; c < x + wide; c++) {
          let hit = false;
          for (let y = 0; y < canvas.height; y++) {
            const p = 4 * (y * canvas.width + c);
            hit = hit || want.every((level, n) => Math.abs(data[p + n] - level) < 40);
          }
          columns += hit;
        }
        return columns / wide;
      };
      return [share(1.1, 3.9), share(4.5, 6.9), share(7.2, 11.9)];
    })()""")
    assert inked[0] == inked[2] == pytest.approx(1.0, abs=0.02)
    assert 0.2 < inked[1] < 0.8


def test_every_kind_of_record_has_its_lane_and_its_table(browser, url):
    browser.open(f"{url}#case=wire.full")
    lanes = browser.js("[...document.querySelectorAll('.lane .label b')].map(o => o.innerText)")
    assert {"diag cockpit", "mqtt", "sound", "touch", "update", "wind tunnel", "pictures"} <= set(lanes)
    heads = browser.js("[...document.querySelectorAll('h2')].map(o => o.innerText)")
    assert "diag cockpit (2)" in heads


def test_frames_are_found_by_message_and_signal(browser, url):
    browser.open(f"{url}#case=wire.full")
    browser.js("(s => { s.value = 'esc_speed'; s.dispatchEvent(new Event('input')) })"
               "(document.querySelector('[aria-label=\"filter frames\"]'))")  # fmt: skip
    rows = browser.js("[...document.querySelectorAll('.frames tbody tr')].map(o => o.innerText)")
    assert rows
    assert all("VehicleSpeed" in row for row in rows)


def test_keys_move_and_zoom_the_timeline(browser, url):
    browser.open(f"{url}#case=cluster.abs")
    ticks = "document.querySelector('.lane.axis').innerText + location.hash"
    browser.js("document.querySelector('.timeline').focus()")
    for key in ("+", "ArrowLeft", "Home"):
        browser.call("Input.dispatchKeyEvent", type="keyDown", key=key)
        browser.settle()
        assert "cluster.abs" in browser.js(ticks)
    browser.js("document.querySelector('.whole .picture').click()")
    assert browser.js("document.querySelector('dialog').open")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="Escape", windowsVirtualKeyCode=27)
    browser.settle()
    assert browser.js("document.querySelector('dialog') === null && location.hash.includes('cluster.abs')")


def test_an_address_may_name_a_moment(browser, url):
    browser.open(f"{url}#case=cluster.abs&t=3.25")
    browser.settle()
    assert browser.text(".lane.axis .label") == "t = 3.250 s"


def test_dark_is_dark_and_paper_is_white(browser, url):
    background = "getComputedStyle(document.body).backgroundColor"
    browser.dark()
    browser.open(url)
    assert browser.js(background) == "rgb(20, 23, 27)"
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    assert browser.js(background) == "rgb(255, 255, 255)"
    browser.dark(False)
    assert browser.js(background) == "rgb(246, 247, 249)"


VIEWS = {
    "list": "",
    "requirements": "#requirements",
    "latencies": "#latencies",
    "case-failed": "#case=cluster.abs",
    "case-every-kind": "#case=wire.full",
    "case-latency": "#case=latency.speed",
    "case-bench-fault": "#case=power.brownout",
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pictures_for_somebody_to_look_at(browser, url, pictures, view, dark):
    browser.dark(dark)
    browser.open(f"{url}{VIEWS[view]}")
    path = pictures / f"{view}-{'dark' if dark else 'light'}.png"
    browser.screenshot(path, whole=view.startswith("case"))
    browser.dark(False)
    assert path.stat().st_size > 20_000


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_history_opens_and_its_cells_lead_to_the_cases(browser, tmp_path, pictures, dark):
    results = history_lab.make_history(tmp_path)
    page = results / "history.html"
    page.write_bytes(history_page(histories(find_runs(results).runs, last=10), ["night 7 is left out: no reason"]))
    browser.dark(dark)
    browser.call("Page.navigate", url=page.as_uri())
    browser.settle()
    assert browser.text("h1") == "4 changed for the worse"
    href = browser.js("document.querySelector('.cell.v-fail').getAttribute('href')")
    assert href == "20261106T021500Z-virtual/index.html#case=abs_lamp"
    browser.screenshot(pictures / f"history-{'dark' if dark else 'light'}.png", whole=True)
    browser.dark(False)
