"""The cluster's picture: equal states share one raster, different ones differ where they should and nowhere else."""

import hashlib

import numpy as np
import pytest

from hil.ecu import cluster_art as art
from hil.ecu import symbols
from hil.ecu.cluster import GEARS, SIZE, ClusterState, Guidance, Screen, Warning, render
from hil.ecu.cluster_art import TELLTALES
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
    state = ClusterState(speed=123.4, speed_number=123, telltales=frozenset(TELLTALES), warning=Warning(("Door open",)))
    first = render(state)
    render.cache_clear()
    second = render(state)
    assert second is not first
    assert hashlib.sha256(second).digest() == hashlib.sha256(first).digest()


def test_off_is_dark_and_the_splash_is_not():
    assert not render(ClusterState(screen=Screen.OFF)).any()
    assert render(ClusterState(screen=Screen.SPLASH)).max() > 200


@pytest.mark.parametrize("name", TELLTALES)
def test_a_telltale_lights_only_its_own_place(name):
    (x, y), side, colour = TELLTALES[name]
    lit = render(ClusterState(telltales=frozenset([name])))
    left, top, right, bottom = changed_box(render(ClusterState()), lit)
    half = side // 2
    assert x - half <= left < right <= x + half
    assert y - half <= top < bottom <= y + half
    assert min(right - left, bottom - top) > 0.4 * side
    assert (lit[y - half : y + half, x - half : x + half] == colour).all(axis=2).sum() > 60


def test_no_two_telltales_touch():
    boxes = [(x - side / 2, y - side / 2, x + side / 2, y + side / 2) for (x, y), side, _ in TELLTALES.values()]
    for index, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[index + 1 :]:
            assert right + 4 <= other[0] or other[2] + 4 <= left or bottom + 4 <= other[1] or other[3] + 4 <= top


def test_no_two_symbols_are_alike():
    masks = {name: symbols.mask(name, 42, art._BOLD).astype(float).ravel() for name in symbols.SYMBOLS}
    for name, one in masks.items():
        others = [np.corrcoef(one, mask)[0, 1] for other, mask in masks.items() if other != name]
        assert max(others) < 0.9, name


@pytest.mark.parametrize(
    ("change", "box"),
    [
        ({"speed": 130.0}, (40, 22, 440, 422)),
        ({"rpm": 4000.0}, (840, 22, 1240, 422)),
        ({"speed_number": 188}, (520, 88, 760, 186)),
        ({"speed_number": None}, (520, 88, 760, 186)),
        ({"gear": "D"}, (614, 238, 666, 286)),
        ({"odometer": 123456}, (508, 381, 591, 408)),
        ({"trip": 9999.9}, (700, 381, 785, 408)),
        ({"warning": Warning(("Door open",), "critical")}, (464, 302, 816, 368)),
    ],
)
def test_a_change_is_seen_in_its_own_place(change, box):
    left, top, right, bottom = changed_box(render(ClusterState()), render(ClusterState(**change)))
    assert box[0] <= left
    assert box[1] <= top
    assert right <= box[2]
    assert bottom <= box[3]


def test_night_is_darker_everywhere_it_matters():
    state = {"speed_number": 88, "telltales": frozenset(TELLTALES)}
    day, night = render(ClusterState(**state)), render(ClusterState(**state, night=True))
    assert night.mean() < 0.7 * day.mean()
    assert (night <= day.astype(int) + 2).all()


def test_a_long_message_stays_in_its_card():
    long = "This message is far too long for the width of the card that it is shown in", "and so is this"
    left, _, right, _ = changed_box(render(ClusterState()), render(ClusterState(warning=Warning(long))))
    assert left >= 464
    assert right <= 816


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
