"""What is found out of a log before it is replayed, and what is refused then, in one clear line."""

import re
from dataclasses import replace

import pytest
from can_lab import MS, dbc, msg, sig
from replay_lab import write_log
from small_bench import BODY, CHASSIS

from hil.bench import config as bench_config
from hil.bench.plan import plan
from hil.bench.replay_survey import ReplayWish, prepare
from hil.can.frames import BRS, FD
from hil.errors import UsageError

SAFE = msg("Safe", 0x110, 8, sig("Crc", "0|8@1+"), sig("Counter", "8|4@1+"), sig("Level", "16|8@1+"),
           cycle=10, profile="P01", data_id=1)  # fmt: skip
HEAT = msg("Src", 0x111, 1, sig("Heat", "0|8@1+", labels={3: "Hot"}))
HEAT_GW = msg("Copy", 0x213, 1, sig("HeatGw", "0|8@1+", labels={1: "Hot"}, source="Src.Heat"), sender="GW")
FILE = """[bench]
name = "two"
clock = "virtual"

[bus.body]
port = "sim"
database = "body.dbc"
real_nodes = ["ECU"]

[bus.chassis]
port = "sim"
data_bitrate = 2_000_000
database = "chassis.dbc"
"""
ROWS = [(0, "1", 0x200, b"\0"), (10, "2", 0x100, b"\0\0"), (20, "1", 0x300, b"\0"), (30, "2", 0x110, bytes(8)),
        (40, "1", 0x212, b"\1\2"), (50, "2", 0x7AB, b"a")]  # fmt: skip


@pytest.fixture
def bench(tmp_path):
    (tmp_path / "body.dbc").write_text(dbc(*BODY, HEAT_GW))
    (tmp_path / "chassis.dbc").write_text(dbc(*CHASSIS, SAFE, HEAT))
    (tmp_path / "bench.toml").write_text(FILE)
    return plan(bench_config.load(tmp_path / "bench.toml"))


@pytest.fixture
def find(bench, tmp_path):
    """Prepare a replay of `ROWS`, or of others."""

    def find(*rows, name="drive.asc", **wishes):
        file = write_log(tmp_path / name, rows or ROWS) if "file" not in wishes else wishes.pop("file")
        return prepare(bench.config, bench.network, ReplayWish(file=file, **wishes))

    return find


def test_channels_are_buses_by_number_or_name_or_as_given(find):
    by_number = find()
    assert by_number.channels == ["channel 1 is bus body (by its number)", "channel 2 is bus chassis (by its number)"]
    assert (by_number.frames, by_number.unknown) == (5, 1)
    assert dict(by_number.left_out) == {"sent by ECU, which is really there": 1}
    assert set(by_number.messages) == {
        ("body", 0x200, 0), ("chassis", 0x100, 0), ("chassis", 0x110, 0), ("body", 0x212, 0), ("chassis", 0x7AB, 0)
    }  # fmt: skip
    by_name = find(*((ms, {"1": "body", "2": "chassis"}[channel], *rest) for ms, channel, *rest in ROWS), name="d.log")
    assert by_name.channels == []
    assert by_name.messages == by_number.messages
    given = find(channels={"2": "body", "1": "chassis"})
    assert given.channels == ["channel 1 is bus chassis (as given)", "channel 2 is bus body (as given)"]
    assert given.messages["chassis", 0x200, 0] is None
    assert "sent by ECU, which is really there" not in given.left_out


def test_two_channels_are_one_bus_only_where_both_were_given(find):
    assert find(channels={"1": "chassis", "2": "chassis"}).frames == 6


def test_the_length_of_a_pass(find):
    rows = [(n * 10 + 5, "2", 0x100, b"\0\0") for n in range(11)]
    assert find(*rows).period_ns == 110 * MS
    assert find(*rows, start_ns=15 * MS).period_ns == (100 - 15 + 10) * MS
    assert find(*rows, start_ns=15 * MS, end_ns=42 * MS).period_ns == 27 * MS
    assert find(*rows, end_ns=500 * MS).period_ns == 110 * MS
    assert find(*rows, repeat=3, speed=2).span_ns == 165 * MS


