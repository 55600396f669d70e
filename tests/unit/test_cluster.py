"""The cluster's picture: equal states share one raster, different ones differ where they should and nowhere else."""

import hashlib

import numpy as np
import pytest

from hil.ecu import symbols
from hil.ecu.cluster import GEARS, SIZE, ClusterState, Guidance, Screen, Warning, render
from hil.ecu.cluster_art import LOOKS
from hil.ecu.cluster_state import BRANDS, COLOURS, LANGUAGES, MANOEUVRES, SEVERITIES, TELLTALES
from hil.errors import UsageError


def changed_box(before, after):
    """Left, top, right, bottom of what differs."""
    rows, columns = np.nonzero((before != after).any(axis=2))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_a_picture_has_the_size_and_type_of_a_frame():
    for screen in Screen:
        pixels = render(ClusterState(screen=screen))
        assert (pixels.shape, pixels.dtype) == ((SIZE[1], SIZE[0], 3), np.uint8)
        assert pixels.flags.c_contiguous
        assert not pixels.flags.writeable


def test_equal_states_share_one_raster():
    assert render(ClusterState(speed=87.04)) is render(ClusterState(speed=87.0))
    assert render(ClusterState(rpm=2001)) is render(ClusterState(rpm=1999))
    assert render(ClusterState(speed=87.1)) is not render(ClusterState(speed=87.0))


def test_a_state_that_fell_out_of_the_cache_is_drawn_equally():
    state = ClusterState(speed=123.4, speed_number=123, telltales=TELLTALES, warning=Warning(("Door open",)))
    first = render(state)
    render.cache_clear()
    second = render(state)
    assert second is not first
    assert hashlib.sha256(second).digest() == hashlib.sha256(first).digest()


def test_off_is_dark_and_the_splash_is_not():
    assert not render(ClusterState(screen=Screen.OFF)).any()
    assert render(ClusterState(screen=Screen.SPLASH)).max() > 200


@pytest.mark.parametrize("brand", BRANDS)
@pytest.mark.parametrize("name", COLOURS)
def test_a_telltale_lights_only_its_own_place(name, brand):
    (x, y), side = LOOKS[brand].telltales[name]
    lit = render(ClusterState(brand=brand, telltales=frozenset([name])))
    left, top, right, bottom = changed_box(render(ClusterState(brand=brand)), lit)
    half = side // 2
    assert x - half <= left < right <= x + half
    assert y - half <= top < bottom <= y + half
    assert min(right - left, bottom - top) > 0.4 * side
    assert (lit[y - half : y + half, x - half : x + half] == COLOURS[name]).all(axis=2).sum() > 60


def test_no_two_symbols_are_alike():
    masks = {name: symbols.mask(name, 38).astype(float).ravel() for name in symbols.SYMBOLS}
    for name, one in masks.items():
        others = [np.corrcoef(one, mask)[0, 1] for other, mask in masks.items() if other != name]
        assert max(others) < 0.75, name


