"""A line on the timeline ends where its message is overdue: a value that nobody sends any more is no value of now."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from hil.can.traits import MessageTraits
from hil.evidence.facts import Wires
from hil.evidence.reader import read_attempt, read_outline
from hil.evidence.report import make_report
from hil.evidence.silence import MOST, Silences, overdue_after_ns

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import evidence_factory as factory
from test_page import Page

MS, S = factory.MS, factory.S


def at(*t_ms):
    return np.array(t_ms, np.int64) * MS


def taken(*blocks, overdue_ms=30):
    silences = Silences()
    for block in blocks:
        silences.take("body::X", overdue_ms * MS, at(*block))
    return silences


def spans(silences, end_ms):
    return [(from_ns // MS, to_ns and to_ns // MS) for from_ns, to_ns in silences.until(end_ms * MS).get("body::X", ())]


def test_a_message_in_time_is_never_silent():
    assert spans(taken((0, 10, 20, 50), (80, 90)), 120) == []


def test_a_gap_begins_when_the_message_is_overdue_and_ends_with_the_next_frame():
    assert spans(taken((0, 10, 100, 110)), 110) == [(40, 100)]


def test_a_gap_between_two_blocks_is_seen_too():
    assert spans(taken((0, 10), (100,)), 100) == [(40, 100)]


def test_what_stopped_is_silent_until_the_end():
    assert spans(taken((0, 10)), 500) == [(40, None)]


def test_a_copy_goes_its_own_way():
    first = taken((0, 10))
    second = first.copy()
    second.take("body::X", 30 * MS, at(100))
    assert (spans(first, 40), spans(second, 100)) == ([], [(40, 100)])


def test_it_is_bounded_and_says_so():
    silences = taken(range(0, 100 * (MOST + 3), 100))
    assert len(spans(silences, 100 * (MOST + 2))) == MOST
    assert silences.notes() == [f"body::X fell silent more than {MOST} times: the line is drawn on then"]


def test_only_what_has_a_cycle_at_all_times_can_be_overdue():
    cyclic = MessageTraits(flags=0, cycle_ns=20 * MS)
    others = MessageTraits(flags=0), replace(cyclic, active_only=True), replace(cyclic, is_diag=True), None
    assert overdue_after_ns(cyclic) == 60 * MS
    assert [overdue_after_ns(traits) for traits in others] == [0] * 4


def test_the_page_has_the_silence_of_each_message(tmp_path):
    factory.wired(tmp_path)
    make_report(tmp_path)
    silent = Page(tmp_path / "index.html").case("wire.full")["silent"]
    (span,) = silent.pop("chassis::TCM_Gear")
    assert (round(span[0], 1), round(span[1], 1)) == (4.1, 7.0)
    assert silent == {}


def test_a_case_that_ends_in_silence_has_it_until_its_end(tmp_path):
    factory.wired(tmp_path, seconds=5)
    timeline = read_attempt(read_outline(tmp_path), next((tmp_path / "tests").glob("*/1")), Wires()).timeline
    assert [to_ns for _, to_ns in timeline.silent["chassis::TCM_Gear"]] == [None]
