"""The console: a stream cut anywhere, exact times, bounded memory, linear cost, honest time-outs."""

import itertools
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.clock import VirtualClock
from hil.errors import BenchError, UsageError
from hil.serial import console as console_module
from hil.serial.console import KEPT, OVERLAP, RECEIVED, SENT, Console, Match, Missed
from hil.serial.line import pipe

MS = 1_000_000


class Bench:
    def __init__(self):
        self.clock = VirtualClock()
        near, self.ecu = pipe(self.clock, "console")
        self.reports = []
        self.lost = []
        self.console = Console(self.clock, near, lambda *report: self.reports.append(report))
        self.run(self.console.open(self.lost.append))

    def run(self, scenario):
        return self.clock.run(scenario)

    def says(self, at_ms, data):
        data = data.encode() if isinstance(data, str) else data
        self.clock.call_at(at_ms * MS, lambda _: self.ecu.write(data))

    def expect(self, pattern, timeout_s=1.0):
        return self.run(self.console.expect(pattern, timeout_s))


@pytest.fixture
def bench():
    bench = Bench()
    yield bench
    bench.clock.close()


def test_a_match_has_its_text_and_the_arrival_of_what_completed_it(bench):
    bench.says(10, "Cockpit ECU boo")
    bench.says(25, "ting, please wait")
    assert bench.expect("booting") == Match("booting", (), 25 * MS)
    assert bench.clock.now_ns == 25 * MS


def test_a_match_is_consumed_and_what_follows_is_not(bench):
    bench.says(1, "ready\nready\n")
    assert bench.expect("ready\n").t_ns == 1 * MS
    assert bench.expect("ready\n").t_ns == 1 * MS
    assert isinstance(bench.expect("ready\n", 0), Missed)


def test_the_stamp_is_the_arrival_also_when_the_expect_comes_late(bench):
    bench.says(5, "one ")
    bench.says(6, "two ")
    bench.says(7, "three")
    bench.run(bench.clock.sleep(0.1))
    assert bench.expect("two") == Match("two", (), 6 * MS)


def test_a_pattern_gives_its_groups(bench):
    bench.says(1, "version 4.2 build 17\n")
    match = bench.expect(re.compile(r"version (\S+)(?: rc(\d))? build (\d+)\n"))
    assert match.groups == ("4.2", None, "17")


def test_literal_text_is_literal(bench):
    bench.says(1, "axb a.b")
    assert bench.expect("a.b").text == "a.b"
    assert bench.console.drain() == ""


def test_a_miss_says_what_was_seen_at_the_exact_time(bench):
    bench.says(1, "boot 1\r\nboot 2\r\nlogi")
    missed = bench.expect("login:", 0.3)
    assert missed == Missed("login:", 0.3, ("boot 1", "boot 2", "logi"), 300 * MS)
    bench.says(301, "n:")
    assert bench.expect("login:") == Match("login:", (), 301 * MS)


def test_what_comes_after_the_deadline_is_a_miss_and_stays(bench):
    bench.says(500, "too late")
    assert isinstance(bench.expect("too late", 0.499), Missed)
    assert bench.expect("too late").t_ns == 500 * MS


def test_what_was_stamped_after_the_deadline_is_a_miss_even_if_it_is_here(bench):
    bench.console._on_data(5 * MS, b"late")
    assert isinstance(bench.expect("late", 0.004), Missed)
    assert bench.expect("late", 0.005).t_ns == 5 * MS


def test_bytes_that_are_no_text_are_seen_as_such(bench):
    bench.says(1, b"\xff\xfe!")
    assert bench.expect("\ufffd\ufffd!").t_ns == 1 * MS


def test_no_time_means_what_has_come_already(bench):
    assert isinstance(bench.expect("x", 0), Missed)
    bench.says(1, "x")
    bench.run(bench.clock.sleep(0.01))
    assert bench.expect("x", 0).t_ns == 1 * MS