PARTS = {
    "speed": {"speed": 130.0},
    "rpm": {"rpm": 4000.0},
    "number": {"speed_number": 188},
    "gear": {"gear": "D"},
    "odometer": {"odometer": 888888},
    "trip": {"trip": 8888.8},
    "range": {"range_km": 8888},
    "clock": {"clock": "20:58"},
    "outside": {"outside": "-28.8 °C"},
    "acc": {"acc_speed": 188},
    "limit": {"speed_limit": 130},
    "fuel": {"fuel": 0.7},
    "coolant": {"coolant_C": 90.0},
    "charge": {"charge": 0.7},
    "power": {"power_pct": 70.0},
    "warning": {"warning": Warning(("Reifendruck zu niedrig, bitte", "hinten links prüfen"), "critical", "tyre")},
    "guidance": {"guidance": Guidance("UTurnLeft", "88.8 km", "Avenue des Champs-Elysees")},
    **{name: {"telltales": frozenset([name])} for name in COLOURS},
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("brand", BRANDS)
def test_nothing_lies_on_anything_else(brand, language):
    """What each part changes in the picture is changed by no other part."""
    bare = {"brand": brand, "language": language, "speed_number": None, "gear": None, "odometer": None, "trip": None}
    before, owner = render(ClusterState(**bare)), np.full((SIZE[1], SIZE[0]), "", "U24")
    for name, fields in PARTS.items():
        changed = (render(ClusterState(**bare | fields)) != before).any(axis=2)
        assert changed.any(), name
        assert set(owner[changed]) <= {""}, (name, set(owner[changed]))
        owner[changed] = name


@pytest.mark.parametrize("brand", BRANDS)
@pytest.mark.parametrize("name", MANOEUVRES)
def test_every_manoeuvre_has_a_picture_of_its_own(name, brand):
    other = "Straight" if name != "Straight" else "Left"
    one, two = (render(ClusterState(brand=brand, guidance=Guidance(way, "", ""))) for way in (name, other))
    assert (one != two).any(axis=2).sum() > 200


def test_every_language_words_the_labels_of_its_own():
    pictures = [render(ClusterState(language=language)).tobytes() for language in LANGUAGES]
    assert len(set(pictures)) == len(LANGUAGES)


@pytest.mark.parametrize("brand", BRANDS)
def test_severities_differ_in_their_marks(brand):
    pictures = [
        render(ClusterState(brand=brand, warning=Warning(("x",), name, "oil"))).tobytes() for name in SEVERITIES
    ]
    assert len(set(pictures)) == len(SEVERITIES)


@pytest.mark.parametrize("brand", BRANDS)
def test_brands_themes_units_and_dimming_are_looks_of_their_own(brand):
    state = {"speed": 60.0, "brand": brand}
    looks = [{}, {"night": True}, {"speed_unit": "mph"}, {"dimming": 0.5}]
    assert len({render(ClusterState(**state | look)).tobytes() for look in looks}) == len(looks)
    assert (render(ClusterState(brand="alta")) != render(ClusterState(brand="brio"))).any(axis=2).mean() > 0.5


def test_dimming_is_a_part_of_every_channel():
    full, half = (render(ClusterState(telltales=TELLTALES, dimming=part)).astype(int) for part in (1.0, 0.5))
    assert np.abs(half - full * 0.5).max() <= 1


def test_night_is_darker_everywhere_it_matters():
    state = {"speed_number": 88, "telltales": TELLTALES}
    day, night = render(ClusterState(**state)), render(ClusterState(**state, night=True))
    assert night.mean() < 0.7 * day.mean()
    assert (night <= day.astype(int) + 2).all()


def test_a_long_message_stays_in_its_card():
    long = "This message is far too long for the width of the card that it is shown in", "and so is this"
    left, _, right, _ = changed_box(render(ClusterState()), render(ClusterState(warning=Warning(long))))
    card = LOOKS["alta"].card.box
    assert left >= card[0]
    assert right <= card[0] + card[2]


@pytest.mark.parametrize("value", [-5.0, 0.0])
def test_needles_rest_at_their_pins(value):
    assert ClusterState(speed=value, rpm=value) == ClusterState()
    assert ClusterState(speed=999.0).speed == 260.0
    assert ClusterState(rpm=99_999.0).rpm == 8000.0


def test_what_the_cluster_does_not_have_is_refused():
    with pytest.raises(UsageError, match="no telltale 'warp'"):
        ClusterState(telltales=frozenset(["warp"]))
    with pytest.raises(UsageError, match="no gear '9'"):
        ClusterState(gear="9")
    assert all(ClusterState(gear=gear).gear == gear for gear in GEARS)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"brand": "gamma"}, "no brand 'gamma'. Remedy: one of alta, brio"),
        ({"language": "nl"}, "no language 'nl'"),
        ({"speed_unit": "kn"}, "no unit of speed 'kn'"),
        ({"distance_unit": "m"}, "no unit of distance 'm'"),
    ],
)
def test_a_look_that_the_cluster_does_not_have_is_refused(wrong, message):
    with pytest.raises(UsageError, match=message):
        ClusterState(**wrong)


def test_warnings_and_guidance_are_checked_when_made():
    with pytest.raises(UsageError, match="a warning of 3 lines"):
        Warning(("a", "b", "c"))
    with pytest.raises(UsageError, match="no severity of a warning 'loud'"):
        Warning(("a",), "loud")
    with pytest.raises(UsageError, match="no telltale 'warp'"):
        Warning(("a",), symbol="warp")
    with pytest.raises(UsageError, match="no manoeuvre 'Jump'"):
        Guidance("Jump", "200 m", "")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"fuel": 0.504}, {"fuel": 0.5}),
        ({"coolant_C": 20.0}, {"coolant_C": 50.0}),
        ({"charge": 7.0}, {"charge": 1.0}),
        ({"power_pct": -100.4}, {"power_pct": -100.0}),
        ({"dimming": 0.0}, {"dimming": 0.2}),
        ({"speed": 300.0, "speed_unit": "mph"}, {"speed": 160.0, "speed_unit": "mph"}),
        ({"speed": 300.0, "brand": "brio"}, {"speed": 220.0, "brand": "brio"}),
    ],
)
def test_states_that_look_alike_are_equal(one, other):
    assert ClusterState(**one) == ClusterState(**other)
    assert ClusterState(**one) != ClusterState()
