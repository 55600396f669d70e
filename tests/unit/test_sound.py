"""Chimes by name, level, length and rate, from samples alone; and the checks of an ear in virtual time."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hil.clock import VirtualClock
from hil.errors import UsageError
from hil.hmi.audio import RATE_HZ, Sound, Speaker
from hil.hmi.audio_ports import SimAudio
from hil.hmi.listening import ANY, SoundChecks
from hil.hmi.sound import Ear, Strikes, decibels, parse_chimes, rate_Hz, spectrogram

MS = 1_000_000
TABLE = """# what each chime is
chime,frequency_Hz,tone_ms,period_ms,remark
belt,880+1175,150,500,"as long as it takes, or longer"
gong,660,,,
third,660+831,,,
tick,1800,,,
"""
CHIMES = parse_chimes(TABLE)


def tone(hz, ms, level=0.2, fade=0.0):
    at = np.arange(round(RATE_HZ * ms / 1000)) / RATE_HZ
    wave = sum(np.sin(2 * np.pi * each * at) for each in np.atleast_1d(hz)) * level
    return (32767 * wave * np.exp(-at * fade)).astype(np.int16)


def hops(samples, pieces=(1,), chimes=CHIMES):
    ear = Ear(chimes.values(), RATE_HZ, 0)
    padded = np.concatenate([samples, np.zeros(ear.behind_ns * RATE_HZ // 10**9 + 480, np.int16)])
    cuts = np.cumsum([0, *(round(len(padded) * part / sum(pieces)) for part in pieces)])
    cuts[-1] = len(padded)
    return [hop for a, b in pairwise(cuts) for hop in ear.hear(padded[a:b])]


def strikes(samples, name, **options):
    found = Strikes(name)
    for hop in hops(samples, **options):
        found.add(hop)
    return found.all


def at(ms, samples, total_ms=1000):
    whole = np.zeros(RATE_HZ * total_ms // 1000, np.int16)
    begin = RATE_HZ * ms // 1000
    whole[begin : begin + len(samples)] = samples
    return whole


# ---- the table


def test_the_table_is_read():
    assert CHIMES["belt"].tones_Hz == (880.0, 1175.0)
    assert CHIMES["belt"].repeats_Hz == pytest.approx(2.0)
    assert CHIMES["gong"].repeats_Hz is None


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("chime,", "name,", "no column 'chime'"),
        ("880+1175", "high", "chimes.csv:3: 'high' is no frequency. Remedy: write 880, or 880+1175"),
        ("150", "often", "chimes.csv:3 tone_ms: 'often' is no number"),
        ("tick", "gong", "'gong' stands twice"),
    ],
)
def test_a_wrong_table_is_one_line(old, new, line):
    with pytest.raises(UsageError) as caught:
        parse_chimes(TABLE.replace(old, new, 1), "chimes.csv")
    assert line in str(caught.value)


# ---- samples


@pytest.mark.parametrize("name", CHIMES)
@pytest.mark.parametrize("begin_ms", [100, 203, 317])
def test_each_chime_is_named_and_timed_to_ten_ms(name, begin_ms):
    samples = at(begin_ms, tone(CHIMES[name].tones_Hz, 200))
    (strike,) = strikes(samples, name)
    assert strike.since_ns == pytest.approx(begin_ms * MS, abs=10 * MS)
    assert strike.until_ns == pytest.approx((begin_ms + 200) * MS, abs=10 * MS)
    for other in CHIMES:
        assert (other == name) == bool(strikes(samples, other)), other


@pytest.mark.parametrize("off", [0.97, 1.03])
def test_a_tone_beside_its_frequency_is_another_sound(off):
    samples = at(100, tone(1800 * off, 200))
    assert not strikes(samples, "tick")
    assert len(strikes(samples, "")) == 1


def test_one_tone_of_two_is_not_the_chime():
    assert not strikes(at(100, tone(880, 200)), "belt")


def test_two_chimes_at_once_are_both_heard():
    samples = at(100, tone((880, 1175), 300)) + at(250, tone(1800, 100, 0.1))
    assert len(strikes(samples, "belt")) == len(strikes(samples, "tick")) == 1
    assert strikes(samples, "tick")[0].since_ns == pytest.approx(250 * MS, abs=10 * MS)


def test_noise_hides_nothing_and_makes_nothing():
    noise = np.random.default_rng(5).normal(0, 300, RATE_HZ).astype(np.int16)
    assert not any(strikes(noise, name) for name in CHIMES)
    for name in CHIMES:
        (strike,) = strikes(at(300, tone(CHIMES[name].tones_Hz, 300, 0.1)) + noise, name)
        assert strike.since_ns == pytest.approx(300 * MS, abs=10 * MS)


def test_pieces_of_any_length_give_the_same_hops():
    samples = at(333, tone((880, 1175), 250))
    whole = hops(samples)
    for pieces in ([1, 1], [0.03, 0.5, 0.001, 0.3], [1] * 37):
        assert hops(samples, pieces) == whole


def test_silence_is_silent_and_a_decaying_gong_ends_at_the_threshold():
    assert not strikes(np.zeros(RATE_HZ, np.int16), "")
    (strike,) = strikes(at(100, tone(660, 800, 0.5, fade=8)), "gong")
    assert (strike.until_ns - strike.since_ns) / MS == pytest.approx(1000 * np.log(0.5 / 10 ** (-50 / 20)) / 8, abs=20)
    assert strike.level_dB == pytest.approx(decibels(0.5), abs=2.5)


def test_the_rate_is_from_beginning_to_beginning():
    samples = sum(at(100 + 250 * n, tone(1800, 40), 2000) for n in range(5))
    assert rate_Hz(strikes(samples, "tick")) == pytest.approx(4.0, abs=0.1)
    assert rate_Hz([]) is None


def test_the_picture_shows_the_tone():
    picture = spectrogram(at(100, tone(2500, 500)), RATE_HZ)
    assert picture.shape[:2] == (160, 101)
    assert picture[:, 40].max(axis=1).argmax() == pytest.approx(80, abs=3)


# ---- checks


class Rig:
    def __init__(self):
        self.clock, self.speaker, self.reported = VirtualClock(), Speaker("cabin"), []
        port = SimAudio(clock=self.clock, speaker=self.speaker)
        self.checks = SoundChecks(port=port, clock=self.clock, chimes=CHIMES, report=self.reported.append)

    def play(self, at_ms, name, ms):
        sound = Sound(at_ms * MS, ms * MS, lambda: tone(CHIMES[name].tones_Hz, ms), name)
        self.clock.call_at(at_ms * MS, lambda _: self.speaker.play(sound))

    def belt(self, begin_ms, until_ms, every_ms=500):
        for at_ms in range(begin_ms, until_ms, every_ms):
            self.play(at_ms, "belt", 150)

    def run(self, check, *arguments, start_ms=3):
        async def main():
            await self.clock.sleep_until(start_ms * MS)
            return await check(*arguments)

        result = self.clock.run(main())
        assert self.reported.pop() == result
        return result


@pytest.fixture
def rig():
    made = Rig()
    yield made
    made.clock.close()


def test_a_chime_is_heard_within(rig):
    rig.play(400, "gong", 300)
    result = rig.run(rig.checks.heard, "gong", "1 s")
    assert (result.ok, result.name, result.target) == (True, "heard", "cabin: chime gong")
    assert result.t_ns == pytest.approx(400 * MS, abs=10 * MS)
    assert rig.clock.now_ns < 500 * MS
    assert result.crop.shape[0] == 160


def test_another_chime_is_told(rig):
    rig.play(400, "tick", 50)
    result = rig.run(rig.checks.heard, "gong", "1 s")
    assert (result.ok, result.seen) == (False, "not heard")
    assert result.detail.startswith("heard: tick at 400")


def test_too_late_is_not_heard(rig):
    rig.play(1100, "gong", 300)
    assert not rig.run(rig.checks.heard, "gong", "1 s").ok


def test_an_unknown_chime_is_a_usage_error(rig):
    with pytest.raises(UsageError, match="no chime 'bell'"):
        rig.run(rig.checks.heard, "bell", "1 s")


@pytest.mark.parametrize(("chime", "ok"), [("gong", True), ("tick", False), (ANY, False)])
def test_silence_is_of_one_chime_or_of_all(rig, chime, ok):
    rig.play(400, "tick", 50)
    assert rig.run(rig.checks.silent, chime, "1 s").ok is ok


@pytest.mark.parametrize(
    ("until_ms", "ok", "seen"), [(6500, True, "5.65"), (3500, False, "2.65"), (9900, False, "longer")]
)
def test_how_long_a_chime_sounds(rig, until_ms, ok, seen):
    rig.belt(500, until_ms)
    result = rig.run(rig.checks.lasting, "belt", "4 s", "8 s", "1 s")
    assert (result.ok, seen in result.seen) == (ok, True), result.seen


def test_a_chime_that_never_begins_does_not_last(rig):
    result = rig.run(rig.checks.lasting, "belt", "4 s", "8 s", "1 s")
    assert (result.ok, result.seen) == (False, "not heard")


@pytest.mark.parametrize(("every_ms", "ok"), [(500, True), (480, True), (400, False), (700, False)])
def test_how_often_a_chime_strikes(rig, every_ms, ok):
    rig.belt(500, 6000, every_ms)
    result = rig.run(rig.checks.repeating, "belt", 2.0, 0.2, "5 s", 5)
    assert result.ok is ok
    assert f"{1000 / every_ms:.2f}"[:3] in result.seen


def test_one_lame_pause_fails(rig):
    for at_ms in (500, 1000, 1700, 2100, 2600):
        rig.play(at_ms, "belt", 150)
    assert not rig.run(rig.checks.repeating, "belt", 2.0, 0.2, "5 s", 5).ok


# ---- the chimes of the virtual ECU, as it makes them


def test_the_shipped_table_tells_its_own_chimes_apart():
    table = parse_chimes((Path(__file__).parents[2] / "fixtures/tables/chimes.csv").read_text(), "chimes.csv")
    for chime in table.values():
        samples = at(207, tone(chime.tones_Hz, chime.tone_ms))
        (strike,) = strikes(samples, chime.name, chimes=table)
        assert strike.since_ns == pytest.approx(207 * MS, abs=10 * MS)
        heard = {name for hop in hops(samples, chimes=table) for name in hop.chimes}
        assert heard == {chime.name}
