"""The simulated ends of touch, keys and sound."""

from itertools import pairwise

import numpy as np
import pytest

from hil.errors import UsageError
from hil.hmi.audio import KEPT_NS, RATE_HZ, Sound, Speaker, index_of
from hil.hmi.touch import KeyEvent, KeyPad, TouchEvent, TouchPanel

MS = 1_000_000


def tone(level, samples):
    return lambda: np.full(samples, level, np.int16)


# ---- touch and keys


def test_a_panel_hands_on_every_event_in_order():
    panel, heard = TouchPanel("centre", (1280, 800)), []
    panel.listen(lambda event: heard.append(("a", event)))
    panel.listen(lambda event: heard.append(("b", event)))
    events = [TouchEvent(1, "down", 5, 6), TouchEvent(2, "move", 7, 8), TouchEvent(3, "up", 7, 8)]
    for event in events:
        panel.touch(event)
    assert heard == [(who, event) for event in events for who in "ab"]


def test_a_lift_of_no_finger_is_dropped():
    panel, heard = TouchPanel("centre", (1280, 800)), []
    panel.listen(heard.append)
    panel.touch(TouchEvent(1, "up", 5, 6))
    panel.touch(TouchEvent(1, "move", 5, 6))
    assert heard == []


@pytest.mark.parametrize("at", [(-1, 0), (1280, 0), (0, 800)])
def test_beside_the_glass_is_refused(at):
    with pytest.raises(UsageError, match="beside the glass"):
        TouchPanel("centre", (1280, 800)).touch(TouchEvent(0, "down", *at))


def test_a_key_says_only_what_changed_and_unknown_ones_are_refused():
    pad, heard = KeyPad(), []
    pad.listen(heard.append)
    for event in (KeyEvent(1, "home", True), KeyEvent(2, "home", True), KeyEvent(3, "home", False)):
        pad.press(event)
    assert [(event.t_ns, event.pressed) for event in heard] == [(1, True), (3, False)]
    with pytest.raises(UsageError, match="no key 'fire'"):
        pad.press(KeyEvent(4, "fire", True))


# ---- sound


def test_nothing_is_rendered_until_somebody_listens_and_then_once():
    speaker, made = Speaker(), []

    def render():
        made.append(1)
        return np.full(RATE_HZ, 100, np.int16)

    speaker.play(Sound(0, 1000 * MS, render, "chime"))
    assert not made
    speaker.heard(0, 10 * MS)
    speaker.heard(10 * MS, 500 * MS)
    assert len(made) == 1


def test_a_span_holds_what_sounds_in_it_and_silence_elsewhere():
    speaker = Speaker()
    speaker.play(Sound(10 * MS, 5 * MS, tone(7, 10_000)))
    heard = speaker.heard(8 * MS, 20 * MS)
    assert len(heard) == 12 * 48
    assert not heard[: 2 * 48].any()
    assert (heard[2 * 48 : 7 * 48] == 7).all()
    assert not heard[7 * 48 :].any()


def test_sounds_are_added_and_clipped():
    speaker = Speaker()
    speaker.play(Sound(0, MS, tone(30_000, 48)))
    speaker.play(Sound(0, MS, tone(-500, 48)))
    assert set(speaker.heard(0, MS)) == {29_500}
    speaker.play(Sound(0, MS, tone(30_000, 48)))
    assert set(speaker.heard(0, MS)) == {32_767}


def test_stop_silences_all_or_one_name_from_then_on():
    speaker = Speaker()
    speaker.play(Sound(0, 100 * MS, tone(1, 4800), "tick"))
    speaker.play(Sound(0, 100 * MS, tone(2, 4800), "belt"))
    speaker.stop(50 * MS, "tick")
    assert speaker.heard(49 * MS, 51 * MS).tolist() == [3] * 48 + [2] * 48
    speaker.stop(60 * MS)
    assert speaker.is_silent(60 * MS, 200 * MS)
    assert not speaker.is_silent(59 * MS, 60 * MS)


def test_stopping_before_it_began_silences_it():
    speaker = Speaker()
    speaker.play(Sound(10 * MS, 5 * MS, tone(1, 240)))
    speaker.stop(3 * MS)
    assert speaker.is_silent(0, 20 * MS)


def test_two_spans_join_without_a_gap():
    speaker = Speaker()
    speaker.play(Sound(3_333_333, 70 * MS, lambda: np.arange(4800, dtype=np.int16)))
    cut = [0, 10_000_001, 20_833_333, 41_234_567, 90 * MS]
    parts = [speaker.heard(since, until) for since, until in pairwise(cut)]
    assert np.array_equal(np.concatenate(parts), speaker.heard(0, 90 * MS))


def test_old_sounds_are_forgotten():
    speaker = Speaker()
    for second in range(400):
        speaker.play(Sound(second * 10**9, MS, tone(1, 48)))
    assert len(speaker._played) <= KEPT_NS // 10**9 + 2


def test_shorter_samples_than_the_duration_end_in_silence():
    speaker = Speaker()
    speaker.play(Sound(0, 2 * MS, tone(5, 48)))
    assert speaker.heard(0, 2 * MS).tolist() == [5] * 48 + [0] * 48
    assert index_of(10**9) == RATE_HZ
