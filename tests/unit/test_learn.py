"""`hil doctor --learn`: what it proposes makes the bench well, and no more than that."""

import tomllib

import pytest
from doctor_lab import ANSWER, DOORS, ECU, GUARD, Peopled, SickBench, at, every, guarded

from hil.bench.config import MonitorsSection
from hil.cli.main import main

ROUGH = [100 * number + (0, 14, 3, -8)[number % 4] + 20 for number in range(400)]
"""Times of a cycle of 100 ms that wanders, in ms: 89 to 114 ms apart, where 90 to 110 are due."""


@pytest.fixture
def bench(tmp_path):
    return SickBench(tmp_path)


@pytest.fixture
def learn(bench, tmp_path, capsys):
    """Learns on a bench with these speakers: the proposal, as text."""

    def learned(body, *words, more="", duration="5 s"):
        bench.write(body=body, more=more)
        path = tmp_path / "proposed.toml"
        path.unlink(missing_ok=True)
        main(["doctor", "--bench", str(bench.path), "--learn", str(path), "--for", duration, *words])
        capsys.readouterr()
        return path.read_text()

    return learned


def monitors(text):
    return tomllib.loads(text).get("monitors", {})


def test_of_a_sound_ecu_nothing_is_proposed(learn):
    text = learn(ECU)
    assert monitors(text) == {}
    assert text.endswith("what was heard is as the databases and the bench file say.\n")
    assert "# Approved by:" in text
    assert "for bench 'sick'" in text


SICK = {
    "a cycle that wanders": [at(ROUGH, ANSWER), ECU[1]],
    "another cycle": [every(200, ANSWER), ECU[1]],
    "an unknown identifier": [*ECU, every(250, 0x7A0), every(100, 0x18FF0001, flags=1)],
    "another length": [every(100, ANSWER, b"\1\2"), ECU[1]],
    "no protection": [ECU[0], every(50, GUARD, bytes(8))],
    "a message that isn't there": [ECU[0]],
}


@pytest.mark.parametrize("sickness", SICK)
def test_with_what_is_proposed_the_bench_is_well_and_without_it_not(bench, learn, sickness):
    text = learn(SICK[sickness], "--power")
    assert MonitorsSection.model_validate(monitors(text))
    assert bench(body=SICK[sickness], power=True).faults
    rows = bench(body=SICK[sickness], more=f"\n{text}", power=True, listen_s=5.0)
    assert rows.faults == []


def test_a_tolerance_is_a_little_wider_than_what_was_seen(bench, learn):
    text = learn([at(ROUGH, ANSWER), ECU[1]])
    assert monitors(text)["rule"] == [{"messages": ["body::Answer"], "tolerance": "17.5 ms"}]
    assert "# 89 ms to 114 ms apart (49 times), due every 100 ms" in text
    worse = [at([time + 30 * (number == 20) for number, time in enumerate(ROUGH)], ANSWER), ECU[1]]
    assert bench(body=worse, more=f"\n{text}", listen_s=5.0).faults == [("bus.body", "cycles")]


def test_another_cycle_is_not_taken_for_a_wide_tolerance(learn):
    text = learn([every(200, ANSWER), ECU[1]])
    assert monitors(text)["rule"] == [{"messages": ["body::Answer"], "cycle": "off"}]
    assert "another cycle? Correct the database instead" in text


def test_what_is_allowed_already_stays_in_the_list(learn):
    body = [*ECU, every(100, 0x7A0), every(100, 0x7A1)]
    text = learn(body, more='\n[monitors]\nallow = ["0x7A0"]\n')
    assert monitors(text)["allow"] == ["0x7A0", "body::0x7A1"]
    assert '"body::0x7A1",  # 50 frames, every 100 ms or so, 1 bytes' in text


def test_a_checksum_that_is_wrong_now_and_then_is_noted_and_not_borne(learn):
    good, bad = guarded(), guarded(corrupt=True)
    text = learn([ECU[0], every(50, GUARD, lambda number: (bad if number == 7 else good)(number))])
    assert monitors(text) == {}
    assert "# - body::Guard: 1 of 100 frames have a wrong checksum; that is a defect rather than a habit." in text


def test_a_second_sender_and_a_silent_ecu_are_noted(learn):
    text = learn([every(50, DOORS, bytes(2))])
    assert monitors(text) == {}
    assert "# - body: somebody else sends Doors; are BCM really there (real_nodes)?" in text
    assert "# - body: nothing came of ECU; was the ECU awake (--power)?" in text


def test_a_message_that_could_not_have_come_yet_is_noted(learn):
    text = learn([every(50, GUARD, guarded())], duration="200 ms")
    assert monitors(text) == {}
    assert "# - body::Answer, due every 100 ms, did not come in 200 ms: listen for longer." in text


def test_nothing_is_overwritten_least_of_all_a_bench_file(bench, capsys):
    bench.write()
    before = bench.path.read_text()
    assert main(["doctor", "--bench", str(bench.path), "--learn", str(bench.path)]) == 2
    assert bench.path.read_text() == before
    assert "is there already. Remedy: name another file, or delete it." in capsys.readouterr().err
    assert Peopled.sent == []


def test_without_a_duration_it_listens_for_half_a_minute(bench, tmp_path, capsys):
    bench.write()
    assert main(["doctor", "--bench", str(bench.path), "--learn", str(tmp_path / "a.toml")]) == 0
    assert "from 30 s of listening" in (tmp_path / "a.toml").read_text()
    assert "read it, then copy what you approve into the bench file" in capsys.readouterr().err