def test_a_line_start_is_not_where_the_search_window_starts(bench):
    bench.says(1, "not ok\n")
    assert bench.expect("not ").text == "not "
    assert isinstance(bench.expect(re.compile(r"(?m)^ok"), 0.01), Missed)
    bench.says(20, "ok\n")
    assert bench.expect(re.compile(r"(?m)^ok\n")).t_ns == 20 * MS


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 4096])
def test_a_stream_may_break_anywhere(bench, size):
    data = "Außen 21 °C\r\n\x1b[1;32mgrün\x1b[0m → 🚗\r\r\n\x1b]0;title\x07login: ".encode()
    for at_ms, start in enumerate(range(0, len(data), size)):
        bench.says(at_ms, data[start : start + size])
    assert bench.expect("Außen 21 °C\ngrün → 🚗\nlogin: ").text.endswith("login: ")


PIECES = st.sampled_from(["a", "ü", "🚗", "\r", "\n", "\x1b", "\x1b[1m", "\x1b[0", "m", "[", "\x1b]0;t\x07", "\x1b(B"])
NOISE = st.one_of(st.lists(PIECES, max_size=40).map(lambda parts: "".join(parts).encode()), st.binary(max_size=60))


@settings(max_examples=300, deadline=None)
@given(data=NOISE, cuts=st.lists(st.integers(0, 160), max_size=8))
def test_the_cleaned_text_is_the_same_however_it_is_cut(data, cuts):
    whole, pieces = console_module._Cleaner(), console_module._Cleaner()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parts = [pieces.feed(data[start:end]) for start, end in itertools.pairwise(edges)]
    raw, text = whole.feed(data)
    assert "".join(part[0] for part in parts) == raw
    assert "".join(part[1] for part in parts) == text


def test_escapes_are_gone_for_matching_and_kept_in_the_journal(bench):
    bench.says(1, "\x1b[31mERR\x1b[0mOR\r\n")
    assert bench.expect("ERROR\n").text == "ERROR\n"
    assert bench.reports == [(1 * MS, RECEIVED, "\x1b[31mERR\x1b[0mOR\r\n")]


def test_the_journal_gets_lines_and_the_unfinished_one_before_what_is_sent(bench):
    bench.says(1, "one\ntwo\nlog")
    bench.says(2, "in: ")
    bench.expect("login: ")
    bench.says(3, "\n# ")
    bench.run(bench.clock.sleep(0.01))
    bench.console.send_line("root")
    assert bench.reports == [
        (1 * MS, RECEIVED, "one\n"),
        (1 * MS, RECEIVED, "two\n"),
        (2 * MS, RECEIVED, "login: "),
        (3 * MS, RECEIVED, "\n"),
        (3 * MS, RECEIVED, "# "),
        (12 * MS, SENT, "root\n"),
    ]


def test_a_missed_wait_and_closing_report_the_unfinished_line(bench):
    bench.says(1, "half")
    bench.expect("whole", 0.01)
    bench.says(20, "more")
    bench.run(bench.clock.sleep(0.02))
    bench.run(bench.console.close())
    assert [report[2] for report in bench.reports] == ["half", "more"]


def test_sending_reaches_the_ecu_in_utf8_with_the_newline_asked_for():
    clock, heard = VirtualClock(), []
    near, far = pipe(clock, "console")
    console = Console(clock, near, lambda *report: None, newline="\r")

    async def main():
        await far.open(lambda t_ns, data: heard.append(data), lambda error: None)
        console.send("grün")
        console.send_line("los")
        await clock.sleep(0.001)

    clock.run(main())
    assert heard == ["grün".encode(), b"los\r"]
    clock.close()


def test_drain_takes_what_no_expect_consumed(bench):
    bench.says(1, "old news\nmore")
    bench.run(bench.clock.sleep(0.01))
    assert bench.console.drain() == "old news\nmore"
    bench.says(20, "fresh news")
    assert bench.expect("news").t_ns == 20 * MS


