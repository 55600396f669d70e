"""Readers against rendered states: every lamp, every speed, clean and as a camera or a JPEG would deliver them."""

import random
from pathlib import Path

import cv2
import numpy as np
import pytest

from hil.ecu import cluster_art as art
from hil.ecu import symbols
from hil.ecu.cluster import GEARS, ClusterState, Screen, Warning, render
from hil.ecu.cluster_alta import ALTA
from hil.ecu.cluster_paint import blend, polar
from hil.ecu.cluster_state import AMBER, BLUE, COLOURS, GREEN, RED
from hil.errors import UsageError
from hil.hmi import colour
from hil.hmi.layout import parse
from hil.hmi.layout_file import load
from hil.hmi.read_needle import read_needle, value_at
from hil.hmi.read_telltale import State, read_telltale
from hil.hmi.read_text import read_text
from hil.hmi.reader import Reading, find_reader

CLUSTER = Path(__file__).parents[2] / "fixtures/layouts/alta/cluster.toml"
DAY, NIGHT = load(CLUSTER), load(CLUSTER, ["night"])
LAMPS = sorted(COLOURS)
NOISE = np.random.default_rng(7).normal(0, 5, (480, 1280, 3)).astype(np.float32)


def clean(pixels):
    return pixels


def jpeg(pixels, quality=70):
    _, data = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1])


def noisy(pixels):
    return np.clip(pixels + NOISE, 0, 255).astype(np.uint8)


def warm(pixels):
    """A camera with a wrong white balance and a raised black."""
    return np.clip(pixels * np.array([0.95, 0.9, 0.8]) + 8, 0, 255).astype(np.uint8)


WAYS = pytest.mark.parametrize("way", [clean, jpeg, noisy, warm])


# ---- telltales


@WAYS
@pytest.mark.parametrize("night", [False, True])
def test_every_lamp_is_told_from_its_neighbours(way, night):
    layout, rng = NIGHT if night else DAY, random.Random(3)
    sets = [frozenset(), frozenset(LAMPS), *(frozenset([name]) for name in LAMPS)]
    sets += [frozenset(LAMPS) - {name} for name in LAMPS]
    sets += [frozenset(rng.sample(LAMPS, rng.randrange(len(LAMPS)))) for _ in range(8)]
    for lit in sets:
        pixels = way(render(ClusterState(telltales=lit, night=night)))
        for name in LAMPS:
            reading = read_telltale(pixels, layout.telltale(name))
            assert reading.value == ("on" if name in lit else "off"), (name, sorted(lit), reading)
            assert reading.margin > 0.08, (name, reading)
            assert reading.score > 0.65, (name, reading)


