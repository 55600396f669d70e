"""Checks over time on a virtual glass: exact instants, one judgement a picture, results rather than exceptions."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from hil.clock import RealClock, VirtualClock
from hil.ecu.cluster import ClusterState, Warning, render
from hil.errors import BenchError, InconclusiveError, UsageError
from hil.hmi import expect
from hil.hmi.checks import ScreenChecks
from hil.hmi.frames import Display, Frame
from hil.hmi.glass import backlight, whole_screen
from hil.hmi.layout_file import load
from hil.hmi.read_needle import read_needle
from hil.hmi.read_telltale import read_telltale
from hil.hmi.read_text import read_text
from hil.hmi.reader import Reading
from hil.hmi.sources import SimSource, _Asked
from hil.journal import Origin

LAYOUT = load(Path(__file__).parents[2] / "fixtures/layouts/alta/cluster.toml")
MS = 1_000_000
OFF, ON = ClusterState(), ClusterState(telltales=frozenset(["brake"]))


class Rig:
    """A glass in virtual time, and a reader that counts its looks."""

    def __init__(self):
        self.clock = VirtualClock()
        self.display = Display("cluster", (1280, 480), 16 * MS)
        self.reported, self.looks = [], 0
        source = SimSource(clock=self.clock, display=self.display)
        self.checks = ScreenChecks(screen="cluster", source=source, clock=self.clock, report=self.reported.append)
        self.show(0, OFF)

    def show(self, at_ms, state):
        t_ns = round(at_ms * MS)
        self.clock.call_at(t_ns, lambda _: self.display.present(Frame(t_ns, lambda: render(state), token=state)))

    def show_all(self, *script):
        for at_ms, state in script:
            self.show(at_ms, state)

    def read(self, pixels, item):
        self.looks += 1
        return read_telltale(pixels, item)

    def brake(self, state):
        return expect.lamp(LAYOUT.telltale("brake"), state, reader=self.read)

    def run(self, check, *arguments, start_ms=5.0, **options):
        async def main():
            await self.clock.sleep_until(round(start_ms * MS))
            return await check(*arguments, **options)

        result = self.clock.run(main())
        assert self.reported == [result]
        return result


@pytest.fixture
def rig():
    made = Rig()
    yield made
    made.clock.close()


# ---- within


def test_within_passes_at_the_first_frame_that_meets_it(rig):
    rig.show_all((21, ON), (37, OFF), (53, ON))
    result = rig.run(rig.checks.within, rig.brake("on"), "100 ms")
    assert result.ok
    assert (result.name, result.target) == ("within", "cluster: telltale brake")
    assert (result.expected, result.seen) == ("on within 100 ms", "on")
    assert (result.since_ns, result.within_ns) == (5 * MS, 100 * MS)
    assert (result.t_ns, result.took_ns) == (21 * MS, 16 * MS)
    assert (result.origin, result.bound_ns) == (Origin.SIM, 0)
    assert result.score > 0.9
    assert result.margin > 0.1
    assert result.frame.token == ON
    assert result.crop.shape == (42, 42, 3)
    assert rig.clock.now_ns == 21 * MS


def test_within_takes_no_time_where_the_screen_shows_it_already(rig):
    result = rig.run(rig.checks.within, rig.brake("off"), 1)
    assert (result.ok, result.t_ns, result.took_ns) == (True, 0, 0)
    assert rig.clock.now_ns == 5 * MS


def test_within_fails_at_its_end_with_what_was_seen_last(rig):
    result = rig.run(rig.checks.within, rig.brake("on"), "250 ms")
    assert (result.ok, result.seen, result.looks) == (False, "off", 1)
    assert result.margin < -0.05
    assert rig.clock.now_ns == 255 * MS


@pytest.mark.parametrize(("at_ms", "ok"), [(105, True), (105.000001, False)])
def test_the_last_nanosecond_counts_and_the_next_does_not(rig, at_ms, ok):
    rig.show(at_ms, ON)
    result = rig.run(rig.checks.within, rig.brake("on"), "100 ms")
    assert result.ok is ok
    assert rig.clock.now_ns == 105 * MS


def test_what_is_presented_at_the_end_counts_whenever_it_was_planned(rig):
    rig.clock.call_at(50 * MS, lambda _: rig.show(105, ON))
    assert rig.run(rig.checks.within, rig.brake("on"), "100 ms").ok


def test_within_nothing_judges_what_the_screen_shows_now(rig):
    rig.show(6, ON)
    assert not rig.run(rig.checks.within, rig.brake("on"), 0).ok


def test_a_dim_or_miscoloured_lamp_is_neither_on_nor_off(rig):
    def amber():
        pixels = render(ON).copy()
        pixels[..., 1] = np.where(pixels[..., 0] > 200, 176, pixels[..., 1])
        return pixels

    rig.clock.call_at(3 * MS, lambda _: rig.display.present(Frame(3 * MS, amber, token="amber")))
    for state in ("on", "off"):
        rig.reported.clear()
        result = rig.run(rig.checks.within, rig.brake(state), 0, start_ms=5)
        assert not result.ok
        assert result.seen == "wrong colour"
        assert "lit amber, not red" in result.detail


# ---- always, never


def test_always_during_passes_and_keeps_its_closest_look(rig):
    rig.show_all((3, ON), (50, ClusterState(telltales=frozenset(["brake", "oil"]), night=False)))
    result = rig.run(rig.checks.always_during, rig.brake("on"), "1 s")
    assert (result.ok, result.expected) == (True, "always on during 1 s")
    assert result.margin > 0.1
    assert rig.clock.now_ns == 1005 * MS


@pytest.mark.parametrize("name", ["always_during", "never_during"])
def test_a_single_frame_breaks_it_and_ends_the_check(rig, name):
    first, second = (ON, OFF) if name == "always_during" else (OFF, ON)
    rig.show_all((3, first), (100, second), (116, first))
    result = rig.run(getattr(rig.checks, name), rig.brake("on"), "1 s")
    assert (result.ok, result.t_ns, result.took_ns) == (False, 100 * MS, 95 * MS)
    assert result.margin < 0
    assert rig.clock.now_ns == 100 * MS


def test_a_frame_at_the_very_end_still_breaks_it(rig):
    rig.show_all((3, ON), (105, OFF))
    assert not rig.run(rig.checks.always_during, rig.brake("on"), "100 ms").ok


def test_never_during_passes_with_a_positive_margin(rig):
    result = rig.run(rig.checks.never_during, rig.brake("on"), "100 ms")
    assert (result.ok, result.seen, result.expected) == (True, "off", "never on during 100 ms")
    assert result.margin > 0.1


# ---- stable


def test_stable_waits_until_nothing_has_changed_for_long_enough(rig):
    rig.show_all((20, ON), (36, OFF), (80, ON))
    result = rig.run(rig.checks.stable, "50 ms", "1 s")
    assert (result.ok, result.t_ns) == (True, 80 * MS)
    assert result.seen == "3 changes, the last 75.0 ms after the check began"
    assert rig.clock.now_ns == 130 * MS


def test_stable_counts_from_the_call(rig):
    result = rig.run(rig.checks.stable, "50 ms", "1 s", start_ms=500)
    assert (result.ok, result.seen) == (True, "no change")
    assert rig.clock.now_ns == 550 * MS


def test_stable_fails_where_it_goes_on_changing(rig):
    rig.show_all(*((at, ON if at % 40 else OFF) for at in range(20, 400, 20)))
    result = rig.run(rig.checks.stable, "50 ms", "200 ms")
    assert not result.ok
    assert result.expected == "unchanged for 50 ms within 200 ms"
    assert rig.clock.now_ns == 205 * MS


def test_stable_may_look_at_one_item_only(rig):
    rig.show_all(*((at, ClusterState(rpm=at * 10.0)) for at in range(20, 400, 20)))
    assert rig.run(rig.checks.stable, "50 ms", "200 ms", LAYOUT.telltale("brake")).ok
    assert rig.clock.now_ns == 55 * MS


def test_noise_is_no_change_within_the_tolerance(rig):
    def noisy(seed):
        noise = np.random.default_rng(seed).integers(0, 3, (480, 1280, 3))
        return np.clip(render(ON) + noise, 0, 255).astype(np.uint8)

    def script():
        for index in range(1, 9):
            at = index * 20 * MS
            rig.clock.call_at(at, lambda t: rig.display.present(Frame(t, lambda: noisy(t))), at)

    script()
    assert not rig.run(rig.checks.stable, "50 ms", "60 ms", tolerance=0.0, start_ms=21).ok
    rig.reported.clear()
    assert rig.run(rig.checks.stable, "50 ms", "60 ms", tolerance=2.0, start_ms=90).ok


# ---- what is judged, and how often


def test_equal_tokens_are_not_judged_again(rig):
    drawn = []

    def present(t_ns):
        token = "off" if t_ns < 50 * MS else "on"
        pixels = render(OFF if token == "off" else ON)
        rig.display.present(Frame(t_ns, lambda: drawn.append(t_ns) or pixels, token=token))

    for at in (20 * MS, 36 * MS, 52 * MS):
        rig.clock.call_at(at, present, at)
    result = rig.run(rig.checks.within, rig.brake("on"), "1 s", start_ms=21)
    assert (rig.looks, result.looks, result.t_ns) == (2, 2, 52 * MS)
    assert drawn == [20 * MS, 52 * MS]


def test_equal_pixels_of_the_item_are_not_judged_again(rig):
    rig.show_all(*((at, ClusterState(speed=float(at))) for at in range(20, 200, 20)))
    rig.run(rig.checks.always_during, rig.brake("off"), "300 ms")
    assert rig.looks == 1


def test_nobody_looks_at_frames_after_the_verdict(rig):
    drawn = []
    for at in (20, 40, 60):
        state = ON if at == 20 else OFF
        rig.clock.call_at(
            at * MS,
            lambda t, s=state: rig.display.present(Frame(t, lambda: drawn.append(t) or render(s), token=t)),
            at * MS,
        )

    async def main():
        result = await rig.checks.within(rig.brake("on"), "1 s")
        await rig.clock.sleep(0.1)
        return result

    assert rig.clock.run(main()).ok
    assert drawn == [20 * MS]


def test_a_cancelled_check_is_cancelled(rig):
    async def main():
        checking = asyncio.ensure_future(rig.checks.within(rig.brake("on"), "1 s"))
        await rig.clock.sleep(0.1)
        checking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await checking
        return rig.clock.now_ns

    assert rig.clock.run(main()) == 100 * MS
    assert rig.reported == []


class Slow:
    """A source whose pictures come late, or not at all, or turn bad."""

    name, period_ns = "slow", MS

    known_ns = property(lambda self: self.clock.now_ns)

    def __init__(self, clock, *, late_ns=0, broken=False, then=ON):
        self.clock, self.late_ns, self.broken, self.then = clock, late_ns, broken, then

    async def latest(self):
        if self.broken:
            raise BenchError("no camera", where="slow")
        return Frame(self.clock.now_ns + self.late_ns, lambda: render(ON), origin=Origin.HOST, bound_ns=7)

    async def next_frame(self, after_ns):
        await self.clock.sleep(0.01)
        return Frame(self.clock.now_ns + 5 * MS, lambda: render(self.then), origin=Origin.HOST)


def over(rig, source):
    return ScreenChecks(screen="cluster", source=source, clock=rig.clock, report=rig.reported.append)


def test_a_source_slower_than_the_check_is_inconclusive(rig):
    checks = over(rig, Slow(rig.clock, late_ns=101 * MS))
    with pytest.raises(InconclusiveError, match=r"the first picture came 101\.0 ms after the check began"):
        rig.run(checks.within, rig.brake("on"), "100 ms")
    assert rig.run(checks.within, rig.brake("on"), 0).ok


def test_a_frame_stamped_after_the_end_does_not_count(rig):
    checks = over(rig, Slow(rig.clock, then=OFF))
    assert rig.run(checks.always_during, rig.brake("on"), "14.9 ms").ok
    rig.reported.clear()
    assert not rig.run(checks.always_during, rig.brake("on"), "15 ms", start_ms=100).ok


def test_a_broken_source_is_a_bench_fault(rig):
    with pytest.raises(BenchError, match="no camera"):
        rig.run(over(rig, Slow(rig.clock, broken=True)).always_during, rig.brake("on"), 1)


def test_the_stamp_and_its_bound_are_the_sources(rig):
    result = rig.run(over(rig, Slow(rig.clock)).within, rig.brake("on"), 1)
    assert (result.origin, result.bound_ns, result.t_ns) == (Origin.HOST, 7, 5 * MS)


def test_on_a_real_clock_a_thread_looks_and_the_loop_goes_on():
    clock = RealClock()
    try:
        checks = ScreenChecks(screen="cluster", source=Slow(clock), clock=clock, report=lambda result: None)
        loop_threads = []

        def read(pixels, item):
            with pytest.raises(RuntimeError):
                asyncio.get_running_loop()
            loop_threads.append(1)
            return Reading("on", 1.0, 1.0, "", pixels)

        expectation = expect.lamp(LAYOUT.telltale("brake"), "on", reader=read)
        assert clock.run(checks.within(expectation, "1 s")).ok
        assert loop_threads == [1]
    finally:
        clock.close()


# ---- expectations


def shows(expectation, **state):
    return expectation.judge(render(ClusterState(**state)))


@pytest.mark.parametrize("word", ["lit", "", "ON!"])
def test_unknown_words_are_refused_with_the_allowed_ones(word):
    with pytest.raises(UsageError, match=r"on or off, not '.*'\. Remedy: write on or off"):
        expect.lamp(LAYOUT.telltale("brake"), word)
    assert expect.lamp(LAYOUT.telltale("brake"), " On ", reader=read_telltale).expected == "on"


@pytest.mark.parametrize(
    ("value", "tolerance", "ok"),
    [("87 km/h", 1, True), (87, "1 km/h", True), ("24.17 m/s", "1 km/h", True), ("54 mph", 0.5, True), (89, 1, False)],
)
def test_needles_are_expected_in_any_unit_of_speed(value, tolerance, ok):
    expectation = expect.needle(LAYOUT.needle("speed_needle"), value, tolerance, reader=read_needle)
    judgement = shows(expectation, speed=87.0)
    assert judgement.ok is ok
    assert (judgement.margin > 0) is ok
    assert judgement.seen.endswith(" km/h")
    assert 86.7 < float(judgement.seen.split()[0]) < 87.3
    assert expectation.expected.startswith(f"{float(expectation.expected.split()[0]):g} km/h +- ")


def test_the_margin_is_the_distance_to_the_edge_of_the_tolerance():
    item, readings = LAYOUT.needle("speed_needle"), []
    for value in (90.0, 91.5, 92.0, 92.5, 200.0):
        seen = Reading(value, 1.0, 1.0, "", np.zeros((1, 1, 3), np.uint8))
        readings.append(expect.needle(item, 90, 2, reader=lambda pixels, item, seen=seen: seen).judge(seen.crop))
    assert [round(reading.margin, 3) for reading in readings] == [1.0, 0.25, 0.0, -0.25, -1.0]
    assert [reading.ok for reading in readings] == [True, True, True, False, False]


def test_an_unsure_reader_lowers_the_margin():
    blurred = Reading("on", 0.6, 0.02, "", np.zeros((1, 1, 3), np.uint8))
    judged = {
        state: expect.lamp(LAYOUT.telltale("brake"), state, reader=lambda p, i: blurred).judge(blurred.crop)
        for state in ("on", "off")
    }
    assert (judged["on"].margin, judged["off"].margin) == (0.02, -0.02)


def test_no_needle_meets_no_value():
    expectation = expect.needle(LAYOUT.needle("speed_needle"), 0, 300, reader=read_needle)
    judgement = expectation.judge(np.zeros((480, 1280, 3), np.uint8))
    assert (judgement.ok, judgement.seen) == (False, "no needle on the scale")
    assert "no needle seen" in judgement.detail


def test_a_needle_needs_a_tolerance_and_a_unit_that_fits():
    with pytest.raises(UsageError, match="can't be compared without a tolerance"):
        expect.needle(LAYOUT.needle("speed_needle"), 87, 0, reader=read_needle)
    with pytest.raises(UsageError, match="'V' can't be converted to 'km/h'"):
        expect.needle(LAYOUT.needle("speed_needle"), "87 V", 1, reader=read_needle)


@pytest.mark.parametrize(
    ("number", "value", "tolerance", "ok"),
    [
        (87, 87, 0, True),
        (87, "87 km/h", 0, True),
        (87, 88, 0, False),
        (87, 88, 1, True),
        (87, 89, 1, False),
        (None, 0, 300, False),
    ],
)
def test_numbers_are_expected_within_a_tolerance(number, value, tolerance, ok):
    expectation = expect.text_number(LAYOUT.text("speed"), value, tolerance, reader=read_text)
    judgement = shows(expectation, speed_number=number)
    assert (judgement.ok, judgement.margin >= 0) == (ok, ok)
    assert judgement.seen == ("'---'" if number is None else f"'{number}'")


def test_decimals_are_numbers_too():
    assert shows(expect.text_number(LAYOUT.text("trip"), 123.4, reader=read_text), trip=123.4).ok
    assert not shows(expect.text_number(LAYOUT.text("trip"), 1234, reader=read_text), trip=123.4).ok


def test_a_unit_where_the_layout_gives_none_is_refused():
    with pytest.raises(UsageError, match=r"Remedy: add unit = \"km\" to text\.gear in the layout"):
        expect.text_number(LAYOUT.text("gear"), "3 km", reader=read_text)


def test_texts_equal_and_match():
    message = LAYOUT.item("popup.warning").words
    equal = expect.text_equals(message, " Door  open ", reader=read_text)
    assert equal.expected == "'Door open'"
    assert shows(equal, warning=Warning(("Door open",))).ok
    assert not shows(equal, warning=Warning(("Door closed",))).ok
    assert not shows(equal).ok
    assert shows(expect.text_equals(message, "", reader=read_text)).seen == "''"
    assert shows(expect.text_matches(LAYOUT.text("speed"), r"\d+", reader=read_text), speed_number=42).ok
    assert not shows(expect.text_matches(LAYOUT.text("speed"), r"\d", reader=read_text), speed_number=42).ok
    with pytest.raises(UsageError, match="no regular expression"):
        expect.text_matches(message, "(")


@pytest.mark.parametrize(
    ("shown", "wanted", "ok"), [("OIl", "Oil", False), ("Oil Ieak", "Oil leak", True), ("0il", "Oil", False)]
)
def test_letters_that_are_drawn_alike_are_one(shown, wanted, ok):
    seen = Reading(shown, 1.0, 1.0, "", np.zeros((1, 1, 3), np.uint8))
    expectation = expect.text_equals(LAYOUT.item("popup.warning").words, wanted, reader=lambda pixels, item: seen)
    assert expectation.judge(seen.crop).ok is ok


class SlowSource:
    """Shows a lit lamp from `lit_ns` on, but takes `delay_s` to hand each picture over; stamps are exact."""

    name, period_ns = "slow", 10_000_000

    known_ns = property(lambda self: self._clock.now_ns)

    def __init__(self, clock, lit_ns, delay_s):
        self._clock, self._lit_ns, self._delay_s = clock, lit_ns, delay_s

    async def latest(self):
        lit = self._clock.now_ns >= self._lit_ns
        stamp = self._lit_ns if lit else 0
        await self._clock.sleep(self._delay_s)
        return Frame(stamp, lambda: np.full((4, 4, 3), 255 if lit else 0, np.uint8), token=lit)

    async def next_frame(self, after_ns):
        while (frame := await self.latest()).t_ns <= after_ns:
            await self._clock.sleep(0.01)
        return frame


@pytest.mark.parametrize(("lit_ns", "ok"), [(80_000_000, True), (2_000_000_000, False)])
def test_a_picture_that_was_shown_in_time_but_arrives_late_counts(lit_ns, ok):
    clock = RealClock()
    item = whole_screen((4, 4))
    checks = ScreenChecks(screen="s", source=SlowSource(clock, lit_ns, 0.15), clock=clock, report=lambda _: None)
    try:
        result = clock.run(checks.within(backlight(item, True), 0.2))
        assert result.ok is ok
    finally:
        clock.close()


class StallingSource(_Asked):
    """Gives a dark picture at once and each later one after a second, stamped like those of a camera: when it came."""

    async def _ask(self):
        await self._clock.sleep(0.0 if self._last is None else 1.0)
        return Frame(self._clock.now_ns, lambda: np.zeros((4, 4, 3), np.uint8), token="dark")

    async def close(self):
        pass


def test_a_failure_of_which_no_picture_tells_the_end_is_inconclusive():
    clock = RealClock()
    source = StallingSource(clock=clock, name="camera", size=(4, 4), period_s=0.01, timeout_s=5)
    checks = ScreenChecks(screen="s", source=source, clock=clock, report=lambda _: None)
    try:
        with pytest.raises(InconclusiveError, match=r"no picture tells of the last .* of 600.0 ms"):
            clock.run(checks.within(backlight(whole_screen((4, 4)), True), 0.6))
        source._last = None
        with pytest.raises(InconclusiveError, match=r"no picture tells of the last"):
            clock.run(checks.never_during(backlight(whole_screen((4, 4)), True), 0.6))
    finally:
        clock.close()
