"""Touch, keys, views, looks and chimes as a test uses them: on a bench whose panel, screen and loudspeaker a small
program joins, and on the virtual ECU."""

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from hil.bench import config as bench_config
from hil.bench import wiring
from hil.bench.facade import Bench
from hil.bench.looks import Looks
from hil.bench.plan import plan
from hil.cli import look
from hil.errors import EcuError, NotRunError, UsageError
from hil.hmi.audio import RATE_HZ, Sound
from hil.hmi.frames import Frame
from hil.journal import Journal, JournalReader

MS = 1_000_000
FILE = """[bench]
name = "panel"
clock = "virtual"
[screen.centre]
source = "virtual"
layout = "centre.toml"
[touch.panel]
port = "virtual"
screen = "centre"
[keys.pad]
port = "virtual"
[audio.cabin]
port = "virtual"
chimes = "chimes.csv"
"""
LAYOUT = """
[screen]
size = [320, 200]
[view.home]
anchors = [{ region = [0, 0, 40, 40], colour = "blue" }]
[view.media]
anchors = [{ region = [0, 0, 40, 40], colour = "green" }]
[button.media]
region = [100, 100, 60, 40]
[button.home]
region = [200, 100, 60, 40]
[button.skip]
view = "media"
region = [200, 60, 40, 30]
[bar.volume]
region = [50, 180, 200, 10]
colours = ["white"]
scale = [0, 100]
[bar.mixer]
view = "media"
region = [50, 180, 200, 10]
colours = ["white"]
scale = [0, 100]
[picture.cover]
region = [250, 10, 60, 60]
[overlay.night.view.home]
anchors = [{ region = [0, 0, 40, 40], colour = "red" }]
"""
COLOURS = {"home": (0, 96, 255), "media": (0, 220, 80), "night": (235, 20, 20)}
REACTS_MS = 40


