"""Blinking, freezing, order, and expectations of views and pop-ups on a virtual glass."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from hil.clock import VirtualClock
from hil.errors import InconclusiveError, UsageError
from hil.hmi import expect, expect_views
from hil.hmi.checks import ScreenChecks
from hil.hmi.frames import Display, Frame
from hil.hmi.layout import Bar, Icon, Picture, Popup, View, parse
from hil.hmi.motion import Rhythm
from hil.hmi.sources import SimSource

MS = 1_000_000
VSYNC_NS = 16_666_667
FONT = ImageFont.truetype("hil/ecu/fonts/DejaVuSans.ttf", 22)
DISC = np.zeros((40, 40), np.uint8)
cv2.circle(DISC, (20, 20), 14, 255, -1, cv2.LINE_AA)
LAYOUT = parse(
    """
[screen]
size = [640, 240]
[telltale.turn]
region = [10, 10, 40, 40]
colour = "green"
[bar.fuel]
region = [10, 200, 100, 10]
colours = ["white"]
scale = [0, 50]
unit = "km"
[icon.arrow]
region = [560, 20, 48, 48]
pictures = { disc = "disc.png" }
[picture.camera]
region = [200, 150, 200, 80]
[view.media]
anchors = [{ region = [0, 220, 60, 20], colour = "blue" }]
[view.phone]
anchors = [{ region = [60, 220, 60, 20], colour = "blue" }]
[popup.warning]
region = [100, 40, 400, 60]
mark = [100, 40, 6, 60]
severity.caution = { colour = "amber" }
severity.critical = { colour = "red" }
text = [120, 44, 370, 52]
""",
    shapes=lambda _: DISC,
)


def screen(*, lamp=0.0, camera=None, view=None, popup=None, text=""):
    pixels = np.full((240, 640, 3), (10, 12, 18), np.uint8)
    pixels[14:46, 14:46] = np.maximum(pixels[14:46, 14:46], (np.array([0, 220, 80]) * lamp).astype(np.uint8))
    if camera is not None:
        pixels[150:230, 200:400] = (40, 60, 80)
        pixels[160:180, 200 + camera : 240 + camera] = (200, 180, 90)
    if view is not None:
        pixels[220:240, 60 * view : 60 * view + 60] = (0, 96, 255)
    if popup is not None:
        pixels[40:100, 100:500], pixels[40:100, 100:106] = (30, 32, 40), popup
        image = Image.fromarray(pixels)
        ImageDraw.Draw(image).text((130, 56), text, font=FONT, fill=(235, 235, 240))
        pixels = np.array(image)
    return pixels


class Rig:
    """A glass in virtual time."""

    def __init__(self, period_ns=VSYNC_NS):
        self.clock = VirtualClock()
        self.display = Display("cluster", (640, 240), period_ns)
        self.reported = []
        source = SimSource(clock=self.clock, display=self.display)
        self.checks = ScreenChecks(screen="cluster", source=source, clock=self.clock, report=self.reported.append)
        self.show(0)

    def show(self, at_ms, **state):
        t_ns = round(at_ms * MS)
        key = repr(sorted(state.items()))
        frame = Frame(t_ns, lambda: screen(**state), token=key)
        self.clock.call_at(t_ns, lambda _: self.display.present(frame))

    def blink(self, rate_hz, *, duty=0.5, until_ms=8000, phase_ms=137.0, fade=False):
        """At the vsyncs at which a lamp of this rhythm changes, as a 60 Hz screen shows it."""
        shown = 0.0
        for number in range(round(until_ms * MS / VSYNC_NS)):
            t_ms = number * VSYNC_NS / MS
            lit = 1.0 if ((t_ms - phase_ms) * rate_hz / 1000) % 1 < duty and t_ms >= phase_ms else 0.0
            if lit != shown:
                if fade:
                    self.show(t_ms - 5, lamp=0.45)
                self.show(t_ms, lamp=lit)
                shown = lit

    def lamp(self):
        return expect.lamp(LAYOUT.telltale("turn"), "on")

    def run(self, check, *arguments, start_ms=5.0, **options):
        async def main():
            await self.clock.sleep_until(round(start_ms * MS))
            return await check(*arguments, **options)

        result = self.clock.run(main())
        assert self.reported == [result]
        return result


@pytest.fixture
def rig():
    made = Rig()
    yield made
    made.clock.close()


# ---- blinking


@pytest.mark.parametrize("start_ms", [5, 150, 333, 480])
@pytest.mark.parametrize("fade", [False, True])
def test_a_rhythm_is_measured_whatever_the_phase(rig, start_ms, fade):
    rig.blink(1.5, fade=fade)
    result = rig.run(rig.checks.blinking, rig.lamp(), Rhythm(1.5, 0.1), start_ms=start_ms)
    assert result.ok, result
    assert float(result.seen.split()[0]) == pytest.approx(1.5, abs=0.03)
    assert result.margin > 0.5
    assert result.expected.startswith("blinking at 1.5 Hz +- 0.1 within ")
    assert result.crop.shape[1] > 5 * 40, "a film strip"
    assert rig.clock.now_ns < 3500 * MS


@pytest.mark.parametrize(("rate_hz", "ok"), [(1.25, True), (1.0, False), (1.75, True), (2.05, False)])
def test_a_rhythm_beyond_its_tolerance_fails(rig, rate_hz, ok):
    rig.blink(rate_hz)
    result = rig.run(rig.checks.blinking, rig.lamp(), Rhythm(1.5, 0.3))
    assert result.ok is ok
    assert f"{rate_hz:.1f}"[:3] in result.seen or ok


@pytest.mark.parametrize(("duty", "ok"), [(0.5, True), (0.3, False), (0.8, False)])
def test_the_duty_counts_where_it_is_asked_for(rig, duty, ok):
    rig.blink(1.5, duty=duty)
    assert rig.run(rig.checks.blinking, rig.lamp(), Rhythm(1.5, 0.1, (0.4, 0.6))).ok is ok
    rig.reported.clear()


@pytest.mark.parametrize(("lamp", "word"), [(1.0, "steadily on"), (0.0, "steadily off")])
def test_steady_is_no_blinking(rig, lamp, word):
    rig.show(2, lamp=lamp)
    result = rig.run(rig.checks.blinking, rig.lamp(), Rhythm(1.5, 0.1))
    assert (result.ok, result.seen) == (False, f"0 whole cycles, {word}")


def test_one_lame_cycle_fails_though_the_mean_is_right(rig):
    for at_ms, lamp in ((100, 1), (433, 0), (767, 1), (1300, 0), (1633, 1), (1900, 0), (2100, 1), (2433, 0)):
        rig.show(at_ms, lamp=float(lamp))
    result = rig.run(rig.checks.blinking, rig.lamp(), Rhythm(1.5, 0.15))
    assert not result.ok
    assert result.seen.startswith("a cycle of 866")


def test_during_all_of_it_must_blink(rig):
    rig.blink(1.5, until_ms=3000)
    result = rig.run(rig.checks.blinking, rig.lamp(), Rhythm(1.5, 0.1), "6 s")
    assert not result.ok
    assert "no longer" in result.seen
    rig.reported.clear()
    assert not rig.run(rig.checks.blinking, rig.lamp(), Rhythm(1.5, 0.1), "2 s", start_ms=6000).ok


def test_during_passes_to_its_end(rig):
    rig.blink(1.5)
    assert rig.run(rig.checks.blinking, rig.lamp(), Rhythm(1.5, 0.1), "6 s").ok
    assert rig.clock.now_ns == 6005 * MS


def test_a_source_that_is_too_slow_is_inconclusive():
    rig = Rig(period_ns=300 * MS)
    with pytest.raises(InconclusiveError, match=r"can't tell 1\.5 Hz"):
        rig.run(rig.checks.blinking, rig.lamp(), Rhythm(1.5, 0.1))
    rig.clock.close()


@pytest.mark.parametrize("tolerance", [0, -1, 2])
def test_no_rhythm_is_refused(tolerance):
    with pytest.raises(UsageError, match="no rhythm"):
        Rhythm(1.5, tolerance)


# ---- frozen


def test_what_changes_often_enough_is_not_frozen(rig):
    for step in range(1, 40):
        rig.show(step * 50, camera=step)
    camera = LAYOUT.find("camera", Picture)
    result = rig.run(rig.checks.changing, "100 ms", "1.5 s", camera)
    assert (result.ok, result.name, result.target) == (True, "changing", "cluster: picture camera")
    assert "at most 50" in result.seen


def test_what_stands_still_for_longer_is_frozen_whatever_else_changes(rig):
    for step in range(1, 40):
        rig.show(step * 50, camera=min(step, 8), lamp=float(step % 2))
    result = rig.run(rig.checks.changing, "100 ms", "1.5 s", LAYOUT.find("camera", Picture))
    assert not result.ok
    assert result.seen.startswith("frozen for 100")
    assert rig.clock.now_ns == 500 * MS


# ---- order


def test_warnings_in_order_pass_and_out_of_order_fail(rig):
    watch = expect_views.PopupText(LAYOUT.find("warning", Popup))
    amber = (255, 176, 0)
    for at_ms, text in ((100, "Door open"), (500, "Low fuel"), (900, "Check engine")):
        rig.show(at_ms, popup=amber, text=text)
    assert rig.run(rig.checks.in_order, watch, ["Door open", "Low fuel", "Check engine"], "2 s", start_ms=0).ok
    rig.reported.clear()


def test_an_early_one_and_a_missing_one_are_told(rig):
    watch = expect_views.PopupText(LAYOUT.find("warning", Popup))
    rig.show(100, popup=(255, 176, 0), text="Low fuel")
    result = rig.run(rig.checks.in_order, watch, ["Door open", "Low fuel"], "2 s")
    assert (result.ok, result.seen) == (False, "'Low fuel' before 'Door open'")
    rig.reported.clear()
    result = rig.run(rig.checks.in_order, watch, ["Low fuel", "Door open"], "1 s", start_ms=3000)
    assert (result.ok, result.seen) == (False, "'Low fuel'")


# ---- expectations


def judge(expectation, **state):
    return expectation.judge(screen(**state))


def test_a_popup_is_expected_by_severity_and_text():
    item = LAYOUT.find("warning", Popup)
    red = {"popup": (235, 20, 20), "text": "Stop now"}
    good = judge(expect_views.PopupExpectation(item, "critical", "Stop now"), **red)
    assert (good.ok, good.seen) == (True, "critical, 'Stop now'")
    wrong = judge(expect_views.PopupExpectation(item, "critical", "Go on"), **red)
    assert (wrong.ok, wrong.margin < 0) == (False, True)
    assert not judge(expect_views.PopupExpectation(item, "caution", "Stop now"), **red).ok
    assert not judge(expect_views.PopupExpectation(item, "none"), **red).ok
    assert judge(expect_views.PopupExpectation(item), **red).ok
    assert judge(expect_views.PopupExpectation(item, "none")).ok
    assert judge(expect_views.PopupExpectation(item, "critical", "Stop now")).seen == "none"


@pytest.mark.parametrize(
    "arguments", [{"severity": "fatal"}, {"severity": "none", "text": "x"}, {"symbol": "oil"}], ids=str
)
def test_what_a_popup_cannot_be_is_a_usage_error(arguments):
    with pytest.raises(UsageError):
        expect_views.PopupExpectation(LAYOUT.find("warning", Popup), **arguments)


def test_a_view_that_is_not_shown_is_told_with_the_one_that_is():
    media, phone = LAYOUT.find("media", View), LAYOUT.find("phone", View)
    wanted = expect_views.shown(media, others=[media, phone])
    assert judge(wanted, view=0).ok
    seen = judge(wanted, view=1)
    assert (seen.ok, seen.seen) == (False, "not shown, but phone")
    assert judge(expect_views.shown(media, is_shown=False), view=1).ok


def test_percent_of_a_bar_from_0_to_1_are_parts():
    bars = parse(
        """
