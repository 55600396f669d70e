"""Cases that begin alike: their beginning is read once, and each reads as if it were the only one."""

import json
import sys
from pathlib import Path

import cantools
import pytest

from hil.can.frames import FD
from hil.can.log_frames import FrameList
from hil.evidence.beginnings import CommonBlocks
from hil.evidence.blocks import BlockReader
from hil.evidence.facts import Wires
from hil.evidence.fitting import fitted
from hil.evidence.frames import FrameKeeper
from hil.evidence.reader import read_attempt, read_outline
from hil.journal import Journal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import evidence_factory as factory

S = factory.S
DATABASE = cantools.database.load_file(str(factory.CHASSIS))
BOOT_S, END_S = 2, 4


def cyclic(journal, from_s, to_s, speed):
    def values(t_ns):
        return {"VehicleSpeed": speed(t_ns // S)}

    for t_ns, can_id, flags, data in sorted(factory._cyclic(DATABASE, to_s * S, values)):
        if t_ns >= from_s * S:
            journal.frame(t_ns, "chassis", can_id, flags, 0, data)


def boot():
    journal = Journal(None)
    journal.expect("case")
    factory.step(journal, 1, 0, BOOT_S * S, "Start from 'on'")
    cyclic(journal, 0, BOOT_S, lambda t_s: 3.0 * t_s)
    journal.pack()
    return journal


def case(results, case_id, begin, speed, *, begin_s=BOOT_S, end_s=END_S):
    journal = factory.open_case(results, case_id)
    journal.attach("chassis.dbc", "text/plain", factory.CHASSIS.read_bytes())
    facts = {"database": "chassis.dbc", "bitrate": 500_000, "data_bitrate": 2_000_000}
    journal.metadata("buses", {"chassis": json.dumps(facts)})
    journal.take_over(begin)
    cyclic(journal, begin_s, end_s, speed)
    factory.check(journal, 3 * S, case_id != "d", "on", "on")
    factory.verdict(journal, end_s * S, "fail" if case_id == "d" else "pass")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Six cases with one boot, of which two stay as they were, and one is silent after it; then one of another boot."""
    folder, begin = tmp_path_factory.mktemp("alike"), boot()
    case(folder, "a", begin, lambda t_s: 3.0)
    case(folder, "b", begin, lambda t_s: 20.0 * t_s)
    case(folder, "c", begin, lambda t_s: 7.0)
    case(folder, "d", begin, lambda t_s: 3.0 if t_s == 2 else 9.5)
    case(folder, "e", begin, lambda t_s: 3.0, end_s=BOOT_S)
    other = Journal(None)
    other.expect("case")
    cyclic(other, 0, BOOT_S, lambda t_s: 50.0)
    case(folder, "g", begin, lambda t_s: 3.0, begin_s=3)
    case(folder, "f", other, lambda t_s: 50.0)
    return folder


def shown(outline, folder, wires):
    """All that the page has of an attempt."""
    return fitted(read_attempt(outline, folder, wires), 10**9)


def test_a_case_reads_the_same_alone_and_after_others(results):
    outline, wires = read_outline(results), Wires()
    for folder in [*outline.attempts(), *outline.attempts()]:
        assert shown(outline, folder, wires) == shown(outline, folder, Wires()), folder.parent.name


def test_a_signal_that_changed_after_the_boot_has_both_parts(results):
    outline, wires = read_outline(results), Wires()
    speeds = {}
    for folder in outline.attempts():
        series = read_attempt(outline, folder, wires).timeline.series
        (speed,) = (one for one in series if one.name == "chassis::ESC_Speed.VehicleSpeed")
        speeds[folder.parent.name] = speed.values
    assert speeds == {
        "a": (0, 3), "b": (0, 3, 40, 60), "c": (0, 3, 7), "d": (0, 3, 9.5), "e": (0, 3), "f": (50,), "g": (0, 3),
    }  # fmt: skip


def test_a_message_that_is_silent_after_the_boot_is_overdue_in_that_case_alone(results):
    outline, wires = read_outline(results), Wires()
    silent = {}
    for folder in outline.attempts():
        found = read_attempt(outline, folder, wires).timeline.silent
        silent[folder.parent.name] = [to_ns for _, to_ns in found.get("chassis::ESC_Speed", ())]
    assert silent == {**{key: [] for key in "abcdef"}, "g": [3 * S + 1_000]}


def test_the_boot_is_read_twice_and_then_known(results):
    common = CommonBlocks()
    seen = []
    for folder in read_outline(results).attempts():
        blocks = list(BlockReader(folder / "journal.mcap", common=common))
        seen.append(next(block.common for block in blocks if len(block.frames)))
    assert seen == [False, True, True, True, True, False, True]


def test_what_the_boot_says_is_worked_out_once(results, monkeypatch):
    from hil.evidence.wire import SignalCollector

    taken, take = [], SignalCollector.take

    def counted(self, frames):
        taken.append(int(frames.t_ns[0]) < BOOT_S * S)
        take(self, frames)

    monkeypatch.setattr(SignalCollector, "take", counted)
    outline, wires = read_outline(results), Wires()
    for folder in outline.attempts()[:5]:
        read_attempt(outline, folder, wires)
    assert sum(taken) == 2, "with the first case, and when the second turned out to begin alike"


def test_equal_bytes_after_other_channels_are_another_block(tmp_path):
    common, seen = CommonBlocks(), []
    for bus in ("one", "two", "one"):
        journal = Journal(tmp_path / f"{len(seen)}.mcap")
        for t_ns in (0, S):
            journal.frame(t_ns, bus, 0x123, 0, 0, b"same")
            journal.pack()
        journal.close()
        reader = BlockReader(tmp_path / f"{len(seen)}.mcap", common=common)
        seen.append([reader.buses[block.frames.channel[0]] for block in reader])
    assert seen == [["one", "one"], ["two", "two"], ["one", "one"]]
    assert [block.common for block in BlockReader(tmp_path / "0.mcap", common=common)] == [True, True]


def frame_of(speed, t_ns):
    frames, message = FrameList(), DATABASE.get_message_by_name("ESC_Speed")
    data = message.encode({one.name: 0 for one in message.signals} | {"VehicleSpeed": speed}, strict=False)
    frames.add(t_ns, 0, message.frame_id, FD, len(data), data)
    return frames.take()


def wire():
    facts = json.dumps({"database": "chassis.dbc"})
    return Wires().of({"chassis.dbc": factory.CHASSIS.read_bytes()}, {"buses": {"chassis": facts}})


def values_of(series):
    return next(one.values for one in series if one.name == "chassis::ESC_Speed.VehicleSpeed")


def test_a_value_that_comes_back_is_seen():
    begun = wire().signals.begin(["chassis"])
    begun.take(frame_of(3, 0))
    case = begun.go_on(["chassis"])
    for t_s, speed in ((1, 7), (2, 3)):
        case.take(frame_of(speed, t_s * S))
    assert values_of(case.series()) == (3, 7, 3)
    assert values_of(begun.series()) == (3,)


def test_a_common_block_in_the_middle_of_a_case_is_no_beginning():
    known, common = wire(), frame_of(3, S)
    for speed in (7, 9):
        keeper = FrameKeeper()
        keeper.begin(known, ["chassis"])
        keeper.take(frame_of(speed, 0))
        keeper.take(common, common=True)
        keeper.take(frame_of(5, 2 * S))
        assert values_of(keeper.series(3 * S)) == (speed, 3, 5)
