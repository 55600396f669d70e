"""Generators of one bench: named, apart from each other, reseeded at once."""

from hil.seed import Dice, seeded


def test_a_generator_follows_from_seed_and_name_alone():
    one, other = Dice("1"), Dice("1")
    other.generator("broker").random()
    assert one.generator("bench").random() == other.generator("bench").random() == seeded("1/bench").random()
    assert one.generator("bench") is one.generator("bench")


def test_reseeded_generators_go_on_as_if_they_had_begun_with_the_new_seed():
    dice = Dice("1")
    early = dice.generator("ecu")
    early.random()
    dice.reseed("1/case")
    assert early.random() == seeded("1/case/ecu").random()
    assert dice.generator("late").random() == seeded("1/case/late").random()