[screen]
size = [640, 240]
[bar.level]
region = [10, 200, 100, 10]
colours = ["white"]
[bar.litres]
region = [10, 220, 100, 10]
colours = ["white"]
scale = [0, 50]
""",
        "bars.toml",
    )
    assert expect.bar(bars.find("level", Bar), "50 %", "5 %").expected == "0.5 +- 0.05"
    with pytest.raises(UsageError, match=r"'50 %' has a unit, but the layout gives none. Remedy: add unit = \"%\""):
        expect.bar(bars.find("litres", Bar), "50 %", "5 %")


def test_bars_icons_and_pictures_are_expected_in_their_words():
    bar = LAYOUT.find("fuel", Bar)
    assert judge(expect.bar(bar, "0 km", "1 km")).ok
    with pytest.raises(UsageError, match="without a tolerance"):
        expect.bar(bar, 10, 0)
    arrow = LAYOUT.find("arrow", Icon)
    assert judge(expect_views.icon(arrow, "none")).ok
    assert not judge(expect_views.icon(arrow, "disc")).ok
    with pytest.raises(UsageError, match="no picture 'ring'"):
        expect_views.icon(arrow, "ring")
    camera = LAYOUT.find("camera", Picture)
    assert judge(expect_views.not_black(camera), camera=3).ok
    assert not judge(expect_views.not_black(camera)).ok
    assert judge(expect_views.picture(camera, "black")).ok
    with pytest.raises(UsageError, match="no state"):
        expect_views.picture(camera, "dull")