def test_a_log_is_read_no_further_than_it_is_played(find, bench, tmp_path):
    file = write_log(tmp_path / "long.log", [(n, "chassis", 0x100, b"\0\0") for n in range(60_000)])
    blocks = []

    class Watching:
        def __init__(self, log):
            pass

        def __enter__(self):
            return lambda: blocks.append(1)

        def __exit__(self, *_):
            pass

    prepare(bench.config, bench.network, ReplayWish(file=file, end_ns=MS), Watching)
    read = len(blocks)
    prepare(bench.config, bench.network, ReplayWish(file=file), Watching)
    assert read < len(blocks) - read


def test_a_log_that_was_cut_says_where(find, tmp_path):
    file = write_log(tmp_path / "cut.log", [(n, "chassis", 0x100, b"\0\0") for n in range(100)])
    file.write_bytes(file.read_bytes()[:-7])
    prepared = find(file=file)
    assert prepared.frames == 99
    assert prepared.complaint == (
        "cut.log: breaks off in line 100, which was left out; 99 frames were read, until 0.098 s"
    )


def test_frames_before_the_first_are_counted(find):
    prepared = find((5, "chassis", 0x100, b"\0\0"), (3, "chassis", 0x102, b"\0"), name="back.log")
    assert dict(prepared.left_out) == {"stamped before the first frame of the log": 1}


def test_can_fd_is_replayed_where_the_bus_takes_it(find):
    rows = [(0, "1", 0x200, b"\0"), (1, "2", 0x123, bytes(32), FD | BRS)]
    assert find(*rows).frames == 2
    with pytest.raises(UsageError, match=r"channel 2 has CAN FD frames, and bus body is classic CAN\. Remedy: map"):
        find(*rows, channels={"2": "body", "1": "chassis"})
    assert find(*rows, channels={"2": "body", "1": "chassis"}, without=["0x123"]).frames == 1


def test_overridden_signals_are_raw_values_with_those_of_gateways(find, bench):
    overrides = find(override={"ESC_Speed.Speed": "100 km/h", "Two": 7}).options.overrides
    assert {str(ref): raw for ref, raw in overrides.items()} == {
        "body::GW_Speed.Speed": 50, "chassis::ESC_Speed.Speed": 10_000, "body::Paged.Two": 7
    }  # fmt: skip
    labels = find((0, "1", 0x213, b"\0"), (1, "2", 0x111, b"\0"), override={"Heat": "Hot"}).options.overrides
    assert {str(ref): raw for ref, raw in labels.items()} == {"body::Copy.HeatGw": 1, "chassis::Src.Heat": 3}
    alone = find(*[row for row in ROWS if row[1] == "2"], channels={"2": "chassis"}, override={"ESC_Speed.Speed": 1})
    assert {str(ref) for ref in alone.options.overrides} == {"chassis::ESC_Speed.Speed"}


