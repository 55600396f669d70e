"""Readers of bars, icons, pop-ups, views, buttons and pictures against drawn screens, clean and as JPEG."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from hil.errors import UsageError
from hil.hmi.layout import Bar, Button, Icon, Picture, Popup, View, parse
from hil.hmi.reader import reader_for

SIZE = (640, 240)
GROUND = (10, 12, 18)
FONT = ImageFont.truetype("hil/ecu/fonts/DejaVuSans.ttf", 22)


def symbol(name, side=40):
    """Three shapes that differ, white on black."""
    image = np.zeros((side, side), np.uint8)
    if name == "disc":
        cv2.circle(image, (side // 2, side // 2), side // 3, 255, -1, cv2.LINE_AA)
    elif name == "cross":
        cv2.line(image, (6, 6), (side - 7, side - 7), 255, 5, cv2.LINE_AA)
        cv2.line(image, (6, side - 7), (side - 7, 6), 255, 5, cv2.LINE_AA)
    else:
        cv2.rectangle(image, (8, 8), (side - 9, side - 9), 255, 3)
    return image


PICTURES = {f"{name}.png": symbol(name) for name in ("disc", "cross", "square")}


def layout(text, **screen):
    more = "\n".join(f"{key} = {value}" for key, value in screen.items())
    return parse(f"[screen]\nsize = [640, 240]\n{more}\n{text}", shapes=PICTURES.__getitem__)


def blank(colour=GROUND):
    return np.full((SIZE[1], SIZE[0], 3), colour, np.uint8)


def put(pixels, mask, at, colour=(240, 240, 240)):
    x, y = at
    part = pixels[y : y + mask.shape[0], x : x + mask.shape[1]]
    weight = mask[..., None] / 255
    part[:] = (part * (1 - weight) + np.array(colour) * weight).astype(np.uint8)
    return pixels


def write(pixels, text, at, colour=(235, 235, 240)):
    image = Image.fromarray(pixels)
    ImageDraw.Draw(image).text(at, text, font=FONT, fill=colour)
    return np.array(image)


def clean(pixels):
    return pixels


def jpeg(pixels):
    _, data = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1])


WAYS = pytest.mark.parametrize("way", [clean, jpeg])


def read(pixels, item):
    return reader_for(item)(pixels, item)


# ---- bars

TRACK = (100, 100, 200, 12)
TURNS = {"right": 0, "left": 0, "up": 1, "down": 1}


def bar_item(direction="right", more=""):
    region = TRACK if direction in ("right", "left") else (300, 20, 12, 200)
    lines = f'region = {list(region)}\ndirection = "{direction}"\nscale = [0, 100]\nunit = "%"\n{more}\n'
    return layout(f'[bar.fuel]\n{lines}\ncolours = ["#e8f0ff", "amber"]').find("fuel", Bar)


def bar_drawn(direction, share, colour=(232, 240, 255), begin=0.0, pixels=None):
    """Anti-aliased: the last pixel in part."""
    pixels = blank() if pixels is None else pixels
    left, top, width, height = TRACK if direction in ("right", "left") else (300, 20, 12, 200)
    pixels[top : top + height, left : left + width] = (40, 44, 52)
    length = max(width, height)
    weight = np.clip(share * length - np.arange(length), 0, 1) * np.clip(np.arange(length) + 1 - begin * length, 0, 1)
    mask = np.tile((255 * weight).astype(np.uint8), (min(width, height), 1))
    mask = mask if direction in ("right", "left") else mask.T
    mask = {"left": mask[:, ::-1], "up": mask[::-1]}.get(direction, mask)
    return put(pixels, np.ascontiguousarray(mask), (left, top), colour)


@WAYS
@pytest.mark.parametrize("direction", ["right", "left", "up", "down"])
def test_a_bar_is_read_to_half_a_percent(direction, way):
    item = bar_item(direction)
    for percent in (0, 0.4, 1, 7, 33.3, 50, 66.6, 99, 100):
        reading = read(way(bar_drawn(direction, percent / 100)), item)
        assert reading.value == pytest.approx(percent, abs=0.5 if way is clean else 1.0), reading
        assert reading.margin > 0.1


def test_a_bar_may_have_another_of_its_colours_and_no_stranger():
    item = bar_item()
    reading = read(bar_drawn("right", 0.5, (255, 176, 0)), item)
    assert (reading.value, reading.detail) == (pytest.approx(50, abs=0.5), "filled amber")
    assert read(bar_drawn("right", 0.5, (220, 0, 0)), item).value == 0


def test_a_bar_with_a_hole_is_no_reading_but_segments_are():
    pixels = bar_drawn("right", 0.75)
    pixels[100:112, 150:156] = (40, 44, 52)
    assert read(pixels, bar_item()).value is None
    segments = bar_drawn("right", 0.75)
    for left in range(100, 300, 20):
        segments[100:112, left + 17 : left + 20] = (40, 44, 52)
    assert read(segments, bar_item(more="gap = 3")).value == pytest.approx(75, abs=1.6)


def test_light_apart_from_an_empty_bar_is_no_reading():
    assert read(bar_drawn("right", 0.6, begin=0.4), bar_item()).value is None


@pytest.mark.parametrize("value", [-100, -40, -1, 0, 1, 55, 100])
def test_a_bar_may_fill_to_either_side_of_its_origin(value):
    text = f'[bar.power]\nregion = {list(TRACK)}\nscale = [-100, 100]\norigin = 0\ncolours = ["#e8f0ff"]'
    begin, end = sorted((0.5, 0.5 + value / 200))
    reading = read(bar_drawn("right", end, begin=begin), layout(text).find("power", Bar))
    assert reading.value == pytest.approx(value, abs=1)


def test_at_night_a_dimmed_bar_is_read_too():
    item = layout(f'[bar.fuel]\nregion = {list(TRACK)}\ncolours = ["#e8f0ff"]', brightness=0.5).find("fuel", Bar)
    assert read(bar_drawn("right", 0.5, (116, 120, 128)), item).value == pytest.approx(0.5, abs=0.005)


# ---- icons

ICON = """
[icon.arrow]
region = [20, 20, 48, 48]
pictures = { disc = "disc.png", cross = "cross.png", square = "square.png" }
colour = "white"
"""


@WAYS
@pytest.mark.parametrize("name", ["disc", "cross", "square"])
def test_an_icon_is_named(name, way):
    reading = read(way(put(blank(), symbol(name), (24, 24))), layout(ICON).find("arrow", Icon))
    assert reading.value == name
    assert reading.margin > 0.1
    assert reading.score > 0.9


def test_no_icon_another_one_and_another_colour_are_told():
    item = layout(ICON).find("arrow", Icon)
    assert read(blank(), item).value == "none"
    strange = blank()
    strange[30:60, 22:66:6] = 240
    assert read(strange, item).value == "other"
    red = read(put(blank(), symbol("disc"), (24, 24), (230, 20, 20)), item)
    assert (red.value, red.detail) == ("other", "disc, but red, not white")


def test_an_icon_without_its_pictures_is_a_usage_error():
    with pytest.raises(UsageError, match="needs its pictures"):
        read(put(blank(), symbol("disc"), (24, 24)), parse(f"[screen]\nsize = [640, 240]\n{ICON}").find("arrow", Icon))


# ---- pop-ups

POPUP = """
[popup.warning]
region = [100, 40, 400, 100]
mark = [100, 40, 6, 100]
severity.information = { colour = "white" }
severity.caution = { colour = "amber" }
severity.warning = { colour = "amber" }
severity.critical = { colour = "red", region = [110, 45, 380, 4] }
text = [180, 50, 310, 84]
symbol = [116, 56, 56, 56]
symbols = { oil = "disc.png", brake = "cross.png" }
"""


def popup_drawn(colour, lines=("Oil pressure", "Stop now"), sign="disc", full=False):
    pixels = blank()
    pixels[40:140, 100:500] = (30, 32, 40)
    pixels[40:140, 100:106] = colour
    if full:
        pixels[40:50, 100:500] = colour
    for number, line in enumerate(lines):
        pixels = write(pixels, line, (190, 54 + 36 * number))
    return put(pixels, symbol(sign), (124, 64)) if sign else pixels


@WAYS
@pytest.mark.parametrize(
    ("colour", "full", "value"),
    [
        ((240, 240, 240), False, "information"),
        ((255, 176, 0), False, "caution or warning"),
        ((235, 20, 20), True, "critical"),
        ((0, 96, 255), False, "none"),
    ],
)
def test_a_popup_reads_as_its_severity(colour, full, value, way):
    reading = read(way(popup_drawn(colour, full=full)), layout(POPUP).find("warning", Popup))
    assert reading.value == value
    assert reading.margin > 0.1


def test_no_popup_reads_as_none_and_its_parts_are_items():
    item = layout(POPUP).find("warning", Popup)
    assert read(blank(), item).value == "none"
    pixels = popup_drawn((255, 176, 0))
    assert read(pixels, item.words).value == "Oil pressure Stop now"
    assert read(pixels, item.sign).value == "oil"
    assert read(popup_drawn((255, 176, 0), sign=""), item.sign).value == "none"


# ---- views and buttons

VIEWS = """
[view.media]
anchors = [
  { region = [10, 10, 60, 60], reference = "disc.png" },
  { region = [0, 230, 160, 10], colour = "blue" },
  { region = [400, 180, 60, 50], reference = "cross.png", absent = true },
]

