"""Layout files: what is where; and every mistake is one line with place and remedy."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from hil.errors import UsageError
from hil.hmi.layout import Needle, Telltale, Text, parse
from hil.hmi.layout_file import load

CLUSTER = Path(__file__).parents[2] / "fixtures/layouts/alta/cluster.toml"
GOOD = """
[screen]
size = [640, 240]

[telltale.high_beam]
region = [10, 20, 40, 30]
colour = "blue"

[text.speed]
region = [100, 20, 80, 40]
charset = "digits"
unit = "km/h"

[needle.speed_needle]
pivot = [300, 120]
inner = 30
outer = 60
colour = "#FF4E18"
scale = [[-130, 0], [130, 260]]
unit = "km/h"

[overlay.night.screen]
brightness = 0.5

[overlay.de.text.speed]
region = [100, 20, 90, 40]
"""


def error(text, **options):
    with pytest.raises(UsageError) as caught:
        parse(text, "bench.toml", **options)
    line = str(caught.value)
    assert "\n" not in line
    return line


def changed(old, new):
    assert GOOD.count(old) >= 1
    return GOOD.replace(old, new, 1)


def test_a_good_file_says_what_is_where():
    layout = parse(GOOD)
    assert layout.size == (640, 240)
    assert layout.names() == ["high_beam", "speed", "speed_needle"]
    assert layout.names(Text) == ["speed"]
    lamp = layout.telltale("high_beam")
    assert (lamp.kind, lamp.region, lamp.lit.rgb, lamp.brightness) == ("telltale", (10, 20, 40, 30), (0, 96, 255), 1.0)
    needle = layout.needle("speed_needle")
    assert (needle.pivot, needle.lit.rgb, needle.scale) == ((300, 120), (255, 78, 24), ((-130, 0), (130, 260)))
    assert needle.clockwise
    assert layout.text("speed").unit == "km/h"


def test_items_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        parse(GOOD).telltale("high_beam").colour = "red"


@pytest.mark.parametrize("name", ["high_beam", "High Beam", " HIGH-BEAM "])
def test_names_are_found_however_they_are_written(name):
    assert parse(GOOD).telltale(name).name == "high_beam"


def test_overlays_replace_only_what_they_name():
    night = parse(GOOD, overlays=["night"])
    assert night.telltale("high_beam").brightness == 0.5
    assert night.telltale("high_beam").region == (10, 20, 40, 30)
    both = parse(GOOD, overlays=("de", "night"))
    assert both.text("speed").region == (100, 20, 90, 40)
    assert both.text("speed").charset == "digits"
    assert both.overlays == ("de", "night")
    assert parse(GOOD).text("speed").region == (100, 20, 80, 40)


def test_an_item_may_have_a_brightness_of_its_own():
    own = parse(changed('colour = "blue"', 'colour = "blue"\nbrightness = 0.25'), overlays=["night"])
    assert own.telltale("high_beam").brightness == 0.25
    assert own.text("speed").brightness == 0.5


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('charset = "digits"', 'charsett = "digits"', "speed.charsett: unknown key. Remedy: did you mean charset?"),
        ("[text.speed]", "[texts.speed]", "bench.toml: texts: unknown key. Remedy: did you mean text?"),
        ('colour = "blue"', 'name = "x"\ncolour = "blue"', "telltale.high_beam.name: unknown key"),
        ("size = [640, 240]", "size = [640, 240]\nsizes = 1", "screen.sizes: unknown key. Remedy: did you mean size?"),
        ('colour = "blue"', 'colour = "blu"', "telltale.high_beam.colour: 'blu' is no colour. Remedy: write #rrggbb"),
        ('colour = "blue"', 'colour = "#12345"', "telltale.high_beam.colour: '#12345' is no colour"),
        ('colour = "blue"\n', "", "telltale.high_beam.colour: is missing. Remedy: add colour = ..."),
        ("[10, 20, 40, 30]", '[10, 20, "40", 30]', "high_beam.region.2: input should be a valid integer, not '40'"),
        ("[10, 20, 40, 30]", "[10, 20, 40]", "telltale.high_beam.region"),
        ("[10, 20, 40, 30]", "[10, 20, 0, 30]", "telltale.high_beam.region: is no region"),
        ("[10, 20, 40, 30]", "[601, 20, 40, 30]", "telltale.high_beam: region [601, 20, 40, 30] is off the screen"),
        ("[10, 20, 40, 30]", "[10, 211, 40, 30]", "Remedy: keep within 640 x 240 px."),
        ("pivot = [300, 120]", "pivot = [641, 120]", "needle.speed_needle: the pivot [641.0, 120.0] is off the screen"),
        ("pivot = [300, 120]", "pivot = [300, 200]", "the ring round the pivot [300.0, 200.0] with outer = 60.0"),
        ("inner = 30", "inner = 60", "needle.speed_needle: inner must be less than outer"),
        ("[[-130, 0], [130, 260]]", "[[-130, 260], [130, 0]]", "speed_needle: the values of the scale must rise"),
        ("[[-130, 0], [130, 260]]", "[[-130, 0], [-130, 260]]", "needle.speed_needle: two points of the scale"),
        ("[[-130, 0], [130, 260]]", "[[-130, 0]]", "needle.speed_needle.scale"),
        ('unit = "km/h"', 'unit = "km/h"\npattern = "("', "text.speed.pattern: is no regular expression"),
        ("brightness = 0.5", "brightness = 1.5", "overlay.night.screen.brightness: input should be less"),
        ("region = [100, 20, 90, 40]", "regio = [1, 1, 1, 1]", "overlay.de.text.speed.regio: unknown key. Remedy: did"),
        (
            "[needle.speed_needle]",
            '[text.Speed]\nregion = [1, 1, 9, 9]\n[needle.speed_needle]',
            "text.Speed: 'text.speed' has that name already. Remedy",
        ),
        ("[text.speed]", "[telltale.high_beam]", "is no TOML"),
        ("size = [640, 240]", "size = [640, 240", "is no TOML"),
        ("[screen]\nsize = [640, 240]", "", "bench.toml: screen: is missing"),
        ("[screen]\nsize", "screen = 5\nsize", "bench.toml: screen"),
        ("size = [640, 240]", "size = [640.5, 240]", "screen.size.0"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_place_and_remedy(old, new, line):
    text = error(changed(old, new))
    assert line in text
    assert text.startswith("bench.toml: ")


def test_a_syntax_error_names_its_line():
    assert "line 3" in error("[screen]\nsize = [640, 240]\nbrightness == 1\n")


def test_an_unknown_item_is_answered_with_the_nearest_names():
    layout = parse(GOOD, "c.toml")
    with pytest.raises(UsageError, match=r"c\.toml: no telltale 'high_baem'\. Remedy: did you mean high_beam\?"):
        layout.telltale("high_baem")
    with pytest.raises(UsageError, match=r"no telltale 'zzz'\. Remedy: there is high_beam\."):
        layout.telltale("zzz")
    with pytest.raises(UsageError, match="'speed' is a text, no needle"):
        layout.needle("speed")
    assert layout.item("speed").kind == "text"


def test_an_unknown_overlay_is_refused():
    assert "no overlay 'nigt'. Remedy: did you mean night?" in error(GOOD, overlays=["nigt"])


def picture(path, size=(20, 20), level=255):
    image = np.zeros(size, np.uint8)
    image[5:9, 5:9] = level
    cv2.imwrite(str(path), image)


def test_reference_pictures_are_read_relative_to_the_layout(tmp_path):
    (tmp_path / "r.toml").write_text(changed('colour = "blue"', 'colour = "blue"\nreference = "s/lamp.png"'))
    (tmp_path / "s").mkdir()
    picture(tmp_path / "s/lamp.png")
    shape = load(tmp_path / "r.toml").telltale("high_beam").shape
    assert shape is not None
    assert shape.shape == (20, 20)
    assert shape.sum() == 16 * 255
    assert parse((tmp_path / "r.toml").read_text()).telltale("high_beam").shape is None


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda path: None, "r.toml: reference = 'lamp.png': can't be read: No such file"),
        (lambda path: path.write_bytes(b"hello"), "reference = 'lamp.png': is no picture"),
        (lambda path: path.write_bytes(b""), "is no picture"),
        (lambda path: picture(path, (20, 41)), "telltale.high_beam.reference: 'lamp.png' is 41 x 20 px"),
        (lambda path: picture(path, level=0), "'lamp.png' is all black"),
    ],
)
def test_a_bad_reference_picture_is_one_line(tmp_path, make, line):
    (tmp_path / "r.toml").write_text(changed('colour = "blue"', 'colour = "blue"\nreference = "lamp.png"'))
    make(tmp_path / "lamp.png")
    with pytest.raises(UsageError) as caught:
        load(tmp_path / "r.toml")
    assert line in str(caught.value)


def test_a_missing_or_binary_file_is_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"none\.toml: can't be read"):
        load(tmp_path / "none.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="no UTF-8"):
        load(tmp_path / "b.toml")


@pytest.mark.parametrize("overlays", [(), ("night",)])
def test_the_cluster_layout_is_good(overlays):
    layout = load(CLUSTER, overlays)
    assert layout.size == (1280, 480)
    assert len(layout.names(Telltale)) >= 12
    assert layout.names(Needle) == ["speed_needle", "rpm_needle"]
    assert all(layout.telltale(name).shape is not None for name in layout.names(Telltale))


ON_VIEWS = """
[screen]
size = [640, 240]
[view.home]
anchors = [{ region = [0, 0, 40, 40], colour = "blue" }]
[view.media]
anchors = [{ region = [0, 0, 40, 40], colour = "green" }]
[view.muted]
view = "media"
anchors = [{ region = [50, 0, 40, 40], colour = "red" }]
[button.play]
view = ["Media", "home"]
region = [100, 100, 60, 40]
"""


def test_an_item_knows_the_views_on_which_it_stands():
    layout = parse(ON_VIEWS)
    play = layout.item("play")
    assert [view.name for view in play.stands_on] == ["media", "home"]
    assert layout.item("home").stands_on == ()
    assert [view.name for view in layout.item("muted").stands_on] == ["media"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["Media", "home"]', '"hme"', "bench.toml: button.play.view: no view 'hme'. Remedy: did you mean home?"),
        ('["Media", "home"]', '"muted"', "'muted' stands on a view itself. Remedy: write view = 'media'."),
        ('["Media", "home"]', "7", "button.play.view"),
    ],
)
def test_a_wrong_view_is_one_line(old, new, said):
    with pytest.raises(UsageError) as caught:
        parse(ON_VIEWS.replace(old, new, 1), "bench.toml")
    assert said in str(caught.value)