def lamp_drawn(name, colour_rgb, symbol=None, light=1.0):
    """The cluster with one lamp drawn as no ECU should."""
    pixels = render(ClusterState()).copy()
    (x, y), side = ALTA.telltales[name]
    mask = symbols.mask(symbol or name, side)
    blend(pixels, mask, x - side // 2, y - side // 2, tuple(round(c * light) for c in colour_rgb))
    return pixels


@pytest.mark.parametrize("name", LAMPS)
def test_a_lamp_in_a_wrong_colour_is_not_on_and_the_colour_is_named(name):
    right = COLOURS[name]
    for wrong, called in ((RED, "red"), (AMBER, "amber"), (GREEN, "green"), (BLUE, "blue")):
        if wrong == right:
            continue
        reading = read_telltale(lamp_drawn(name, wrong), DAY.telltale(name))
        assert reading.value == State.WRONG_COLOUR
        assert f"lit {called}" in reading.detail
    assert read_telltale(lamp_drawn(name, (240, 240, 240)), DAY.telltale(name)).detail.startswith("lit white")


@pytest.mark.parametrize("name", LAMPS)
def test_brightness_decides_in_three_steps(name):
    seen = [read_telltale(lamp_drawn(name, COLOURS[name], light=p / 100), DAY.telltale(name)) for p in range(101)]
    states = [reading.value for reading in seen]
    first_dim, first_on = states.index(State.DIM), states.index(State.ON)
    assert states == ["off"] * first_dim + ["dim"] * (first_on - first_dim) + ["on"] * (101 - first_on)
    assert 20 < first_dim < 40 < first_on < 70
    assert seen[first_on].margin < 0.05 < seen[100].margin
    assert "%" in seen[45].detail


@pytest.mark.parametrize("name", LAMPS)
def test_another_symbol_in_the_right_colour_is_not_on(name):
    for other in LAMPS:
        if other != name:
            reading = read_telltale(lamp_drawn(name, COLOURS[name], other), DAY.telltale(name))
            assert reading.value == State.WRONG_SHAPE, (name, other, reading)
            assert reading.margin > 0.03


def test_a_lit_field_without_a_symbol_is_a_wrong_shape():
    pixels = render(ClusterState()).copy()
    left, top, width, height = DAY.telltale("brake").region
    pixels[top + 6 : top + height - 6, left + 6 : left + width - 6] = RED
    assert read_telltale(pixels, DAY.telltale("brake")).value == State.WRONG_SHAPE


@pytest.mark.parametrize("way", [(3, 3), (-3, 2), (2, -3), (-3, -3)])
def test_a_symbol_may_lie_three_pixels_off(way):
    moved = np.roll(render(ClusterState(telltales=frozenset(["brake"]))), way, (0, 1))
    assert read_telltale(moved, DAY.telltale("brake")).value == "on"


def test_without_a_reference_colour_and_brightness_decide():
    layout = parse(CLUSTER.read_text())
    assert read_telltale(lamp_drawn("brake", RED, "oil"), layout.telltale("brake")).value == "on"
    assert read_telltale(lamp_drawn("brake", BLUE), layout.telltale("brake")).value == State.WRONG_COLOUR


def test_a_white_lamp_is_on_only_when_white():
    layout = parse(CLUSTER.read_text().replace('colour = "blue"', 'colour = "white"'))
    assert read_telltale(lamp_drawn("high_beam", (250, 250, 250)), layout.telltale("high_beam")).value == "on"
    assert read_telltale(lamp_drawn("high_beam", BLUE), layout.telltale("high_beam")).value == State.WRONG_COLOUR


def test_a_dark_screen_has_every_lamp_off():
    pixels = render(ClusterState(screen=Screen.OFF))
    assert {read_telltale(pixels, DAY.telltale(name)).value for name in LAMPS} == {"off"}


def test_equal_pixels_give_equal_readings_and_a_crop():
    pixels = render(ClusterState(telltales=frozenset(LAMPS)))
    one, other = (read_telltale(pixels, DAY.telltale("abs")) for _ in range(2))
    assert one == other
    assert one.crop.shape == (42, 42, 3)


# ---- colours


@pytest.mark.parametrize("name", colour.NAMED)
def test_named_colours_are_named_back_at_any_brightness(name):
    wanted = colour.parse(name)
    for light in (1.0, 0.6, 0.3):
        rgb = tuple(channel * light for channel in wanted.rgb)
        assert colour.name_of(rgb) == name
        assert colour.alike(rgb, wanted)
    strangers = [other for other in ("red", "green", "blue", "white") if other != name]
    assert not any(
        colour.alike(colour.NAMED[other], wanted) for other in strangers if {name, other} != {"orange", "red"}
    )


# ---- needles


@WAYS
def test_every_speed_is_read_within_half_a_degree(way):
    item = DAY.needle("speed_needle")
    errors = []
    for speed in range(0, 261, 1 if way is clean else 5):
        reading = read_needle(way(render(ClusterState(speed=float(speed)))), item)
        assert reading.value is not None, (speed, reading)
        errors.append(abs(reading.value - speed))
        assert reading.margin > 0.15
    assert max(errors) < 0.3
    assert sum(errors) / len(errors) < 0.1


def test_tenths_of_a_kilometre_an_hour_are_told_apart():
    item = DAY.needle("speed_needle")
    seen = [read_needle(render(ClusterState(speed=100 + tenth / 10)), item).value for tenth in range(0, 50, 5)]
    steps = np.diff(seen)
    assert (steps > 0.2).all()
    assert (steps < 0.8).all()


@pytest.mark.parametrize("night", [False, True])
def test_revs_are_read_in_the_layouts_unit(night):
    item = (NIGHT if night else DAY).needle("rpm_needle")
    for rpm in range(0, 8001, 250):
        assert read_needle(render(ClusterState(rpm=float(rpm), night=night)), item).value == pytest.approx(rpm, abs=10)


@pytest.mark.parametrize("screen", [Screen.OFF, Screen.SPLASH])
def test_no_needle_is_a_reading_too(screen):
    reading = read_needle(render(ClusterState(screen=screen)), DAY.needle("speed_needle"))
    assert reading.value is None
    assert "no needle seen" in reading.detail


def dial_with(*angles, inner=0.0, outer=170.0, colour_rgb=(47, 157, 255)):
    pixels = art.background("alta", False, "km/h").copy()
    for angle in angles:
        start, end = (polar((236, 240), radius, angle) for radius in (inner, outer))
        points = [(round(x * 16), round(y * 16)) for x, y in (start, end)]
        cv2.line(pixels, points[0], points[1], colour_rgb, 5, cv2.LINE_AA, 4)
    return pixels


def test_two_needles_a_stub_and_a_stranger_are_no_needle():
    item = DAY.needle("speed_needle")
    assert read_needle(dial_with(20), item).value == pytest.approx(151, abs=0.7)
    assert "more than one direction" in read_needle(dial_with(20, 90), item).detail
    assert "crosses" in read_needle(dial_with(20, inner=108, outer=124), item).detail
    assert read_needle(dial_with(20, colour_rgb=(255, 78, 24)), item).value is None
    assert read_needle(dial_with(20, colour_rgb=(250, 250, 250)), item).value is None


def test_a_needle_off_its_scale_has_no_value():
    reading = read_needle(dial_with(180), DAY.needle("speed_needle"))
    assert reading.value is None
    assert "off its scale, 180 degrees" in reading.detail


def scale(points, clockwise="true"):
    text = '[screen]\nsize=[400,400]\n[needle.n]\npivot=[200,200]\ninner=50\nouter=100\ncolour="red"\n'
    return parse(f"{text}scale={points}\nclockwise={clockwise}\n").needle("n")


@pytest.mark.parametrize(
    ("item", "angle", "value"),
    [
        (scale([[-130, 0], [130, 260]]), 230, 0),
        (scale([[-130, 0], [130, 260]]), 0, 130),
        (scale([[-130, 0], [130, 260]]), 228, -2),
        (scale([[-130, 0], [130, 260]]), 132, 262),
        (scale([[-130, 0], [130, 260]]), 134, None),
        (scale([[230, 0], [0, 100], [130, 360]]), 65, 230),
        (scale([[230, 0], [0, 100], [130, 360]]), 295, 50),
        (scale([[40, 0], [-40, 8]], "false"), 20, 2),
        (scale([[40, 0], [-40, 8]], "false"), 340, 6),
        (scale([[40, 0], [-40, 8]], "false"), 50, None),
    ],
)
def test_scales_map_angles_to_values(item, angle, value):
    assert value_at(item, angle) == (None if value is None else pytest.approx(value))


def test_a_needle_of_white_is_read_too():
    text = CLUSTER.read_text().replace('"#2f9dff"', '"white"').replace("inner = 108.0", "inner = 40.0")
    item = parse(text.replace("outer = 148.0", "outer = 90.0")).needle("speed_needle")
    assert read_needle(dial_with(-60, colour_rgb=(250, 250, 250)), item).value == pytest.approx(67.1, abs=0.7)


# ---- texts


def wrong_texts(states, way, layout=DAY):
    wrong = []
    for state in states:
        pixels = way(render(state))
        wanted = {
            "speed": "---" if state.speed_number is None else str(state.speed_number),
            "odometer": "------" if state.odometer is None else f"{state.odometer:06d}",
            "trip": "---" if state.trip is None else f"{state.trip:.1f}",
            "gear": state.gear or "",
        }
        for name, text in wanted.items():
            reading = read_text(pixels, layout.text(name))
            if reading.value != text:
                wrong.append((name, text, reading))
    return wrong


def some_states(count, night=False):
    rng = random.Random(11)
    for _ in range(count):
        yield ClusterState(
            speed_number=rng.choice([None, rng.randrange(10), rng.randrange(100), rng.randrange(261)]),
            odometer=rng.choice([None, *[rng.randrange(1_000_000)] * 3]),
            trip=rng.choice([None, *[rng.random() * 10 ** rng.randrange(1, 5)] * 3]),
            gear=rng.choice([None, *GEARS]),
            night=night,
        )


@WAYS
@pytest.mark.parametrize("night", [False, True])
def test_numbers_letters_dashes_and_nothing_are_read(way, night):
    assert wrong_texts(some_states(12, night), way, NIGHT if night else DAY) == []


def test_every_third_speed_is_read():
    item = DAY.text("speed")
    seen = {speed: read_text(render(ClusterState(speed_number=speed)), item) for speed in range(0, 261, 3)}
    assert {speed: reading.value for speed, reading in seen.items() if reading.value != str(speed)} == {}
    assert min(reading.score for reading in seen.values()) > 0.9
    assert seen[0].detail == "reads '0'"


@pytest.mark.parametrize(
    "message", ["Door open", "Bremse prüfen", "Stop the vehicle safely", "Service\nin 300 km", "Öffne die Tür\nund geh"]
)
def test_messages_of_one_and_two_lines_are_read(message):
    reading = read_text(
        jpeg(render(ClusterState(warning=Warning(tuple(message.splitlines()))))), DAY.item("popup.warning").words
    )
    assert reading.value == message.replace("\n", " ")


def test_dashes_and_nothing_need_no_ocr(monkeypatch):
    def never(crop):
        raise AssertionError("OCR was asked")

    monkeypatch.setattr("hil.hmi.read_text.recognise", never)
    pixels = render(ClusterState(speed_number=None, odometer=None, gear=None))
    assert read_text(pixels, DAY.text("speed")).value == "---"
    assert read_text(pixels, DAY.text("odometer")).value == "------"
    assert read_text(pixels, DAY.text("gear")).value == ""
    assert read_text(pixels, DAY.text("guidance_road")).detail == "empty"
    with pytest.raises(AssertionError, match="OCR was asked"):
        read_text(render(ClusterState(speed_number=1)), DAY.text("speed"))


@pytest.mark.parametrize(
    ("ocr", "name", "value", "detail"),
    [
        (("1O7", 0.9), "speed", "107", "reads '107'"),
        (("I l|", 0.9), "speed", "111", "reads '111'"),
        (("ERR", 0.9), "speed", "ERR", "reads 'ERR', which has E R: not digits"),
        (("1234", 0.9), "speed", "1234", r"which is not of the form \d{1,3}|---"),
        (("X", 0.9), "gear", "X", "which is not of the form [PRND]?"),
        (("7", 0.9), "gear", "7", "which has 7: not letters"),
        (("88", 0.3), "speed", None, "unreadable, perhaps '88'"),
    ],
)
def test_the_layout_says_what_a_text_may_be(monkeypatch, ocr, name, value, detail):
    monkeypatch.setattr("hil.hmi.read_text.recognise", lambda crop: ocr)
    reading = read_text(render(ClusterState(speed_number=188)), DAY.text(name))
    assert reading.value == value
    assert detail in reading.detail


# ---- readers by name


def always_on(pixels, item):
    return Reading("on", 1.0, 1.0, "", pixels)


class Made:
    def __call__(self, pixels, item):
        return Reading("made", 1.0, 1.0, "", pixels)


def test_a_reader_is_found_by_module_and_attribute():
    assert find_reader("hil.hmi.read_needle:read_needle") is read_needle
    assert find_reader(f"{__name__}:always_on")(np.zeros((1, 1, 3), np.uint8), None).value == "on"
    assert find_reader(f"{__name__}:Made")(np.zeros((1, 1, 3), np.uint8), None).value == "made"


def test_a_reader_is_found_by_its_entry_point(tmp_path, monkeypatch):
    info = tmp_path / "lab-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hil.readers]\nlab-needle = hil.hmi.read_needle:read_needle\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert find_reader("lab-needle") is read_needle


@pytest.mark.parametrize("name", ["no-such", "no.such.module:x", "hil.hmi.reader:nothing"])
def test_an_unknown_reader_is_a_usage_error(name):
    with pytest.raises(UsageError, match=f"reader '{name}'"):
        find_reader(name)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_the_brightest_and_the_darkest_channel_are_what_numpy_says(kind):
    pixels = np.random.default_rng(7).integers(0, 256, (40, 60, 3)).astype(kind)[5:, 3:50]
    for shape in (pixels, pixels.reshape(-1, 3)):
        for ours, theirs in ((colour.highest(shape), shape.max(axis=-1)), (colour.lowest(shape), shape.min(axis=-1))):
            assert ours.dtype == theirs.dtype
            assert np.array_equal(ours, theirs)
