"""A headless browser for tests of the page, driven by its DevTools protocol over a pair of pipes."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys

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
  const look = () => document.readyState === 'complete' && document.documentElement.dataset.ready
    ? requestAnimationFrame(done) : setTimeout(look, 10);
  look();
})"""


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
        self._answers, self._unread = os.fdopen(self._read, "rb"), b""
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
        while b"\0" not in self._unread:
            part = self._answers.read1(1 << 20)
            assert part, "the browser is gone"
            self._unread += part
        data, _, self._unread = self._unread.partition(b"\0")
        answer = json.loads(data)
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

    def dark(self, on=True):
        """What the page is told of the reader's colour scheme."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self.call("Emulation.setEmulatedMedia", media="", features=[scheme])

    def screenshot(self, path, *, whole=False, width=1400, height=1000):
        """A picture of what is to be seen, or of the whole page down to its end."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.settle()
        if whole:
            height = self.js("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, 6000), "scale": 1}
        more = {"captureBeyondViewport": True, "clip": clip} if whole else {}
        data = self.call("Page.captureScreenshot", format="png", **more)["data"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(data))

    def settle(self):
        """Wait until two pictures were drawn: what was asked for is on the screen."""
        self.js("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60))))")

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
