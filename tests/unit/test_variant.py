"""Variants: what a variant file says, what is laid over a database, which cases apply; each mistake is one line."""

import re

import pytest
from can_lab import dbc, msg, sig

from hil.bench import config as bench_config
from hil.bench import variant as variants
from hil.bench.case import split_tags
from hil.bench.plan import plan
from hil.bench.process import expand_command
from hil.bench.variant import why_not
from hil.bench.wiring import Wiring
from hil.can.loading import load_tolerant
from hil.can.overlay import lay_over
from hil.can.traits import AttributeNames
from hil.errors import UsageError

BENCH = """[bench]
name = "small"
clock = "virtual"
variant = "variants/red.toml"

[bus.body]
port = "sim"
database = "body.dbc"
real_nodes = ["ECU"]
"""
BODY = [
    msg("Coding", 0x100, 1, sig("Brand", "0|3@1+", labels={0: "Red", 1: "Blue"}), sender="BCM", cycle=100),
    msg("Wheel", 0x110, 2, sig("Up", "0|2@1+"), sig("Down", "2|2@1+"), sender="BCM", cycle=50),
    msg("Doors", 0x120, 1, sig("Left", "0|1@1+"), sender="BCM", cycle=100),
    msg("Answer", 0x300, 1, sig("State", "0|8@1+"), sender="ECU", cycle=100),
]
RED = 'name = "red"\n\n[features]\nvoice = true\nhybrid = true\n'
BLUE = """name = "blue"
title = "The blue one"

[features]
voice = false
hybrid = true

[start_values]
"Coding.Brand" = "Blue"
Up = 2

[overlays]
body = ["../blue.dbc"]
"""
OVER = [
    msg("Wheel", 0x111, 2, sig("Up", "8|2@1+"), sig("Sport", "0|2@1+"), sender="SWS", cycle=20),
    msg("Lap", 0x130, 1, sig("Laps", "0|8@1+"), sender="BCM", cycle=200),
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "variants").mkdir()
    (tmp_path / "bench.toml").write_text(BENCH)
    (tmp_path / "body.dbc").write_text(dbc(*BODY))
    (tmp_path / "blue.dbc").write_text(dbc(*OVER))
    (tmp_path / "variants" / "red.toml").write_text(RED)
    (tmp_path / "variants" / "blue.toml").write_text(BLUE)
    return tmp_path


def made(folder, variant=""):
    return plan(bench_config.load(folder / "bench.toml", variant))


def mistake(folder, variant=""):
    with pytest.raises(UsageError) as error:
        made(folder, variant)
    line = str(error.value)
    assert line.isprintable()
    assert line.count("Remedy: ") == 1
    return line.replace(str(folder), "FOLDER")


def messages(database):
    return [message.name for message in database.messages]


# The file -------------------------------------------------------------------------------------------------------------


def test_the_bench_file_names_a_variant_and_the_command_line_another(folder):
    assert made(folder).config.variant.name == "red"
    assert made(folder, "blue").config.variant.name == "blue"
    assert made(folder, str(folder / "variants" / "blue.toml")).config.variant.title == "The blue one"


def test_a_bench_without_a_variant_has_none(folder):
    (folder / "bench.toml").write_text(BENCH.replace('variant = "variants/red.toml"\n', ""))
    assert made(folder).config.variant is None
    assert made(folder, str(folder / "variants" / "blue.toml")).config.variant.name == "blue"
    assert "the bench names no variant, so 'blue' can't be looked up" in mistake(folder, "blue")