[view.phone]
anchors = [{ region = [100, 10, 200, 50], text = "Téléphone" }]

[button.play]
region = [400, 180, 60, 50]
anchors = [{ region = [400, 180, 60, 50], reference = "cross.png" }]

[button.media]
region = [0, 200, 160, 40]
tap = [12, 210]
"""


def media(way=clean, shape="disc", line=(0, 96, 255), more=None):
    pixels = put(blank(), symbol(shape), (20, 20))
    pixels[230:240, 0:150] = line
    return way(pixels if more is None else put(pixels, symbol(more), (410, 185)))


@WAYS
def test_a_view_is_shown_when_all_its_anchors_are_there(way):
    item = layout(VIEWS).find("media", View)
    assert read(media(way), item).value == "shown"
    for pixels in (media(way, shape="square"), media(way, line=(200, 20, 20)), media(way, more="cross"), blank()):
        reading = read(pixels, item)
        assert reading.value == "not shown"
        assert reading.detail
        assert reading.margin > 0.05


@WAYS
@pytest.mark.parametrize("ground", [(92, 184, 255), (255, 196, 60), (46, 200, 120)])
def test_a_white_symbol_is_known_on_a_bright_ground(way, ground):
    """White and a bright colour have one channel in common, and not the others."""
    item = layout(VIEWS).find("play", Button)

    def drawn(name):
        pixels = blank()
        cv2.circle(pixels, (430, 205), 28, ground, -1, cv2.LINE_AA)
        return way(put(pixels, symbol(name), (410, 185), (255, 255, 255)))

    assert read(drawn("cross"), item).value == "shown"
    assert read(drawn("cross"), item).margin > 0.1
    assert read(drawn("square"), item).value == "not shown"


def test_a_view_may_be_known_by_a_text():
    item = layout(VIEWS).find("phone", View)
    assert read(write(blank(), "Téléphone", (110, 18)), item).value == "shown"
    assert read(write(blank(), "Média", (110, 18)), item).value == "not shown"


def test_buttons_have_a_point_and_may_be_looked_for():
    made = layout(VIEWS)
    assert made.find("media", Button).point == (12, 210)
    assert made.find("play", Button).point == (430, 205)
    assert read(media(more="cross"), made.find("play", Button)).value == "shown"
    assert read(media(), made.find("play", Button)).value == "not shown"
    assert read(media(), made.find("media", Button)).value == "shown"


# ---- pictures


def test_black_plain_and_something():
    item = layout("[picture.camera]\nregion = [40, 40, 400, 160]").find("camera", Picture)
    noise = np.random.default_rng(3).integers(0, 12, (240, 640, 3)).astype(np.uint8)
    assert read(blank((0, 0, 0)), item).value == "black"
    assert read(noise, item).value == "black"
    assert read(blank((0, 60, 200)), item).value == "plain"
    scene = blank((90, 120, 160))
    scene[140:200] = (60, 60, 60)
    assert read(scene, item).value == "picture"


# ---- what OCR has no word for


@pytest.mark.parametrize("text", ["---", "--:--", "---.-", "--"])
def test_dashes_are_read_with_colons_and_points_between(text):
    item = layout("[text.clock]\nregion = [120, 50, 80, 40]").text("clock")
    assert read(write(blank(), text, (130, 55)), item).value == text


@pytest.mark.parametrize(
    ("raw", "text"), [("8.0 °CC", "8.0 °C"), ("21 °°C", "21 °C"), ("70 °FF", "70 °F"), ("5°", "5°")]
)
def test_degrees_that_were_said_twice_are_said_once(raw, text, monkeypatch):
    monkeypatch.setattr("hil.hmi.read_text.recognise", lambda crop: (raw, 0.9))
    item = layout("[text.outside]\nregion = [100, 40, 160, 60]").text("outside")
    assert read(write(blank(), "8.0", (130, 55)), item).value == text