class Panel:
    """What answers the finger: another view 40 ms later, a beep, and the volume by keys."""

    def __init__(self, made):
        self.clock, copper = made.clock, made._copper
        self.display = copper.display("centre", (320, 200))
        self.speaker = copper.speaker("cabin")
        self.view, self.volume, self.cover, self.felt = "home", 30, 0, []
        copper.panel("panel", (320, 200)).listen(self.touched)
        copper.pad("pad").listen(self.pressed)
        self.show()

    def touched(self, event):
        self.felt.append(event)
        if event.action == "down":
            view = "media" if event.x < 180 else "home"
            self.clock.call_in(REACTS_MS * MS, self.go, view)
            self.speaker.play(Sound(event.t_ns, 50 * MS, self.beep, "click"))

    def pressed(self, event):
        self.felt.append(event)
        if event.pressed and event.key == "home":
            self.go("home")
        if event.pressed and event.key == "volume_up":
            self.volume += 10
            self.show()

    def beep(self):
        return (8000 * np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ // 20) / RATE_HZ)).astype(np.int16)

    def go(self, view):
        self.view = view
        self.show()

    def play(self, frames, every_ms):
        for number in range(frames):
            self.clock.call_in(number * every_ms * MS, self.turn, number)

    def turn(self, number):
        self.cover = number
        self.show()

    def show(self):
        state = self.view, self.volume, self.cover
        self.display.present(Frame(self.clock.now_ns, lambda: self.draw(*state), token=state))

    def draw(self, view, volume, cover):
        pixels = np.full((200, 320, 3), (10, 12, 18), np.uint8)
        pixels[0:40, 0:40] = COLOURS[view]
        pixels[180:190, 50 : 50 + 2 * volume] = (240, 240, 240)
        if cover:
            cv2.circle(pixels, (280, 40), 5 + cover % 20, (200, 120, 60), -1)
        return pixels


@pytest.fixture
def rig(tmp_path):
    for name, text in (
        ("bench.toml", FILE),
        ("centre.toml", LAYOUT),
        ("chimes.csv", "chime,frequency_Hz\nclick,1000\n"),
    ):
        (tmp_path / name).write_text(text)
    made = wiring.Wiring(plan(bench_config.load(tmp_path / "bench.toml")), "seed")
    made.clock.run(made.open())
    journal = Journal(tmp_path / "journal.mcap")
    made.recorder.begin(journal)
    bench = Bench(made, 600.0)
    bench.panel = Panel(made)
    bench.pictures = lambda: (journal.flush(), [e for e in JournalReader(tmp_path / "journal.mcap")])[1]
    yield bench
    made.close()
    journal.close()


def test_a_button_of_a_view_that_is_not_shown_is_not_touched(rig):
    with pytest.raises(EcuError, match=r"button skip: expected on view media within 1 s, seen view home"):
        rig.touch("skip")
    with pytest.raises(EcuError, match="seen view home"):
        rig.swipe("skip", (10, 10))
    assert rig.panel.felt == []
    assert len([entry for entry in rig.pictures() if entry.kind == "check"]) == 2
    rig.touch((220, 70))
    assert rig.panel.felt


def test_a_button_is_touched_as_soon_as_its_view_comes(rig):
    rig.panel.clock.call_in(500 * MS, rig.panel.go, "media")
    rig.touch("skip")
    assert rig.panel.felt[0].t_ns == 500 * MS
    kept = len(rig.pictures())
    rig.panel.go("media")
    rig.touch("skip")
    assert len([event for event in rig.pictures()[kept:] if event.kind in ("check", "screen", "picture")]) == 0, (
        "not a check"
    )


def test_a_button_whose_view_comes_with_other_pixels_than_its_own_is_seen(rig):
    rig.panel.clock.call_in(500 * MS, rig.panel.go, "media")
    rig.screen().button("skip").should_be_shown(within="600 ms")
    rig.panel.go("home")
    with pytest.raises(EcuError, match="seen not shown"):
        rig.screen().button("skip").should_be_shown(within=0)


def test_a_failed_check_of_an_item_says_that_its_view_is_not_shown(rig):
    with pytest.raises(EcuError, match="view media, on which it stands, is not shown"):
        rig.screen().button("skip").should_be_shown(within=0)


def test_hil_look_draws_what_is_on_the_picture(rig):
    layout = rig.portal.layout("centre")
    there = look.view_of(rig, "centre", list(layout), everything=False)
    assert [item.name for item in there.absent] == ["mixer", "media", "skip"]
    drawn = {item.name for item, _ in there.readings}
    assert drawn == {"home", "media", "volume", "cover"}, "the button 'media' is on every view"
    rig.panel.go("media")
    there = look.view_of(rig, "centre", list(layout), everything=False)
    assert [item.name for item in there.absent] == ["home"]
    assert look.view_of(rig, "centre", list(layout), everything=True).absent == []


def test_hil_look_reads_nothing_in_the_place_of_what_is_on_another_view(rig, capsys):
    seen = look.view_of(rig, "centre", [rig.portal.layout("centre").item("mixer")], everything=True)
    assert seen.readings[0][1] is None, "the volume of 'home' is no reading of the mixer"
    look._show([seen], Path("look.png"), plain=False)
    assert "not on this view view media, on which it stands, is not shown" in " ".join(capsys.readouterr().out.split())
    rig.panel.go("media")
    seen = look.view_of(rig, "centre", [rig.portal.layout("centre").item("mixer")], everything=True)
    assert look.say(*seen.readings[0]) == "30"


def test_a_check_of_what_is_on_another_view_never_passes_by_what_is_in_its_place(rig):
    mixer = rig.screen().bar("mixer")
    with pytest.raises(EcuError, match="seen view media, on which it stands, is not shown"):
        mixer.should_show(30, tolerance=1, within="100 ms")
    rig.panel.clock.call_in(500 * MS, rig.panel.go, "media")
    mixer.should_show(30, tolerance=1, within="600 ms")
    rig.panel.clock.call_in(200 * MS, rig.panel.go, "home")
    with pytest.raises(EcuError, match="seen view media, on which it stands, is not shown"):
        mixer.should_stay_at(30, tolerance=1, during="500 ms")


def test_a_touch_on_a_button_is_felt_and_lifted(rig):
    rig.touch("media", hold="80 ms")
    assert [(event.action, event.x, event.y) for event in rig.panel.felt] == [("down", 130, 120), ("up", 130, 120)]
    assert rig.now_ns == 80 * MS
    rig.screen().view("media").should_be_shown(within="100 ms")
    rig.touch((230, 120))
    rig.screen().view("home").should_be_shown(within="100 ms")
    rig.screen().view("media").should_not_be_shown(within=0)


def test_a_view_that_is_not_shown_fails_with_the_one_that_is_and_a_picture(rig):
    with pytest.raises(EcuError) as caught:
        rig.screen().view("media").should_be_shown(within="100 ms")
    assert "seen not shown, but home" in str(caught.value)
    assert caught.value.picture.startswith(b"\x89PNG")


def test_keys_swipes_and_bars(rig):
    rig.press_key("volume_up")
    rig.hold_key("volume_up", hold="600 ms")
    rig.screen().bar("volume").should_show(50, tolerance=1)
    assert rig.now_ns == 680 * MS
    rig.swipe((10, 10), (110, 10), duration="100 ms")
    moves = [event.x for event in rig.panel.felt if getattr(event, "action", "") == "move"]
    assert moves == sorted(moves)
    assert moves[-1] == 110
    with pytest.raises(EcuError, match="expected 90 \\+- 1"):
        rig.screen().bar("volume").should_show(90, tolerance=1, within=0)


def test_names_that_are_not_there_are_usage_errors(rig):
    for call in (
        lambda: rig.touch("medai"),
        lambda: rig.touch((400, 0)),
        lambda: rig.press_key("fire"),
        lambda: rig.use_theme("nihgt"),
        lambda: rig.ear().should_hear("bell"),
        lambda: rig.screen().popup().should_show(),
    ):
        with pytest.raises(UsageError):
            call()


@pytest.mark.parametrize(
    ("aspect", "word", "remedy"),
    [
        ("language", "xx", "they know de, en; leave it out where they are the same in each language."),
        ("theme", "nihgt", "did you mean 'night'?"),
        ("theme", "zz", "they know day, night."),
        ("unit", "knots", "they know km/h, mph."),
    ],
)
def test_of_a_wrong_look_those_of_its_kind_are_listed(aspect, word, remedy):
    layout = SimpleNamespace(choices=("night", "de", "mph"), base=("day", "en", "km/h"))
    with pytest.raises(UsageError) as error:
        Looks({"cluster": layout}).use(aspect, word)
    assert (error.value.what, error.value.remedy) == (f"no {aspect} '{word}' in the layouts of this bench", remedy)


def test_where_the_layouts_know_no_language_that_is_said():
    layout = SimpleNamespace(choices=("night",), base=("day",))
    with pytest.raises(UsageError, match="they know no language; leave it out"):
        Looks({"cluster": layout}).use("language", "de")


def test_a_theme_is_expected_and_given_up(rig):
    home = COLOURS["home"]
    rig.use_theme("night")
    with pytest.raises(EcuError):
        rig.screen().view("home").should_be_shown(within=0)
    COLOURS["home"] = COLOURS["night"]
    try:
        rig.panel.volume = 31
        rig.panel.show()
        rig.screen().view("home").should_be_shown(within=0)
        rig.use_theme("day")
        with pytest.raises(EcuError):
            rig.screen().view("home").should_be_shown(within=0)
    finally:
        COLOURS["home"] = home


def test_chimes_are_heard_or_not(rig):
    rig.ear().should_be_silent(during="500 ms")
    rig.panel.clock.call_in(
        300 * MS, lambda _: rig.panel.touched(type("Down", (), {"action": "down", "x": 0, "t_ns": rig.now_ns})())
    )
    rig.ear().should_hear("click", within="500 ms")
    rig.sleep("200 ms")
    with pytest.raises(EcuError, match="expected chime click within") as caught:
        rig.ear().should_hear("click", within="300 ms")
    assert caught.value.picture.startswith(b"\x89PNG")


def test_frozen_and_black_pictures(rig):
    with pytest.raises(EcuError, match="seen black"):
        rig.screen().picture("cover").should_not_be_black()
    rig.panel.play(40, 50)
    rig.sleep("100 ms")
    rig.screen().picture("cover").should_not_be_black()
    rig.screen().picture("cover").should_not_be_frozen("200 ms", during="1 s")
    rig.sleep("2 s")
    with pytest.raises(EcuError, match="frozen"):
        rig.screen().picture("cover").should_not_be_frozen("200 ms", during="1 s")


def test_the_reaction_to_a_touch_is_measured(rig):
    result = rig.screen().view("media").reaction_to_touch("media", rest="home", samples=5, limit="100 ms")
    assert result.samples_ms == (40.0,) * 5
    with pytest.raises(EcuError, match="touch media to view media"):
        rig.screen().view("media").reaction_to_touch("media", rest="home", samples=3, limit="20 ms")
    result = rig.screen().view("home").reaction_to_key("home", rest="media", samples=3)
    assert result.samples_ms == (0.0,) * 3


def test_a_bench_without_fingers_says_so(rig):
    rig.wiring.touches.clear()
    with pytest.raises(NotRunError, match="no touch on screen 'centre'"):
        rig.touch("media")
    rig.wiring.keys.clear()
    with pytest.raises(NotRunError, match="no keys"):
        rig.press_key("home")