REFUSED = [
    ({"override": {"HighBeem": 1}}, "no signal 'HighBeem' on this bench. Remedy: "),
    ({"override": {"ESC_Sped.Speed": 1}}, "no signal 'ESC_Sped.Speed' on this bench. Remedy: did you mean Speed?"),
    ({"override": {"Speed": 1}},
     "'Speed' is ambiguous. Remedy: say which: body::GW_Speed.Speed, chassis::ESC_Speed.Speed."),
    ({"override": {"ESC_Speed.Speed": "400 km/h"}}, "400 km/h is out of range for chassis::ESC_Speed.Speed"),
    ({"override": {"ESC_Speed.Speed": "fast"}}, "'fast' is no value of chassis::ESC_Speed.Speed"),
    ({"override": {"Page": 1}}, "body::Paged.Page: a multiplexer can't be overridden"),
    ({"override": {"Safe.Counter": 1}}, "chassis::Safe.Counter: is written by the message's E2E protection"),
    ({"override": {"Gear": "D"}}, "chassis::TCM_Gear.Gear: its message isn't in the log. Remedy: override what is"),
    ({"override": {"State": 1}},
     "body::Answer.State: its frames are left out: sent by ECU, which is really there. Remedy: "),
    ({"override": {"Two": 1}, "without": ["Paged"]}, "body::Paged.Two: its frames are left out: not asked for."),
    ({"only": ["Gera"]}, "only: no message or signal is called 'Gera'. Remedy: did you mean Gear?"),
    ({"without": ["0x2-0x1"], "dashes": "--"}, "--without: the range '0x2-0x1' goes backwards"),
    ({"channels": {"1": "bodi"}}, "channel 1: there is no bus 'bodi'. Remedy: buses: body, chassis."),
    ({"channels": {"3": "body"}}, "drive.asc: there is no channel '3' in the log. Remedy: it has 1, 2."),
    ({"only": ["Answer"]},
     "drive.asc: none of its 6 frames (until 0.050 s) is left: 5 not asked for; 1 sent by ECU, which is really there."),
    ({"start_ns": 60 * MS}, "drive.asc: none of its 6 frames (until 0.050 s) is left. Remedy: ask for another part"),
    ({"start_ns": 30 * MS, "end_ns": 30 * MS}, "it would end at 0.030 s, before it begins at 0.030 s"),
    ({"start_ns": 30 * MS, "end_ns": 39 * MS, "repeat": 0}, "repeat: 0 times is not at all"),
    ({"start_ns": 30 * MS, "repeat": 2, "only": ["Safe"]},
     "its frames are all at one instant, which can't be repeated"),
    ({"speed": 0.0}, "speed: 0 is no speed. Remedy: give a number from 0.01 to 1000."),
    ({"speed": float("nan"), "dashes": "--"}, "--speed: nan is no speed."),
    ({"speed": 1001.0}, "speed: 1001 is no speed."),
]  # fmt: skip


@pytest.mark.parametrize(("wishes", "said"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_can_not_be_replayed_is_refused_in_one_line(find, wishes, said):
    with pytest.raises(UsageError, match=re.escape(said)) as refused:
        find(**wishes)
    assert "\n" not in str(refused.value)


def test_two_channels_of_one_bus(find, tmp_path, bench):
    one_bus = bench.config.model_copy(update={"bus": {"body": bench.config.bus["body"]}})
    file = write_log(tmp_path / "x.asc", [(0, "4", 0x200, b"\0"), (1, "7", 0x200, b"\0")])
    network = bench.network.only(["body"])
    said = r"x\.asc: the channels 4 and 7 would both be bus body\. Remedy: say which one is: channel 4=body\."
    with pytest.raises(UsageError, match=said):
        prepare(one_bus, network, ReplayWish(file=file))
    wish = ReplayWish(file=file, channels={"7": "body"})
    assert dict(prepare(one_bus, network, wish).left_out) == {"on channel 4, which is no bus of this bench": 1}
    with pytest.raises(UsageError, match="none of its 2 frames"):
        prepare(one_bus, network, replace(wish, only=["0x1"]))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("no.log", None, "no.log: can't be read: No such file or directory. Remedy: check its path"),
        ("empty.log", b"", "empty.log: is empty. Remedy: give .blf, .asc, .log"),
        ("text.txt", b"once upon a time\n", "text.txt: is no log that is known here"),
        ("garbage.log", b"\0\1\2\n" * 5000, "garbage.log: is no candump log: nothing in it can be read"),
        ("blf.blf", b"LOGG" + bytes(200), "blf.blf: "),
    ],
)
def test_what_is_no_log_is_said(find, tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=re.escape(said)):
        find(file=tmp_path / name)


def test_a_folder_is_no_log(find, tmp_path):
    with pytest.raises(UsageError, match=r"is a folder\. Remedy: name a log in it\."):
        find(file=tmp_path)