def test_a_variant_that_is_not_there_is_told_with_what_is(folder):
    assert mistake(folder, "green") == "FOLDER/variants: no variant 'green'. Remedy: there is: blue, red."
    assert mistake(folder, "blu").endswith("did you mean blue?")
    (folder / "bench.toml").write_text(BENCH.replace("red.toml", "rad.toml"))
    assert "there is no such variant file" in mistake(folder)
    assert "correct FOLDER/bench.toml: bench.variant; did you mean red?" in mistake(folder)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (RED + "[start_value]\n", "unknown key 'start_value'. Remedy: did you mean 'start_values'?"),
        (RED.replace("true", '"yes"', 1), "features.voice: Input should be a valid boolean (given: 'yes')"),
        (RED.replace('name = "red"\n', ""), "the key 'name' is missing"),
        (RED + "[start_values]\nBrnd = 1\n", "start_values: no signal 'Brnd' on this bench. Remedy: did you mean"),
        (RED + '[start_values]\nBrand = "Green"\n', "'Green' is no value of body::Coding.Brand. Remedy: it knows Red"),
        (RED + "[start_values]\nUp = 9\n", "start_values: 9 is out of range for body::Wheel.Up. Remedy: it takes 0"),
        (RED + '[overlays]\nbody = ["none.dbc"]\n', "overlays.body: there is no file 'none.dbc'"),
        (RED + '[overlays]\nbodi = ["../blue.dbc"]\n', "overlays.bodi: the bench has no bus 'bodi'"),
    ],
)  # fmt: skip
def test_a_wrong_variant_file_is_one_clear_line(folder, wrong, said):
    (folder / "variants" / "red.toml").write_text(wrong)
    line = mistake(folder)
    assert re.match(r"FOLDER/variants/red\.toml(:\d+)?: ", line), line
    assert said in line


def test_paths_and_commands_name_the_variant(folder):
    (folder / "red.dbc").write_text((folder / "body.dbc").read_text())
    (folder / "bench.toml").write_text(BENCH.replace("body.dbc", "{variant}.dbc"))
    config = made(folder).config
    assert expand_command(["--variant", "{variant_file}", "{variant}"], config, []) == [
        "--variant", str((folder / "variants" / "red.toml").resolve()), "red",
    ]  # fmt: skip
    (folder / "variants" / "blue.toml").unlink()
    (folder / "variants" / "blue.toml").write_text('name = "azure"\n')
    assert "bus.body.database: there is no file 'azure.dbc'" in mistake(folder, "blue")
    (folder / "bench.toml").write_text((folder / "bench.toml").read_text().replace('variant = "variants/red.toml"', ""))
    assert "bus.body.database: '{variant}.dbc' needs a variant, and there is none" in mistake(folder)


# What it changes ------------------------------------------------------------------------------------------------------


def test_signals_start_as_the_variant_says_and_the_restbus_sends_them(folder):
    red, blue = (Wiring(made(folder, name), "seed") for name in ("red", "blue"))
    for wiring, brand in ((red, 0), (blue, 1)):
        ref = wiring.plan.network.resolve("Coding.Brand")
        assert wiring.plan.network.start_values("body", ref.message)["Brand"] == brand
        heard = []
        wiring.clock.run(wiring.buses["body"].open(lambda f, heard=heard: heard.append(f), lambda error: None))
        wiring.traffic.start()
        wiring.clock.run(wiring.clock.sleep(0.25))
        coding = [frame.data[0] & 7 for frame in heard if frame.can_id == 0x100]
        assert len(coding) > 1
        assert set(coding) == {brand}
        wheel = {frame.can_id for frame in heard} & {0x110, 0x111, 0x130}
        assert wheel == ({0x110} if brand == 0 else {0x111, 0x130})
        wiring.close()


def test_files_of_the_variant_are_among_the_evidence(folder):
    assert {"variant/blue.toml", "variant/blue.dbc"} <= set(made(folder, "blue").files)
    assert "variant/red.toml" in made(folder).files


# Overlays -------------------------------------------------------------------------------------------------------------


def loaded(*said):
    return load_tolerant(dbc(*said), ".dbc", "base.dbc")


def test_an_overlay_replaces_by_name_and_adds(folder):
    database = lay_over(loaded(*BODY), loaded(*OVER), "over.dbc").database
    assert messages(database) == ["Coding", "Wheel", "Doors", "Answer", "Lap"]
    wheel = database.get_message_by_name("Wheel")
    assert (wheel.frame_id, [signal.name for signal in wheel.signals]) == (0x111, ["Sport", "Up"])
    assert database.get_message_by_frame_id(0x111) is wheel
    assert {node.name for node in database.nodes} >= {"BCM", "ECU", "SWS"}
    with pytest.raises(KeyError):
        database.get_message_by_frame_id(0x110)


def test_an_overlay_replaces_by_identifier():
    renamed = msg("Gates", 0x120, 1, sig("Right", "0|1@1+"), sender="BCM", cycle=100)
    assert messages(lay_over(loaded(*BODY), loaded(renamed), "x").database) == ["Coding", "Wheel", "Gates", "Answer"]


