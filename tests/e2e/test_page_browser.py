"""The page in a real browser, opened as a file: no error, and the failure is there to be read."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hil.evidence.report import make_report

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import evidence_factory as factory

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--window-size=1400,1000", "--remote-debugging-pipe",
)  # fmt: skip
DEADLINE_S = "90"
LAUNCH = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
READY = """new Promise(done => {
  const look = () => document.readyState === 'complete' && document.querySelector('#app > *')
    ? requestAnimationFrame(done) : setTimeout(look, 10);
  look();
})"""
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
]


class Browser:
    """A headless browser on a pair of pipes, driven by its DevTools protocol."""

    def __init__(self, profile):
        (commands, self._write), (self._read, answers) = _pipe(), _pipe()
        launch = [sys.executable, "-c", LAUNCH, str(commands), str(answers), "timeout", DEADLINE_S, CHROMIUM]
        self._process = subprocess.Popen(
            [*launch, *FLAGS, f"--user-data-dir={profile}"], pass_fds=(commands, answers), stderr=subprocess.DEVNULL
        )
        os.close(commands)
        os.close(answers)
        self._answers = os.fdopen(self._read, "rb")
        self._id, self._session, self.errors = 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Page"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        self._id += 1
        message = {"id": self._id, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._id:
                assert "error" not in answer, answer
                return answer["result"]

    def _next(self):
        data = bytearray()
        while not data.endswith(b"\0"):
            byte = self._answers.read(1)
            assert byte, "the browser is gone"
            data += byte
        answer = json.loads(data[:-1])
        method, params = answer.get("method"), answer.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"])
        elif method == "Runtime.consoleAPICalled":
            self.errors.append(params)
        elif method == "Page.javascriptDialogOpening":
            self.errors.append(params)
            raise AssertionError(f"hostile text ran: {params}")
        return answer

    def js(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def open(self, url):
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.js(READY)

    def text(self, selector="#app"):
        return self.js(f"document.querySelector({json.dumps(selector)}).innerText")

    def close(self):
        os.close(self._write)
        self._process.terminate()
        self._process.wait()
        self._answers.close()


def _pipe():
    """A pipe whose ends have numbers that the launcher doesn't need."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in ends)
    for end in ends:
        os.close(end)
    return high


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    results = factory.make_results(tmp_path_factory.mktemp("browser") / "results", seconds=10)
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


def test_the_list_says_at_once_what_failed_and_why(browser, url):
    browser.open(url)
    first = browser.text(".cases tbody tr")
    assert "ABS telltale after a wheel sensor fault" in first
    assert "expected on within 2.5 s · seen off" in first
    assert browser.text("h1") == "1 failed, 3 bench faults, 1 inconclusive of 10 cases"
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


def test_the_timeline_shares_one_axis_and_one_cursor(browser, url):
    browser.open(f"{url}#case=cluster.abs")
    assert browser.text(".lane.axis .label") == "t = 8.500 s"
    lefts = browser.js("[...document.querySelectorAll('.lane .u-over')].map(o => o.getBoundingClientRect().left)")
    assert len(lefts) >= 9
    assert len(set(lefts)) == 1
    lanes = browser.js("[...document.querySelectorAll('.lane .label')].map(o => o.innerText)")
    assert "powertrain::WheelFault\nFAULT" in lanes


def test_a_moved_cursor_reads_every_lane(browser, url):
    browser.open(f"{url}#case=cluster.abs")
    box = browser.js("(({left, top, width}) => [left, top, width])(document.querySelectorAll('.lane .u-over')[1]"
                     ".getBoundingClientRect())")  # fmt: skip
    for offset in (0.2, 0.25):
        browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0] + box[2] * offset, y=box[1] + 5)
    assert browser.js("new Promise(done => setTimeout(() => done(document.querySelector('.lane.axis .label')"
                      ".innerText), 50))").startswith("t = 2.2")  # fmt: skip
    lanes = browser.js("[...document.querySelectorAll('.lane .label')].map(o => o.innerText)")
    assert "powertrain::WheelFault\nOK" in lanes


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
    browser.js("document.querySelector('td button').click()")
    assert browser.js("document.querySelectorAll('.crop img').length") == 1
    browser.js("document.querySelector('tr[data-t]').click()")
    moved = browser.js(
        "new Promise(done => setTimeout(() => done(document.querySelector('.lane.axis').innerText), 50))"
    )
    assert moved.startswith("t = 1.000 s")