def test_a_line_that_breaks_ends_the_wait_with_its_error(bench):
    error = BenchError("the line was lost", where="console")
    bench.clock.call_at(7 * MS, lambda _: bench.console._line_lost(error))
    with pytest.raises(BenchError, match="the line was lost"):
        bench.expect("never", 60)
    assert bench.clock.now_ns == 7 * MS
    assert bench.lost == [error]


def test_what_came_before_the_line_broke_can_still_be_matched(bench):
    bench.says(1, "panic")
    bench.run(bench.clock.sleep(0.01))
    bench.console._line_lost(BenchError("the line was lost"))
    assert bench.expect("panic").t_ns == 1 * MS


def test_two_waits_at_once_are_refused_and_the_first_goes_on(bench):
    bench.says(10, "a")

    async def main():
        first = bench.clock.loop.create_task(bench.console.expect("a", 1))
        await bench.clock.sleep(0.001)
        with pytest.raises(UsageError, match="two waits"):
            await bench.console.expect("b", 1)
        return await first

    assert bench.run(main()).t_ns == 10 * MS


def test_an_empty_pattern_is_refused(bench):
    with pytest.raises(UsageError):
        bench.expect("")


def test_a_pattern_that_matches_nothing_waits_for_something(bench):
    bench.says(1, "xyz")
    bench.says(2, "aa!")
    assert bench.expect(re.compile("a*")).text == "aa"


def test_memory_is_bounded_and_what_is_dropped_unread_is_counted(bench):
    block = "x" * 10_000
    for at_ms in range(300):
        bench.says(at_ms, block)
    bench.run(bench.clock.sleep(0.3))
    kept = len(bench.console.drain())
    assert KEPT <= kept <= KEPT + (1 << 16)
    assert bench.console.dropped == 3_000_000 - kept


def test_dropping_what_was_read_is_no_loss(bench):
    for at_ms in range(300):
        bench.says(at_ms, "x" * 9_999 + "\n")
    for _ in range(300):
        bench.expect("x\n")
    assert bench.console.dropped == 0


@pytest.mark.parametrize("pattern", ["login: ", re.compile(r"(?m)^login: ")])
def test_noise_is_searched_once_but_for_the_overlap(bench, pattern, monkeypatch):
    looked = []
    plain = console_module._Text.since
    monkeypatch.setattr(
        console_module._Text, "since", lambda text, position: looked.append(plain(text, position)) or looked[-1]
    )
    for at_ms in range(200):
        bench.says(at_ms, b"\xff noise\n" * 1000)
    bench.says(200, "login: ")
    assert bench.expect(pattern).t_ns == 200 * MS
    assert sum(map(len, looked)) <= 200 * 8000 + 7 + 202 * (OVERLAP + 1)


def test_a_long_match_in_pieces_is_found_within_the_overlap(bench):
    text = "<" + "y" * (OVERLAP - 2) + ">"
    for at_ms, start in enumerate(range(0, len(text), 100)):
        bench.says(at_ms, "noise" * 100 if at_ms == 0 else "")
        bench.says(at_ms, text[start : start + 100])
    assert bench.expect(re.compile("<y+>")).text == text


@pytest.mark.parametrize("seed", range(60))
def test_the_noise_of_a_wrong_baud_rate_or_of_a_boot_hides_no_line_that_follows(bench, seed):
    """Any bytes, cut anywhere: beginnings of escape sequences and of characters among them, and no end of them."""
    rng = random.Random(seed)
    noise = bytes(
        rng.choice((0x00, 0x1B, 0x5B, 0x5D, 0x80, 0xC3, 0xE2, 0xF8, 0xFF, 0x0D, rng.randrange(256))) for _ in range(80)
    )
    stream = noise + b"\r\nready \xe2\x9c\x93\r\n"
    at_ms = 1
    while stream:
        size = rng.randrange(1, 9)
        bench.says(at_ms, stream[:size])
        stream, at_ms = stream[size:], at_ms + 1
    assert isinstance(bench.expect(re.compile(r"(?m)^ready ✓$"), 1.0), Match)