def test_an_overlay_may_swap_identifiers():
    swapped = [msg("Wheel", 0x120, 1, sig("Up", "0|2@1+")), msg("Doors", 0x110, 1, sig("Left", "0|1@1+"))]
    database = lay_over(loaded(*BODY), loaded(*swapped), "x").database
    assert [(m.name, m.frame_id) for m in database.messages][1:3] == [("Wheel", 0x120), ("Doors", 0x110)]


def test_one_message_of_an_overlay_cannot_replace_two():
    both = msg("Wheel", 0x120, 1, sig("Up", "0|2@1+"), sender="BCM")
    with pytest.raises(UsageError) as error:
        lay_over(loaded(*BODY), loaded(both), "over.dbc")
    assert str(error.value) == (
        "over.dbc: Wheel would replace two messages: Wheel by its name, Doors by its identifier. "
        "Remedy: give it another identifier than 0x120, or lay Doors over as well."
    )


def test_attributes_of_a_message_are_those_of_its_own_file(folder):
    network = made(folder, "blue").network
    assert network.traits("body", network.message("Wheel")[1]).cycle_ns == 20_000_000
    assert network.traits("body", network.message("Coding")[1]).cycle_ns == 100_000_000
    assert isinstance(network.names["body"], AttributeNames)


# Which cases apply ----------------------------------------------------------------------------------------------------


def test_a_case_runs_where_what_it_needs_is_fitted(folder):
    red, blue = (made(folder, name).config.variant for name in ("red", "blue"))
    assert why_not(red, ["voice", "hybrid"]) == ""
    assert why_not(blue, ["hybrid"]) == ""
    assert why_not(blue, ["hybrid", "voice"]) == "variant blue has no voice"
    assert why_not(red, ["variant:red"]) == why_not(red, ["variant:blue", "variant:red"]) == ""
    assert why_not(red, ["variant:blue"]) == "is for variant blue, not red"


def test_of_a_bench_without_a_variant_nothing_is_known_to_be_missing():
    assert why_not(None, ["voice", "anything"]) == ""
    assert why_not(None, ["variant:red"]) == "is for variant red, and the bench names none"


@pytest.mark.parametrize(
    ("need", "said"),
    [
        ("voise", "there is no feature 'voise'. Remedy: did you mean voice? red.toml knows hybrid, voice."),
        ("moon", "there is no feature 'moon'. Remedy: red.toml knows hybrid, voice."),
        ("variant:green", "there is no variant 'green'. Remedy: there is: blue, red."),
    ],
)
def test_a_need_that_nobody_knows_is_a_mistake(folder, need, said):
    with pytest.raises(UsageError) as error:
        why_not(made(folder).config.variant, [need])
    assert str(error.value) == said


def test_tags_say_what_a_case_needs():
    said = split_tags(["req:CLU-1", "needs:Voice", "smoke", "variant:red", "needs: hybrid", "start:off"])
    assert said.needs == ("voice", "hybrid", "variant:red")
    assert said.others == ("smoke",)
    assert (said.requirements, said.start.value) == (("CLU-1",), "off")


# Ours -----------------------------------------------------------------------------------------------------------------


def test_both_brands_know_the_same_features_and_languages(repository):
    alta, brio = (variants.load(repository / f"fixtures/variants/{name}.toml") for name in ("alta", "brio"))
    assert list(alta.features) == list(brio.features) == sorted(alta.features)
    assert alta.fitted - brio.fitted
    assert alta.languages == brio.languages == ["en", "de", "fr", "es"]


@pytest.mark.parametrize("brand", ["alta", "brio"])
def test_the_ecu_of_the_bench_is_of_the_brand(repository, brand):
    made = plan(bench_config.load(repository / "fixtures/benches/virtual.toml", brand))
    wiring = Wiring(made, "seed")
    ecu = wiring.ecus["cockpit"].platform.variant
    assert (ecu.name, ecu.brand) == (brand, brand)
    assert ("navigation" in ecu.features) == (brand == "alta")
    wiring.close()


def test_signals_of_the_overlay_of_brand_b_are_clear_on_the_bench(repository):
    network = plan(bench_config.load(repository / "fixtures/benches/virtual.toml", "brio")).network
    for name in ("SWS_Buttons", "BCM_Interior", "BCM_Sport"):
        for signal in network.message(name)[1].signals:
            assert str(network.resolve(signal.name)) == f"body::{name}.{signal.name}"
