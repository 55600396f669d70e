"""One rule for every "did you mean": what is named is what may have been meant, and nothing else."""

import random
import string

import pytest

from hil.nearest import did_you_mean, misspelt, nearest, one_slip, split_guess

LAMPS = ["turn_left", "turn_right", "low_beam", "high_beam", "auto_high_beam", "oil", "engine", "abs", "seat_belt"]


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("high_baem", ["high_beam"]),
        ("High Beam", ["high_beam"]),
        ("HighBeam", ["high_beam"]),
        ("beam", ["low_beam", "high_beam", "auto_high_beam"]),
        ("beem", ["low_beam", "high_beam", "auto_high_beam"]),
        ("beam_high", ["high_beam", "auto_high_beam"]),
        ("oil_pressure", ["oil"]),
        ("check_engine", ["engine"]),
        ("asb", ["abs"]),
        ("seatbelt", ["seat_belt"]),
        ("ab", ["abs"]),
    ],
)
def test_the_nearest_come_first(word, near):
    assert nearest(word, LAMPS, most=3) == near


@pytest.mark.parametrize("word", ["", "x", "of", "bcd", "indicator", "fuel", "tyre", "nope", "hundred", "___", "esp32"])
def test_no_word_is_better_than_a_wrong_one(word):
    assert nearest(word, LAMPS, most=3) == []
    assert did_you_mean(word, LAMPS, "look it up.") == "look it up."


def test_words_at_random_are_near_to_nearly_nothing():
    dice = random.Random(4)
    words = ["".join(dice.choices(string.ascii_lowercase, k=dice.randint(3, 12))) for _ in range(2_000)]
    assert sum(bool(nearest(word, LAMPS)) for word in words) <= 20


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("requirment", ["requirement"], "requirement"),
        ("slow_start", ["start"], ""),
        ("starts", ["start"], "start"),
        ("startt_off", ["start"], ""),
    ],
)
def test_a_word_of_its_own_is_not_misspelt(word, known, meant):
    assert misspelt(word, known) == meant


@pytest.mark.parametrize(
    ("word", "meant", "is_slip"),
    [("abd", "adb", True), ("ab", "abc", True), ("abx", "abc", True), ("xbc", "abc", False), ("xbcde", "abcde", True),
     ("on", "of", False), ("abcd", "abdd", True), ("abcd", "badc", False), ("same", "same", False)],
)  # fmt: skip
def test_a_slip_is_one_letter(word, meant, is_slip):
    assert one_slip(word, meant) is is_slip
    assert one_slip(meant, word) is is_slip


def test_what_robot_guesses_is_read_in_one_place():
    assert split_guess("No keyword 'x'. Did you mean:\n    A b\n    C") == ("No keyword 'x'.", ["A b", "C"])
    assert split_guess("No keyword 'x'.") == ("No keyword 'x'.", [])
